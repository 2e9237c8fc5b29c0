"""The filter of the pages: chips, the builder that opens beneath the button, and its JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Collection, Workbench
from pgvista.services.filter_keys import FilterKey
from pgvista.services.filter_keys import filter_keys as read_keys
from pgvista.ui import filter_builder, filter_rows


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    made = workbench.create_collection("docs", dimension=3, columns={"size": "bigint"})
    made.upsert(
        {
            "id": f"d{n:02}",
            "content": f"text {n}",
            "embedding": [n, 1, 2],
            "metadata": {"year": 1960 + n, "kind": ["report", "letter"][n % 2], "a.b": {"c": n}},
            "size": 60 - n,
        }
        for n in range(20)
    )
    return made


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The collections whose keys were read."""
    seen: list[str] = []

    def reading(db: Any, collection: Any) -> tuple[FilterKey, ...]:
        seen.append(collection.name)
        return read_keys(db, collection)

    monkeypatch.setattr(filter_builder, "filter_keys", reading)
    return seen


def shown(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["id"])


def opened(app: AppTest) -> AppTest:
    app.session_state["browse_filter_open"] = True
    return app.run()


def write(app: AppTest, text: str) -> AppTest:
    app.session_state["browse_filter"] = text
    return app.run()


def chips(app: AppTest) -> list[str]:
    return [
        button.label.replace("\\", "")
        for button in app.button
        if button.key and button.key.startswith("browse_filter_chip")
    ]


def press(app: AppTest, name: str) -> AppTest:
    return app.button(key=f"browse_filter_{name}").click().run()


def test_the_keys_are_read_when_the_builder_opens_and_not_again(
    open_page: OpenPage, docs: Collection, reads: list[str]
) -> None:
    app = open_page("browse", collection="docs")
    app.run()
    assert reads == []
    opened(app)
    app.run()
    assert reads == ["docs"]
    offered = app.selectbox(key="browse_filter_key").options
    assert [option.split(" · ")[0] for option in offered] == [
        *(r"a\.b", r"a\.b.c", "kind", "size", "year", "id", "content")
    ]
    assert "As found in all 20 rows." in texts(app)


def test_a_condition_is_built_and_becomes_chip_and_json(
    open_page: OpenPage, docs: Collection
) -> None:
    app = opened(open_page("browse", collection="docs"))
    app.selectbox(key="browse_filter_key").set_value("kind").run()
    value = next(box for box in app.selectbox if box.label == "Value")
    assert value.options == ["letter · 10", "report · 10"]
    value.set_value("letter").run()
    press(app, "add")
    assert json.loads(app.session_state["browse_filter"]) == {"kind": "letter"}
    assert json.loads(app.text_area(key="browse_filter_json").value or "") == {"kind": "letter"}
    assert chips(app) == ["kind is letter"]
    assert shown(app)[0] == "d01"

    app.selectbox(key="browse_filter_key").set_value("year").run()
    app.selectbox(key="browse_filter_operator.number").set_value("$between").run()
    for label, text in (("From", "1965"), ("To", "1970")):
        next(box for box in app.text_input if box.label == label).set_value(text).run()
    press(app, "add")
    assert chips(app) == ["kind is letter", "year is between 1965 and 1970"]
    assert shown(app) == ["d05", "d07", "d09"]

    app.segmented_control(key="browse_filter_any").set_value("any").run()
    assert "$or" in app.session_state["browse_filter"]
    assert len(shown(app)) == 13
    press(app, "chip_0")
    assert chips(app) == ["year is between 1965 and 1970"]
    assert len(shown(app)) == 6
    press(app, "clear")
    assert chips(app) == []
    assert len(shown(app)) == 20


def test_a_wrong_value_is_one_sentence_and_changes_nothing(
    open_page: OpenPage, docs: Collection
) -> None:
    app = opened(open_page("browse", collection="docs"))
    app.selectbox(key="browse_filter_key").set_value("year").run()
    press(app, "add")
    assert "Type a value, or choose one." in texts(app)
    assert len(shown(app)) == 20


def test_json_becomes_chips_and_wrong_json_shows_no_rows(
    open_page: OpenPage, docs: Collection
) -> None:
    app = opened(open_page("browse", collection="docs"))
    field = app.text_area(key="browse_filter_json")
    field.set_value('{"size": {"$lte": 42}, "kind": "report"}').run()
    assert chips(app) == ["size ≤ 42", "kind is report"]
    assert shown(app) == ["d18"]
    app.text_area(key="browse_filter_json").set_value('{"size": ').run()
    assert chips(app) == []
    assert not app.dataframe
    assert "The filter cannot be used, so no row is looked for." in texts(app)
    assert "The filter is not JSON" in texts(app)
    assert app.text_area(key="browse_filter_json").value == '{"size": '
    press(app, "clear")
    assert len(shown(app)) == 20
    assert app.text_area(key="browse_filter_json").value == ""


def rows(app: AppTest) -> list[str]:
    """The outline: what each of its rows says, with a dot for each group that it stands in."""
    found = [
        (item.key.rsplit("_", 1)[1], item)
        for item in (*app.selectbox, *app.button)
        if item.key and item.key.startswith(("browse_filter_joint", "browse_filter_edit"))
    ]
    placed = [(name.split(".")[1:], item) for name, item in found]
    told = [
        (
            [int(part) for part in path if part],
            item.value if item.type == "selectbox" else item.label.replace("\\", "").strip("*"),
        )
        for path, item in placed
    ]
    return ["." * len(path) + text for path, text in sorted(told, key=lambda row: row[0])]


def test_a_nested_filter_is_drawn_changed_and_taken_apart(
    open_page: OpenPage, docs: Collection
) -> None:
    app = opened(open_page("browse", collection="docs"))
    write(app, '{"$not": {"$or": [{"kind": "report"}, {"year": {"$lt": 1965}}]}}')
    assert chips(app) == ["not (kind is report or year < 1965)"]
    assert rows(app) == ["none", ".kind is report", ".year < 1965"]
    assert shown(app) == [f"d{n:02}" for n in range(5, 20, 2)]

    press(app, "edit.1")
    assert app.selectbox(key="browse_filter_key").value == "year"
    assert app.selectbox(key="browse_filter_operator.number").value == "$lt"
    value = next(box for box in app.selectbox if box.label == "Value")
    assert value.value == "1965"
    value.set_value("1967").run()
    press(app, "add")
    assert rows(app) == ["none", ".kind is report", ".year < 1967"]
    assert shown(app) == [f"d{n:02}" for n in range(7, 20, 2)]

    app.selectbox(key="browse_filter_joint.").set_value("not all").run()
    assert json.loads(app.session_state["browse_filter"]) == {
        "$not": {"kind": "report", "year": {"$lt": 1967}}
    }
    assert len(shown(app)) == 20 - 4
    press(app, "group.0")
    assert rows(app) == ["not all", ".any", "..kind is report", ".year < 1967"]
    app.selectbox(key="browse_filter_key").set_value("year").run()
    app.selectbox(key="browse_filter_operator.number").set_value("$eq").run()
    next(box for box in app.selectbox if box.label == "Value").set_value("1961").run()
    press(app, "add")
    assert rows(app)[1:4] == [".any", "..kind is report", "..year is 1961"]
    assert json.loads(app.text_area(key="browse_filter_json").value or "") == {
        "$not": {"$or": [{"kind": "report"}, {"year": 1961}], "year": {"$lt": 1967}}
    }
    press(app, "dissolve.0")
    assert rows(app) == ["not all", ".kind is report", ".year is 1961", ".year < 1967"]
    press(app, "remove.")
    assert app.session_state["browse_filter"] == ""
    assert len(shown(app)) == 20


def test_a_condition_is_added_in_a_new_group_and_to_it(
    open_page: OpenPage, docs: Collection
) -> None:
    app = opened(open_page("browse", collection="docs"))
    write(app, '{"kind": "report"}')
    for button, low in (("add_group", "1960"), ("add", "1962")):
        app.selectbox(key="browse_filter_key").set_value("year").run()
        app.selectbox(key="browse_filter_operator.number").set_value("$eq").run()
        next(box for box in app.selectbox if box.label == "Value").set_value(low).run()
        press(app, button)
    assert json.loads(app.session_state["browse_filter"]) == {
        "kind": "report",
        "$or": [{"year": 1960}, {"year": 1962}],
    }
    assert chips(app) == ["kind is report", "year is 1960 or year is 1962"]
    assert shown(app) == ["d00", "d02"]
    press(app, "into.")
    press(app, "edit.1.0")
    press(app, "cancel")
    assert rows(app) == ["all", ".kind is report", ".any", "..year is 1960", "..year is 1962"]
    press(app, "chip_1")
    assert rows(app) == ["all", ".kind is report"]


def test_what_is_nested_too_deep_is_told_and_changes_nothing(
    open_page: OpenPage, docs: Collection
) -> None:
    app = opened(open_page("browse", collection="docs"))
    deep = '{"$not": ' * 31 + '{"kind": "report"}' + "}" * 31
    write(app, deep)
    press(app, f"group.{'.'.join('0' * 31)}")
    assert "nested more than 32 deep" in texts(app)
    assert app.session_state["browse_filter"] == deep
    assert len(shown(app)) == 10


def test_json_that_is_no_filter_has_no_form(open_page: OpenPage, docs: Collection) -> None:
    app = opened(open_page("browse", collection="docs"))
    write(app, '{"kind": ')
    assert "Mend it as JSON, or clear it." in texts(app)
    assert "Key" not in [box.label for box in app.selectbox]


def test_a_filter_of_very_many_conditions_is_drawn_in_part(
    open_page: OpenPage, docs: Collection
) -> None:
    app = opened(open_page("browse", collection="docs"))
    write(app, json.dumps({"$not": {f"k{n}": n for n in range(300)}}))
    assert len(rows(app)) == filter_rows.MAX_ROWS
    assert "There is more of it than fits here" in texts(app)


def test_a_filter_that_does_not_fit_the_column_is_told(
    open_page: OpenPage, docs: Collection
) -> None:
    app = open_page("browse", collection="docs")
    write(app, '{"size": "big"}')
    assert "takes a number, since the column is bigint" in texts(app)
    assert chips(app) == ["size is big"]


def test_many_conditions_and_markup_in_keys(open_page: OpenPage, docs: Collection) -> None:
    app = open_page("browse", collection="docs")
    write(app, json.dumps({f"**k{n}** <b>": n for n in range(40)}))
    assert len(chips(app)) == filter_builder.MAX_CHIPS
    assert "and 28 more" in texts(app)
    assert not app.exception


def test_the_same_filter_on_the_search_page(open_page: OpenPage, docs: Collection) -> None:
    app = open_page("search", collection="docs", search_filter='{"kind": "report"}')
    labels = [button.label for button in app.button]
    assert "kind is report" in labels
    app.session_state["search_filter_open"] = True
    app.run()
    assert json.loads(app.text_area(key="search_filter_json").value or "") == {"kind": "report"}
    app.button(key="search_filter_clear").click().run()
    assert app.session_state["search_filter"] == ""


def test_a_view_without_keys_can_be_filtered_all_the_same(
    open_page: OpenPage, workbench: Workbench, docs: Collection
) -> None:
    with workbench.db.transaction() as connection:
        connection.execute("create view pgvista.bare as select embedding from pgvista.docs")
    app = opened(open_page("browse", collection="bare"))
    assert "No key was found" in texts(app)
    write(app, '{"nothing": 1}')
    assert "no metadata to look it up in" in texts(app)
