"""The steps of the lesson on HNSW that walk among points of a plane."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pgvista.science.hnsw import Hnsw
from pgvista.science.hnsw_recall import missed
from pgvista.science.hnsw_walk import Walk, walk
from pgvista.ui.components.hnsw_player import (
    Scene,
    hnsw_graph,
    hnsw_player,
    pack_graph,
    pack_walk,
)
from pgvista.ui.errors import guarded
from pgvista.ui.learn import hnsw_state as state
from pgvista.ui.learn.frame import keep_in_address, predict, presenting, verdict
from pgvista.ui.learn.hnsw_account import account
from pgvista.ui.learn.hnsw_charts import curve_chart
from pgvista.ui.learn.hnsw_knobs import below_limit, build_knobs, ef_knob

_SPLIT = (0.58, 0.42)
_COSTS = (2_000, 1_000, 300, 100)
_ANSWERS = ("all 2,000", "about 1,000", "about 300", "about 100")
_ASK_EF = 40
_BOARD = "plane"


def cost_step() -> None:
    """Ask what a search costs, then show which points it looked at."""
    graph = state.plane_graph()
    guess = predict(
        "cost",
        f"Exact search computes {state.POINTS:,} distances to find the {state.LIMIT} nearest. How "
        "many does HNSW compute here?",
        _ANSWERS,
    )
    place = state.query()
    found = _walk(graph, place, _ASK_EF) if guess is not None else None
    if guess is not None and found is not None:
        got = state.LIMIT - len(missed(found.found, state.truth(place)))
        cost = min(_COSTS, key=lambda cost: abs(np.log(cost / found.computed)))
        verdict(
            guess,
            _ANSWERS[_COSTS.index(cost)],
            f"With a candidate list of {_ASK_EF} places, **{found.computed} distances** were "
            f"computed, those of the blue points, and {got} of the {state.LIMIT} nearest were found. "
            "The index is approximate: it can miss some.",
        )
    _player(graph, found, place, board=_BOARD, still=True, whole=True, key="learn_hnsw_cost")
    _graph(graph, _BOARD)


def walk_step() -> None:
    """Play the walk from layer to layer."""
    graph = state.plane_graph()
    _walked()
    _graph(graph, _BOARD)


@st.fragment
def _walked() -> None:
    with guarded():
        keep_in_address({state.X: state.QUERY[0], state.Y: state.QUERY[1]})
        graph, place = state.plane_graph(), state.query()
        found = _walk(graph, place, state.DEFAULT_EF)
        _player(graph, found, place, board=_BOARD, key="learn_hnsw_walk")
        _other_query("learn_hnsw_other")


def ef_step() -> None:
    """Turn ef_search and see what it finds and costs."""
    graph = state.plane_graph()
    _ef()
    _graph(graph, _BOARD)


@st.fragment
def _ef() -> None:
    with guarded():
        keep_in_address(
            {
                state.X: state.QUERY[0],
                state.Y: state.QUERY[1],
                state.EF: float(state.DEFAULT_EF),
            }
        )
        graph, place = state.plane_graph(), state.query()
        left, right = st.columns(_SPLIT, gap="medium")
        with right:
            ef = ef_knob(state.EF, state.DEFAULT_EF)
            found = _walk(graph, place, ef)
            lost = len(missed(found.found, state.truth(place)))
            mean = state.plane_point(ef)
            st.markdown(
                f"| | found of {state.LIMIT} | distances |\n|:--|--:|--:|\n"
                f"| this query | **{state.LIMIT - lost}** | **{found.computed}** |\n"
                f"| mean of {state.ASKED} queries | **{state.LIMIT * mean.recall:.1f}** | "
                f"**{mean.computed:.0f}** |"
            )
            below_limit(ef, state.LIMIT)
            curve_chart(
                {_name(graph.m, graph.ef_construction): state.plane_curve()}, mean, state.POINTS,
                key="learn_hnsw_ef_chart",
            )  # fmt: skip
        with left:
            _player(graph, found, place, board=_BOARD, still=True, key="learn_hnsw_ef_plane")
            _other_query("learn_hnsw_ef_other")


def build_step() -> None:
    """Build the graph with other knobs, and see its links and its recall."""
    _build()


@st.fragment
def _build() -> None:
    with guarded():
        keep_in_address(
            {state.M: state.PLANE_M, state.EF_CONSTRUCTION: state.PLANE_EF_CONSTRUCTION}
        )
        left, right = st.columns(_SPLIT, gap="medium")
        with right:
            m, ef_construction = build_knobs(
                state.M,
                state.EF_CONSTRUCTION,
                m=state.PLANE_M,
                ef_construction=state.PLANE_EF_CONSTRUCTION,
            )
            with st.spinner(f"{state.POINTS:,} points are inserted…"):
                before = state.plane_curve()
                graph = state.plane_graph(m, ef_construction)
                curve = state.plane_curve(m, ef_construction)
                mean = state.plane_point(state.DEFAULT_EF, m, ef_construction)
            _links(graph)
            curves = {_name(state.PLANE_M, state.PLANE_EF_CONSTRUCTION): before}
            curves[_name(m, ef_construction)] = curve
            curve_chart(curves, mean, state.POINTS, key="learn_hnsw_build_chart")
        with left:
            place = state.query()
            found = _walk(graph, place, state.DEFAULT_EF)
            _player(
                graph, found, place, board="built", still=True, mesh=True, key="learn_hnsw_built"
            )
            _graph(graph, "built")


def _name(m: int, ef_construction: int) -> str:
    return f"m {m}, ef_construction {ef_construction}"


def _links(graph: Hnsw) -> None:
    both = (state.plane_graph(), graph)
    rows = {
        "Layers": [len(one.layers) for one in both],
        "Links of a point on layer 0, mean": [
            round(len(one.edges(0)) / len(one.layers[0])) for one in both
        ],
        "Points that a walk can reach": [one.reached() for one in both],
    }
    st.markdown(
        "| | at first | as set |\n|:--|--:|--:|\n"
        + "\n".join(f"| {name} | {first:,} | **{now:,}** |" for name, (first, now) in rows.items())
    )


def _graph(graph: Hnsw, board: str) -> None:
    hnsw_graph(
        pack_graph(graph, graph.points, board=board, token=_token(graph)),
        key=f"learn_hnsw_graph_{board}",
    )


def _token(graph: Hnsw) -> str:
    return f"{graph.m}.{graph.ef_construction}.{graph.seed}"


def _walk(graph: Hnsw, place: tuple[float, float], ef: int) -> Walk:
    return walk(graph, np.array(place, np.float32), ef=ef, limit=state.LIMIT)


def _player(
    graph: Hnsw,
    found: Walk | None,
    place: tuple[float, float],
    *,
    board: str,
    key: str,
    still: bool = False,
    whole: bool = False,
    mesh: bool = False,
) -> None:
    truth = state.truth(place)
    lost = missed(found.found, truth) if found is not None else ()
    texts: tuple[str, ...] = ()
    if found is not None:
        texts = account(graph, found, due=len(truth), missed=len(lost))
    told = f"; {len(truth) - len(lost)} of {len(truth)} neighbours found" if found else ""
    scene = Scene(
        board=board,
        token=_token(graph),
        at=place,
        truth=tuple(node for _, node in truth),
        missed=lost,
        texts=() if whole else texts[-1:] if still else texts,
        alt=f"A plane of {len(graph.points):,} points and a query{told}.",
        still=still,
        whole=whole,
        can_click=not whole,
        mesh=mesh,
        rest_rem=_rest_rem(still=still, whole=whole),
    )
    hnsw_player(pack_walk(found, scene), key=key, token=scene.token, clicked=_clicked)


def _rest_rem(*, still: bool, whole: bool) -> float:
    """Return how much of the screen's height is needed by what is above and beneath the plane."""
    if presenting():
        return 16.0 if whole else 15.2 if still else 15.5
    return 29.0 if whole or not still else 25.5


def _clicked(place: tuple[float, float]) -> None:
    st.session_state[state.X], st.session_state[state.Y] = (round(item, 2) for item in place)


def _other_query(key: str) -> None:
    """Say how the query is put elsewhere, and draw what does it for those who do not click.

    On a presented screen there is no room for it; a click does the same.
    """

    def draw() -> None:
        turn = st.session_state[f"_{key}"] = st.session_state.get(f"_{key}", -1) + 1
        x, y = state.plane_queries()[turn % state.ASKED].tolist()
        _clicked((x, y))

    if presenting():
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(":gray[Click in the plane to put the query there.]", width="content")
        st.button(
            "Another query", key=key, icon=":material/casino:", type="tertiary", on_click=draw
        )
