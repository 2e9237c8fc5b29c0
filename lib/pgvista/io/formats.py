"""What kind of file it is, and how its text is encoded and delimited.

Everything here looks at the head of a file only; the readers cope with what comes later.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections import Counter
from enum import StrEnum

from charset_normalizer import from_bytes

from pgvista.errors import InvalidInput

HEAD_BYTES = 256 * 1024
"""How much of a file is looked at to tell its format."""

DELIMITERS = (",", ";", "\t", "|")


class FileFormat(StrEnum):
    """A kind of file that can be loaded."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    JSON = "json"
    PARQUET = "parquet"
    TXT = "txt"
    MD = "md"


SUFFIXES = {
    "csv": FileFormat.CSV,
    "tsv": FileFormat.TSV,
    "tab": FileFormat.TSV,
    "jsonl": FileFormat.JSONL,
    "ndjson": FileFormat.JSONL,
    "json": FileFormat.JSON,
    "parquet": FileFormat.PARQUET,
    "pq": FileFormat.PARQUET,
    "txt": FileFormat.TXT,
    "text": FileFormat.TXT,
    "md": FileFormat.MD,
    "markdown": FileFormat.MD,
}
"""The format each file name's end (lower case, without the dot) stands for."""

_LOADABLE = "Load CSV, TSV, JSONL, JSON, Parquet, TXT or Markdown."

_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "a PDF", "Save its text as TXT or Markdown, and load that."),
    (b"\x7fELF", "an executable program", _LOADABLE),
    (b"MZ", "an executable program", _LOADABLE),
    (b"\xfe\xed\xfa", "an executable program", _LOADABLE),
    (b"\xcf\xfa\xed\xfe", "an executable program", _LOADABLE),
    (b"\xca\xfe\xba\xbe", "an executable program", _LOADABLE),
    (b"\0asm", "an executable program", _LOADABLE),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Excel or Word file",
        "In its program, save the sheet as CSV or the text as TXT, and load that.",
    ),
    (b"\x1f\x8b", "compressed with gzip", "Unpack it, and load what is inside."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it, and load what is inside."),
    (b"BZh", "compressed with bzip2", "Unpack it, and load what is inside."),
    (b"\xfd7zXZ\0", "compressed with xz", "Unpack it, and load what is inside."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it, and load the files inside."),
    (b"Rar!\x1a\x07", "a RAR archive", "Unpack it, and load the files inside."),
    (b"\x89PNG\r\n", "a picture", _LOADABLE),
    (b"\xff\xd8\xff", "a picture", _LOADABLE),
    (b"GIF8", "a picture", _LOADABLE),
    (b"SQLite format 3\0", "an SQLite database", "Export its table as CSV, and load that."),
    (b"\x93NUMPY", "a NumPy array", "Save it as Parquet beside its ids or texts."),
    (b"\x89HDF\r\n", "an HDF5 file", "Save its table as Parquet, and load that."),
    (b"ARROW1\0\0", "an Arrow or Feather file", "Save it as Parquet, and load that."),
)
"""First bytes, what they give away, what to do instead."""


def detect(name: str, head: bytes) -> FileFormat:
    """Tell a file's format from its name and its first bytes; raise InvalidInput on no text.

    The content wins where it contradicts the name: a ``.json`` file of JSON lines is JSONL.
    Without a known suffix (pasted text has none) the content alone decides, TXT at last.
    `head` is what the file begins with, at best `HEAD_BYTES` of it.
    """
    shown = f"'{name}'" if name else "The text"
    _refuse_foreign(shown, head)
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    named = SUFFIXES.get(suffix)
    if head.startswith(b"PAR1"):
        return FileFormat.PARQUET
    if named is FileFormat.PARQUET:
        raise InvalidInput(
            f"{shown} is called Parquet, but does not begin as a Parquet file does.",
            "Export it again; the copy may have been cut short or converted.",
        )
    encoding = sniff_encoding(head)
    text = decode_head(head, encoding)
    if not text.strip("\ufeff \t\r\n\0"):
        raise InvalidInput(f"{shown} is empty.", "Choose a file that holds rows or text.")
    if _is_binary(text, encoding):
        raise InvalidInput(
            f"{shown} holds binary data, not text or a table in a known format.", _LOADABLE
        )
    if named in (FileFormat.TXT, FileFormat.MD):
        return named
    looks = _json_shape(text, named)
    if looks is not None:
        return looks
    if named is not None:
        return named
    if re.search(r"^#{1,6} \S", text, re.MULTILINE):
        return FileFormat.MD
    delimiter = sniff_delimiter(text)
    if delimiter is not None and _looks_like_table(text, delimiter):
        return FileFormat.TSV if delimiter == "\t" else FileFormat.CSV
    return FileFormat.TXT


def sniff_text(head: bytes) -> tuple[str, str | None]:
    """Return the encoding of `head` (a Python codec's name) and the delimiter of its columns.

    The delimiter is one of ``, ; tab |``, or None when no line is divided by any of them.
    """
    encoding = sniff_encoding(head)
    return encoding, sniff_delimiter(decode_head(head, encoding))


def sniff_encoding(head: bytes) -> str:
    """Return the name of the codec that `head` is most likely written in.

    A byte-order mark decides. A text whose non-ASCII lines are mostly valid UTF-8 is UTF-8, and
    its other lines are left to the reader to set aside. What is neither goes to
    charset-normalizer, with Western texts taken for cp1252 rather than one of its cousins.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return encoding
    if head.isascii() and b"\0" not in head:
        return "utf-8"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > 0.3 * len(head) / 2 and min(even, odd) < 0.05 * len(head) / 2:
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return _legacy_encoding(head)
    return "utf-8"


def _legacy_encoding(head: bytes) -> str:
    foreign = [line for line in head.splitlines() if not line.isascii()]
    valid = sum(_decodes(line) for line in foreign)
    if valid and valid >= len(foreign) - valid:
        return "utf-8"
    if (
        head.count(0) > 0.02 * len(head)
        and (best := from_bytes(head[: 32 * 1024]).best()) is not None
    ):
        return codecs.lookup(best.encoding).name
    sample = b"\n".join(line for line in foreign if not _decodes(line))[: 32 * 1024]
    try:
        western = sample.decode("cp1252")
    except UnicodeDecodeError:
        western = ""
    accented = [char for char in western if not char.isascii()]
    letters = sum(char.isalpha() for char in western)
    if accented and (
        sum(char in _WESTERN for char in accented) >= 0.9 * len(accented)
        and sum(char.isalpha() for char in accented) <= 0.35 * letters
    ):
        return "cp1252"
    best = from_bytes(sample).best()
    if best is None or best.encoding.startswith(("utf_16", "utf_32", "utf_7")):
        return "cp1252"
    return codecs.lookup(best.encoding).name


_WESTERN = frozenset(
    "àâäáãåæçéèêëíìîïñóòôöõøœúùûüßÀÂÄÁÅÆÇÉÈÊËÍÎÑÓÔÖØŒÚÜ€£§°«»“”„‘’‚–—…·©®™±²³µ½¿¡\xa0"
)


def _decodes(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def decode_head(head: bytes, encoding: str) -> str:
    """Decode a file's head leniently, without the character that its end may cut in two."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(head)


def sniff_delimiter(text: str) -> str | None:
    """Return which of ``, ; tab |`` divides the lines of `text` into columns, or None.

    For each candidate the beginning is read as CSV, so that delimiters and line ends within
    quotes do not count; the one that yields the same number of columns, above one, in the
    largest share of records wins, then the one that yields more columns.
    """
    sample = text[: 64 * 1024]
    whole = len(sample) == len(text)
    best: tuple[float, int, str] | None = None
    for delimiter in DELIMITERS:
        widths = _widths(sample, delimiter, whole=whole)
        if not widths:
            continue
        width, count = Counter(widths).most_common(1)[0]
        if width < 2:
            continue
        score = (round(count / len(widths), 2), width, delimiter)
        if best is None or score[:2] > best[:2]:
            best = score
    return best[2] if best is not None and best[0] >= 0.5 else None


def _widths(sample: str, delimiter: str, *, whole: bool) -> list[int]:
    """Count the fields of the first records of `sample`, without the last when it may be cut."""
    widths: list[int] = []
    reader = csv.reader(sample.splitlines(keepends=True), delimiter=delimiter)
    try:
        for fields in reader:
            if fields:
                widths.append(len(fields))
            if len(widths) > 200:
                break
    except csv.Error:
        pass
    if not whole and len(widths) > 1:
        widths.pop()
    return widths


def _looks_like_table(text: str, delimiter: str) -> bool:
    """Whether text without a telling name is a table rather than prose with commas."""
    sample = text[: 64 * 1024]
    widths = _widths(sample, delimiter, whole=len(sample) == len(text))
    if len(widths) < 2 or len(set(widths)) != 1:
        return False
    if delimiter == "\t":
        return True
    reader = csv.reader(sample.splitlines(keepends=True), delimiter=delimiter)
    header = next(fields for fields in reader if fields)
    return (
        len({cell.strip() for cell in header}) == len(header)
        and all(0 < len(cell) <= 64 for cell in header)
        and not header[-1].rstrip().endswith((".", "!", "?"))
        and not any(cell.count(" ") > 3 for cell in header)
    )


def _json_shape(text: str, named: FileFormat | None) -> FileFormat | None:
    """Tell JSON (one value over the file) from JSON lines; None when it is neither.

    In doubt it is JSON, whose reader also takes objects one after another.
    """
    body = text.lstrip("\ufeff \t\r\n")
    follows = body[1:].lstrip()[:1]
    lines = [line for line in body.split("\n", 64)[:64] if line.strip()]
    if body.startswith("["):
        complete = [_json_value(line) for line in lines[:-1]]
        if len(complete) > 1 and all(isinstance(value, list) for value in complete):
            return FileFormat.JSONL
        if follows in ("{", '"', "[", "]") or isinstance(_json_value(body), list):
            return FileFormat.JSON
    elif body.startswith("{") and follows in ('"', "}"):
        if len(lines) == 1:
            return FileFormat.JSONL if named is FileFormat.JSONL else FileFormat.JSON
        objects = [isinstance(_json_value(line), dict) for line in lines[:-1]]
        if objects[0] or sum(objects) > len(objects) / 2:
            return FileFormat.JSONL
        return FileFormat.JSON
    return FileFormat.JSONL if named is FileFormat.JSONL else None


def _json_value(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_binary(text: str, encoding: str) -> bool:
    """Whether decoded text is no text: many control or undecodable characters.

    A table with a stray NUL or a few lines in another encoding is text still; the readers set
    those rows aside.
    """
    nuls, replaced = text.count("\0"), text.count("\ufffd")
    controls = sum(text.count(char) for char in _CONTROLS)
    if encoding.startswith("utf"):
        return nuls + replaced + controls > 0.2 * len(text)
    return nuls > 0.2 * len(text) or replaced + controls > 0.03 * len(text)


_CONTROLS = [
    chr(code)
    for code in (*range(1, 32), *range(0x7F, 0xA0))
    if chr(code) not in "\t\n\r\f\b\x1b\x85"
]


def _refuse_foreign(shown: str, head: bytes) -> None:
    if not head:
        raise InvalidInput(f"{shown} is empty (0 bytes).", "Choose a file that holds rows or text.")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        if b"xl/" in head or shown.lower().endswith((".xlsx'", ".xlsm'")):
            raise InvalidInput(
                f"{shown} is an Excel workbook.",
                "In Excel, save the sheet as CSV UTF-8, and load that.",
            )
        if b"word/" in head or b"opendocument" in head[:200]:
            raise InvalidInput(
                f"{shown} is a word processor's or office document.",
                "In its program, save the text as TXT or the sheet as CSV, and load that.",
            )
        raise InvalidInput(f"{shown} is a ZIP archive.", "Unpack it, and load the files inside.")
    for magic, what, hint in _FOREIGN:
        if head.startswith(magic) and not (len(magic) < 4 and _plain(head)):
            raise InvalidInput(f"{shown} is {what}.", hint)


def _plain(head: bytes) -> bool:
    """Whether a head that begins like a program's two letters is plain text all the same."""
    return head.isascii() and b"\0" not in head
