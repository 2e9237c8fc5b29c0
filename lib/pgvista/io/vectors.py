"""Vectors out of whatever a file or a person writes them as."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.errors import InvalidInput
from pgvista.model.metric import MAX_DIMENSION, VectorType

MAX_HALF = 65504.0
"""The largest number of a halfvec."""

_SEPARATORS = re.compile(r"\s*[,;]\s*|\s+")


def parse_vector(
    value: Any, dimension: int | None = None, *, vector_type: VectorType = VectorType.VECTOR
) -> NDArray[np.float32]:
    """Return `value` as an array of shape (dimension,), dtype float32.

    Taken are sequences of numbers, NumPy arrays, pgvector's text ``[1,2,3]``, JSON, and numbers
    divided by spaces, commas or semicolons. Without `dimension` any length from 1 to 16,000 will
    do. Raises InvalidInput when it is no vector, has another dimension, or holds NaN, infinity or
    numbers that `vector_type` cannot hold. Zero vectors are taken.
    """
    given = _numbers_in(value) if isinstance(value, str) else value
    if isinstance(given, np.ndarray) and given.dtype == np.float32:
        vector = given
    else:
        vector = _to_float32(given)
    if vector.ndim != 1:
        raise InvalidInput(
            f"The vector has {vector.ndim} axes, where one list of numbers is needed."
        )
    if dimension is not None and len(vector) != dimension:
        numbers = "number" if len(vector) == 1 else "numbers"
        raise InvalidInput(
            f"The vector has {len(vector):,} {numbers}, but the dimension is {dimension:,}."
        )
    if not 1 <= len(vector) <= MAX_DIMENSION:
        raise InvalidInput(
            f"The vector has {len(vector):,} numbers, but it can have 1 to {MAX_DIMENSION:,}."
        )
    if not np.isfinite(vector).all():
        raise InvalidInput(_not_finite(given, vector))
    if vector_type is VectorType.HALFVEC and float(np.abs(vector).max()) > MAX_HALF:
        place = int(np.argmax(np.abs(vector)))
        raise InvalidInput(
            f"The vector holds {vector[place]:g} at place {place + 1:,}, "
            f"which a halfvec cannot hold: its numbers end at {MAX_HALF:,.0f}."
        )
    return vector


def _to_float32(given: Any) -> NDArray[np.float32]:
    if isinstance(given, list | tuple):
        if given and isinstance(given[0], bool | str | bytes | list | dict):
            raise InvalidInput(_no_number(given))
    elif not isinstance(given, np.ndarray):
        raise InvalidInput(f"The vector is {_kind_of(given)}, where a list of numbers is needed.")
    elif given.dtype.kind not in "fiuO":
        raise InvalidInput("The vector's items are no numbers.")
    try:
        with np.errstate(over="ignore"):
            return np.asarray(given, dtype=np.float32)
    except (ValueError, TypeError, OverflowError):
        raise InvalidInput(_no_number(given)) from None


def _numbers_in(text: str) -> Sequence[Any]:
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            value = json.loads(stripped)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list):
            return value
    inner = stripped.removeprefix("[").removesuffix("]").strip()
    numbers: list[float] = []
    for place, part in enumerate(_SEPARATORS.split(inner) if inner else (), start=1):
        try:
            numbers.append(float(part))
        except ValueError:
            raise InvalidInput(
                f"The vector holds {part[:40]!r} at place {place:,}, which is no number."
            ) from None
    return numbers


def _no_number(given: Any) -> str:
    for place, item in enumerate(given, start=1):
        if isinstance(item, bool) or not isinstance(item, int | float | np.number | None):
            return (
                f"The vector holds {_kind_of(item)} at place {place:,}, where a number is needed."
            )
    return "The vector holds a number that is too large."


def _not_finite(given: Any, vector: NDArray[np.float32]) -> str:
    place = int(np.flatnonzero(~np.isfinite(vector))[0])
    original = given[place]
    if original is None:
        return f"The vector holds null at place {place + 1:,}."
    if math.isnan(float(vector[place])):
        return f"The vector holds NaN at place {place + 1:,}."
    try:
        infinite = math.isinf(float(original))
    except OverflowError:
        infinite = False
    if infinite:
        return f"The vector holds infinity at place {place + 1:,}."
    return (
        f"The vector holds {float(original):g} at place {place + 1:,}, "
        "which is outside the range of 4-byte numbers."
    )


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, int | float):
        return "a single number"
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, dict) else f"of type {type(value).__name__}"
