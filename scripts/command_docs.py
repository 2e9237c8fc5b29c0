"""Write docs/commands.md from the help texts of the `pgvista` command.

python scripts/command_docs.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from pgvista import config, errors
from pgvista.cli import command

COMMANDS_MD = Path(__file__).parents[1] / "docs" / "commands.md"
_WIDTH = 100
_INTRODUCTION = """\
# The `pgvista` command

Results go to standard output; progress, notes and errors to standard error. With `--json`, standard
output holds one JSON document and nothing else. Ctrl-C stops a load between two steps, and pressed
again at once: what was committed stays, and the same command goes on from there.

| exit status | meaning |
|---|---|
"""


def commands_markdown() -> str:
    """Return the whole page."""
    return _INTRODUCTION + "".join([*_statuses(), *_environment(), *_sections()])


def _statuses() -> Iterator[str]:
    yield "| 0 | done; rows that were set aside by a load are told of |\n"
    kinds: dict[int, list[str]] = {}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.PgvistaError):
            kinds.setdefault(kind.exit_code, []).append((kind.__doc__ or "").split("\n")[0])
    for status, meanings in sorted(kinds.items()):
        meaning = "anything else" if status == errors.PgvistaError.exit_code else meanings[0]
        yield f"| {status} | {meaning.rstrip('.')} |\n"
    yield "| 141 | the program that read the output went away |\n"


def _environment() -> Iterator[str]:
    yield "\n## Environment\n\n"
    yield from (f"{line}\n" for line in (config.__doc__ or "").splitlines() if line[:1] == "|")


def _sections() -> Iterator[str]:
    yield _section(command, "pgvista")
    for name, sub in sorted(command.commands.items()):
        yield _section(sub, f"pgvista {name}")


def _section(item: click.Command, path: str) -> str:
    context = click.Context(
        item, info_name=path, terminal_width=_WIDTH, max_content_width=_WIDTH, color=False
    )
    context.help_option_names = command.context_settings["help_option_names"]
    text = "\n".join(line.rstrip() for line in item.get_help(context).splitlines())
    return f"\n## {path}\n\n```text\n{text}\n```\n"


if __name__ == "__main__":
    COMMANDS_MD.parent.mkdir(exist_ok=True)
    COMMANDS_MD.write_text(commands_markdown(), "utf-8")
