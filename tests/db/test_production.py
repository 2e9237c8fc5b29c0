"""The checklist on a real server: each item green once, once with its SQL, and the SQL makes it green."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pgvista.db.database import Database
from pgvista.db.target import target_from_url
from pgvista.errors import InvalidInput, NotFound
from pgvista.model.collection import Collection, Column, IndexInfo, NewCollection
from pgvista.model.index import FieldIndexSpec, IndexMethod, IndexSpec, IndexTarget
from pgvista.model.metric import Metric, VectorType
from pgvista.model.production import Check, Checklist, Facts, Goal, RecallFacts, Status
from pgvista.services import collections, indexes
from pgvista.services.production import checklist, judged, to_markdown

ROWS, DIMENSION = 1_500, 16
IMPATIENT = Goal(scan_ms=0.1)
"""No scan is this fast, so an index is wanted."""
FIXED = ("cache", "prewarm", "connections", "tls", "pgvector", "statement_timeout")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(target_from_url(database_url))
    yield database
    database.close()


def filled(
    db: Database,
    rows: int = ROWS,
    *,
    name: str = "docs",
    dimension: int = DIMENSION,
    metric: Metric = Metric.COSINE,
    vector_type: VectorType = VectorType.VECTOR,
) -> Collection:
    made = collections.create(
        db,
        NewCollection(
            name,
            dimension=dimension,
            metric=metric,
            vector_type=vector_type,
            columns=(Column("year", "bigint"), Column("kind", "text")),
            indexed_columns=frozenset({"year"}),
        ),
    )
    with db.transaction() as connection:
        connection.execute("select setseed(0.5)")
        connection.execute(
            f"insert into pgvista.{name} (id, content, metadata, year, kind, embedding) "
            "select i::text, 'words ' || i, '{}', 1970 + mod(i, 50), 'k' || mod(i, 3), "
            "(select array_agg(random() - 0.5) from generate_series(1, %s + i * 0))::real[]"
            f"::{vector_type.value} from generate_series(1, %s) i",
            (dimension, rows),
        )
    return made


def run(url: str, text: str) -> None:
    """Run the SQL of a check as a person would, a statement at a time."""
    with psycopg.connect(url, autocommit=True) as session:
        for statement in text.split(";"):
            lines = [line for line in statement.splitlines() if not line.strip().startswith("--")]
            if "".join(lines).strip():
                session.execute("\n".join(lines))


def item(found: Checklist, key: str) -> Check:
    check = found.check(key)
    assert check is not None, [each.key for each in found.checks]
    return check


def look(db: Database, collection: Collection, key: str, goal: Goal | None = None) -> Check:
    fresh = collections.open_collection(db, collection.table, collection.schema)
    return item(checklist(db, replace(fresh, metric=collection.metric), goal), key)


def mended(
    db: Database,
    url: str,
    collection: Collection,
    key: str,
    goal: Goal | None = None,
    *,
    status: Status = Status.TODO,
) -> str:
    """Expect a check to come out as `status`, run its SQL, and expect it green; return its sentence."""
    before = look(db, collection, key, goal)
    assert before.status is status, before
    assert before.sql
    run(url, before.sql)
    after = look(db, collection, key, goal)
    assert after.status is Status.OK, after
    return before.sentence


# -- index


def test_a_fast_scan_needs_no_index(db: Database) -> None:
    check = look(db, filled(db, 50), "index_needed", Goal(scan_ms=60_000))
    assert check.status is Status.OK
    assert "No index is needed" in check.sentence


def test_a_slow_scan_wants_one(db: Database, database_url: str) -> None:
    docs = filled(db)
    told = mended(db, database_url, docs, "index_needed", IMPATIENT)
    assert "There is no index that serves" in told
    assert look(db, docs, "index_valid").status is Status.OK
    assert look(db, docs, "index_metric").status is Status.OK


@pytest.mark.parametrize(
    ("dimension", "kind", "written"),
    [
        (2_100, VectorType.VECTOR, '::"public"."halfvec"(2100)|::halfvec(2100)'),
        (4_100, VectorType.VECTOR, "binary_quantize"),
    ],
)
def test_many_dimensions(
    db: Database, database_url: str, dimension: int, kind: VectorType, written: str
) -> None:
    docs = filled(db, 30, dimension=dimension, vector_type=kind)
    check = look(db, docs, "index_needed", IMPATIENT)
    assert check.sql is not None
    assert any(part in check.sql for part in written.split("|"))
    assert look(db, docs, "dimension", IMPATIENT).status is Status.WARNING
    run(database_url, check.sql)
    assert look(db, docs, "index_needed", IMPATIENT).status is Status.OK
    assert look(db, docs, "dimension").status is Status.OK


def test_vectors_of_any_length(db: Database, database_url: str) -> None:
    with db.transaction() as connection:
        connection.execute("create table public.loose (id text primary key, v vector)")
        connection.execute("insert into public.loose values ('a', '[1,2]'), ('b', '[2,1]')")
    loose = collections.open_collection(db, "loose", "public")
    before = look(db, loose, "dimension")
    assert before.status is Status.TODO
    with db.transaction() as connection:
        connection.execute("insert into public.loose values ('c', '[1]')")
    mixed = look(db, loose, "dimension")
    assert mixed.status is Status.WARNING
    assert "some of 1 and of 2 numbers" in mixed.sentence
    with db.transaction() as connection:
        connection.execute("delete from public.loose where id = 'c'")
    assert before.sql is not None
    run(database_url, before.sql)
    now = collections.open_collection(db, "loose", "public")
    assert now.dimension == 2
    assert checklist(db, now).check("dimension") is None


def test_an_invalid_index(db: Database, database_url: str) -> None:
    docs = filled(db)
    made = indexes.create_index(db, docs, IndexSpec())
    assert look(db, docs, "index_valid").status is Status.OK
    with db.transaction() as connection:
        connection.execute(
            "update pg_index set indisvalid = false where indexrelid = %s::regclass",
            (f"pgvista.{made.name}",),
        )
    assert look(db, docs, "index_metric", IMPATIENT).status is Status.TODO
    told = mended(db, database_url, docs, "index_valid")
    assert made.name in told


def test_another_metric(db: Database, database_url: str) -> None:
    docs = filled(db)
    indexes.create_index(db, docs, IndexSpec(metric=Metric.L2))
    told = mended(db, database_url, docs, "index_metric")
    assert "there is L2" in told


def test_the_plan_is_read(db: Database) -> None:
    docs = filled(db)
    indexes.create_index(db, docs, IndexSpec())
    found = checklist(db, docs)
    assert item(found, "index_used").status is Status.OK
    slow = judged(replace(found.facts, used=False, scan_ms=900.0), Goal())
    assert item(slow, "index_used").status is Status.WARNING


def test_m_and_ef_construction(db: Database, database_url: str) -> None:
    docs = filled(db)
    indexes.create_index(db, docs, IndexSpec(m=4, ef_construction=16))
    told = mended(db, database_url, docs, "index_build")
    assert "m 4 and ef_construction 16" in told
    facts = checklist(db, docs).facts
    assert facts.serving is not None
    wide = replace(facts.serving, options={"m": "96", "ef_construction": "300"})
    assert item(judged(replace(facts, serving=wide), Goal()), "index_build").status is Status.TODO


def test_lists_that_do_not_fit(db: Database, database_url: str) -> None:
    docs = filled(db)
    indexes.create_index(db, docs, IndexSpec(IndexMethod.IVFFLAT, lists=200))
    told = mended(db, database_url, docs, "ivfflat_lists")
    assert "200 lists, and 2 are advised" in told


def test_lists_made_before_the_rows_came(db: Database, database_url: str) -> None:
    docs = filled(db, 3, dimension=2)
    indexes.create_index(db, docs, IndexSpec(IndexMethod.IVFFLAT, lists=8))
    with db.transaction() as connection:
        connection.execute(
            "insert into pgvista.docs (id, embedding) select 'n' || i, "
            "array[cos(i * 0.0001 + 2), sin(i * 0.0001 + 2)]::real[]::vector "
            "from generate_series(1, 2000) i"
        )
    told = mended(db, database_url, docs, "ivfflat_lists")
    assert "built before most rows came" in told


# -- memory


def test_memory_to_build(db: Database, database_url: str) -> None:
    docs = filled(db)
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    assert look(db, docs, "maintenance_work_mem").status is Status.OK
    run(database_url, f"alter database {name} set maintenance_work_mem = '1MB'")
    told = mended(db, database_url, docs, "maintenance_work_mem")
    assert "maintenance_work_mem is 1.0 MB" in told


def test_prewarm(db: Database, database_url: str) -> None:
    docs = filled(db)
    assert "no index to warm" in look(db, docs, "prewarm").sentence
    indexes.create_index(db, docs, IndexSpec())
    mended(db, database_url, docs, "prewarm")


def test_what_does_not_fit_in_memory(db: Database) -> None:
    docs = filled(db)
    indexes.create_index(db, docs, IndexSpec())
    found = checklist(db, docs)
    assert item(found, "cache").status is Status.OK
    small = replace(found.facts.server, shared_buffers_bytes=128 * 1024)
    warned = item(judged(replace(found.facts, server=small), Goal()), "cache")
    assert warned.status is Status.WARNING
    assert warned.sql is not None
    assert "shared_buffers" in warned.sql
    smaller = replace(small, effective_cache_bytes=256 * 1024)
    assert item(judged(replace(found.facts, server=smaller), Goal()), "cache").status is Status.TODO
    no_files = replace(found.facts.server, prewarm_available=False)
    assert (
        item(judged(replace(found.facts, server=no_files), Goal()), "prewarm").status
        is Status.WARNING
    )


# -- filters, words, recall


@pytest.fixture
def few_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a table of a test count as large."""
    monkeypatch.setattr("pgvista.services.production_search.FEW_ROWS", 10)


@pytest.mark.usefixtures("few_are_few")
def test_filter_columns(db: Database, database_url: str) -> None:
    docs = filled(db)
    only_year = Goal(filter_keys=("year",))
    assert look(db, docs, "filters", only_year).status is Status.OK
    told = mended(db, database_url, docs, "filters")
    assert "Without an index: kind." in told
    assert checklist(db, docs, only_year).check("metadata_gin") is None


def test_few_rows_need_no_index_for_filters(db: Database) -> None:
    check = look(db, filled(db), "filters")
    assert check.status is Status.WARNING
    assert "does no harm yet" in check.sentence


@pytest.mark.usefixtures("few_are_few")
@pytest.mark.parametrize("key", ["metadata_gin", "text_gin"])
def test_gin(db: Database, database_url: str, key: str) -> None:
    docs = filled(db)
    assert look(db, docs, key).status is Status.OK
    with db.transaction() as connection:
        connection.execute("drop index pgvista.docs_fts_idx, pgvista.docs_metadata_idx")
    mended(db, database_url, docs, key)


@pytest.mark.usefixtures("few_are_few")
def test_words_without_a_tsvector(db: Database) -> None:
    with db.transaction() as connection:
        connection.execute(
            "create table public.plain (id text primary key, body text, v vector(2))"
        )
        connection.execute(
            "insert into public.plain select i, 'x', '[1,2]' from generate_series(1, 20) i"
        )
    plain = collections.open_collection(db, "plain", "public")
    assert look(db, plain, "text_gin").status is Status.TODO
    indexes.create_index(db, plain, FieldIndexSpec("body"))
    assert look(db, plain, "text_gin").status is Status.OK
    assert look(db, plain, "bm25").status is Status.WARNING


def test_bm25(db: Database) -> None:
    docs = filled(db)
    assert look(db, docs, "bm25").status is Status.OK
    with db.transaction() as connection:
        connection.execute("alter table pgvista.docs disable trigger user")
        connection.execute("insert into pgvista.docs (id, content) values ('new', 'more words')")
    stale = look(db, docs, "bm25")
    assert stale.status is Status.TODO
    assert stale.page == "Collections"


def test_recall(db: Database) -> None:
    docs = filled(db)
    indexes.create_index(db, docs, IndexSpec())
    found = checklist(db, docs, IMPATIENT)
    assert item(found, "recall").status is Status.TODO
    assert "never measured" in item(found, "recall").sentence
    now = found.facts.now
    cases = {
        (0, 0.97, ROWS): Status.OK,
        (40, 0.97, ROWS): Status.TODO,
        (0, 0.90, ROWS): Status.TODO,
        (0, 0.97, ROWS * 2): Status.TODO,
    }
    for (days, best, rows), status in cases.items():
        recall = RecallFacts(now - timedelta(days=days), best, "hnsw ef_search 80", rows)
        facts = replace(found.facts, recall=recall)
        assert item(judged(facts, IMPATIENT), "recall").status is status, (days, best, rows)


def test_a_kept_sweep_counts(db: Database) -> None:
    from pgvista.model.sweep import SweepSpec
    from pgvista.services.sweep import sweep

    docs = filled(db, 300)
    indexes.create_index(db, docs, IndexSpec())
    spec = SweepSpec(queries=10, ef_search=(40, 200), connections=(1,), throughput_s=0.05)
    from pgvista.services.sweep_store import save_sweep

    save_sweep(db, docs, sweep(db, docs, spec))
    check = look(db, docs, "recall", IMPATIENT)
    assert check.status is Status.OK, check
    assert "Measured today on 300 rows" in check.sentence


# -- rows


def test_rows_without_a_vector_and_zeros(db: Database, connection: psycopg.Connection) -> None:
    docs = filled(db, 20)
    found = checklist(db, docs)
    assert item(found, "unembedded").status is Status.OK
    assert item(found, "zero_vectors").status is Status.OK
    connection.execute("insert into pgvista.docs (id, content) values ('bare', 'x')")
    connection.execute(
        "insert into pgvista.docs (id, embedding) values ('zero', array_fill(0, array[16])::vector)"
    )
    for key, row in (("unembedded", "bare"), ("zero_vectors", "zero")):
        check = look(db, docs, key)
        assert check.status is Status.TODO
        assert check.sql is not None
        assert connection.execute(check.sql.encode()).fetchall() == [(row,)]


def test_dead_rows(db: Database, database_url: str, connection: psycopg.Connection) -> None:
    docs = filled(db)
    connection.execute("alter table pgvista.docs set (autovacuum_enabled = off)")
    connection.execute("vacuum analyze pgvista.docs")
    assert look(db, docs, "vacuum").status is Status.OK
    connection.execute("update pgvista.docs set content = 'other'")
    connection.execute("select pg_stat_force_next_flush()")
    connection.execute("select 1")
    told = mended(db, database_url, docs, "vacuum")
    assert "1,500 dead" in told


def test_never_analysed(db: Database, database_url: str, connection: psycopg.Connection) -> None:
    docs = filled(db, 10)
    connection.execute("alter table pgvista.docs set (autovacuum_enabled = off)")
    assert "never analysed" in mended(db, database_url, docs, "analyze")


# -- server


def test_statement_timeout(db: Database, database_url: str, connection: psycopg.Connection) -> None:
    docs = filled(db, 10)
    try:
        mended(db, database_url, docs, "statement_timeout")
    finally:
        connection.execute(
            "do $$ begin execute format('alter role %I in database %I reset statement_timeout', "
            "current_user, current_database()); end $$"
        )


@pytest.mark.parametrize(
    ("version", "told"), [("0.8.1", "CVE-2026-3172"), ("0.8.2", "damage an index at vacuum")]
)
def test_pgvector_with_known_faults(
    db: Database, database_url: str, connection: psycopg.Connection, version: str, told: str
) -> None:
    docs = filled(db, 10)
    connection.execute(
        "update pg_extension set extversion = %s where extname = 'vector'", (version,)
    )
    assert told in mended(db, database_url, docs, "pgvector")


def test_row_security(db: Database, database_url: str, connection: psycopg.Connection) -> None:
    docs = filled(db, 10)
    assert look(db, docs, "row_security").status is Status.OK
    connection.execute("grant select on pgvista.docs to pg_monitor")
    assert look(db, docs, "row_security").status is Status.WARNING
    connection.execute("grant select on pgvista.docs to public")
    assert "public" in mended(db, database_url, docs, "row_security")


def _tls(facts: Facts, *, encrypted: bool, local: bool) -> Facts:
    return replace(
        facts, server=replace(facts.server, encrypted=encrypted, local=local, host="db.example")
    )


def test_tls_and_connections(db: Database) -> None:
    found = checklist(db, filled(db, 10))
    assert item(found, "tls").status is Status.OK  # a local socket
    assert item(found, "connections").status is Status.OK
    expected: list[tuple[Callable[[Facts], Facts], str, Status]] = [
        (lambda f: _tls(f, encrypted=False, local=False), "tls", Status.TODO),
        (lambda f: _tls(f, encrypted=True, local=False), "tls", Status.OK),
        (
            lambda f: replace(f, server=replace(f.server, connections=90)),
            "connections",
            Status.WARNING,
        ),
        (lambda f: replace(f, server=replace(f.server, pooled=True)), "connections", Status.OK),
    ]
    for change, key, status in expected:
        assert item(judged(change(found.facts), Goal()), key).status is status


# -- bad input


@pytest.mark.parametrize("rows", [0, 1])
def test_empty_and_one_row(db: Database, rows: int) -> None:
    found = checklist(db, filled(db, rows), Goal(scan_ms=60_000))
    expected = Status.OK if rows else Status.WARNING
    assert item(found, "unembedded").status is expected
    assert item(found, "index_needed").status is (Status.OK if rows else Status.UNKNOWN)


def test_views_and_foreign_tables(
    db: Database, connection: psycopg.Connection, tmp_path: Path
) -> None:
    filled(db, 20)
    connection.execute("create view pgvista.seen as select * from pgvista.docs")
    seen = collections.open_collection(db, "seen")
    found = checklist(db, seen)
    assert item(found, "index_needed").status is Status.UNKNOWN
    assert "A view has no index" in item(found, "index_needed").sentence
    assert found.check("vacuum") is None
    connection.execute("create extension file_fdw")
    connection.execute("create server files foreign data wrapper file_fdw")
    connection.execute(
        "create foreign table pgvista.far (id text, v vector(2)) server files "
        "options (filename '/nowhere/at/all.csv', format 'csv')"
    )
    far = checklist(db, collections.open_collection(db, "far"))
    assert item(far, "index_needed").status is Status.UNKNOWN
    assert item(far, "unembedded").status in (Status.UNKNOWN, Status.WARNING)


def test_read_only_and_a_role_with_few_rights(
    db: Database, database_url: str, connection: psycopg.Connection
) -> None:
    docs = filled(db, 20)
    reader = Database(target_from_url(database_url, read_only=True))
    try:
        assert item(checklist(reader, docs), "unembedded").status is Status.OK
    finally:
        reader.close()
    connection.execute("drop role if exists production_reader")
    connection.execute("create role production_reader login")
    connection.execute("grant usage on schema pgvista to production_reader")
    connection.execute("grant select on pgvista.docs to production_reader")
    parts = psycopg.conninfo.conninfo_to_dict(database_url) | {"user": "production_reader"}
    limited = Database(target_from_url(psycopg.conninfo.make_conninfo("", **parts)))
    try:
        found = checklist(limited, docs)
        assert item(found, "unembedded").status is Status.OK
        assert {check.key for check in found.checks} >= set(FIXED)
    finally:
        limited.close()
        connection.execute("drop owned by production_reader")
        connection.execute("drop role production_reader")


def test_dropped_meanwhile(db: Database, connection: psycopg.Connection) -> None:
    docs = filled(db, 5)
    connection.execute("drop table pgvista.docs cascade")
    with pytest.raises(NotFound):
        checklist(db, docs)


def test_goals_out_of_range() -> None:
    for wrong in ({"scan_ms": 0.0}, {"recall": 1.5}, {"recall_days": 0}):
        with pytest.raises(InvalidInput):
            Goal(**wrong)


def test_as_markdown(db: Database) -> None:
    text = to_markdown(checklist(db, filled(db), IMPATIENT))
    assert text.startswith("# Going to production: docs\n")
    assert "- [ ] **Index or not** Comparing all 1,500 rows takes" in text
    assert "create index concurrently" in text


def test_an_index_of_bits_serves_where_no_other_does(db: Database) -> None:
    docs = filled(db)
    bits = indexes.create_index(db, docs, IndexSpec(target=IndexTarget.BIT))
    facts = checklist(db, docs).facts
    assert isinstance(facts.serving, IndexInfo)
    assert facts.serving.name == bits.name
    assert datetime.now(UTC) - facts.now < timedelta(minutes=5)


def test_odd_names(db: Database, database_url: str) -> None:
    name = "we\"ird; 100% 'süß'"
    made = collections.create(
        db,
        NewCollection(name, dimension=2, columns=(Column('a%;"b', "bigint"),)),
    )
    place = sql.Identifier("pgvista", name)
    with db.transaction() as connection:
        connection.execute(
            sql.SQL(
                "insert into {} (id, embedding) select i::text, array[i, 1]::real[]::vector "
                "from generate_series(1, 30) i"
            ).format(place)
        )
    found = checklist(db, made, IMPATIENT)
    for check in found.checks:
        if check.key in ("index_needed", "filters", "analyze"):
            assert check.sql is not None
            for statement in check.sql.split(";\n"):
                with psycopg.connect(database_url, autocommit=True) as session:
                    session.execute(statement.encode())
    again = checklist(db, collections.open_collection(db, name), IMPATIENT)
    assert item(again, "index_needed").status is Status.OK
    assert item(again, "filters").status is Status.OK
