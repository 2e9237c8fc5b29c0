"""The lesson Keyword search: each step on a real Postgres, and what cannot be taken apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Collection, Workbench
from pgvista.embed.loading import LoadedOnce
from pgvista.services.bm25 import drop
from pgvista.ui import search_context
from pgvista.ui.components.lexeme_strip import LexemeCard
from pgvista.ui.components.ranked_lists import RankedColumn
from pgvista.ui.learn import keyword, keyword_bm25, keyword_labels, keyword_limits

PAGE = "pages/learn/keyword.py"
MODEL = "all-MiniLM-L6-v2"
TEXTS = {
    "flash": "Flashing light\nThe lamp blinks and blinks instead of a chime",
    "second": "A second monitor\nUse the kiosk beside another screen",
    "keep": "Save settings\nKeep a copy, keep it safe",
    "pets": "Where to put a camera\nKeep it away from the dog",
    "code": "E2041\nThe picture is gone",
}


class Embedder(LoadedOnce):
    """Gives every question the same vector, nearest to the first rows."""

    name = MODEL
    dimension = 384
    max_tokens = 256

    @property
    def is_loaded(self) -> bool:
        return True

    def _load(self) -> None: ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return np.array(at(0), dtype=np.float32)


def at(place: int) -> list[float]:
    """Return a vector that is the farther from `at(0)` the larger `place` is."""
    return [1.0, place / 10, *[0.0] * 382]


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    made = workbench.create_collection("docs", model=MODEL)
    made.upsert(
        {"id": key, "content": text, "embedding": at(place)}
        for place, (key, text) in enumerate(TEXTS.items())
    )
    return made


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_context, "get_embedder", lambda *_: Embedder())


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the parts that a browser draws were last given, by their key."""
    seen: dict[str, Any] = {}

    def wrap(module: Any, name: str) -> None:
        draw: Callable[..., None] = getattr(module, name)

        def keep(items: Sequence[Any], *, key: str) -> None:
            seen[key] = items
            draw(items, key=key)

        monkeypatch.setattr(module, name, keep)

    wrap(keyword, "lexeme_strip")
    wrap(keyword, "ranked_lists")
    wrap(keyword_labels, "ranked_lists")
    return seen


def ids(column: RankedColumn) -> list[str]:
    return [row.id for row in column.rows]


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


def press(app: AppTest, part: str) -> None:
    next(item for item in app.button if part in str(item.key)).click()
    run(app)


# -- lexemes


def test_a_sentence_is_taken_apart(open_page: OpenPage, drawn: dict[str, Any]) -> None:
    app = open_page(PAGE, step="lexemes")
    cards: list[LexemeCard] = drawn["learn_keyword_strip"]
    assert [card.kept for card in cards][:3] == ["error:1", "e2041:2", ""]
    assert cards[2].why == "stop word"
    assert "**12 tokens**" in texts(app)
    app.text_input(key="learn_keyword_sentence").set_value("die Häuser")
    app.selectbox(key="learn_keyword_language").set_value("german")
    run(app)
    assert [card.kept for card in drawn["learn_keyword_strip"]] == ["", "haus:2"]
    assert app.query_params["language"] == "german"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Type a sentence."),
        ("?!", "These are no words to the parser."),
        ("the of and", "Only stop words:"),
        ("word " * 10_000, "**10,000 tokens** · the first 60 are shown"),
        ("🐈 日本語", "**2 tokens** · 2 kept"),
        ("x" * 1_000_001, "longer than 1,000,000 bytes"),
    ],
    ids=["empty", "no words", "stop words", "10,000 words", "other scripts", "1 MB"],
)
def test_any_sentence_has_an_answer(open_page: OpenPage, text: str, said: str) -> None:
    app = open_page(PAGE)
    app.text_input(key="learn_keyword_sentence").set_value(text)
    run(app)
    assert said in texts(app) + "".join(item.value for item in app.info)


def test_a_language_that_is_not_there_is_passed_over(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="lexemes", language="klingon")
    assert app.selectbox(key="learn_keyword_language").value == "english"


def test_without_rows_a_sample_is_offered(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="match")
    assert "This lesson runs on real rows" in texts(app)


# -- matching


def test_how_many_rows_match_is_predicted_and_counted(
    docs: Collection, open_page: OpenPage
) -> None:
    app = open_page(PAGE, step="match")
    question = "my monitor keeps blinking"
    app.text_input(key="learn_keyword_question.docs").set_value(question)
    run(app)
    assert "How many of the 5 rows of docs hold every word of “my monitor keeps blinking”?" in (
        texts(app)
    )
    assert not app.get("plotly_chart")  # no answer before it is revealed
    press(app, "_reveal")
    said = "".join(item.value for item in app.info)
    assert "None" in said
    assert "No row holds every word, 4 rows at least one of them." in said
    assert app.get("plotly_chart")
    assert [item.value for item in app.code] == [
        "'monitor' & 'keep' & 'blink'",
        "'blink' | 'keep' | 'monitor'",
    ]
    # another question is another prediction
    app.text_input(key="learn_keyword_question.docs").set_value("keep safe")
    run(app)
    assert not app.get("plotly_chart")
    app.pills[0].set_value("1 or more")
    run(app)
    press(app, "_reveal")
    assert "1 or more: as you said." in "".join(item.value for item in app.success)


@pytest.mark.parametrize(
    ("text", "said"), [("", "The question is empty."), ("the of", "Only stop words are left")]
)
def test_questions_without_words_are_told(
    docs: Collection, open_page: OpenPage, text: str, said: str
) -> None:
    app = open_page(PAGE, step="match")
    app.text_input(key="learn_keyword_question.docs").set_value(text)
    run(app)
    assert said in "".join(item.value for item in app.info)


# -- ranking and labels


def test_three_rankings_of_the_same_rows(
    docs: Collection, open_page: OpenPage, drawn: dict[str, Any]
) -> None:
    app = open_page(PAGE, step="rank")
    app.text_input(key="learn_keyword_question.docs").set_value("my monitor keeps blinking")
    run(app)
    columns: list[RankedColumn] = drawn["learn_keyword_ranks"]
    assert [column.title for column in columns] == ["ts_rank", "ts_rank_cd", "BM25"]
    assert {frozenset(ids(column)) for column in columns} == {
        frozenset({"flash", "second", "keep", "pets"})
    }
    assert ids(columns[2])[:2] == ["flash", "second"]  # the rare words first
    assert "**monitor** in 1 row, **keep** in 2 rows, **blink** in 1 row" in texts(app)
    docs.info = drop(docs.db, docs.info)
    run(app)
    assert "No statistics" in drawn["learn_keyword_ranks"][2].empty


def test_weights_of_labels_move_rows(
    docs: Collection, open_page: OpenPage, drawn: dict[str, Any]
) -> None:
    app = open_page(PAGE, step="labels")
    app.text_input(key="learn_keyword_labelled.docs").set_value("camera keep")
    run(app)
    (column,) = drawn["learn_keyword_labels"]
    assert ids(column) == ["pets", "keep"]
    assert column.rows[0].other == "1 × A, 1 × D"
    app.session_state["learn_keyword_wa"] = 0.0
    app.session_state["learn_keyword_wd"] = 1.0
    run(app)
    assert ids(drawn["learn_keyword_labels"][0]) == ["keep", "pets"]
    assert app.query_params["wd"] == "1"
    app.text_input(key="learn_keyword_labelled.docs").set_value("zebra")
    run(app)
    assert ids(drawn["learn_keyword_labels"][0]) == []


# -- BM25


def test_the_terms_of_a_hit_sum_to_its_score(docs: Collection, open_page: OpenPage) -> None:
    app = open_page(PAGE, step="bm25", k1="2", b="0.5")
    app.text_input(key="learn_keyword_parts.docs").set_value("the lamp blinks, keep it")
    run(app)
    hit = docs.search("the lamp blinks, keep it", mode="keyword", bm25_k1=2, bm25_b=0.5).hits[0]
    assert f"The terms sum to **{hit.score:.4f}**; search() gives this row **{hit.score:.4f}**" in (
        texts(app).replace("`", "")
    )
    assert ", the same." in texts(app)
    frame = app.dataframe[0].value
    assert frame["lexeme"].tolist() == ["lamp", "blink", "keep"]
    assert frame["f"].tolist() == [1, 2, 0]
    assert frame["n"].tolist() == [1, 1, 2]
    assert frame["term"].sum() == pytest.approx(hit.score, abs=1e-8)
    assert app.get("plotly_chart")
    # another hit is taken apart as well
    other = app.selectbox(key="learn_keyword_hit")
    other.set_value("pets")
    run(app)
    assert app.dataframe[0].value["f"].tolist() == [0, 0, 1]


def test_nothing_to_take_apart_is_told(docs: Collection, open_page: OpenPage) -> None:
    app = open_page(PAGE, step="bm25")
    for text, said in (
        ("zebra", "No row holds any of these words."),
        ("the of", "only stop words or symbols are left"),
    ):
        app.text_input(key="learn_keyword_parts.docs").set_value(text)
        run(app)
        assert said in "".join(item.value for item in app.info).replace("\\", "")
    docs.info = drop(docs.db, docs.info)
    run(app)
    assert "docs has no statistics for BM25" in texts(app)


# -- limits


def test_what_words_find_beside_what_meaning_finds(docs: Collection, open_page: OpenPage) -> None:
    app = open_page(PAGE, step="limits", k1="2")
    app.text_input(key="learn_keyword_synonym.docs").set_value("feline")
    app.text_input(key="learn_keyword_code.docs").set_value("E2041")
    run(app)
    said = texts(app)
    assert "0 rows" in said
    assert keyword_limits._SYNONYM_SAYS in said
    assert "1 row: *E2041* :gray[(place 5 by meaning)]" in said
    assert keyword_limits._CODE_SAYS in said
    (link,) = [item for item in app.get("page_link") if "this k1" in item.proto.label]
    query = link.proto.query_string
    for part in ("search_k1=2", "search_mode=keyword", "collection=docs", "search_text="):
        assert part in query
    assert keyword_bm25.K1 in app.session_state
