"""Rows selected on a map, on a real Postgres: tagged, deleted, left out of the next map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import pgvista
from pgvista.api import Collection, Workbench
from pgvista.errors import Conflict, InvalidInput, PgvistaError
from pgvista.model.filters import to_object
from pgvista.model.map import MapMethod, MapSpec
from pgvista.model.map_words import rows_in_words
from pgvista.services import rows as row_service
from pgvista.services.map import make_map
from pgvista.services.map_rows import (
    MOST_LEFT_OUT,
    delete_rows,
    plan_delete,
    plan_tag,
    tag_rows,
    without_rows,
)

EVIL = "'; drop table docs; --\" \\ ☃"


@pytest.fixture
def workbench(database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(database_url) as opened:
        yield opened


def docs(workbench: Workbench, count: int = 12) -> Collection:
    made = workbench.create_collection("docs", dimension=2)
    made.upsert(
        {
            "id": f"r{n:02d}",
            "content": f"text {n}",
            "embedding": [n + 1, 1],
            "metadata": {"n": n, "kind": ["a", "b"][n % 2]},
        }
        for n in range(count)
    )
    return made


def metadata(made: Collection, *ids: str) -> list[Any]:
    return [row.metadata for row in row_service.get(made.db, made.info, ids)]


# -- tags


@pytest.mark.parametrize("value", [True, "seen", 4, 2.5, None, EVIL])
def test_a_tag_is_written_for_the_rows_alone(workbench: Workbench, value: Any) -> None:
    made = docs(workbench)
    plan = plan_tag(made.db, made.info, ["r01", "r02"], "state", value)
    assert (plan.ids, plan.already, plan.overwritten) == (("r01", "r02"), 0, ())
    assert metadata(made, "r01") == [{"n": 1, "kind": "b"}]  # a plan writes nothing
    assert tag_rows(made.db, made.info, plan) == 2
    assert metadata(made, "r01", "r02") == [
        {"n": 1, "kind": "b", "state": value},
        {"n": 2, "kind": "a", "state": value},
    ]
    assert metadata(made, "r03") == [{"n": 3, "kind": "b"}]


@pytest.mark.parametrize("key", [EVIL, "a.b", "$or", " "])
def test_a_key_is_a_name(workbench: Workbench, key: str) -> None:
    made = docs(workbench)
    if not key.strip():
        with pytest.raises(InvalidInput, match="key is empty"):
            plan_tag(made.db, made.info, ["r01"], key)
        return
    tag_rows(made.db, made.info, plan_tag(made.db, made.info, ["r01"], key, 1))
    assert metadata(made, "r01")[0][key] == 1


def test_what_is_lost_is_told(workbench: Workbench) -> None:
    made = docs(workbench)
    ids = [f"r{n:02d}" for n in range(6)]
    plan = plan_tag(made.db, made.info, [*ids, "nobody"], "kind", "b")
    assert (plan.already, plan.gone, plan.overwritten) == (3, 1, (('"a"', 3),))
    assert plan.ids == ("r00", "r02", "r04")
    assert tag_rows(made.db, made.info, plan) == 3
    assert {row["kind"] for row in metadata(made, *ids)} == {"b"}


def test_true_is_not_one(workbench: Workbench) -> None:
    made = docs(workbench)
    assert plan_tag(made.db, made.info, ["r01"], "n", True).overwritten == (("1", 1),)
    assert plan_tag(made.db, made.info, ["r01"], "n", 1.0).already == 1


def test_a_key_is_taken_away(workbench: Workbench) -> None:
    made = docs(workbench)
    plan = plan_tag(made.db, made.info, ["r01", "r02"], "kind", removes=True)
    assert plan.overwritten == (('"a"', 1), ('"b"', 1))
    assert tag_rows(made.db, made.info, plan) == 2
    assert metadata(made, "r01") == [{"n": 1}]
    assert plan_tag(made.db, made.info, ["r01"], "kind", removes=True).ids == ()


def test_metadata_of_every_shape(workbench: Workbench) -> None:
    with workbench.db.transaction() as connection:
        connection.execute(
            """create table odd (id int primary key, meta json, v vector(2));
            insert into odd values (1, null, '[1,2]'), (2, 'null', '[1,3]'), (3, '[1]', '[1,4]'),
              (4, '{"a": 1}', '[1,5]'), (5, '"x"', '[1,6]')"""
        )
    made = workbench.collection("public.odd")
    assert made.info.roles.metadata == "meta"
    plan = plan_tag(made.db, made.info, ["1", "2", "3", "4", "5"], "t", "y")
    assert (plan.ids, plan.unfit) == (("1", "2", "4"), 2)
    assert tag_rows(made.db, made.info, plan) == 3
    with workbench.db.transaction() as connection:
        found = connection.execute("select meta from odd order by id").fetchall()
    assert [row[0] for row in found] == [{"t": "y"}, {"t": "y"}, [1], {"a": 1, "t": "y"}, "x"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("", 1), ("a\0", 1), ("k" * 201, 1), ("_parent", "x"), ("k", float("nan")), ("k", "a\0b")],
)
def test_bad_tags(workbench: Workbench, key: str, value: Any) -> None:
    made = docs(workbench)
    with pytest.raises(InvalidInput):
        plan_tag(made.db, made.info, ["r01"], key, value)


def test_without_metadata_there_are_no_tags(workbench: Workbench) -> None:
    with workbench.db.transaction() as connection:
        connection.execute("create table bare (id int primary key, v vector(2))")
    made = workbench.collection("public.bare")
    with pytest.raises(InvalidInput, match="has no metadata"):
        plan_tag(made.db, made.info, ["1"], "t")


def test_a_row_changed_since_the_preview_is_not_written(workbench: Workbench) -> None:
    made = docs(workbench)
    plan = plan_tag(made.db, made.info, ["r01", "r02"], "t", 1)
    with workbench.db.transaction() as connection:
        connection.execute("update pgvista.docs set content = 'other' where id = 'r02'")
    with pytest.raises(Conflict, match=r"'r02' first, so nothing was written"):
        tag_rows(made.db, made.info, plan)
    assert "t" not in metadata(made, "r01")[0]


# -- deletion


def test_what_is_deleted_is_what_was_previewed(workbench: Workbench) -> None:
    made = docs(workbench)
    plan = plan_delete(made.db, made.info, ["r01", "r02", "nobody"])
    assert (plan.ids, plan.chunks, plan.gone) == (("r01", "r02"), 0, 1)
    assert made.count() == 12
    assert delete_rows(made.db, made.info, plan) == 2
    assert made.count() == 10


def test_chunks_go_with_their_text(workbench: Workbench) -> None:
    made = docs(workbench)
    made.upsert(
        {"id": f"r01#{n}", "embedding": [1, 1], "metadata": {"_parent": "r01"}} for n in range(3)
    )
    plan = plan_delete(made.db, made.info, ["r01"])
    assert (len(plan.ids), plan.chunks) == (4, 3)
    made.upsert([{"id": "r01#3", "embedding": [1, 1], "metadata": {"_parent": "r01"}}])
    with pytest.raises(Conflict, match="'r01#3' first, so nothing was deleted"):
        delete_rows(made.db, made.info, plan)
    assert made.count() == 16
    assert delete_rows(made.db, made.info, plan_delete(made.db, made.info, ["r01"])) == 5


@pytest.mark.parametrize("meanwhile", ["update pgvista.docs set content = 'x' where id = 'r02'",
                                       "delete from pgvista.docs where id = 'r02'"])  # fmt: skip
def test_a_row_changed_since_the_preview_is_not_deleted(
    workbench: Workbench, meanwhile: str
) -> None:
    made = docs(workbench)
    plan = plan_delete(made.db, made.info, ["r01", "r02"])
    with workbench.db.transaction() as connection:
        connection.execute(meanwhile.encode())
    with pytest.raises(Conflict, match="nothing was deleted"):
        delete_rows(made.db, made.info, plan)
    assert row_service.get(made.db, made.info, ["r01"])


def test_a_trigger_that_keeps_rows_is_told(workbench: Workbench) -> None:
    made = docs(workbench)
    with workbench.db.transaction() as connection:
        connection.execute(
            """create function keep() returns trigger language plpgsql as 'begin return null; end';
            create trigger keep before delete on pgvista.docs for each row execute function keep()"""
        )
    with pytest.raises(Conflict, match="would delete 0 rows instead of 1"):
        delete_rows(made.db, made.info, plan_delete(made.db, made.info, ["r01"]))


def test_read_only_writes_nothing(workbench: Workbench, database_url: str) -> None:
    docs(workbench)
    with pgvista.connect(database_url, read_only=True) as reader:
        made = reader.collection("docs")
        with pytest.raises(PgvistaError):
            delete_rows(made.db, made.info, plan_delete(made.db, made.info, ["r01"]))
        with pytest.raises(PgvistaError):
            tag_rows(made.db, made.info, plan_tag(made.db, made.info, ["r01"], "t"))
    assert workbench.collection("docs").count() == 12


# -- another map


def test_a_map_without_some_rows(workbench: Workbench) -> None:
    made = docs(workbench)
    spec = MapSpec(method=MapMethod.PCA, name="mine")
    less = without_rows(made.info, spec, ["r01", "r02"])
    found = make_map(made.db, made.info, less, save=False)
    assert rows_in_words(found.info) == "10 of 12 rows where id is none of r01, r02"
    assert less.name == ""
    again = without_rows(made.info, less, ["r03"])
    assert again.filters is not None
    assert to_object(again.filters) == {"id": {"$nin": ["r01", "r02", "r03"]}}
    assert len(make_map(made.db, made.info, again, save=False).points) == 9


def test_its_filter_holds_on(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map(method="pca", filters={"kind": "a", "n": {"$lt": 8}}, save=False)
    less = without_rows(made.info, kept.info.spec, ["r02"])
    found = make_map(made.db, made.info, less, save=False)
    assert found.points.ids == ("r00", "r04", "r06")


def test_keys_of_numbers(workbench: Workbench) -> None:
    with workbench.db.transaction() as connection:
        connection.execute(
            """create table numbered ("k.1" bigint primary key, v vector(2));
            insert into numbered select n, ('[1,' || n || ']')::vector from generate_series(1, 9) n"""
        )
    made = workbench.collection("public.numbered")
    less = without_rows(made.info, MapSpec(method=MapMethod.PCA), ["3", "4"])
    found = make_map(made.db, made.info, less, save=False)
    assert found.points.ids == ("1", "2", "5", "6", "7", "8", "9")


def test_too_many_and_none_to_name(workbench: Workbench) -> None:
    made = docs(workbench, 1)
    with pytest.raises(InvalidInput, match="at most"):
        without_rows(made.info, MapSpec(), [str(n) for n in range(MOST_LEFT_OUT + 1)])
    with workbench.db.transaction() as connection:
        connection.execute("create view seen as select content, embedding from pgvista.docs")
    with pytest.raises(InvalidInput, match="no key"):
        without_rows(workbench.collection("public.seen").info, MapSpec(), ["x"])
