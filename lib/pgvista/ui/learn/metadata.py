"""Lesson: structured and unstructured metadata. One value in a typed column and in jsonb."""

from __future__ import annotations

import json

import streamlit as st

from pgvista.db.database import Database
from pgvista.services.lesson_metadata import BELOW, YEARS, MetadataLesson, Run
from pgvista.sql.lesson_metadata import FIRST_YEAR, LAST_YEAR, Form, Index, condition_text
from pgvista.ui.components.panels import metric_chips
from pgvista.ui.format import size
from pgvista.ui.learn.frame import Step, keep_in_address, predict, presenting, sql_behind, verdict
from pgvista.ui.learn.metadata_charts import CONFIG, estimates_figure, ways_figure
from pgvista.ui.learn.metadata_filter import remember
from pgvista.ui.learn.metadata_notes import NOTES
from pgvista.ui.learn.metadata_state import measured
from pgvista.ui.learn.metadata_types import types
from pgvista.ui.learn.metadata_vectors import vectors
from pgvista.ui.theme import palette

_YEAR = "learn_metadata_year"
_ASKED = "learn_metadata_asked"
_SERVED = ("The first alone", "The first two", "All but the last", "All five")
_FIVE = (Form.CONTAINS, Form.TEXT, Form.VALUE, Form.CAST, Form.VALUE_BELOW)
_GUESSES = ("about 300", "2,000", "6,667", "10,000")
_EQUAL, _BELOW = "= year", "< year"


def metadata_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson on the connection `db`."""
    return (
        Step("two places", "One value, kept in two places", lambda: _places(db), NOTES["places"]),
        Step("GIN", "What a GIN index on jsonb serves", lambda: _gin(db), NOTES["gin"]),
        Step("estimates", "What the planner expects", lambda: _estimates(db), NOTES["estimates"]),
        Step("types", "1973 and “1973” are two values", lambda: types(db), NOTES["types"]),
        Step("vectors", "What it means beside a vector index", lambda: vectors(db), NOTES["vectors"]),
        Step("remember", "Columns for what you filter by", lambda: remember(db), NOTES["remember"]),
    )  # fmt: skip


# -- one value in two places


def _places(db: Database) -> None:
    found = measured(db)
    if found is None:
        return
    keep_in_address({_YEAR: YEARS[0]})
    _ways(found)


@st.fragment
def _ways(found: MetadataLesson) -> None:
    if st.session_state.get(_YEAR) not in YEARS:
        st.session_state[_YEAR] = YEARS[0]
    year, metadata = found.example
    shown = json.dumps(metadata, ensure_ascii=False)
    st.markdown(
        f"{found.rows:,} rows, made of those of the collection. In each, the year stands twice: in a column "
        f"of type integer, **{year}**, and in the metadata:"
    )
    st.code(shown if len(shown) <= 160 else f"{shown[:159]}…", language="json", wrap_lines=True)
    st.segmented_control("The year asked for", YEARS, key=_YEAR, required=True)
    chosen: int = st.session_state[_YEAR]
    ways = (
        ("column", found.run(Index.NONE, Form.COLUMN, chosen)),
        ("jsonb @>", found.run(Index.NONE, Form.CONTAINS, chosen)),
        ("column, btree", found.run(Index.COLUMN, Form.COLUMN, chosen)),
        ("jsonb @>, GIN", found.run(Index.GIN, Form.CONTAINS, chosen)),
        ("jsonb ->> cast, btree", found.run(Index.EXPRESSION, Form.CAST, chosen)),
    )
    st.plotly_chart(
        ways_figure(ways, palette()),
        key="learn_metadata_bars",
        config=CONFIG,
        alt=f"Time to find the {ways[0][1].rows} rows of {chosen}: "
        + "; ".join(f"{name} {run.ms:.2f} ms, {run.pages} pages" for name, run in ways),
    )
    sizes = found.sizes
    metric_chips(
        {
            "rows found": f"{ways[0][1].rows:,}",
            "table": size(sizes.table_bytes),
            "the column": f"{sizes.column_bytes / found.rows:.0f} bytes a row",
            "the metadata": f"{sizes.metadata_bytes / found.rows:.0f} bytes a row",
            "btree": size(sizes.index_bytes[Index.COLUMN]),
            "GIN": size(sizes.index_bytes[Index.GIN]),
            "btree on the cast": size(sizes.index_bytes[Index.EXPRESSION]),
        },
        key="learn_metadata_sizes",
    )
    if not presenting():
        sql_behind([found.sql, *(run.sql for _, run in ways)])


# -- what GIN serves


def _gin(db: Database) -> None:
    found = measured(db)
    if found is None:
        return
    runs = [found.run(Index.GIN, form, _year_of(form)) for form in _FIVE]
    guess = predict(
        "gin",
        "The one index is `gin (metadata jsonb_path_ops)`. Which conditions does it serve?",
        _SERVED,
    )
    if guess is None:
        st.code("\n".join(run.condition for run in runs), language="sql")
        return
    served = [run.served for run in runs]
    verdict(
        guess,
        _answer(served),
        "GIN holds the keys and values of each document, so it finds documents that contain another "
        "one. What takes a value out and compares it is read row by row.",
    )
    more = [found.run(Index.GIN, form, _year_of(form)) for form in (Form.PATH, Form.PATH_BELOW)]
    pgvistas = found.run(Index.GIN, Form.FILTER_BELOW, BELOW)
    lines = ["| Condition | Read by | Pages | Rows | Time |", "|:--|:--|--:|--:|--:|"]
    lines += [_line(run, f"`{run.condition}`") for run in (*runs, *more)]
    lines.append(_line(pgvistas, f'`{{"year": {{"$lt": {BELOW}}}}}` in pgvista'))
    st.markdown("\n".join(lines))
    whole = more[1]
    if whole.served:
        st.markdown(
            f":gray[The range by jsonpath is no better for its index: {whole.pages:,} pages, since "
            "every entry is read.]"
        )
    if not presenting():
        sql_behind([run.sql for run in (*runs, *more, pgvistas)])


def _year_of(form: Form) -> int:
    return BELOW if form.value.endswith("below") else YEARS[0]


def _answer(served: list[bool]) -> str:
    """Return the option that says which of the five are served."""
    last = max((place for place, yes in enumerate(served) if yes), default=-1)
    return {0: _SERVED[0], 1: _SERVED[1], 3: _SERVED[2], 4: _SERVED[3]}.get(last, _SERVED[0])


def _line(run: Run, name: str) -> str:
    read = f":primary[**{run.reading}**]" if run.served else f":orange[{run.reading}]"
    return f"| {name} | {read} | {run.pages:,} | {run.rows:,} | {run.ms:.2f}&nbsp;ms |"


# -- what the planner expects


def _estimates(db: Database) -> None:
    found = measured(db)
    if found is None:
        return
    place = BELOW - FIRST_YEAR
    expected = found.estimates[Index.NONE, Form.CAST_BELOW][place]
    truly = found.below(BELOW)
    st.markdown(
        f"`{condition_text(Form.CAST_BELOW, BELOW)}` holds for **{truly:,}** of {found.rows:,} rows."
    )
    guess = predict("estimate", "How many rows does the planner expect?", _GUESSES)
    if guess is None:
        st.markdown(
            ":gray[The planner keeps statistics of every column: its most frequent values and a "
            "histogram. From what it expects it chooses the index and the join.]"
        )
        return
    options = {300.0: 0, 2_000.0: 1, 6_667.0: 2, 10_000.0: 3}
    nearest = min(options, key=lambda value: abs(value - expected))
    verdict(
        guess,
        _GUESSES[options[nearest]],
        (
            ""
            if f"{expected:,.0f}" == _GUESSES[options[nearest]]
            else f"It expects {expected:,.0f}. "
        )
        + "Of an expression it knows nothing: it takes a third for a range, 1 in 200 for an equality.",
    )
    _estimates_chart(found)


@st.fragment
def _estimates_chart(found: MetadataLesson) -> None:
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    asked = st.segmented_control(
        "Condition", (_BELOW, _EQUAL), key=_ASKED, default=_BELOW, required=True
    )
    below = asked == _BELOW
    forms = (
        ((Form.COLUMN_BELOW, "year <"), (Form.CAST_BELOW, "cast <"), (Form.FILTER_BELOW, "pgvista's $lt"))
        if below
        else ((Form.COLUMN, "year ="), (Form.CONTAINS, "metadata @>"), (Form.TEXT, "metadata ->> ="))
    )  # fmt: skip
    guesses = {f"{name}": found.estimates[Index.NONE, form] for form, name in forms}
    by_index = Form.CAST_BELOW if below else Form.CAST
    guesses["cast, with a btree on it"] = found.estimates[Index.EXPRESSION, by_index]
    actual = [found.below(year) if below else found.counts.get(year, 0) for year in years]
    st.plotly_chart(
        estimates_figure(
            list(years),
            actual,
            guesses,
            palette(),
            asked="Year that the condition names",
            height=290 if presenting() else 330,
        ),
        key="learn_metadata_estimates",
        config=CONFIG,
        alt="Rows that the planner expects, by year: "
        + "; ".join(f"{name} {min(v):,.0f} to {max(v):,.0f}" for name, v in guesses.items())
        + f"; there are {min(actual):,} to {max(actual):,}",
    )
    st.markdown(
        "The column's line lies on the true rows. An index on the expression mends the cast: with it "
        "come statistics of the expression."
        if below
        else "`@>` is tried on a sample of whole documents: right to within a hundredth of the table, "
        "and blind to rare values. An index on the expression brings statistics of its own."
    )
