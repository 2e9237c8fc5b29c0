"""Rows along an axis: positions by Postgres as NumPy has them, samples, and foreign tables."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from tests.db.psql import psql_rows

import pgvista
from pgvista.api import Workbench
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.science.axis import along, concept_axis
from pgvista.services.collections import open_collection
from pgvista.services.lesson_axis import measure_axis, read_rows

AXIS = concept_axis(np.array([0, 0], np.float32), np.array([3, 4], np.float32))


@pytest.fixture
def workbench(database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(database_url) as opened:
        yield opened


def fill(
    workbench: Workbench, vectors: dict[str, list[float]], vector_type: str = "vector"
) -> Collection:
    dimension = len(next(iter(vectors.values())))
    made = workbench.create_collection("docs", dimension=dimension, vector_type=vector_type)
    made.upsert(
        {"id": key, "content": f"text of {key}", "embedding": vector}
        for key, vector in vectors.items()
    )
    return made.info


def test_positions_by_hand(workbench: Workbench) -> None:
    docs = fill(workbench, {"far": [3, 4], "back": [-3, -4], "aside": [4, -3], "near": [1, 0]})
    rows = read_rows(workbench.db, docs)
    assert (rows.total, rows.is_sample) == (4, False)
    found = measure_axis(workbench.db, docs, rows, AXIS)
    assert [rows.ids[place] for place in found.places] == ["back", "aside", "near", "far"]
    assert found.positions == pytest.approx([-5, 0, 0.6, 5], abs=1e-6)
    assert [rows.texts[place] for place in found.places][-1] == "text of far"
    assert found.difference < 1e-6
    assert found.gone == 0
    assert "<#>" in found.sql
    assert [row[0] for row in psql_rows(workbench.url, found.sql + ";")] == [
        "back", "aside", "near", "far",
    ]  # fmt: skip


@pytest.mark.parametrize("vector_type", ["vector", "halfvec"])
def test_as_numpy_has_them(workbench: Workbench, vector_type: str) -> None:
    values = np.random.default_rng(2).normal(size=(60, 48)).astype(np.float32)
    docs = fill(
        workbench,
        {f"r{n:03}": row.tolist() for n, row in enumerate(values)},
        vector_type=vector_type,
    )
    axis = concept_axis(values[0], values[1])
    rows = read_rows(workbench.db, docs)
    found = measure_axis(workbench.db, docs, rows, axis)
    assert found.difference < 1e-6
    assert found.positions == pytest.approx(np.sort(along(rows.vectors, axis)), abs=1e-6)


def test_a_sample_is_the_same_each_time(workbench: Workbench) -> None:
    docs = fill(workbench, {f"r{n:03}": [n, 100 - n] for n in range(100)})
    rows = read_rows(workbench.db, docs, limit=30)
    assert (len(rows.ids), rows.total, rows.is_sample) == (30, 100, True)
    assert rows.ids == read_rows(workbench.db, docs, limit=30).ids
    assert rows.ids != read_rows(workbench.db, docs, limit=30, seed=1).ids
    found = measure_axis(workbench.db, docs, rows, AXIS)
    assert sorted(found.places) == list(range(30))
    assert found.gone == 0
    shown = psql_rows(workbench.url, found.sql + ";")
    assert [row[0] for row in shown] == [rows.ids[place] for place in found.places]


def test_rows_that_come_and_go(workbench: Workbench) -> None:
    docs = fill(workbench, {"a": [1, 0], "b": [0, 1], "c": [1, 1]})
    rows = read_rows(workbench.db, docs)
    changed = workbench.collection("docs")
    changed.delete(ids=["a"])
    changed.upsert([{"id": "d", "embedding": [2, 2]}])
    found = measure_axis(workbench.db, docs, rows, AXIS)
    assert [rows.ids[place] for place in found.places] == ["b", "c"]
    assert found.gone == 2


def test_no_rows_and_rows_without_vectors(workbench: Workbench) -> None:
    docs = fill(workbench, {"a": [1, 0]})
    with workbench.db.transaction() as connection:
        connection.execute("update pgvista.docs set embedding = null")
    rows = read_rows(workbench.db, docs)
    assert (rows.ids, rows.total, rows.vectors.shape) == ((), 0, (0, 2))
    found = measure_axis(workbench.db, docs, rows, AXIS)
    assert len(found.places) == 0
    assert np.isnan(found.difference)


def test_an_axis_of_another_dimension(workbench: Workbench) -> None:
    docs = fill(workbench, {"a": [1, 0]})
    rows = read_rows(workbench.db, docs)
    with pytest.raises(InvalidInput, match="3 numbers"):
        measure_axis(workbench.db, docs, rows, np.ones(3, np.float32))


def test_tables_of_others(workbench: Workbench) -> None:
    with workbench.db.transaction() as connection:
        connection.execute('create table "a""b%s" ("%id" bigint, "em;b" vector(2))')
        connection.execute("""insert into "a""b%s" values (10, '[3,4]'), (2, '[0,0]')""")
        connection.execute('create view seen as select "em;b" from "a""b%s"')
        connection.execute("create table loose (id text primary key, v vector)")
    for name, table in (("public", 'a"b%s'), ("public", "seen")):
        docs = open_collection(workbench.db, table, name)
        rows = read_rows(workbench.db, docs)
        found = measure_axis(workbench.db, docs, rows, AXIS)
        assert found.positions == pytest.approx([0, 5])
        sample = read_rows(workbench.db, docs, limit=1)
        assert len(measure_axis(workbench.db, docs, sample, AXIS).places) == 1
    with pytest.raises(InvalidInput, match="no fixed dimension"):
        read_rows(workbench.db, open_collection(workbench.db, "loose", "public"))
