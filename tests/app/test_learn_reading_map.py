"""The lesson on maps: each step on a real collection, and addresses that name what is not there."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, finish_jobs, texts

from pgvista.api import Collection, Workbench
from pgvista.errors import QueryFailed
from pgvista.jobs import JobState
from pgvista.services.lesson_reading_map import PCA, TSNE, Pictures, make_pictures
from pgvista.ui.learn import reading_map_state

PAGE = "pages/learn/reading_map.py"


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    rng = np.random.default_rng(2)
    centres = rng.normal(size=(4, 12))
    made = workbench.create_collection("docs", dimension=12)
    made.upsert(
        {
            "id": f"row {number}",
            "content": f"Article {number} *of* <b>many</b>",
            "metadata": {
                "year": 2000 + number % 5,
                "group": f"g{number % 4}",
                "title": f"T{number}",
            },
            "embedding": (2 * centres[number % 4] + rng.normal(size=12)).tolist(),
        }
        for number in range(60)
    )
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the map by PCA for that of t-SNE, which starts a process of its own."""

    def made(rows: Any, pictures: Pictures, reporter: Any) -> None:
        first = pictures.get(PCA)
        assert first is not None
        pictures.put(TSNE, first)
        make_pictures(rows, pictures, reporter)

    monkeypatch.setattr(reading_map_state, "make_pictures", made)


def to(app: AppTest, step: str) -> AppTest:
    app.query_params["step"] = step
    app.run()
    assert not app.exception, app.exception
    return app


def opened(open_page: OpenPage, **params: str) -> AppTest:
    app = open_page(PAGE, **params)
    assert finish_jobs(app) == [JobState.DONE]
    assert not app.exception, app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception, app.exception
    return app


def said(app: AppTest) -> str:
    return texts(app) + "".join(item.value for item in app.info).replace("\\", "")


def test_pca_is_there_at_once_and_the_others_follow(docs: Collection, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    assert "**PCA** · neighbours kept" in texts(app)
    assert finish_jobs(app) == [JobState.DONE]
    for name in ("PCA", "t-SNE", "UMAP"):
        assert re.search(rf"\*\*{name}\*\* · neighbours kept \*\*\d+%\*\*", texts(app))
    assert "Points strewn at random keep **16.9%**" in texts(app)  # 10 / 59
    colour = app.selectbox(key="learn_reading_map_colour")
    assert colour.options == ["group", "year", "Neighbours kept"]  # titles are too many
    assert "g3" in texts(app)
    colour.select("Neighbours kept").run()
    assert not app.exception
    assert "g3" not in texts(app)


def test_one_row_is_asked_before_it_is_shown(docs: Collection, open_page: OpenPage) -> None:
    app = to(opened(open_page), "one row")
    assert "are near on the map" not in said(app)
    assert not app.dataframe
    press(app, "Reveal")
    found = re.search(
        r"(\d+) of 10 are near on the map, (\d+) lie elsewhere, and (\d+) rows", said(app)
    )
    assert found is not None
    kept, missing, false = map(int, found.groups())
    assert kept + missing == 10
    assert missing == false
    shown = app.dataframe[0].value
    assert (shown["On the map"] <= 10).sum() == kept
    assert shown["Distance"].is_monotonic_increasing
    press(app, "Another row")
    app.selectbox(key="learn_reading_map_row").select("row 7").run()
    assert "are near on the map" not in said(app)  # of another row, it is asked again
    assert app.query_params["row"] in ("row 7", ["row 7"])


def test_knobs_choose_among_maps(docs: Collection, open_page: OpenPage) -> None:
    app = to(opened(open_page), "knobs")
    assert "n_neighbors" in [item.label for item in app.button_group]
    assert re.search(r"The pictures differ far more than what they keep: \d+% to \d+%", texts(app))


def test_seeds_and_noise(docs: Collection, open_page: OpenPage) -> None:
    app = to(opened(open_page), "seeds")
    assert "**Seed 0**" in texts(app)
    assert "**Seed 1**" in texts(app)
    assert re.search(r"\*\*\d+%\*\* of a point's 10 neighbours", texts(app))
    to(app, "noise")
    assert "groups of noise" not in said(app)
    press(app, "Reveal")
    assert re.search(r"UMAP drew \d+ groups of noise and \d+ of the rows", said(app))
    assert "Random numbers" in texts(app)


def test_what_to_remember(docs: Collection, open_page: OpenPage) -> None:
    app = to(opened(open_page), "remember")
    assert "Sizes and gaps" in texts(app)
    links = [item.proto for item in app.get("page_link")]
    assert any("map" in item.page and "Open the map" in item.label for item in links)


@pytest.mark.parametrize(
    "params",
    [
        {"row": "no such row", "step": "one row"},
        {"colour": "no such column"},
        {"neighbors": "7", "dist": "0.9", "step": "knobs"},
        {"neighbors": "many", "dist": "nan", "step": "knobs"},
    ],
)
def test_an_address_that_names_what_is_not_there(
    docs: Collection, open_page: OpenPage, params: dict[str, str]
) -> None:
    app = opened(open_page, **params)
    assert not app.error
    if "row" in params:
        assert app.selectbox(key="learn_reading_map_row").value in {f"row {n}" for n in range(60)}


def test_a_collection_with_nothing_to_colour_by(workbench: Workbench, open_page: OpenPage) -> None:
    made = workbench.create_collection("bare", dimension=3)
    made.upsert({"id": str(n), "embedding": [1.0, n % 7, n % 5]} for n in range(40))
    app = opened(open_page)
    assert app.selectbox(key="learn_reading_map_colour").options == ["Neighbours kept"]
    for step in ("one row", "knobs", "seeds", "noise", "remember"):
        to(app, step)


def test_equal_vectors_and_rows_left_out(workbench: Workbench, open_page: OpenPage) -> None:
    made = workbench.create_collection("same", dimension=3)
    made.upsert({"id": str(n), "embedding": [1.0, 1.0, 1.0]} for n in range(40))
    made.upsert([{"id": "zero", "embedding": [0.0, 0.0, 0.0]}])
    app = opened(open_page)
    assert "All vectors are equal: where a point lies here means nothing." in said(app)
    assert "1 with a zero vector, which points nowhere: not on the map." in said(app)
    for step in ("one row", "noise", "remember"):
        to(app, step)


def test_too_few_rows(workbench: Workbench, open_page: OpenPage) -> None:
    made = workbench.create_collection("few", dimension=3)
    made.upsert({"id": str(n), "embedding": [1.0, n, 0.0]} for n in range(5))
    app = open_page(PAGE)
    assert "few has 5 rows; this lesson needs 30" in said(app)


def test_a_job_that_failed_can_be_started_again(
    docs: Collection, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = [True]

    def flaky(rows: Any, pictures: Pictures, reporter: Any) -> None:
        if full:
            raise QueryFailed("The disk is full.", "Make room.")
        make_pictures(rows, pictures, reporter)

    monkeypatch.setattr(reading_map_state, "make_pictures", flaky)
    app = open_page(PAGE)
    assert finish_jobs(app) == [JobState.FAILED]
    assert "The disk is full." in texts(app)
    assert "**PCA** · neighbours kept" in texts(app)
    full.clear()
    press(app, "Make the maps")
    assert JobState.DONE in finish_jobs(app)
    assert "**UMAP** · neighbours kept" in texts(app)
