"""The lesson Distance: each step on a real Postgres, and what cannot be measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from psycopg import sql
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Workbench
from pgvista.embed.loading import LoadedOnce
from pgvista.ui.components.order_columns import OrderColumn
from pgvista.ui.components.plane import QUERY, PlanePoint
from pgvista.ui.learn import distance_plane, distance_question, distance_real
from pgvista.ui.learn.distance_points import drawn as drawn_points

PAGE = "pages/learn/distance.py"
MODEL = "all-MiniLM-L6-v2"


class Embedder(LoadedOnce):
    """Gives every question the direction of the first axis."""

    name = MODEL
    dimension = 384
    max_tokens = 256

    @property
    def is_loaded(self) -> bool:
        return True

    def _load(self) -> None: ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return np.array([1.0, *[0.0] * 383], dtype=np.float32)


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Sequence[OrderColumn]]:
    """The columns that the browser was last given, by their key."""
    kept: dict[str, Sequence[OrderColumn]] = {}
    for module in (distance_plane, distance_real):
        draw: Callable[..., None] = module.order_columns

        def keep(columns: Sequence[OrderColumn], *, key: str, label: str, draw: Any = draw) -> None:
            kept[key] = columns
            draw(columns, key=key, label=label)

        monkeypatch.setattr(module, "order_columns", keep)
    monkeypatch.setattr(distance_question, "get_embedder", lambda *_: Embedder())
    return kept


def said(app: AppTest) -> str:
    """Return all that the page says, and what it tells beside."""
    return "\n".join([texts(app), *(item.value.replace("\\", "") for item in app.info)])


def firsts(columns: Sequence[OrderColumn]) -> dict[str, str]:
    return {column.title: column.items[0].id for column in columns}


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


def press(app: AppTest, part: str) -> None:
    next(item for item in app.button if part in str(item.key)).click()
    run(app)


def vectors(workbench: Workbench, rows: Sequence[Sequence[float]], name: str = "docs") -> None:
    made = workbench.create_collection(name, dimension=len(rows[0]) if rows else 2)
    if rows:
        made.upsert({"id": str(i), "embedding": list(row)} for i, row in enumerate(rows))


# -- in the plane


def test_each_metric_has_another_first_point(open_page: OpenPage, seen: dict[str, Any]) -> None:
    app = open_page(PAGE)
    assert firsts(seen["learn_distance_four_orders"]) == {
        "L2": "B", "Inner": "D", "Cosine": "A", "L1": "C",
    }  # fmt: skip
    assert "lie on a circle" in said(app)
    app.segmented_control(key="learn_distance_metric").set_value("l1")
    assert "lie on a diamond" in said(run(app))
    assert app.query_params["metric"] == "l1"


def test_a_moved_point_changes_the_orders(open_page: OpenPage, seen: dict[str, Any]) -> None:
    app = open_page(PAGE, metric="cosine")
    assert "at the angle of A" in said(app)
    app.session_state["learn_distance_four"] = (
        PlanePoint(QUERY, 1.0, 0.0),
        PlanePoint("Z", 0.0, 2.0),
        PlanePoint("Y", 4.0, 0.0),
    )
    run(app)
    columns = seen["learn_distance_four_orders"]
    assert firsts(columns) == {"L2": "Z", "Inner": "Y", "Cosine": "Y", "L1": "Z"}
    assert [item.value for item in columns[1].items] == ["−4.000", "0.000"]
    press(app, "learn_distance_four_back")
    assert firsts(seen["learn_distance_four_orders"])["L2"] == "B"


def test_typed_points(open_page: OpenPage, seen: dict[str, Any]) -> None:
    app = open_page(PAGE)
    area = app.text_area(key="learn_distance_four_text")
    assert (area.value or "").startswith("query 2, 1\nA 3.8, 2\n")
    area.set_value("query 1, 1\nP 1, 1\nQ 1, 1\nzero 0, 0".replace("zero", "O"))
    run(app)
    l2, _, cosine, _ = seen["learn_distance_four_orders"]
    assert [(item.id, item.place) for item in l2.items] == [("P", "1"), ("Q", "1"), ("O", "3")]
    assert [(item.value, item.place) for item in cosine.items][2] == ("NaN", "–")
    assert "O is a zero vector" in said(app)
    assert "Equal distances share a place" in said(app)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("query one, two\nA 1, 1", "'one' is no number"),
        ("query 1e30, 1\nA 1, 1", "1e30 lies outside of the plane"),
        ("", "The query is missing"),
    ],
)
def test_what_is_no_point_is_said_and_the_points_stay(
    open_page: OpenPage, seen: dict[str, Any], text: str, why: str
) -> None:
    app = open_page(PAGE)
    app.text_area(key="learn_distance_four_text").set_value(text)
    run(app)
    assert why in said(app)
    assert app.text_area(key="learn_distance_four_text").value == text
    assert firsts(seen["learn_distance_four_orders"])["L2"] == "B"
    app.text_area(key="learn_distance_four_text").set_value("query 0, 0\nA 1, 1")
    run(app)
    assert not app.error
    assert "The query is a zero vector" in said(app)


def test_two_predictions_and_other_points(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="nearest")
    assert "under L2" in said(app)
    assert "gives" not in said(app)
    names = [point.name for point in drawn_points(1)[1:]]
    app.pills(key="learn_distance_nearest_l2_1_guess").set_value(names[0])
    press(app, "nearest_l2_1_reveal")
    assert "`<->` gives" in said(app)
    assert "`<=>` gives" not in said(app)
    press(app, "nearest_cosine_1_reveal")
    assert "`<=>` gives" in said(app)
    press(app, "learn_distance_again")
    assert app.query_params["drawn"] == "2"
    assert "gives" not in said(app)


def test_the_inner_product_and_length_one(open_page: OpenPage, seen: dict[str, Any]) -> None:
    app = open_page(PAGE, step="length")
    assert "learn_distance_length_orders" not in seen
    press(app, "inner_reveal")
    assert "**B.** `<#>` is −8.950 for B and −3.250 for A" in said(app)
    assert firsts(seen["learn_distance_length_orders"])["Inner"] == "B"
    app.toggle(key="learn_distance_normalised").set_value(True)
    run(app)
    assert set(firsts(seen["learn_distance_length_orders"]).values()) == {"A"}
    orders = [[item.id for item in column.items] for column in seen["learn_distance_length_orders"]]
    assert orders[0] == orders[1] == orders[2]
    assert "now give one order" in said(app)


# -- on real rows


def test_the_steps_in_the_plane_need_no_collection(open_page: OpenPage) -> None:
    for step in ("four", "nearest", "length", "operators", "remember"):
        assert not open_page(PAGE, step=step).error
    app = open_page(PAGE, step="real")
    assert "This lesson runs on real rows" in said(app)


def test_lengths_move_all_but_cosine(
    open_page: OpenPage, workbench: Workbench, seen: dict[str, Any]
) -> None:
    draw = np.random.default_rng(5)
    rows = draw.normal(size=(60, 8))
    vectors(workbench, (rows / np.linalg.norm(rows, axis=1, keepdims=True)).tolist())
    app = open_page(PAGE, step="real", collection="docs")
    assert "Asked with the vector of the row" in said(app)
    assert "**L2 the same rows in the same order**" in said(app)
    assert "its vectors all have length 1" in said(app)
    before = [item.id for item in seen["learn_distance_real"][2].items]
    app.segmented_control(key="learn_distance_lengths").set_value("changed")
    run(app)
    after = seen["learn_distance_real"]
    assert [item.id for item in after[2].items] == before
    assert [item.id for item in after[0].items] != before
    assert app.query_params["lengths"] == "changed"


def test_a_question_and_none(open_page: OpenPage, workbench: Workbench, seen: Any) -> None:
    made = workbench.create_collection("docs", model=MODEL)
    axes = np.eye(3, 384)
    made.upsert(
        {"id": f"row {i}", "content": f"text {i}", "embedding": axis.tolist()}
        for i, axis in enumerate(axes)
    )
    app = open_page(PAGE, step="real", collection="docs")
    assert seen["learn_distance_real"][0].items[0].label == "text 0"
    app.text_input(key="learn_distance_question.docs").set_value("  ")
    assert "The question is empty" in said(run(app))


def test_three_rows_one_of_them_zero(
    open_page: OpenPage, workbench: Workbench, seen: dict[str, Any]
) -> None:
    vectors(workbench, [[3.0, 4.0], [0.0, 0.0], [0.0, 1.0]])
    app = open_page(PAGE, step="real", collection="docs")
    assert "have lengths from 0 to 5. 1 is a zero vector" in said(app)
    cosine = seen["learn_distance_real"][2].items
    assert (cosine[2].id, cosine[2].value) == ("1", "NaN")
    app = open_page(PAGE, step="operators", collection="docs")
    press(app, "serves_reveal")
    assert "It reads and sorts all rows." in said(app)


@pytest.mark.parametrize("step", ["real", "operators"])
def test_no_rows(open_page: OpenPage, workbench: Workbench, step: str) -> None:
    vectors(workbench, [])
    app = open_page(PAGE, step=step, collection="docs")
    assert "docs has 0 rows" in said(app)


def test_an_index_serves_its_own_operator(open_page: OpenPage, workbench: Workbench) -> None:
    vectors(workbench, np.random.default_rng(6).normal(size=(50, 4)).tolist())
    app = open_page(PAGE, step="operators", collection="docs")
    table = app.table[0].value
    assert list(table["Operator"]) == ["`<->`", "`<#>`", "`<=>`", "`<+>`", "`<~>`", "`<%>`"]
    assert "Postgres's plan" not in table
    press(app, "serves_reveal")
    plans = list(app.table[0].value["Postgres's plan"])
    assert plans[0] == "**Index Scan**"
    assert all("Sort" in plan for plan in plans[1:4])
    app.segmented_control(key="learn_distance_built").set_value("cosine")
    run(app)
    assert list(app.table[0].value["Postgres's plan"])[2] == "**Index Scan**"
    assert "it gives back 50 rows" in said(app)


def test_without_the_right_to_make_temporary_tables(
    open_page: OpenPage, workbench: Workbench, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors(workbench, [[1.0, 2.0], [2.0, 1.0], [0.5, 1.0]])
    with workbench.db.transaction() as connection:
        connection.execute("create role lesson_reader login")
        connection.execute("grant usage on schema pgvista to lesson_reader")
        connection.execute("grant select on all tables in schema pgvista to lesson_reader")
        row = connection.execute("select current_database()").fetchone()
        assert row is not None
        name = row[0]
        revoke = sql.SQL("revoke temporary on database {} from public")
        connection.execute(revoke.format(sql.Identifier(name)))
    try:
        monkeypatch.setenv("PGVISTA_URL", database_url.replace("postgres@", "lesson_reader@"))
        app = open_page(PAGE, step="operators", collection="docs")
        press(app, "serves_reveal")
        assert len(app.table) == 1
        assert "temporary tables" in said(app)
        assert len(app.error) == 1
    finally:
        with workbench.db.transaction() as connection:
            connection.execute("drop owned by lesson_reader")
            connection.execute("drop role lesson_reader")
