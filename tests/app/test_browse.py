"""The page Browse: pages, filter and sort, and one row in full."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Collection, Workbench
from pgvista.ui.browse_view import parse_object


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    made = workbench.create_collection("docs", dimension=3, columns={"size": "bigint"})
    made.upsert(
        {
            "id": f"d{n:02}",
            "content": f"text {n}",
            "embedding": [n, 1, 2],
            "metadata": {"year": 1960 + n},
            "size": 60 - n,
        }
        for n in range(60)
    )
    return made


def shown(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["id"])


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def set_filter(app: AppTest, text: str) -> None:
    app.session_state["browse_filter"] = text
    app.run()


def test_no_collection(open_page: OpenPage) -> None:
    assert "No collection here yet" in texts(open_page("browse"))


def test_empty_collection(open_page: OpenPage, workbench: Workbench) -> None:
    workbench.create_collection("bare", dimension=3)
    assert "No rows yet" in texts(open_page("browse", collection="bare"))


def test_pages(open_page: OpenPage, docs: Collection) -> None:
    app = open_page("browse", collection="docs")
    assert shown(app) == [f"d{n:02}" for n in range(25)]
    assert "**1–25** :gray[of 60 rows]" in texts(app)
    assert app.button(key="browse_previous").disabled
    press(app, "browse_next")
    assert shown(app)[0] == "d25"
    press(app, "browse_last")
    assert shown(app) == [f"d{n:02}" for n in range(50, 60)]
    assert app.button(key="browse_next").disabled
    app.selectbox(key="browse_size").set_value(100).run()
    assert len(shown(app)) == 60


def test_sort_and_filter(open_page: OpenPage, docs: Collection) -> None:
    app = open_page("browse", collection="docs")
    app.selectbox(key="browse_sort").set_value("size").run()
    assert shown(app)[0] == "d59"
    press(app, "browse_order")
    assert shown(app)[0] == "d00"
    set_filter(app, '{"year": {"$gte": 2010}}')
    assert shown(app) == [f"d{n:02}" for n in range(50, 60)]
    assert not app.button(key="browse_delete_all").disabled
    set_filter(app, '{"year": 3}')
    assert "No row matches" in texts(app)
    set_filter(app, '{"year":')
    assert "The filter is not JSON" in texts(app)
    set_filter(app, '{"year": {"$near": 1}}')
    assert "is not a known operator" in texts(app)


@pytest.mark.parametrize("text", ["{broken", "[1]", "3", '{"a": 1,}'])
def test_broken_metadata_is_one_sentence(text: str) -> None:
    with pytest.raises(Exception, match=r"^The metadata is not (JSON|an object)[^\n]*$"):
        parse_object(text)


def test_view_says_that_it_cannot_be_changed(
    open_page: OpenPage, workbench: Workbench, docs: Collection
) -> None:
    with workbench.db.transaction() as connection:
        connection.execute(
            "create view pgvista.seen as select content, embedding from pgvista.docs"
        )
    app = open_page("browse", collection="seen")
    assert "view without a key can be looked at, not changed" in texts(app)
    assert "browse_new" not in {button.key for button in app.button}
    assert len(app.dataframe[0].value) == 25


def test_large_collection_is_not_counted(
    open_page: OpenPage, workbench: Workbench, docs: Collection
) -> None:
    with workbench.db.transaction() as connection:
        connection.execute(
            "insert into pgvista.docs (id, content, size) "
            "select 'x' || n, 'filler', 1 from generate_series(1, 250000) as n"
        )
    with workbench.db.dedicated(autocommit=True) as connection:
        connection.execute("analyze pgvista.docs")
    app = open_page("browse", collection="docs")
    assert "≈ 250,0" in texts(app)
    set_filter(app, '{"size": 1}')
    assert "more than 100,000 rows" in texts(app)
