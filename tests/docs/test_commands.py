"""docs/commands.md is what the command itself says."""

from __future__ import annotations

import click
import pytest
from scripts.command_docs import COMMANDS_MD, commands_markdown

from pgvista.cli import command
from pgvista.cli.load import FORMATS, SAMPLES
from pgvista.io.formats import FileFormat
from pgvista.io.samples import samples


def test_the_page_is_up_to_date() -> None:
    assert COMMANDS_MD.read_text("utf-8") == commands_markdown(), (
        "docs/commands.md is stale: run python scripts/command_docs.py"
    )


@pytest.mark.parametrize("name", sorted(command.commands))
def test_every_command_and_option_is_on_the_page(name: str) -> None:
    page = COMMANDS_MD.read_text("utf-8")
    assert f"## pgvista {name}\n" in page
    section = page.split(f"## pgvista {name}\n")[1].split("\n## ")[0]
    for param in command.commands[name].params:
        if isinstance(param, click.Option):
            assert param.help or param.show_default, f"{param.opts[0]} has no help"
            for option in (*param.opts, *param.secondary_opts):
                assert option in section
        else:
            assert param.make_metavar(click.Context(command.commands[name])) in section


def test_choices_that_are_written_down_twice_are_the_same() -> None:
    """Their modules are not imported by the command before they are needed."""
    assert set(FORMATS) == set(FileFormat)
    assert set(SAMPLES) == {sample.key for sample in samples()}
