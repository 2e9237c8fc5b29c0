"""The lesson IVFFlat: each step, its knobs against the model's own figures, and what is bad."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Collection, Workbench
from pgvista.science.lesson_ivfflat import visit
from pgvista.ui.learn import ivfflat_state as state

PAGE = "pages/learn/ivfflat.py"
ROWS = 400


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    made = workbench.create_collection("docs", dimension=8)
    draw = np.random.default_rng(1)
    vectors = draw.normal(size=(ROWS, 8))
    made.upsert({"id": str(n), "embedding": vector.tolist()} for n, vector in enumerate(vectors))
    return made


def reveal(app: AppTest, name: str) -> AppTest:
    app.button(key=f"learn_ivfflat_{name}_reveal").click().run()
    assert not app.exception, app.exception
    return app


def infos(app: AppTest) -> str:
    return "\n".join(item.value for item in app.info).replace("\\", "")


def test_cells_and_knobs(open_page: OpenPage) -> None:
    app = open_page(PAGE)
    assert "20 centroids among 2,000 rows" in texts(app)
    assert "the nearest list alone" in texts(app)
    app.session_state[state.LISTS] = 50.0
    app.session_state[state.PROBES] = 4.0
    app.run()
    sizes = state.plane_lists(50).sizes
    assert f"{sizes.min()} to {sizes.max()} rows a list" in texts(app)
    assert "the 4 nearest lists alone" in texts(app)
    assert app.query_params["lists"] == "50"


def test_the_readers_rows_on_the_plane(docs: Collection, open_page: OpenPage) -> None:
    app = open_page(PAGE, rows=state.OWN, collection="docs", lists="12")
    said = texts(app)
    assert "12 centroids among 370 rows" in said
    assert "A projection: docs on its first two principal components" in said
    assert "pgvector cuts all 8 dimensions" in said
    # in a low window the sidebar's list of lessons would hide it
    assert "learn_collection" in {item.key for item in app.main.selectbox}
    assert not app.sidebar.selectbox
    app.session_state[state.ARENA] = state.DRAWN
    app.run()
    assert "12 centroids among 2,000 rows" in texts(app)
    assert "A projection" not in texts(app)


def test_rows_that_are_alike_make_one_cell(workbench: Workbench, open_page: OpenPage) -> None:
    same = workbench.create_collection("same", dimension=3)
    same.upsert({"id": str(n), "embedding": [0.0, 1.0, 0.0]} for n in range(40))
    app = open_page(PAGE, rows=state.OWN, collection="same")
    assert not app.error
    assert "1 centroids among" in texts(app)


def test_a_link_brings_the_knobs_and_no_probes_above_the_lists(open_page: OpenPage) -> None:
    app = open_page(PAGE, lists="5", probes="3000", query_x="nan", query_y="99")
    assert app.session_state[state.LISTS] == 5
    assert app.session_state[state.PROBES] == 5
    assert app.session_state[f"{state.QUERY}_x"] == state.DEFAULT_QUERY[0]
    assert app.session_state[f"{state.QUERY}_y"] == 1


def test_the_answer_waits_for_the_prediction(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="border")
    assert "rows looked at" not in texts(app)
    reveal(app, "border")
    way = state.plane_border()
    assert f"{way.own} of the 10 are found" in infos(app)
    seen = visit(state.plane(), state.plane_lists(20), way.end, 2)
    assert f"| 2 | {seen.looked_at} | {seen.hits} of 10 |" in texts(app)
    assert f"| **1** | **{visit(state.plane(), state.plane_lists(20), way.end, 1).looked_at}**" in (
        texts(app)
    )
    app.session_state[state.WAY] = 0.0
    app.run()
    middle = visit(state.plane(), state.plane_lists(20), way.start, 1)
    assert f"**{middle.hits} of 10**" in texts(app)
    assert middle.hits > way.own


def test_lists_and_the_advice(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="lists")
    point = state.plane_point(20, 1)
    assert f"recall **{point.recall:.2f}**" in texts(app)
    assert "lists **1,000** (rows / 1000), 1,000 rows each; probes **32**" in texts(app)
    app.session_state[state.TABLE_ROWS] = 10_000_000.0
    app.run()
    assert "lists **3,162** (√rows)" in texts(app)


def test_learning_too_early_on_the_real_index(open_page: OpenPage) -> None:
    app = reveal(open_page(PAGE, step="too early"), "early")
    assert "about 20 %" in infos(app)
    figures = {
        line.split("|")[1].strip(): line
        for item in app.markdown
        for line in item.value.splitlines()
        if line.startswith("| ")
    }
    looked = {
        name: float(line.split("|")[2].strip(" %"))
        for name, line in figures.items()
        if "rows**" in name or name.startswith("model")
    }
    assert looked["**pgvector, 40 rows**"] > 2 * looked["**pgvector, all rows**"]
    assert looked["model, 40 rows"] > 2 * looked["model, all rows"]


def test_pgvectors_index_on_the_readers_rows(docs: Collection, open_page: OpenPage) -> None:
    app = open_page(PAGE, step="pgvector", collection="docs", real_lists="10", real_probes="10")
    assert "With probes **10**: recall **1.00**, 100 % of 370 rows" in texts(app)
    assert "Every list is visited" in texts(app)
    app.session_state[state.REAL_PROBES] = 1.0
    app.run()
    assert "With probes **1**" in texts(app)
    assert "recall **1.00**" not in texts(app)


def test_more_lists_than_rows_are_a_sentence(docs: Collection, open_page: OpenPage) -> None:
    app = open_page(PAGE, step="pgvector", collection="docs", real_lists="1000")
    assert not app.error
    assert "1,000 lists for 370 rows: most lists are empty" in texts(app)
    assert "little data" in texts(app)


def test_too_few_rows_zero_vectors_and_no_collection(
    workbench: Workbench, open_page: OpenPage
) -> None:
    app = open_page(PAGE, step="pgvector")
    assert not app.error
    few = workbench.create_collection("few", dimension=2)
    few.upsert([{"id": "a", "embedding": [1.0, 0.0]}])
    app = open_page(PAGE, step="pgvector", collection="few")
    assert "few has 1 row; this lesson needs 20" in infos(app)
    zeros = workbench.create_collection("zeros", dimension=2)
    zeros.upsert(
        {"id": str(n), "embedding": [0.0, 0.0] if n < 5 else [float(n), 1.0]} for n in range(40)
    )
    app = open_page(PAGE, step="pgvector", collection="zeros", real_lists="3")
    assert "zero vectors" in texts(app)
    assert not app.error


def test_read_only_keeps_the_model(
    docs: Collection, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgvista.db.database.Database.read_only", property(lambda _: True))
    app = open_page(PAGE, step="pgvector", collection="docs")
    assert "a real index needs a temporary table" in texts(app)
    assert len(app.get("plotly_chart")) == 1
    app = reveal(open_page(PAGE, step="too early"), "early")
    assert "model, 40 rows" in texts(app)


def test_remember_and_every_step_in_presenters_mode(docs: Collection, open_page: OpenPage) -> None:
    assert "Lists are fixed" in texts(open_page(PAGE, step="remember", collection="docs"))
    for step in ("cells", "border", "lists", "too early", "pgvector", "remember"):
        app = open_page(PAGE, step=step, collection="docs", present="1")
        assert "IVFFlat ·" in texts(app)
        assert not app.error
