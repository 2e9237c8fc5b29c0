"""Lesson: a concept axis."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.science.similarity import cosine_similarities
from pgvista.ui.components.phrase_board import short_name
from pgvista.ui.errors import guarded, plain
from pgvista.ui.learn import axis_rows
from pgvista.ui.learn.axis_charts import axis_strip, share_bars
from pgvista.ui.learn.axis_rows import (
    BEGINNER_EXPERT,
    CHEAP_EXPENSIVE,
    EQUAL,
    PREFIX,
    PRINTER_CAMERA,
    ROW,
    UNRELATED,
    Axis,
    axis_fields,
    read_axis,
    read_shares,
    rows_said,
)
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.embedding_phrases import (
    lesson_link,
    quoted,
    show_notes,
    small_figure,
    without_markup,
)
from pgvista.ui.learn.frame import (
    Step,
    keep_in_address,
    predict,
    presenting,
    sql_behind,
    try_it,
    verdict,
)
from pgvista.ui.state import PARAMETER

LISTED = 3
"""Rows named at each end."""
WEAK = 1.5
"""Below so many times the share of a random direction, an axis is said to explain nothing."""
_PRESETS = (PRINTER_CAMERA, ("hardware", "software"), BEGINNER_EXPERT, CHEAP_EXPENSIVE)
_JUDGED = (PRINTER_CAMERA, CHEAP_EXPENSIVE, UNRELATED, EQUAL)


def axis_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson, on the connection `db`."""
    bodies: dict[str, tuple[str, Callable[[Database, Collection], None]]] = {
        "axis": ("Two phrases make a direction", _axis),
        "place": ("Where does this row fall?", _place),
        "middle": ("The middle means “neither” more than “between”", _middle),
        "share": ("An axis explains a share of what the rows differ in", _share),
        "postgres": ("Postgres measures it: the inner product", _postgres),
        "remember": ("What to remember", _remember),
    }
    return tuple(
        Step(name, title, partial(_on_rows, db, body), _NOTES[name])
        for name, (title, body) in bodies.items()
    )


def _on_rows(db: Database, body: Callable[[Database, Collection], None]) -> None:
    collection = lesson_collection(db, needs="text", rows=10)
    if collection is not None:
        axis_rows.begin(collection)
        keep_in_address({ROW: 0})
        body(db, collection)


@st.fragment
def _axis(db: Database, collection: Collection) -> None:
    axis_fields(_PRESETS)
    with guarded():
        axis = read_axis(db, collection)
        if axis is None:
            return
        st.markdown(
            f"The vector of {quoted(axis.end, 30)} minus that of {quoted(axis.start, 30)}, brought "
            f"to length 1, is a direction. Along it lie {rows_said(axis, collection)}."
        )
        axis_strip(axis, key=f"{PREFIX}strip")
        _both_ends(axis)
        show_notes(axis.notes)


def _both_ends(axis: Axis) -> None:
    count = len(axis.found.places)
    listed = min(2 if presenting() else LISTED, count // 2)
    chars = 50 if presenting() else 62
    left, right = st.columns(2, gap="medium")
    for place, title, ranks in (
        (left, f"Farthest towards {quoted(axis.start, 34)}", range(listed)),
        (right, f"Farthest towards {quoted(axis.end, 34)}", range(count - 1, count - 1 - listed, -1)),
    ):  # fmt: skip
        lines = [f"- {_line(axis, rank, chars, 2)}" for rank in ranks]
        place.markdown("\n".join([f"**{title}**", "", *lines]))


@st.fragment
def _place(db: Database, collection: Collection) -> None:
    with guarded():
        axis = read_axis(db, collection)
        if axis is None:
            axis_fields(_PRESETS)
            return
        count = len(axis.found.places)
        number = int(st.session_state.get(ROW, 0) or 0)
        rank = int(np.random.default_rng(abs(number) % 2**32).integers(count))
        with st.container(border=True, key=f"{PREFIX}row_card"):
            title, rest = axis.headline(rank)
            lines = [f"**{plain(title)}**", plain(short_name(rest, 240)) if rest else ""]
            st.markdown("  \n".join(filter(None, lines)))
            st.button(
                "Another row",
                key=f"{PREFIX}another",
                type="tertiary",
                icon=":material/casino:",
                on_click=st.session_state.update,
                args=({ROW: number + 1},),
            )
        thirds = (
            f"The third towards {without_markup(short_name(axis.start, 30))}",
            "The middle third",
            f"The third towards {without_markup(short_name(axis.end, 30))}",
        )
        guess = predict(
            f"place_{number}_{zlib.crc32(repr((axis.start, axis.end)).encode())}",
            f"From {quoted(axis.start, 30)} to {quoted(axis.end, 30)}: in which third of the rows "
            "does this one lie?",
            thirds,
        )
        if guess is None:
            return
        verdict(
            guess,
            thirds[min(2, 3 * rank // count)],
            f"It lies at {axis.found.positions[rank]:.3f}; {rank:,} of {count:,} rows lie nearer to "
            f"the start of the axis, {count - 1 - rank:,} nearer to its end.",
        )
        axis_strip(axis, key=f"{PREFIX}strip_row", chosen=rank)


@st.fragment
def _middle(db: Database, collection: Collection) -> None:
    axis_fields(_PRESETS)
    with guarded():
        axis = read_axis(db, collection)
        if axis is None:
            return
        rows = middle_rows(axis)
        st.markdown(
            "A position is the similarity to the end minus that to the start, scaled: 0 says only "
            "that both are equal, high or low."
        )
        start, end = (plain(short_name(text, 24)) for text in (axis.start, axis.end))
        st.table(
            [
                {
                    "Rows": f"{row['part']}: {row['rows']:,}",
                    f"Similarity to “{start}”": _number(float(row["start"]), 2),
                    f"… to “{end}”": _number(float(row["end"]), 2),
                    "One of them": plain(str(row["example"])),
                }
                for row in rows
            ],
            hide_index=True,
            border="horizontal",
            alt="; ".join(
                f"{row['part']}: similarity {row['start']:.2f} to the start, {row['end']:.2f} to "
                "the end"
                for row in rows
            ),
        )
        _, middle, _ = rows
        st.markdown(
            f"The fifth around the median has similarity **{middle['start']:.2f}** and "
            f"**{middle['end']:.2f}** on average. Read some of them: are they in between, or about "
            "something else?"
        )
        _listed_middle(axis)
        show_notes(axis.notes)


def middle_rows(axis: Axis) -> list[dict[str, str | int | float]]:
    """Return the lowest tenth, the fifth around the median and the highest tenth, with mean cosines."""
    count = len(axis.found.places)
    tenth, fifth = max(1, count // 10), max(1, count // 5)
    first = (count - fifth) // 2
    parts = (
        ("Tenth at the start", range(tenth), 0),
        ("Fifth in the middle", range(first, first + fifth), first + fifth // 2),
        ("Tenth at the end", range(count - tenth, count), count - 1),
    )
    cosines = cosine_similarities(np.concatenate([axis.ends, axis.rows.vectors]))[:2, 2:]
    found: list[dict[str, str | int | float]] = []
    for name, ranks, example in parts:
        places = axis.found.places[list(ranks)]
        means = np.nanmean(cosines[:, places], axis=1) if len(places) else (np.nan, np.nan)
        found.append(
            {
                "part": name,
                "rows": len(places),
                "start": float(means[0]),
                "end": float(means[1]),
                "example": short_name(axis.headline(example)[0], 90),
            }
        )
    return found


def _listed_middle(axis: Axis) -> None:
    middle = len(axis.found.places) // 2
    ranks = range(max(0, middle - 1), min(len(axis.found.places), middle + 2))
    st.markdown("\n".join(f"- {_line(axis, rank, 100, 3)}" for rank in ranks))


def _line(axis: Axis, rank: int, chars: int, digits: int) -> str:
    """Return where a row lies and how its text begins, as Markdown."""
    position = _number(axis.found.positions[rank], digits)
    return f":gray[{position}] {plain(short_name(axis.headline(rank)[0], chars))}"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


@st.fragment
def _share(db: Database, collection: Collection) -> None:
    axis_fields(_JUDGED)
    with guarded():
        axis = read_axis(db, collection)
        if axis is None:
            return
        shares = read_shares(axis)
        name = f"{short_name(axis.start, 18)} → {short_name(axis.end, 18)}"
        share_bars(shares, name=name, key=f"{PREFIX}shares")
        if not shares.largest:
            st.markdown("All rows have the same vector, so there is nothing to explain.")
            return
        st.markdown(
            f"This axis explains **{shares.axis:.2%}** of what the rows differ in; it beats "
            f"{shares.above_directions:.0%} of {len(shares.directions):,} random directions and "
            f"{shares.above_pairs:.0%} of {len(shares.pairs):,} axes from one row to another. "
            + (
                "**Little more than a random direction: these rows hardly speak of it,** and what "
                "stands at its ends stands there mostly by chance."
                if shares.axis < WEAK * float(np.median(shares.directions))
                else "Beating a random direction is easy for words, related or not; the rows of a "
                "collection differ along few directions, and the axis of a real difference comes "
                "near those between rows."
            )
        )
        show_notes(axis.notes)


@st.fragment
def _postgres(db: Database, collection: Collection) -> None:
    with guarded():
        axis = read_axis(db, collection)
        if axis is None:
            axis_fields(_PRESETS)
            return
        st.markdown(
            "`<#>` is the **negative** inner product, since pgvector sorts small first and an index "
            "serves ascending order alone. Here its sign is turned back."
        )
        found = axis.found
        count = len(found.places)
        ranks = [*range(min(3, count)), *range(max(3, count - 3), count)]
        exact = axis.rows.vectors[found.places[ranks]].astype(np.float64) @ axis.direction.astype(
            np.float64
        )
        st.table(
            [
                {
                    "Row": plain(short_name(axis.headline(rank)[0], 60)),
                    "Position, Postgres": _number(found.positions[rank], 6),
                    "Position, NumPy": _number(position, 6),
                }
                for rank, position in zip(ranks, exact.tolist(), strict=True)
            ],
            hide_index=True,
            border="horizontal",
            alt="The first and the last rows along the axis, with their positions by Postgres and "
            "by NumPy",
        )
        st.markdown(
            f"Over {rows_said(axis, collection)}, the two differ by at most "
            f"**{small_figure(found.difference)}**. Postgres took {found.database_ms:.0f} ms, the "
            "way of its answer included."
        )
        sql_behind(found.sql)


def _remember(db: Database, collection: Collection) -> None:
    st.markdown(
        "- The difference of two vectors is a direction, and **rows fall along it by an inner "
        "product**.\n"
        "- **Trust the ends, not the middle**: 0 means equally near to both, mostly near to neither.\n"
        "- Two phrases always make an axis. **How much of the rows' variance lies along it** tells "
        "whether the rows speak of it."
    )
    end = str(st.session_state.get(axis_rows.END) or "").strip()[:200]
    if end:
        try_it(
            f"Search {plain(collection.name)} by meaning for {quoted(end, 30)}",
            "search",
            collection=collection.name,
            search_mode="semantic",
            search_text=end,
        )
    phrases = {
        name: str(st.session_state.get(key) or "")
        for name, key in (("start", axis_rows.START), ("end", axis_rows.END))
    }
    if 0 < sum(map(len, phrases.values())) <= 1_500:
        lesson_link("your axis", {**phrases, PARAMETER: collection.name})


_NOTES = {
    "axis": "Ask what will stand at the ends before you change a phrase. Hover over the points. Then "
    "let the class propose an axis for their own data. **Usual wrong idea:** that the model was "
    "taught such an axis; it is only the difference of two vectors.",
    "place": "Let all vote before you reveal. Take two or three rows: those at the ends are guessed "
    "well, those in the middle are not.",
    "middle": "For vectors of length 1, the scale is the distance of the two phrases. Let somebody read the rows in the middle aloud. They are not half of one and half of "
    "the other. **Question:** what would a row have to say to lie there for a good reason?",
    "share": "Take the axis that nobody would ask of this data, then two unrelated words. All of "
    "them have rows at their ends, in a convincing order. **Usual wrong idea:** that a small share "
    "makes an axis useless: one of 384 directions has 0.26 % on average. **Question:** which phrases "
    "would give a larger share here?",
    "postgres": "Copy the statement into psql: it is what was run. On normalised vectors `<#>` sorts "
    "as `<=>` does, and an HNSW index with `vector_ip_ops` could find the rows at one end.",
    "remember": "Let each name an axis of their own table, and say how they would test that the rows "
    "speak of it.",
}
