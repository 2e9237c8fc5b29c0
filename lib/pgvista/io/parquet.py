"""Parquet files, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from pgvista.errors import InvalidInput
from pgvista.io.delimited import unique_names
from pgvista.io.lines import Meter
from pgvista.model.rows import BadRow, Record

BATCH_BYTES = 2 * 1024 * 1024
"""About so much is decoded at a time."""


def open_parquet(stream: BinaryIO, name: str) -> Any:
    """Return a `pyarrow.parquet.ParquetFile`; raise InvalidInput on a broken or encrypted file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A buffer makes pyarrow stream the columns instead of loading whole row groups.
        file = pq.ParquetFile(stream, buffer_size=1024 * 1024, pre_buffer=False)
        parquet_columns(file)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise InvalidInput(
            f"'{name}' is a broken Parquet file: {_brief(error)}.",
            "Export or download it again; its end, which tells what is in it, does not read.",
        ) from None
    return file


def parquet_columns(file: Any) -> list[str]:
    """Return the names of a Parquet file's columns, made unique."""
    return unique_names(list(file.schema_arrow.names))


def read_parquet(file: Any, meter: Meter, size_bytes: int) -> Iterator[Record | BadRow]:
    """Yield the rows of an opened Parquet file; a record's line is its row number, from 1.

    Lists of floats, of fixed size or not, come as NumPy arrays: float32 for float and half-float
    items, float64 for doubles; the arrays of a batch share memory. A row group that does not
    decode becomes one BadRow, and the rest goes on.
    """
    import pyarrow as pa

    names = parquet_columns(file)
    total = max(file.metadata.num_rows, 1)
    first = 1
    for group in range(file.metadata.num_row_groups):
        stats = file.metadata.row_group(group)
        width = max(stats.total_byte_size // max(stats.num_rows, 1), 1)
        line = first
        try:
            for batch in file.iter_batches(
                batch_size=int(min(max(BATCH_BYTES // width, 1), 4096)),
                row_groups=[group],
                use_threads=False,
            ):
                columns = [_values(column) for column in batch.columns]
                for values in zip(*columns, strict=True):
                    bad = next((value for value in values if type(value) is _Unreadable), None)
                    if bad is None:
                        yield Record(dict(zip(names, values, strict=True)), line)
                    else:
                        yield BadRow(line, f"The row holds a value that is {bad.reason}.")
                    line += 1
                meter.bytes = size_bytes * (line - 1) // total
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            last = first + stats.num_rows - 1
            yield BadRow(line, f"Rows {line:,} to {last:,} do not decode: {_brief(error)}.")
        first += stats.num_rows
        pa.default_memory_pool().release_unused()
    meter.bytes = size_bytes


def _values(column: Any) -> list[Any]:
    """Return an Arrow array as a list of Python values, float lists as NumPy arrays."""
    import pyarrow as pa

    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
    if _is_list(kind) and pa.types.is_floating(kind.value_type):
        return _vectors(column)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    try:
        values: list[Any] = column.to_pylist(maps_as_pydicts="lossy")
    except (ValueError, OverflowError):
        return [_value(item) for item in column]
    return values


class _Unreadable:
    """Stands for a value that Python cannot hold."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py(maps_as_pydicts="lossy")
    except UnicodeDecodeError:
        return _Unreadable("not UTF-8 text")
    except (ValueError, OverflowError) as error:
        return _Unreadable(f"out of range: {_brief(error)}")


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _vectors(column: Any) -> list[Any]:
    import numpy as np
    import pyarrow as pa

    wide = pa.types.is_float64(column.type.value_type)
    dtype = np.float64 if wide else np.float32
    lengths = column.value_lengths().to_pylist()
    flat = column.flatten().to_numpy(zero_copy_only=False).astype(dtype, copy=False)
    vectors: list[Any] = []
    start = 0
    for length in lengths:
        if length is None:
            vectors.append(None)
            continue
        vectors.append(flat[start : start + length])
        start += length
    return vectors


def _brief(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200].rstrip(".") if str(error).strip() else "no text"
