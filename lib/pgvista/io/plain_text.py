"""Plain text and Markdown, cut into records."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from pgvista.io.json_stream import CONTENT
from pgvista.io.lines import Line, cut_raw
from pgvista.model.rows import BadRow, Record

MAX_TEXT_CHARS = 64 * 1024 * 1024
"""A longer paragraph, section or file is set aside: it must fit into memory."""


def read_text_lines(lines: Iterator[Line]) -> Iterator[Record | BadRow]:
    """Yield a record (column ``content``) for each line that is not blank."""
    for number, text, problem in lines:
        if problem:
            yield BadRow(number, f"The line {problem}.", cut_raw(text))
        elif content := text.strip():
            yield Record({CONTENT: content}, number)


def read_paragraphs(lines: Iterator[Line]) -> Iterator[Record | BadRow]:
    """Yield a record (column ``content``) for each run of lines between blank ones."""
    for part in _runs(lines):
        row = part.row({})
        if row is not None:
            yield row


def read_whole(lines: Iterator[Line], stem: str) -> Iterator[Record | BadRow]:
    """Yield the whole text as one record: columns ``id`` (the file's name) and ``content``."""
    part = _Part(1)
    for line in lines:
        part.add(line)
    row = part.row({"id": stem})
    if row is not None:
        yield row


def read_sections(lines: Iterator[Line], stem: str) -> Iterator[Record | BadRow]:
    """Yield a record for each section of a Markdown text.

    Columns: ``id`` (the file's name and the slugs of the headings, the same on each reading),
    ``title`` (the headings above it, joined by " > ") and ``content``. A heading with nothing
    below it but deeper headings has no record of its own. Headings within fenced code are code,
    and front matter between ``---`` lines is left out.
    """
    seen: dict[str, int] = {}
    path: list[tuple[int, str]] = []
    part = _Part(1)

    def finish(next_level: int) -> Record | BadRow | None:
        titles = [title for _, title in path]
        if part.blank() and titles and next_level <= path[-1][0]:
            part.add(Line(part.line, titles[-1], ""))
        slug = "/".join(filter(None, (slugify(stem), *map(slugify, titles))))
        row = part.row({"id": slug, "title": " > ".join(titles) or stem})
        if isinstance(row, Record):
            seen[slug] = seen.get(slug, 0) + 1
            if seen[slug] > 1:
                return Record({**row.values, "id": f"{slug}-{seen[slug]}"}, row.line)
        return row

    for line, level, title in _headings(lines):
        if not level:
            part.add(line)
            continue
        if (row := finish(level)) is not None:
            yield row
        while path and path[-1][0] >= level:
            path.pop()
        path.append((level, title))
        part = _Part(line.number)
    if (row := finish(0)) is not None:
        yield row


def slugify(text: str) -> str:
    """Return `text` in lower case with a hyphen for all that is no letter or digit."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"[\W_]+", "-", folded).strip("-")


_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_NO_TITLE = re.compile(r"\s*$|\s*([-*+>|#]|\d+[.)])(\s|$)|\s{4}|\|")


def _headings(lines: Iterator[Line]) -> Iterator[tuple[Line, int, str]]:
    """Yield each line with the level and title of the heading it is, or level 0."""
    fence = ""
    front_matter = False
    held: Line | None = None
    for line in lines:
        text = line.text.rstrip("\r\n")
        if line.number == 1 and text.strip() == "---":
            front_matter = True
            continue
        if front_matter:
            front_matter = text.strip() not in ("---", "...")
            continue
        marks = _FENCE.match(text)
        if fence:
            if marks and marks[1].startswith(fence) and not text.strip(" `~"):
                fence = ""
        elif marks:
            fence = marks[1]
        elif held is not None and (under := _SETEXT.match(text)) and not _NO_TITLE.match(held.text):
            yield held, 1 if under[1][0] == "=" else 2, held.text.strip()
            held = None
            continue
        elif heading := _ATX.match(text):
            if held is not None:
                yield held, 0, ""
                held = None
            yield line, len(heading[1]), (heading[2] or "").strip()
            continue
        if held is not None:
            yield held, 0, ""
        held = line
    if held is not None:
        yield held, 0, ""


class _Part:
    """Lines that will be one record."""

    def __init__(self, line: int) -> None:
        self.line = line
        self._texts: list[str] = []
        self._chars = 0
        self._problem = ""

    def add(self, line: Line) -> None:
        if line.problem and not self._problem:
            self._problem = f"Line {line.number} {line.problem}."
        self._chars += len(line.text)
        if self._chars > MAX_TEXT_CHARS:
            self._problem = f"The text is longer than {MAX_TEXT_CHARS // 2**20} million characters."
            del self._texts[10:]
        else:
            self._texts.append(line.text)

    def blank(self) -> bool:
        return not self._problem and not any(text.strip() for text in self._texts)

    def row(self, values: dict[str, str]) -> Record | BadRow | None:
        """Return the record, with the text added to `values`; None when it is blank."""
        if self._problem:
            return BadRow(self.line, self._problem, cut_raw("".join(self._texts)))
        content = "".join(self._texts).replace("\r\n", "\n").strip()
        return Record({**values, CONTENT: content}, self.line) if content else None


def _runs(lines: Iterator[Line]) -> Iterator[_Part]:
    part: _Part | None = None
    for line in lines:
        if line.text.strip():
            part = part or _Part(line.number)
            part.add(line)
        elif part is not None:
            yield part
            part = None
    if part is not None:
        yield part
