"""The lesson on concept axes, on rows embedded by the packaged model: each step, and bad phrases."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Collection, Workbench
from pgvista.embed import get_embedder

PAGE = "pages/learn/axis.py"
PREFIX = "learn_axis_"
MODEL = "all-MiniLM-L6-v2"
ROWS = (
    "Share one label printer between desks", "The printer is out of paper",
    "Load a roll into the label printer", "Only half of the label is printed",
    "Cover the camera of the kiosk", "Turn the camera to the dog", "The camera is offline",
    "A picture by the camera is dark", "Pay the bill", "Change your password",
    "Invite a colleague", "Cancel the contract",
)  # fmt: skip


@pytest.fixture(autouse=True)
def loaded_model() -> None:
    """Load the model, which the page would wait for."""
    get_embedder().load()


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    made = workbench.create_collection("docs", model=MODEL)
    made.upsert({"id": f"r{n:02}", "content": text} for n, text in enumerate(ROWS))
    return made


def said(app: AppTest) -> str:
    assert not app.exception, app.exception
    return texts(app) + "\n" + "\n".join(item.value for item in app.info).replace("\\", "")


def open_axis(open_page: OpenPage, step: str, start: str = "", end: str = "") -> AppTest:
    return open_page(
        PAGE, step=step, collection="docs", start=start or "a printer", end=end or "a camera"
    )


@pytest.mark.usefixtures("docs")
def test_rows_fall_along_the_axis(open_page: OpenPage) -> None:
    app = open_axis(open_page, "axis")
    listed = [item.value for item in app.markdown if "Farthest towards" in item.value]
    assert listed[0].count("printer") >= 3
    assert listed[1].count("camera") >= 4
    assert "all 12 rows of **docs**" in said(app)
    app.text_input(key=f"{PREFIX}end").set_value("a bill").run()
    listed = [item.value for item in app.markdown if "Farthest towards" in item.value]
    assert "Pay the bill" in listed[1].splitlines()[2]


@pytest.mark.usefixtures("docs")
def test_without_a_link_it_begins_with_phrases_for_any_rows(open_page: OpenPage) -> None:
    app = open_page(PAGE, collection="docs")
    assert [item.value for item in app.text_input] == ["for beginners", "for experts"]
    app.button(key=f"{PREFIX}preset_a printer_a camera").click().run()
    assert [item.value for item in app.text_input] == ["a printer", "a camera"]
    assert "start" not in app.query_params


@pytest.mark.usefixtures("docs")
@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        (" ", "a camera", "An axis needs two ends"),
        ("a printer", "a printer", "no direction from one to the other"),
        ("A Printer", "a printer", "no direction from one to the other"),
        ("🐈", "猫", "no direction from one to the other"),
        ("ham " * 10_000, "a camera", "A has 10,002 tokens"),
        ("кошка", "'; drop table docs; --", "all 12 rows"),
        ("a\0b", "**a** $x$", "all 12 rows"),
    ],
)
def test_bad_phrases_are_a_lesson(open_page: OpenPage, start: str, end: str, sentence: str) -> None:
    app = open_axis(open_page, "axis")
    app.text_input(key=f"{PREFIX}start").set_value(start)
    app.text_input(key=f"{PREFIX}end").set_value(end).run()
    assert sentence in said(app)


@pytest.mark.usefixtures("docs")
def test_a_row_is_predicted(open_page: OpenPage) -> None:
    app = open_axis(open_page, "place")
    assert "It lies at" not in said(app)
    reveal = next(button for button in app.button if (button.key or "").endswith("_reveal"))
    reveal.click().run()
    found = re.search(r"It lies at (\S+); (\d+) of 12 rows lie nearer .* (\d+) nearer", said(app))
    assert found
    assert int(found[2]) + int(found[3]) == 11
    app.button(key=f"{PREFIX}another").click().run()
    assert "It lies at" not in said(app)


@pytest.mark.usefixtures("docs")
def test_the_middle_is_near_to_neither(open_page: OpenPage) -> None:
    app = open_axis(open_page, "middle")
    table = app.table[0].value
    to_start, to_end = (table[name].astype(float) for name in table.columns[1:3])
    assert to_start[0] > to_start[1]
    assert to_end[2] > to_end[1]
    assert abs(to_start[1] - to_end[1]) < 0.15
    assert list(table["Rows"]) == [
        "Tenth at the start: 1", "Fifth in the middle: 2", "Tenth at the end: 1",
    ]  # fmt: skip


@pytest.mark.usefixtures("docs")
def test_the_share_of_an_axis(open_page: OpenPage) -> None:
    app = open_axis(open_page, "share")
    found = re.search(r"explains \*\*([\d.]+)%\*\*.*beats (\d+)% of 500", said(app))
    assert found
    assert float(found[1]) > 5
    assert found[2] == "100"
    app.text_input(key=f"{PREFIX}start").set_value("a camera").run()
    assert "no direction" in said(app)


@pytest.mark.usefixtures("docs")
def test_postgres_and_numpy_agree(open_page: OpenPage) -> None:
    app = open_axis(open_page, "postgres")
    table = app.table[0].value
    assert len(table) == 6
    postgres, numpy = (
        [float(text.replace("−", "-")) for text in table[name]]
        for name in ("Position, Postgres", "Position, NumPy")
    )
    assert postgres == pytest.approx(numpy, abs=2e-6)
    assert postgres == sorted(postgres)
    assert postgres[0] < 0 < postgres[-1]
    assert "differ by at most **0.0000000" in said(app)


def test_rows_that_changed_are_read_anew(open_page: OpenPage, docs: Collection) -> None:
    app = open_axis(open_page, "axis")
    docs.upsert([{"id": "new", "content": "The printer, the printer and the printer"}])
    app.run()
    assert "all 13 rows" in said(app)
    docs.upsert([{"id": f"r{n:02}", "content": "a camera"} for n in range(4)])
    app.run()
    assert "a camera" in [item.value for item in app.markdown if "Farthest" in item.value][1]


@pytest.mark.usefixtures("docs")
def test_the_axis_is_searched_and_linked(open_page: OpenPage) -> None:
    app = open_axis(open_page, "remember", "a (printer)", "a & b")
    assert "(?start=a+%28printer%29&end=a+%26+b&collection=docs)" in said(app)


def test_no_collection_and_too_few_rows(open_page: OpenPage, workbench: Workbench) -> None:
    assert "This lesson runs on real rows" in said(open_page(PAGE))
    workbench.create_collection("docs", model=MODEL).upsert([{"id": "a", "content": "alone"}])
    assert "this lesson needs 10" in said(open_axis(open_page, "axis"))


def test_rows_that_are_all_alike(open_page: OpenPage, workbench: Workbench) -> None:
    made = workbench.create_collection("docs", model=MODEL)
    made.upsert({"id": str(n), "content": "the same"} for n in range(12))
    assert "nothing to explain" in said(open_axis(open_page, "share"))
    for step in ("axis", "place", "middle", "postgres", "remember"):
        said(open_axis(open_page, step))


def test_a_model_that_cannot_be_had(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    made = workbench.create_collection("docs", model=MODEL)
    made.upsert({"id": str(n), "content": "text"} for n in range(12))
    with workbench.db.transaction() as connection:
        connection.execute("update pgvista.collections set model = 'openai:no-such-model'")
    assert "key" in said(open_axis(open_page, "axis"))


def test_a_model_of_another_length(open_page: OpenPage, docs: Collection) -> None:
    with docs.db.transaction() as connection:
        connection.execute(
            "alter table pgvista.docs alter embedding type vector(3) using '[1,2,3]'::vector(3)"
        )
    assert "The axis has 384 numbers, but the vectors of docs have 3" in said(
        open_axis(open_page, "axis")
    )


def test_a_title_does_not_run_into_the_text(open_page: OpenPage, docs: Collection) -> None:
    docs.upsert([{"id": "two", "content": "A printer in a *hall*\n\nTurn its wheel twice."}])
    app = open_axis(open_page, "axis")
    listed = [item.value for item in app.markdown if "Farthest towards" in item.value]
    assert "Turn its wheel" not in said(app)
    assert r"A printer in a \*hall\*" in listed[0]
    app = open_axis(open_page, "place")
    for _ in range(60):
        if "A printer in a" in said(app):
            break
        app.button(key=f"{PREFIX}another").click().run()
    assert "**A printer in a *hall***  \nTurn its wheel twice." in said(app)
