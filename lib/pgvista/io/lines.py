"""The lines of a text file, decoded one at a time, so that one bad line spoils no other."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MAX_LINE_BYTES = 64 * 1024 * 1024
"""A longer line is set aside: it must fit into memory."""

RAW_CHARS = 500
"""How much of a bad row is kept to be shown."""

_CHUNK_BYTES = 64 * 1024
_WIDE = ("utf-16", "utf-32")


class Line(NamedTuple):
    """One line with its end; `problem` says why it cannot be read, else it is empty."""

    number: int
    """Line of the file, from 1."""
    text: str
    problem: str


class Meter:
    """Counts the bytes that a reader has taken in."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0


def cut_raw(text: str) -> str:
    """Return the first `RAW_CHARS` characters of a bad row, made safe to show and store."""
    cut = text[:RAW_CHARS].rstrip("\r\n")
    try:
        # Bytes that did not decode are lone surrogates here: show them as bytes.
        shown = cut.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        shown = cut.encode("utf-8", "backslashreplace").decode("utf-8")
    return shown.replace("\0", "\\x00")


def read_lines(stream: BinaryIO, encoding: str, meter: Meter, *, cr_only: bool) -> Iterator[Line]:
    r"""Yield the lines of `stream`, each ending in ``\n`` but perhaps the last.

    Bytes that are not `encoding` and NUL characters make a line's `problem`; undecodable bytes are
    kept as lone surrogates so that quotes around them still pair. `cr_only` is for texts whose
    lines end in a bare carriage return.
    """
    if encoding.startswith(_WIDE) or cr_only:
        yield from _decoded_lines(stream, encoding, meter, "\r" if cr_only else "\n")
        return
    codec = "utf-8" if encoding == "utf-8-sig" else encoding
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES):
        number += 1
        meter.bytes += len(raw)
        if len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n"):
            text = raw[: 4 * RAW_CHARS].decode(codec, "replace")
            while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                meter.bytes += len(rest)
            meter.bytes += len(rest)
            yield Line(number, text + "\n", _too_long())
            continue
        problem = ""
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError as error:
            problem = (
                f"holds the byte 0x{raw[error.start]:02X} at position {error.start + 1}, "
                f"which is not {encoding_name(encoding)} text"
            )
            text = raw.decode(codec, "surrogateescape")
        if number == 1 and text.startswith("\ufeff"):
            text = text[1:]
        if "\0" in text:
            problem = problem or NUL_REASON
        yield Line(number, text, problem)


NUL_REASON = "holds a NUL character, which Postgres cannot store"


def encoding_name(encoding: str) -> str:
    """Return a codec's name as people write it."""
    return {"utf-8-sig": "UTF-8", "utf-8": "UTF-8"}.get(encoding, encoding.upper())


def _too_long() -> str:
    return f"is longer than {MAX_LINE_BYTES // 2**20} MB"


def decoded_chunks(
    stream: BinaryIO, encoding: str, meter: Meter, *, chunk_bytes: int = _CHUNK_BYTES
) -> Iterator[str]:
    """Yield the text of `stream` by chunks; bytes that are not `encoding` come as lone surrogates."""
    errors = "surrogatepass" if encoding.startswith(_WIDE) else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    first = True
    while True:
        raw = stream.read(chunk_bytes)
        meter.bytes += len(raw)
        try:
            text = decoder.decode(raw, not raw)
        except UnicodeDecodeError:
            # A wide encoding with half a character at its end, or with what is no character.
            text = raw.decode(encoding, "replace") + "\udcff"
            decoder.reset()
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        if text:
            yield text
        if not raw:
            return


def has_surrogate(text: str) -> bool:
    """Whether `text` holds a lone surrogate, that is, cannot be written as UTF-8."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _decoded_lines(stream: BinaryIO, encoding: str, meter: Meter, end: str) -> Iterator[Line]:
    number = 0
    parts: list[str] = []
    held = 0
    for chunk in decoded_chunks(stream, encoding, meter):
        pieces = chunk.split(end)
        for piece in pieces[:-1]:
            number += 1
            too_long = held > MAX_LINE_BYTES
            text = piece if not parts else "".join((*parts, piece))
            parts, held = [], 0
            yield _line(number, text + "\n", encoding, too_long)
        held += len(pieces[-1])
        if pieces[-1] and (held <= MAX_LINE_BYTES or not parts):
            parts.append(pieces[-1])
    if parts:
        yield _line(number + 1, "".join(parts), encoding, held > MAX_LINE_BYTES)


def _line(number: int, text: str, encoding: str, too_long: bool) -> Line:
    problem = ""
    if too_long:
        problem = _too_long()
    elif has_surrogate(text):
        problem = f"holds bytes that are not {encoding_name(encoding)} text"
    elif "\0" in text:
        problem = NUL_REASON
    return Line(number, text, problem)
