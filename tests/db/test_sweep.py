"""Sweeps on a real Postgres: honest truth, recall, changes meanwhile, and what cannot be measured."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest

import pgvista
from pgvista.api import Collection, Workbench
from pgvista.db.database import Database
from pgvista.errors import Cancelled, InvalidInput, NotFound, PermissionDenied, PgvistaError
from pgvista.model.filters import parse_filter
from pgvista.model.index import IndexMethod, IndexSpec, IndexTarget
from pgvista.model.metric import Metric
from pgvista.model.progress import Progress
from pgvista.model.search import IterativeScan
from pgvista.model.sweep import (
    ALL_ROWS,
    Setting,
    SweepPoint,
    SweepResult,
    SweepSpec,
)
from pgvista.model.tuning import Target
from pgvista.services import collections, sweep_run
from pgvista.services.indexes import create_index
from pgvista.services.recommend import front, recommend
from pgvista.services.sweep import sweep
from pgvista.services.sweep_report import report_dict, to_csv, to_markdown
from pgvista.services.sweep_store import delete_sweep, list_sweeps, save_sweep
from pgvista.services.tune import keep

ROWS, DIMENSION = 3000, 16
VECTORS = np.random.default_rng(9).standard_normal((ROWS, DIMENSION)).astype(np.float32)
QUIET: dict[str, Any] = {"connections": ()}


def fill(workbench: Workbench, name: str, vectors: Any, **options: Any) -> Collection:
    made = workbench.create_collection(name, dimension=len(vectors[0]), **options)
    made.upsert(
        {"id": f"r{number:05}", "embedding": vector, "metadata": {"n": number}}
        for number, vector in enumerate(vectors)
    )
    with workbench.db.dedicated(autocommit=True) as connection:
        connection.execute("analyze")
    return made


@pytest.fixture(scope="module")
def workbench(module_database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(module_database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def docs(workbench: Workbench) -> Collection:
    """A collection with an index that is poor enough to miss neighbours."""
    made = fill(workbench, "docs", VECTORS)
    create_index(made.db, made.info, IndexSpec(m=4, ef_construction=8))
    return made


@pytest.fixture(scope="module")
def swept(docs: Collection) -> SweepResult:
    return run(docs, queries=50, ef_search=(12, 40, 400), selectivities=(0.1,), seed=3)


def run(docs: Collection, reporter: Any = None, **fields: Any) -> SweepResult:
    return sweep(docs.db, docs.info, SweepSpec(**(QUIET | fields)), reporter=reporter)


def exact_distances(vectors: Any, query: Any, own: int | None, k: int) -> list[float]:
    rows, query = vectors.astype(float), query.astype(float)
    found = 1 - rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query)
    if own is not None:
        found[own] = np.inf
    nearest: list[float] = np.sort(found)[:k].tolist()
    return nearest


class Recorder:
    """Stops, or does something else, when a stage is reported."""

    def __init__(self, stage: str = "", action: Any = None, *, skip: int = 0) -> None:
        self.stages: list[str] = []
        self._stage, self._action, self._skip = stage, action, skip
        self._armed = False

    def report(self, progress: Progress) -> None:
        self.stages.append(progress.stage)
        if self._stage and progress.stage.startswith(self._stage) and progress.done >= 1:
            if self._skip:
                self._skip -= 1
                return
            if self._action is None:
                self._armed = True
            else:
                action, self._stage = self._action, ""
                action()

    def check(self) -> None:
        if self._armed:
            raise Cancelled("Stopped.")


# -- recall is what an independent computation says


def test_recall_equals_an_independent_computation(docs: Collection) -> None:
    vectors = np.random.default_rng(1).standard_normal((40, DIMENSION)).astype(np.float32)
    result = run(docs, vectors=vectors, ef_search=(11, 40))
    for point in result.points:
        if point.setting.exact:
            continue
        hits = []
        for query in vectors:
            with docs.db.transaction(
                settings={"hnsw.ef_search": str(point.setting.ef_search)}
            ) as c:
                rows = c.execute(
                    "select embedding <=> %s from pgvista.docs order by 1 limit 10", [query]
                ).fetchall()
            due = exact_distances(VECTORS, query, None, 10)[-1] + 1e-3
            hits.append(sum(row[0] <= due for row in rows))
        assert point.recall == np.mean(hits) / 10.0
        assert point.recall_low <= point.recall <= point.recall_high
    assert {point.queries for point in result.points} == {30, 40}
    assert result.query_source == "vectors given"


@pytest.mark.parametrize("method", ["server", "transfer"])
@pytest.mark.parametrize("metric", [Metric.COSINE, Metric.L2, Metric.INNER_PRODUCT])
@pytest.mark.parametrize("vector_type", ["vector", "halfvec"])
def test_truth_is_the_same_by_server_and_by_transfer(
    workbench: Workbench, method: str, metric: Metric, vector_type: str
) -> None:
    name = f"t {metric.value} {vector_type} {method}%"
    made = fill(workbench, name, VECTORS[:400], metric=metric.value, vector_type=vector_type)
    result = run(made, queries=25, truth=method, selectivities=(0.2,))
    assert result.truth.method == method
    assert "found the same distances" in result.truth.proof
    assert [point.recall_by_id for point in result.points] == [1.0, 1.0]
    assert not any("other distances" in note for note in result.notes)
    made.drop()


def test_l1_is_measured_on_the_server(workbench: Workbench) -> None:
    made = fill(workbench, "taxi", VECTORS[:200], metric="l1")
    result = run(made, queries=10, truth="transfer")
    assert (result.truth.method, result.points[0].recall) == ("server", 1.0)


def test_masses_of_duplicates(workbench: Workbench) -> None:
    vectors = np.repeat(VECTORS[:4], 100, axis=0)
    made = fill(workbench, "doubles", vectors)
    result = run(made, queries=12, truth="transfer")
    assert result.points[0].recall == result.points[0].recall_by_id == 1.0
    assert "settled" in result.truth.proof


# -- the rules


def test_queries_are_a_seeded_sample_and_find_others_than_themselves(
    docs: Collection, swept: SweepResult
) -> None:
    other = run(docs, queries=50, ef_search=(12,), seed=4)
    again = run(docs, queries=50, ef_search=(12, 40, 400), selectivities=(0.1,), seed=3)
    assert [(p.setting, p.recall, p.worst) for p in swept.points] == [
        (p.setting, p.recall, p.worst) for p in again.points
    ]
    worst, others = ({item.query for item in result.points[1].worst} for result in (swept, other))
    assert worst != others
    assert not {f"r{number:05}" for number in range(10)} >= worst
    # a row itself has distance 0: counted, it would be a hit that every setting has
    assert min(item.recall for item in swept.points[1].worst) < 1


def test_more_ef_search_finds_more_and_the_worst_queries_are_named(swept: SweepResult) -> None:
    points = [point for point in swept.of_case(ALL_ROWS) if not point.setting.exact]
    assert [point.setting.ef_search for point in points] == [12, 40, 400]
    assert points[0].recall < points[1].recall < points[2].recall
    assert all(point.used == swept.indexes[0].name for point in points)
    assert all(point.buffers_hit + point.buffers_read > 0 for point in points)
    shares = [item.recall for item in points[0].worst]
    assert shares == sorted(shares)
    assert all(item.query.startswith("r") for item in points[0].worst)


def test_the_exact_scan_is_the_base_line_and_proves_the_truth(swept: SweepResult) -> None:
    for case in swept.cases:
        base = swept.baseline(case.name)
        assert base is not None
        assert (base.recall, base.used, base.queries) == (1.0, None, 30)
    assert "60 exact scans" in swept.truth.proof


def test_filters_leave_too_few_rows_until_the_scan_is_iterative(swept: SweepResult) -> None:
    tenth = {
        (point.setting.ef_search, point.setting.iterative_scan): point
        for point in swept.of_case("10 % of the rows")
    }
    assert tenth[12, IterativeScan.OFF].fewer == 50
    assert tenth[12, IterativeScan.RELAXED].fewer == 0
    assert tenth[12, IterativeScan.OFF].recall < 0.5 < tenth[12, IterativeScan.RELAXED].recall
    # without a filter an iterative scan has nothing to add, and is not measured
    scans = {point.setting.iterative_scan for point in swept.of_case(ALL_ROWS)}
    assert scans == {IterativeScan.OFF}
    assert swept.cases[1].rows == pytest.approx(300, rel=0.25)
    assert "hashtextextended" in swept.cases[1].condition


def test_settings_take_turns_and_the_warm_up_does_not_count(
    docs: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Setting, int]] = []
    real = sweep_run._ask

    def spied(run: Any, cell: Any, block: Any, spent: Any) -> None:
        asked.append((cell.setting, len(block)))
        real(run, cell, block, spent)

    monkeypatch.setattr(sweep_run, "_ask", spied)
    result = run(docs, queries=30, ef_search=(20, 40), rounds=2)
    turns = [setting for setting, _ in asked]
    assert [len(set(turns[start : start + 3])) for start in range(0, len(turns), 3)] == [3] * 6
    assert all(point.samples == 60 and point.p99_ms is None for point in result.points[1:])


def test_p99_is_told_from_a_thousand_samples_on(docs: Collection) -> None:
    result = run(docs, queries=100, ef_search=(12,), rounds=10)
    assert result.points[1].samples == 1000
    assert result.points[1].p99_ms is not None
    assert result.points[1].p99_ms >= result.points[1].p95_ms
    assert result.points[0].p99_ms is None


def test_throughput_of_scan_and_front_at_each_number_of_connections(docs: Collection) -> None:
    result = run(docs, queries=20, ef_search=(12, 200), connections=(1, 3), throughput_s=0.1)
    scan = result.points[0]
    assert set(scan.qps) == {1, 3}
    for point in front(result.points):
        assert all(rate > 0 for rate in point.qps.values())
    assert result.query_s <= result.wall_s


# -- other indexes


def test_ivfflat_bits_and_leading_dimensions_at_once(workbench: Workbench) -> None:
    made = fill(workbench, 'many"; drop', VECTORS[:1500])
    names = [
        create_index(made.db, made.info, spec).name
        for spec in (
            IndexSpec(method=IndexMethod.IVFFLAT, lists=20),
            IndexSpec(target=IndexTarget.BIT),
            IndexSpec(target=IndexTarget.LEADING, leading=8),
            IndexSpec(target=IndexTarget.HALFVEC),
        )
    ]
    result = run(made, queries=30, ef_search=(120,), probes=(1, 20, 99), oversample=(1, 10))
    points = {
        (point.setting.index, point.setting.probes, point.setting.oversample): point
        for point in result.points
    }
    ivf, bit, leading, half = names
    assert points[ivf, 1, 1.0].recall < points[ivf, 20, 1.0].recall == 1.0
    assert (ivf, 99, 1.0) not in points
    assert points[bit, None, 1].recall < points[bit, None, 10].recall
    assert points[leading, None, 1].recall < points[leading, None, 10].recall
    assert points[half, None, 1].recall > 0.9
    assert [item.name for item in result.indexes] != []


def test_two_indexes_of_one_order_are_told(workbench: Workbench) -> None:
    made = fill(workbench, "twice", VECTORS[:1500])
    first = create_index(made.db, made.info, IndexSpec())
    second = create_index(made.db, made.info, IndexSpec(m=8, ef_construction=32))
    result = run(made, queries=10, ef_search=(40,))
    used = {point.used for point in result.points if not point.setting.exact}
    assert len(used) == 1
    assert any("Drop one to measure the other" in note for note in result.notes)
    only = run(made, queries=10, ef_search=(40,), indexes=(first.name,))
    assert {point.setting.index for point in only.points} == {None, first.name}
    with pytest.raises(NotFound, match=second.name):
        run(made, indexes=("nothing",))


def test_an_index_of_another_metric_is_left_out_and_told(workbench: Workbench) -> None:
    made = fill(workbench, "other", VECTORS[:300])
    create_index(made.db, made.info, IndexSpec(metric=Metric.L2))
    result = run(made, queries=10)
    assert [point.setting.exact for point in result.points] == [True]
    assert any("serves L2" in note for note in result.notes)


# -- bad input


def test_no_index_small_tables_and_limits_above_the_rows(workbench: Workbench) -> None:
    made = fill(workbench, "small", [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    result = run(made, limit=10)
    assert (result.queries, result.points[0].recall) == (3, 1.0)
    assert any("no vector index" in note for note in result.notes)
    assert any("fewer than 10" in note for note in result.notes)
    told = recommend(result, Target(0.95, None))
    assert told.no_index
    assert "No index is needed" in told.sentence
    assert told.sql == ""


def test_one_row_none_and_zero_vectors(workbench: Workbench) -> None:
    one = fill(workbench, "one", [[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(InvalidInput, match="one row"):
        run(one)
    none = workbench.create_collection("none", dimension=2)
    with pytest.raises(InvalidInput, match="no row"):
        run(none)
    odd = fill(workbench, "odd", [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 2.0]])
    with workbench.db.transaction() as connection:
        connection.execute("insert into pgvista.odd (id) values ('without')")
    result = run(odd, limit=2)
    assert (result.rows, result.queries, result.points[0].recall) == (3, 3, 1.0)


def test_filters_without_a_row_and_with_few(docs: Collection) -> None:
    none, few = parse_filter({"n": -1}), parse_filter({"n": {"$lt": 3}})
    assert none is not None
    assert few is not None
    result = run(docs, queries=20, ef_search=(40,), filters=(none, few))
    assert [case.rows for case in result.cases] == [ROWS, 0, 3]
    assert any("No row is let through by filter 1" in note for note in result.notes)
    assert result.of_case("filter 1") == ()
    base = result.baseline("filter 2")
    assert base is not None
    assert base.recall == 1.0
    assert "metadata" in result.cases[2].condition


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": 0},
        {"queries": 0},
        {"queries": 10_001},
        {"ef_search": (0,)},
        {"probes": (40_000,)},
        {"selectivities": (0.0,)},
        {"selectivities": (float("nan"),)},
        {"oversample": (0.5,)},
        {"limit": 1000, "oversample": (11,)},
        {"connections": (0,)},
        {"throughput_s": 0.0},
        {"truth": "guess"},
        {"seed": -1},
        {"vectors": np.zeros((0, 2))},
        {"vectors": np.array([[np.nan, 1.0]])},
    ],
)
def test_what_is_out_of_range_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        SweepSpec(**fields)
    for target in ((1.1, 5.0), (0.9, 0.0), (float("nan"), 1.0)):
        with pytest.raises(InvalidInput):
            Target(*target)


def test_query_vectors_of_another_length(docs: Collection) -> None:
    with pytest.raises(InvalidInput, match="3 numbers"):
        run(docs, vectors=np.ones((2, 3), dtype=np.float32))


@pytest.mark.parametrize("stage", ["exact truth", "warming up", "measuring"])
def test_cancel_before_there_is_a_figure(docs: Collection, stage: str) -> None:
    reporter = Recorder(stage)
    with pytest.raises(Cancelled):
        run(docs, reporter, queries=40, truth="server", connections=(1, 2), throughput_s=0.05)
    assert any(name.startswith(stage) for name in reporter.stages)
    nothing_is_held(docs)


def test_stopped_while_measuring_keeps_the_turns_that_ended(docs: Collection) -> None:
    turns = 2 + 1  # the exact scan and two settings take turns of ten queries
    reporter = Recorder("measuring", skip=turns + 1)
    result = run(docs, reporter, queries=40, ef_search=(20, 40), connections=(1,))
    assert not result.complete
    assert "It was stopped: its figures are of 10 of 40 queries." in result.notes
    assert {point.queries for point in result.points} == {10}
    assert not any(point.qps for point in result.points)
    nothing_is_held(docs)


def test_stopped_at_the_throughput_keeps_recall_and_latency(docs: Collection) -> None:
    reporter = Recorder("throughput")
    result = run(docs, reporter, queries=40, connections=(1, 2), throughput_s=0.05)
    assert not result.complete
    assert "It was stopped before all throughput was measured." in result.notes
    assert {point.queries for point in result.points} == {30, 40}
    nothing_is_held(docs)


def nothing_is_held(docs: Collection) -> None:
    held = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%%'"
    assert docs.db.query(held.encode(), {})[0][0] == 0


def execute(docs: Collection, statement: str) -> None:
    def work() -> None:
        with docs.db.dedicated(autocommit=True) as connection:
            connection.execute(statement)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_an_index_dropped_meanwhile_keeps_what_was_measured(workbench: Workbench) -> None:
    made = fill(workbench, "dropped", VECTORS[:1000])
    index = create_index(made.db, made.info, IndexSpec())
    drop = Recorder("measuring", lambda: execute(made, f"drop index pgvista.{index.name}"))
    result = run(made, drop, queries=60, ef_search=(20, 40), truth="server")
    assert not result.complete
    assert any(f"{index.name} was dropped" in note for note in result.notes)
    assert result.baseline(ALL_ROWS) is not None
    assert all(point.as_asked for point in result.points)


def test_a_table_dropped_or_written_meanwhile(workbench: Workbench) -> None:
    made = fill(workbench, "gone", VECTORS[:1000])
    create_index(made.db, made.info, IndexSpec())
    later = Recorder("measuring", lambda: execute(made, "drop table pgvista.gone"))
    result = run(made, later, queries=60, ef_search=(20,))
    assert not result.complete
    assert any("gone" in note for note in result.notes)
    made = fill(workbench, "grown", VECTORS[:1000])
    create_index(made.db, made.info, IndexSpec())
    write = (
        "insert into pgvista.grown (id, embedding) select id || 'x', embedding from pgvista.grown"
    )
    result = run(
        made, Recorder("measuring", lambda: execute(made, write)), queries=60, ef_search=(20,)
    )
    assert not result.complete
    assert any("written during" in note or "other distances" in note for note in result.notes)
    assert len(result.points) == 2


def test_counters_that_come_late_are_no_writes(
    workbench: Workbench, module_database_url: str
) -> None:
    made = fill(workbench, "late", VECTORS[:500])
    write = (
        "insert into pgvista.late (id, embedding) select %s, embedding from pgvista.late limit 1"
    )
    with psycopg.connect(module_database_url, autocommit=True) as loader:
        for number in range(2):  # a session tells of the first at once, and of more when it idles
            loader.execute(write, [f"x{number}"])

        def tell() -> None:
            loader.execute("select pg_stat_force_next_flush()")

        result = run(made, Recorder("measuring", tell), queries=60)
    assert result.complete
    assert not any("written during" in note for note in result.notes)


def test_a_statement_timeout_is_told(docs: Collection, database_url: str) -> None:
    slow = Database(docs.db.target, statement_timeout_ms=1)
    try:
        with pytest.raises(PgvistaError, match=r"longer|limit"):
            sweep(slow, docs.info, SweepSpec(queries=1000, connections=()))
    finally:
        slow.close()


# -- roles


def test_a_role_that_may_only_read(docs: Collection, module_database_url: str) -> None:
    with psycopg.connect(module_database_url, autocommit=True) as connection:
        connection.execute("drop role if exists sweep_reader")
        connection.execute("create role sweep_reader login")
        connection.execute("grant usage on schema pgvista to sweep_reader")
        connection.execute("grant select on pgvista.docs to sweep_reader")
    url = module_database_url.replace("postgres@", "sweep_reader@", 1)
    try:
        with pgvista.connect(url) as reader:
            own = Collection(reader.db, docs.info)
            result = run(own, queries=10, ef_search=(40,))
            assert len(result.points) == 2
            with pytest.raises(PermissionDenied):
                save_sweep(reader.db, docs.info, result)
            same, notes = keep(reader.db, docs.info, result)
            assert same is result
            assert "not kept" in notes[0]
    finally:
        with psycopg.connect(module_database_url, autocommit=True) as connection:
            connection.execute("drop owned by sweep_reader")
            connection.execute("drop role sweep_reader")


def test_a_read_only_connection_can_be_measured(docs: Collection, module_database_url: str) -> None:
    with pgvista.connect(module_database_url, read_only=True) as reader:
        result = run(
            Collection(reader.db, docs.info), queries=10, ef_search=(40,), connections=(2,)
        )
        assert result.complete
        assert "not kept" in keep(reader.db, docs.info, result)[1][0]


# -- the store and the reports


def test_sweeps_are_kept_listed_and_deleted(docs: Collection, swept: SweepResult) -> None:
    first = save_sweep(docs.db, docs.info, swept)
    point = dataclasses.replace(swept.points[1], recall=float("nan"), qps={5: 2.5})
    second = save_sweep(docs.db, docs.info, dataclasses.replace(swept, points=(point,)))
    kept = list_sweeps(docs.db, docs.info)
    assert [item.id for item in kept[:2]] == [second.id, first.id]
    assert kept[1] == first
    assert np.isnan(kept[0].points[0].recall)
    assert kept[0].points[0].qps == {5: 2.5}
    assert second.id is not None
    delete_sweep(docs.db, second.id)
    assert list_sweeps(docs.db, docs.info)[0].id == first.id
    with pytest.raises(NotFound):
        delete_sweep(docs.db, second.id)


def test_what_another_version_wrote_is_left_out(docs: Collection, swept: SweepResult) -> None:
    save_sweep(docs.db, docs.info, swept)
    with docs.db.transaction() as connection:
        connection.execute(
            """insert into pgvista.tuning_sweeps (collection_schema, collection_name, result)
            values ('pgvista', 'docs', '{"points": 3}')"""
        )
    assert all(isinstance(item, SweepResult) for item in list_sweeps(docs.db, docs.info))


def test_reports_hold_versions_ddl_sizes_and_seed(swept: SweepResult) -> None:
    told = to_markdown(swept, Target())
    for part in ("pgvector 0.", "USING hnsw", "seed 3", "shared_buffers", "3,000 rows", "k = 10"):
        assert part in told
    data = json.loads(json.dumps(report_dict(swept, Target()), allow_nan=False))
    assert data["recommendations"][0]["rows"] == ALL_ROWS
    assert len(data["points"]) == len(swept.points)
    assert data["indexes"][0]["definition"].startswith("CREATE INDEX")
    lines = to_csv(swept).splitlines()
    assert len(lines) == len(swept.points) + 1
    assert lines[0].startswith("rows,index,method")


# -- the recommendation


def point(p95: float, recall: float, **fields: Any) -> SweepPoint:
    setting = Setting() if fields.pop("exact", False) else Setting("i", "hnsw", **fields)
    return SweepPoint(
        setting, ALL_ROWS, recall, recall - 0.01, min(1, recall + 0.01), recall, (), 0, 100, 100,
        p95, p95, p95, None, 1, 0, setting.index, "",
    )  # fmt: skip


def of(swept: SweepResult, *points: SweepPoint) -> SweepResult:
    return dataclasses.replace(swept, points=points, cases=swept.cases[:1])


def test_the_cheapest_setting_that_reaches_the_target(swept: SweepResult) -> None:
    scan = point(50, 1.0, exact=True)
    result = of(
        swept, scan, point(1, 0.9, ef_search=20), point(2, 0.96, ef_search=40),
        point(4, 0.99, ef_search=80),
    )  # fmt: skip
    told = recommend(result, Target(0.95, 20))
    assert (told.sql, told.meets, told.no_index) == (
        "set local hnsw.ef_search = 40;\n",
        True,
        False,
    )
    assert any("25.0 times" in reason for reason in told.reasons)
    nothing = recommend(result, Target(0.995, 20))
    assert not nothing.meets
    assert "Nothing measured reaches recall 0.995 within 20 ms" in nothing.sentence
    assert nothing.settings == {"hnsw.ef_search": "80"}
    scanned = recommend(result, Target(0.995, None))
    assert scanned.no_index
    assert scanned.meets


def test_no_index_when_the_scan_wins_and_plain_settings_where_it_is_noise(
    swept: SweepResult,
) -> None:
    result = of(swept, point(2.05, 1.0, exact=True), point(2, 0.96, ef_search=40))
    assert recommend(result, Target()).sentence.startswith("No index is needed")
    result = of(
        swept,
        point(2, 0.96, ef_search=40, iterative_scan=IterativeScan.RELAXED),
        point(2.1, 0.96, ef_search=40),
    )
    assert recommend(result, Target()).settings == {"hnsw.ef_search": "40"}


def test_saturation_is_named(swept: SweepResult) -> None:
    flat = [point(n, 0.9, ef_search=20 * n) for n in (1, 2, 3)]
    told = recommend(of(swept, *flat), Target(0.95, 20))
    assert any("saturated from ef_search 20" in reason for reason in told.reasons)
    assert any("larger m" in reason for reason in told.reasons)
    assert recommend(of(swept), Target()).point is None


def test_sweeps_follow_a_renamed_collection_and_go_with_a_dropped_one(workbench: Workbench) -> None:
    made = fill(workbench, "moving", VECTORS[:300])
    made.create_index("hnsw")
    result = sweep(made.db, made.info, SweepSpec(queries=5, **QUIET))
    save_sweep(made.db, made.info, result)
    renamed = collections.rename(made.db, made.info, "moved")
    assert len(list_sweeps(made.db, renamed)) == 1
    collections.drop(made.db, renamed)
    again = fill(workbench, "moved", VECTORS[:10])
    assert list_sweeps(again.db, again.info) == []
    again.drop()
