"""Rows go out as CSV that spreadsheets can open safely, as JSON, and as typed Parquet."""

import csv
import datetime as dt
import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pgvista.errors import InvalidInput
from pgvista.io.export import ExportFormat, bad_rows_csv, export_hits, export_rows
from pgvista.io.readers import open_source
from pgvista.model.rows import BadRow, Record
from pgvista.model.search import Hit, SearchResult

RESULT = SearchResult(
    hits=(
        Hit(
            id="=1+1",
            content="für alle\n🐘",
            metadata={"year": 1973, "tags": ["a"]},
            columns={"day": dt.date(2024, 1, 2), "score": 7, "price": -1.5},
            score=0.5,
            distance=0.25,
            semantic_rank=1,
        ),
        Hit(id="b", content=None, metadata={}, columns={}, score=0.25, keyword_rank=2),
    ),
    render_sql=lambda: "select 1",
    timings_ms={"total": 1.0},
)


def table(data: bytes) -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_hits_as_csv() -> None:
    first, second = table(export_hits(RESULT, "csv"))
    assert first == {
        "id": "'=1+1",
        "score": "0.5",
        "distance": "0.25",
        "semantic_rank": "1",
        "keyword_rank": "",
        "keyword_score": "",
        "content": "für alle\n🐘",
        "metadata": '{"year": 1973, "tags": ["a"]}',
        "day": "2024-01-02",
        "column_score": "7",
        "price": "-1.5",
    }
    assert (second["id"], second["content"], second["day"]) == ("b", "", "")


def test_hits_as_json() -> None:
    found = json.loads(export_hits(RESULT, ExportFormat.JSON))
    assert found["sql"] == "select 1"
    assert found["hits"][0]["metadata"] == {"year": 1973, "tags": ["a"]}


def test_hits_as_parquet() -> None:
    found = pq.read_table(io.BytesIO(export_hits(RESULT, "parquet")))
    types = {field.name: field.type for field in found.schema}
    assert types["score"] == pa.float64()
    assert types["semantic_rank"] == pa.int64()
    assert types["day"] == pa.date32()
    assert types["metadata"] == pa.string()
    assert found.to_pylist()[0]["metadata"] == '{"year": 1973, "tags": ["a"]}'
    assert found.to_pylist()[0]["id"] == "=1+1"


def test_no_hits() -> None:
    empty = SearchResult((), lambda: "", {})
    assert export_hits(empty, "csv").decode("utf-8-sig").startswith("id,score,distance")
    assert pq.read_table(io.BytesIO(export_hits(empty, "parquet"))).num_rows == 0


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@x", "\tx", "\rx"])
def test_texts_that_a_spreadsheet_would_run(text: str) -> None:
    assert table(export_rows([{"a": text}], "csv")) == [{"a": f"'{text}"}]
    assert json.loads(export_rows([{"a": text}], "json")) == [{"a": text}]


def test_values_in_each_format() -> None:
    vector = np.array([0.1, 2], np.float32)
    rows: list[dict[str, Any]] = [
        {"n": -1, "x": float("nan"), "flag": True, "vec": vector, "at": dt.datetime(2024, 1, 2)},
        {"n": None, "other": "late", "vec": None, "mixed": 1},
        {"mixed": "text", "vec": vector},
    ]
    cells = table(export_rows(rows, "csv"))
    assert cells[0]["n"] == "-1"
    assert cells[0]["flag"] == "true"
    assert cells[0]["vec"] == "[0.1, 2.0]"
    assert cells[0]["at"] == "2024-01-02T00:00:00"
    assert cells[1]["other"] == "late"
    plain = json.loads(export_rows(rows, "json"))
    assert plain[0]["x"] is None
    assert plain[0]["vec"] == [0.1, 2.0]
    found = pq.read_table(io.BytesIO(export_rows(rows, "parquet")))
    assert found.schema.field("vec").type == pa.list_(pa.float32())
    assert found.schema.field("mixed").type == pa.string()
    assert found.to_pylist()[2]["mixed"] == "text"


def test_what_goes_out_comes_in() -> None:
    rows = [{"id": str(n), "content": f"text {n}\nü", "vec": np.ones(3, np.float32)} for n in "12"]
    for kind in ExportFormat:
        source = open_source(export_rows(rows, kind), name=f"a.{kind}")
        read = [row for row in source.records() if isinstance(row, Record)]
        assert [row.values["content"] for row in read] == [row["content"] for row in rows]


def test_bad_rows() -> None:
    data = bad_rows_csv([BadRow(3, "The id is missing.", '=x,"y"\n')])
    assert table(data) == [{"line": "3", "reason": "The id is missing.", "raw": '\'=x,"y"\n'}]
    assert table(bad_rows_csv([])) == []


def test_other_formats_are_refused() -> None:
    with pytest.raises(InvalidInput, match="'xlsx'"):
        export_rows([], "xlsx")
