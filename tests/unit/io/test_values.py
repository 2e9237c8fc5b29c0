"""Ids, texts, metadata and structured columns fit into Postgres, or say why not."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pgvista.errors import InvalidInput
from pgvista.io.values import column_parser, content_text, id_text, json_safe

UTC = dt.UTC
SOME_UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        (" a ", " a "),
        ("3.0", "3.0"),
        (7, "7"),
        (3.0, "3"),
        (3.5, "3.5"),
        (2**70, str(2**70)),
        (np.int64(5), "5"),
        (np.float32(5), "5"),
        (Decimal("4.0"), "4"),
        (SOME_UUID, str(SOME_UUID)),
        (dt.date(2024, 1, 2), "2024-01-02"),
        ("标识 🐘", "标识 🐘"),
    ],
)
def test_id(value: Any, text: str) -> None:
    assert id_text(value) == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "missing"),
        ("", "missing"),
        ("  ", "missing"),
        (float("nan"), "missing"),
        (pd.NA, "missing"),
        (True, "true or false"),
        (b"a", "binary data"),
        ([1], "a list"),
        ({}, "an object"),
        ("a\0b", "NUL"),
        ("a\ud800", "surrogate"),
        ("x" * 3000, "longer than 2,600 bytes"),
        ("ä" * 1500, "longer than 2,600 bytes"),
    ],
)
def test_no_id(value: Any, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        id_text(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a text", "a text"),
        ("", None),
        (" \n", None),
        (None, None),
        (float("nan"), None),
        (5, "5"),
        (2.0, "2"),
        (["a", "ä"], '["a", "ä"]'),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_content(value: Any, text: str | None) -> None:
    assert content_text(value) == text


@pytest.mark.parametrize("value", ["a\0", "\udc80", b"bytes", ["a\0"]])
def test_no_content(value: Any) -> None:
    with pytest.raises(InvalidInput):
        content_text(value)


def test_json_safe() -> None:
    given = {
        "nan": float("nan"),
        "inf": -float("inf"),
        "big": 2**80,
        "date": dt.date(2024, 1, 2),
        "at": dt.datetime(2024, 1, 2, 3, 4, tzinfo=UTC),
        "stamp": pd.Timestamp("2024-01-02"),
        "nat": pd.NaT,
        "na": pd.NA,
        "np": np.float32(1.5),
        "npi": np.int64(3),
        "npb": np.bool_(True),
        "npd": np.datetime64("2024-01-02T03:04:05"),
        "array": np.array([1.0, float("nan")]),
        "deep": {"a": [1, (2, {3})]},
        "decimal": Decimal("1.5"),
        "uuid": SOME_UUID,
        "empty": "",
        "none": None,
        7: "key",
    }
    assert json_safe(given, "metadata") == {
        "nan": None,
        "inf": None,
        "big": 2**80,
        "date": "2024-01-02",
        "at": "2024-01-02T03:04:00+00:00",
        "stamp": "2024-01-02T00:00:00",
        "nat": None,
        "na": None,
        "np": 1.5,
        "npi": 3,
        "npb": True,
        "npd": "2024-01-02T03:04:05.000000",
        "array": [1.0, None],
        "deep": {"a": [1, [2, [3]]]},
        "decimal": 1.5,
        "uuid": str(SOME_UUID),
        "empty": "",
        "none": None,
        "7": "key",
    }


def test_json_unsafe() -> None:
    deep: list[Any] = []
    for _ in range(1000):
        deep = [deep]
    for value in (b"a", {"a": "\0"}, {"\0": 1}, {"a": ["\ud83d"]}, object(), deep):
        with pytest.raises(InvalidInput, match="The metadata"):
            json_safe(value, "metadata")


@pytest.mark.parametrize(
    ("type_name", "value", "expected"),
    [
        ("bigint", "42", 42),
        ("bigint", " -7 ", -7),
        ("bigint", "3.0", 3),
        ("bigint", 3.0, 3),
        ("bigint", np.int32(3), 3),
        ("bigint", "", None),
        ("bigint", float("nan"), None),
        ("double precision", "1.5e3", 1500.0),
        ("double precision", 2, 2.0),
        ("boolean", "Yes", True),
        ("boolean", "f", False),
        ("boolean", 0, False),
        ("boolean", True, True),
        ("date", "2024-02-29", dt.date(2024, 2, 29)),
        ("date", "2024/02/29", dt.date(2024, 2, 29)),
        ("date", "2024-02-29T00:00:00", dt.date(2024, 2, 29)),
        ("date", dt.datetime(2024, 2, 29), dt.date(2024, 2, 29)),
        ("timestamptz", "2024-02-29T10:00:00Z", dt.datetime(2024, 2, 29, 10, tzinfo=UTC)),
        ("timestamptz", "2024-02-29 10:00", dt.datetime(2024, 2, 29, 10, tzinfo=UTC)),
        ("timestamptz", dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, tzinfo=UTC)),
        ("timestamp without time zone", "2024-02-29T10:00:00", dt.datetime(2024, 2, 29, 10)),
        ("text", 5, "5"),
        ("text", "", ""),
        ("text", ["a"], '["a"]'),
        ("character varying(20)", "x", "x"),
        ("text[]", ["a", 1], ["a", "1"]),
        ("text[]", "a; b", ["a", "b"]),
        ("text[]", '["a","b;c"]', ["a", "b;c"]),
        ("text[]", "{a,b}", ["a", "b"]),
        ("text[]", "", None),
        ("text[]", None, None),
        ("bigint[]", "1;2", [1, 2]),
        ("uuid", str(SOME_UUID), SOME_UUID),
        ("numeric(10,2)", "1.10", Decimal("1.10")),
        ("jsonb", '{"a": 1}', {"a": 1}),
        ("jsonb", "plain", "plain"),
        ("inet", "10.0.0.1", "10.0.0.1"),
        ("inet", " ", None),
    ],
)
def test_column(type_name: str, value: Any, expected: Any) -> None:
    parsed = column_parser("c", type_name)(value)
    assert parsed == expected
    assert type(parsed) is type(expected)


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("bigint", "abc"),
        ("bigint", 1.5),
        ("bigint", "1.5"),
        ("bigint", 2**63),
        ("integer", 2**31),
        ("smallint", -40000),
        ("bigint", True),
        ("bigint", []),
        ("double precision", "abc"),
        ("double precision", True),
        ("boolean", "maybe"),
        ("boolean", 2),
        ("date", "2024-02-30"),
        ("date", "29.02.2024"),
        ("date", "2024-02-29T10:00:00"),
        ("date", 20240229),
        ("timestamptz", "yesterday"),
        ("timestamptz", 1700000000),
        ("text[]", "[broken"),
        ("bigint[]", ["a"]),
        ("uuid", "no"),
        ("text", "a\0"),
        ("text[]", ["\ud800"]),
    ],
)
def test_column_refuses(type_name: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match="The column 'year'"):
        column_parser("year", type_name)(value)
