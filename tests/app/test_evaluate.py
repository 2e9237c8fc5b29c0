"""The page Evaluate: sets, measuring, the grid and its default, judging, and what goes wrong."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, finish_jobs, texts
from tests.db.judged import query_set

from pgvista.api import Workbench
from pgvista.jobs import JobState
from pgvista.model.evaluation import EvaluationQuery, QuerySet
from pgvista.services.collections import open_collection
from pgvista.services.judgments import (
    delete_query_set,
    judge,
    list_query_sets,
    read_query_set,
    save_query_set,
)
from pgvista.services.search_defaults import default_request, set_search_defaults
from pgvista.ui.components.grade_keys import SKIP, UNDO, GradeKey, read_key
from pgvista.ui.evaluate_names import measure_help

PAGE = "pages/search/evaluate.py"
WORDS = ("apple", "pear", "plum", "stone", "sand", "river", "tower", "candle")


def fill(workbench: Workbench, *, model: str | None = "all-MiniLM-L6-v2") -> None:
    """Make ``docs``: a row for each word, which a query of that word finds."""
    made = workbench.create_collection("docs", model=model, dimension=None if model else 3)
    made.upsert(
        {
            "id": f"d{n}",
            "content": f"{word} and one more thing",
            **({} if model else {"embedding": [1.0, n, 0.0]}),
        }
        for n, word in enumerate(WORDS)
    )


def save(workbench: Workbench, given: QuerySet) -> int:
    return save_query_set(workbench.db, open_collection(workbench.db, "docs"), given)


def judged(name: str = "mine") -> QuerySet:
    """Twenty-four queries: each word alone and twice more with another one."""
    queries = {f"{word}{n}": " ".join([word] * n) for word in WORDS for n in (1, 2, 3)}
    grades = {f"{word}{n}": {f"d{i}": 3} for i, word in enumerate(WORDS) for n in (1, 2, 3)}
    return query_set(queries, grades, name)


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception, app.exception
    return app


def part(app: AppTest, name: str) -> AppTest:
    app.segmented_control(key="evaluate_part").set_value(name).run()
    assert not app.exception, app.exception
    return app


# -- sets


def test_no_collection(open_page: OpenPage) -> None:
    assert "No collection here yet" in texts(open_page(PAGE))


def test_without_a_set_it_says_what_judgments_are(
    open_page: OpenPage, workbench: Workbench
) -> None:
    fill(workbench)
    app = open_page(PAGE, collection="docs")
    assert "No judged queries yet" in texts(app)
    assert "0 of no use, 1 a little, 2 useful, 3 the answer" in texts(app)
    press(app, "evaluate_none.upload")
    assert app.file_uploader(key="evaluate_file_queries")


def test_neither_model_nor_text(open_page: OpenPage, workbench: Workbench) -> None:
    with workbench.db.transaction() as connection:
        connection.execute("create table bare (id text primary key, embedding vector(3))")
    assert "No question can be asked here" in texts(open_page(PAGE, collection="public.bare"))


def upload(app: AppTest, queries: bytes, qrels: bytes, kind: str = "jsonl") -> AppTest:
    app.file_uploader(key="evaluate_file_queries").set_value(
        (f"asked.{kind}", queries, "text/plain")
    )
    app.file_uploader(key="evaluate_file_qrels").set_value(("judged.qrels", qrels, "text/plain"))
    app.run()
    assert not app.exception, app.exception
    return app


def test_files_are_previewed_saved_and_used(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    app = press(open_page(PAGE, collection="docs"), "evaluate_none.upload")
    queries = (
        b'{"id": "a", "text": "apple"}\n{"id": "b", "text": "pear"}\n{"id": "c", "text": "x"}\n'
    )
    upload(app, queries, b"a 0 d0 3\na 0 d0 2\nb 0 d1 1\nb 0 gone 1\n")
    said = texts(app)
    assert "**3 queries**, **3 judgments**; 2 can be measured" in said
    assert "1 query was left out: it has no judgments" in said
    assert "1 of 3 judged documents is not in docs, such as 'gone'" in said
    assert "twice" in said or "again" in said
    assert list_query_sets(workbench.db) == []
    press(app, "evaluate_use")
    assert "3 queries with 3 judgments are asked" in texts(app)
    assert list_query_sets(workbench.db) == []
    press(app, "evaluate_save_copy")
    (saved,) = list_query_sets(workbench.db)
    assert (saved.name, saved.queries, saved.judgments) == ("asked", 3, 3)
    assert app.selectbox(key="evaluate_set").value == f"saved:{saved.id}"


@pytest.mark.parametrize(
    ("queries", "qrels", "said"),
    [
        (b"", b"a 0 d0 1\n", "empty"),
        (b'{"id": "a", "text": "apple"}\n', b"\x00\xff\x00\x01" * 40, "holds binary data"),
        (b'{"id": "a", "text": "apple"}\n', b"a 0 d0 500\n", "above 100"),
        (b'{"name": "a"}\n', b"a 0 d0 1\n", "cannot be told"),
        (b'{"id": "a", "text": "apple"}\n', b"other 0 d0 1\n", "nothing to measure"),
    ],
)
def test_files_that_cannot_be_used_are_told(
    open_page: OpenPage, workbench: Workbench, queries: bytes, qrels: bytes, said: str
) -> None:
    fill(workbench)
    app = press(open_page(PAGE, collection="docs"), "evaluate_none.upload")
    upload(app, queries, qrels)
    assert len(app.error) == 1
    assert said in app.error[0].value.replace("\\", "")
    assert list_query_sets(workbench.db) == []


def test_a_set_is_deleted_once_agreed(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    key = save(workbench, judged())
    app = open_page(PAGE, collection="docs")
    assert app.button(key="evaluate_delete").disabled
    app.checkbox(key=f"evaluate_agree_{key}").check().run()
    press(app, "evaluate_delete")
    assert list_query_sets(workbench.db) == []
    assert "No judged queries yet" in texts(app)


# -- measuring


def test_modes_are_measured_by_a_job(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    save(workbench, judged())
    app = press(open_page(PAGE, collection="docs"), "evaluate_measure_go")
    assert finish_jobs(app) == [JobState.DONE]
    settings, queries = (item.value for item in app.dataframe[:2])
    assert list(settings["setting"]) == ["semantic", "keyword", "hybrid"]
    assert list(settings["nDCG@10"]) == [1.0, 1.0, 1.0]
    assert (settings["p50 ms"] > 0).all()
    assert len(queries) == 24
    assert "hybrid against semantic: 0 wins, 0 losses, 24 ties" in texts(app)
    # a grade given since makes the figures old, and says so
    judge(workbench.db, list_query_sets(workbench.db)[0].id, "apple1", "d1", 2)
    app.run()
    assert any("changed since it was measured" in item.value for item in app.info)


def test_losses_stand_first(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    given = query_set({"a": "apple", "b": "fruit"}, {"a": {"d0": 1}, "b": {"d0": 1}}, "mine")
    save(workbench, given)
    app = open_page(PAGE, collection="docs")
    press(app, "evaluate_measure_go")
    finish_jobs(app)
    app.selectbox(key="evaluate_query_setting").set_value("keyword").run()
    rows = app.dataframe[1].value
    assert list(rows["id"]) == ["b", "a"]
    assert rows["gain"][0] < 0
    assert rows["problem"][0]  # no row has the word


def test_a_measure_that_is_none(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    save(workbench, judged())
    app = open_page(PAGE, collection="docs")
    app.session_state["evaluate_measures"] = ["nDCG@10", "best@7"]
    press(app, "evaluate_measure_go")
    assert "The measure 'best@7' is not known" in texts(app)


def test_words_alone_without_a_model(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench, model=None)
    save(workbench, judged())
    app = press(open_page(PAGE, collection="docs"), "evaluate_measure_go")
    assert finish_jobs(app) == [JobState.DONE]
    assert list(app.dataframe[0].value["setting"]) == ["keyword"]
    part(app, "Grid")
    assert any("has no model, so it has one list alone" in item.value for item in app.info)


@pytest.mark.parametrize("name", ["nDCG@10", "R@100", "RR@10", "AP", "P@5", "judged@10"])
def test_each_measure_has_a_meaning(name: str) -> None:
    assert "{" not in measure_help(name)
    assert measure_help(name).endswith("0 to 1.")


# -- the grid


def test_a_grid_decides_and_shows_what_its_winner_would_change(
    open_page: OpenPage, workbench: Workbench
) -> None:
    fill(workbench)
    collection = open_collection(workbench.db, "docs")
    # other words for the same things, which meaning alone finds
    other = ("cider fruit", "Williams fruit", "prune", "rock", "beach", "stream", "steeple", "wick")
    queries = {f"q{n}": text for n, text in enumerate((*other, *WORDS, *other))}
    grades = {f"q{n}": {f"d{n % len(WORDS)}": 1} for n in range(len(WORDS) * 3)}
    save(workbench, query_set(queries, grades, "mine"))
    set_search_defaults(workbench.db, collection, {"mode": "keyword", "bm25_k1": 0.9, "depth": 50})
    app = part(open_page(PAGE, collection="docs"), "Grid")
    assert "What you have: keyword alone, BM25" in texts(app)
    press(app, "evaluate_grid_go")
    assert finish_jobs(app) == [JobState.DONE]
    said = texts(app)
    assert "Take semantic alone: it gains" in said
    assert "chose among 341 settings" in said
    labels = list(app.dataframe[0].value["setting"])
    assert labels[0] == "semantic alone"  # both single lists first
    assert labels[1].startswith("keyword alone")
    assert labels[-1] == "best found: semantic alone"
    press(app, "evaluate_default")
    assert "| Mode | keyword | **semantic** |" in texts(app)  # e2e agrees to it
    assert default_request(open_collection(workbench.db, "docs"))["mode"] == "keyword"
    set_search_defaults(workbench.db, collection, {"mode": "semantic"})
    app.run()
    assert any("default was changed since the grid was run" in item.value for item in app.info)
    press(app, "evaluate_default_reset")
    assert default_request(open_collection(workbench.db, "docs")) == {}


def test_few_queries_decide_nothing(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    save(workbench, query_set({"a": "apple", "b": "pear"}, {"a": {"d0": 1}, "b": {"d1": 1}}))
    app = press(part(open_page(PAGE, collection="docs"), "Grid"), "evaluate_grid_go")
    assert finish_jobs(app) == [JobState.DONE]
    assert "Keep what you have: 2 queries decide nothing" in texts(app)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("evaluate_grid_ks", "1, many", "'many' among the k of RRF is no number"),
        ("evaluate_grid_ks", "0", "k is 0.0"),
        ("evaluate_grid_ks", "nan", "k is nan"),
        ("evaluate_grid_shares", "", "The grid is empty"),
        ("evaluate_grid_shares", "1.5", "is not between 0 and 1"),
    ],
)
def test_grids_that_make_no_sense(
    open_page: OpenPage, workbench: Workbench, key: str, value: str, said: str
) -> None:
    fill(workbench)
    save(workbench, judged())
    app = part(open_page(PAGE, collection="docs"), "Grid")
    app.text_input(key=key).set_value(value).run()
    press(app, "evaluate_grid_go")
    assert said in texts(app)
    assert not finish_jobs(app)


def test_what_cannot_be_had_is_not_what_you_have(open_page: OpenPage, workbench: Workbench) -> None:
    """BM25's statistics are of the collection's language: in another one it is ts_rank."""
    fill(workbench)
    save(workbench, judged())
    collection = open_collection(workbench.db, "docs")
    set_search_defaults(workbench.db, collection, {"text_config": "simple"})
    app = part(open_page(PAGE, collection="docs"), "Grid")
    assert "What you have: RRF by coverage k 60, semantic share 0.5, ts_rank" in texts(app)
    press(app, "evaluate_grid_go")
    assert finish_jobs(app) == [JobState.DONE]
    assert "BM25 was not tried" in texts(app)
    assert not any("default was changed" in item.value for item in app.info)


# -- judging


def test_hits_are_judged_one_by_one_and_taken_back(
    open_page: OpenPage, workbench: Workbench
) -> None:
    fill(workbench)
    app = press(open_page(PAGE, collection="docs"), "evaluate_none.new")
    app.text_area(key="evaluate_new_queries").set_value("apple\n\napple\npear tree\n").run()
    press(app, "evaluate_new_go")
    (saved,) = list_query_sets(workbench.db)
    assert saved.queries == 2
    assert "**0** of 8 judged" in texts(app)
    for grade in (3, 0, 2):
        press(app, f"evaluate_grade_{grade}")
    assert "**3** of 8 judged" in texts(app)
    assert sorted(_grades(workbench, "apple").values()) == [0, 2, 3]
    press(app, "evaluate_undo")
    assert "**2** of 8 judged" in texts(app)
    assert sorted(_grades(workbench, "apple").values()) == [0, 3]
    press(app, "evaluate_skip")
    for _ in range(6):
        press(app, "evaluate_grade_1")
    assert "All 8 hits judged" in texts(app)
    press(app, "evaluate_next")
    assert "**0** of 8 judged" in texts(app)


def _grades(workbench: Workbench, text: str) -> dict[str, int]:
    (saved,) = list_query_sets(workbench.db)
    found = read_query_set(workbench.db, saved.id)
    key = next(query.id for query in found.queries if query.text == text)
    return dict(found.judgments.get(key, {}))


def test_anothers_grade_is_told_and_comes_back_by_undo(
    open_page: OpenPage, workbench: Workbench
) -> None:
    fill(workbench)
    key = save(workbench, query_set({"q": "apple"}, {}, "mine"))
    app = part(open_page(PAGE, collection="docs"), "Judge")
    shown = next(n for n in range(8) if re.search(rf"\bd{n}\b", texts(app)))
    judge(workbench.db, key, "q", f"d{shown}", 2)  # somebody else, in the meantime
    press(app, "evaluate_grade_0")
    assert any("Somebody gave this hit 2" in item.value for item in app.info)
    assert _grades(workbench, "apple") == {f"d{shown}": 0}
    press(app, "evaluate_undo")
    assert _grades(workbench, "apple") == {f"d{shown}": 2}


def test_a_set_deleted_while_it_is_judged(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    key = save(workbench, query_set({"q": "apple"}, {}, "mine"))
    app = part(open_page(PAGE, collection="docs"), "Judge")
    delete_query_set(workbench.db, key)
    press(app, "evaluate_grade_1")
    assert "This query set is gone" in texts(app) or "No judged queries yet" in texts(app)
    assert list_query_sets(workbench.db) == []


def test_a_question_is_added(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    key = save(workbench, QuerySet("mine", (), {}))
    app = part(open_page(PAGE, collection="docs"), "Judge")
    assert "This set has no query yet" in texts(app)
    app.text_input(key="evaluate_add_text").set_value("  red   plum ").run()
    press(app, "evaluate_add_go")
    assert [query.text for query in read_query_set(workbench.db, key).queries] == ["red plum"]
    assert "of 8 judged" in texts(app)


def test_an_empty_query_is_told(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    save(workbench, QuerySet("mine", (EvaluationQuery("q", " "),), {}))
    app = part(open_page(PAGE, collection="docs"), "Judge")
    assert any("This query is empty" in item.value for item in app.info)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"document": "a", "value": 3}, GradeKey("a", 3)),
        ({"document": "a", "value": 0}, GradeKey("a", 0)),
        ({"document": "a", "value": "undo"}, GradeKey("a", None, UNDO)),
        ({"document": "a", "value": "skip"}, GradeKey("a", None, SKIP)),
        ({"document": "a", "value": 4}, None),
        ({"document": "a", "value": True}, None),
        ({"document": "a", "value": 1.5}, None),
        ({"document": 7, "value": 1}, None),
        ("3", None),
        (None, None),
    ],
)
def test_what_the_browser_sends_is_checked(sent: object, expected: GradeKey | None) -> None:
    assert read_key(sent) == expected


# -- the defaults in Search


def test_search_begins_with_the_collections_default(
    open_page: OpenPage, workbench: Workbench
) -> None:
    fill(workbench)
    collection = open_collection(workbench.db, "docs")
    fields = {
        "mode": "hybrid",
        "fusion": "zscore",
        "semantic_weight": 1.4,
        "keyword_rank": "ts_rank",
    }
    set_search_defaults(workbench.db, collection, fields)
    app = open_page("search", collection="docs")
    assert app.selectbox(key="search_fusion").value == "zscore"
    assert app.selectbox(key="search_rank").value == "ts_rank"
    assert app.session_state["search_ws"] == 1.4
    # a knob that is moved stays where it is put; the others follow a new default
    app.session_state["search_ws"] = 0.5
    set_search_defaults(workbench.db, collection, {"fusion": "minmax", "semantic_weight": 1.8})
    app.run()
    assert app.selectbox(key="search_fusion").value == "minmax"
    assert app.selectbox(key="search_rank").value == "bm25"
    assert app.session_state["search_ws"] == 0.5


def test_a_link_means_the_same_whatever_the_default(
    open_page: OpenPage, workbench: Workbench
) -> None:
    fill(workbench)
    collection = open_collection(workbench.db, "docs")
    set_search_defaults(workbench.db, collection, {"fusion": "zscore", "rrf_k": 10.0})
    app = open_page("search", collection="docs", search_k="30")
    assert app.session_state["search_k"] == 30
    assert app.selectbox(key="search_fusion").value == "coverage"  # what the link does not name
