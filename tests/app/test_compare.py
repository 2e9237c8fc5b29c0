"""The page Compare: what each setting finds, how alike it is, and why one cannot answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts
from tests.app.test_search import MODEL, TEXTS, Embedder, vector

from pgvista.api import Collection, Workbench
from pgvista.ui import compare_state, compare_view, search_context
from pgvista.ui.components.compare_lists import HitColumn, Measures
from pgvista.ui.components.compare_lists import compare_lists as draw
from pgvista.ui.components.compare_lists import compare_measures as draw_measures
from pgvista.ui.components.hits import HitAction

PAGE = "pages/search/compare.py"


class Seen:
    """What the lists and the table were last given, and what shall be pressed in them next."""

    def __init__(self) -> None:
        self.columns: dict[str, HitColumn] = {}
        self.pairs: dict[str, Measures] = {}
        self.press: HitAction | None = None

    def ids(self, letter: str) -> list[str]:
        return [hit.id for hit in self.columns[letter].hits]


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    made = workbench.create_collection("docs", model=MODEL)
    made.upsert(
        {"id": key, "content": text, "metadata": {"year": 1970 + i}, "embedding": vector(i)}
        for i, (key, text) in enumerate(TEXTS.items())
    )
    made.create_index("hnsw")
    return made


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Embedder], None]:
    return lambda embedder: monkeypatch.setattr(search_context, "get_embedder", lambda *_: embedder)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, use: Callable[[Embedder], None]) -> Seen:
    found = Seen()

    def lists(columns: Sequence[HitColumn], *, key: str) -> Any:
        found.columns = {column.letter: column for column in columns}
        drawn, pressed = draw(columns, key=key), found.press
        found.press = None
        return pressed or drawn

    def measures(pairs: Sequence[Measures], *, k: int, key: str) -> None:
        found.pairs = {pair.first + pair.second: pair for pair in pairs}
        draw_measures(pairs, k=k, key=key)

    monkeypatch.setattr(compare_view, "compare_lists", lists)
    monkeypatch.setattr(compare_view, "compare_measures", measures)
    use(Embedder())
    return found


def ask(app: AppTest, text: str = "cat") -> AppTest:
    app.text_input(key="compare_text").set_value(text).run()
    assert not app.exception, app.exception
    return app


def preset(app: AppTest, name: str) -> AppTest:
    app.segmented_control(key="compare_preset").set_value(name).run()
    assert not app.exception, app.exception
    return app


def test_without_a_collection_there_is_a_way_to_one(open_page: OpenPage) -> None:
    assert "No collection here yet" in texts(open_page(PAGE))


def test_nothing_asked_says_what_to_do(open_page: OpenPage, docs: Collection, seen: Seen) -> None:
    app = open_page(PAGE)
    assert "Ask something" in texts(app)
    assert "hybrid · RRF by coverage k 60 · BM25 · index" in texts(app)
    assert "keyword · any word · BM25" in texts(app)
    assert not seen.columns


def test_three_modes_and_how_alike_they_are(
    open_page: OpenPage, docs: Collection, seen: Seen
) -> None:
    ask(open_page(PAGE))
    assert [seen.columns[letter].name for letter in "abc"] == ["semantic", "hybrid", "keyword"]
    assert set(seen.ids("a")) == set(seen.ids("b")) == {"a", "b", "c", "d"}
    assert set(seen.ids("c")) == {"a", "d"}
    assert seen.pairs["ab"].overlap == 4
    assert seen.pairs["ab"].jaccard == 1.0
    pair = seen.pairs["ac"]
    assert (pair.overlap, pair.places, pair.jaccard) == (2, 10, 0.5)
    assert (pair.only_first, pair.only_second) == (2, 0)
    assert 0 < pair.rbo < 1
    assert not pair.is_recall


def test_index_against_exact_is_a_recall(open_page: OpenPage, docs: Collection, seen: Seen) -> None:
    preset(ask(open_page(PAGE)), "index")
    pair = seen.pairs["ab"]
    assert pair.is_recall
    assert (pair.overlap, pair.places) == (4, 4)
    assert seen.pairs.keys() == {"ab"}


def test_the_recipe_requires_every_word(open_page: OpenPage, docs: Collection, seen: Seen) -> None:
    app = preset(ask(open_page(PAGE), "cat sandwiches"), "recipe")
    said = texts(app)
    assert "hybrid · RRF k 50 · depth 20 · every word · ts_rank_cd" in said
    assert all(hit.keyword_rank is None for hit in seen.columns["a"].hits)
    assert any(hit.keyword_rank is not None for hit in seen.columns["b"].hits)


def test_a_moved_knob_changes_its_setting_alone(
    open_page: OpenPage, docs: Collection, seen: Seen
) -> None:
    app = preset(ask(open_page(PAGE)), "k")
    assert seen.columns["a"].hits[0].semantic_term == pytest.approx(1 / 2)
    app.session_state["compare_a_k"] = 7.0
    app.run()
    assert seen.columns["a"].hits[0].semantic_term == pytest.approx(1 / 8)
    assert seen.columns["b"].hits[0].semantic_term == pytest.approx(1 / 61)
    assert app.segmented_control(key="compare_preset").value is None


def test_settings_outlive_a_visit_to_another_page(
    open_page: OpenPage, docs: Collection, seen: Seen
) -> None:
    app = preset(ask(open_page(PAGE)), "k")
    app.switch_page("pages/start/home.py").run()
    seen.columns = {}
    app.switch_page(PAGE).run()
    assert not app.exception
    assert app.segmented_control(key="compare_preset").value == "k"
    assert seen.columns["a"].hits[0].semantic_term == pytest.approx(1 / 2)


def test_a_link_opens_the_same_comparison(
    open_page: OpenPage, docs: Collection, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    links: list[str] = []
    bar = compare_view._bar

    def noted(context: Any) -> Any:
        links.append(compare_state.permalink(context.collection, with_text=True))
        return bar(context)

    monkeypatch.setattr(compare_view, "_bar", noted)
    app = preset(ask(open_page(PAGE)), "recipe")
    app.session_state["compare_b_exact"] = True
    app.session_state["compare_b_language"] = "simple"
    app.session_state["compare_b_threshold"] = 0.9
    app.selectbox(key="compare_limit").set_value(5).run()
    wanted = {letter: seen.ids(letter) for letter in "ab"}
    params = {name: value[0] for name, value in parse_qs(links[-1].lstrip("?")).items()}
    assert params["compare_a_k"] == "50"
    assert params["compare_b_exact"] == "1"
    assert params["compare_limit"] == "5"
    assert (params["compare_b_language"], params["compare_b_threshold"]) == ("simple", "0.9")
    seen.columns = {}
    other = open_page(PAGE, **params)
    assert {letter: seen.ids(letter) for letter in "ab"} == wanted
    assert other.selectbox(key="compare_limit").value == 5
    assert "every word · ts_rank_cd" in texts(other)
    assert "simple · distance up to 0.9 · exact" in texts(other)


def test_any_number_of_hits_can_be_linked_to(
    open_page: OpenPage, docs: Collection, seen: Seen
) -> None:
    ask(open_page(PAGE, compare_limit="3"))
    assert len(seen.ids("a")) == len(seen.ids("b")) == 3


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"compare_a_mode": "magic", "compare_columns": "9"}, "hybrid · RRF by coverage k 60"),
        ({"compare_a_k": "nan", "compare_a_depth": "-5"}, "RRF by coverage k 60 · depth 10"),
        ({"compare_a_k": "1e9"}, "RRF by coverage k 1000"),
        ({"compare_limit": "inf", "compare_a_metric": "'; drop"}, "hybrid · RRF by coverage k 60"),
    ],
)
def test_what_a_link_cannot_mean_is_passed_over(
    open_page: OpenPage, docs: Collection, seen: Seen, params: dict[str, str], said: str
) -> None:
    app = ask(open_page(PAGE, **params))
    assert said in texts(app)
    assert not app.error
    assert set(seen.columns) == {"a", "b"}


def test_neighbours_of_a_hit_and_back(open_page: OpenPage, docs: Collection, seen: Seen) -> None:
    app = ask(open_page(PAGE))
    seen.press = HitAction("similar", "a")
    app.run()
    assert set(seen.ids("a")) == {"b", "c", "d"}
    assert "Nearest to **a**" in texts(app)
    assert "there are no words to look for" in seen.columns["c"].empty_text
    app.button(key="compare_similar_close").click().run()
    assert "a" in seen.ids("a")


def test_a_row_deleted_while_it_is_shown(open_page: OpenPage, docs: Collection, seen: Seen) -> None:
    app = ask(open_page(PAGE))
    docs.delete(ids=["a"])
    seen.press = HitAction("similar", "a")
    app.run()
    assert not app.exception
    assert ["not in docs any more" in item.value.replace("\\", "") for item in app.error] == [True]
    app.button(key="compare_similar_close").click().run()
    assert not app.error
    assert "a" not in seen.ids("a")


def test_a_bad_filter_is_told_once(open_page: OpenPage, docs: Collection, seen: Seen) -> None:
    app = ask(open_page(PAGE))
    app.session_state["compare_filter"] = '{"year": '
    app.run()
    assert len(app.error) == 1
    app.session_state["compare_filter"] = '{"year": {"$gte": 1973}}'
    app.run()
    assert not app.error
    assert seen.ids("a") == seen.ids("b") == seen.ids("c") == ["d"]


def test_while_the_model_loads_words_are_searched(
    open_page: OpenPage, docs: Collection, seen: Seen, use: Callable[[Embedder], None]
) -> None:
    use(Embedder(ready=False))
    ask(open_page(PAGE))
    assert [seen.columns[letter].empty_title for letter in "ab"] == ["Waiting for the model"] * 2
    assert set(seen.ids("c")) == {"a", "d"}
    assert not seen.pairs


def test_a_model_that_cannot_be_had_is_told_once(
    open_page: OpenPage, docs: Collection, seen: Seen, use: Callable[[Embedder], None]
) -> None:
    broken = Embedder(ready=False, broken=True)
    broken.warm()
    while not broken.loading_state.startswith("failed"):
        time.sleep(0.02)
    use(broken)
    app = ask(open_page(PAGE))
    assert ["There is no such model" in item.value for item in app.error] == [True]
    assert set(seen.ids("c")) == {"a", "d"}


def test_without_a_model_words_are_compared_and_rows(
    open_page: OpenPage, workbench: Workbench, seen: Seen
) -> None:
    made = workbench.create_collection("own", dimension=3)
    made.upsert(
        [{"id": f"r{i}", "content": f"cat {i}", "embedding": [1.0, i, 0.5]} for i in range(4)]
    )
    app = open_page(PAGE)
    assert "Begin with a row" in texts(app)
    assert app.segmented_control(key="compare_preset").options == ["Any / every word"]
    ask(app)
    assert len(seen.ids("a")) == 4
    app.session_state["compare_a_mode"] = "semantic"
    app.run()
    assert "take a row's own vector" in seen.columns["a"].empty_text
    ask(app, "")
    app.button(key="compare_start_r0").click().run()
    assert "Nearest to **r0**" in texts(app)
    assert seen.ids("a")[0] == "r1"


@pytest.mark.parametrize(
    "text",
    ["the of and", '"unbalanced', "x " * 50_000, "<b>'\\%s{}", "日本語", "a\x00b"],
    ids=["stop words", "quotes", "100 kB", "markup", "Japanese", "NUL"],
)
def test_odd_questions_are_answered(
    open_page: OpenPage, docs: Collection, seen: Seen, text: str
) -> None:
    app = ask(open_page(PAGE), text)
    assert set(seen.columns) == {"a", "b", "c"}
    assert all(column.answered for column in seen.columns.values())
    assert not app.error


def test_a_collection_dropped_meanwhile(open_page: OpenPage, docs: Collection, seen: Seen) -> None:
    app = ask(open_page(PAGE))
    docs.drop()
    app.run()
    assert not app.exception


def test_label_weights_are_a_knob_of_each_setting(
    open_page: OpenPage, workbench: Workbench, seen: Seen
) -> None:
    books = workbench.create_collection(
        "books", model=MODEL, columns={"title": "text"}, labels={"title": "A"}
    )
    books.upsert(
        [
            {"id": "title", "title": "Cat", "content": "of a house", "embedding": vector(0)},
            {"id": "text", "title": "House", "content": "of a cat", "embedding": vector(1)},
        ]
    )
    app = open_page(
        PAGE, collection="books", compare_text="cat", compare_a_mode="keyword",
        compare_b_mode="keyword", compare_b_labels="1, 1, 1, 5",
    )  # fmt: skip
    assert (seen.ids("a"), seen.ids("b")) == (["title", "text"], ["text", "title"])
    assert "labels 1, 1, 1, 5" in texts(app)
    app.session_state["compare_b_popover"] = True
    app.session_state["compare_b_labels"] = "1, 2"
    app.run()
    assert "'1, 2' are no label weights." in texts(app)
    assert seen.ids("b") == ["title", "text"]
