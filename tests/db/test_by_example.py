"""Search by example, on a real Postgres: every metric, groups, variety, and examples that are gone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import pgvista
from pgvista.api import Collection, Workbench
from pgvista.errors import InvalidInput, NotFound
from pgvista.model.by_example import ExampleRequest
from pgvista.model.metric import Metric
from pgvista.services.by_example import by_example
from pgvista.sql.by_example import by_example as by_example_sql

ROWS = 60


@pytest.fixture(scope="module")
def workbench(module_database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(module_database_url) as opened:
        yield opened


def vectors() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(ROWS, 5)).astype(np.float32)


def make(
    workbench: Workbench, name: str, metric: str = "cosine", vector_type: str = "vector"
) -> Collection:
    made = workbench.create_collection(
        name, dimension=5, metric=metric, vector_type=vector_type, columns={"kind": "text"}
    )
    made.upsert(
        {
            "id": f"r{n:02}",
            "content": f"text {n}",
            "embedding": vector.tolist(),
            "metadata": {"part": {"of": n % 4}} if n % 5 else {},
            "kind": "even" if n % 2 == 0 else "odd",
        }
        for n, vector in enumerate(vectors())
    )
    return made


@pytest.fixture(scope="module")
def docs(workbench: Workbench) -> Collection:
    return make(workbench, "docs")


def expected(metric: Metric, like: list[int], unlike: list[int], weight: float) -> list[str]:
    """Work the order out without any of the code under test."""
    data = vectors().astype(float)
    used = data / np.linalg.norm(data, axis=1, keepdims=True) if metric is Metric.COSINE else data
    query = used[like].mean(axis=0)
    if unlike:
        query = query + weight * (query - used[unlike].mean(axis=0))
    if metric is Metric.COSINE:
        far = 1 - used @ (query / np.linalg.norm(query))
    elif metric is Metric.INNER_PRODUCT:
        far = -(data @ query)
    else:
        far = np.linalg.norm(data - query, ord=2 if metric is Metric.L2 else 1, axis=1)
    order = [n for n in np.argsort(far) if n not in like + unlike]
    return [f"r{n:02}" for n in order]


@pytest.mark.parametrize("vector_type", ["vector", "halfvec"])
@pytest.mark.parametrize("metric", list(Metric))
def test_likes_and_unlikes(workbench: Workbench, metric: Metric, vector_type: str) -> None:
    made = make(workbench, f"{metric}_{vector_type}", metric.value, vector_type)
    found = made.similar(ids=["r01", "r02"], unlike=["r03", "r04"], unlike_weight=0.7, limit=8)
    wanted = expected(metric, [1, 2], [3, 4], 0.7)[:8]
    assert [hit.id for hit in found.hits] == wanted
    assert [hit.semantic_rank for hit in found.hits] == list(range(1, 9))
    assert found.hits[0].distance == pytest.approx(
        min(hit.distance for hit in found.hits if hit.distance is not None)
    )


def test_one_row_as_before(docs: Collection) -> None:
    found = docs.similar("r07", limit=3)
    assert [hit.id for hit in found.hits] == expected(Metric.COSINE, [7], [], 0)[:3]
    assert found.notes == ()


def test_index_serves_it(docs: Collection, workbench: Workbench) -> None:
    made = make(workbench, "indexed")
    made.create_index("hnsw")
    request = ExampleRequest(like=("r01",), unlike=("r02",), variety=0.3, limit=3)
    query = by_example_sql(made.info, request, vectors()[1])
    with workbench.db.transaction(settings={"enable_seqscan": "off"}) as connection:
        rows = connection.execute(b"explain " + query.sql.as_bytes(None), query.params).fetchall()
    assert any("hnsw" in row[0] for row in rows)
    assert len(made.similar("r01", limit=20).hits) == 20


def test_weight_moves_away(docs: Collection) -> None:
    def distance(weight: float) -> float:
        data = vectors().astype(float)
        unit = data / np.linalg.norm(data, axis=1, keepdims=True)
        found = docs.similar(ids=["r01"], unlike=["r03"], unlike_weight=weight, limit=10)
        return float(np.mean([1 - unit[int(hit.id[1:])] @ unit[3] for hit in found.hits]))

    assert distance(0) < distance(1) < distance(2)


def test_groups(docs: Collection) -> None:
    found = docs.similar("r01", group_by="kind", limit=5, candidates=40)
    assert sorted(str(hit.columns["kind"]) for hit in found.hits) == ["even", "odd"]
    assert "2 values of kind among the nearest 40 rows." in found.notes
    order = expected(Metric.COSINE, [1], [], 0)
    best = {kind: next(r for r in order if (int(r[1:]) % 2 == 0) == (kind == "even")) for kind in
            ("even", "odd")}  # fmt: skip
    assert {str(hit.columns["kind"]): hit.id for hit in found.hits} == best


def test_groups_of_a_dotted_key_with_rows_without(docs: Collection) -> None:
    found = docs.similar("r01", group_by="part.of", limit=10, candidates=59)
    assert len(found.hits) == 5  # 0, 1, 2, 3, and those without
    assert found.notes[0] == (
        "5 values of part.of among the nearest 59 rows; rows without one (12) count as a group."
    )


def test_a_key_that_no_row_has(docs: Collection) -> None:
    found = docs.similar("r01", group_by='no "such; key', limit=10)
    assert len(found.hits) == 1
    assert "has a value of 'no \"such; key'." in found.notes[0]


def test_group_with_unknown_column_and_no_metadata(workbench: Workbench) -> None:
    with workbench.db.transaction() as connection:
        connection.execute(
            "create table bare (id int primary key, v vector(2));"
            "insert into bare values (1, '[1,0]'), (2, '[0,1]'), (3, '[1,1]')"
        )
    bare = workbench.collection("public.bare")
    assert [hit.id for hit in bare.similar("1").hits] == ["3", "2"]
    with pytest.raises(InvalidInput, match="no column 'kind', and no metadata"):
        bare.similar("1", group_by="kind")


def test_variety(workbench: Workbench) -> None:
    made = workbench.create_collection("varied", dimension=2)
    rows = {"q": [1, 0], "a": [1, 0.1], "b": [1, 0.11], "c": [1, 0.12], "d": [1, -0.5]}
    made.upsert({"id": key, "embedding": value} for key, value in rows.items())
    assert [hit.id for hit in made.similar("q", limit=2).hits] == ["a", "b"]
    varied = made.similar("q", limit=2, variety=0.7)
    assert [hit.id for hit in varied.hits] == ["a", "d"]
    assert [hit.semantic_rank for hit in varied.hits] == [1, 4]
    assert "variety" in varied.timings_ms


def test_threshold(docs: Collection) -> None:
    near = docs.similar("r01", limit=50)
    edge = near.hits[4].distance
    assert edge is not None
    found = docs.similar("r01", limit=50, max_distance=edge)
    assert [hit.id for hit in found.hits] == [hit.id for hit in near.hits[:5]]
    assert any("the distance threshold" in note for note in found.notes)


def test_filter(docs: Collection) -> None:
    found = docs.similar("r01", limit=5, filters={"kind": "even"})
    assert {hit.columns["kind"] for hit in found.hits} == {"even"}


def test_sql_runs_as_shown(docs: Collection, workbench: Workbench) -> None:
    result = docs.similar(ids=["r01"], unlike=["r02"], group_by="part.of", limit=3)
    statement = result.sql.split("\n", 1)[1].rsplit(";\ncommit", 1)[0].split(";\n")[-1]
    with workbench.db.transaction() as connection:
        ids = [row[0] for row in connection.execute(statement.encode()).fetchall()]
    assert ids == [hit.id for hit in result.hits]


def test_gone_bare_and_zero_are_told(workbench: Workbench) -> None:
    made = workbench.create_collection("holes", dimension=2)
    made.upsert({"id": key, "embedding": v} for key, v in {"a": [1, 0], "b": [1, 1]}.items())
    with workbench.db.transaction() as connection:
        connection.execute(
            "insert into pgvista.holes (id, embedding) values ('bare', null), ('zero', '[0,0]')"
        )
    found = made.similar(ids=["a", "gone", "bare"], unlike=["zero"])
    assert [hit.id for hit in found.hits] == ["b"]
    assert found.notes[:3] == (
        "Left out, not in holes any more: 'gone'.",
        "Left out, without a vector: 'bare'.",
        "Left out, with a zero vector, which has no direction: 'zero'.",
    )
    with pytest.raises(NotFound, match="No row to be like is left"):
        made.similar(ids=["gone", "bare"])


def test_opposites_cancel(workbench: Workbench) -> None:
    made = workbench.create_collection("poles", dimension=2)
    made.upsert([{"id": "n", "embedding": [0, 1]}, {"id": "s", "embedding": [0, -1]}])
    with pytest.raises(InvalidInput, match="cancel each other out"):
        made.similar(ids=["n", "s"])


def test_one_row_and_no_row(workbench: Workbench) -> None:
    made = workbench.create_collection("lonely", dimension=2)
    with pytest.raises(NotFound):
        made.similar("a")
    made.upsert([{"id": "a", "embedding": [0, 1]}])
    assert made.similar("a", variety=0.5, group_by="x").hits == ()


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"ids": []}, "nothing to be similar to"),
        ({"ids": ["a"], "unlike": ["b", "a"]}, "'a' is both liked and unliked"),
        ({"ids": "abc"}, "takes a list of ids"),
        ({"ids": ["a\0b"]}, "NUL byte"),
        ({"ids": ["a"], "variety": 1.5}, "variety is 1.5"),
        ({"ids": ["a"], "variety": float("nan")}, "variety is nan"),
        ({"ids": ["a"], "unlike_weight": -1}, "unlike_weight is -1"),
        ({"ids": ["a"], "limit": 0}, "limit is 0"),
        ({"ids": ["a"], "group_by": " "}, "group by is empty"),
        ({"ids": ["a"], "max_distance": float("nan")}, "max_distance is nan"),
        ({"ids": [str(n) for n in range(1001)]}, "at most 1,000"),
        ({"text": "words"}, "words cannot be turned into a vector"),
    ],
)
def test_refused(docs: Collection, knobs: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        docs.similar(**knobs)  # type: ignore[arg-type]


def test_ids_that_are_sql(workbench: Workbench) -> None:
    made = workbench.create_collection('odd "name; %', dimension=2)
    odd = "'; drop table x; -- %s \U0001f600"
    made.upsert([{"id": odd, "embedding": [0, 1]}, {"id": "b", "embedding": [1, 1]}])
    assert [hit.id for hit in made.similar(odd).hits] == ["b"]


def test_words_count_as_one_example(workbench: Workbench) -> None:
    made = workbench.create_collection("pets", model="all-MiniLM-L6-v2")
    texts = {"cat": "The cat sleeps", "dog": "The dog barks", "tax": "Pay the tax bill"}
    made.upsert({"id": key, "content": text} for key, text in texts.items())
    found = by_example(workbench.db, made.info, ExampleRequest(text="kitten", limit=2))
    assert found.hits[0].id == "cat"
    moved = by_example(
        workbench.db, made.info, ExampleRequest(text="kitten", like=("tax",), unlike=("cat",))
    )
    assert [hit.id for hit in moved.hits] == ["dog"]
