"""The page Going to production: what is to do with its SQL, a goal that changes it, and odd collections."""

from __future__ import annotations

from tests.app.conftest import OpenPage, texts

from pgvista.api import Workbench

PAGE = "pages/tune/production.py"


def fill(workbench: Workbench, rows: int) -> None:
    made = workbench.create_collection("docs", dimension=8, columns={"year": "bigint"})
    made.upsert(
        {
            "id": str(i),
            "content": f"text {i}",
            "year": 1970 + i,
            "embedding": [float((i * j) % 11 - 5) for j in range(1, 9)],
        }
        for i in range(1, rows + 1)
    )


def test_no_collection(open_page: OpenPage) -> None:
    assert "No collection here yet" in texts(open_page(PAGE))


def test_the_goal_decides(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench, 200)
    app = open_page(PAGE, collection="docs")
    app.number_input(key="production_scan").set_value(60_000.0).run()
    said = texts(app)
    assert "Comparing all 200 rows takes" in said
    assert "No index is needed" in said
    assert "never leaves this machine" in said
    assert "in order" in said
    app.number_input(key="production_scan").set_value(0.1).run()
    assert "There is no index that serves" in texts(app)


def test_check_again_sees_what_was_changed(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench, 20)
    app = open_page(PAGE, collection="docs")
    assert "All 20 rows have a vector" in texts(app)
    workbench.collection("docs").upsert([{"id": "bare", "embedding": [1.0] * 8}])
    with workbench.db.transaction() as connection:
        connection.execute("update pgvista.docs set embedding = null where id = 'bare'")
    app.run()
    assert "All 20 rows have a vector" in texts(app)
    app.button(key="production_again").click().run()
    assert "1 of 21 rows have none" in texts(app)


def test_empty_and_view(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench, 0)
    with workbench.db.transaction() as connection:
        connection.execute("create view pgvista.seen as select * from pgvista.docs")
    assert "There are no rows yet" in texts(open_page(PAGE, collection="docs"))
    assert "A view has no index of its own" in texts(open_page(PAGE, collection="seen"))
