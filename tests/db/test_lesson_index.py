"""A lesson's index is pgvector's own: recall against all rows compared, and nothing left behind."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import psycopg
import pytest

from pgvista.db.database import Database
from pgvista.db.target import target_from_url
from pgvista.errors import InvalidInput, PermissionDenied, ReadOnly, StatementTimeout
from pgvista.model.index import IndexMethod
from pgvista.model.lesson_index import Ask
from pgvista.model.metric import Metric
from pgvista.model.search import IterativeScan
from pgvista.services.lesson_index import LessonIndex, RealIndex, ask_index, try_index

DRAW = np.random.default_rng(8)
POINTS = DRAW.normal(size=(3_000, 16)).astype(np.float32)
QUERIES = DRAW.normal(size=(25, 16)).astype(np.float32)
HNSW = LessonIndex(IndexMethod.HNSW, m=8, ef_construction=32)
IVFFLAT = LessonIndex(IndexMethod.IVFFLAT, lists=30)
PLANE = np.array([[x, 0] for x in range(50)], float)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(target_from_url(database_url))
    yield database
    database.close()


def nearest(query: Any, limit: int, among: Any = None) -> list[int]:
    """Work out the nearest by L2 without the code under test."""
    rows = np.arange(len(POINTS)) if among is None else np.flatnonzero(among)
    far = ((POINTS[rows].astype(float) - query) ** 2).sum(axis=1)
    return [int(row) for row in rows[np.argsort(far)[:limit]]]


def recalls(result: RealIndex) -> list[float]:
    return [point.recall for point in result.points]


@pytest.mark.parametrize(
    ("index", "values"), [(HNSW, (5, 20, 100, 1000)), (IVFFLAT, (1, 5, 15, 30))]
)
def test_recall_rises_with_the_knob(db: Database, index: LessonIndex, values: Any) -> None:
    result = try_index(db, POINTS, QUERIES, index, values=values)
    found = recalls(result)
    assert found == sorted(found)
    assert found[0] < 0.8
    assert found[-1] > 0.99
    assert [point.value for point in result.points] == list(values)
    for point in result.points:
        by_hand = [
            len(set(got) & set(nearest(query, 10))) / 10
            for got, query in zip(point.found, QUERIES, strict=True)
        ]
        assert point.recall == pytest.approx(np.mean(by_hand))
        assert point.nearest[0] == tuple(nearest(QUERIES[0], 10))
        assert point.used_index
    assert result.points[0].pages < result.points[-1].pages
    assert result.index_bytes > 8192
    assert result.build_ms > 0


def test_ef_search_is_the_most_rows_that_come(db: Database) -> None:
    result = try_index(db, POINTS, QUERIES, HNSW, values=(5, 40), limit=20)
    assert [point.rows for point in result.points] == [5, 20]


def test_all_lists_visited_find_all(db: Database) -> None:
    result = try_index(db, POINTS, QUERIES, IVFFLAT, values=(30, 32_768))
    assert recalls(result) == [1, 1]


def test_labels_and_iterative_scans(db: Database) -> None:
    labels = (np.arange(len(POINTS)) % 50 == 0).astype(int)
    asks = [
        Ask(40, keep=1, free=True),
        Ask(40, keep=1),
        Ask(40, keep=1, iterative_scan=IterativeScan.STRICT),
        Ask(40, keep=1, iterative_scan=IterativeScan.RELAXED),
        Ask(40, keep=1, iterative_scan=IterativeScan.STRICT, max_scan_tuples=1),
        Ask(40, keep=7),
    ]
    index = LessonIndex(IndexMethod.HNSW)
    result = ask_index(db, POINTS, QUERIES, index, asks, labels=labels)
    off, strict, relaxed, short, nothing, free = result.points
    assert off.rows < 5
    assert off.recall == pytest.approx(off.rows / 10, abs=0.05)
    assert strict.rows == relaxed.rows == 10
    assert relaxed.recall > 0.95
    assert off.rows <= short.rows < 10
    assert off.nearest[0] == tuple(nearest(QUERIES[0], 10, labels == 1))
    assert all(
        labels[place] == 1 for point in (off, strict) for row in point.found for place in row
    )
    assert (nothing.rows, nothing.nearest[0]) == (0, ())
    assert np.isnan(nothing.recall)
    # sixty rows of three thousand: the planner reads them by the btree on the label
    assert (free.recall, free.used_index) == (1, False)
    assert "where label = 1" in result.sql


def test_a_partial_index_holds_what_the_filter_asks_for(db: Database) -> None:
    labels = (np.arange(len(POINTS)) % 50 == 0).astype(int)
    whole = try_index(db, POINTS, QUERIES, LessonIndex(IndexMethod.HNSW), values=(1,))
    partial = LessonIndex(IndexMethod.HNSW, only=1)
    result = try_index(db, POINTS, QUERIES, partial, values=(40,), labels=labels, keep=1)
    assert (result.points[0].rows, result.points[0].recall) == (10, 1)
    assert result.index_bytes < whole.index_bytes / 10
    with pytest.raises(InvalidInput, match="partial index"):
        try_index(db, POINTS, QUERIES, partial, values=(40,), labels=labels)


def test_centroids_learnt_from_too_little(db: Database) -> None:
    # the first rows lie in a corner, so that most others are nearest to few of the centroids
    points = 100 + 100 * DRAW.random((2_000, 2))
    queries = 100 + 100 * DRAW.random((25, 2))
    order = np.argsort(points.sum(axis=1))
    corner = LessonIndex(IndexMethod.IVFFLAT, lists=20, built_on=40)
    whole = LessonIndex(IndexMethod.IVFFLAT, lists=20)
    few = try_index(db, points, queries, corner, values=(1, 20), order=order)
    all_ = try_index(db, points, queries, whole, values=(1, 20), order=order)
    shares = [(point.looked_at or 0) / len(points) for point in (*few.points, *all_.points)]
    assert shares[0] > 2 * shares[2]
    assert 1 / 40 < shares[2] < 1 / 8  # twenty lists of about a hundred rows
    assert shares[1] == shares[3] == 1
    assert recalls(few)[1] == recalls(all_)[1] == 1
    assert "40 rows are copied" in few.sql
    assert "1,960 rows more" in few.sql


def test_fewer_rows_than_lists_are_told_by_pgvector(db: Database) -> None:
    index = LessonIndex(IndexMethod.IVFFLAT, lists=30, built_on=20)
    result = try_index(db, POINTS, QUERIES, index, values=(30,))
    assert "little data" in result.notices[0]
    assert result.points[0].recall == 1


def test_nothing_is_left_behind(db: Database, connection: psycopg.Connection) -> None:
    try_index(db, POINTS, QUERIES, HNSW, values=(10,))
    with pytest.raises(InvalidInput):
        try_index(db, PLANE, PLANE[:2], LessonIndex(IndexMethod.HNSW, m=1), values=(10,))
    left = "select count(*) from pg_class where relname like 'pgvista_lesson%%'"
    assert connection.execute(left).fetchone() == (0,)
    with db.transaction() as own:
        for name, value in (("hnsw.ef_search", "40"), ("enable_seqscan", "on")):
            assert own.execute("select current_setting(%s)", (name,)).fetchone() == (value,)
    try_index(db, POINTS, QUERIES, HNSW, values=(10,))  # the name is free again


def test_a_table_of_the_same_name_is_not_touched(
    db: Database, connection: psycopg.Connection
) -> None:
    connection.execute(
        "create table pgvista_lesson (id int); insert into pgvista_lesson values (7)"
    )
    try_index(db, PLANE, PLANE[:2], IVFFLAT, values=(30,))
    assert connection.execute("select id from pgvista_lesson").fetchall() == [(7,)]


def test_the_extension_in_another_schema(db: Database, connection: psycopg.Connection) -> None:
    connection.execute("create schema elsewhere; alter extension vector set schema elsewhere")
    for index in (HNSW, IVFFLAT):
        for metric in (Metric.L2, Metric.COSINE, Metric.INNER_PRODUCT):
            result = try_index(db, POINTS, QUERIES, index, values=(1000,), metric=metric)
            assert result.points[0].recall > 0.97
    assert '"elsewhere"."vector_ip_ops"' in result.sql


def test_two_people_at_once(db: Database) -> None:
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(try_index, db, POINTS, QUERIES, index, values=(30,))
            for index in (HNSW, IVFFLAT)
        ]
        graph, lists = (future.result() for future in asked)
    assert lists.points[0].recall == 1
    assert graph.points[0].rows == 10


def test_the_limit_of_a_statement_holds(database_url: str) -> None:
    hurried = Database(target_from_url(database_url), statement_timeout_ms=5)
    try:
        with pytest.raises(StatementTimeout):
            try_index(hurried, POINTS, QUERIES, HNSW, values=(30,))
    finally:
        hurried.close()


def test_ties_count(db: Database) -> None:
    same = np.zeros((40, 2)) + 3
    result = try_index(db, same, same[:1], IVFFLAT, values=(30,), limit=5)
    assert result.points[0].recall == 1


def test_one_point(db: Database) -> None:
    for index in (LessonIndex(IndexMethod.HNSW), LessonIndex(IndexMethod.IVFFLAT, lists=5)):
        result = try_index(db, [[1, 2]], [[0, 0]], index, values=(5,))  # type: ignore[arg-type]
        assert (result.points[0].found, result.points[0].recall) == (((0,),), 1)


def test_zero_vectors_under_cosine_are_told(db: Database) -> None:
    points = np.vstack([np.zeros((3, 2)), [[1, 0], [0, 1]]])
    result = try_index(db, points, points[3:], HNSW, values=(40,), metric=Metric.COSINE)
    assert "3 of 5 points are zero vectors" in result.notices[0]
    assert (result.points[0].rows, result.points[0].recall) == (2, 1)
    with pytest.raises(InvalidInput, match="zero vector"):
        try_index(db, points, points[:1], HNSW, values=(40,), metric=Metric.COSINE)


@pytest.mark.parametrize(
    ("points", "queries", "said"),
    [
        (np.zeros((20_001, 2)), PLANE[:1], "20,000 at most"),
        (np.array([[np.nan, 1]]), PLANE[:1], "NaN"),
        (np.array([[1e300, 1]]), PLANE[:1], "infinity"),
        (PLANE, np.array([[np.inf, 1]]), "queries hold NaN"),
        (np.empty((0, 2)), PLANE[:1], "There are no points"),
        (PLANE, np.empty((0, 2)), "There are no queries"),
        (PLANE, np.zeros((1, 3)), "3 dimensions"),
        (np.zeros((2, 2_001)), np.zeros((1, 2_001)), "1 to 2,000"),
        (np.zeros(4), PLANE[:1], "There are no points"),
    ],
)
def test_bad_vectors(db: Database, points: Any, queries: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        try_index(db, points, queries, HNSW, values=(10,))


@pytest.mark.parametrize(
    ("index", "options", "said"),
    [
        (HNSW, {"values": (1001,)}, "ef_search is 1001"),
        (IVFFLAT, {"values": (0,)}, "probes is 0"),
        (IVFFLAT, {"values": (1,), "metric": Metric.L1}, "IVFFlat does not serve L1"),
        (LessonIndex(IndexMethod.IVFFLAT, lists=40_000), {"values": (1,)}, "lists is 40000"),
        (LessonIndex(IndexMethod.HNSW, m=40), {"values": (1,)}, "at least 2"),
        (LessonIndex(IndexMethod.HNSW, built_on=51), {"values": (1,)}, "built_on is 51"),
        (HNSW, {"values": (1,), "limit": 0}, "limit is 0"),
        (HNSW, {"values": (1,), "labels": np.zeros(3)}, "50 whole numbers"),
        (HNSW, {"values": (1,), "labels": np.full(50, 0.5)}, "50 whole numbers"),
        (HNSW, {"values": (1,), "order": np.zeros(50, int)}, "each of 50 positions once"),
    ],
)
def test_bad_settings(db: Database, index: LessonIndex, options: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        try_index(db, PLANE, PLANE[:2], index, **options)


def test_lists_above_rows_are_told_by_pgvector(db: Database) -> None:
    index = LessonIndex(IndexMethod.IVFFLAT, lists=200)
    result = try_index(db, PLANE, PLANE[:5], index, values=(1, 200))
    assert "little data" in result.notices[0]
    assert result.points[0].rows < 10
    assert result.points[1].recall == 1


def test_read_only(database_url: str) -> None:
    reader = Database(target_from_url(database_url, read_only=True))
    try:
        with pytest.raises(ReadOnly, match="temporary table"):
            try_index(reader, PLANE, PLANE[:2], HNSW, values=(10,))
    finally:
        reader.close()


def test_without_the_right_to_temporary_tables(
    database_url: str, connection: psycopg.Connection
) -> None:
    name = connection.info.dbname
    connection.execute("create role lesson_nobody login")
    connection.execute(f'revoke temporary on database "{name}" from public')
    url = database_url.replace("postgres@", "lesson_nobody@").replace(
        "user=postgres", "user=lesson_nobody"
    )
    other = Database(target_from_url(url))
    try:
        with pytest.raises(PermissionDenied, match="temporary tables"):
            try_index(other, PLANE, PLANE[:2], HNSW, values=(10,))
    finally:
        other.close()
        connection.execute("drop role lesson_nobody")
