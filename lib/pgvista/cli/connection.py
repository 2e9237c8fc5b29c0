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
    from pgvista.config import load_settings
    from pgvista.db.database import Database
    from pgvista.db.target import target_from_url

    settings = load_settings()
    address = url if url is not None else settings.url.reveal() if settings.url else None
    revive = None
    if address is not None:
        target = target_from_url(address)
    else:
        from pgvista.db.embedded import start_embedded

        server = start_embedded(settings.data_dir, on_wait=tell)
        revive = server.ensure_running
        target = target_from_url(server.url, label="embedded", embedded=True)
    db = Database(target, statement_timeout_ms=settings.statement_timeout_ms, revive=revive)
    try:
        db.capabilities.require_vector()
        yield db
    finally:
        db.close()
