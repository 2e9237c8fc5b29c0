"""Extensions that rank by BM25 within Postgres: which of them a server has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pgvista.db.database import Database
from pgvista.services import catalog
from pgvista.sql import bm25_extensions as extension_sql

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
