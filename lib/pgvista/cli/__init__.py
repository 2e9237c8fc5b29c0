"""The `pgvista` command: a thin face over the services.

Results go to standard output; progress, notes and errors to standard error. The exit status is 0,
that of the error (`PgvistaError.exit_code`), 2 for a misused option, or 130 after Ctrl-C. Nothing
heavy is imported before a command needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from pgvista.cli.collections import collections_command
from pgvista.cli.evaluate import evaluate_command
from pgvista.cli.load import load_command
from pgvista.cli.map import map_command
from pgvista.cli.output import errors_on_stderr, without_passwords
from pgvista.cli.run import run_command
from pgvista.cli.search import search_command
from pgvista.cli.tune import tune_command
from pgvista.errors import Cancelled, PgvistaError

__all__ = ["command", "main"]

_BROKEN_PIPE = 141
"""What a shell reports of a program that wrote to a closed pipe: 128 + SIGPIPE."""

_COMPLETION = "_PGVISTA_COMPLETE"
"""The variable by which a shell asks for completions, which click answers."""

_EPILOG = """\b
Environment:
  PGVISTA_URL    server to use instead of the embedded one
  PGVISTA_DATA   folder of the embedded server

A password is best left out of --url: put it into ~/.pgpass or PGPASSWORD."""


@click.group(
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="pgvista", message="%(prog)s %(version)s")
def command() -> None:
    """The workbench for vectors in Postgres: load, search, and see why."""


command.add_command(run_command)
command.add_command(load_command)
command.add_command(collections_command)
command.add_command(search_command)
command.add_command(evaluate_command)
command.add_command(tune_command)
command.add_command(map_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave the process with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if _COMPLETION in os.environ:
            command.main(given, prog_name="pgvista")
        with command.make_context("pgvista", given) as context:
            command.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except PgvistaError as error:
        errors_on_stderr(error)
        return error.exit_code
    except click.ClickException as error:
        _tell_misuse(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        errors_on_stderr(Cancelled("Stopped."))
        return Cancelled.exit_code
    except BrokenPipeError:
        # what is still buffered must not be written again as the interpreter ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    return 0


def _tell_misuse(error: click.ClickException) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        click.echo(context.get_usage(), err=True)
    click.echo(f"Error: {without_passwords(error.format_message())}", err=True)
    if context is not None:
        click.echo(f"Try '{context.command_path} --help'.", err=True)
