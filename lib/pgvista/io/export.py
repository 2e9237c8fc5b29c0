"""Rows out: CSV, JSON and Parquet."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from pgvista.errors import InvalidInput
from pgvista.model.rows import BadRow
from pgvista.model.search import SearchResult


class ExportFormat(StrEnum):
    """A kind of file that rows are written to."""

    CSV = "csv"
    """UTF-8 with a byte-order mark, so that spreadsheets read it rightly."""
    JSON = "json"
    PARQUET = "parquet"

    @property
    def mime_type(self) -> str:
        """What a browser calls it."""
        return _MIME_TYPES[self]


_MIME_TYPES = {
    ExportFormat.CSV: "text/csv",
    ExportFormat.JSON: "application/json",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}

_HIT_COLUMNS = (
    *("id", "score", "distance", "semantic_rank", "keyword_rank", "keyword_score"),
    *("content", "metadata"),
)


def export_hits(result: SearchResult, format: str) -> bytes:
    """Return the hits of a search as a file.

    CSV and Parquet have a row for each hit, with the metadata as JSON text and structured columns
    as columns (called ``column_<name>`` where a hit has such a field already). JSON is
    `SearchResult.to_dict`: the hits with notes, times and SQL. Raises InvalidInput when `format`
    is none of `ExportFormat`.
    """
    if export_format(format) is ExportFormat.JSON:
        return _json_bytes(result.to_dict())
    rows = [
        {
            "id": hit.id,
            "score": hit.score,
            "distance": hit.distance,
            "semantic_rank": hit.semantic_rank,
            "keyword_rank": hit.keyword_rank,
            "keyword_score": hit.keyword_score,
            "content": hit.content,
            "metadata": dict(hit.metadata),
            **{
                f"column_{name}" if name in _HIT_COLUMNS else name: value
                for name, value in hit.columns.items()
            },
        }
        for hit in result.hits
    ]
    return export_rows(rows, format, columns=_HIT_COLUMNS)


def export_rows(
    rows: Sequence[Mapping[str, Any]], format: str, *, columns: Sequence[str] = ()
) -> bytes:
    """Return `rows` as a file; the columns are `columns`, then others as they appear.

    In CSV and Parquet lists and objects are JSON text, but lists of numbers are lists in Parquet.
    Text cells of a CSV file that a spreadsheet would run as a formula get an apostrophe in front.
    NaN and infinity are null in JSON. Raises InvalidInput when `format` is none of `ExportFormat`.
    """
    chosen = export_format(format)
    names = list(dict.fromkeys((*columns, *(name for row in rows for name in row))))
    if chosen is ExportFormat.JSON:
        return _json_bytes([dict(row) for row in rows])
    if chosen is ExportFormat.CSV:
        return _csv_bytes(names, ([row.get(name) for name in names] for row in rows))
    return _parquet_bytes(names, rows)


def bad_rows_csv(rows: Iterable[BadRow]) -> bytes:
    """Return rows that were set aside as CSV: ``line``, ``reason``, ``raw``."""
    return _csv_bytes(["line", "reason", "raw"], ([row.line, row.reason, row.raw] for row in rows))


def export_format(name: str) -> ExportFormat:
    """Return the format called `name`; raise InvalidInput when there is none."""
    try:
        return ExportFormat(name)
    except ValueError:
        raise InvalidInput(
            f"Rows cannot be written as {name!r}.", f"Choose one of: {', '.join(ExportFormat)}."
        ) from None


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def _csv_bytes(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_guarded(name) for name in names])
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | float | np.number):
        return value
    return _guarded(_as_text(value))


def _guarded(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Mapping | list | tuple | set | np.ndarray):
        return json.dumps(_plain(value), ensure_ascii=False)
    return str(value)


def _json_bytes(value: Any) -> bytes:
    text = json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode("utf-8", "backslashreplace")


def _plain(value: Any) -> Any:
    """Return `value` made of what json.dumps takes."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in _shortest(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return _as_text(value)


def _shortest(vector: np.ndarray[Any, Any]) -> list[Any]:
    """Return an array's items, 4-byte floats with no more digits than they have."""
    if vector.dtype == np.float32 and vector.ndim == 1:
        return [float(str(item)) for item in vector]
    return list(vector.tolist())


def _parquet_bytes(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {name: _arrow_array([row.get(name) for row in rows]) for name in names}
    out = io.BytesIO()
    pq.write_table(pa.table(arrays), out, compression="zstd")
    return out.getvalue()


def _arrow_array(values: list[Any]) -> Any:
    """Return a typed Arrow array: numbers, dates, lists of numbers; else text."""
    import pyarrow as pa

    held = [value for value in values if value is not None]
    if not held:
        return pa.array(values, pa.string())
    if any(isinstance(value, np.ndarray) for value in held):
        return pa.array(
            [None if value is None else np.asarray(value, np.float32) for value in values],
            pa.list_(pa.float32()),
        )
    nested = any(isinstance(value, Mapping | set) for value in held) or any(
        isinstance(value, list | tuple) and not _flat(value) for value in held
    )
    if not nested and not all(isinstance(value, str) for value in held):
        try:
            return pa.array(values)
        except (pa.ArrowException, OverflowError, TypeError):
            pass
    texts = [None if value is None else _as_text(value) for value in values]
    return pa.array(
        [text and text.encode("utf-8", "backslashreplace").decode() for text in texts], pa.string()
    )


def _flat(value: Sequence[Any]) -> bool:
    return all(isinstance(item, int | float | str | None) for item in value)
