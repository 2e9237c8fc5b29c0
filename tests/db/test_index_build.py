"""An index built as a job: its progress is told, and stopping it leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pgvista.db.database import Database
from pgvista.db.target import target_from_url
from pgvista.errors import Cancelled
from pgvista.model.collection import Collection, NewCollection
from pgvista.model.index import IndexSpec
from pgvista.model.progress import Progress
from pgvista.services import collections
from pgvista.services.index_build import build_index

ROWS = 12_000


class Watching:
    """A reporter that keeps what it is told, and says stop once it was told enough."""

    def __init__(self, *, stop_after: int | None = None) -> None:
        self.told: list[Progress] = []
        self._stop_after = stop_after

    def report(self, progress: Progress) -> None:
        self.told.append(progress)

    def check(self) -> None:
        if self._stop_after is not None and len(self.told) >= self._stop_after:
            raise Cancelled("Stopped.")


@pytest.fixture
def docs(database_url: str) -> Iterator[tuple[Database, Collection]]:
    """A collection whose index takes some seconds to build."""
    database = Database(target_from_url(database_url))
    made = collections.create(database, NewCollection("docs", dimension=256))
    with database.transaction() as connection:
        connection.execute(
            "insert into pgvista.docs (id, embedding) select i::text, (select array_agg(random()) "
            "from generate_series(1, 256 + i * 0))::vector "
            f"from generate_series(1, {ROWS}) i"
        )
    yield database, made
    database.close()


def test_progress_is_told_and_the_index_stands(docs: tuple[Database, Collection]) -> None:
    reporter = Watching()
    built = build_index(*docs, IndexSpec(ef_construction=200), reporter=reporter)
    assert built.index.valid
    assert built.analyzed
    assert built.rows == ROWS
    assert reporter.told
    assert any(progress.total for progress in reporter.told)


def test_stopping_leaves_no_index(docs: tuple[Database, Collection]) -> None:
    reporter = Watching(stop_after=1)
    with pytest.raises(Cancelled):
        build_index(*docs, IndexSpec(m=64, ef_construction=1000), reporter=reporter)
    assert [i.method for i in collections.indexes(*docs) if i.method == "hnsw"] == []
