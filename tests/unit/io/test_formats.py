"""Formats, encodings and delimiters are told from a file's name and head."""

import random

import pytest

from pgvista.errors import InvalidInput
from pgvista.io.formats import FileFormat, detect, sniff_delimiter, sniff_text


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.csv", b"id,text\n1,x\n", FileFormat.CSV),
        ("a.CSV", b"id;text\n1;x\n", FileFormat.CSV),
        ("a.tsv", b"id\ttext\n1\tx\n", FileFormat.TSV),
        ("a.jsonl", b'{"id": 1}\n{"id": 2}\n', FileFormat.JSONL),
        ("a.ndjson", b'{"id": 1}', FileFormat.JSONL),
        ("a.json", b'[{"id": 1}]', FileFormat.JSON),
        ("a.json", b'{"id": 1}\n{"id": 2}\n', FileFormat.JSONL),
        ("a.json", b'{"rows": [\n{"id": 1},\n{"id": 2}\n]}', FileFormat.JSON),
        ("a.json", b'{"rows": [{"id": 1}]}', FileFormat.JSON),
        ("a.jsonl", b'{broken\n{"id": 2}\n', FileFormat.JSONL),
        ("a.csv", b'[{"id": 1}]', FileFormat.JSON),
        ("a.parquet", b"PAR1....", FileFormat.PARQUET),
        ("data", b"PAR1....", FileFormat.PARQUET),
        ("a.txt", b"one, two\nthree, four\n", FileFormat.TXT),
        ("a.md", b"no heading", FileFormat.MD),
        ("", b"id,text\n1,a thing\n", FileFormat.CSV),
        ("", b"id\ttext\n1\ta thing\n", FileFormat.TSV),
        ("", b"# Title\n\ntext\n", FileFormat.MD),
        ("", b"Hello, world.\nHow are you, friend?\n", FileFormat.TXT),
        ("", b"{curly} prose", FileFormat.TXT),
        ("", b'[{"text": "a"}]', FileFormat.JSON),
        ("notes.log", b"one line\n", FileFormat.TXT),
        ("straße.csv", "größe;wert\n1;2\n".encode(), FileFormat.CSV),
    ],
)
def test_detect(name: str, head: bytes, expected: FileFormat) -> None:
    assert detect(name, head) is expected


@pytest.mark.parametrize(
    ("name", "head", "said"),
    [
        ("a.csv", b"", "is empty (0 bytes)"),
        ("a.csv", b" \n\n", "is empty"),
        ("a.csv", b"\xef\xbb\xbf", "is empty"),
        ("a.bin", random.Random(1).randbytes(5000), "holds binary data"),
        ("a.csv", random.Random(2).randbytes(60), "holds binary data"),
        ("a.txt", b"\x00\x01\x02\x03" * 100, "holds binary data"),
        ("run", b"\x7fELF\x02\x01\x01", "is an executable program"),
        ("run.exe", b"MZ\x90\x00\x03", "is an executable program"),
        ("a.zip", b"PK\x03\x04rest", "is a ZIP archive"),
        ("a.xlsx", b"PK\x03\x04[Content_Types].xml", "is an Excel workbook"),
        ("a.csv", b"PK\x03\x04xl/workbook.xml", "is an Excel workbook"),
        ("a.docx", b"PK\x03\x04word/document.xml", "word processor"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        ("a.txt", b"%PDF-1.7\n", "is a PDF"),
        ("a.csv.gz", b"\x1f\x8b\x08", "compressed with gzip"),
        ("a.parquet", b"id,text\n", "does not begin as a Parquet file does"),
    ],
)
def test_refused(name: str, head: bytes, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        detect(name, head)
    assert said in caught.value.message
    assert name in caught.value.message
    assert caught.value.hint


def test_text_that_begins_like_a_program_is_text() -> None:
    assert detect("a.txt", b"MZ is the mark of a program") is FileFormat.TXT
    assert detect("a.txt", b"BZh is the mark of bzip2") is FileFormat.TXT


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b"plain", "utf-8"),
        ("über".encode(), "utf-8"),
        ("über".encode("utf-8-sig"), "utf-8-sig"),
        ("über alles".encode("utf-16"), "utf-16"),
        ("über alles".encode("utf-16-le"), "utf-16-le"),
        ("über alles".encode("utf-16-be"), "utf-16-be"),
        ("über alles".encode("utf-32"), "utf-32"),
        ("id,text\n1,café\n2,Größe\n".encode("cp1252"), "cp1252"),
        ("price,text\n5 €,a “quoted” text – dash\n".encode("cp1252"), "cp1252"),
        ("Привет мир, это довольно длинный текст\n".encode("cp1251"), "cp1251"),
        ("ü fine\nö fine\n".encode() + b"caf\xe9\n", "utf-8"),
        (("ü" * 10).encode()[:-1], "utf-8"),
    ],
)
def test_encoding(head: bytes, encoding: str) -> None:
    assert sniff_text(head)[0] == encoding


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1, 2\t3\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('a,b\n1,"x;y;z\nand; more"\n2,"p;q;r"\n', ","),
        ("one column\nalone\n", None),
    ],
)
def test_delimiter(text: str, delimiter: str | None) -> None:
    assert sniff_delimiter(text) == delimiter
