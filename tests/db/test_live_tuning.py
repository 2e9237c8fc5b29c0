"""One query by the index beside the truth, on a real Postgres, against an independent computation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import pgvista
from pgvista.api import Collection, Workbench
from pgvista.errors import NotFound, StatementTimeout
from pgvista.model.diagnosis import Cause, Facts
from pgvista.model.filters import parse_filter
from pgvista.model.index import IndexTarget
from pgvista.model.search import IterativeScan
from pgvista.model.tuning import NearestRequest
from pgvista.services import live_tuning
from pgvista.services.live_tuning import Mark, Truth, climb, compare, find_truth, try_index

ROWS, DIMENSION = 3_000, 24
VECTORS = np.random.default_rng(1).standard_normal((ROWS, DIMENSION)).astype(np.float32)
QUERY = tuple(np.random.default_rng(2).standard_normal(DIMENSION).astype(np.float32).tolist())


@pytest.fixture(scope="module")
def workbench(module_database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(module_database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def docs(workbench: Workbench) -> Collection:
    made = workbench.create_collection("docs", dimension=DIMENSION, columns={"n": "bigint"})
    made.upsert(
        {"id": f"r{n}", "content": f"text {n}", "embedding": vector.tolist(), "n": n}
        for n, vector in enumerate(VECTORS)
    )
    made.create_index("hnsw", m=4, ef_construction=8)
    return made


def by_numpy(k: int, among: np.ndarray | None = None) -> list[str]:
    """Return the nearest by cosine, worked out without the code under test."""
    data = VECTORS.astype(float)
    query = np.array(QUERY, float)
    distances = 1 - data @ query / np.linalg.norm(data, axis=1) / np.linalg.norm(query)
    rows = np.arange(ROWS) if among is None else np.flatnonzero(among)
    return [f"r{n}" for n in rows[np.argsort(distances[rows])][:k]]


def test_the_truth_is_exact_however_often_it_is_asked(docs: Collection) -> None:
    # A kept plan of the prepared statement would answer by the index after ten runs or so
    request = NearestRequest(QUERY, ef_search=1)
    for _ in range(25):
        truth = find_truth(docs.db, docs.info, request)
        assert [row[0] for row in truth.rows[:20]] == by_numpy(20)
        assert try_index(docs.db, docs.info, request, truth).got == 1


def test_hits_and_misses_are_marked(docs: Collection) -> None:
    request = NearestRequest(QUERY, limit=20, ef_search=10)
    truth = find_truth(docs.db, docs.info, request)
    trial = try_index(docs.db, docs.info, request, truth)
    want = by_numpy(20)
    got = {row.id for row in trial.rows if row.index_rank is not None}
    assert trial.diagnosis.index_used is not None
    assert 10 <= trial.missed < 20  # ten rows come, by intent
    assert {row.id for row in trial.rows if row.mark is Mark.HIT} == got & set(want)
    assert {row.id for row in trial.rows if row.mark is Mark.MISSED} == set(want) - got
    assert {row.id for row in trial.rows if row.mark is Mark.EXTRA} == got - set(want)
    assert trial.recall == len(got & set(want)) / 20
    distances = [row.distance for row in trial.rows]
    assert distances == sorted(distances)
    assert trial.cost.rows_read == 10
    assert trial.cost.buffers_hit + trial.cost.buffers_read > 0
    assert "set local" in trial.sql
    assert "plan_cache_mode" not in trial.sql


def test_more_candidates_find_more(docs: Collection) -> None:
    request = NearestRequest(QUERY, limit=10, ef_search=10)
    truth = find_truth(docs.db, docs.info, request)
    steps = climb(docs.db, docs.info, request, truth, name="ef_search", steps=(10, 100, 1000))
    assert steps[0].hits < steps[-1].hits
    enough = ("hnsw.ef_search", steps[-1].value)
    trial = try_index(docs.db, docs.info, request, truth, enough=enough)
    finding = trial.diagnosis.finding(Cause.APPROXIMATE)
    assert finding is not None
    assert str(steps[-1].value) in finding.remedy


def test_a_limit_above_ef_search(docs: Collection) -> None:
    request = NearestRequest(QUERY, limit=100, ef_search=30)
    truth = find_truth(docs.db, docs.info, request)
    trial = try_index(docs.db, docs.info, request, truth)
    assert (trial.due, trial.got) == (100, 30)
    assert trial.diagnosis.findings[0].cause is Cause.EF_SEARCH


def test_a_filter_and_an_iterative_scan(docs: Collection) -> None:
    request = NearestRequest(QUERY, ef_search=20, filters=parse_filter('{"n": {"$gte": 2900}}'))
    planned = replace(request)
    truth = find_truth(docs.db, docs.info, planned)
    assert [row[0] for row in truth.rows[:10]] == by_numpy(10, np.arange(ROWS) >= 2900)
    trial = try_index(docs.db, docs.info, planned, truth)
    if trial.diagnosis.index_used is None:
        assert trial.diagnosis.finding(Cause.PLANNER) is not None
        assert trial.recall == 1
    else:
        assert trial.got < 10
        assert trial.diagnosis.finding(Cause.FILTER) is not None
        more = replace(planned, iterative_scan=IterativeScan.STRICT, max_scan_tuples=20_000)
        assert try_index(docs.db, docs.info, more, truth).got == 10


def test_facts_are_kept_until_the_index_is_gone(workbench: Workbench, docs: Collection) -> None:
    made = workbench.create_collection("passing", dimension=DIMENSION)
    made.upsert({"id": f"r{n}", "embedding": vector.tolist()} for n, vector in enumerate(VECTORS))
    index = made.create_index("hnsw")
    request = NearestRequest(QUERY, ef_search=40)
    truth = find_truth(made.db, made.info, request)
    first = try_index(made.db, made.info, request, truth)
    assert first.facts is not None
    again = try_index(made.db, made.info, request, truth, known={index.name: first.facts})
    assert again.facts is first.facts
    with made.db.transaction() as connection:
        connection.execute(f"drop index pgvista.{index.name}")
    seen = first.facts.indexes
    gone = try_index(
        made.db, made.info, request, truth, known={index.name: first.facts}, dropped=seen
    )
    assert gone.diagnosis.findings[0].cause is Cause.DROPPED
    assert gone.recall == 1
    assert gone.facts is not None
    then: dict[str | None, Facts] = {
        None: replace(gone.facts, indexes=seen)
    }  # from a trial that left the index aside
    later = try_index(made.db, made.info, request, truth, known=then, dropped=seen)
    assert later.facts == gone.facts
    assert later.diagnosis.findings[0].cause is Cause.DROPPED


def test_a_row_that_came_meanwhile_makes_the_truth_stale(workbench: Workbench) -> None:
    made = workbench.create_collection("growing", dimension=2)
    made.upsert([{"id": "a", "embedding": [1, 0]}, {"id": "b", "embedding": [0, 1]}])
    request = NearestRequest((1.0, 0.1), limit=3)
    truth = find_truth(made.db, made.info, request)
    assert not try_index(made.db, made.info, request, truth).stale
    made.upsert([{"id": "c", "embedding": [1, 0.1]}])
    assert try_index(made.db, made.info, request, truth).stale
    made.delete(ids=["b", "c"])
    trial = try_index(made.db, made.info, request, find_truth(made.db, made.info, request))
    assert (trial.due, trial.got, trial.recall) == (1, 1, 1.0)


def test_an_empty_table_and_one_row(workbench: Workbench) -> None:
    made = workbench.create_collection("nothing", dimension=2)
    request = NearestRequest((1.0, 0.0))
    trial = try_index(made.db, made.info, request, find_truth(made.db, made.info, request))
    assert (trial.rows, trial.due, trial.got) == ((), 0, 0)
    assert np.isnan(trial.recall)
    with pytest.raises(NotFound, match="No row of nothing has a vector"):
        live_tuning.random_row(made.db, made.info)
    made.upsert([{"id": "only", "embedding": [0, 1]}])
    assert live_tuning.random_row(made.db, made.info) == "only"


def test_null_and_zero_vectors_are_told(workbench: Workbench) -> None:
    made = workbench.create_collection("gaps", dimension=2)
    made.upsert([{"id": "a", "embedding": [1, 0]}, {"id": "zero", "embedding": [0, 0]}])
    with made.db.transaction() as connection:
        connection.execute("insert into pgvista.gaps (id, content) values ('none', 'text')")
    request = NearestRequest((1.0, 0.1))
    trial = try_index(made.db, made.info, request, find_truth(made.db, made.info, request))
    assert [row.id for row in trial.rows] == ["a"]
    causes = {item.cause for item in trial.diagnosis.findings}
    assert {Cause.NULL_VECTORS, Cause.ZERO_VECTORS, Cause.NO_INDEX} <= causes


def test_the_timeout_holds(docs: Collection) -> None:
    with pgvista.connect(docs.db.target.conninfo.reveal()) as opened:
        db = opened.db
        db._statement_timeout_ms = 1
        with docs.db.transaction() as connection:
            connection.execute("lock table pgvista.docs in access exclusive mode")
            with pytest.raises(StatementTimeout):
                find_truth(db, docs.info, NearestRequest(QUERY))


def test_ties_at_the_last_place_are_hits() -> None:
    due = [("a", 0.1), ("b", 0.2)]
    rows = compare([("a", 0.1), ("c", 0.2)], due)
    assert [(row.id, row.mark) for row in rows] == [("a", Mark.HIT), ("c", Mark.HIT)]
    rows = compare([("a", 0.1), ("c", 0.3)], due)
    assert [(row.id, row.mark) for row in rows] == [
        ("a", Mark.HIT),
        ("b", Mark.MISSED),
        ("c", Mark.EXTRA),
    ]
    assert compare([], []) == ()


def test_a_truth_that_is_cut_off_is_not_stale_for_what_lies_beyond() -> None:
    truth = Truth((("a", 0.1), ("b", 0.2)), depth=2, database_ms=1.0)
    assert not live_tuning._is_stale([("a", 0.1), ("x", 0.5)], truth)
    assert live_tuning._is_stale([("x", 0.15)], truth)


def test_the_row_that_is_the_query_takes_a_place(workbench: Workbench) -> None:
    docs = workbench.create_collection("good", dimension=DIMENSION)
    docs.upsert({"id": f"r{n}", "embedding": vector.tolist()} for n, vector in enumerate(VECTORS))
    docs.create_index("hnsw", m=24, ef_construction=100)
    vector = tuple(VECTORS[7].tolist())
    request = NearestRequest(vector, limit=30, ef_search=30, exclude_id="r7")
    truth = find_truth(docs.db, docs.info, request)
    trial = try_index(docs.db, docs.info, request, truth)
    assert "r7" not in {row.id for row in trial.rows}
    assert trial.got == 29
    finding = trial.diagnosis.finding(Cause.EF_SEARCH)
    assert finding is not None
    assert "31" in finding.remedy


def test_the_index_of_the_remedy_leaves_the_query_in(docs: Collection) -> None:
    request = NearestRequest(
        tuple(VECTORS[7].tolist()),
        ef_search=10,
        exclude_id="r7",
        filters=parse_filter('{"n": {"$gte": 300}}'),
    )
    truth = find_truth(docs.db, docs.info, request)
    trial = try_index(docs.db, docs.info, replace(request, limit=40), truth)
    finding = trial.diagnosis.finding(Cause.EF_SEARCH)
    assert finding is not None
    less = parse_filter('{"n": {"$lt": 600}}')
    trial = try_index(docs.db, docs.info, replace(request, filters=less), truth)
    finding = trial.diagnosis.finding(Cause.FILTER)
    assert finding is not None
    assert "n < '600'" in finding.remedy
    assert "r7" not in finding.remedy


def test_bits_and_their_re_ranking(workbench: Workbench) -> None:
    made = workbench.create_collection("bits", dimension=DIMENSION)
    made.upsert({"id": f"r{n}", "embedding": vector.tolist()} for n, vector in enumerate(VECTORS))
    made.create_index("hnsw", target="bit")
    plain = NearestRequest(QUERY)
    truth = find_truth(made.db, made.info, plain)
    found = try_index(made.db, made.info, plain, truth)
    assert found.diagnosis.findings[0].cause is Cause.OTHER_OPERATOR
    assert "binary_quantize" in found.diagnosis.findings[0].remedy
    bits = replace(plain, target=IndexTarget.BIT, ef_search=100)
    few = try_index(made.db, made.info, bits, truth)
    assert few.diagnosis.index_used is not None
    assert Mark.EXTRA in {row.mark for row in few.rows}
    said = few.diagnosis.finding(Cause.APPROXIMATE)
    assert said is not None
    assert "oversample" in said.sentence
    more = try_index(made.db, made.info, replace(bits, oversample=10), truth)
    assert more.hits > few.hits
