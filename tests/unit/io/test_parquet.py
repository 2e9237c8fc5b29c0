"""Parquet files, batch by batch."""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pgvista.errors import InvalidInput
from pgvista.io.columns import ColumnKind
from pgvista.io.readers import ReadOptions, open_source
from pgvista.model.rows import BadRow, Record


def read(data: bytes, name: str, **options: Any) -> tuple[list[dict[str, Any]], list[BadRow]]:
    source = open_source(data, name=name, options=ReadOptions(**options))
    rows = list(source.records())
    assert source.position() == source.size_bytes == len(data)
    return values(rows), [row for row in rows if isinstance(row, BadRow)]


def values(rows: Iterable[Record | BadRow]) -> list[dict[str, Any]]:
    return [dict(row.values) for row in rows if isinstance(row, Record)]


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

    def test_a_text_that_is_no_utf8_costs_its_row_alone(self) -> None:
        texts = pa.array([b"a", b"\xc3(", b"c"], pa.binary()).view(pa.string())
        out = io.BytesIO()
        pq.write_table(pa.table({"id": [1, 2, 3], "text": texts}), out)
        good, bad = read(out.getvalue(), "a.parquet")
        assert [row["id"] for row in good] == [1, 3]
        assert bad == [BadRow(2, "The row holds a value that is not UTF-8 text.")]

    def test_no_rows(self) -> None:
        source = open_source(self.data(0), name="a.parquet")
        assert [column.name for column in source.columns][:2] == ["id", "text"]
        assert list(source.records()) == []
