"""JSON lines and JSON documents, element by element."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from pgvista.errors import InvalidInput
from pgvista.io.readers import ReadOptions, open_source
from pgvista.model.rows import BadRow, Record


def read(data: bytes, name: str, **options: Any) -> tuple[list[dict[str, Any]], list[BadRow]]:
    source = open_source(data, name=name, options=ReadOptions(**options))
    rows = list(source.records())
    assert source.position() == source.size_bytes == len(data)
    return values(rows), [row for row in rows if isinstance(row, BadRow)]


def values(rows: Iterable[Record | BadRow]) -> list[dict[str, Any]]:
    return [dict(row.values) for row in rows if isinstance(row, Record)]


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
