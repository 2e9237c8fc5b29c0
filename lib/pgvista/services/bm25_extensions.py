"""Extensions that rank by BM25 within Postgres: which of them a server has, and their indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import Bm25Index, Collection
from pgvista.services import catalog
from pgvista.sql import bm25_extensions as extension_sql
from pgvista.sql.query import Query

Standing = Literal["installed", "available", "absent"]


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension as a server has it."""

    name: str
    available: str | None
    """The version that `create extension` would install; None: the server has no files of it."""
    installed: str | None
    """The version installed in this database; None: it is not."""
    may_install: bool
    """Whether this role may install it here."""

    @property
    def standing(self) -> Standing:
        """Installed in this database, available on the server, or absent."""
        if self.installed is not None:
            return "installed"
        return "available" if self.available is not None else "absent"


def found(db: Database, names: Sequence[str] = extension_sql.NAMES) -> tuple[Extension, ...]:
    """Return how each extension of `names` stands on the server; by default those for BM25."""
    query = extension_sql.found(names)
    return tuple(Extension(*row) for row in db.read(lambda c: catalog.run(c, query).fetchall()))


def near_spelling(db: Database) -> Extension:
    """Return how pg_trgm stands, with which words spelled alike are found."""
    (trigrams,) = found(db, ("pg_trgm",))
    return trigrams


def is_there(db: Database, made: Bm25Index) -> bool:
    """Return whether an extension's index is still there."""
    query = extension_sql.is_there(made)
    return bool(db.query(query.statement, query.params)[0][0])


def making(extension: Extension, collection: Collection) -> list[Query]:
    """Return what installs an extension, where it is not yet, and indexes the text by it."""
    first = [] if extension.installed is not None else extension_sql.install(extension.name)
    version = extension.installed or extension.available or ""
    return first + extension_sql.index(extension.name, collection, version)


def make(db: Database, collection: Collection, extension: Extension) -> None:
    """Install an extension, where it is not yet, and index the collection's text by it.

    Writers wait meanwhile. Nothing is left of it when a statement fails. Raises InvalidInput
    without a text column, PermissionDenied where the role may not, QueryFailed with the
    extension's own words, such as that its library is not loaded.
    """
    if collection.roles.content is None:
        raise InvalidInput(
            f"{collection.name} has no text column that an extension could index.",
            "Give a column the role of text.",
        )
    with db.transaction(timeout_ms=0) as connection:
        for query in making(extension, collection):
            catalog.run(connection, query)


def drop(db: Database, collection: Collection, made: Bm25Index) -> None:
    """Remove an extension's index, and what was made for it; the text and the extension stay."""
    with db.transaction() as connection:
        for query in extension_sql.drop_index(collection, made):
            catalog.run(connection, query)
