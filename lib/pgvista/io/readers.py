"""One door for every file: `open_source` tells what it is and yields its records."""

from __future__ import annotations

import codecs
import io
import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Self

from pgvista.errors import InvalidInput, NotFound, PermissionDenied
from pgvista.io import delimited, formats, json_stream, parquet, plain_text
from pgvista.io.columns import ColumnKind, SourceColumn, describe_columns
from pgvista.io.formats import FileFormat
from pgvista.io.lines import Line, Meter, decoded_chunks, read_lines
from pgvista.model.rows import BadRow, Record

SAMPLE_ROWS = 200
"""Rows from which the columns and their kinds are told."""

_DELIMITED = (FileFormat.CSV, FileFormat.TSV)


class TextUnit(StrEnum):
    """What becomes one row of a TXT or Markdown file."""

    LINE = "line"
    PARAGRAPH = "paragraph"
    SECTION = "section"
    """What stands below a Markdown heading."""
    FILE = "file"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a person can set when a file is read; None is found out from the file."""

    format: FileFormat | None = None
    encoding: str | None = None
    """Name of a Python codec, e.g. ``utf-8`` or ``cp1252``."""
    delimiter: str | None = None
    """One character between the columns of a CSV or TSV file."""
    header: bool = True
    """Whether the first record of a CSV or TSV file names the columns."""
    unit: TextUnit | None = None
    """None: lines of TXT, sections of Markdown."""

    def __post_init__(self) -> None:
        """Refuse an encoding that does not exist and a delimiter that cannot be one."""
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
                "".encode(self.encoding)
            except (LookupError, TypeError):
                raise InvalidInput(
                    f"The encoding {self.encoding!r} is not known.",
                    "Try utf-8, utf-16, cp1252 or latin-1.",
                ) from None
        if self.delimiter is not None and (
            len(self.delimiter) != 1 or self.delimiter in '"\r\n\0 ' or not self.delimiter.isascii()
        ):
            raise InvalidInput(
                f"The delimiter {self.delimiter!r} cannot divide columns.",
                "Give one character, such as a comma, a semicolon, a tab or a bar.",
            )


class Source:
    """A file that was recognised, ready to be read from its beginning as often as wanted.

    One reading at a time where it was opened from a file object that is not in memory. Use it as
    a context manager, or call `close`, when it was opened from a pipe: its copy on disk goes then.
    """

    def __init__(self, raw: _Bytes, name: str, options: ReadOptions) -> None:
        self.name = name
        self.size_bytes = raw.size_bytes
        self._raw = raw
        self._options = options
        self._meter = Meter()
        with raw.open() as stream:
            head = stream.read(formats.HEAD_BYTES)
            self.format = options.format or formats.detect(name, head)
            """What kind of file it is."""
            self.encoding: str | None = None
            """Codec of its text; None for Parquet."""
            self.delimiter: str | None = None
            """What divides its columns; None unless CSV or TSV."""
            if options.format is not None:
                _check_forced(name, head, options.format)
            if self.format is not FileFormat.PARQUET:
                self.encoding = (
                    codecs.lookup(options.encoding).name
                    if options.encoding is not None
                    else formats.sniff_encoding(_telling(stream, head))
                )
        self._cr_only = b"\r" in head and b"\n" not in head
        if self.format in _DELIMITED and self.encoding is not None:
            text = formats.decode_head(head, self.encoding).removeprefix("\ufeff")
            tab = "\t" if self.format is FileFormat.TSV else ","
            self.delimiter = options.delimiter or formats.sniff_delimiter(text) or tab
        self._sample = list(itertools.islice(self._good(), SAMPLE_ROWS))
        self._meter = Meter()
        self.columns: tuple[SourceColumn, ...] = self._columns()
        """The columns of the first `SAMPLE_ROWS` rows, with the kind guessed for each."""

    @property
    def kinds(self) -> dict[str, ColumnKind]:
        """Kind by column for files of bare texts (CSV, TSV); else empty: their values have types."""
        textual = self.format in _DELIMITED
        return {column.name: column.kind for column in self.columns} if textual else {}

    def preview(self, n: int = 20) -> list[Record]:
        """Return the first `n` records that can be read."""
        if n <= len(self._sample) or len(self._sample) < SAMPLE_ROWS:
            return self._sample[:n]
        return list(itertools.islice(self._good(), n))

    def position(self) -> int:
        """Return how many of `size_bytes` the latest reading has taken in."""
        return min(self._meter.bytes, self.size_bytes)

    def records(self) -> Iterator[Record | BadRow]:
        """Yield every record, from the first on, in bounded memory.

        What cannot be read is a BadRow with its line and the reason. Raises InvalidInput when
        the file as a whole turns out to be no such file.
        """
        self._meter = Meter()
        return self._read(self._meter)

    def close(self) -> None:
        """Let go of a temporary copy."""
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _good(self) -> Iterator[Record]:
        return (row for row in self._read(Meter()) if isinstance(row, Record))

    def _columns(self) -> tuple[SourceColumn, ...]:
        found = describe_columns(self._sample, textual=self.format in _DELIMITED)
        if found:
            return found
        names: list[str] = []
        with self._raw.open() as stream:
            if self.format is FileFormat.PARQUET:
                names = parquet.parquet_columns(parquet.open_parquet(stream, self.name))
            elif self.delimiter is not None and self._options.header:
                names = delimited.header_names(self._lines(stream, Meter()), self.delimiter)
        return tuple(SourceColumn(name, ColumnKind.EMPTY) for name in names)

    def _lines(self, stream: BinaryIO, meter: Meter) -> Iterator[Line]:
        return read_lines(stream, self.encoding or "utf-8", meter, cr_only=self._cr_only)

    def _read(self, meter: Meter) -> Iterator[Record | BadRow]:
        with self._raw.open() as stream:
            if self.format is FileFormat.PARQUET:
                opened = parquet.open_parquet(stream, self.name)
                yield from parquet.read_parquet(opened, meter, self.size_bytes)
            elif self.format is FileFormat.JSON:
                chunks = decoded_chunks(stream, self.encoding or "utf-8", meter)
                yield from json_stream.JsonStream(chunks).rows()
            elif self.format is FileFormat.JSONL:
                yield from json_stream.read_jsonl(self._lines(stream, meter))
            elif self.delimiter is not None:
                yield from delimited.read_delimited(
                    self._lines(stream, meter), self.delimiter, header=self._options.header
                )
            else:
                yield from self._read_text(self._lines(stream, meter))

    def _read_text(self, lines: Iterator[Line]) -> Iterator[Record | BadRow]:
        markdown = self.format is FileFormat.MD
        unit = self._options.unit or (TextUnit.SECTION if markdown else TextUnit.LINE)
        stem = Path(self.name).stem or "text"
        if unit is TextUnit.SECTION:
            return plain_text.read_sections(lines, stem)
        if unit is TextUnit.FILE:
            return plain_text.read_whole(lines, stem)
        if unit is TextUnit.PARAGRAPH:
            return plain_text.read_paragraphs(lines)
        return plain_text.read_text_lines(lines)


def open_source(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    *,
    name: str | None = None,
    options: ReadOptions | None = None,
) -> Source:
    """Open a file by its path, its bytes, or as a binary file, and tell what is in it.

    A ``str`` is a path; pasted text comes as bytes, with or without a `name`. A binary file that
    cannot seek (a pipe) is copied to a temporary file first. Raises NotFound, PermissionDenied,
    or InvalidInput with the reason why it is nothing that can be loaded.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return Source(_FileBytes(path), name or path.name, options or ReadOptions())
    if isinstance(source, bytes | bytearray | memoryview):
        return Source(_HeldBytes(bytes(source)), name or "", options or ReadOptions())
    given = name if name is not None else os.path.basename(str(getattr(source, "name", "")))
    if isinstance(source, io.BytesIO):
        return Source(_HeldBytes(source.getvalue()), given, options or ReadOptions())
    return Source(_StreamBytes(source), given, options or ReadOptions())


class _Bytes:
    """Where the bytes of a source are: a file, the memory, or a stream."""

    size_bytes: int

    def open(self) -> Any:
        """Return a context manager that yields a binary stream at the beginning."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what is held."""


class _FileBytes(_Bytes):
    def __init__(self, path: Path) -> None:
        self._path = path
        with self.open() as stream:
            self.size_bytes = os.fstat(stream.fileno()).st_size

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        try:
            stream = self._path.open("rb")
        except FileNotFoundError:
            raise NotFound(f"There is no file '{self._path}'.", "Check the path.") from None
        except IsADirectoryError:
            raise InvalidInput(
                f"'{self._path}' is a folder.", "Give one of the files in it."
            ) from None
        except PermissionError:
            raise PermissionDenied(
                f"The file '{self._path}' may not be read.", "Change its permissions, or copy it."
            ) from None
        except (OSError, ValueError) as error:
            raise InvalidInput(f"'{self._path}' cannot be opened: {error}.") from None
        with stream:
            yield stream


class _HeldBytes(_Bytes):
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size_bytes = len(data)

    def open(self) -> Any:
        return io.BytesIO(self._data)


class _StreamBytes(_Bytes):
    def __init__(self, stream: BinaryIO) -> None:
        self._copied = not stream.seekable()
        if self._copied:
            copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
            while block := stream.read(1024 * 1024):
                copy.write(block)
            copy.seek(0)
            stream = copy
        self._stream = stream
        self._start = stream.tell()
        self.size_bytes = stream.seek(0, os.SEEK_END) - self._start

    def open(self) -> Any:
        self._stream.seek(self._start)
        return nullcontext(self._stream)

    def close(self) -> None:
        if self._copied:
            self._stream.close()


def _telling(stream: BinaryIO, head: bytes) -> bytes:
    """Return the part of a file that tells its encoding: the head, or the first non-ASCII part."""
    if not head.isascii():
        return head
    while block := stream.read(1024 * 1024):
        if not block.isascii():
            first = next(place for place, byte in enumerate(block) if byte > 127)
            return block[max(0, block.rfind(b"\n", 0, first)) :][: formats.HEAD_BYTES]
    return head


def _check_forced(name: str, head: bytes, wanted: FileFormat) -> None:
    """Refuse what cannot be read as the format a person chose."""
    found = formats.detect(name if wanted is not FileFormat.PARQUET else "", head)
    if (found is FileFormat.PARQUET) != (wanted is FileFormat.PARQUET):
        raise InvalidInput(
            f"'{name}' is {found.value}, and cannot be read as {wanted.value}.",
            "Leave the format to be found out.",
        )
