"""The page Load: what is found in a file, where it goes, and what is said when it is done."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, finish_jobs, texts

from pgvista.api import Workbench
from pgvista.jobs import JobState

ROWS = "".join(
    json.dumps({"id": n, "embedding": [n, 1, 2], "tag": "ab"[n % 2], "year": 1990 + n}) + "\n"
    for n in range(30)
)


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    app.file_uploader(key="load_file").set_value((name, data, "application/octet-stream"))
    return app.run()


def start(app: AppTest) -> AppTest:
    return app.button(key="load_start").click().run()


def labelled(app: AppTest, label: str) -> str | None:
    found: str | None = next(item for item in app.selectbox if item.label == label).value
    return found


def test_vectors_into_a_new_collection(open_page: OpenPage, workbench: Workbench) -> None:
    app = upload(open_page("load"), "my rows.jsonl", ROWS.encode())
    assert labelled(app, "Model") == "own vectors · 3 numbers"
    assert labelled(app, "Vector") == "embedding"
    assert labelled(app, "Id") == "id"
    assert "the first 20 rows" in texts(app)
    start(app)
    assert finish_jobs(app) == [JobState.DONE]
    made = workbench.collection("my_rows")
    assert made.count() == 30
    assert made.get(["7"])[0].metadata["year"] == 1997
    app.button(key="load_to_browse").click().run()
    assert app.title[0].value == "Browse"
    assert app.query_params["collection"] == "my_rows"


def test_bad_rows_are_set_aside(open_page: OpenPage, workbench: Workbench) -> None:
    data = ROWS + '{"id": "x", "embedding": [1]}\n{broken\n'
    app = start(upload(open_page("load"), "rows.jsonl", data.encode()))
    assert finish_jobs(app) == [JobState.DONE]
    assert "2 rows were set aside" in texts(app)
    table = app.dataframe[-1].value
    assert list(table["line"]) == [31, 32]
    assert workbench.collection("rows").count() == 30
    app.button(key="load_next").click().run()
    assert app.file_uploader


def test_into_a_collection_there_is(open_page: OpenPage, workbench: Workbench) -> None:
    there = workbench.create_collection("there", dimension=3, columns={"year": "bigint"})
    app = upload(open_page("load"), "rows.jsonl", ROWS.encode())
    app.button_group(key="load_into").set_value("Existing one").run()
    assert labelled(app, "Collection") == "there"
    start(app)
    assert finish_jobs(app) == [JobState.DONE]
    [row] = there.get(["5"])
    assert row.columns == {"year": 1995}
    assert "year" not in row.metadata


def test_structured_columns(open_page: OpenPage, workbench: Workbench) -> None:
    app = upload(open_page("load"), "rows.jsonl", ROWS.encode())
    own = next(item for item in app.multiselect if item.label == "Columns of their own")
    own.set_value(["year"]).run()
    start(app)
    assert finish_jobs(app) == [JobState.DONE]
    made = workbench.collection("rows")
    assert [(item.name, item.type) for item in made.info.columns] == [("year", "bigint")]
    assert made.get(["5"])[0].columns == {"year": 1995}


def test_what_was_found_can_be_changed(open_page: OpenPage) -> None:
    data = "id;text\n1;größer\n".encode("cp1252")
    app = upload(open_page("load"), "rows.csv", data)
    assert labelled(app, "Delimiter") == ";"
    assert labelled(app, "Encoding") == "cp1252"
    assert app.dataframe[0].value.loc[0, "text"] == "größer"
    chosen = next(item for item in app.selectbox if item.label == "Encoding")
    chosen.set_value("iso8859-1").run()
    assert labelled(app, "Encoding") == "iso8859-1"
    header = next(item for item in app.selectbox if item.label == "Header row")
    header.set_value(False).run()
    assert len(app.dataframe[0].value) == 2


def test_pasted_rows(open_page: OpenPage) -> None:
    app = open_page("load")
    app.button_group(key="load_way").set_value("Paste").run()
    app.text_area(key="load_paste").input("id,text\n1,one\n2,two").run()
    assert labelled(app, "Format") == "csv"
    assert "all of it: 2 rows" in texts(app)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", bytes(range(256)) * 20, "a.csv"),
        ("a.txt", b"%PDF-1.7 and so on", "a PDF"),
    ],
)
def test_not_a_file_that_loads(open_page: OpenPage, name: str, data: bytes, sentence: str) -> None:
    app = upload(open_page("load"), name, data)
    assert not app.exception
    assert sentence in app.error[0].value.replace("\\", "")
    app = upload(app, "good.jsonl", ROWS.encode())
    assert not app.error


def test_name_taken(open_page: OpenPage, workbench: Workbench) -> None:
    workbench.create_collection("rows", dimension=3)
    app = upload(open_page("load"), "rows.jsonl", ROWS.encode())
    assert "There is a collection rows already" in texts(app)
    name = next(item for item in app.text_input if item.label == "Name")
    name.input("x" * 62 + "é").run()
    assert "64 bytes long" in texts(app)
    name = next(item for item in app.text_input if item.label == "Name")
    name.input('odd "name"; --').run()
    start(app)
    assert finish_jobs(app) == [JobState.DONE]
    assert workbench.collection('odd "name"; --').count() == 30


FULL = """
create function no_space() returns trigger language plpgsql as
  $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100';
  end $$;
create trigger no_space before insert on pgvista.there execute function no_space()
"""


def test_failed_load_is_started_again(open_page: OpenPage, workbench: Workbench) -> None:
    there = workbench.create_collection("there", dimension=3)
    app = upload(open_page("load"), "rows.jsonl", ROWS.encode())
    app.button_group(key="load_into").set_value("Existing one").run()
    with workbench.db.transaction() as connection:
        connection.execute(FULL)
    start(app)
    assert finish_jobs(app) == [JobState.FAILED]
    assert app.error
    with workbench.db.transaction() as connection:
        connection.execute("drop trigger no_space on pgvista.there")
    next(button for button in app.button if button.label == "Start again").click().run()
    assert finish_jobs(app)[0] is JobState.DONE
    assert there.count() == 30
