"""BM25 from side tables: the scores, and that they stay in step with whoever writes."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

import pgvista
from pgvista.errors import InvalidInput
from pgvista.model.collection import Roles
from pgvista.model.search import Mode, SearchRequest, Span
from pgvista.services import bm25, bm25_state
from pgvista.services import collections as collection_service
from pgvista.services.search import search
from pgvista.sql.bm25 import CROWDED

TEXTS = {
    "cats": "The cat chases the mouse, and the mouse hides",
    "dogs": "A dog's dog barks at dogs",
    "both": "cat and dog",
    "fox": "quick brown fox",
    "many": "mice and cats and cats and more cats, long words about nothing in particular",
    "none": "the of and",
    "empty": "",
}


@pytest.fixture
def docs(database_url: str) -> Iterator[pgvista.api.Collection]:
    with pgvista.connect(database_url) as db:
        made = db.create_collection("docs", dimension=3)
        made.upsert(
            {"id": key, "content": text, "embedding": [1, 2, 3]} for key, text in TEXTS.items()
        )
        yield made


def independent(
    url: str, query: str, table: str = "pgvista.docs", *, k1: float = 1.2, b: float = 0.75
) -> dict[str, float]:
    """BM25 in Python, over the lexemes that Postgres makes of the texts."""
    with psycopg.connect(url) as session:
        rows = session.execute(
            f"select id::text, array(select lexeme || ' ' || coalesce(cardinality(positions), 1) "
            f"from unnest(fts)) from {table} where fts is not null"
        ).fetchall()
        asked = session.execute(
            "select tsvector_to_array(to_tsvector('english', %s))", [query]
        ).fetchone()
    assert asked is not None
    counts = {
        row[0]: Counter({item.rsplit(" ", 1)[0]: int(item.rsplit(" ", 1)[1]) for item in row[1]})
        for row in rows
    }
    lengths = {key: sum(found.values()) for key, found in counts.items()}
    average = sum(lengths.values()) / len(lengths)
    scores: dict[str, float] = {}
    for term in asked[0]:
        holders = [key for key, found in counts.items() if found[term]]
        idf = math.log(1 + (len(counts) - len(holders) + 0.5) / (len(holders) + 0.5))
        for key in holders:
            frequency = counts[key][term]
            held_back = k1 * (1 - b + b * lengths[key] / average)
            part = idf * frequency * (k1 + 1) / (frequency + held_back)
            scores[key] = scores.get(key, 0.0) + part
    return scores


def found(collection: pgvista.api.Collection, query: str, **knobs: object) -> dict[str, float]:
    result = collection.search(query, mode="keyword", limit=1000, **knobs)  # type: ignore[arg-type]
    assert not [note for note in result.notes if "ts_rank" in note]
    return {hit.id: hit.score for hit in result.hits}


def check(collection: pgvista.api.Collection, url: str, query: str) -> None:
    """The scores are those of the independent implementation, and so is their order."""
    expected = independent(url, query)
    scores = found(collection, query)
    assert scores == pytest.approx(expected, abs=1e-6)
    assert list(scores) == sorted(scores, key=lambda key: (-scores[key], key.encode()))


# -- scores


@pytest.mark.parametrize(
    "query", ["cat", "dogs cats", "quick mouse nothing", "the", "zebra", "cat zebra dog's"]
)
def test_scores_are_those_of_an_independent_implementation(
    docs: pgvista.api.Collection, database_url: str, query: str
) -> None:
    check(docs, database_url, query)


@pytest.mark.parametrize(("k1", "b"), [(0.0, 0.75), (2.0, 0.0), (0.9, 1.0), (10.0, 0.3)])
def test_k1_and_b(docs: pgvista.api.Collection, database_url: str, k1: float, b: float) -> None:
    expected = independent(database_url, "cat dog mouse", k1=k1, b=b)
    assert found(docs, "cat dog mouse", bm25_k1=k1, bm25_b=b) == pytest.approx(expected, abs=1e-6)


def test_scores_on_many_random_texts(database_url: str) -> None:
    import random

    random.seed(3)
    words = [f"word{number}" for number in range(60)]
    with pgvista.connect(database_url) as db:
        many = db.create_collection("docs", dimension=1)
        for _ in range(3):  # a part of the rows is written over twice
            many.upsert(
                {
                    "id": f"{random.randrange(400)}",
                    "content": " ".join(random.choices(words, k=random.randrange(1, 300))),
                    "embedding": [1],
                }
                for _ in range(300)
            )
        many.delete(ids=[str(number) for number in range(0, 400, 7)])
        for _ in range(5):
            check(many, database_url, " ".join(random.sample(words, 4)))
        before = found(many, "word1 word2")
        many.info = bm25.refresh(many.db, many.info)
        assert found(many, "word1 word2") == before


def test_a_word_counts_255_times_at_most_and_long_texts_fit(database_url: str) -> None:
    with pgvista.connect(database_url) as db:
        docs = db.create_collection("docs", dimension=1)
        text = " ".join(["repeated"] * 5000 + [f"other{number}" for number in range(20_000)])
        docs.upsert(
            [
                {"id": "long", "content": text, "embedding": [1]},
                {"id": "short", "content": "repeated once", "embedding": [1]},
            ]
        )
        check(docs, database_url, "repeated other7")


# -- ways to match


def test_all_words_phrases_and_minus(docs: pgvista.api.Collection) -> None:
    assert set(found(docs, "cat dog", match="all")) == {"both"}
    assert list(found(docs, "cat -dog", match="all")) == ["many", "cats"]
    assert set(found(docs, "fox or dog", match="all")) == {"fox", "dogs", "both"}
    assert set(found(docs, '"brown fox"', match="all")) == {"fox"}
    assert set(found(docs, "quick brown", match="phrase")) == {"fox"}
    assert not found(docs, "brown quick", match="phrase")
    every = found(docs, "cat dog")
    assert found(docs, "cat dog", match="all")["both"] == pytest.approx(every["both"], abs=1e-6)


def test_the_last_word_may_go_on(docs: pgvista.api.Collection) -> None:
    assert set(found(docs, "dog qui", match="prefix")) == {"dogs", "both", "fox"}
    assert set(found(docs, "bro", match="prefix")) == {"fox"}
    assert set(found(docs, "bro ", match="prefix")) == set()
    assert set(found(docs, "bro ", match="any")) == set()
    assert set(found(docs, "d", match="prefix", rank="ts_rank")) == {"dogs", "both"}


def test_near_spelling_stands_in_for_words_that_no_row_holds(
    docs: pgvista.api.Collection, connection: psycopg.Connection
) -> None:
    result = docs.search("partikular", mode="keyword", match="near")
    assert not result.hits
    assert "pg_trgm" in result.notes[0]
    docs.info = bm25.allow_near_spelling(docs.db, docs.info)
    assert set(found(docs, "partikular", match="near")) == {"many"}
    assert set(found(docs, "quick", match="near")) == {"fox"}
    assert set(found(docs, "partikular", match="near", rank="ts_rank_cd")) == {"many"}
    assert not found(docs, "xyzzy", match="near")
    docs.info = bm25.build(docs.db, docs.info)
    spelled = "select count(*) from pg_indexes where indexname like 'bm25_spelling%'"
    assert connection.execute(spelled).fetchone() == (1,)


@pytest.mark.parametrize("match", ["any", "all", "phrase", "prefix"])
@pytest.mark.parametrize(
    "query",
    ["'", "\\", "'; drop table docs; --", "a\\'b", "%s %(words)s", "\0", "(((", ":*", "!", "猫 😀"],
)
def test_any_characters_are_looked_up(docs: pgvista.api.Collection, match: str, query: str) -> None:
    for rank in ("bm25", "ts_rank_cd"):
        docs.search(f"dog {query}", mode="keyword", match=match, rank=rank)
        docs.search(f"dog {query}", mode="keyword", match=match, rank=rank, filters={"id": "both"})


def test_lexemes_with_quotes_and_backslashes_are_found(docs: pgvista.api.Collection) -> None:
    odd = r"http://a.b/c'd\e and file\path"
    docs.upsert([{"id": "odd", "content": odd, "embedding": [1, 2, 3]}])
    for match in ("any", "all"):
        assert "odd" in found(docs, r"file\path", match=match)


def test_a_filter_is_met_by_all_that_is_found(database_url: str) -> None:
    with pgvista.connect(database_url) as db:
        docs = db.create_collection("docs", dimension=1)
        docs.upsert(
            {
                "id": f"{number:05d}",
                "content": "common " + "word " * (number % 50 + 1),
                "metadata": {"last": number >= 2990, "even": number % 2 == 0},
                "embedding": [1],
            }
            for number in range(3000)
        )
        every = found(docs, "common word")
        for condition, wanted in (
            ({"last": True}, [key for key in every if int(key) >= 2990]),  # beyond the first tries
            ({"even": True}, [key for key in every if int(key) % 2 == 0][:1000]),
        ):
            result = docs.search("common word", mode="keyword", limit=10, filters=condition)
            scores = {f"{n:05d}": s for n, s in ((int(k), v) for k, v in every.items())}
            best = sorted(wanted, key=lambda key: (-scores[key], key))[:10]
            if condition == {"even": True}:
                assert all(int(hit.id) % 2 == 0 for hit in result.hits)
                assert result.hits[0].score == pytest.approx(max(scores[key] for key in wanted))
                assert len(result.hits) == 10
            else:
                full = docs.search("common word", mode="keyword", limit=3000)
                ordered = [hit.id for hit in full.hits if int(hit.id) >= 2990]
                assert [hit.id for hit in result.hits] == ordered
                assert len(best) <= 10


# -- in step


def test_rows_that_others_write_are_counted(
    docs: pgvista.api.Collection, database_url: str, connection: psycopg.Connection
) -> None:
    insert = "insert into pgvista.docs (id, content) values (%s, %s)"
    connection.execute(insert, ["new", "a cat in a hat"])
    check(docs, database_url, "cat hat")
    connection.execute("update pgvista.docs set content = 'hat on a dog' where id = 'cats'")
    check(docs, database_url, "cat hat dog")
    connection.execute("update pgvista.docs set metadata = '{\"a\": 1}'")
    check(docs, database_url, "cat hat dog")
    connection.execute("update pgvista.docs set id = id || '!' where id like '%s'")
    check(docs, database_url, "cat hat dog")
    connection.execute("delete from pgvista.docs where content like '%dog%'")
    check(docs, database_url, "cat hat dog")
    with connection.cursor().copy("copy pgvista.docs (id, content) from stdin") as copy:
        copy.write_row(("copied", "dog hat hat"))
    check(docs, database_url, "cat hat dog")
    assert bm25_state.status(docs.db, docs.info).state == "in step"
    connection.execute("truncate pgvista.docs")
    assert not docs.search("cat", mode="keyword").hits
    assert bm25_state.status(docs.db, docs.info).documents == 0


def test_what_is_rolled_back_is_not_counted(
    docs: pgvista.api.Collection, database_url: str, connection: psycopg.Connection
) -> None:
    connection.execute("begin")
    connection.execute("update pgvista.docs set content = 'fox'")
    connection.execute("rollback")
    check(docs, database_url, "cat fox")


def test_many_writers_at_once_and_joining_meanwhile(
    docs: pgvista.api.Collection, database_url: str
) -> None:
    def write(worker: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as session:
            for number in range(40):
                session.execute(
                    "insert into pgvista.docs (id, content) values (%s, %s) on conflict (id) "
                    "do update set content = excluded.content",
                    [f"{number % 10}", f"dog number {worker} {number}"],
                )

    workers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for _ in range(5):
        bm25.join_postings(docs.db, docs.info)
    for worker in workers:
        worker.join()
    check(docs, database_url, "dog number 3 39")
    bm25.join_postings(docs.db, docs.info)
    check(docs, database_url, "dog number 3 39")
    assert docs.info.bm25 is not None
    number = docs.info.bm25.number
    with psycopg.connect(database_url) as session:  # nothing is crowded, and nothing gone is left
        left = session.execute(
            f"select lexeme from pgvista.bm25_postings_{number} group by lexeme "
            f"having count(*) > {CROWDED} or min(sign) < 0"
        ).fetchall()
    assert left == []
    assert bm25_state.status(docs.db, docs.info).state == "in step"


def test_side_tables_dropped_under_a_search(
    docs: pgvista.api.Collection, database_url: str, connection: psycopg.Connection
) -> None:
    assert docs.info.bm25 is not None
    connection.execute(f"drop table pgvista.bm25_postings_{docs.info.bm25.number}")
    result = docs.search("cat", mode="keyword")
    assert {hit.id for hit in result.hits} == {"cats", "both", "many"}
    assert any("ts_rank" in note for note in result.notes)
    docs.upsert([{"id": "later", "content": "a cat again", "embedding": [1, 2, 3]}])
    docs.info = bm25.refresh(docs.db, docs.info)
    check(docs, database_url, "cat again")


def test_dropping_and_renaming_a_collection_takes_its_side_tables_along(
    docs: pgvista.api.Collection, database_url: str, connection: psycopg.Connection
) -> None:
    docs.info = collection_service.rename(docs.db, docs.info, 'new "name"; --')
    assert found(docs, "cat")
    docs.upsert([{"id": "later", "content": "zebra", "embedding": [1, 2, 3]}])
    assert set(found(docs, "zebra")) == {"later"}
    docs.drop()
    left = connection.execute(
        "select count(*) from pg_class where relname like 'bm25\\_%\\_%' and relkind = 'r'"
    ).fetchone()
    assert left == (0,)
    assert connection.execute("select count(*) from pgvista.bm25").fetchone() == (0,)
    functions = "select count(*) from pg_proc where proname like 'bm25\\_keep%'"
    assert connection.execute(functions).fetchone() == (0,)


# -- other relations


def test_words_with_labels_count_by_their_weight(
    database_url: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        """create table titled (id int primary key, title text, content text, embedding vector(2),
        fts tsvector generated always as (setweight(to_tsvector('english', title), 'A')
          || to_tsvector('english', content)) stored)"""
    )
    connection.execute(
        "insert into titled (id, title, content, embedding) values "
        "(1, 'cats', 'about dogs', '[1,2]'), (2, 'dogs', 'about cats', '[1,2]')"
    )
    with pgvista.connect(database_url) as db:
        titled = db.collection("public.titled")
        titled.info = bm25.build(db.db, titled.info)
        assert titled.info.bm25 is not None
        assert titled.info.bm25.labelled
        assert list(found(titled, "cats")) == ["1", "2"]
        assert list(found(titled, "dogs")) == ["2", "1"]
        turned = found(titled, "cats", label_weights=(0.5, 1, 1, 2))
        assert list(turned) == ["2", "1"]
        # f = 3 against f = 1, N = n = 2, both as long as the average
        idf = math.log(1 + 0.5 / 2.5)
        assert found(titled, "cats") == pytest.approx(
            {"1": idf * 3 * 2.2 / (3 + 1.2), "2": idf * 1 * 2.2 / (1 + 1.2)}, abs=1e-6
        )
        even = found(titled, "cats", label_weights=(1, 1, 1, 1))
        assert even["1"] == pytest.approx(even["2"])
        assert even == pytest.approx(independent(database_url, "cats", "titled"), abs=1e-6)


def test_a_materialised_view_is_counted_on_demand(
    docs: pgvista.api.Collection, database_url: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        "create materialized view pgvista.seen as select id, content, fts, embedding from pgvista.docs"
    )
    connection.execute("create unique index on pgvista.seen (id)")
    with pgvista.connect(database_url) as db:
        seen = db.collection("seen")
        seen.info = bm25.build(db.db, seen.info)
        assert seen.info.bm25 is not None
        assert not seen.info.bm25.kept
        assert found(seen, "cat dog") == pytest.approx(found(docs, "cat dog"))
        assert bm25_state.status(db.db, seen.info).state == "in step"
        assert seen.search("cat", mode="keyword").notes == ()
        connection.execute("update pgvista.docs set content = 'cat' where id = 'fox'")
        connection.execute("refresh materialized view pgvista.seen")
        assert bm25_state.status(db.db, seen.info).state == "stale"
        assert "statistics for BM25 are stale" in seen.search("cat", mode="keyword").notes[-1]
        seen.info = bm25.refresh(db.db, seen.info)
        assert bm25_state.status(db.db, seen.info).state == "in step"
        assert found(seen, "cat dog") == pytest.approx(found(docs, "cat dog"))


def test_text_without_a_stored_tsvector(database_url: str, connection: psycopg.Connection) -> None:
    connection.execute("create table plain (id bigint primary key, body text, embedding vector(2))")
    connection.execute("insert into plain values (1, 'a cat', '[1,2]'), (2, null, '[1,2]')")
    with pgvista.connect(database_url) as db:
        plain = db.collection("public.plain")
        assert plain.info.bm25 is None
        result = plain.search("cat", mode="keyword")
        assert "no statistics for BM25" in result.notes[0]
        plain.info = bm25.build(db.db, plain.info)
        connection.execute("insert into plain values (3, 'dogs and cats', '[1,2]')")
        connection.execute("update plain set body = 'a mouse' where id = 1")
        assert set(found(plain, "cat")) == {"3"}
        assert bm25_state.status(db.db, plain.info).documents == 3
        again = collection_service.adopt(db.db, "public", "plain", text_config="simple")
        assert again.bm25 is None  # they would count English stems


def test_what_cannot_be_counted_is_refused(
    docs: pgvista.api.Collection, connection: psycopg.Connection
) -> None:
    for roles, word in (
        (Roles("embedding", "id"), "no text"),
        (Roles("embedding", None, "content"), "no key"),
    ):
        with pytest.raises(InvalidInput, match=word):
            bm25.build(docs.db, replace(docs.info, roles=roles))


def test_a_role_without_rights_on_the_side_tables_ranks_by_ts_rank(
    docs: pgvista.api.Collection, database_url: str, connection: psycopg.Connection
) -> None:
    connection.execute("drop role if exists bm25_reader")
    connection.execute("create role bm25_reader login")
    try:
        connection.execute("grant usage on schema pgvista to bm25_reader")
        connection.execute("grant select on pgvista.docs, pgvista.collections to bm25_reader")
        reader = psycopg.conninfo.make_conninfo(database_url, user="bm25_reader")
        with pgvista.connect(reader) as db:
            mine = db.collection("docs")
            assert mine.info.bm25 is None
            assert {hit.id for hit in mine.search("fox", mode="keyword").hits} == {"fox"}
        docs.info = bm25.build(docs.db, docs.info)  # now it grants what the table grants
        connection.execute("grant select on pgvista.bm25 to bm25_reader")
        with pgvista.connect(reader) as db:
            assert set(found(db.collection("docs"), "fox")) == {"fox"}
    finally:
        connection.execute("drop owned by bm25_reader")
        connection.execute("drop role bm25_reader")


def test_hidden_rows_take_no_places_of_the_list(
    docs: pgvista.api.Collection, some_rows_url: Callable[[str], str]
) -> None:
    with pgvista.connect(some_rows_url("both")) as db:
        mine = db.collection("docs")
        assert mine.info.row_security
        hits = mine.search("cat dogs mouse", mode="keyword", limit=1).hits
        assert [hit.id for hit in hits] == ["both"]
    assert not docs.info.row_security


def test_another_language_is_ranked_without_statistics(docs: pgvista.api.Collection) -> None:
    result = docs.search("cats", mode="keyword", text_config="simple")
    assert {hit.id for hit in result.hits} == {"many"}
    assert "counted in 'english' only" in result.notes[0]
    for language in ("klingon", "'; drop table docs", "  "):
        with pytest.raises(InvalidInput):
            docs.search("cats", mode="keyword", text_config=language)


# -- how words are stored


def test_matched_words_are_marked_in_titles_that_are_searched(
    database_url: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        """create table notes (id int primary key, content text, embedding vector(1), metadata jsonb,
  fts tsvector generated always as (setweight(to_tsvector('english', coalesce(metadata ->> 'title', '')), 'A') ||
    to_tsvector('english', content)) stored)"""
    )
    connection.execute(
        """insert into notes values (1, 'far out', '[1]', '{"title": "A <b>whale</b>"}'),
  (2, 'whales', '[1]', '{}'), (3, 'a sea', '[1]', '{"title": "\ue000Whales\ue001 again"}')"""
    )
    with pgvista.connect(database_url) as db:
        columns = {"title": "text"}
        books = db.create_collection("books", dimension=1, columns=columns, labels={"title": "A"})
        books.upsert([{"id": "1", "title": "Of whales", "content": "sea", "embedding": [1]}])
        plain = db.create_collection("plain", dimension=1, columns=columns)
        plain.upsert([{"id": "1", "title": "Of whales", "content": "a whale", "embedding": [1]}])
        notes = db.collection("notes")
        for mode in (Mode.KEYWORD, Mode.HYBRID):

            def titles(
                made: pgvista.api.Collection, mode: Mode = mode
            ) -> dict[str, tuple[Span, ...]]:
                request = SearchRequest(mode=mode, text="whale", vector=(1.0,))
                return {hit.id: hit.title for hit in search(db.db, made.info, request).hits}

            assert titles(books) == {"1": (Span("Of "), Span("whales", marked=True))}
            assert titles(plain) == {"1": ()}  # the words of its titles are not searched
            seen = titles(notes)
            assert [span.text for span in seen["1"] if span.marked] == ["whale"]
            assert "".join(span.text for span in seen["1"]) == "A <b>whale</b>"
            assert seen["2"] == ()
        assert books.search([1.0]).hits[0].title == ()


def test_a_title_with_a_label_counts_more(database_url: str) -> None:
    with pgvista.connect(database_url) as db:
        books = db.create_collection(
            "books", dimension=1, columns={"title": "text", "year": "bigint"}, labels={"title": "A"}
        )
        assert books.info.bm25 is not None
        assert books.info.bm25.labelled
        books.upsert(
            [
                {"id": "1", "title": "Whales", "content": "about the sea", "embedding": [1]},
                {"id": "2", "title": "The sea", "content": "about whales", "embedding": [1]},
            ]
        )
        assert list(found(books, "whales")) == ["1", "2"]
        assert list(found(books, "sea")) == ["2", "1"]
        for rank in ("ts_rank", "ts_rank_cd"):
            assert list(found(books, "whales", rank=rank)) == ["1", "2"]
            weights = (0.1, 0.1, 0.1, 1.0)
            assert list(found(books, "whales", rank=rank, label_weights=weights)) == ["2", "1"]
        assert list(found(books, "whales", match="all")) == ["1", "2"]
        with pytest.raises(InvalidInput, match="not a structured column of texts"):
            db.create_collection("b2", dimension=1, labels={"title": "A"})
        with pytest.raises(InvalidInput, match="'Z'"):
            db.create_collection("b2", dimension=1, columns={"t": "text"}, labels={"t": "Z"})


@pytest.mark.parametrize("language", ["english", "french", "simple"])
def test_words_are_found_without_their_accents(database_url: str, language: str) -> None:
    with pgvista.connect(database_url) as db:
        for name in ("first", "second"):  # the second finds the configuration made already
            menu = db.create_collection(name, dimension=1, text_config=language, unaccent=True)
            menu.upsert([{"id": "1", "content": "Crème brûlée, Äpfel", "embedding": [1]}])
            assert db.collection(name).info.text_config == f"pgvista.{language}_unaccent"
            for query in ("creme", "CRÈME", "brulee", "apfel"):
                assert set(found(menu, query)) == {"1"}, query
        with pytest.raises(InvalidInput, match="klingon"):
            db.create_collection("third", dimension=1, text_config="klingon", unaccent=True)
