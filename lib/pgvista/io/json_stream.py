"""JSON lines, and JSON documents read element by element over a sliding buffer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

from pgvista.errors import InvalidInput
from pgvista.io.lines import Line, cut_raw, has_surrogate
from pgvista.model.rows import BadRow, Record

MAX_ELEMENT_CHARS = 64 * 1024 * 1024
"""A larger element is set aside: it must fit into memory."""

CONTENT = "content"
"""The column that a bare string becomes."""

_UNDECODABLE = "The row holds bytes that are not text in the file's encoding."
_KINDS = {
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "NoneType": "null",
    "list": "a list",
}


def read_jsonl(lines: Iterator[Line]) -> Iterator[Record | BadRow]:
    """Yield a record for each line that holds a JSON object, or a string (column ``content``)."""
    loads = json.loads
    for number, text, problem in lines:
        if problem:
            if text.strip():
                yield BadRow(number, f"The line {problem}.", cut_raw(text))
            continue
        try:
            value = loads(text)
        except JSONDecodeError as error:
            if text.strip():
                reason = f"The line is not JSON: {error.msg} at character {error.colno}."
                yield BadRow(number, reason, cut_raw(text))
            continue
        except (ValueError, RecursionError) as error:
            yield BadRow(number, _too_big(error), cut_raw(text))
            continue
        if type(value) is dict:
            yield Record(value, number)
        else:
            yield _record(value, number, text)


def _record(value: Any, line: int, raw: str) -> Record | BadRow:
    if isinstance(value, dict):
        return Record(value, line)
    if isinstance(value, str):
        return Record({CONTENT: value}, line)
    kind = _KINDS[type(value).__name__]
    return BadRow(line, f"The row is {kind}, where an object or a text is needed.", cut_raw(raw))


def _too_big(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The row is nested too deeply."
    return "The row holds a number with too many digits."


class JsonStream:
    """The rows of one JSON document.

    Understood are an array of objects (or strings), an object with such an array in it, an object
    of objects by their ids, a single object, and objects one after another. At most
    `MAX_ELEMENT_CHARS` are held at once, usually two chunks.
    """

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._counted = 0
        self._ended = False
        self._decode = json.JSONDecoder().raw_decode

    def rows(self) -> Iterator[Record | BadRow]:
        """Yield the rows, those that cannot be read as BadRow with the line they begin on.

        Raises InvalidInput when the text as a whole is no JSON document with rows.
        """
        while (char := self._peek()) != "":
            if char == "[":
                self._at += 1
                yield from self._array()
            elif char == "{":
                yield from self._top_object()
            elif char == ",":
                self._at += 1
            else:
                line = self._line_here()
                try:
                    value, raw = self._element()
                except _Broken as broken:
                    yield BadRow(line, broken.reason, cut_raw(self._buffer[self._at :]))
                    return
                yield _record(value, line, raw)

    def _array(self) -> Iterator[Record | BadRow]:
        """Yield the elements of the array that has just been opened."""
        while True:
            char = self._peek()
            if char == "":
                yield BadRow(self._line_here(), "The file ends before its list is closed.")
                return
            if char in "],":
                self._at += 1
                if char == "]":
                    return
                continue
            line = self._line_here()
            try:
                value, raw = self._element()
            except _Broken as broken:
                rest = cut_raw(self._buffer[self._at : self._at + 600])
                if (skipped := self._skip_element()) is not None:
                    yield BadRow(line, broken.reason, cut_raw(skipped))
                    continue
                yield BadRow(line, f"{broken.reason} The rest of the file is unreadable.", rest)
                self._at, self._ended = len(self._buffer), True
                self._chunks = iter(())
                return
            if has_surrogate(raw):
                yield BadRow(line, _UNDECODABLE, cut_raw(raw))
            elif "\0" in raw:
                yield BadRow(line, "The row holds a NUL character.", cut_raw(raw))
            else:
                yield _record(value, line, raw)

    def _top_object(self) -> Iterator[Record | BadRow]:
        """Yield the rows inside the object that begins here: an array, by id, or itself."""
        first = self._line_here()
        self._at += 1
        scalars: dict[str, Any] = {}
        by_id: list[tuple[str, dict[str, Any], int]] = []
        streaming = found = False
        while True:
            char = self._peek()
            if char in ("}", ""):
                if char == "":
                    yield BadRow(self._line_here(), "The file ends before its object is closed.")
                self._at += 1
                break
            if char == ",":
                self._at += 1
                continue
            key = self._key()
            line = self._line_here()
            opens = self._peek()
            if opens == "[" and not found and self._array_has_rows():
                self._at += 1
                found = True
                by_id.clear()
                yield from self._array()
                continue
            try:
                value, raw = self._element()
            except _Broken as broken:
                skipped = self._skip_element() if opens == "{" else None
                if skipped is not None:
                    yield BadRow(line, broken.reason, cut_raw(skipped))
                    continue
                raise InvalidInput(
                    f"The file is not valid JSON in line {line}: {broken.reason}",
                    "Mend it there, or save it as JSON lines.",
                ) from None
            if found:
                continue
            if isinstance(value, dict) and not scalars:
                if has_surrogate(raw):
                    yield BadRow(line, _UNDECODABLE, cut_raw(raw))
                elif streaming:
                    yield _keyed(key, value, line)
                else:
                    by_id.append((key, value, line))
                    if len(by_id) >= 50:
                        streaming = True
                        yield from (_keyed(*item) for item in by_id)
                        by_id.clear()
            else:
                scalars[key] = value
        if found or streaming:
            return
        if by_id and not scalars:
            yield from (_keyed(*item) for item in by_id)
        elif by_id or scalars:
            yield Record({key: value for key, value, _ in by_id} | scalars, first)

    def _key(self) -> str:
        line = self._line_here()
        try:
            key, _ = self._element(after=":")
        except _Broken:
            key = None
        if not isinstance(key, str) or self._peek() != ":":
            raise InvalidInput(
                f"The file is not valid JSON: a name in quotes and a colon are missing in line {line}.",
                "Mend it there, or save it as JSON lines.",
            )
        self._at += 1
        return key

    def _array_has_rows(self) -> bool:
        """Whether the array that begins here begins with an object or is a list of strings."""
        while True:
            begin = re.compile(r"\[\s*(.)", re.DOTALL).match(self._buffer, self._at)
            if begin is not None or not self._more():
                return begin is not None and begin[1] == "{"

    def _element(self, after: str = ",]}") -> tuple[Any, str]:
        """Decode the value that begins here, and return it with its text."""
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
            except JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated string") or (
                    error.pos >= len(self._buffer) - 32
                )
                if cut and self._room() and self._more(double=True):
                    continue
                where = self._line + self._buffer.count("\n", self._counted, error.pos)
                raise _Broken(f"The row is not JSON: {error.msg} in line {where}.") from None
            except (ValueError, RecursionError) as error:
                raise _Broken(_too_big(error)) from None
            # A number at the buffer's end may go on in the next chunk.
            if end == len(self._buffer) and self._more():
                continue
            raw = self._buffer[self._at : end]
            self._at = end
            follows = self._peek()
            if follows and follows not in after and after == ",]}" and follows not in '{["':
                raise _Broken(f"The row is followed by {follows!r} where a comma is needed.")
            return value, raw

    def _skip_element(self) -> str | None:
        """Go behind the broken value that begins here and return it; None when it has no end."""
        while True:
            start, depth = self._at, 0
            for match in _TOKEN.finditer(self._buffer, start):
                mark = match[0]
                if mark in ("{", "["):
                    depth += 1
                elif mark in ("}", "]"):
                    depth -= 1
                    if depth <= 0:
                        self._at = match.end() if depth == 0 else match.start()
                        skipped = self._buffer[start : self._at]
                        return skipped if skipped and self._peek() in (",", "]", "}") else None
                elif mark == "," and depth == 0 and match.start() > start:
                    self._at = match.start()
                    return self._buffer[start : self._at]
            if not self._room() or not self._more(double=True):
                return None

    def _peek(self) -> str:
        """Return the next character that is no white space, and go to it; "" at the end."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _room(self) -> bool:
        return len(self._buffer) - self._at < MAX_ELEMENT_CHARS

    def _more(self, *, double: bool = False) -> bool:
        """Read on, as much again as is held when `double`; drop what is done. False at the end."""
        if self._ended:
            return False
        self._line_here()
        parts = [self._buffer[self._at :]]
        wanted = len(parts[0]) if double else 1
        while wanted > 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._ended = True
                break
            parts.append(chunk)
            wanted -= len(chunk)
        grown = len(parts) > 1
        self._buffer, self._at, self._counted = "".join(parts), 0, 0
        return grown

    def _line_here(self) -> int:
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line


_SPACE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*(?:"|\Z)|[{}\[\],]')


def _keyed(key: str, value: dict[str, Any], line: int) -> Record:
    """Return an object as a record with the key it stood under, as ``id`` where that is free."""
    return Record({"key" if "id" in value else "id": key, **value}, line)


class _Broken(Exception):
    """A value cannot be decoded."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
