"""CSV and its relatives, record by record."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator

from pgvista.errors import InvalidInput
from pgvista.io.lines import Line, cut_raw
from pgvista.model.rows import BadRow, Record

MAX_FIELD_CHARS = 16 * 1024 * 1024
"""A longer field is set aside; so far a quote may stay open."""


def unique_names(names: list[str]) -> list[str]:
    """Name empty columns by their place (``column_3``) and number those called alike (``a_2``)."""
    taken: set[str] = set()
    result = []
    given = {name.strip() for name in names}
    for place, name in enumerate(names, start=1):
        base = name.strip() or f"column_{place}"
        candidate, suffix = base, 2
        while candidate in taken or (suffix > 2 and candidate in given):
            candidate = f"{base}_{suffix}"
            suffix += 1
        taken.add(candidate)
        result.append(candidate)
    return result


def read_delimited(
    lines: Iterator[Line], delimiter: str, *, header: bool
) -> Iterator[Record | BadRow]:
    """Yield the records of a delimited text whose first record names the columns, or not.

    Without `header` the columns are ``column_1``, ``column_2`` and so on, as many as the first
    record has fields. A record's line is the one it begins on. Set aside are records with another
    number of fields, with unreadable bytes, and lines that open a quote which never closes: the
    lines after such a one are read again on their own. Raises InvalidInput when the header itself
    cannot be read.
    """
    csv.field_size_limit(max(MAX_FIELD_CHARS, csv.field_size_limit()))
    names: list[str] | None = None
    for fields, taken in _records(lines, delimiter):
        line = taken[0].number
        if isinstance(fields, str):
            if names is None and header:
                raise InvalidInput(
                    f"The header in line {line} cannot be read: it {fields}.",
                    "Mend the first line of the file, or choose another encoding or delimiter.",
                )
            yield BadRow(line, f"The row {fields}.", _raw(taken))
            continue
        if not fields:
            continue
        if names is None:
            names = unique_names(fields if header else [""] * len(fields))
            if header:
                continue
        surplus = len(fields) - len(names)
        if surplus > 0 and not any(fields[len(names) :]):
            surplus = 0
        if surplus == 0:
            yield Record(dict(zip(names, fields, strict=False)), line)
        else:
            count = f"{len(fields):,} field{'s' if len(fields) != 1 else ''}"
            expected = "the header" if header else "the first row"
            yield BadRow(
                line, f"The row has {count}, but {expected} has {len(names):,}.", _raw(taken)
            )


def header_names(lines: Iterator[Line], delimiter: str) -> list[str]:
    """Return the column names of a delimited text's header; empty when there is none."""
    for fields, _ in _records(lines, delimiter):
        if isinstance(fields, list) and fields:
            return unique_names(fields)
    return []


def _records(lines: Iterator[Line], delimiter: str) -> Iterator[tuple[list[str] | str, list[Line]]]:
    """Yield each record's fields, or what is wrong with it, and the lines it was read from."""
    pending: deque[Line] = deque()
    taken: list[Line] = []
    ended = False

    def feed() -> Iterator[str]:
        nonlocal ended
        while True:
            if pending:
                line = pending.popleft()
            else:
                following = next(lines, None)
                if following is None:
                    ended = True
                    return
                line = following
            taken.append(line)
            yield line.text

    reader = csv.reader(feed(), delimiter=delimiter)
    while True:
        open_quote = False
        problem = ""
        fields: list[str] = []
        try:
            fields = next(reader)
            open_quote = ended
        except StopIteration:
            return
        except csv.Error as error:
            open_quote = len(taken) > 1 and "field limit" in str(error)
            problem = _explain(error)
        if open_quote:
            pending.extendleft(reversed(taken[1:]))
            del taken[1:]
            problem = "opens a quote that never closes"
            ended = False
            reader = csv.reader(feed(), delimiter=delimiter)
        for line in taken:
            if line.problem:
                where = f" (line {line.number})" if line is not taken[0] else ""
                problem = line.problem + where
                break
        yield problem or fields, taken
        taken.clear()


def _explain(error: csv.Error) -> str:
    text = str(error)
    if "field limit" in text:
        return f"has a field longer than {MAX_FIELD_CHARS // 2**20} million characters"
    if "new-line character" in text:
        return "has a bare carriage return outside quotes"
    return f"is not CSV: {text}"


def _raw(taken: list[Line]) -> str:
    text = taken[0].text
    for line in taken[1:]:
        if len(text) > 500:
            break
        text += line.text
    return cut_raw(text)
