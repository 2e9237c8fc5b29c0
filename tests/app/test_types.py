"""The page Types and sizes: measuring by a job, the calculator, and collections that cannot be cast."""

from __future__ import annotations

import pytest
from tests.app.conftest import OpenPage, finish_jobs, texts

from pgvista.api import Workbench
from pgvista.jobs import JobState

PAGE = "pages/tune/types.py"


def fill(workbench: Workbench, rows: int = 40, dimension: int = 8) -> None:
    made = workbench.create_collection("docs", dimension=dimension)
    made.upsert(
        {"id": str(i), "embedding": [float((i * j) % 11 - 5) for j in range(1, dimension + 1)]}
        for i in range(1, rows + 1)
    )


def test_no_collection(open_page: OpenPage) -> None:
    assert "No collection here yet" in texts(open_page(PAGE))


def test_measured_by_a_job(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench, dimension=40)
    app = open_page(PAGE, collection="docs")
    assert "Nothing measured yet" in texts(app)
    app.number_input(key="types_queries").set_value(5).run()
    app.button(key="types_go").click().run()
    assert finish_jobs(app) == [JobState.DONE]
    table = app.dataframe[0].value
    assert list(table["type"]) == [
        "vector(40)", "halfvec(40)", "bit(40)", "first 20 of 40", "first 10 of 40",
    ]  # fmt: skip
    assert table["recall 1"].iloc[0] == 1
    assert list(table["bytes"].iloc[:3]) == [8 + 160, 8 + 80, 8 + 5]
    assert "is the smallest index that can reach recall 0.95" in texts(app)


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows(open_page: OpenPage, workbench: Workbench, rows: int) -> None:
    fill(workbench, rows)
    app = open_page(PAGE, collection="docs")
    app.button(key="types_go").click().run()
    assert finish_jobs(app) == [JobState.FAILED]
    assert "types are compared on two and more" in texts(app)


def test_vectors_of_any_length(open_page: OpenPage, workbench: Workbench) -> None:
    with workbench.db.transaction() as connection:
        connection.execute("create table loose (id text primary key, v vector)")
    app = open_page(PAGE, collection="public.loose")
    assert "have no fixed dimension" in texts(app)
    app.segmented_control(key="types_part").set_value("Calculator").run()
    assert not app.exception
    assert [item.label for item in app.metric] == ["Table", "Index", "In memory", "To build"]


def test_the_calculator(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    app = open_page(PAGE, collection="docs")
    app.segmented_control(key="types_part").set_value("Calculator").run()
    app.number_input(key="types_plan_rows_pgvista.docs").set_value(1_000_000)
    app.number_input(key="types_plan_dimension_pgvista.docs").set_value(1536).run()
    assert "without swapping: **2XL**, 32 GB" in texts(app)
    assert "moved out of the table" in texts(app)
    machines = app.dataframe[1].value
    assert set(machines["source"]) == {"published"}
    assert len(machines) == 10
    app.number_input(key="types_plan_dimension_pgvista.docs").set_value(3_072).run()
    assert app.metric[1].value == "none possible"
    app.segmented_control(key="types_plan_method").set_value("no index").run()
    assert app.metric[1].value == "0\xa0B"
