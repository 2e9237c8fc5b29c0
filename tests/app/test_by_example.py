"""The page By example: rows chosen and taken back, what is found, links, and designed edges."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Collection, Workbench
from pgvista.model.collection import Collection as CollectionInfo
from pgvista.ui import example_state

PAGE = "pages/search/by_example.py"


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    made = workbench.create_collection("docs", dimension=3)
    made.upsert(
        {
            "id": f"d{n:02}",
            "content": f"Row number {n}",
            "embedding": [n, 20 - n, 3],
            "metadata": {"part": "odd" if n % 2 else "even"},
        }
        for n in range(20)
    )
    return made


def chosen(app: AppTest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    _, like, unlike = app.session_state[example_state.CHOSEN]
    return like, unlike


def test_no_collection(open_page: OpenPage) -> None:
    assert "No collection here yet" in texts(open_page(PAGE))


def test_empty_collection(open_page: OpenPage, workbench: Workbench) -> None:
    workbench.create_collection("bare", dimension=3)
    app = open_page(PAGE, collection="bare")
    assert app.text_input(key="example_text").disabled
    assert "No rows yet" in texts(app)


def test_begin_with_a_row_and_take_it_back(open_page: OpenPage, docs: Collection) -> None:
    app = open_page(PAGE, collection="docs")
    assert "Begin with a row, or with words" in texts(app)
    app.button(key="example_start_d03").click().run()
    assert chosen(app) == (("d03",), ())
    assert "10 hits · 20 rows" in texts(app)
    app.button(key="example_chip_Like_d03").click().run()
    assert chosen(app) == ((), ())
    assert "Begin with a row, or with words" in texts(app)


def test_an_id_is_offered_as_a_row(open_page: OpenPage, docs: Collection) -> None:
    app = open_page(PAGE, collection="docs", like="d01")
    app.text_input(key="example_text").input("d07").run()
    app.button(key="example_offer_False_d07").click().run()
    assert chosen(app) == (("d01",), ("d07",))
    assert not app.text_input(key="example_text").value


def test_unlike_alone_is_told(open_page: OpenPage, docs: Collection) -> None:
    app = open_page(PAGE, collection="docs", unlike="d07")
    assert "Choose a row to be like, too" in "".join(item.value for item in app.info)


def test_filter_holds_for_hits_and_starts(open_page: OpenPage, docs: Collection) -> None:
    odd = '{"part": {"$eq": "odd"}}'
    app = open_page(PAGE, collection="docs", example_filter=odd)
    starts = [item.key for item in app.button if str(item.key).startswith("example_start_")]
    assert starts == [f"example_start_d{n:02}" for n in range(1, 16, 2)]
    app.button(key="example_start_d03").click().run()
    assert "9 hits · 20 rows" in texts(app)  # ten odd rows, without the example itself


def test_filter_that_is_none_finds_nothing(open_page: OpenPage, docs: Collection) -> None:
    app = open_page(PAGE, collection="docs", like="d01", example_filter="{broken")
    assert "The filter cannot be used" in texts(app)
    assert "hits" not in texts(app)


def test_link_brings_examples_and_knobs(open_page: OpenPage, docs: Collection) -> None:
    app = open_page(
        PAGE, collection="docs", like="d01", unlike="d09", example_variety="0.5",
        example_group="part", example_threshold="1.5", example_limit="not a number",
    )  # fmt: skip
    assert chosen(app) == (("d01",), ("d09",))
    assert app.selectbox(key="example_group").value == "part"
    assert app.session_state["example_variety"] == 0.5
    assert app.number_input(key="example_threshold").value == 1.5
    assert "2 hits" in texts(app)


def test_gone_row_is_told(open_page: OpenPage, docs: Collection) -> None:
    app = open_page(PAGE, collection="docs", like="nobody")
    assert "No row to be like is left: Left out, not in docs any more: 'nobody'" in texts(app)
    app.button(key="example_clear").click().run()
    assert "Begin with a row" in texts(app)


def test_words_without_a_model_find_rows_by_words(open_page: OpenPage, docs: Collection) -> None:
    app = open_page(PAGE, collection="docs")
    app.text_input(key="example_text").input("row number 4").run()
    assert not app.error
    assert "10 hits" in texts(app)


def test_number_keys(open_page: OpenPage, workbench: Workbench) -> None:
    with workbench.db.transaction() as connection:
        connection.execute(
            "create table numbered (id int primary key, v vector(2));"
            "insert into numbered values (1, '[1,0]'), (2, '[0,1]')"
        )
    app = open_page(PAGE, collection="public.numbered")
    app.text_input(key="example_text").input("not a number").run()
    assert not app.error
    app.text_input(key="example_text").input("2").run()
    app.button(key="example_offer_True_2").click().run()
    assert chosen(app) == (("2",), ())
    assert "1 hit ·" in texts(app)


def test_a_row_changes_sides(monkeypatch: pytest.MonkeyPatch, docs: Collection) -> None:
    kept: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", kept)
    info: CollectionInfo = docs.info
    example_state.choose(info, "a", like=True)
    example_state.choose(info, "b", like=True)
    example_state.choose(info, "a", like=False)
    assert example_state.chosen(info) == example_state.Chosen(("b",), ("a",))
    link = example_state.permalink(info, with_text=False)
    assert link == "?collection=docs&like=b&unlike=a"
    kept[example_state.FILTER] = '{"part": "odd"}'
    link = example_state.permalink(info, with_text=False)
    assert link.endswith("&example_filter=%7B%22part%22%3A+%22odd%22%7D")
