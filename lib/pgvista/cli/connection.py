"""The options that every command with a database has, and the database they lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pgvista.cli.output import tell

if TYPE_CHECKING:
    from pgvista.db.database import Database

Function = TypeVar("Function", bound=Callable[..., Any])

url_option = click.option(
    "--url",
    metavar="URL",
    help="The server: a postgresql:// address or libpq's key=value text. "
    "Without it: PGVISTA_URL, else the embedded server in PGVISTA_DATA.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on standard output."
)


def database_options(function: Function) -> Function:
    """Give a command --json and --url."""
    return json_option(url_option(function))


@contextmanager
def open_database(url: str | None) -> Iterator[Database]:
    """Give the database of `url`, of PGVISTA_URL, or of the embedded server; close it at the end.

    Raises ConnectionFailed when there is no answer, ExtensionMissing without pgvector.
    """
    from pgvista.services import connect

    db = connect.open_database(url, on_wait=tell)
    try:
        yield db
    finally:
        db.close()
