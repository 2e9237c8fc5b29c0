"""The lesson Fusion: two lists of known order, k that changes what is first, and empty lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts
from tests.app.test_learn_keyword import MODEL, Embedder, at, ids, press, run

from pgvista.api import Collection, Workbench
from pgvista.services.bm25 import drop
from pgvista.ui import search_context
from pgvista.ui.components.ranked_lists import RankedColumn
from pgvista.ui.learn import fusion, fusion_k

PAGE = "pages/learn/fusion.py"
QUESTION = "learn_fusion_question.docs"
FIRST_BY_MEANING, FIRST_BY_WORDS, IN_BOTH = "row 0", "row 19", "row 3"


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    """30 rows, nearest by their number; by words row 19, then 20, then 3: the more often the better."""
    often = {19: 9, 20: 6, 3: 3}
    made = workbench.create_collection("docs", model=MODEL)
    made.upsert(
        {
            "id": f"row {number}",
            "content": f"Article {number}\n{'sound ' * often.get(number, 0)}{'filler ' * 9}",
            "embedding": at(number),
        }
        for number in range(30)
    )
    return made


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_context, "get_embedder", lambda *_: Embedder())


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Sequence[RankedColumn]]:
    """The lists that were drawn last, by their key."""
    seen: dict[str, Sequence[RankedColumn]] = {}
    for module in (fusion, fusion_k):
        draw: Callable[..., None] = module.ranked_lists

        def keep(columns: Sequence[RankedColumn], *, key: str, _draw: Any = draw) -> None:
            seen[key] = columns
            _draw(columns, key=key)

        monkeypatch.setattr(module, "ranked_lists", keep)
    return seen


def ask(app: AppTest, text: str = "sound") -> AppTest:
    app.text_input(key=QUESTION).set_value(text)
    return run(app)


def infos(app: AppTest) -> str:
    return "".join(item.value for item in app.info).replace("\\", "")


def test_two_lists_stand_side_by_side(
    docs: Collection, open_page: OpenPage, drawn: dict[str, Sequence[RankedColumn]]
) -> None:
    app = ask(open_page(PAGE, step="lists"))
    semantic, keyword = drawn["learn_fusion_two_lists"]
    assert ids(semantic) == [f"row {number}" for number in range(7)]
    assert ids(keyword) == [FIRST_BY_WORDS, "row 20", IN_BOTH]
    assert (semantic.tone, keyword.tone) == ("semantic", "keyword")
    assert semantic.rows[0].other == "not by words"
    assert semantic.rows[3].other == "by words #3"
    assert [row.other for row in keyword.rows] == [
        "by meaning #20",
        "by meaning #21",
        "by meaning #4",
    ]
    assert "**1** is among the first 10 of the other; of all 30 candidates, **3** are in both" in (
        texts(app)
    )


def test_one_row_by_hand_and_the_guides_example(docs: Collection, open_page: OpenPage) -> None:
    app = ask(open_page(PAGE, step="by hand"))
    of_a_row, of_any = (item.value for item in app.table)
    assert of_a_row["rank"].tolist() == ["4", "3", ""]
    assert of_a_row["1 / (k + rank)"].tolist() == ["1 / (60 + 4)", "1 / (60 + 3)", ""]
    assert of_a_row["counts"].tolist() == ["0.0156", "0.0159", "0.0315"]
    assert "Postgres gives this row **0.0315**, the same sum." in texts(app)
    assert of_any["counts"].tolist() == ["0.3333", "0.1111", "0.4444"]
    assert "The guide's example: 1/3 + 1/9 = **0.444**." in texts(app)
    app.session_state["learn_fusion_hand_k"] = 1.0
    app.selectbox(key="learn_fusion_row").set_value(FIRST_BY_MEANING)
    run(app)
    of_a_row, of_any = (item.value for item in app.table)
    assert of_a_row["1 / (k + rank)"].tolist() == ["1 / (60 + 1)", "not in the list", ""]
    assert of_any["1 / (k + rank)"].tolist() == ["1 / (1 + 3)", "1 / (1 + 9)", ""]
    assert "Rank 1 counts 1 / (1 + 1) = **0.5** at this k." in texts(app)
    assert app.query_params["hand_k"] == "1"


def test_what_comes_first_when_k_falls_is_predicted(
    docs: Collection, open_page: OpenPage, drawn: dict[str, Sequence[RankedColumn]]
) -> None:
    app = ask(open_page(PAGE, step="k"))
    # at k 60: 1/64 + 1/63 = 0.0315 against 1/80 + 1/61 = 0.0289
    assert ids(drawn["learn_fusion_lists"][1])[0] == IN_BOTH
    assert list(app.pills[0].options) == ["Article 3", "Article 0", "Article 19"]
    app.pills[0].set_value("Article 3")
    run(app)
    press(app, "_reveal")
    # at k 1: 1/5 + 1/4 = 0.45 against 1/21 + 1/2 = 0.548
    said = "".join(item.value for item in app.warning)
    assert "You said Article 3; it is **Article 19**." in said
    assert "1/(1 + 20) + 1/(1 + 1) = 0.548" in said
    assert "1/(1 + 4) + 1/(1 + 3) = 0.450" in said
    semantic, fused, keyword = drawn["learn_fusion_lists"]
    assert app.session_state["learn_fusion_k"] == 1
    assert ids(fused)[:3] == [FIRST_BY_WORDS, FIRST_BY_MEANING, IN_BOTH]
    assert fused.rows[0].places == ("#20", "#1")
    assert fused.rows[0].other == "↑ 1"
    assert fused.rows[1].places == ("#1", "–")
    assert (semantic.rows[0].note, keyword.rows[1].note) == (
        "1 / (1 + 1) = 0.5000",
        "1 / (1 + 2) = 0.3333",
    )
    # the knobs move the rows, and stand in the address
    app.session_state["learn_fusion_wk"] = 0.0
    run(app)
    assert ids(drawn["learn_fusion_lists"][1]) == [f"row {number}" for number in range(6)]
    assert (app.query_params["k"], app.query_params["wk"]) == ("1", "0")
    app.session_state["learn_fusion_k"] = 60.0
    run(app)
    assert "k" not in app.query_params  # from the first look on, k is the reader's


def test_a_favourite_of_one_list_alone(docs: Collection, open_page: OpenPage) -> None:
    app = ask(open_page(PAGE, step="one list"))
    assert not app.get("plotly_chart")
    app.pills[0].set_value("the first of one list")
    run(app)
    press(app, "_reveal")
    said = "".join(item.value for item in app.warning)
    assert "it is **the 50th of both**" in said
    assert "1/(60 + 1) = 0.0164 against 2/(60 + 50) = 0.0182" in said
    assert "down to rank **61**; at rank 62 there is a tie." in texts(app)
    assert "*Article 0* is #1 by meaning and not in the other list." in texts(app)
    assert "comes **4th**, behind 3 rows that both lists have." in texts(app)
    app.session_state["learn_fusion_worth_k"] = 1.0
    run(app)
    assert "down to rank **2**; at rank 3 there is a tie." in texts(app)
    assert "comes **2nd**, behind 1 row that both lists have." in texts(app)


def test_other_methods_and_the_last_place(
    docs: Collection, open_page: OpenPage, drawn: dict[str, Sequence[RankedColumn]]
) -> None:
    app = ask(open_page(PAGE, step="scores"))
    columns = drawn["learn_fusion_scores"]
    assert [column.title for column in columns] == ["Reciprocal rank", "Min-max", "Z-score"]
    assert ids(columns[0])[0] == IN_BOTH
    assert ids(columns[1])[0] == FIRST_BY_WORDS
    assert "*Article 29* at rank 30, counts: reciprocal rank **0.0111**, min-max **0.0000**" in (
        texts(app)
    )
    assert "Min-max counts it as if it were not in the list at all." in texts(app)


def test_the_last_step_leads_to_the_search_with_the_same_settings(
    docs: Collection, open_page: OpenPage
) -> None:
    app = ask(open_page(PAGE, step="remember", k="7", wk="0.5"))
    assert "k 7, semantic weight 1, keyword weight 0.5, *Article 3* comes first." in texts(app)
    (link,) = [item for item in app.get("page_link") if "with these settings" in item.proto.label]
    parts = link.proto.query_string.split("&")
    for part in ("search_k=7", "search_wk=0.5", "search_ws=1", "search_mode=hybrid"):
        assert part in parts
    assert "search_text=sound" in parts


@pytest.mark.parametrize("step", ["lists", "by hand", "k", "one list", "scores", "remember"])
def test_a_question_without_words_leaves_one_list(
    docs: Collection, open_page: OpenPage, step: str
) -> None:
    app = open_page(PAGE, step=step, k="9999", ws="nan", wk="-3")
    for text in ("zebra", "the of and", "🐈 日本語", "word " * 10_000):
        ask(app, text)
        assert "The keyword list is empty." in infos(app)
        if step in ("k", "one list") and (
            button := next((item for item in app.button if "_reveal" in str(item.key)), None)
        ):
            button.click()
            run(app)
    ask(app, "  ")
    assert "The question is empty." in infos(app)


def test_without_statistics_words_are_ranked_by_ts_rank(
    docs: Collection, open_page: OpenPage, drawn: dict[str, Sequence[RankedColumn]]
) -> None:
    docs.info = drop(docs.db, docs.info)
    ask(open_page(PAGE, step="lists"))
    assert drawn["learn_fusion_two_lists"][1].note == "ts_rank · 3 rows"


@pytest.mark.parametrize("step", ["lists", "by hand", "k", "one list", "scores", "remember"])
def test_two_rows_are_enough(workbench: Workbench, open_page: OpenPage, step: str) -> None:
    made = workbench.create_collection("docs", model=MODEL)
    made.upsert(
        {"id": name, "content": "the same sound", "embedding": at(1)}
        for name in ("<b>x</b>", "$y$")
    )
    app = ask(open_page(PAGE, step=step))
    for button in [item for item in app.button if "_reveal" in str(item.key)]:
        button.click()
        run(app)


def test_without_rows_a_sample_is_offered(open_page: OpenPage, workbench: Workbench) -> None:
    assert "This lesson runs on real rows" in texts(open_page(PAGE))
    made = workbench.create_collection("docs", model=MODEL)
    made.upsert([{"id": "one", "content": "a sound", "embedding": at(1)}])
    assert "docs has 1 row; this lesson needs 2." in infos(open_page(PAGE))
