"""The lesson HNSW: each step, its knobs against the model's own figures, and what is bad."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Collection, Workbench
from pgvista.science.hnsw_recall import missed
from pgvista.science.hnsw_walk import search
from pgvista.ui.learn import hnsw_state as state

PAGE = "pages/learn/hnsw.py"
ROWS = 300
QUERY = np.array(state.QUERY, np.float32)


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    made = workbench.create_collection("docs", dimension=8)
    vectors = np.random.default_rng(1).normal(size=(ROWS, 8))
    made.upsert(
        {"id": str(n), "content": f"text {n}", "embedding": vector.tolist()}
        for n, vector in enumerate(vectors)
    )
    return made


def reveal(app: AppTest, name: str) -> AppTest:
    app.button(key=f"learn_hnsw_{name}_reveal").click().run()
    assert not app.exception, app.exception
    return app


def said(app: AppTest) -> str:
    return "\n".join([texts(app), *(item.value for item in app.info)]).replace("\\", "")


def found(ef: int) -> tuple[int, int]:
    """How many of the ten nearest the lesson's first query finds, and for how many distances."""
    got = search(state.plane_graph(), QUERY, ef=ef)
    return 10 - len(missed(got.nearest, state.truth(state.QUERY))), got.computed


def test_the_answer_waits_for_the_prediction(open_page: OpenPage) -> None:
    app = open_page(PAGE)
    assert "were computed" not in said(app)
    reveal(app, "cost")
    hits, computed = found(40)
    assert "about 100" in said(app)
    assert f"**{computed} distances** were computed" in said(app)
    assert f"{hits} of the 10 nearest were found" in said(app)


def test_the_walk_and_another_query(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="walk")
    assert found(10)[0] < found(160)[0] == 10  # what the lesson is about
    app.button(key="learn_hnsw_other").click().run()
    assert not app.exception
    assert app.session_state[state.X] != state.QUERY[0]
    assert app.query_params["x"] in ([x := f"{app.session_state[state.X]:g}"], x)


def test_a_place_outside_of_the_plane_is_brought_back(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="walk", x="1e9", y="nan")
    assert not app.exception
    assert not app.error


def test_ef_search_against_the_model(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="ef_search")
    for ef in (10, 160):
        app.session_state[state.EF] = float(ef)
        app.run()
        hits, computed = found(ef)
        assert f"| this query | **{hits}** | **{computed}** |" in texts(app)
        mean = state.plane_point(ef)
        assert f"**{10 * mean.recall:.1f}** | **{mean.computed:.0f}** |" in texts(app)
        assert "below the limit" not in texts(app)


def test_ef_search_below_the_limit_is_said(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="ef_search", ef="4")
    assert "ef_search 4 is below the limit of 10" in texts(app)
    assert "no more than 4 of 10 rows come back" in texts(app)


def test_building_anew(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="m", m="2", efc="8")
    graph = state.plane_graph(2, 8)
    assert f"| Layers | 6 | **{len(graph.layers)}** |" in texts(app)
    assert f"| Points that a walk can reach | 2,000 | **{graph.reached():,}** |" in texts(app)
    assert not app.error


def test_knobs_that_do_not_go_together(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="m", m="16", efc="8")
    assert "at least 2 * m = 32" in texts(app)


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [({"m": "1"}, "m is 1, but it takes 2 to 100"),
     ({"efc": "5000"}, "ef_construction is 5000, but it takes 4 to 1,000")],
)  # fmt: skip
def test_knobs_out_of_range(open_page: OpenPage, knobs: dict[str, str], sentence: str) -> None:
    app = open_page(PAGE, step="m", **knobs)
    assert sentence in texts(app)
    assert (app.session_state[state.M], app.session_state[state.EF_CONSTRUCTION]) == (4, 12)


def test_real_rows(open_page: OpenPage, docs: Collection) -> None:
    app = open_page(PAGE, step="rows", collection="docs")
    assert "The vectors have 8 dimensions" in texts(app)
    assert "Query:" not in texts(app)
    reveal(app, "picture")
    assert "It walks by all dimensions" in said(app)
    assert "Query: **text" in texts(app)
    first = texts(app)
    app.button(key="learn_hnsw_row_other").click().run()
    assert not app.exception
    assert texts(app) != first
    table = app.dataframe[0].value
    assert len(table) == 10
    assert set(table["By the walk"]) <= {"found", "missed"}


def test_without_a_collection_a_sample_is_offered(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="rows")
    assert not app.exception
    assert "Query:" not in texts(app)


def test_a_collection_with_too_few_rows(open_page: OpenPage, workbench: Workbench) -> None:
    made = workbench.create_collection("few", dimension=2)
    made.upsert([{"id": "a", "embedding": [1, 2]}])
    app = open_page(PAGE, step="rows", collection="few")
    assert "has 1 row" in said(app)


def test_rows_that_are_all_equal(open_page: OpenPage, workbench: Workbench) -> None:
    made = workbench.create_collection("same", dimension=2)
    made.upsert({"id": str(n), "embedding": [1, 2]} for n in range(40))
    app = open_page(PAGE, step="rows", collection="same")
    reveal(app, "picture")
    assert "All 32 rows have the same vector" in texts(app)
    assert not app.error


def test_zero_vectors_alone(open_page: OpenPage, workbench: Workbench) -> None:
    for name, metric, sentence in (
        ("angles", "cosine", "0 rows with a vector that is not zero"),
        ("lengths", "l2", "Every vector of"),
    ):
        made = workbench.create_collection(name, dimension=2, metric=metric)
        made.upsert({"id": str(n), "embedding": [0, 0]} for n in range(40))
        assert sentence in texts(open_page(PAGE, step="rows", collection=name))


def test_pgvector_beside_the_model(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="pgvector")
    assert "| ef_search | model | pgvector |" in texts(app)
    for point in state.plane_curve():
        assert f"| {point.ef} | {point.recall:.3f} | **" in texts(app)
    assert "pgvector built its index in" in texts(app)
    app.button(key="learn_hnsw_again").click().run()
    assert not app.exception
    assert " to 0." in texts(app)


def test_pgvector_on_real_rows(open_page: OpenPage, docs: Collection) -> None:
    app = open_page(PAGE, step="pgvector", on="Real rows", collection="docs")
    assert "pgvector built its index in" in texts(app)
    assert not app.error


def test_a_read_only_connection_sees_the_model(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgvista.db.database.Database.read_only", True)
    app = open_page(PAGE, step="pgvector")
    assert "read-only" in texts(app)
    assert f"| 10 | {state.plane_curve()[0].recall:.3f} | – |" in texts(app)


def test_what_to_remember_and_where_to_go(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="remember")
    assert "ef_search is the knob of a query" in texts(app)
    assert not app.exception
