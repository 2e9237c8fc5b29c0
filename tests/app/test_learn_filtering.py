"""The lesson Filters and recall: each step by what the real index gave, and what is bad."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Workbench
from pgvista.model.metric import Metric
from pgvista.science.lesson_filtering import grouped_vectors
from pgvista.ui.learn import filtering_state as state
from pgvista.ui.learn.filtering_state import Rows

PAGE = "pages/learn/filtering.py"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer rows, so that the index is built in a moment: 1 % of 1,500 are 15."""
    vectors = grouped_vectors(1_510, 8, groups=8, seed=1)
    rows = Rows("small", vectors[10:], vectors[:10], Metric.COSINE, "small")
    monkeypatch.setattr(state, "made", lambda: rows)
    return


def reveal(app: AppTest, name: str) -> AppTest:
    app.button(key=f"learn_filtering_{name}_reveal").click().run()
    assert not app.exception, app.exception
    return app


def infos(app: AppTest) -> str:
    return "\n".join(item.value for item in app.info).replace("\\", "")


def table(app: AppTest) -> dict[str, list[str]]:
    """Return the cells of the step's table by the first of each row."""
    lines = [line for item in app.markdown for line in item.value.splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return {row[0]: row[1:] for row in cells}


def numbers(values: list[str]) -> list[float]:
    return [float(value.removesuffix(" ms")) for value in values]


def test_the_filter_takes_candidates_away(open_page: OpenPage) -> None:
    app = open_page(PAGE, share="100")
    assert "**40** nearest candidates" in texts(app)
    assert "40 rows of them meet it" in texts(app)
    assert "**10 of the 10 rows wanted come back.**" in texts(app)
    app.session_state[state.SHARE] = 1.0
    app.run()
    assert "40 × 1 % = 0.4" in texts(app)
    assert "**10 of the 10" not in texts(app)


def test_rows_of_one_label_can_lie_together(open_page: OpenPage) -> None:
    app = open_page(PAGE, labels=state.PLACE)
    assert "These rows lie together" in texts(app)


def test_a_narrow_filter_starves_the_index(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="starved")
    assert len(app.get("plotly_chart")) == 0
    reveal(app, "starved")
    assert "1 or fewer" in infos(app)
    assert len(app.get("plotly_chart")) == 1


def test_more_candidates(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="ef_search", ef="10")
    low = {name: numbers(values)[0] for name, values in table(app).items()}
    app.session_state[state.EF] = 1000
    app.run()
    high = {name: numbers(values)[0] for name, values in table(app).items()}
    assert low["1 %"] < low["10 %"] < low["50 %"] < 10
    assert high["50 %"] == high["10 %"] == 10
    assert high["1 %"] > low["1 %"]


def test_iterative_scans_go_on(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="iterative")
    found = {name: numbers(values) for name, values in table(app).items()}
    assert found["off"][0] < 2
    assert found["strict_order"][0] == found["relaxed_order"][0] == 10
    assert found["relaxed_order"][1] > 0.9
    app.session_state[state.TUPLES] = 100
    app.run()
    assert numbers(table(app)["strict_order"])[0] < 10


def test_other_ways(open_page: OpenPage) -> None:
    app = reveal(open_page(PAGE, step="other ways"), "planner")
    assert "the rows of the filter, sorted" in infos(app)
    found = {name: numbers(values) for name, values in table(app).items()}
    assert found["left to the planner"][:2] == found["partial HNSW index"][:2] == [10, 1]
    assert found["HNSW, filter after"][0] < 2


def test_an_address_with_nonsense(open_page: OpenPage) -> None:
    nonsense: dict[str, Any] = {"ef": "7", "tuples": "x", "label": "3 %", "data": "<b>"}
    for step in ("ef_search", "iterative"):
        app = open_page(PAGE, step=step, **nonsense)
        assert not app.error
        assert table(app)


def test_the_readers_own_rows(workbench: Workbench, open_page: OpenPage) -> None:
    made = workbench.create_collection("docs", dimension=8)
    draw = np.random.default_rng(1)
    made.upsert(
        {"id": str(n), "embedding": vector.tolist()}
        for n, vector in enumerate(draw.normal(size=(1_200, 8)))
    )
    app = open_page(PAGE, data=state.OWN, collection="docs", share="100")
    assert "1,180 rows of docs, 20 queries" in texts(app)
    assert "**10 of the 10 rows wanted come back.**" in texts(app)
    few = workbench.create_collection("few", dimension=2)
    few.upsert([{"id": "a", "embedding": [1.0, 0.0]}])
    app = open_page(PAGE, data=state.OWN, collection="few")
    assert "few has 1 row; this lesson needs 1,000" in infos(app)
    app.session_state[state.DATA] = state.MADE
    app.run()
    assert "**40** nearest candidates" in texts(app)


def test_a_real_column_and_a_metadata_key(workbench: Workbench, open_page: OpenPage) -> None:
    made = workbench.create_collection("docs", dimension=8)
    draw = np.random.default_rng(1)
    made.upsert(
        {
            "id": str(n),
            "embedding": vector.tolist(),
            "metadata": {"topic": "rare" if n % 50 == 0 else "`usual`", "number": n},
        }
        for n, vector in enumerate(draw.normal(size=(1_000, 8)))
    )
    app = open_page(PAGE, step="your column", collection="docs", column="topic", value="rare")
    said = texts(app)
    meet = next(int(part) for part in said.split("met by **")[1].split())
    assert 10 <= meet <= 20
    assert (
        f"`topic = rare` is met by **{meet} of 980** sampled rows, **{100 * meet / 980:.1f} %**"
        in said
    )
    assert "20 of 1,000 in the whole table (2.0 %)" in said
    found = {name: numbers(values) for name, values in table(app).items()}
    assert found["off"][0] < 3
    assert found["strict_order"][0] == found["relaxed_order"][0] == 10
    assert found["left to the planner"][1] == 1
    app.selectbox(key=state.VALUE).set_value("`usual`").run()
    assert "`topic = ˋusualˋ` is met by" in texts(app)
    assert not app.error
    app = open_page(PAGE, step="your column", collection="docs", column="'; drop", value="<b>")
    assert "`topic = " in texts(app)


def test_rows_without_a_column_to_filter_by(workbench: Workbench, open_page: OpenPage) -> None:
    made = workbench.create_collection("docs", dimension=2)
    made.upsert({"id": str(n), "embedding": [float(n), 1.0]} for n in range(120))
    app = open_page(PAGE, step="your column", collection="docs")
    assert "No column or metadata key of docs has values" in infos(app)


def test_read_only_is_one_sentence(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgvista.db.database.Database.read_only", property(lambda _: True))
    for step in ("after", "starved"):
        app = open_page(PAGE, step=step)
        assert len(app.error) == 1
        assert "a real index needs a temporary table" in texts(app)


def test_every_step_in_presenters_mode(open_page: OpenPage) -> None:
    for step in (
        "after",
        "starved",
        "ef_search",
        "iterative",
        "other ways",
        "your column",
        "remember",
    ):
        app = open_page(PAGE, step=step, present="1")
        assert "Filters and recall ·" in texts(app)
        assert not app.error
