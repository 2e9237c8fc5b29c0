"""Query sets in the database: saved, judged by several people, read, renamed and deleted."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from tests.db.judged import EAST, make_fruit, query_set

import pgvista
from pgvista.db.database import Database
from pgvista.errors import InvalidInput, NotFound, PermissionDenied, ReadOnly
from pgvista.model.collection import Collection
from pgvista.model.evaluation import EvaluationQuery
from pgvista.services.collections import drop, open_collection, rename
from pgvista.services.connect import open_database
from pgvista.services.judgments import (
    add_query,
    delete_query_set,
    find_query_set,
    judge,
    list_query_sets,
    pool,
    read_query_set,
    sample_query_set,
    save_query_set,
)
from pgvista.services.search_defaults import default_request, set_search_defaults

ODD = 'q\'); "drop" – größe; %s'


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    make_fruit(database_url)
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def fruit(db: Database) -> Collection:
    return open_collection(db, "fruit")


# -- saving


def test_what_is_saved_is_read_again(db: Database, fruit: Collection) -> None:
    assert list_query_sets(db) == []
    given = query_set({"z": "sand", ODD: ODD, "a": ""}, {"z": {"f": 3, ODD: 0}, ODD: {"a": 1}}, ODD)
    key = save_query_set(db, fruit, given)
    found = read_query_set(db, key)
    assert (found.name, found.queries) == (ODD, given.queries)  # in the order given
    assert found.judgments == given.judgments
    (listed,) = list_query_sets(db, fruit)
    assert (listed.id, listed.name, listed.collection) == (key, ODD, "pgvista.fruit")
    assert (listed.queries, listed.judgments) == (3, 3)
    assert find_query_set(db, fruit, ODD) == found
    assert list_query_sets(db) == [listed]


def test_a_set_saved_again_is_merged_or_replaced(db: Database, fruit: Collection) -> None:
    key = save_query_set(db, fruit, query_set({"q": "old"}, {"q": {"a": 1, "b": 1}}))
    more = query_set({"r": "more", "q": "new"}, {"q": {"b": 2}})
    assert save_query_set(db, fruit, more) == key
    found = read_query_set(db, key)
    assert found.queries == (EvaluationQuery("q", "new"), EvaluationQuery("r", "more"))
    assert found.judgments == {"q": {"a": 1, "b": 2}}
    assert save_query_set(db, fruit, more, replace_existing=True) == key
    assert read_query_set(db, key).judgments == {"q": {"b": 2}}


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\0b", "a\nb"])
def test_names_that_cannot_be_shown_are_refused(db: Database, fruit: Collection, name: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 200 printable"):
        save_query_set(db, fruit, query_set({}, {}, name))


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_texts_that_postgres_cannot_store_are_refused(
    db: Database, fruit: Collection, text: str
) -> None:
    for given in (
        query_set({text: "x"}, {}),
        query_set({"q": text}, {}),
        query_set({}, {"q": {text: 1}}),
        query_set({}, {text: {"a": 1}}),
    ):
        with pytest.raises(InvalidInput, match="cannot store"):
            save_query_set(db, fruit, given)
    assert list_query_sets(db) == []


def test_a_large_set_is_saved_at_once(db: Database, fruit: Collection) -> None:
    queries = {f"q{n}": f"query {n}" for n in range(2_000)}
    grades = {key: {f"d{n}": n % 4 for n in range(20)} for key in queries}
    found = read_query_set(db, save_query_set(db, fruit, query_set(queries, grades)))
    assert len(found.queries) == 2_000
    assert found.judged == 40_000


def test_where_tables_may_not_be_made_it_says_so(database_url: str, fruit: Collection) -> None:
    role = "judge_without_rights"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))
        connection.execute(
            sql.SQL("create role {} login password 'secret'").format(sql.Identifier(role))
        )
        connection.execute(
            sql.SQL("grant usage on schema pgvista to {}").format(sql.Identifier(role))
        )
    limited = open_database(
        psycopg.conninfo.make_conninfo(database_url, user=role, password="secret")
    )
    try:
        assert list_query_sets(limited) == []
        with pytest.raises(PermissionDenied, match="judgments cannot be saved"):
            save_query_set(limited, fruit, query_set({"q": "x"}, {}))
    finally:
        limited.close()


def test_a_read_only_connection_saves_nothing(database_url: str, fruit: Collection) -> None:
    from pgvista.db.target import target_from_url

    reader = Database(target_from_url(database_url, read_only=True))
    try:
        with pytest.raises((ReadOnly, PermissionDenied)):
            save_query_set(reader, fruit, query_set({"q": "x"}, {}))
    finally:
        reader.close()


# -- judging


def test_grades_are_given_changed_and_taken_back(db: Database, fruit: Collection) -> None:
    key = save_query_set(db, fruit, query_set({"q": "pear"}, {}))
    judge(db, key, "q", "c", 3)
    judge(db, key, "q", "d", 1)
    judge(db, key, "q", "c", 2)
    assert read_query_set(db, key).judgments == {"q": {"c": 2, "d": 1}}
    judge(db, key, "q", "c", None)
    assert read_query_set(db, key).judgments == {"q": {"d": 1}}
    add_query(db, key, EvaluationQuery("r", "sand"))
    assert [query.id for query in read_query_set(db, key).queries] == ["q", "r"]


@pytest.mark.parametrize("grade", [-1, 4, 1.0, True, "2", 10**9])
def test_grades_out_of_range_are_refused(db: Database, fruit: Collection, grade: int) -> None:
    key = save_query_set(db, fruit, query_set({"q": "pear"}, {}))
    with pytest.raises(InvalidInput, match="takes 0, 1, 2 or 3"):
        judge(db, key, "q", "c", grade)
    assert read_query_set(db, key).judgments == {}


def test_people_who_judge_at_once_lose_nothing(database_url: str, fruit: Collection) -> None:
    first = open_database(database_url)
    key = save_query_set(first, fruit, query_set({"q": "pear"}, {}))
    errors: list[BaseException] = []

    def work(own: str) -> None:
        db = open_database(database_url)
        try:
            for number in range(20):
                judge(db, key, "q", f"{own}{number}", 1)
                judge(db, key, "q", f"both{number}", number % 4)
        except BaseException as error:
            errors.append(error)
        finally:
            db.close()

    people = [threading.Thread(target=work, args=(own,)) for own in "xyz"]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert errors == []
    grades = read_query_set(first, key).judgments["q"]
    first.close()
    assert len(grades) == 80
    assert all(grades[f"both{number}"] == number % 4 for number in range(20))


def test_a_set_that_is_gone_is_told(db: Database, fruit: Collection) -> None:
    for work in (
        lambda: read_query_set(db, 7),
        lambda: judge(db, 7, "q", "a", 1),
        lambda: delete_query_set(db, 7),
        lambda: find_query_set(db, fruit, "none"),
    ):
        with pytest.raises(NotFound):
            work()  # before there are tables
    key = save_query_set(db, fruit, query_set({"q": "pear"}, {"q": {"c": 1}}, "mine"))
    assert delete_query_set(db, key) == "mine"
    for again in (
        lambda: read_query_set(db, key),
        lambda: judge(db, key, "q", "a", 1),
        lambda: delete_query_set(db, key),
    ):
        with pytest.raises(NotFound, match="gone"):
            again()
    rows = db.read(lambda c: c.execute("select count(*) from pgvista.judgment_grades").fetchone())
    assert rows == (0,)


def test_sets_follow_a_collection_that_is_renamed(db: Database, fruit: Collection) -> None:
    save_query_set(db, fruit, query_set({"q": "pear"}, {}, "mine"))
    renamed = rename(db, fruit, "obst")
    assert [item.name for item in list_query_sets(db, renamed)] == ["mine"]
    assert list_query_sets(db, fruit) == []


# -- the pool


def test_the_pool_holds_what_all_modes_find_in_an_order_that_tells_nothing(
    db: Database, fruit: Collection
) -> None:
    pooled = pool(db, fruit, "apple", depth=3, grades={"b": 2}, embedder=EAST)
    assert {item.id for item in pooled} == {"a", "b", "c", "e"}  # a b c by meaning, b c e by words
    assert {item.id: item.grade for item in pooled if item.grade is not None} == {"b": 2}
    assert pooled == pool(db, fruit, "apple", depth=3, grades={"b": 2}, embedder=EAST)
    orders = {
        tuple(item.id for item in pool(db, fruit, "apple", depth=3, seed=n, embedder=EAST))
        for n in range(12)
    }
    assert len(orders) > 3


def test_chunks_are_pooled_as_one_document(db: Database, database_url: str) -> None:
    from tests.db.judged import at

    with pgvista.connect(database_url) as workbench:
        made = workbench.create_collection("chunked", dimension=384)
        made.upsert(
            [
                {
                    "id": f"p#{n}",
                    "content": "pear",
                    "metadata": {"_parent": "p"},
                    "embedding": at(n),
                }
                for n in (1, 2)
            ]
        )
    pooled = pool(db, open_collection(db, "chunked"), "pear")
    assert [item.id for item in pooled] == ["p"]  # without a model, by words alone


def test_the_sample_comes_with_a_set() -> None:
    sample = sample_query_set()
    assert len(sample.queries) == 80
    assert all(sample.relevant(query.id) for query in sample.queries)


# -- search defaults


def test_defaults_are_remembered_and_taken_back(db: Database, fruit: Collection) -> None:
    assert default_request(fruit) == {}
    fields = {"mode": "hybrid", "fusion": "zscore", "rrf_k": 10.0, "semantic_weight": 1.2}
    changed = set_search_defaults(db, fruit, fields)
    again = open_collection(db, "fruit")
    assert again == changed
    assert hash(again) == hash(changed)
    assert default_request(again) == fields
    assert default_request(again)["fusion"].name == "Z_SCORE"
    assert default_request(open_collection(db, rename(db, again, "obst").name)) == fields
    set_search_defaults(db, open_collection(db, "obst"), {})
    assert default_request(open_collection(db, "obst")) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": 10},
        {"text": "x"},
        {"fusion": "best"},
        {"rrf_k": 0},
        {"rrf_k": None},
        {"semantic_weight": float("nan")},
        {"text_config": 5},
    ],
)
def test_what_cannot_be_a_default_is_refused(
    db: Database, fruit: Collection, fields: dict[str, object]
) -> None:
    with pytest.raises(InvalidInput):
        set_search_defaults(db, fruit, fields)


def test_a_catalog_made_before_there_were_defaults_is_read_and_extended(
    db: Database, fruit: Collection, connection: psycopg.Connection
) -> None:
    connection.execute("alter table pgvista.collections drop column search_defaults")
    old = open_collection(db, "fruit")
    assert (old.model, old.search_defaults) == (fruit.model, ())
    set_search_defaults(db, old, {"rrf_k": 10.0})
    assert default_request(open_collection(db, "fruit")) == {"rrf_k": 10.0}


def test_defaults_written_by_hand_that_no_search_takes_are_left_out(
    db: Database, fruit: Collection, connection: psycopg.Connection
) -> None:
    connection.execute(
        """update pgvista.collections set search_defaults =
        '{"rrf_k": -5, "mode": "magic", "limit": 5, "depth": 50, "bm25_b": [1], "x": null}'"""
    )
    assert default_request(open_collection(db, "fruit")) == {"depth": 50}
    connection.execute("update pgvista.collections set search_defaults = '[1, 2]'")
    assert default_request(open_collection(db, "fruit")) == {}


@pytest.fixture
def reader(database_url: str, db: Database, fruit: Collection) -> Iterator[Database]:
    """A role that may read judgments, and make collections of its own, but not judge."""
    save_query_set(db, fruit, query_set({"q": "pear"}, {"q": {"c": 1}}, "mine"))
    role = "reader_of_judgments"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))
        for statement in (
            "create role {} login password 'secret'",
            "grant usage, create on schema pgvista to {}",
            "grant select on pgvista.judgment_sets, pgvista.judgment_queries, "
            "pgvista.judgment_grades to {}",
        ):
            connection.execute(sql.SQL(statement).format(sql.Identifier(role)))
    limited = open_database(
        psycopg.conninfo.make_conninfo(database_url, user=role, password="secret")
    )
    yield limited
    limited.close()
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in ("drop owned by {}", "drop role {}"):
            connection.execute(sql.SQL(statement).format(sql.Identifier(role)))


def test_a_role_that_did_not_make_the_tables_is_told_whom_to_ask(
    reader: Database, db: Database, fruit: Collection
) -> None:
    (saved,) = list_query_sets(reader, fruit)
    key = saved.id
    for work in (
        lambda: judge(reader, key, "q", "c", 3),
        lambda: add_query(reader, key, EvaluationQuery("r", "sand")),
        lambda: delete_query_set(reader, key),
        lambda: save_query_set(reader, fruit, query_set({"q": "x"}, {}, "mine")),
    ):
        with pytest.raises(PermissionDenied, match="another role made") as told:
            work()
        assert "pgvista.judgment_grades" in told.value.hint
    assert read_query_set(db, key).judgments == {"q": {"c": 1}}


def test_that_role_may_still_drop_a_collection_of_its_own(reader: Database) -> None:
    with reader.transaction() as connection:
        connection.execute("create table pgvista.own (id text primary key, embedding vector(3))")
    drop(reader, open_collection(reader, "own"))
    with pytest.raises(NotFound):
        open_collection(reader, "own")


def test_sets_go_with_a_collection_that_is_dropped(db: Database, fruit: Collection) -> None:
    save_query_set(db, fruit, query_set({"q": "pear"}, {"q": {"c": 1}}, "mine"))
    drop(db, fruit)
    assert list_query_sets(db) == []
    rows = db.read(lambda c: c.execute("select count(*) from pgvista.judgment_grades").fetchone())
    assert rows == (0,)
