"""The steps of the lesson on smaller vectors that look at single vectors: three types, and bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.metric import VectorType
from pgvista.science.lesson_smaller import rounding_errors
from pgvista.services.lesson_smaller import (
    BitPair,
    BitPairs,
    OneVector,
    compare_bits,
    draw_row,
    one_vector,
)
from pgvista.ui.components.bit_compare import BY_HAND, BitLine, bit_compare
from pgvista.ui.components.number_strip import NumberCell, number_strip
from pgvista.ui.errors import plain
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.frame import keep_in_address, predict, presenting, sql_behind, verdict
from pgvista.ui.map_titles import titles_of

_ROW = "learn_smaller_row"
_SHARES = {"About a tenth": 0.1, "About a quarter": 0.25, "About half": 0.5, "Nearly all": 0.95}


def one_step(db: Database) -> Callable[[], None]:
    """Return the step with one vector as float32, as float16 and as signs."""

    def body() -> None:
        collection = lesson_collection(db)
        if collection is None:
            return
        row_id = _row(db, collection)
        found = one_vector(db, collection, row_id)
        number_strip(
            _cells(found),
            (_full_name(collection), "halfvec", "off by", "bit"),
            key="learn_smaller_strip",
            label=f"The first {BY_HAND} of {len(found.full):,} numbers, in three types",
        )
        st.markdown(_says(collection, found))
        sql_behind(found.sql, name="one_sql")

    return body


def signs_step(db: Database) -> Callable[[], None]:
    """Return the step that counts signs which differ."""

    def body() -> None:
        collection = lesson_collection(db, rows=3)
        if collection is None:
            return
        row_id = _row(db, collection)
        pairs = compare_bits(db, collection, row_id)
        names = titles_of(db, collection, (pairs.near.id, pairs.far.id))
        guess = predict(
            f"far_{int(st.session_state.get(_ROW, 0))}",
            f"How many of all {len(pairs.bits):,} signs differ between this row and the row farthest "
            f"from it, “{names.get(pairs.far.id, pairs.far.id)}”?",
            list(_SHARES),
        )
        if guess is not None:
            share = pairs.far.hamming / len(pairs.bits)
            verdict(
                guess,
                min(_SHARES, key=lambda name: abs(_SHARES[name] - share)),
                f"{pairs.far.hamming:,} of {len(pairs.bits):,} differ. "
                + _about_the_angle(pairs.far),
            )
        bit_compare(
            BitLine("The row", pairs.bits),
            [
                _line("Nearest", pairs.near, names),
                _line("Farthest", pairs.far, names),
            ],
            key="learn_smaller_bits",
            fields=guess is not None,
            label=f"The first {BY_HAND} signs of three rows, and where they differ",
        )
        if guess is not None:
            st.markdown(_hand(pairs))
            if not presenting():
                sql_behind(pairs.sql, name="bits_sql")

    return body


def _row(db: Database, collection: Collection) -> str:
    """Draw the name of the row that is looked at, and the way to another; return its id."""
    keep_in_address({_ROW: 0})
    state: Any = st.session_state
    number = int(state.get(_ROW, 0)) % 2**31

    def again() -> None:
        state[_ROW] = (number + 1) % 1_000

    row_id = draw_row(db, collection, number)
    name = titles_of(db, collection, (row_id,)).get(row_id, row_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"The row **{plain(name)}**", width="content")
        st.button(
            "Another row",
            key="learn_smaller_again",
            icon=":material/casino:",
            type="tertiary",
            on_click=again,
        )
    return row_id


def _full_name(collection: Collection) -> str:
    return "vector" if collection.vector_type is VectorType.VECTOR else "as stored"


def _cells(found: OneVector) -> list[NumberCell]:
    full, half = found.full[:BY_HAND], found.half[:BY_HAND]
    highest = float(np.abs(full).max()) or 1.0
    return [
        NumberCell(
            float(value) / highest,
            (_digits(float(value)), _digits(float(rounded)), _per_cent(float(error)), bit),
        )
        for value, rounded, error, bit in zip(
            full, half, rounding_errors(full, half), found.bits, strict=False
        )
    ]


def _says(collection: Collection, found: OneVector) -> str:
    size = len(found.full)
    whole, half, bits = found.value_bytes
    length = float(np.linalg.norm(found.full.astype(np.float64))) or 1.0
    off = float(np.linalg.norm(found.half.astype(np.float64) - found.full)) / length
    same = (
        "This collection stores halfvec already, so nothing is rounded. "
        if collection.vector_type is VectorType.HALFVEC
        else f"**halfvec** rounds to 11 binary digits: the bytes are halved, and the vector of {size:,} "
        f"numbers is off by {_per_cent(off)} of its length. "
    )
    return (
        f"| As stored, {collection.vector_type.value}({size:,}) | halfvec({size:,}) | bit({size:,}) |\n"
        "|:--|:--|:--|\n"
        f"| **{whole:,} bytes** | **{half:,} bytes** | **{bits:,} bytes** |\n\n"
        f"{same}**A bit** keeps the sign alone: 1 where the number is above 0, and all sizes are lost."
    )


def _line(name: str, pair: BitPair, names: dict[str, str]) -> BitLine:
    return BitLine(
        name,
        pair.bits,
        f"{name}: {names.get(pair.id, pair.id)}",
        f"Cosine distance {pair.cosine:.3f}, an angle of {_degrees(pair.cosine):.0f}°: "
        f"{pair.expected:,.0f} would differ by chance.",
    )


def _about_the_angle(pair: BitPair) -> str:
    degrees = _degrees(pair.cosine)
    said = (
        f"The angle is {degrees:.0f}°, and in directions drawn at random a sign differs with a chance "
        f"of {degrees:.0f} in 180"
    )
    as_drawn = abs(pair.hamming - pair.expected) <= 0.1 * len(pair.bits)
    if as_drawn and abs(degrees - 90) <= 20:
        return (
            f"{said}: in many dimensions, rows that have nothing to do with each other stand nearly "
            "at right angles."
        )
    if as_drawn:
        return f"{said}."
    return f"{said}, {pair.expected:,.0f} signs: the axes of these vectors are not drawn at random."


def _hand(pairs: BitPairs) -> str:
    return (
        "The **Hamming distance** `<~>` counts the places that differ: "
        f"**{pairs.near.hamming:,}** of {len(pairs.bits):,} to the nearest row, "
        f"**{pairs.far.hamming:,}** to the farthest. Nothing is multiplied, so it is quick."
    )


def _degrees(cosine_distance: float) -> float:
    return math.degrees(math.acos(min(1.0, max(-1.0, 1.0 - cosine_distance))))


def _digits(value: float) -> str:
    """Write a number in a narrow cell: five digits, or four figures of a large one."""
    text = f"{value:.5f}" if abs(value) < 1 else f"{value:.4g}"
    return text.replace("-", "\N{MINUS SIGN}")


def _per_cent(share: float) -> str:
    return "0" if share == 0 else f"{100 * share:.3f} %" if share >= 5e-6 else "< 0.001 %"
