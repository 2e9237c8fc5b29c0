"""The steps of the lesson on distance that are played in a plane."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.metric import Metric
from pgvista.services.lesson_distance import METRICS, Measured, PlaneResult, measure_plane
from pgvista.ui.components.order_columns import OrderColumn, OrderItem, order_columns
from pgvista.ui.components.plane import QUERY, PlanePoint, plane, plane_points
from pgvista.ui.errors import guarded, plain, show_error
from pgvista.ui.learn import distance_points
from pgvista.ui.learn.frame import keep_in_address, predict, sql_behind, verdict
from pgvista.ui.theme import palette

SHORT = {
    Metric.L2: "L2",
    Metric.INNER_PRODUCT: "Inner product",
    Metric.COSINE: "Cosine",
    Metric.L1: "L1",
}
_COLUMN = {**SHORT, Metric.INNER_PRODUCT: "Inner"}
_SAYS = {
    Metric.L2: "**L2** is the straight way. Points as far as {name} lie on a circle around the query.",
    Metric.INNER_PRODUCT: "**Inner product**: how far a point reaches in the query's direction, times "
    "the query's length. Points that reach as far as {name} lie on a line.",
    Metric.COSINE: "**Cosine** looks at the angle alone. Points at the angle of {name} lie on two rays "
    "from the origin, however far out.",
    Metric.L1: "**L1** is the way along the axes. Points as far as {name} lie on a diamond around the "
    "query.",
}
_FOUR, _LENGTH, _ASKED = "learn_distance_four", "learn_distance_length", "learn_distance_asked"
_METRIC, _ONE, _DRAWN = "learn_distance_metric", "learn_distance_normalised", "learn_distance_drawn"


def four_step(db: Database) -> Callable[[], None]:
    """Return the step with all four orders beside points that can be dragged."""

    @st.fragment
    def body() -> None:
        with guarded():
            keep_in_address({_METRIC: Metric.L2.value})
            _playground(db, _FOUR, distance_points.FOUR, _metric_choice, _line_says)

    return body


def nearest_step(db: Database) -> Callable[[], None]:
    """Return the step that asks which point is nearest under L2, then under cosine."""

    def body() -> None:
        keep_in_address({_DRAWN: 1})
        turn = int(st.session_state.get(_DRAWN, 1))
        points = distance_points.drawn(turn)
        query, others = distance_points.split(points)
        result = measure_plane(db, query, others)
        left, right = st.columns((0.56, 0.44), gap="medium")
        with right:
            asked = _ask(result, turn)
        with left:
            _draw_fixed(points, asked, result)

    return body


def length_step(db: Database) -> Callable[[], None]:
    """Return the step on the inner product, and on vectors of length 1."""

    def body() -> None:
        with guarded():
            guess = predict(
                "inner",
                "A lies exactly on the query. Which point does the inner product put first?",
                ("A", "B", "C", "D"),
            )
            if guess is None:
                _still(distance_points.LENGTH, db)
                return
            query, others = distance_points.split(distance_points.LENGTH)
            begun = measure_plane(db, query, others)
            inner = {p.name: p.distances[Metric.INNER_PRODUCT] for p in begun.points}
            first = begun.nearest(Metric.INNER_PRODUCT)[0]
            verdict(
                guess,
                first,
                f"`<#>` is {number(inner[first])} for {first} and {number(inner['A'])} for A: a "
                "longer vector wins even over the query itself. `<#>` is the *negative* inner "
                "product, so that the smallest comes first; it is not a distance.",
            )
        _length_knobs(db)

    return body


@st.fragment
def _length_knobs(db: Database) -> None:
    with guarded():
        keep_in_address({_ONE: False})
        _playground(db, _LENGTH, distance_points.LENGTH, _length_choice, _length_says)


def _playground(
    db: Database,
    key: str,
    points: Sequence[PlanePoint],
    knob: Callable[[], tuple[Metric, bool]],
    says: Callable[[PlaneResult, Metric, bool], str],
) -> None:
    """Draw the plane, the four orders beside it, and the SQL.

    `knob` draws what chooses the metric of the line and whether vectors are normalised; `says`
    puts what was measured into a sentence.
    """
    left, right = st.columns((0.56, 0.44), gap="medium")
    with right:
        metric, normalise = knob()
    now = plane_points(key, points)
    query, others = distance_points.split(now)
    result = measure_plane(db, query, others, normalise=normalise)
    colours = point_colours(now)
    with left:
        plane(
            points,
            key=key,
            metric=metric,
            nearest=next(iter(result.nearest(metric)), None),
            normalise=normalise,
            colours=colours,
        )
    with right:
        order_columns(
            [_column(result, item, colours, chosen=item is metric) for item in METRICS],
            key=f"{key}_orders",
            label="Points by distance from the query, nearest first: "
            + "; ".join(
                f"{SHORT[item]} {', '.join(point.name for point in result.order(item))}"
                for item in METRICS
            ),
        )
        st.markdown(says(result, metric, normalise))
        for note in _notes(now, result):
            st.markdown(f":small[:gray[:material/info: {note}]]")
        _typed_points(key, points, now)
    sql_behind(result.sql, name=f"{key}_sql")


def _metric_choice() -> tuple[Metric, bool]:
    if st.session_state.get(_METRIC) not in {metric.value for metric in METRICS}:
        st.session_state[_METRIC] = Metric.L2.value
    chosen = st.segmented_control(
        "Line of equal distance",
        [metric.value for metric in METRICS],
        key=_METRIC,
        required=True,
        persist_state="session",
        format_func=lambda value: f"{SHORT[Metric(value)]} `{Metric(value).operator}`",
    )
    return Metric(chosen or Metric.L2), False


def _length_choice() -> tuple[Metric, bool]:
    one = st.toggle(
        "Normalise: divide each vector by its length",
        key=_ONE,
        persist_state="session",
        help="As l2_normalize() does. Only directions are left: drag a point along the circle.",
    )
    return Metric.L2 if one else Metric.INNER_PRODUCT, one


def _line_says(result: PlaneResult, metric: Metric, normalise: bool) -> str:
    nearest = next(iter(result.nearest(metric)), None)
    if nearest is None:
        return f"No point has a place under {SHORT[metric].lower()}."
    return _SAYS[metric].format(name=plain(nearest))


def _length_says(result: PlaneResult, metric: Metric, normalise: bool) -> str:
    return _why_one_order(result) if normalise else _who_wins(result)


def _typed_points(key: str, points: Sequence[PlanePoint], now: Sequence[PlanePoint]) -> None:
    """Draw what points are typed in, kept in step with those that are dragged, and the way back."""
    state, area, error = st.session_state, f"{key}_text", f"{key}_error"
    failed: tuple[object, InvalidInput] | None = state.get(error)
    if failed is None or failed[0] != tuple(now):
        state[error], failed = None, None
        state[area] = distance_points.written(now)

    def take() -> None:
        try:
            state[key], state[error] = distance_points.typed(state[area]), None
        except InvalidInput as refused:
            state[error] = (tuple(now), refused)

    def back() -> None:
        state[key], state[error] = tuple(points), None

    with st.container(horizontal=True, gap="small"):
        with st.popover("Type the points", icon=":material/keyboard:"):
            st.text_area(
                "One point a line: a name and two numbers",
                key=area,
                height=230,
                max_chars=2_000,
                on_change=take,
                help=f"One is called {QUERY}; up to {distance_points.MAX_POINTS} others. "
                "Ctrl+Enter takes them over.",
            )
        st.button(
            "Put back",
            key=f"{key}_back",
            icon=":material/undo:",
            type="tertiary",
            disabled=tuple(now) == tuple(points),
            on_click=back,
        )
    if failed is not None:
        show_error(failed[1])


def _ask(result: PlaneResult, turn: int) -> Metric | None:
    """Ask twice, and say what is right; return the metric whose line may be drawn."""
    names = [point.name for point in result.points]
    shown: Metric | None = None
    for metric, question in (
        (Metric.L2, "Which point is nearest to the query under L2, the straight way?"),
        (Metric.COSINE, "And which under cosine, the angle seen from the origin?"),
    ):
        guess = predict(f"nearest_{metric.value}_{turn}", question, names)
        if guess is None:
            return shown
        shown = metric
        order = result.order(metric)
        verdict(
            guess,
            order[0].name,
            f"`{metric.operator}` gives {number(order[0].distances[metric])}, and "
            f"{number(order[1].distances[metric])} for {order[1].name}, which comes next.",
        )

    def again() -> None:
        st.session_state[_DRAWN] = turn % 999 + 1

    st.button("Other points", key="learn_distance_again", icon=":material/casino:", on_click=again)
    sql_behind(result.sql, name="nearest_sql")
    return shown


def _draw_fixed(points: Sequence[PlanePoint], metric: Metric | None, result: PlaneResult) -> None:
    st.session_state[_ASKED] = tuple(points)
    plane(
        points,
        key=_ASKED,
        metric=metric,
        nearest=None if metric is None else next(iter(result.nearest(metric)), None),
        colours=point_colours(points),
        fixed=True,
    )


def _still(points: Sequence[PlanePoint], db: Database) -> None:
    query, others = distance_points.split(points)
    left, _ = st.columns((0.56, 0.44), gap="medium")
    with left:
        _draw_fixed(points, None, measure_plane(db, query, others))


def point_colours(points: Sequence[PlanePoint]) -> dict[str, str]:
    """Return a colour for each point; blue and orange are the two lists of a search."""
    names = [point.name for point in points if point.name != QUERY]
    series = palette().series[2:]
    return {name: series[at % len(series)] for at, name in enumerate(names)}


def _column(
    result: PlaneResult, metric: Metric, colours: Mapping[str, str], *, chosen: bool
) -> OrderColumn:
    return OrderColumn(
        _COLUMN[metric],
        metric.operator,
        [_item(point, metric, colours) for point in result.order(metric)],
        chosen=chosen,
    )


def _item(point: Measured, metric: Metric, colours: Mapping[str, str]) -> OrderItem:
    place = point.places[metric]
    return OrderItem(
        point.name,
        point.name,
        number(point.distances[metric]),
        "–" if place is None else str(place),
        colours[point.name],
    )


def _notes(points: Sequence[PlanePoint], result: PlaneResult) -> list[str]:
    """Say what is special about these points, in a sentence each."""
    found = []
    if any(point.name == QUERY and not (point.x or point.y) for point in points):
        found.append(
            "The query is a zero vector: it has no direction, so cosine is NaN for every point, and "
            "the inner product is 0 for all."
        )
    else:
        zero = [point.name for point in points if not (point.x or point.y)]
        if zero:
            found.append(
                f"{plain(', '.join(zero))} is a zero vector: without a direction its cosine distance "
                "is NaN, and an index for cosine leaves it out."
            )
    tied = [
        SHORT[metric] for metric in METRICS
        if len({place for p in result.points if (place := p.places[metric]) is not None})
        < sum(p.places[metric] is not None for p in result.points)
    ]  # fmt: skip
    if tied and len(result.points) > 1:
        found.append(f"Equal distances share a place, as under {', '.join(tied)}.")
    return found


def _who_wins(result: PlaneResult) -> str:
    first = result.nearest(Metric.INNER_PRODUCT)
    near = result.nearest(Metric.L2)
    if not first or set(first) == set(near):
        return "The inner product and L2 agree on the first point. Drag a point farther out."
    return (
        f"The inner product puts {plain(' and '.join(first))} first, L2 {plain(' and '.join(near))}. "
        "Cosine does not see lengths: drag a point along its own line, and its cosine stays."
    )


def _why_one_order(result: PlaneResult) -> str:
    point = max(  # one that does not lie on the query
        (p for p in result.points if not math.isnan(p.distances[Metric.COSINE])),
        key=lambda p: 1e-3 < p.distances[Metric.COSINE] < 1,
        default=None,
    )
    if point is None:
        return "Nothing has a direction here: a zero vector cannot be normalised."
    l2, inner = point.distances[Metric.L2], -point.distances[Metric.INNER_PRODUCT]
    return (
        "**L2, cosine and inner product now give one order**, since |a − b|² = |a|² + |b|² − 2ab = "
        f"2 − 2ab when both lengths are 1. For {plain(point.name)}: {number(l2)}² = "
        f"{number(l2 * l2)}, and 2 − 2 × {number(inner)} = {number(2 - 2 * inner)}. "
        "L1 is close to it and may still differ."
    )


def number(value: float) -> str:
    """Write a distance with three digits, from 10 on with two; the minus as long as a plus."""
    if math.isnan(value):
        return "NaN"
    text = f"{value:.3f}" if abs(value) < 9.9995 else f"{value:,.2f}"
    return text.replace("-0.000", "0.000").replace("-", "\N{MINUS SIGN}")
