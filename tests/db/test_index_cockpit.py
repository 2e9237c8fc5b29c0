"""The index cockpit's services: overview, estimates against real builds, and builds that go wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from pgvista.db.database import Database
from pgvista.db.target import target_from_url
from pgvista.errors import (
    Cancelled,
    Conflict,
    InvalidInput,
    PermissionDenied,
    PgvistaError,
    ReadOnly,
    StatementTimeout,
)
from pgvista.model.collection import Collection, NewCollection
from pgvista.model.filters import parse_filter
from pgvista.model.index import (
    BitMetric,
    FieldIndexSpec,
    IndexMethod,
    IndexSpec,
    IndexTarget,
)
from pgvista.model.metric import Metric, VectorType
from pgvista.model.progress import Progress
from pgvista.services import collections, index_estimate, index_overview, indexes
from pgvista.services.index_build import WAITING, build_index, rebuild_index
from pgvista.services.indexes import IndexWork

DIMENSION = 64
ROWS = 4_000


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(target_from_url(database_url))
    yield database
    database.close()


@pytest.fixture
def docs(db: Database) -> Collection:
    return filled(db, "docs", ROWS, DIMENSION)


def filled(
    db: Database,
    name: str,
    rows: int,
    dimension: int,
    vector_type: VectorType = VectorType.VECTOR,
    metric: Metric = Metric.COSINE,
) -> Collection:
    made = collections.create(
        db, NewCollection(name, dimension=dimension, vector_type=vector_type, metric=metric)
    )
    with db.transaction() as connection:
        connection.execute("select setseed(0.5)")
        connection.execute(
            f"insert into pgvista.{name} (id, content, metadata, embedding) select i::text, "
            "'text ' || i, jsonb_build_object('part', mod(i, 10)), "
            "(select array_agg(random() - 0.5) from generate_series(1, %s + i * 0))::real[]"
            f"::{vector_type.value} from generate_series(1, %s) i",
            (dimension, rows),
        )
    return made


class Watching:
    """A reporter that keeps what it is told, and says stop when it is told to."""

    def __init__(self, stop: Callable[[Progress], bool] = lambda _: False) -> None:
        self.told: list[Progress] = []
        self._stop = stop

    def report(self, progress: Progress) -> None:
        self.told.append(progress)

    def check(self) -> None:
        if self.told and self._stop(self.told[-1]):
            raise Cancelled("Stopped.")


def vector_names(db: Database, collection: Collection) -> list[str]:
    return [index.name for index in indexes.vector_indexes(db, collection)]


# -- what there is


def test_the_overview_has_operators_scans_and_every_index(db: Database, docs: Collection) -> None:
    made = indexes.create_index(db, docs, IndexSpec(metric=Metric.L2))
    with db.transaction() as connection:
        connection.execute("set local enable_seqscan = off")
        connection.execute(
            "select id from pgvista.docs order by embedding <-> "
            "(select embedding from pgvista.docs where id = '7') limit 3"
        ).fetchall()
    with psycopg.connect(db.target.conninfo.reveal()) as session:
        session.execute("select pg_stat_force_next_flush()")
    found = {item.info.name: item for item in index_overview.overview(db, docs)}
    assert found[made.name].operators == ("<->",)
    assert found[made.name].info.metric is Metric.L2
    assert "@@" in found["docs_fts_idx"].operators
    assert "@>" in found["docs_metadata_idx"].operators
    assert {"<", "="} <= set(found["docs_pkey"].operators)
    assert next(iter(found)) == made.name
    _wait_for(lambda: _scans(db, docs, made.name) == 1)
    last = {i.name: i for i in collections.indexes(db, docs)}[made.name].last_scan
    assert last is not None


def _scans(db: Database, collection: Collection, name: str) -> int:
    return {index.name: index.scans for index in collections.indexes(db, collection)}[name]


def _wait_for(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.1)


def test_prewarming_fills_the_cache_that_is_shown(db: Database, docs: Collection) -> None:
    made = indexes.create_index(db, docs, IndexSpec())
    server = index_overview.build_server(db)
    assert {"pg_prewarm", "pg_buffercache"} <= server.available
    assert index_overview.overview(db, docs, server)[0].cached_bytes is None
    index_overview.install_buffercache(db, server)
    assert index_overview.prewarm(db, made, server) == made.size_bytes // 8192
    server = index_overview.build_server(db)
    assert server.prewarm_schema == server.buffercache_schema == "public"
    index_overview.prewarm(db, made, server)
    assert index_overview.overview(db, docs, server)[0].cached_bytes == made.size_bytes


# -- estimates

_SPECS = [
    (IndexSpec(), 0.02),
    (IndexSpec(m=5, ef_construction=20), 0.02),
    (IndexSpec(m=40, ef_construction=80), 0.02),
    (IndexSpec(target=IndexTarget.HALFVEC), 0.02),
    (IndexSpec(target=IndexTarget.BIT), 0.03),
    (IndexSpec(target=IndexTarget.LEADING, leading=24), 0.02),
    (IndexSpec(IndexMethod.IVFFLAT, lists=4), 0.0),
    (IndexSpec(IndexMethod.IVFFLAT, lists=10), 0.0),
    (IndexSpec(IndexMethod.IVFFLAT, lists=60), 0.0),
    (IndexSpec(IndexMethod.IVFFLAT, lists=4, target=IndexTarget.HALFVEC), 0.0),
]


@pytest.mark.parametrize("dimension", [64, 384])
def test_sizes_are_as_estimated(db: Database, dimension: int) -> None:
    made = filled(db, "sized", 2_000, dimension)
    server = index_overview.build_server(db)
    stats = collections.stats(db, made)
    for spec, tolerance in _SPECS:
        expected = index_overview.estimate(db, stats, spec, server).size_bytes
        # How full the last page of a list is, k-means decides, which draws by chance.
        chance = 0 if spec.lists is None else (spec.lists / 2 + 1) * 8192
        index = indexes.create_index(db, made, spec)
        near = pytest.approx(expected, abs=expected * tolerance + chance)
        assert index.size_bytes == near, spec
        indexes.drop_index(db, index)


def test_the_graph_stops_fitting_where_it_is_estimated(db: Database) -> None:
    made = filled(db, "memory", 3_000, 128)
    limit = 3 * 1024**2
    size = index_estimate.value_bytes(128, VectorType.VECTOR)
    work = IndexWork(db, made, limit)
    work.create(IndexSpec())
    assert "hnsw graph no longer fits into maintenance_work_mem after" in work.notices[0]
    after = int(work.notices[0].split("after ")[1].split()[0])
    assert index_estimate.hnsw_memory_bytes(after, size, 16) == pytest.approx(limit, rel=0.15)


def test_ivfflat_memory_is_what_pgvector_asks_for(db: Database) -> None:
    made = filled(db, "means", 3_000, 128)
    spec = IndexSpec(IndexMethod.IVFFLAT, lists=400)
    size = index_estimate.value_bytes(128, VectorType.VECTOR)
    table = collections.stats(db, made).table_bytes
    needed = index_estimate.ivfflat_memory_bytes(3_000, size, 128, 400, table)
    with pytest.raises(PgvistaError, match="memory required"):
        indexes.create_index(db, made, spec, maintenance_work_mem_bytes=int(needed * 0.9))
    assert vector_names(db, made) == []
    indexes.create_index(db, made, spec, maintenance_work_mem_bytes=int(needed * 1.1))


def test_a_partial_index_is_estimated_by_its_rows(db: Database, docs: Collection) -> None:
    spec = IndexSpec(filters=parse_filter({"part": {"$in": [1, 2]}}))
    stats = collections.stats(db, docs)
    expected = index_overview.estimate(db, stats, spec, index_overview.build_server(db))
    assert expected.rows == ROWS // 5
    built = IndexWork(db, docs).create(spec)
    assert built.rows == ROWS // 5
    assert built.index.predicate is not None
    assert built.index.size_bytes == pytest.approx(expected.size_bytes, rel=0.03)


def test_the_sample_leaves_nothing(db: Database, docs: Collection) -> None:
    stats = collections.stats(db, docs)
    seconds, rows = index_overview.sample_seconds(
        db, stats, IndexSpec(target=IndexTarget.BIT), maintenance_work_mem_bytes=64 * 1024**2
    )
    assert seconds > 0
    assert rows == index_overview.SAMPLE_ROWS
    assert [item.name for item in collections.list_collections(db)] == ["docs"]


# -- bad input


def test_an_empty_table(db: Database) -> None:
    empty = collections.create(db, NewCollection("empty", dimension=3))
    assert IndexWork(db, empty).create(IndexSpec()).rows == 0
    work = IndexWork(db, empty)
    built = work.create(IndexSpec(IndexMethod.IVFFLAT))
    assert "little data" in built.notices[0]
    assert built.index.valid


def test_nulls_and_zero_vectors_are_told_by_the_rows(db: Database) -> None:
    made = filled(db, "mixed", 100, 3)
    with db.transaction() as connection:
        connection.execute("update pgvista.mixed set embedding = null where id::int <= 10")
        connection.execute("update pgvista.mixed set embedding = '[0,0,0]' where id::int > 95")
    assert IndexWork(db, made).create(IndexSpec()).rows == 85
    assert IndexWork(db, made).create(IndexSpec(metric=Metric.L2)).rows == 90


def test_too_many_dimensions_offer_what_goes(db: Database) -> None:
    wide = filled(db, "wide", 5, 2_001)
    with pytest.raises(InvalidInput, match="takes 2,000 dimensions, and wide has 2,001") as told:
        indexes.create_index(db, wide, IndexSpec())
    for word in ("halfvec", "leading", "bits"):
        assert word in told.value.hint
    for spec in (
        IndexSpec(target=IndexTarget.HALFVEC),
        IndexSpec(target=IndexTarget.BIT),
        IndexSpec(target=IndexTarget.LEADING, leading=2_000),
    ):
        assert indexes.create_index(db, wide, spec).valid
    with pytest.raises(InvalidInput, match="leading is 2,001"):
        indexes.create_index(db, wide, IndexSpec(target=IndexTarget.LEADING, leading=2_001))


def test_read_only_and_no_rights(db: Database, docs: Collection, database_url: str) -> None:
    closed = Database(target_from_url(database_url, read_only=True))
    with pytest.raises(ReadOnly):
        indexes.create_index(closed, docs, IndexSpec())
    closed.close()
    assert vector_names(db, docs) == []


def test_the_time_limit_leaves_no_index(db: Database, docs: Collection) -> None:
    with pytest.raises(StatementTimeout):
        IndexWork(db, docs, timeout_ms=150).create(IndexSpec(m=64, ef_construction=1000))
    assert vector_names(db, docs) == []


def test_field_indexes(db: Database, docs: Collection) -> None:
    indexes.drop_index(db, {i.name: i for i in collections.indexes(db, docs)}["docs_metadata_idx"])
    made = indexes.create_index(db, docs, FieldIndexSpec("metadata"))
    assert (made.method, made.opclasses, made.target) == ("gin", ("jsonb_path_ops",), None)
    with pytest.raises(Conflict):
        indexes.create_index(db, docs, FieldIndexSpec("fts"))
    with pytest.raises(InvalidInput, match="not a column"):
        indexes.create_index(db, docs, FieldIndexSpec('x"; drop table docs; --'))


def test_two_at_once(db: Database, docs: Collection) -> None:
    """Of two builds of one index, one stands, and the other says why it does not."""
    outcomes: list[Any] = []

    def build() -> None:
        try:
            outcomes.append(indexes.create_index(db, docs, IndexSpec(ef_construction=200)))
        except PgvistaError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failed = [item for item in outcomes if isinstance(item, PgvistaError)]
    assert len(failed) == 1
    assert isinstance(failed[0], Conflict)
    assert [index.valid for index in indexes.vector_indexes(db, docs)] == [True]


# -- cancel


@pytest.mark.parametrize("concurrently", [True, False])
def test_cancel_while_it_waits_for_a_lock(
    db: Database, docs: Collection, database_url: str, *, concurrently: bool
) -> None:
    """Nothing tells a phase before the lock is there; a person can stop all the same."""
    with psycopg.connect(database_url, application_name="in the way") as other:
        other.execute("update pgvista.docs set content = 'x' where id = '1'")
        seen: list[Progress] = []

        def stop(progress: Progress) -> bool:
            seen.append(progress)
            other_done = "in the way" in progress.message
            if other_done:
                other.rollback()  # else what is left could not be removed
            return other_done

        reporter = Watching(stop)
        with pytest.raises(Cancelled):
            build_index(db, docs, IndexSpec(concurrently=concurrently), reporter=reporter)
    assert any("in the way" in progress.message for progress in seen)
    assert concurrently or seen[-1].stage == WAITING
    assert vector_names(db, docs) == []


@pytest.mark.parametrize(
    ("phase", "held_by"),
    [
        ("loading tuples", None),
        (
            "waiting for writers before validation",
            "update pgvista.docs set content = 'x' where id = '1'",
        ),
        ("waiting for old snapshots", "select count(*) from pgvista.docs"),
    ],
)
def test_cancel_in_each_phase_leaves_nothing(
    db: Database, docs: Collection, database_url: str, phase: str, held_by: str | None
) -> None:
    """Another session, begun while the graph is built, holds up the phases that are short."""
    other = psycopg.connect(database_url)
    other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    waiting = [held_by] if held_by else []

    def stop(progress: Progress) -> bool:
        if "loading tuples" in progress.stage and waiting:
            other.execute(waiting.pop().encode())
        if phase not in progress.stage:
            return False
        if not told:
            told.append(phase)
            freed.start()
        return True

    # held up until the build was told to stop, and no longer: else what is left is not removed
    freed, told = threading.Timer(1.5, other.rollback), list[str]()
    reporter = Watching(stop)
    with pytest.raises(Cancelled):
        build_index(db, docs, IndexSpec(m=32, ef_construction=600), reporter=reporter)
    freed.join()
    other.close()
    assert phase in reporter.told[-1].stage
    assert vector_names(db, docs) == []


def test_what_cannot_be_removed_is_told(
    db: Database, docs: Collection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "LOCK_TIMEOUT_MS", 300)
    with psycopg.connect(database_url) as other:
        other.execute("update pgvista.docs set content = 'x' where id = '1'")
        reporter = Watching(lambda progress: "in the way" in progress.message)
        with pytest.raises(Conflict, match="is left, not ready"):
            build_index(db, docs, IndexSpec(), reporter=reporter)
    (left,) = indexes.vector_indexes(db, docs)
    assert not left.valid
    assert indexes.create_index(db, docs, IndexSpec()).valid  # takes its place


def test_rebuilding_and_stopping_it(db: Database, docs: Collection) -> None:
    made = indexes.create_index(db, docs, IndexSpec(m=32, ef_construction=400))
    with pytest.raises(Cancelled):
        rebuild_index(
            db, docs, made, reporter=Watching(lambda progress: "loading" in progress.stage)
        )
    assert [(i.name, i.valid) for i in indexes.vector_indexes(db, docs)] == [(made.name, True)]
    built = rebuild_index(db, docs, made, reporter=Watching())
    assert built.index.name == made.name
    assert built.rows == ROWS


def test_a_bit_index_serves_its_operator(db: Database, docs: Collection) -> None:
    spec = IndexSpec(target=IndexTarget.BIT, metric=BitMetric.JACCARD)
    indexes.create_index(db, docs, spec)
    assert index_overview.overview(db, docs)[0].operators == ("<%>",)


# -- other places


def test_an_extension_in_another_schema(database_url: str) -> None:
    """Types, functions and operator classes are qualified, and recognised when read back."""
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute("drop extension vector cascade")
        session.execute('create schema "Ext 1"')
        session.execute('create extension vector schema "Ext 1"')
        session.execute('create table public.away (id text primary key, v "Ext 1".vector(8))')
    database = Database(target_from_url(database_url))
    away = collections.open_collection(database, "away", "public")
    assert away.extension_schema == "Ext 1"
    for spec in (
        IndexSpec(),
        IndexSpec(target=IndexTarget.HALFVEC),
        IndexSpec(target=IndexTarget.BIT),
        IndexSpec(target=IndexTarget.LEADING, leading=3),
    ):
        made = indexes.create_index(database, away, spec)
        assert (made.target, made.leading) == (spec.target, spec.leading)
        assert made.metric is (
            BitMetric.HAMMING if spec.target is IndexTarget.BIT else Metric.COSINE
        )
    database.close()


def test_a_partitioned_table_is_built_and_dropped_without_concurrently(db: Database) -> None:
    with db.transaction() as connection:
        connection.execute(
            "create table public.parts (id int, v vector(4), primary key (id)) partition by range (id)"
        )
        connection.execute(
            "create table public.part_1 partition of public.parts for values from (0) to (9)"
        )
        connection.execute("insert into public.parts values (1, '[1,2,3,4]')")
    parts = collections.open_collection(db, "parts", "public")
    made = indexes.create_index(db, parts, IndexSpec(target=IndexTarget.BIT))
    assert made.valid
    read = "select pg_table_size('public.part_1'), pg_indexes_size('public.part_1')"
    stats = collections.stats(db, parts)
    assert [(stats.table_bytes, stats.index_bytes)] == db.query(read.encode(), {})
    assert stats.table_bytes > 0
    assert sum(index.size_bytes for index in stats.indexes) == stats.index_bytes
    rebuild_index(db, parts, made, reporter=Watching())
    indexes.drop_index(db, made)
    assert indexes.vector_indexes(db, parts) == ()


def test_a_role_without_rights_is_told(db: Database, docs: Collection, database_url: str) -> None:
    role = f"reader_{db.target.label.split('@')[0]}"
    with db.transaction() as connection:
        connection.execute(f"create role {role} login")
        connection.execute(f"grant usage on schema pgvista to {role}")
        connection.execute(f"grant select on all tables in schema pgvista to {role}")
    try:
        other = Database(
            target_from_url(f"{database_url}{'&' if '?' in database_url else '?'}user={role}")
        )
        with pytest.raises(PermissionDenied):
            indexes.create_index(other, docs, IndexSpec())
        assert index_overview.overview(other, docs)
        other.close()
    finally:
        with db.transaction() as connection:
            connection.execute(f"drop owned by {role}")
            connection.execute(f"drop role {role}")
