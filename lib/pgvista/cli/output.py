"""What the command prints: JSON, tables and sentences."""

from __future__ import annotations

import json
import re
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import click

from pgvista.errors import PgvistaError


def print_json(value: Any) -> None:
    """Print one JSON document on standard output."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    text = json.dumps(
        value, ensure_ascii=not encoding.startswith("utf"), allow_nan=False, indent=2, default=str
    )
    click.echo(text)


def tell(sentence: str) -> None:
    """Print a sentence on standard error."""
    click.echo(printable(sentence), err=True)


def errors_on_stderr(error: PgvistaError) -> None:
    """Print what happened, and what to do next, on standard error."""
    tell(f"Error: {without_passwords(error.message)}")
    if error.hint:
        tell(without_passwords(error.hint))


def without_passwords(text: str) -> str:
    """Hide what looks like a password in a URL or in libpq's key=value text."""
    text = re.sub(r"(\w+:/{1,2}[^\s:/@]*):[^\s@]*@", r"\1:***@", text)
    return re.sub(r"(?i)\b((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&'\"]+)", r"\1***", text)


def printable(text: str) -> str:
    """Return `text` without control characters, which could steer the terminal, on one line."""
    kept = (" " if char in "\t\n\r\f\v" else char for char in text)
    return "".join(char for char in kept if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))


def width() -> int:
    """Return the columns of the terminal; 100 where there is none."""
    return max(40, shutil.get_terminal_size((100, 24)).columns)


def cells(text: str) -> int:
    """Return the terminal columns that `text` takes: two for a wide character, none for an accent."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def cut(text: str, room: int) -> str:
    """Return `text` in at most `room` columns, with an ellipsis where it was cut."""
    if cells(text) <= room:
        return text
    taken = ""
    for char in text:
        if cells(taken + char) > room - 1:
            break
        taken += char
    return taken.rstrip() + "…"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int]) -> str:
    """Return aligned columns; those in `right` are set to the right, as numbers are."""
    widths = [max(cells(row[place]) for row in [header, *rows]) for place in range(len(header))]

    def line(row: Sequence[str]) -> str:
        parts = []
        for place, cell in enumerate(row):
            space = " " * (widths[place] - cells(cell))
            parts.append(space + cell if place in right else cell + space)
        return "  ".join(parts).rstrip()

    return "\n".join([click.style(line(header), bold=True), *map(line, rows)])


def size(count: int) -> str:
    """Return bytes for people, e.g. "1.4 MB"."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
