"""The page Sweep: nothing yet, a job, the recommendation, filters, comparing, and read-only."""

from __future__ import annotations

import numpy as np
from tests.app.conftest import OpenPage, finish_jobs, texts

from pgvista.api import Collection, Workbench
from pgvista.jobs import JobState

PAGE = "pages/tune/sweep.py"
VECTORS = np.random.default_rng(6).standard_normal((600, 8)).astype(np.float32)


def fill(workbench: Workbench, *, index: bool = True) -> Collection:
    made = workbench.create_collection("docs", dimension=8)
    made.upsert(
        {"id": f"r{number:03}", "embedding": vector, "metadata": {"n": number}}
        for number, vector in enumerate(VECTORS)
    )
    if index:
        made.create_index("hnsw", m=2, ef_construction=4)
    return made


def test_no_collection(open_page: OpenPage) -> None:
    assert "No collection here yet" in texts(open_page(PAGE))


def test_measure_and_see(open_page: OpenPage, workbench: Workbench) -> None:
    docs = fill(workbench)
    app = open_page(PAGE, collection="docs")
    assert "Nothing measured yet" in texts(app)
    app.number_input(key="sweep_queries").set_value(25)
    app.toggle(key="sweep_throughput").set_value(False)
    app.text_input(key="sweep_filter").set_value('{"n": {"$lt": 300}}')
    app.button(key="FormSubmitter:sweep_form-Measure").click().run()
    assert finish_jobs(app) == [JobState.DONE]
    app.run()
    assert not app.exception
    kept = docs.db.query(b"select count(*) from pgvista.tuning_sweeps", {})[0][0]
    assert kept == 1
    said = texts(app)
    assert "recall" in said
    assert "Worst queries" in said
    assert list(app.segmented_control(key="sweep_case").options) == ["all rows", "filter 1"]
    app.segmented_control(key="sweep_case").set_value("filter 1").run()
    assert not app.exception
    frame = app.dataframe[0].value
    assert "ef_search 40, relaxed_order" in list(frame["Setting"])


def test_the_target_decides(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench).tune(queries=30, connections=(), ef_search=[20, 400])
    app = open_page(PAGE, collection="docs")
    app.number_input(key="sweep_recall").set_value(1.0)
    app.number_input(key="sweep_p95").set_value(0.001).run()
    assert "Nothing measured reaches recall 1 within 0.001 ms" in texts(app)
    app.number_input(key="sweep_p95").set_value(0.0).run()
    assert "Nothing measured" not in texts(app)


def test_two_sweeps_are_compared_and_one_forgotten(
    open_page: OpenPage, workbench: Workbench
) -> None:
    docs = fill(workbench, index=False)
    docs.tune(queries=20, connections=())
    docs.create_index("hnsw")
    docs.tune(queries=20, connections=(), ef_search=[40])
    app = open_page(PAGE, collection="docs")
    shown = app.selectbox(key="sweep_shown")
    assert ["1 index" in name for name in shown.options] == [True, False]
    under = app.selectbox(key="sweep_under")
    under.set_value(under.options[0]).run()
    assert not app.exception
    app.button(key="sweep_forget").click().run()
    assert len(app.selectbox(key="sweep_shown").options) == 1
    assert "There is no vector index to measure" in texts(app)
    assert "No index is needed" in texts(app)


def test_a_table_with_one_row(open_page: OpenPage, workbench: Workbench) -> None:
    workbench.create_collection("one", dimension=2).upsert([{"id": "a", "embedding": [1, 0]}])
    app = open_page(PAGE, collection="one")
    app.button(key="FormSubmitter:sweep_form-Measure").click().run()
    assert finish_jobs(app) == [JobState.FAILED]
    assert "one row with a vector" in texts(app)


def test_a_bad_filter_and_bad_numbers_are_told(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    app = open_page(PAGE, collection="docs")
    app.text_input(key="sweep_filter").set_value("{year")
    app.button(key="FormSubmitter:sweep_form-Measure").click().run()
    assert app.error
    assert finish_jobs(app) == []
