"""Files are read record by record; what cannot be read is set aside, and the rest goes on."""

import io
import json
import os
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pgvista.errors import InvalidInput, NotFound, PgvistaError
from pgvista.io.columns import ColumnKind
from pgvista.io.formats import FileFormat
from pgvista.io.mapping import guess_mapping, map_records
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

    def test_encodings_by_any_of_their_names(self) -> None:
        for name in ("UTF16", "utf_16", "UTF-16"):
            data = "id,text\n1,ä\n".encode("utf-16")
            assert read(data, "a.csv", encoding=name)[0] == [{"id": "1", "text": "ä"}]

    def test_damaged_files_never_raise_anything_unforeseen(self) -> None:
        chance = random.Random(7)
        parquet = io.BytesIO()
        pq.write_table(pa.table({"id": [1, 2], "t": ["a", None], "v": [[1.0], [2.0]]}), parquet)
        seeds = {
            "a.csv": 'id,text,v\n1,"a\nb","[1,2]"\n2,ü,"[3,4]"\n'.encode(),
            "a.jsonl": b'{"id":1,"m":{"x":[1,2]}}\n{"id":2,"t":"\\u00e4"}\n"s"\n',
            "a.json": b'{"n":1,"rows":[{"id":1,"t":"a{}"},{"id":2,"v":[1,2]}],"z":{"k":1}}',
            "b.json": b'{"a":{"t":1},"b":{"t":2}}',
            "a.md": b"# A\ntext\n## B\n```\n# x\n```\nC\n---\nd\n",
            "u.tsv": "id\tt\n1\tä\n".encode("utf-16"),
            "a.parquet": parquet.getvalue(),
            "": b"id;t\n1;x\n",
        }
        pieces = [
            b'"',
            b"{",
            b"[",
            b",",
            b"\n",
            b"}",
            b"\0",
            b"\xff",
            b"\xed\xa0\x80",
            b'"\\ud800"',
        ]
        for name, seed in list(seeds.items()) * 60:
            data = bytearray(seed)
            for _ in range(chance.randint(1, 5)):
                place = chance.randrange(len(data) + 1)
                data[place : place + chance.choice([0, 1, 1, 4])] = chance.choice(pieces)
            try:
                source = open_source(bytes(data), name=name)
                mapping = guess_mapping(source.columns, source.preview())
                rows = list(map_records(source.records(), mapping, kinds=source.kinds))
            except PgvistaError:
                continue
            for row in rows:
                if isinstance(row, BadRow):
                    (row.reason + row.raw).encode()
                else:
                    (row.id + (row.content or "") + json.dumps(dict(row.metadata))).encode()

    def test_options_are_checked(self) -> None:
        with pytest.raises(InvalidInput, match="not known"):
            ReadOptions(encoding="klingon")
        with pytest.raises(InvalidInput, match="not known"):
            ReadOptions(encoding="base64")
        with pytest.raises(InvalidInput, match="cannot divide"):
            ReadOptions(delimiter='"')
