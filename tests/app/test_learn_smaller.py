"""The lesson Smaller vectors: each step on a real Postgres, and what cannot be measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Workbench
from pgvista.ui.components.bit_compare import BitLine
from pgvista.ui.components.number_strip import NumberCell
from pgvista.ui.components.order_columns import OrderColumn
from pgvista.ui.learn import smaller_recall, smaller_vector

PAGE = "pages/learn/smaller.py"
STEPS = ("one", "signs", "recall", "re-rank", "leading", "remember")


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the parts that a browser draws were last given, by their key."""
    kept: dict[str, Any] = {}

    def wrap(module: Any, name: str) -> None:
        draw: Callable[..., None] = getattr(module, name)

        def keep(*items: Any, key: str, **rest: Any) -> None:
            kept[key] = (*items, rest)
            draw(*items, key=key, **rest)

        monkeypatch.setattr(module, name, keep)

    wrap(smaller_vector, "number_strip")
    wrap(smaller_vector, "bit_compare")
    wrap(smaller_recall, "order_columns")
    return kept


def said(app: AppTest) -> str:
    return "\n".join([texts(app), *(item.value.replace("\\", "") for item in app.info)])


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


def press(app: AppTest, part: str) -> None:
    next(item for item in app.button if part in str(item.key)).click()
    run(app)


def clustered(rows: int, dimension: int = 32) -> list[list[float]]:
    draw = np.random.default_rng(1)
    centres = draw.normal(size=(6, dimension))
    found: list[list[float]] = (
        centres[draw.integers(6, size=rows)] + 0.8 * draw.normal(size=(rows, dimension))
    ).tolist()
    return found


def fill(workbench: Workbench, rows: Sequence[Sequence[float]], **options: Any) -> None:
    made = workbench.create_collection("docs", dimension=len(rows[0]), **options)
    made.upsert({"id": str(i), "embedding": list(row)} for i, row in enumerate(rows))


def test_one_vector_in_three_types(
    open_page: OpenPage, workbench: Workbench, seen: dict[str, Any]
) -> None:
    fill(workbench, [[0.1, -0.2, 3.0, 0.0]])
    app = open_page(PAGE, collection="docs")
    cells: Sequence[NumberCell] = seen["learn_smaller_strip"][0]
    assert [cell.texts for cell in cells] == [
        ("0.10000", "0.09998", "0.024 %", "1"),
        ("−0.20000", "−0.19995", "0.024 %", "0"),
        ("3", "3", "0", "1"),
        ("0.00000", "0.00000", "0", "0"),
    ]
    assert cells[2].bar == 1
    assert "halfvec(4)" in said(app)
    assert "off by 0.002 % of its length" in said(app)


def test_another_row_stands_in_the_address(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench, clustered(30))
    app = open_page(PAGE, collection="docs")
    before = [item.value for item in app.markdown if item.value.startswith("The row")]
    press(app, "learn_smaller_again")
    assert app.query_params["row"] == "1"
    other = [item.value for item in app.markdown if item.value.startswith("The row")]
    again = open_page(PAGE, collection="docs", row="1")
    assert other == [item.value for item in again.markdown if item.value.startswith("The row")]
    assert before != other


def test_signs_by_hand(open_page: OpenPage, workbench: Workbench, seen: dict[str, Any]) -> None:
    # of whichever row is drawn, the nearest differs in 1 or 2 signs, the farthest in all
    fill(workbench, [[3.0, 2, 1, 1], [3.0, 2, 1, -0.1], [-3.0, -2, -1, -0.5]])
    app = open_page(PAGE, step="signs", collection="docs")
    assert seen["learn_smaller_bits"][2]["fields"] is False
    assert "differ. The angle is" not in said(app)
    press(app, "reveal")
    one, others, rest = seen["learn_smaller_bits"]
    lines: Sequence[BitLine] = [one, *others]
    assert rest["fields"] is True
    assert {line.bits for line in lines} == {"1111", "1110", "0000"}
    far = sum(a != b for a, b in zip(one.bits, others[1].bits, strict=True))
    assert f"{far} of 4 differ. The angle is" in said(app)


def test_recall_and_the_candidates(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench, clustered(300))
    app = open_page(PAGE, step="recall", collection="docs", candidates="10")
    assert not app.dataframe
    press(app, "bits_reveal")
    table = app.dataframe[0].value
    assert list(table["type"]) == [
        "vector(32)", "halfvec(32)", "bit(32)", "first 16 of 32", "first 8 of 32",
    ]  # fmt: skip
    assert list(table["bytes"][1:]) == [8 + 64, 8 + 4, 8 + 64, 8 + 32]
    assert list(table["found"]) == list(table["again"])
    assert table["found"][0] == 1
    app.session_state["learn_smaller_candidates"] = 200.0
    run(app)
    later = app.dataframe[0].value
    assert later["again"][2] > table["again"][2]
    assert app.query_params["candidates"] == "200"
    assert "With 200 candidates, **" in said(app)


def test_one_question_before_and_after(
    open_page: OpenPage, workbench: Workbench, seen: dict[str, Any]
) -> None:
    fill(workbench, clustered(300))
    app = open_page(PAGE, step="re-rank", collection="docs", candidates="10")
    columns: Sequence[OrderColumn] = seen["learn_smaller_lists"][0]
    assert {i.id for i in columns[0].items} == {i.id for i in columns[1].items}
    app.session_state["learn_smaller_candidates"] = 200.0
    run(app)
    coarse, best, truth = seen["learn_smaller_lists"][0]
    assert [item.id for item in best.items] == [item.id for item in truth.items]
    assert "**10** are found with 200 candidates" in said(app)
    app.segmented_control(key="learn_smaller_type").set_value("leading 8")
    run(app)
    assert [i.id for i in seen["learn_smaller_lists"][0][0].items] != [i.id for i in coarse.items]
    assert app.query_params["type"] == "leading 8"


def test_leading_numbers(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench, clustered(200))
    app = open_page(PAGE, step="leading", collection="docs")
    assert "Only 8 of 32 numbers are kept" in said(app)
    press(app, "leading_reveal")
    assert "Recall@10 is" in said(app)
    assert "A Matryoshka model is trained so" in said(app)


@pytest.mark.parametrize("step", STEPS)
def test_no_collection(open_page: OpenPage, step: str) -> None:
    app = open_page(PAGE, step=step)
    assert step == "remember" or "This lesson runs on real rows" in said(app)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("metric", ["cosine", "l1"])
def test_three_rows(open_page: OpenPage, workbench: Workbench, step: str, metric: str) -> None:
    fill(workbench, [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], metric=metric)
    app = open_page(PAGE, step=step, collection="docs")
    if any("reveal" in str(item.key) for item in app.button):
        press(app, "reveal")
    expected = {
        "signs": "three are needed to set a near one beside a far one"
        if metric == "cosine"
        else "",
        "leading": "have 2 dimensions, and cutting them says something from 8 on",
    }
    assert expected.get(step, "") in said(app)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("one", "is out of range for type halfvec"),
        ("signs", "of 4 differ. The angle is"),
        ("recall", "halfvec(4) was not measured"),
        ("re-rank", ""),
    ],
)
def test_numbers_beyond_halfvec(
    open_page: OpenPage, workbench: Workbench, step: str, why: str
) -> None:
    fill(workbench, [[1e6, 1.0, float(i), 2.0] for i in range(5)])
    app = open_page(PAGE, step=step, collection="docs")
    if step in ("signs", "recall"):
        press(app, "reveal")
    assert why in said(app)


def test_a_column_of_halfvec(
    open_page: OpenPage, workbench: Workbench, seen: dict[str, Any]
) -> None:
    fill(workbench, clustered(12, 16), vector_type="halfvec")
    app = open_page(PAGE, collection="docs")
    assert "stores halfvec already" in said(app)
    open_page(PAGE, step="re-rank", collection="docs")
    assert len(seen["learn_smaller_lists"][0][2].items) == 10


def test_the_working_pages_are_linked(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="remember")
    assert "halfvec halves the bytes" in said(app)
