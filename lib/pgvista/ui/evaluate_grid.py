"""Grid: what fusions, weights and rankings give on judged queries, and whether to change anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.evaluation_grid import (
    GRID_MEASURES,
    Decision,
    Grid,
    GridCell,
    GridSetting,
    GridSpec,
)
from pgvista.model.search import Fusion, KeywordRank, Mode
from pgvista.services.evaluate_grid import evaluate_grid
from pgvista.ui import evaluate_state as state
from pgvista.ui.charts.grid_heatmap import grid_heatmap
from pgvista.ui.errors import plain
from pgvista.ui.evaluate_default import own_defaults, take_button
from pgvista.ui.evaluate_names import measure_help, show_notes
from pgvista.ui.evaluate_queries import open_in_search, rows_table, told_line
from pgvista.ui.evaluate_state import Chosen
from pgvista.ui.format import plural
from pgvista.ui.search_context import embedder
from pgvista.ui.search_names import FUSION, ranks_of

KIND = "grid"
SPEC = GridSpec()
"""The grid that is tried when nothing is chosen."""
_ICONS = {
    Decision.KEEP: ":material/check_circle:",
    Decision.TAKE: ":material/trending_up:",
    Decision.TOO_FEW: ":material/hourglass_empty:",
}
_VALUES: dict[str, tuple[str, Callable[[GridCell], float]]] = {
    "choosing": ("Choosing half", lambda cell: cell.tuning),
    "held out": ("Held-out half", lambda cell: cell.held_out),
    "all": ("All queries", lambda cell: cell.all),
}


def grid_view(db: Database, collection: Collection, chosen: Chosen) -> None:
    """Draw the knobs, the job while it runs, and the grid with its decision."""
    if Mode.HYBRID not in state.modes(collection):
        missing = "model" if collection.model is None else "text"
        st.info(
            f"A grid weighs two lists against each other, and {plain(collection.name)} has no "
            f"{missing}, so it has one list alone. Measure it instead.",
            icon=":material/info:",
        )
        return
    if state.is_running(KIND, collection):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("What is tried", icon=":material/tune:", key="evaluate_grid_knobs"):
            spec = _knobs(collection)
        if st.button(
            "Run the grid", key="evaluate_grid_go", type="primary", icon=":material/play_arrow:"
        ):
            _start(collection, chosen, spec())
            st.rerun()
        own_defaults(db, collection)
    run = state.last_run(KIND, collection, chosen)
    if run is None:
        st.markdown(
            ":gray[Each query is asked once for each ranking; all fusions and weights are computed "
            "from the lists it returns. Half of the queries choose the best setting, and the other "
            "half, which had no part in choosing, says whether it is better than what you have.]"
        )
        return
    grid: Grid = run.found
    if run.query_set != chosen.query_set:
        st.info(
            "The set was changed since the grid was run. Run it again to count the changes.",
            icon=":material/update:",
        )
    if GridSetting.of(state.present(collection)) != grid.present.setting:
        st.info(
            "The collection's default was changed since the grid was run. Run it again to compare "
            "with what you have now.",
            icon=":material/update:",
        )
    _decision(db, collection, grid)
    _single_lists(grid)
    _maps(grid)
    _wins_and_losses(collection, chosen, grid)


def _knobs(collection: Collection) -> Callable[[], GridSpec]:
    """Draw what is tried; return what makes the grid of it, which may raise InvalidInput."""
    measure = st.selectbox(
        "Judged by",
        list(GRID_MEASURES),
        key="evaluate_grid_measure",
        persist_state="session",
        help="The measure that the best setting has the highest mean of. Default: nDCG@10.",
    )
    fusions = st.pills(
        "Fusion",
        [item.value for item in Fusion],
        selection_mode="multi",
        default=[item.value for item in SPEC.fusions],
        format_func=lambda item: FUSION[Fusion(item)],
        key="evaluate_grid_fusions",
        persist_state="session",
        help="How the two lists become one.",
    )
    offered = ranks_of(collection)
    ranks = st.pills(
        "Words ranked by",
        list(offered),
        selection_mode="multi",
        default=[item.value for item in SPEC.ranks if item.value in offered],
        format_func=lambda item: offered[item],
        key="evaluate_grid_ranks",
        persist_state="session",
        help="Each ranking asks every query once more.",
    )
    ks = st.text_input(
        "k of RRF",
        value=_written(SPEC.ks),
        key="evaluate_grid_ks",
        persist_state="session",
        help="Numbers above 0, to 1,000. Default: " + _written(SPEC.ks) + ".",
    )
    shares = st.text_input(
        "Semantic shares",
        value=_written(SPEC.semantic_shares),
        key="evaluate_grid_shares",
        persist_state="session",
        help="The semantic list's part of both weights, between 0 and 1. The single lists are "
        "measured anyway. Default: " + _written(SPEC.semantic_shares) + ".",
    )
    seed = st.number_input(
        "Seed",
        value=SPEC.seed,
        min_value=0,
        max_value=2**31,
        key="evaluate_grid_seed",
        persist_state="session",
        help="Decides which queries choose and which are held out, and the bootstrap. Default: 0.",
    )
    return lambda: replace(
        SPEC,
        measure=measure,
        fusions=tuple(Fusion(item) for item in fusions),
        ranks=tuple(KeywordRank(item) for item in ranks),
        ks=_numbers(ks, "k of RRF"),
        semantic_shares=_numbers(shares, "semantic shares"),
        seed=int(seed),
    )


def _written(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _numbers(text: str, what: str) -> tuple[float, ...]:
    """Return the numbers of a text, each once, in order. Raises InvalidInput."""
    found = []
    for word in text.replace(",", " ").replace(";", " ").split():
        try:
            found.append(float(word))
        except ValueError:
            raise InvalidInput(
                f"{word[:40]!r} among the {what} is no number.",
                "Write numbers with commas between them, such as 1, 10, 60.",
            ) from None
    return tuple(sorted(set(found)))


def _start(collection: Collection, chosen: Chosen, spec: GridSpec) -> None:
    model = embedder(collection)
    now = state.present(collection)
    state.start(
        KIND,
        f"Grid for {collection.name}",
        collection,
        chosen,
        lambda own, reporter: evaluate_grid(
            own, collection, chosen.query_set, now, spec, reporter=reporter, embedder=model
        ),
        model,
    )


# -- what was found


def _decision(db: Database, collection: Collection, grid: Grid) -> None:
    """Say what to do, in large type, and on what ground."""
    gain = grid.gain
    with st.container(border=True, key="evaluate_card_decision"):
        st.markdown(f"## {_ICONS[grid.decision]} {plain(grid.sentence)}")
        if grid.best.setting != grid.present.setting:
            st.markdown(
                f"Gain **{gain.mean:+.3f}** :gray[{grid.measure}] &ensp; 95 % interval "
                f"**{gain.low:+.3f} to {gain.high:+.3f}** &ensp; "
                f"**{gain.wins}** {'win' if gain.wins == 1 else 'wins'}, **{gain.losses}** "
                f"{'loss' if gain.losses == 1 else 'losses'}, **{gain.ties}** "
                f"{'tie' if gain.ties == 1 else 'ties'}".replace("-", "−")
            )
        told = (
            f"{grid.tuning_queries:,} queries, drawn by chance, chose among "
            f"{len(grid.singles) + len(grid.cells):,} settings."
        )
        if grid.best.setting != grid.present.setting:
            told += (
                f" The figures above are of the other {grid.held_out_queries:,}, since a winner "
                "always looks good on what chose it; the interval is of the paired bootstrap."
            )
        st.markdown(f":small[:gray[{told}]]")
        with st.container(horizontal=True):
            take_button(db, collection, grid)
            if st.button("Open in Search", key="evaluate_grid_open", icon=":material/search:"):
                request = replace(state.present(collection), **grid.best.setting.fields())
                open_in_search(collection, request, "")
    show_notes(grid.notes)


def _single_lists(grid: Grid) -> None:
    """Draw both single lists first, then what there is and the best, with both halves."""
    st.markdown("#### Single lists, and what you have")
    named = [(cell.setting.label, cell) for cell in grid.singles]
    named.append((f"what you have: {grid.present.setting.label}", grid.present))
    if grid.best.setting != grid.present.setting:
        named.append((f"best found: {grid.best.setting.label}", grid.best))
    number = st.column_config.NumberColumn
    st.dataframe(
        [
            {"setting": name, "choosing": cell.tuning, "held out": cell.held_out, "all": cell.all}
            for name, cell in named
        ],
        hide_index=True,
        key="evaluate_grid_singles",
        column_config={
            "setting": st.column_config.TextColumn("Setting", width="large"),
            **{
                name: number(label, format="%.3f", width="small", help=measure_help(grid.measure))
                for name, (label, _) in _VALUES.items()
            },
        },
        alt=f"{grid.measure} of the single lists and of the present setting: "
        + "; ".join(f"{name} {cell.all:.3f}" for name, cell in named),
    )


def _maps(grid: Grid) -> None:
    """Draw a heat map for each ranking of the words."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {grid.measure} of the fusions", width="stretch")
        shown = st.segmented_control(
            "Queries",
            list(_VALUES),
            format_func=lambda item: _VALUES[item][0],
            default=None if "evaluate_grid_values" in st.session_state else "choosing",
            required=True,
            key="evaluate_grid_values",
            label_visibility="collapsed",
            persist_state="session",
        )
    value = _VALUES[shown or "choosing"][1]
    names = list(dict.fromkeys(cell.setting.rank_name for cell in grid.cells))
    across = len(names) if len(names) <= 3 else 2
    for start in range(0, len(names), across):
        row = names[start : start + across]
        for place, name in zip(st.columns(across, gap="small"), row, strict=False):
            with place:
                grid_heatmap(grid, name, value=value, key=f"evaluate_heatmap_{name}")
    st.markdown(f":small[:gray[{_legend(grid)}]]")


def _legend(grid: Grid) -> str:
    on_map = {cell.setting for cell in grid.cells}
    best, present = grid.best.setting, grid.present.setting
    said = "The full frame is the best on the choosing half"
    if best not in on_map:
        said = f"The best on the choosing half is not on the map: {plain(best.label)}"
    if present not in on_map:
        return f"{said}. What you have is not on the map: {plain(present.label)}."
    return f"{said}, the dotted frame what you have." if best in on_map else (
        f"{said}. The dotted frame is what you have."
    )  # fmt: skip


def _wins_and_losses(collection: Collection, chosen: Chosen, grid: Grid) -> None:
    if grid.best.setting == grid.present.setting:
        return
    texts = {query.id: query.text for query in chosen.query_set.queries}
    rows: list[dict[str, Any]] = sorted(
        (
            {"query": texts.get(key, ""), "now": old, "best": new, "gain": new - old, "id": key}
            for key, (old, new) in grid.per_query.items()
        ),
        key=lambda row: (row["gain"], row["best"]),
    )
    st.markdown("#### Wins and losses")
    everything = grid.gain_all
    told_line(
        f"All {plural(everything.queries, 'query', 'queries')}: {plural(everything.wins, 'win')}, "
        f"{plural(everything.losses, 'loss', 'losses')}. Losses stand first; click a query to open "
        "it in Search with the best setting.",
        rows,
        key="evaluate_csv_grid",
    )
    clicked = rows_table(
        rows,
        key="evaluate_grid_queries",
        measure=grid.measure,
        values=["now", "best", "gain"],
    )
    if clicked is not None:
        request = replace(state.present(collection), **grid.best.setting.fields())
        open_in_search(collection, request, rows[clicked]["query"])
