"""The lesson on metadata: each step on a real Postgres, bad input, and a connection that may not write."""

from __future__ import annotations

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, finish_jobs, texts

from pgvista.api import Collection, Workbench
from pgvista.jobs import JobState

PAGE = "pages/learn/metadata.py"


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    rng = np.random.default_rng(6)
    made = workbench.create_collection("docs", dimension=24)
    made.upsert(
        {
            "id": str(number),
            "content": f"Row {number}",
            "metadata": {"kind": f"k{number % 5}", "price": number},
            "embedding": rng.normal(size=24).tolist(),
        }
        for number in range(50)
    )
    return made


def to(app: AppTest, step: str) -> AppTest:
    app.query_params["step"] = step
    app.run()
    assert not app.exception, app.exception
    return app


def opened(open_page: OpenPage, **params: str) -> AppTest:
    app = open_page(PAGE, **params)
    assert finish_jobs(app) == [JobState.DONE]
    assert not app.exception, app.exception
    return app


def reveal(app: AppTest) -> AppTest:
    next(button for button in app.button if button.label == "Reveal").click()
    app.run()
    assert not app.exception, app.exception
    return app


def said(app: AppTest) -> str:
    return (texts(app) + "".join(item.value for item in app.info)).replace("\\", "")


def test_one_value_in_two_places(docs: Collection, open_page: OpenPage) -> None:
    app = opened(open_page)
    assert "20,000 rows, made of those of the collection" in texts(app)
    assert '"year": ' in app.code[0].value
    assert '"kind": "k' in app.code[0].value


def test_what_gin_serves_is_asked_first(docs: Collection, open_page: OpenPage) -> None:
    app = opened(open_page, step="GIN")
    assert "Bitmap Index Scan" not in texts(app)
    assert "metadata ->> 'year' = '1973'" in app.code[0].value
    reveal(app)
    assert "**The first alone.**" in said(app)
    table = texts(app)
    assert re.search(r"@> '\{\"year\": 1973\}'` \| :primary\[\*\*Bitmap Index Scan", table)
    assert re.search(r"->> 'year' = '1973'` \| :orange\[Seq Scan", table)
    assert re.search(r"in pgvista \| :orange\[Seq Scan", table)


def test_what_the_planner_expects(docs: Collection, open_page: OpenPage) -> None:
    app = opened(open_page, step="estimates")
    assert re.search(r"holds for \*\*\d{3}\*\* of 20,000 rows", texts(app))
    reveal(app)
    assert "**6,667.**" in said(app)


def test_types_need_no_temporary_table(docs: Collection, open_page: OpenPage) -> None:
    app = open_page(PAGE, step="types")
    assert finish_jobs(app) == []
    reveal(app)
    assert "**Yes.**" in said(app)
    yes, no, null = ":primary[**yes**]", ":gray[no]", ":gray[null]"
    by_type = [yes, yes, yes, no, yes, yes, yes, null]
    shown = next(item.value for item in app.markdown if item.value.startswith("| The year |"))
    head, _, *rows = (line.strip("| ").split(" | ") for line in shown.splitlines())
    assert head[1:4] == [
        "`metadata -> 'year' < '2000'`",
        "`metadata ->> 'year' < '2000'`",
        "`(metadata ->> 'year')::integer < 2000`",
    ]
    assert [row[1] for row in rows] == by_type
    assert [row[3] for row in rows] == [":orange[error]"] * 8
    app.query_params["present"] = "1"  # a wide screen has a column for each value
    app.run()
    assert f"| {head[1]} | {' | '.join(by_type)} |" in texts(app)
    del app.query_params["present"]
    app.run()
    app.session_state["learn_metadata_question"] = "is written"
    app.run()
    assert "The column refuses it." in texts(app)
    for value, kept in (("1973", '{"year": 1973}'), ("20th", '{"year": "20th"}')):
        app.text_input(key="learn_metadata_value").set_value(value).run()
        assert any(kept in item.value for item in app.code)
        assert ("The column takes it." in texts(app)) == (value == "1973")
    app.text_input(key="learn_metadata_value").set_value("9" * 300).run()
    assert "1 to 200 can be tried here" in texts(app)
    assert not app.exception


def test_a_condition_that_starves_the_vector_index(docs: Collection, open_page: OpenPage) -> None:
    app = opened(open_page, step="vectors")
    assert "the condition's index" not in texts(app)
    reveal(app)
    assert "No index serves this condition" in said(app)
    assert ":primary[the condition's index] | **10** |" in texts(app)
    assert ":orange[the vector index] | :red[" in texts(app)


def test_one_filter_for_both_places(docs: Collection, open_page: OpenPage) -> None:
    app = open_page(PAGE, step="remember")
    assert app.code[0].value == """where "year" >= '2015'::bigint"""
    field = app.text_input(key="learn_metadata_filter")
    field.set_value('{"year": {"$lt": "a"}}').run()
    assert "takes a number, since the column is integer" in texts(app)
    field.set_value("{").run()
    assert "The filter is not JSON" in texts(app)
    field.set_value("").run()
    assert "There is no filter yet" in texts(app)
    links = [item.proto for item in app.get("page_link")]
    search = next(item for item in links if item.label == "Search your rows with a filter")
    assert "price" in search.query_string
    assert any("indexes" in item.page for item in links)


def test_a_filter_in_the_address(docs: Collection, open_page: OpenPage) -> None:
    app = open_page(PAGE, step="remember", filter='{"year": 1999}')
    assert app.code[1].value == """where ("metadata" @> '{"year": 1999}'::jsonb)"""


def test_read_only_says_so_and_goes_on(
    docs: Collection, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgvista.db.database.Database.read_only", property(lambda _: True))
    app = open_page(PAGE)
    assert (
        "The connection is read-only, and what is measured here needs a temporary table."
        in said(app)
    )
    assert finish_jobs(app) == []
    reveal(to(app, "types"))
    assert "**Yes.**" in said(app)
    to(app, "remember")
    assert app.code
