"""The page Near-duplicates: at once, by a job, groups and pages, and nothing hidden when read-only."""

from __future__ import annotations

import pytest
from tests.app.conftest import OpenPage, finish_jobs, texts

from pgvista.api import Collection, Workbench
from pgvista.jobs import JobState
from pgvista.services import duplicate_scan

PAGE = "pages/explore/duplicates.py"


def fill(workbench: Workbench, pairs: int) -> Collection:
    made = workbench.create_collection("docs", dimension=12, columns={"size": "bigint"})
    made.upsert(
        {
            "id": f"p{n:02}{twin}",
            "content": f"Text {n}" if n == 0 else f"Text {n} {twin}",
            "embedding": [float(n == i) + (0.001 if twin == "b" else 0) for i in range(12)],
            "size": n,
        }
        for n in range(pairs)
        for twin in "ab"
    )
    return made


def test_no_collection(open_page: OpenPage) -> None:
    assert "No collection here yet" in texts(open_page(PAGE))


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_to_compare(open_page: OpenPage, workbench: Workbench, rows: int) -> None:
    made = workbench.create_collection("bare", dimension=3)
    made.upsert([{"id": "a", "embedding": [1, 2, 3]}][:rows])
    assert "There are not two rows with a vector" in texts(open_page(PAGE, collection="bare"))


def test_groups_and_pages(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench, 12)
    app = open_page(PAGE, collection="docs")
    assert "**12 groups** :gray[of 24 rows, 1 of them of equal texts]" in texts(app)
    assert "Keeps 12 rows, deletes 12 rows" in texts(app)
    assert "page 1 of 2" in texts(app)
    app.button(key="duplicates_next").click().run()
    assert "page 2 of 2" in texts(app)
    app.toggle(key="duplicates_equal").set_value(True).run()
    assert "**1 group** " in texts(app)
    assert "equal texts" in texts(app)


def test_newest_by_a_column(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench, 3)
    app = open_page(PAGE, collection="docs")
    app.selectbox(key="duplicates_keep").set_value("newest").run()
    assert app.selectbox(key="duplicates_keep_key").value == "size"
    assert not app.error


def test_many_rows_are_compared_by_a_job(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicate_scan, "QUICK_ROWS", 10)
    fill(workbench, 12)
    app = open_page(PAGE, collection="docs")
    assert "**24 rows with a vector**" in texts(app)
    app.button(key="duplicates_start").click().run()
    assert finish_jobs(app) == [JobState.DONE]
    assert "groups** :gray[of" in texts(app)
    app.button(key="duplicates_again").click().run()
    assert "**24 rows with a vector**" in texts(app)


def test_large_without_an_index_is_told(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicate_scan, "EXACT_ROWS", 10)
    fill(workbench, 12)
    app = open_page(PAGE, collection="docs")
    assert "has no index for cosine" in texts(app)
    assert not [button for button in app.button if button.key == "duplicates_start"]
    workbench.collection("docs").create_index("hnsw")
    app = open_page(PAGE, collection="docs")
    assert "which may miss some" in texts(app)
    app.button(key="duplicates_start").click().run()
    assert finish_jobs(app) == [JobState.DONE]
    assert "groups** :gray[of" in texts(app)


def test_view_says_that_it_cannot_be_changed(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench, 3)
    with workbench.db.transaction() as connection:
        connection.execute(
            "create view pgvista.seen as select content, embedding from pgvista.docs"
        )
    app = open_page(PAGE, collection="seen")
    button = app.button(key="duplicates_preview")
    assert "can be looked at, not changed" in button.help
