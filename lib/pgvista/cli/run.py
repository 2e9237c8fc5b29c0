"""`pgvista run`: start the app."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from pgvista.cli.connection import url_option
from pgvista.errors import Conflict, InvalidInput, PermissionDenied

DEFAULT_HOST = "127.0.0.1"


@click.command("run")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port to listen on. Without it: 8501, or the next one that is free.",
)
@click.option(
    "--host",
    default=DEFAULT_HOST,
    show_default=True,
    help="Address to listen on. The app asks nobody for a password: with any other than the "
    "default, whoever reaches the port reaches the data.",
)
@click.option(
    "--browser/--no-browser",
    default=None,
    help="Open the browser, or do not. Without it: where there is a screen.",
)
@click.option("--headless", is_flag=True, help="The same as --no-browser.")
@url_option
def run_command(
    port: int | None, host: str, browser: bool | None, headless: bool, url: str | None
) -> None:
    """Start the app, and leave it running until Ctrl-C."""
    from pgvista.config import load_settings
    from pgvista.paths import app_script

    settings = load_settings()
    if url is not None:
        from pgvista.db.target import target_from_url

        target_from_url(url)  # refuse a typing error before the app starts
        os.environ["PGVISTA_URL"] = url  # not in the arguments, which others can list
    elif settings.url is None:
        check_writable(settings.data_dir)
    if port is not None:
        _check_port(host, port)
    arguments = streamlit_arguments(
        app_script(), port=port, host=host, browser=False if headless else browser
    )
    sys.stdout.flush()
    if os.name == "nt":  # execv would leave the shell without the program it waits for
        raise click.exceptions.Exit(subprocess.call(arguments))  # noqa: S603
    os.execv(sys.executable, arguments)  # noqa: S606


def streamlit_arguments(
    script: Path, *, port: int | None, host: str, browser: bool | None
) -> list[str]:
    """Return the command line that serves `script`; its settings lie beside it."""
    arguments = [sys.executable, "-m", "pgvista.ui.serve", "run", str(script)]
    arguments += ["--server.address", host, "--server.showEmailPrompt", "false"]
    if port is not None:
        arguments += ["--server.port", str(port)]
    if browser is not None:
        arguments += ["--server.headless", "false" if browser else "true"]
    return arguments


def check_writable(folder: Path) -> None:
    """Make the data folder where it is missing. Raises PermissionDenied or InvalidInput."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError):
        raise InvalidInput(
            f"The data folder {folder} is not a folder.", "Set PGVISTA_DATA to another one."
        ) from None
    except OSError as error:
        raise PermissionDenied(
            f"The data folder {folder} cannot be written: {error.strerror or error}.",
            "Give it to the user that runs pgvista, or set PGVISTA_DATA to another folder.",
        ) from None


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        if os.name != "nt":
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"Port {port} of {host} cannot be listened on: {error.strerror or error}.",
                "Choose another with --port, or leave it out.",
            ) from None
