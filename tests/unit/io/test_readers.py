"""Files are read record by record; what cannot be read is set aside, and the rest goes on."""

import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pgvista.errors import InvalidInput, NotFound
from pgvista.io.columns import ColumnKind
from pgvista.io.formats import FileFormat
from pgvista.io.readers import ReadOptions, TextUnit, open_source
from pgvista.model.rows import BadRow, Record


def read(data: bytes, name: str, **options: Any) -> tuple[list[dict[str, Any]], list[BadRow]]:
    source = open_source(data, name=name, options=ReadOptions(**options))
    rows = list(source.records())
    assert source.position() == source.size_bytes == len(data)
    return values(rows), [row for row in rows if isinstance(row, BadRow)]


def values(rows: Iterable[Record | BadRow]) -> list[dict[str, Any]]:
    return [dict(row.values) for row in rows if isinstance(row, Record)]


class TestDelimited:
    def test_records_carry_the_line_they_begin_on(self) -> None:
        data = b'id,text\n1,"two\nlines, and ""more"""\n2,x\n'
        rows = list(open_source(data, name="a.csv").records())
        assert rows == [
            Record({"id": "1", "text": 'two\nlines, and "more"'}, 2),
            Record({"id": "2", "text": "x"}, 4),
        ]

    def test_a_wrong_number_of_fields_is_set_aside(self) -> None:
        good, bad = read(b"id,text\n1,a\n2\n3,a,b\n4,d,\n5,e\n", "a.csv")
        assert [row["id"] for row in good] == ["1", "4", "5"]
        assert [(row.line, row.raw) for row in bad] == [(3, "2"), (4, "3,a,b")]
        assert bad[0].reason == "The row has 1 field, but the header has 2."
        assert bad[1].reason == "The row has 3 fields, but the header has 2."

    def test_mixed_encodings_cost_their_own_lines_alone(self) -> None:
        good, bad = read("id,text\n1,größe\n2,ok\n".encode() + b"3,caf\xe9\n4,\xc3\xa4\n", "a.csv")
        assert [row["id"] for row in good] == ["1", "2", "4"]
        assert [(row.line, row.raw) for row in bad] == [(4, "3,caf\\xe9")]
        assert (
            bad[0].reason == "The row holds the byte 0xE9 at position 6, which is not UTF-8 text."
        )

    def test_an_undecodable_byte_within_quotes_keeps_the_record_together(self) -> None:
        good, bad = read(b'id,text\n\xc3\xa4,ok\n1,"a\n\xe9\nb"\n2,ok\n', "a.csv")
        assert [row["id"] for row in good] == ["ä", "2"]
        assert [row.line for row in bad] == [3]
        assert "(line 4)" in bad[0].reason

    def test_nul_bytes_are_set_aside(self) -> None:
        good, bad = read(b"id,text\n1,a\0b\n2,ok\n", "a.csv")
        assert good == [{"id": "2", "text": "ok"}]
        assert "NUL" in bad[0].reason
        assert bad[0].raw == "1,a\\x00b"

    def test_a_quote_that_never_closes_costs_one_line(self) -> None:
        good, bad = read(b'id,text\n1,ok\n2,"open\n3,ok\n4,"also, open\n5,ok\n6,ok', "a.csv")
        # The two stray quotes pair: what stands between them is one record.
        assert [row["id"] for row in good] == ["1", "5", "6"]
        assert [row.line for row in bad] == [3]
        good, bad = read(b'id,text\n1,ok\n2,"open\n3,ok\n4,ok\n', "a.csv")
        assert [row["id"] for row in good] == ["1", "3", "4"]
        assert bad == [BadRow(3, "The row opens a quote that never closes.", '2,"open')]

    def test_a_quote_left_open_over_the_field_limit_costs_one_line(self) -> None:
        lines = "".join(f"{number},{'x' * 4000}\n" for number in range(2, 4300))
        good, bad = read(f'id,text\n1,"open\n{lines}'.encode() + b'9,"closed"\n', "a.csv")
        assert len(good) == 4299
        assert [row.line for row in bad] == [2]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "utf-32", "cp1252"])
    def test_encodings(self, encoding: str) -> None:
        text = "id;größe\r\n1;für alle, die da kamen\r\n2;naïve\r\n"
        source = open_source(text.encode(encoding), name="a.csv")
        assert source.encoding == encoding
        assert source.delimiter == ";"
        assert values(source.records()) == [
            {"id": "1", "größe": "für alle, die da kamen"},
            {"id": "2", "größe": "naïve"},
        ]

    def test_the_first_foreign_byte_may_come_late(self) -> None:
        text = "id,text\n" + "1,plain words\n" * 40_000 + "2,café\n"
        source = open_source(text.encode("cp1252"), name="a.csv")
        assert source.encoding == "cp1252"
        assert values(source.records())[-1] == {"id": "2", "text": "café"}

    def test_utf16_cut_in_the_middle_of_a_character(self) -> None:
        data = "id\ttext\n1\tä\n2\töö".encode("utf-16")[:-1]
        good, bad = read(data, "a.tsv")
        assert good == [{"id": "1", "text": "ä"}]
        assert [row.line for row in bad] == [3]

    def test_header_names_become_unique_and_whole(self) -> None:
        source = open_source(b"a,a,,b,a_2\n1,2,3,4,5\n", name="a.csv")
        assert [column.name for column in source.columns] == ["a", "a_3", "column_3", "b", "a_2"]

    def test_without_header(self) -> None:
        good, bad = read(b"1,x\n2,y\n3\n", "a.csv", header=False)
        assert good == [{"column_1": "1", "column_2": "x"}, {"column_1": "2", "column_2": "y"}]
        assert bad[0].reason == "The row has 1 field, but the first row has 2."

    def test_header_alone(self) -> None:
        source = open_source(b"id,text\n", name="a.csv")
        assert [column.name for column in source.columns] == ["id", "text"]
        assert list(source.records()) == []

    def test_unreadable_header(self) -> None:
        data = b"id,t\0xt\n1,a\n2,b\n"
        with pytest.raises(InvalidInput, match="header in line 1"):
            open_source(data, name="a.csv")

    def test_a_field_of_a_megabyte(self) -> None:
        good, bad = read(b"id,text\n1," + b"x" * 1_000_000 + b"\n2,y\n", "a.csv")
        assert [len(row["text"]) for row in good] == [1_000_000, 1]
        assert not bad

    def test_a_field_over_the_limit(self) -> None:
        good, bad = read(b"id,text\n1," + b"x" * 17_000_000 + b"\n2,y\n", "a.csv")
        assert good == [{"id": "2", "text": "y"}]
        assert bad[0].reason == "The row has a field longer than 16 million characters."
        assert len(bad[0].raw) == 500

    def test_ten_thousand_columns(self) -> None:
        header = ",".join(f"c{number}" for number in range(10_000))
        row = ",".join(str(number) for number in range(10_000))
        source = open_source(f"{header}\n{row}\n{row}\n".encode(), name="wide.csv")
        assert len(source.columns) == 10_000
        assert values(source.records())[1]["c9999"] == "9999"

    def test_unicode_names(self, tmp_path: Path) -> None:
        path = tmp_path / "Größe – 数据 🐘.csv"
        path.write_text("标识,텍스트\n1,eins\n", "utf-8")
        source = open_source(path)
        assert source.name == path.name
        assert values(source.records()) == [{"标识": "1", "텍스트": "eins"}]

    def test_old_mac_line_ends(self) -> None:
        good, _ = read(b"id,text\r1,a\r2,b\r", "a.csv")
        assert good == [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}]

    def test_kinds(self) -> None:
        data = (
            b"id,n,x,flag,day,at,vec,zip,tags,obj,nothing\n"
            b'1,5,1.5,true,2024-01-31,2024-01-31T10:00:00Z,"[1,2,3]",01234,"[""a""]","{""a"":1}",\n'
            b'2,-7,2,FALSE,2024-02-01,2024-02-01 11:30,"[4,5,6]",99999,"[]","{}",\n'
        )
        source = open_source(data, name="a.csv")
        assert [column.kind.value for column in source.columns] == (
            [
                "integer",
                "integer",
                "number",
                "boolean",
                "date",
                "timestamp",
                "vector",
                "text",
                "list",
                "object",
                "empty",
            ]
        )
        assert source.columns[6].dimension == 3
        assert source.kinds["n"] is ColumnKind.INTEGER


class TestJson:
    def test_json_lines(self) -> None:
        data = (
            b'{"id": 1, "meta": {"a": [1, {"b": 2}]}}\n{broken\n\n"a text"\n[1]\nnull\n7\n{"id": 2}'
        )
        good, bad = read(data, "a.jsonl")
        assert good == [{"id": 1, "meta": {"a": [1, {"b": 2}]}}, {"content": "a text"}, {"id": 2}]
        assert [row.line for row in bad] == [2, 5, 6, 7]
        assert bad[0].raw == "{broken"
        assert "a list" in bad[1].reason

    def test_json_lines_that_break_the_parser(self) -> None:
        data = b'{"a": 1}\n{"a": ' + b"[" * 100_000 + b"\n" + b'{"a": ' + b"9" * 5000 + b"}\n"
        good, bad = read(data, "a.jsonl")
        assert good == [{"a": 1}]
        assert [row.reason for row in bad] == [
            "The row is nested too deeply.",
            "The row holds a number with too many digits.",
        ]

    def test_json_lines_in_mixed_encodings(self) -> None:
        data = '{"t": "ä"}\n'.encode() + b'{"t": "\xe4"}\n{"t": "ok"}\n'
        good, bad = read(data, "a.jsonl")
        assert good == [{"t": "ä"}, {"t": "ok"}]
        assert [row.line for row in bad] == [2]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('[{"id": 1}, {"id": 2}]', [{"id": 1}, {"id": 2}]),
            ('["a", "b"]', [{"content": "a"}, {"content": "b"}]),
            ('{"n": 2, "rows": [{"id": 1}], "more": {"x": 1}}', [{"id": 1}]),
            ('{"meta": {"x": [1]}, "rows": [\n{"id": 1}]}', [{"id": 1}]),
            ('{"a": {"t": "x"}, "b": {"t": "y"}}', [{"id": "a", "t": "x"}, {"id": "b", "t": "y"}]),
            ('{"k": {"id": 7}}', [{"key": "k", "id": 7}]),
            ('{\n"id": 1,\n"t": "x"}', [{"id": 1, "t": "x"}]),
            ('{\n"id": 1}\n{\n"id": 2}', [{"id": 1}, {"id": 2}]),
            ('{"meta": {"a": 1}, "id": 1}', [{"meta": {"a": 1}, "id": 1}]),
            ("[]", []),
        ],
    )
    def test_shapes(self, text: str, expected: list[dict[str, Any]]) -> None:
        good, bad = read(text.encode(), "a.json")
        assert good == expected
        assert not bad

    def test_many_objects_by_id(self) -> None:
        objects = {f"k{number}": {"t": "x" * 1000} for number in range(500)}
        good, _ = read(json.dumps(objects).encode(), "a.json")
        assert [row["id"] for row in good] == list(objects)

    def test_elements_across_chunks(self) -> None:
        rows = [
            {"id": number, "t": 'ä\\"]}' * (number % 40_000)} for number in range(0, 400_000, 9973)
        ]
        for indent in (None, 2):
            text = json.dumps(rows, indent=indent, ensure_ascii=False)
            good, bad = read(text.encode(), "a.json")
            assert good == rows
            assert not bad

    def test_a_broken_element_costs_itself_alone(self) -> None:
        data = b'[{"id": 1},\n {"id": 2 "t": "}"},\n {"id": 3}, 5,\n{"id": 4}]'
        good, bad = read(data, "a.json")
        assert [row["id"] for row in good] == [1, 3, 4]
        assert [row.line for row in bad] == [2, 3]
        assert bad[0].raw == '{"id": 2 "t": "}"}'

    def test_a_document_cut_short(self) -> None:
        good, bad = read(b'[{"id": 1},\n{"id": 2},\n{"id": 3, "t": "half', "a.json")
        assert [row["id"] for row in good] == [1, 2]
        assert [row.line for row in bad] == [3]
        good, bad = read(b'[{"id": 1},\n{"id": 2}', "a.json")
        assert len(good) == 2
        assert "ends before its list is closed" in bad[0].reason

    def test_no_json_after_all(self) -> None:
        with pytest.raises(InvalidInput, match="not valid JSON"):
            open_source(b'{"a": 1, b: 2}', name="a.json")

    def test_undecodable_bytes_in_one_element(self) -> None:
        data = '[{"t": "ä"},\n'.encode() + b'{"t": "\xe4"},\n{"t": "\xc3\xb6"}]'
        good, bad = read(data, "a.json")
        assert good == [{"t": "ä"}, {"t": "ö"}]
        assert [row.line for row in bad] == [2]

    def test_columns_in_order_of_appearance(self) -> None:
        source = open_source(b'{"b": 1}\n{"a": "x", "b": 2.5}\n', name="a.jsonl")
        assert [(column.name, column.kind.value) for column in source.columns] == [
            ("b", "number"),
            ("a", "text"),
        ]
        assert source.kinds == {}


class TestText:
    DATA = b"one\n\ntwo\r\nthree\n\n\n four \n"

    def test_lines(self) -> None:
        good, _ = read(self.DATA, "a.txt")
        assert [row["content"] for row in good] == ["one", "two", "three", "four"]

    def test_paragraphs(self) -> None:
        source = open_source(self.DATA, name="a.txt", options=ReadOptions(unit=TextUnit.PARAGRAPH))
        rows = list(source.records())
        assert values(rows) == [{"content": "one"}, {"content": "two\nthree"}, {"content": "four"}]
        assert [row.line for row in rows] == [1, 3, 7]

    def test_whole(self) -> None:
        good, _ = read(self.DATA, "a.txt", unit=TextUnit.FILE)
        assert good == [{"id": "a", "content": "one\n\ntwo\nthree\n\n\n four"}]

    def test_a_bad_line_is_set_aside(self) -> None:
        good, bad = read("ä\nö\n".encode() + b"\xe4\nok\n", "a.txt")
        assert [row["content"] for row in good] == ["ä", "ö", "ok"]
        assert [row.line for row in bad] == [3]

    def test_markdown_sections(self) -> None:
        text = (
            "---\ntitle: x\n---\nbefore\n\n# Guide\nintro\n## Set up: Linux!\n```sh\n# comment\n```\n"
            "## Set up: Linux!\nagain\n# Empty\n## Deep\ntext\nUnder\n=====\nlast\n# Alone\n"
        )
        source = open_source(text.encode(), name="My notes.md")
        rows = list(source.records())
        assert [tuple(row.values()) for row in values(rows)] == [
            ("my-notes", "My notes", "before"),
            ("my-notes/guide", "Guide", "intro"),
            ("my-notes/guide/set-up-linux", "Guide > Set up: Linux!", "```sh\n# comment\n```"),
            ("my-notes/guide/set-up-linux-2", "Guide > Set up: Linux!", "again"),
            ("my-notes/empty/deep", "Empty > Deep", "text"),
            ("my-notes/under", "Under", "last"),
            ("my-notes/alone", "Alone", "Alone"),
        ]
        assert rows[1].line == 6

    def test_markdown_whole(self) -> None:
        good, _ = read(b"# A\ntext\n", "a.md", unit=TextUnit.FILE)
        assert good == [{"id": "a", "content": "# A\ntext"}]


class TestParquet:
    def table(self, rows: int = 5) -> pa.Table:
        vectors = [[float(row), 0.5, -1.0] for row in range(rows)]
        return pa.table(
            {
                "id": pa.array(range(rows)),
                "text": [f"text {row}" for row in range(rows)],
                "emb": pa.array(vectors, pa.list_(pa.float32())),
                "fixed": pa.array(vectors, pa.list_(pa.float32(), 3)),
                "half": pa.array(
                    [np.array(v, np.float16) for v in vectors], pa.list_(pa.float16())
                ),
                "wide": pa.array([None, *vectors[1:]], pa.large_list(pa.float64())),
                "meta": [{"a": row, "b": None} for row in range(rows)],
                "tags": [["x", "y"]] * rows,
                "at": pa.array([1_700_000_000_000_000_000] * rows, pa.timestamp("ns")),
                "kind": pa.array(["k"] * rows).dictionary_encode(),
            }
        )

    def data(self, rows: int = 5, **options: Any) -> bytes:
        out = io.BytesIO()
        pq.write_table(self.table(max(rows, 1)).slice(0, rows), out, **options)
        return out.getvalue()

    def test_values(self) -> None:
        good, bad = read(self.data(), "a.parquet")
        assert not bad
        row = good[2]
        for name in ("emb", "fixed", "half"):
            assert row[name].dtype == np.float32
            assert row[name].tolist() == [2.0, 0.5, -1.0]
        assert row["wide"].dtype == np.float64
        assert good[0]["wide"] is None
        assert (row["id"], row["text"], row["kind"]) == (2, "text 2", "k")
        assert row["meta"] == {"a": 2, "b": None}
        assert row["tags"] == ["x", "y"]
        assert row["at"].year == 2023

    def test_columns(self) -> None:
        source = open_source(self.data(), name="a.parquet")
        found = {column.name: column for column in source.columns}
        assert found["emb"].kind is ColumnKind.VECTOR
        assert found["fixed"].dimension == 3
        assert found["meta"].kind is ColumnKind.OBJECT
        assert source.encoding is None

    def test_lines_are_row_numbers_over_row_groups(self) -> None:
        source = open_source(self.data(1000, row_group_size=300), name="a.parquet")
        assert [row.line for row in source.records()] == list(range(1, 1001))
        assert source.position() == source.size_bytes

    @pytest.mark.parametrize("cut", [20, 3, 2000])
    def test_broken_footer(self, cut: int) -> None:
        with pytest.raises(InvalidInput, match="broken Parquet file"):
            open_source(self.data()[:-cut], name="a.parquet")

    def test_a_broken_row_group_costs_itself_alone(self) -> None:
        data = bytearray(self.data(1000, row_group_size=250, compression="snappy"))
        group = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(1)
        start = group.column(1).dictionary_page_offset or group.column(1).data_page_offset
        data[start : start + 400] = b"\xff" * 400
        rows = list(open_source(bytes(data), name="a.parquet").records())
        bad = [row for row in rows if isinstance(row, BadRow)]
        assert len(bad) == 1
        assert bad[0].reason.startswith("Rows 251 to 500 do not decode")
        assert rows[-1].line == 1000
        assert len(rows) == 751

    def test_no_rows(self) -> None:
        source = open_source(self.data(0), name="a.parquet")
        assert [column.name for column in source.columns][:2] == ["id", "text"]
        assert list(source.records()) == []


class TestSources:
    def test_records_can_be_read_again(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("id,text\n" + "".join(f"{n},x\n" for n in range(1000)))
        for source in (open_source(path), open_source(path.read_bytes(), name="a.csv")):
            first = source.records()
            next(first)
            assert 0 < source.position() < source.size_bytes
            assert len(list(source.records())) == 1000
            assert source.position() == source.size_bytes
            assert len(source.preview(5)) == 5
            assert len(source.preview(500)) == 500
            assert len(list(source.records())) == 1000

    def test_binary_files_and_pipes(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("id,text\n1,x\n")
        with path.open("rb") as stream:
            source = open_source(stream)
            assert source.name == "a.csv"
            assert len(list(source.records())) == len(list(source.records())) == 1
        reading, writing = os.pipe()
        os.write(writing, b'{"id": 1}\n{"id": 2}\n')
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe, open_source(pipe, name="") as source:
            assert source.format is FileFormat.JSONL
            assert len(list(source.records())) == len(list(source.records())) == 2

    def test_pasted_text(self) -> None:
        assert open_source(b"id,text\n1,x\n").format is FileFormat.CSV
        assert open_source(b"just words\nand more").format is FileFormat.TXT

    def test_missing_file_and_folder(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="There is no file"):
            open_source(tmp_path / "no.csv")
        with pytest.raises(InvalidInput, match="is a folder"):
            open_source(tmp_path)

    def test_chosen_format_and_delimiter(self) -> None:
        good, _ = read(b"a:b\n1:2\n", "a.txt", format=FileFormat.CSV, delimiter=":")
        assert good == [{"a": "1", "b": "2"}]
        with pytest.raises(InvalidInput, match="cannot be read as csv"):
            open_source(b"PAR1....", name="x", options=ReadOptions(format=FileFormat.CSV))
        with pytest.raises(InvalidInput, match="does not begin"):
            open_source(b"a,b\n", name="x.parquet", options=ReadOptions())

    def test_options_are_checked(self) -> None:
        with pytest.raises(InvalidInput, match="not known"):
            ReadOptions(encoding="klingon")
        with pytest.raises(InvalidInput, match="not known"):
            ReadOptions(encoding="base64")
        with pytest.raises(InvalidInput, match="cannot divide"):
            ReadOptions(delimiter='"')
