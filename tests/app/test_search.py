"""The page Search: what is asked, what is found, and one sentence for what cannot be done."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Collection, Workbench
from pgvista.embed.loading import LoadedOnce
from pgvista.errors import ModelUnavailable
from pgvista.model.search import Fusion, KeywordMatch, SearchRequest, SearchResult
from pgvista.services import search as search_service
from pgvista.ui import search_context, search_view
from pgvista.ui.components.hits import hit_list as draw

MODEL = "all-MiniLM-L6-v2"
TEXTS = {
    "a": "The cat chases the mouse",
    "b": "The kitten hunts rodents",
    "c": "I like ham sandwiches",
    "d": "E2041 means that the cat flap is stuck",
}


def vector(seed: int) -> list[float]:
    return [float(x) for x in np.random.default_rng(seed).standard_normal(384)]


class Embedder(LoadedOnce):
    """Gives every question the first row's vector; `ready` and `broken` say whether it can."""

    name = MODEL
    dimension = 384
    max_tokens = 256

    def __init__(self, *, ready: bool = True, broken: bool = False) -> None:
        super().__init__()
        self.ready, self.broken = ready, broken

    @property
    def is_loaded(self) -> bool:
        return self.ready

    def _load(self) -> None:
        if self.broken:
            raise ModelUnavailable("There is no such model.")

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return np.array(vector(0), dtype=np.float32)


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
def given() -> dict[str, dict[str, Any]]:
    """What else each list of hits was last given, by the list's key."""
    return {}


@pytest.fixture
def found(
    monkeypatch: pytest.MonkeyPatch,
    use: Callable[[Embedder], None],
    given: dict[str, dict[str, Any]],
) -> dict[str, SearchResult]:
    """What each list of hits on the page was last given, by the list's key."""
    seen: dict[str, SearchResult] = {}

    def hit_list(result: SearchResult, *, key: str, **more: Any) -> Any:
        seen[key] = result
        given[key] = more
        return draw(result, key=key, **more)

    monkeypatch.setattr(search_view, "hit_list", hit_list)
    use(Embedder())
    return seen


def ids(found: dict[str, SearchResult], key: str = "search_hits") -> list[str]:
    return [hit.id for hit in found[key].hits]


def ask(app: AppTest, text: str = "cat", mode: str | None = None) -> AppTest:
    if mode is not None:
        app.session_state["search_mode"] = mode
    app.text_input(key="search_text").set_value(text).run()
    assert not app.exception, app.exception
    return app


def errors(app: AppTest) -> list[str]:
    return [item.value.replace("\\", "") for item in app.error]


def test_without_a_collection_there_is_a_way_to_one(open_page: OpenPage) -> None:
    assert "No collection here yet" in texts(open_page("search"))


def test_an_empty_question_says_what_to_do(open_page: OpenPage, docs: Collection) -> None:
    app = open_page("search")
    assert "Ask something" in texts(app)
    assert "docs · 4 rows · all-MiniLM-L6-v2 · cosine" in texts(app)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("semantic", {"a", "b", "c", "d"}),
        ("keyword", {"a", "d"}),
        ("hybrid", {"a", "b", "c", "d"}),
    ],
)
def test_each_mode_finds_rows(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    mode: str,
    expected: set[str],
) -> None:
    app = ask(open_page("search"), "cat", mode)
    assert set(ids(found)) == expected
    assert f"{len(expected)} of 10 hits" in texts(app)
    assert not app.error


def test_side_by_side_shows_all_three(
    open_page: OpenPage, docs: Collection, found: dict[str, SearchResult]
) -> None:
    app = ask(open_page("search"), "cat", "all")
    assert set(found) == {f"search_hits_{mode}" for mode in ("semantic", "keyword", "hybrid")}
    assert ids(found, "search_hits_semantic")[0] == "a"
    assert ":gray[hybrid]" in texts(app)


def test_knobs_reach_the_request_and_outlive_a_visit_to_another_page(
    open_page: OpenPage, docs: Collection, found: dict[str, SearchResult]
) -> None:
    app = open_page("search")
    app.session_state["search_k"] = 7.0
    ask(app)
    assert found["search_hits"].hits[0].semantic_term == pytest.approx(1 / 8)
    app.selectbox(key="search_match").set_value("all").run()
    app.switch_page("pages/start/home.py").run()
    found.clear()
    app.switch_page("pages/search/search.py").run()
    assert found["search_hits"].hits[0].semantic_term == pytest.approx(1 / 8)
    assert app.selectbox(key="search_match").value == "all"
    assert app.text_input(key="search_text").value == "cat"


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[SearchRequest]:
    """What Postgres was asked to search, one request after the other."""
    asked: list[SearchRequest] = []
    search = search_service.search

    def counted(db: Any, collection: Any, request: SearchRequest, **more: Any) -> SearchResult:
        asked.append(request)
        return search(db, collection, request, **more)

    monkeypatch.setattr(search_service, "search", counted)
    return asked


@pytest.mark.parametrize("limit", [1.0, 10.0])
def test_knobs_of_the_fusion_ask_postgres_for_no_list(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    searched: list[SearchRequest],
    limit: float,
) -> None:
    app = open_page("search")
    app.session_state["search_limit"] = limit
    ask(app, "cat stuck")
    first = len(searched)
    for key, value in {
        "search_k": 1.0,
        "search_ws": 0.0,
        "search_wk": 0.0,
        "search_fusion": "zscore",
    }.items():
        app.session_state[key] = value
        app.run()
        assert len(searched) == first
        assert "recomputed in" in texts(app)
        again = found["search_hits"]
        request = replace(searched[0], **{FIELDS[name]: app.session_state[name] for name in FIELDS})
        asked = search_service.search(docs.db, docs.info, request, embedder=Embedder())  # type: ignore[arg-type]
        searched.pop()
        assert again.hits == asked.hits
        assert again.sql == asked.sql
    app.session_state["search_depth"] = 50.0
    app.run()
    assert len(searched) == first + 1
    assert "recomputed in" not in texts(app)
    app.run()  # nothing was moved: a page opened later shall be true
    assert len(searched) == first + 2


FIELDS = {
    "search_k": "rrf_k",
    "search_ws": "semantic_weight",
    "search_wk": "keyword_weight",
    "search_fusion": "fusion",
}


def test_side_by_side_asks_for_no_list_either(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    searched: list[SearchRequest],
) -> None:
    app = ask(open_page("search"), "cat", "all")
    assert [request.mode for request in searched] == ["hybrid", "semantic", "keyword"]
    app.session_state["search_k"] = 1.0
    app.run()
    assert len(searched) == 3
    assert ids(found, "search_hits_keyword")


def test_a_row_deleted_meanwhile_is_asked_for_anew(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    searched: list[SearchRequest],
) -> None:
    app = open_page("search")
    app.session_state["search_limit"] = 1.0
    app.session_state["search_wk"] = 0.0
    ask(app, "stuck")
    assert ids(found) == ["a"]
    docs.delete(ids=["d"])
    app.session_state["search_ws"], app.session_state["search_wk"] = 0.0, 1.0
    app.run()
    assert len(searched) == 2
    assert ids(found) == ["a"]  # no row has the word any more, so all have the same sum
    assert found["search_hits"].keyword_rows == 0
    assert not app.error


def test_what_moved_since_the_last_setting(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    given: dict[str, dict[str, Any]],
) -> None:
    app = open_page("search")
    app.session_state["search_wk"] = 0.0
    ask(app, "stuck")
    before = ids(found)
    assert given["search_hits"]["moved"] is None
    app.session_state["search_wk"] = 2.0
    app.run()
    now = ids(found)
    assert now[0] == "d" != before[0]
    assert given["search_hits"]["since"] == "keyword weight 0"
    moved = {key: before.index(key) - now.index(key) for key in now}
    assert given["search_hits"]["moved"] == moved
    app.session_state["search_wk"] = 1.5  # the same gesture: compared with where it began
    app.run()
    assert given["search_hits"]["since"] == "keyword weight 0"
    app.session_state["search_wk"] = 0.0
    app.run()
    assert given["search_hits"]["moved"] is None
    ask(app, "mouse")
    assert given["search_hits"]["moved"] is None


def test_a_hit_tells_its_sum_and_the_lists_what_was_asked(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    given: dict[str, dict[str, Any]],
) -> None:
    ask(open_page("search"), "stuck")
    more = given["search_hits"]
    assert more["head"] == "semantic: 100 asked, 4 got · keyword: 100 asked, 1 got"
    first = found["search_hits"].hits[0]
    assert first.id == "d"
    told = more["sums"]["d"]
    assert told.raw[0] == f"distance {first.distance:.3f}"
    assert told.raw[1].startswith("BM25 ")
    assert told.how[1] == f"1 / (60 + 1) = {1 / 61:.4f}"
    assert more["sums"]["a"].how[1] == "not in the list; adds nothing"
    assert sum(told.terms) == first.score


def test_a_hit_that_covers_part_of_the_query_tells_how_much(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    given: dict[str, dict[str, Any]],
) -> None:
    ask(open_page("search"), "stuck zebra")
    result = found["search_hits"]
    assert result.lists is not None
    covering = result.lists.covering
    assert covering is not None
    hit = next(hit for hit in result.hits if hit.keyword_rank)
    assert hit.keyword_score is not None
    assert hit.keyword_score < covering
    how = given["search_hits"]["sums"][hit.id].how[1]
    assert re.fullmatch(r"1 × \([\d.]+ / [\d.]+\)² / \(60 \+ 1\) = 0\.00\d\d", how)
    assert hit.keyword_term == pytest.approx((hit.keyword_score / covering) ** 2 / 61)


@pytest.mark.parametrize("method", list(Fusion))
def test_the_ledger_shows_every_candidate(
    open_page: OpenPage, docs: Collection, found: dict[str, SearchResult], method: Fusion
) -> None:
    app = open_page("search")
    app.session_state["search_limit"] = 2.0
    app.session_state["search_explain"] = "Ledger"
    app.session_state["search_fusion"] = method.value
    ask(app, "cat")
    frame = app.dataframe[0].value
    assert len(frame) == 4
    assert frame["id"].tolist()[:2] == ids(found)
    assert frame["score"].tolist() == sorted(frame["score"], reverse=True)
    assert frame["place_before"].isna().all()
    app.session_state["search_ws"] = 0.0
    app.run()
    assert app.dataframe[0].value["place_before"].notna().all()
    ask(app, "cat", "keyword")
    assert not app.dataframe
    assert "Hybrid search has one." in texts(app)


def test_the_knobs_of_words_follow_the_ranking(
    open_page: OpenPage, docs: Collection, found: dict[str, SearchResult]
) -> None:
    app = ask(open_page("search"), "cat", "keyword")
    assert "any word instead of every word, BM25 instead of ts_rank_cd" in texts(app)
    assert not [item for item in app.selectbox if item.key == "search_norm"]
    app.selectbox(key="search_rank").set_value("ts_rank_cd").run()
    app.selectbox(key="search_match").set_value("all").run()
    assert "As in the published recipe" in texts(app)
    first = found["search_hits"].hits[0].score
    app.selectbox(key="search_norm").set_value("2").run()
    assert found["search_hits"].hits[0].score != first
    assert not app.error


@pytest.mark.parametrize("match", list(KeywordMatch))
@pytest.mark.parametrize("text", ["cat flap", "the of", "':*&|!", "ca"])
def test_every_way_to_match_is_answered(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    match: KeywordMatch,
    text: str,
) -> None:
    app = open_page("search")
    app.session_state["search_match"] = match.value
    ask(app, text)
    assert "search_hits" in found
    assert not app.error


def test_neighbours_of_a_row_and_back(
    open_page: OpenPage, docs: Collection, found: dict[str, SearchResult]
) -> None:
    app = ask(open_page("search"), "cat", "keyword")
    app.session_state["search_similar"] = ("docs", "a")
    app.run()
    assert set(ids(found)) == {"b", "c", "d"}
    assert "Nearest to **a**" in texts(app)
    app.button(key="search_similar_close").click().run()
    assert set(ids(found)) == {"a", "d"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"year": ', "The filter is not JSON"),
        ("[1]", "A filter is a JSON object."),
        ('{"year": {"$near": 1}}', "'$near' on 'year' is not a known operator."),
    ],
)
def test_a_bad_filter_is_told_in_one_sentence(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    text: str,
    sentence: str,
) -> None:
    app = ask(open_page("search"))
    app.session_state["search_filter"] = text
    app.run()
    assert [sentence in error for error in errors(app)] == [True]
    app.session_state["search_filter"] = '{"year": {"$gte": 1973}}'
    app.run()
    assert ids(found) == ["d"]
    assert not app.error


@pytest.mark.parametrize(
    "text",
    ["the of and", '"unbalanced', "x " * 50_000, "<b>'\\%s{}", "日本語", "a\x00b"],
    ids=["stop words", "quotes", "100 kB", "markup", "Japanese", "NUL"],
)
@pytest.mark.parametrize("mode", ["semantic", "keyword", "hybrid"])
def test_odd_questions_are_answered(
    open_page: OpenPage, docs: Collection, found: dict[str, SearchResult], text: str, mode: str
) -> None:
    app = ask(open_page("search"), text, mode)
    assert "search_hits" in found
    assert not app.error


def test_exact_recall_threshold_and_plan(
    open_page: OpenPage, docs: Collection, found: dict[str, SearchResult]
) -> None:
    app = ask(open_page("search"), "cat", "semantic")
    app.toggle(key="search_recall").set_value(True).run()
    assert app.session_state["_search_recall_of"][1] == 1.0
    app.number_input(key="search_threshold").set_value(0.5).run()
    assert ids(found) == ["a"]
    app.toggle(key="search_exact").set_value(True).run()
    assert "Index not used: every row compared." in texts(app)
    app.segmented_control(key="search_explain").set_value("Plan").run()
    assert "EXPLAIN (ANALYZE, BUFFERS)" in texts(app)
    assert not app.error


def test_a_link_restores_knobs_and_question(
    open_page: OpenPage, docs: Collection, found: dict[str, SearchResult]
) -> None:
    app = open_page("search")
    app.session_state["search_k"] = 12.0
    app.session_state["search_filter"] = '{"year": {"$lte": 1972}}'
    app.session_state["search_metric"] = "l2"
    app.session_state["search_fusion"] = "minmax"
    app.session_state["search_match"] = "prefix"
    app.session_state["search_b"] = 0.3
    app.session_state["search_explain"] = "Share"
    app.session_state["search_share_text"] = True
    ask(app, "the cat & more", "hybrid")
    wanted = ids(found)
    link = parse_qs(urlsplit(app.code[0].value).query)
    found.clear()
    other = open_page("search", **{key: values[0] for key, values in link.items()})
    assert ids(found) == wanted
    assert other.text_input(key="search_text").value == "the cat & more"
    assert other.session_state["search_k"] == 12
    assert other.selectbox(key="search_metric").value == "l2"
    assert other.selectbox(key="search_fusion").value == "minmax"
    assert other.selectbox(key="search_match").value == "prefix"
    assert other.session_state["search_b"] == 0.3


def test_a_link_without_the_question_keeps_it_secret(
    open_page: OpenPage, docs: Collection, found: dict[str, SearchResult]
) -> None:
    app = open_page("search")
    app.session_state["search_explain"] = "Share"
    ask(app, "secret words")
    assert "secret" not in app.code[0].value


def test_nonsense_in_the_address_changes_nothing(
    open_page: OpenPage, docs: Collection, found: dict[str, SearchResult]
) -> None:
    app = open_page(
        "search",
        collection="docs",
        search_k="nan",
        search_depth="1e9",
        search_mode="mind reading",
        search_metric="x",
        search_fusion="luck",
        search_norm="64",
        search_k1="nan",
        search_language="klingon",
        search_threshold="far",
        search_exact="perhaps",
    )
    ask(app)
    assert not app.error
    assert app.session_state["search_mode"] == "hybrid"
    assert len(ids(found)) == 4


def test_own_vectors_are_searched_by_words_and_from_a_row(
    open_page: OpenPage, workbench: Workbench, found: dict[str, SearchResult]
) -> None:
    own = workbench.create_collection("own", dimension=2)
    own.upsert({"id": f"v{i}", "content": f"word{i}", "embedding": [1, i]} for i in range(9))
    app = open_page("search")
    app.button(key="search_start_v3").click().run()
    assert ids(found)[0] in {"v2", "v4"}
    app.button(key="search_similar_close").click().run()
    ask(app, "word5")
    assert ids(found) == ["v5"]
    assert "its vectors come from elsewhere" in app.info[0].value


def test_a_collection_without_text_begins_with_a_row(
    open_page: OpenPage, workbench: Workbench, found: dict[str, SearchResult]
) -> None:
    bare = workbench.create_collection("bare", dimension=2, layout="vecs")
    bare.upsert({"id": f"v{i}", "embedding": [1, i]} for i in range(9))
    app = open_page("search")
    app.text_input(key="search_row_id").set_value("v8").run()
    assert ids(found)[0] == "v7"


def test_an_empty_collection_says_so(
    open_page: OpenPage, workbench: Workbench, found: dict[str, SearchResult]
) -> None:
    workbench.create_collection("empty", model=MODEL)
    app = ask(open_page("search"))
    assert "No rows yet" in texts(app)
    assert not app.error


def test_words_are_searched_while_the_model_loads(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    use: Callable[[Embedder], None],
) -> None:
    slow = Embedder(ready=False)
    use(slow)
    app = open_page("search")
    app.session_state["search_explain"] = "Ledger"
    ask(app, "cat", "hybrid")
    assert "It comes once the model is loaded." in texts(app)
    assert "Loading all-MiniLM-L6-v2, once…" in app.info[0].value.replace("\\", "")
    assert set(ids(found)) == {"a", "d"}
    found.clear()
    ask(app, "cat", "semantic")
    assert not found
    slow.ready = True
    app.run()
    assert set(ids(found)) == {"a", "b", "c", "d"}
    assert not app.info
    assert "It comes once" not in texts(app)


def test_a_model_that_cannot_be_loaded_is_told_once_and_words_still_work(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    use: Callable[[Embedder], None],
) -> None:
    broken = Embedder(ready=False, broken=True)
    with pytest.raises(ModelUnavailable):
        broken.load()
    use(broken)
    app = ask(open_page("search"), "cat", "hybrid")
    assert [error.strip("*") for error in errors(app)] == ["There is no such model."]
    assert set(ids(found)) == {"a", "d"}


def test_a_collection_dropped_while_it_is_shown(
    open_page: OpenPage,
    docs: Collection,
    found: dict[str, SearchResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = ask(open_page("search"))
    known = search_context.load_context

    def load_and_drop(*arguments: Any) -> Any:
        context = known(*arguments)
        docs.drop()
        return context

    monkeypatch.setattr(search_context, "load_context", load_and_drop)
    ask(app, "mouse")
    assert ["docs cannot be searched any more" in error for error in errors(app)] == [True]


def test_label_weights_decide_between_title_and_text(
    open_page: OpenPage, workbench: Workbench, found: dict[str, SearchResult]
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
    app = ask(open_page("search", collection="books"), "cat", "keyword")
    assert ids(found) == ["title", "text"]
    assert app.text_input(key="search_labels").placeholder == "3, 2, 1.5, 1"
    app.text_input(key="search_labels").set_value("1, 1, 1, 5").run()
    assert ids(found) == ["text", "title"]
    app.session_state["search_rank"] = "ts_rank"
    app.run()
    assert app.text_input(key="search_labels").placeholder == "1, 0.4, 0.2, 0.1"
    assert ids(found) == ["text", "title"]
    app.text_input(key="search_labels").set_value("much, little").run()
    assert "'much, little' are no label weights." in errors(app)[0]


def test_no_label_weights_where_no_word_has_a_label(open_page: OpenPage, docs: Collection) -> None:
    app = ask(open_page("search"), "cat", "keyword")
    assert not [item for item in app.text_input if item.key == "search_labels"]


def test_an_index_on_a_cast_has_its_knobs(
    open_page: OpenPage, workbench: Workbench, found: dict[str, SearchResult]
) -> None:
    made = workbench.create_collection("cast", model=MODEL)
    made.upsert({"id": str(n), "content": "cat", "embedding": vector(n)} for n in range(4))
    made.create_index("hnsw", vector_type="halfvec")
    app = ask(open_page("search", collection="cast"), "cat", "semantic")
    assert "Index · hnsw" in texts(app)
    assert found["search_hits"].settings["hnsw.ef_search"] == "40"
