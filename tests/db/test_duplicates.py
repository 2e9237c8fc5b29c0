"""Near-duplicates on a real Postgres: the sample's, every metric, the index, and keeping one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

import numpy as np
import psycopg
import pytest

import pgvista
from pgvista.api import Collection, Workbench
from pgvista.errors import Cancelled, Conflict, InvalidInput, PermissionDenied
from pgvista.model.duplicates import DuplicateGroup, DuplicateScan, Keep, Method
from pgvista.model.metric import Metric
from pgvista.model.progress import Progress
from pgvista.services import duplicate_scan
from pgvista.services.duplicate_scan import scan
from pgvista.services.duplicates import carry_out, groups, groups_csv, plan_keep, spreads, without
from pgvista.services.samples import load_sample


@pytest.fixture
def workbench(database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(database_url) as opened:
        yield opened


def docs_of(
    workbench: Workbench, rows: dict[str, tuple[list[float], str]], metric: str = "cosine"
) -> Collection:
    size = len(next(iter(rows.values()))[0])
    made = workbench.create_collection(
        "docs", dimension=size, metric=metric, columns={"stamp": "date"}
    )
    made.upsert(
        {
            "id": key,
            "embedding": vector,
            "content": text,
            "stamp": f"2024-01-{number % 28 + 1:02}",
            "metadata": {"size": 10 * number, "deep": {"n": -number}},
        }
        for number, (key, (vector, text)) in enumerate(rows.items(), 1)
    )
    return made


TRIPLE: dict[str, tuple[list[float], str]] = {
    "a": ([1, 0, 0], "short"),
    "b": ([1, 0.01, 0], "the longest text"),
    "c": ([1, 0.02, 0], "middle one"),
    "x": ([0, 1, 0], "same"),
    "y": ([0, 0, 1], "same"),
    "z": ([0, -1, 0.4], "alone"),
}


def ids(found: tuple[DuplicateGroup, ...]) -> list[tuple[str, ...]]:
    return [group.ids for group in found]


def found_in(made: Collection, **knobs: float) -> DuplicateScan:
    return scan(made.db, made.info, **knobs)  # type: ignore[arg-type]


def test_groups_and_equal_texts(workbench: Workbench) -> None:
    made = docs_of(workbench, TRIPLE)
    found = groups(found_in(made))
    assert ids(found) == [("a", "b", "c"), ("x", "y")]
    assert [group.is_same_text for group in found] == [False, True]
    assert found[1].longest_link == 0
    widest = 1 - 1 / np.hypot(1, 0.02)
    assert spreads(made.db, made.info, found) == pytest.approx([widest, 1.0], rel=1e-3)
    assert found[0].longest_link < widest


def test_the_samples_near_duplicates_are_found(workbench: Workbench) -> None:
    sample = load_sample(workbench.db, "help_centre").collection
    found = scan(workbench.db, sample)
    pairs = ids(groups(found))
    assert len(pairs) == 18
    assert ("hc-022", "hc-023") in pairs
    assert ("hc-133", "hc-134") in pairs
    assert all(len(group) == 2 for group in pairs)
    assert found.compared == 233


@pytest.mark.parametrize("metric", list(Metric))
def test_every_metric_finds_copies(workbench: Workbench, metric: Metric) -> None:
    rng = np.random.default_rng(1)
    rows = {f"r{n:02}": (rng.normal(size=24).tolist(), f"text {n}") for n in range(20)}
    rows["copy"] = (rows["r03"][0], "another text")
    rows["near"] = ((np.array(rows["r07"][0]) + 1e-3).tolist(), "yet another")
    made = docs_of(workbench, rows, metric.value)
    found = {frozenset(group) for group in ids(groups(found_in(made)))}
    assert {frozenset(("copy", "r03")), frozenset(("near", "r07"))} <= found
    assert ids(groups(found_in(made), 0.0)) == [("copy", "r03")]


def test_index_finds_them_too(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    rows = {f"r{n:03}": (rng.normal(size=8).tolist(), f"text {n}") for n in range(500)}
    rows |= {f"s{n:03}": ((np.array(rows[f"r{n:03}"][0]) + 1e-3).tolist(), "") for n in range(40)}
    rows["t1"], rows["t2"] = (rows["r100"][0], "equal"), (rows["r200"][0], "equal")
    made = docs_of(workbench, rows)
    exact = groups(found_in(made), 0.01)
    monkeypatch.setattr(duplicate_scan, "EXACT_ROWS", 100)
    with pytest.raises(InvalidInput, match="has no index for cosine"):
        found_in(made)
    made.create_index("hnsw")
    seen = Heard()
    found = scan(made.db, made.info, reporter=seen)
    assert found.method is Method.INDEX
    assert "some near-duplicates may be missed" in found.notes[-1]
    assert {frozenset(g) for g in ids(groups(found, 0.01))} == {frozenset(g) for g in ids(exact)}
    assert found.compared == len(rows)
    assert seen.last == Progress(len(rows), len(rows), "nearest neighbours")


class Heard:
    """A reporter that remembers, and stops when told."""

    def __init__(self, stop_at: str = "") -> None:
        self.last = Progress()
        self.stop_at = stop_at

    def report(self, progress: Progress) -> None:
        self.last = progress

    def check(self) -> None:
        if self.stop_at and self.last.stage == self.stop_at:
            raise Cancelled("stopped")


@pytest.mark.parametrize("stage", ["reading", "comparing"])
def test_cancel(workbench: Workbench, stage: str) -> None:
    made = docs_of(workbench, TRIPLE)
    with pytest.raises(Cancelled):
        scan(made.db, made.info, reporter=Heard(stage))


def test_empty_one_row_and_all_equal(workbench: Workbench) -> None:
    made = workbench.create_collection("docs", dimension=2)
    assert groups(found_in(made)) == ()
    made.upsert([{"id": "a", "embedding": [1, 0]}])
    found = found_in(made)
    assert (groups(found), found.compared) == ((), 0)
    made.upsert({"id": f"n{n}", "embedding": [1, 0]} for n in range(700))
    found = found_in(made)
    assert [len(group.ids) for group in groups(found, 0.0)] == [701]
    assert float(np.nanmax(found.nearest)) == 0
    assert spreads(made.db, made.info, groups(found)) == [None]  # too many to measure


@pytest.mark.parametrize("metric", ["cosine", "l2", "l1"])
def test_bare_and_zero_rows(workbench: Workbench, metric: str) -> None:
    made = docs_of(workbench, TRIPLE, metric)
    with workbench.db.transaction() as connection:
        connection.execute(
            "insert into pgvista.docs (id, content, embedding) values "
            "('bare', 'short', null), ('zero', ' ', '[0,0,0]'), ('zero2', '', '[0,0,0]')"
        )
    found = found_in(made)
    assert any("1 without a vector" in note for note in found.notes)
    member = {row_id: group for group in ids(groups(found)) for row_id in group}
    assert "bare" in member["a"]  # by its text
    assert ("zero" in member) == (metric != "cosine")


def test_vectors_of_several_lengths(workbench: Workbench) -> None:
    with workbench.db.transaction() as connection:
        connection.execute(
            "create table mixed (id int primary key, t text, v vector);"
            "insert into mixed values (2, 'a', '[1,0]'), (10, 'b', '[1,0]'), (3, 'c', '[0,1]'),"
            "(4, 'a', '[1,2,3]')"
        )
    made = workbench.collection("public.mixed")
    found = found_in(made)
    assert any("have not 2 numbers" in note for note in found.notes)
    made_groups = groups(found)
    assert next(set(group) for group in ids(made_groups)) >= {"2", "10"}
    assert spreads(made.db, made.info, made_groups)[0] == pytest.approx(0)


def test_threshold_is_checked(workbench: Workbench) -> None:
    made = docs_of(workbench, TRIPLE)
    with pytest.raises(InvalidInput, match="takes a number of 0 and up"):
        found_in(made, threshold=float("nan"))
    with pytest.raises(InvalidInput, match="rows were compared up to"):
        groups(found_in(made), 0.9)
    assert len(groups(found_in(made, threshold=1.99))[0].ids) == 6
    assert [group.ids for group in made.duplicates(threshold=1e-9)] == [("x", "y")]


# -- keep one


@pytest.mark.parametrize(
    ("keep", "key", "kept"),
    [
        (Keep.FIRST, None, "a"),
        (Keep.LONGEST, None, "b"),
        (Keep.NEWEST, "stamp", "c"),
        (Keep.NEWEST, "size", "c"),
        (Keep.NEWEST, "deep.n", "a"),
        (Keep.NEWEST, "nobody has it", "a"),
    ],
)
def test_which_is_kept(workbench: Workbench, keep: Keep, key: str | None, kept: str) -> None:
    made = docs_of(workbench, TRIPLE)
    plan = plan_keep(made.db, made.info, groups(found_in(made))[:1], keep, key=key)
    assert plan.keep == (kept,)
    assert set(plan.delete) == {"a", "b", "c"} - {kept}
    assert made.count() == 6


def test_first_by_id_is_by_the_columns_type(workbench: Workbench) -> None:
    with workbench.db.transaction() as connection:
        connection.execute(
            "create table numbered (id int primary key, v vector(2));"
            "insert into numbered values (10, '[1,0]'), (9, '[1,0]')"
        )
    made = workbench.collection("public.numbered")
    plan = plan_keep(made.db, made.info, groups(found_in(made)), Keep.FIRST)
    assert plan.keep == ("9",)
    with pytest.raises(InvalidInput, match="has no text"):
        plan_keep(made.db, made.info, groups(found_in(made)), Keep.LONGEST)
    with pytest.raises(InvalidInput, match="no column 'made'"):
        plan_keep(made.db, made.info, groups(found_in(made)), Keep.NEWEST, key="made")


def test_only_what_was_previewed_is_deleted(workbench: Workbench) -> None:
    made = docs_of(workbench, TRIPLE)
    made.upsert([{"id": "chunk", "embedding": [1, -1, -1], "metadata": {"_parent": "b"}}])
    found = found_in(made)
    plan = plan_keep(made.db, made.info, groups(found), Keep.FIRST)
    assert (plan.delete, plan.instead) == (("b", "c", "y"), ("a", "a", "x"))
    assert carry_out(made.db, made.info, plan) == 3
    assert {row.id for row in made.get(["a", "b", "c", "x", "y", "z", "chunk"])} == {
        "a", "x", "z", "chunk"
    }  # fmt: skip
    assert groups(without(found, plan.delete)) == groups(found_in(made)) == ()


def test_shown_sql_does_the_same(workbench: Workbench, database_url: str) -> None:
    made = docs_of(workbench, TRIPLE)
    plan = plan_keep(made.db, made.info, groups(found_in(made)), Keep.FIRST)
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute(plan.sql.encode())
    assert {row.id for row in made.get(list(TRIPLE))} == {"a", "x", "z"}


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda made: made.delete(ids=["a"]),
        lambda made: made.delete(ids=["b"]),
        lambda made: made.upsert([{"id": "b", "embedding": [0, 9, 9], "content": "new"}]),
        lambda made: made.upsert([{"id": "a", "embedding": [0, 9, 9], "content": "new"}]),
    ],
    ids=["kept gone", "deleted gone", "deleted changed", "kept changed"],
)
def test_nothing_is_deleted_when_a_row_changed(
    workbench: Workbench, meanwhile: Callable[[Collection], object]
) -> None:
    made = docs_of(workbench, TRIPLE)
    plan = plan_keep(made.db, made.info, groups(found_in(made)), Keep.FIRST)
    meanwhile(made)
    before = made.count()
    with pytest.raises(Conflict, match="1 row was changed or deleted since the preview"):
        carry_out(made.db, made.info, plan)
    assert made.count() == before


def test_a_row_held_back_by_a_trigger(workbench: Workbench) -> None:
    made = docs_of(workbench, TRIPLE)
    with workbench.db.transaction() as connection:
        connection.execute(
            "create function hold() returns trigger language plpgsql as $$ begin return null; end $$;"
            "create trigger hold before delete on pgvista.docs for each row"
            " when (old.id = 'c') execute function hold()"
        )
    plan = plan_keep(made.db, made.info, groups(found_in(made)), Keep.FIRST)
    with pytest.raises(Conflict, match="would delete 2 rows instead of 3"):
        carry_out(made.db, made.info, plan)
    assert made.count() == 6


def test_read_only_is_refused_by_postgres(workbench: Workbench, database_url: str) -> None:
    made = docs_of(workbench, TRIPLE)
    plan = plan_keep(made.db, made.info, groups(found_in(made)), Keep.FIRST)
    with pgvista.connect(database_url, read_only=True) as reader, pytest.raises(PermissionDenied):
        carry_out(reader.db, made.info, plan)
    assert made.count() == 6


def test_without_some_rows(workbench: Workbench) -> None:
    made = docs_of(workbench, TRIPLE)
    found = without(found_in(made), ["c", "x"])
    assert ids(groups(found)) == [("a", "b")]


def test_csv(workbench: Workbench) -> None:
    made = docs_of(workbench, TRIPLE)
    made.delete(ids=["c"])
    found = groups(scan(made.db, made.info))
    text = groups_csv(made.db, made.info, found).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [(line["group"], line["id"]) for line in lines] == [
        ("1", "x"), ("1", "y"), ("2", "a"), ("2", "b")
    ]  # fmt: skip
    assert lines[0]["same_text"] == "true"
    assert lines[2]["same_text"] == "false"
