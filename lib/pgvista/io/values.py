"""Single values on their way into Postgres: ids, texts, metadata and structured columns."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np

from pgvista.errors import InvalidInput
from pgvista.io.columns import is_missing

MAX_ID_BYTES = 2600
"""A longer id does not fit into a btree index."""

_MAX_DEPTH = 200


def checked_text(text: str, what: str) -> str:
    """Return `text` when Postgres can store it; raise InvalidInput on NUL and half surrogates."""
    if "\0" in text:
        raise InvalidInput(f"The {what} holds a NUL character, which Postgres cannot store.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidInput(
                f"The {what} holds half of a surrogate pair, which is not text."
            ) from None
    return text


def id_text(value: Any) -> str:
    """Return an id as text, a text exactly as it is; raise InvalidInput when there is none.

    Whole numbers lose a decimal point: 3.0 becomes ``3``.
    """
    if isinstance(value, str):
        text = value
    elif _missing(value):
        text = ""
    elif isinstance(value, bool | bytes | list | tuple | dict | set | np.ndarray):
        raise InvalidInput(f"The id is {_article(value)}, where a text or a number is needed.")
    elif isinstance(value, float | np.floating | Decimal):
        text = _number_text(value)
    else:
        text = value.isoformat() if isinstance(value, dt.date) else str(value)
    if not text or text.isspace():
        raise InvalidInput("The id is missing.")
    if len(text) > MAX_ID_BYTES // 4 and len(text.encode(errors="replace")) > MAX_ID_BYTES:
        raise InvalidInput(f"The id is longer than {MAX_ID_BYTES:,} bytes, too long for an index.")
    return checked_text(text, "id")


def content_text(value: Any) -> str | None:
    """Return a content as text, None when it is missing or blank; lists and objects as JSON."""
    if isinstance(value, str):
        return None if not value or value.isspace() else checked_text(value, "content")
    if _missing(value):
        return None
    if isinstance(value, bytes):
        raise InvalidInput("The content is binary data, where a text is needed.")
    if isinstance(value, float | np.floating | Decimal):
        return _number_text(value) or None
    safe = json_safe(value, "content")
    return safe if isinstance(safe, str) else json.dumps(safe, ensure_ascii=False)


def json_safe(value: Any, what: str, depth: int = 0) -> Any:
    """Return `value` as JSON can hold it and jsonb can store it.

    NaN and infinity become None, dates and times ISO texts, NumPy values Python's own, tuples and
    sets lists. Raises InvalidInput, with `what` as the name of the thing, on binary data, NUL
    characters, half surrogates, and what has no JSON form.
    """
    kind = type(value)
    if kind is str:
        return checked_text(value, what)
    if kind is int or kind is bool or value is None:
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if depth > _MAX_DEPTH:
        raise InvalidInput(f"The {what} is nested deeper than {_MAX_DEPTH} levels.")
    if isinstance(value, Mapping):
        return {
            checked_text(key if type(key) is str else str(key), what): json_safe(
                item, what, depth + 1
            )
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [json_safe(item, what, depth + 1) for item in value]
    if isinstance(value, np.ndarray):
        return json_safe(value.tolist(), what, depth + 1)
    return _scalar(value, what, depth)


def _scalar(value: Any, what: str, depth: int) -> Any:
    if _missing(value):
        return None
    if isinstance(value, np.datetime64):
        return str(value.astype("datetime64[us]"))
    if isinstance(value, np.generic):
        return json_safe(value.item(), what, depth + 1)
    if isinstance(value, Enum):
        return json_safe(value.value, what, depth + 1)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return (int(value) if value == int(value) else float(value)) if value.is_finite() else None
    if isinstance(value, str):
        return checked_text(str(value), what)
    if isinstance(value, int | float):
        return json_safe(int(value) if isinstance(value, int) else float(value), what, depth + 1)
    if isinstance(value, uuid.UUID | dt.timedelta):
        return str(value)
    raise InvalidInput(f"The {what} holds {_article(value)}, which JSON cannot hold.")


def column_parser(name: str, type_name: str) -> Callable[[Any], Any]:
    """Return a function that makes a value fit a column of a Postgres type.

    Missing values become None, and so do empty texts but in text columns. The function raises
    InvalidInput, with the column's `name`, on a value that does not fit. Types without a rule of
    their own get a text, which Postgres judges.
    """
    base = re.sub(r"\(.*?\)", "", type_name).strip().lower()
    item_type = base.removesuffix("[]")
    what = f"column {name!r}"
    if base.endswith("[]"):
        parse_item = column_parser(name, item_type)
        return lambda value: _list(value, parse_item, what, type_name)
    if base in _TEXTS:
        return lambda value: _text(value, what)
    rule = _RULES.get(base)
    if rule is None:
        return lambda value: _other(value, what)

    def parse(value: Any) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        if _missing(value) or (isinstance(value, str) and not value.strip()):
            return None
        try:
            return rule(value)
        except (ValueError, TypeError, AttributeError, ArithmeticError):
            shown = repr(value)
            shown = shown if len(shown) <= 60 else shown[:57] + "..."
            raise InvalidInput(
                f"The {what} holds {shown}, which is not of type {type_name}."
            ) from None

    return parse


_TEXTS = frozenset(
    {"text", "character varying", "varchar", "character", "bpchar", "citext", "name"}
)
_INT_BITS = {
    "smallint": 16,
    "int2": 16,
    "integer": 32,
    "int": 32,
    "int4": 32,
    "bigint": 64,
    "int8": 64,
}


def _integer(bits: int) -> Callable[[Any], int]:
    limit = 2 ** (bits - 1)

    def parse(value: Any) -> int:
        if isinstance(value, bool):
            raise TypeError
        if isinstance(value, str):
            try:
                number = int(value)
            except ValueError:
                number = _whole(Decimal(value.strip()))
        else:
            number = _whole(value)
        if not -limit <= number < limit:
            raise OverflowError
        return number

    return parse


def _whole(value: Any) -> int:
    number = int(value)
    if number != value:
        raise ValueError
    return number


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("true", "t", "yes", "y", "on", "1", "1.0"):
        return True
    if text in ("false", "f", "no", "n", "off", "0", "0.0"):
        return False
    raise ValueError


def _date(value: Any) -> dt.date:
    if isinstance(value, dt.datetime):
        if value.timetz() != dt.time(0, tzinfo=value.tzinfo):
            raise ValueError
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = value.strip().replace("/", "-")
    return dt.date.fromisoformat(text) if len(text) <= 10 else _date(_timestamp(text))


def _timestamp(value: Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        moment = value
    elif isinstance(value, dt.date):
        moment = dt.datetime(value.year, value.month, value.day)
    else:
        moment = dt.datetime.fromisoformat(value.strip().replace(" UTC", "Z"))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _json_column(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return checked_text(value, "value")
    return json_safe(value, "value")


_RULES: dict[str, Callable[[Any], Any]] = {
    **{name: _integer(bits) for name, bits in _INT_BITS.items()},
    "double precision": _number,
    "float8": _number,
    "real": _number,
    "float4": _number,
    "boolean": _boolean,
    "bool": _boolean,
    "date": _date,
    "timestamptz": _timestamp,
    "timestamp with time zone": _timestamp,
    "timestamp without time zone": lambda value: _timestamp(value).replace(tzinfo=None),
    "timestamp": lambda value: _timestamp(value).replace(tzinfo=None),
    "uuid": lambda value: value if isinstance(value, uuid.UUID) else uuid.UUID(value.strip()),
    "numeric": lambda value: value if isinstance(value, int) else Decimal(str(value).strip()),
    "json": _json_column,
    "jsonb": _json_column,
}


def _text(value: Any, what: str) -> str | None:
    if _missing(value):
        return None
    if isinstance(value, str):
        return checked_text(value, what)
    safe = json_safe(value, what)
    if isinstance(safe, bool | list | dict):
        return json.dumps(safe, ensure_ascii=False)
    return _number_text(safe) if isinstance(safe, float) else str(safe)


def _other(value: Any, what: str) -> str | None:
    return None if isinstance(value, str) and not value.strip() else _text(value, what)


def _list(
    value: Any, parse_item: Callable[[Any], Any], what: str, type_name: str
) -> list[Any] | None:
    """Read a list, JSON text, a Postgres array's simple text, or items divided by semicolons."""
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if text.startswith("["):
            try:
                value = json.loads(text)
            except ValueError:
                raise InvalidInput(
                    f"The {what} holds {text[:60]!r}, which is not of type {type_name}."
                ) from None
        elif text.startswith("{") and text.endswith("}") and not set('"\\{}') & set(text[1:-1]):
            value = text[1:-1].split(",") if text != "{}" else []
        else:
            value = [item.strip() for item in text.split(";") if item.strip()]
    elif _missing(value):
        return None
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple | set | frozenset):
        value = [value]
    return [parse_item(item) for item in value]


def _missing(value: Any) -> bool:
    """Whether a value is None, NaN, or pandas' own word for missing; an empty text is not."""
    if isinstance(value, str):
        return False
    return is_missing(value) or type(value).__name__ in ("NAType", "NaTType")


def _number_text(value: float | np.floating[Any] | Decimal) -> str:
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value == int(value) else str(value)


def _article(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    names: dict[type, str] = {
        bytes: "binary data",
        list: "a list",
        dict: "an object",
        tuple: "a list",
    }
    return names.get(type(value), f"a value of type {type(value).__name__}")
