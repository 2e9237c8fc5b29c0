"""An extension for BM25 on the pages: offered, installed, chosen in Search, and gone again.

The extensions are stand-ins: see `tests.db.bm25_standins`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, finish_jobs, texts
from tests.db.bm25_standins import standins, without_options

import pgvista
from pgvista.api import Workbench
from pgvista.jobs import JobState
from pgvista.model.search import SearchResult
from pgvista.services import bm25_extensions
from pgvista.ui import bm25_extensions_view, confirm, search_view
from pgvista.ui.components.hits import hit_list as draw
from pgvista.ui.components.panels import sql_panel as panel

ROWS = {
    "long": "the cat sat on the mat beside the other cat and looked at a cat in the mirror",
    "middle": "a cat and a dog on one mat",
    "short": "one cat",
    "other": "rain",
}
BY_LENGTH = ["short", "middle", "long"]


@pytest.fixture
def server(database_url: str) -> Iterator[Workbench]:
    with standins(database_url), pgvista.connect(database_url) as opened:
        docs = opened.create_collection("docs", dimension=2, text_config="simple")
        docs.upsert(
            {"id": key, "content": text, "embedding": [1, place]}
            for place, (key, text) in enumerate(ROWS.items())
        )
        yield opened


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> list[SearchResult]:
    """What the page Search drew as hits, the last at the end."""
    seen: list[SearchResult] = []

    def hit_list(result: SearchResult, **more: Any) -> None:
        seen.append(result)
        draw(result, **more)

    monkeypatch.setattr(search_view, "hit_list", hit_list)
    return seen


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the pages drew as SQL, the last at the end."""
    seen: list[str] = []

    def sql_panel(statement: str, **more: object) -> None:
        seen.append(statement)
        panel(statement, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(bm25_extensions_view, "sql_panel", sql_panel)
    monkeypatch.setattr(confirm, "sql_panel", sql_panel)
    return seen


def offered(open_page: OpenPage) -> AppTest:
    app = open_page("collections")
    app.segmented_control(key="words.action.docs").set_value("Extensions for BM25").run()
    assert not app.exception, app.exception
    return app


def ask(app: AppTest, text: str) -> AppTest:
    app.session_state["search_mode"] = "keyword"
    app.session_state["search_text"] = text
    app.run()
    assert not app.exception, app.exception
    return app


def test_what_the_server_has_is_offered_and_made_by_a_button(
    server: Workbench, open_page: OpenPage, statements: list[str]
) -> None:
    app = offered(open_page)
    said = texts(app)
    assert said.count("can be installed") == 3
    assert "1.4.0" in said
    assert "0.25.3" in said
    assert 'create extension if not exists "pg_textsearch"' in statements[-1]
    assert "with (text_config = 'simple')" in statements[-1]
    app.segmented_control(key="words.extension").set_value("pg_search").run()
    assert 'using paradedb ("id", ("content"::pdb.simple))' in statements[-1]
    app.segmented_control(key="words.extension").set_value("vchord_bm25").run()
    button = app.button(key="words.extension.make")
    assert button.label == "Install, and index the text"
    button.click().run()
    assert finish_jobs(app) == [JobState.DONE]
    said = texts(offered(open_page))
    assert "installed 0.3.0" in said
    assert "index docs_bm25_idx" in said
    hits = server.collection("docs").search("cat", mode="keyword", rank="extension").hits
    assert [hit.id for hit in hits] == BY_LENGTH


def test_it_is_chosen_in_search_and_told_when_it_is_gone(
    server: Workbench,
    open_page: OpenPage,
    database_url: str,
    results: list[SearchResult],
    statements: list[str],
) -> None:
    app = ask(open_page("search"), "cat")
    assert app.selectbox(key="search_rank").options == ["BM25", "ts_rank", "ts_rank_cd"]
    extension = bm25_extensions.found(server.db)[0]
    with psycopg.connect(database_url, autocommit=True) as session:
        for query in bm25_extensions.making(extension, server.collection("docs").info):
            session.execute(without_options(query.text()).encode())
    app = ask(open_page("search"), "cat")
    assert [hit.id for hit in results[-1].hits] != BY_LENGTH
    assert app.selectbox(key="search_rank").options[-1] == "extension"
    app.selectbox(key="search_rank").set_value("extension").run()
    assert not app.exception, app.exception
    assert [hit.id for hit in results[-1].hits] == BY_LENGTH
    assert "no index of an extension" not in texts(app)
    assert "By pg_textsearch's index docs_bm25_idx" in texts(app)

    drop = offered(open_page)
    assert statements[-1] == 'drop index "pgvista"."docs_bm25_idx";'
    assert drop.button(key="words.extension.drop.docs.go").disabled
    drop.text_input(key="words.extension.drop.docs.name").set_value("docs").run()
    drop.button(key="words.extension.drop.docs.go").click().run()
    assert not drop.exception, drop.exception
    assert "is dropped" in texts(drop)

    ask(app, "cat mat")
    assert results[-1].notes == (
        "Ranked by pgvista's own BM25, since docs has no index of an extension for BM25.",
    )
    assert [hit.id for hit in results[-1].hits] != BY_LENGTH
