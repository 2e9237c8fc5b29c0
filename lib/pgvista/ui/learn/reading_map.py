"""Lesson: reading a map. What PCA, t-SNE and UMAP keep of the neighbours, and what they invent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from pgvista.db.database import Database
from pgvista.science.lesson_reading_map import Groups, compare_groups
from pgvista.services.lesson_reading_map import MIN_DISTS, NEIGHBORS, PCA, TSNE, UMAP, umap_name
from pgvista.ui.errors import plain
from pgvista.ui.learn.frame import Step, keep_in_address, try_it
from pgvista.ui.learn.reading_map_chance import noise, seeds
from pgvista.ui.learn.reading_map_charts import (
    CONFIG,
    MAP_PX,
    gaps_figure,
    grid_figure,
    map_figure,
    point_colours,
)
from pgvista.ui.learn.reading_map_notes import NOTES
from pgvista.ui.learn.reading_map_row import one_row
from pgvista.ui.learn.reading_map_state import (
    LessonData,
    colour_choice,
    colouring,
    legend,
    lesson_data,
    ready,
)
from pgvista.ui.theme import palette

_NEIGHBORS = "learn_reading_map_neighbors"
_MIN_DIST = "learn_reading_map_dist"
_TALL_PX = 400
_FEW_PAIRS = 3


def reading_map_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson on the connection `db`."""

    def on_rows(body: Callable[[LessonData], None]) -> Callable[[], None]:
        def drawn() -> None:
            if (data := lesson_data(db)) is not None:
                body(data)

        return drawn

    return (
        Step("three maps", "The same rows, drawn in three ways", on_rows(_three), NOTES["three"]),
        Step("one row", "Of ten true neighbours, some lie elsewhere", on_rows(one_row), NOTES["row"]),
        Step("knobs", "n_neighbors and min_dist draw another picture", on_rows(_knobs), NOTES["knobs"]),
        Step("seeds", "What another seed moves is chance", on_rows(seeds), NOTES["seeds"]),
        Step("noise", "Noise has groups too", on_rows(noise), NOTES["noise"]),
        Step("remember", "What a map may be read for", on_rows(_remember), NOTES["remember"]),
    )  # fmt: skip


@st.fragment
def _three(data: LessonData) -> None:
    colours = colour_choice(data)
    shades = palette()
    for column, (name, label) in zip(
        st.columns(3), ((PCA, "PCA"), (TSNE, "t-SNE"), (UMAP, "UMAP")), strict=True
    ):
        made = data.pictures.get(name)
        with column:
            if made is None:
                st.markdown(f"**{label}** · :gray[being laid out]")
                st.skeleton(height=MAP_PX)
                continue
            st.markdown(f"**{label}** · neighbours kept **{made.mean_kept:.0%}**")
            st.plotly_chart(
                map_figure(made.xy, point_colours(colours, made, shades), data.titles, shades),
                key=f"learn_reading_map_three_{name}",
                config=CONFIG,
                alt=f"{len(data):,} rows of {data.collection.name} laid out by {label}, coloured by "
                f"{colours.title}; {made.mean_kept:.0%} of their neighbours are kept",
            )
    legend(colours, shades)
    rows = data.lesson
    drawn = f" of {rows.total:,}, drawn at random" if rows.total > len(data) else ""
    st.markdown(
        f"{len(data):,} rows{drawn}, vectors of {rows.rows.vectors.shape[1]:,} numbers. **Neighbours "
        f"kept**: of a row's {rows.rows.k} nearest by {rows.rows.metric.label} distance, the share "
        f"that are among its {rows.rows.k} nearest on the map. Points strewn at random keep "
        f"**{rows.rows.kept_random:.1%}**."
    )
    if rows.rows.all_equal:
        st.info("All vectors are equal: where a point lies here means nothing.")
    for note in rows.notes:
        if "drawn at random" not in note:  # that is said above
            st.markdown(f":gray[{plain(note)}]")
    ready(data, TSNE, UMAP)


def _knobs(data: LessonData) -> None:
    names = [umap_name(n, d) for n in NEIGHBORS for d in MIN_DISTS]
    if ready(data, *names):
        keep_in_address({_NEIGHBORS: 15, _MIN_DIST: 0.1})
        _knobs_chart(data)


@st.fragment
def _knobs_chart(data: LessonData) -> None:
    state = st.session_state
    if state.get(_NEIGHBORS) not in NEIGHBORS:
        state[_NEIGHBORS] = 15
    if state.get(_MIN_DIST) not in MIN_DISTS:
        state[_MIN_DIST] = 0.1
    left, right = st.columns((0.58, 0.42), gap="medium")
    with right:
        st.segmented_control(
            "n_neighbors",
            NEIGHBORS,
            key=_NEIGHBORS,
            required=True,
            help="Neighbours that a point is held by, itself among them. Few show fine structure, "
            "many the whole. Default 15.",
        )
        st.segmented_control(
            "min_dist",
            MIN_DISTS,
            key=_MIN_DIST,
            format_func=lambda value: f"{value:g}",
            required=True,
            help="How near points may lie to each other on the map. Default 0.1.",
        )
        chosen = state[_NEIGHBORS], state[_MIN_DIST]
        kept = np.array(
            [[data.picture(umap_name(n, d)).mean_kept for d in MIN_DISTS] for n in NEIGHBORS]
        )
        st.markdown("**Neighbours kept by each map**")
        st.plotly_chart(
            grid_figure(kept, NEIGHBORS, MIN_DISTS, chosen, palette()),
            key="learn_reading_map_grid",
            config=CONFIG,
            alt=f"Share of neighbours kept for n_neighbors {NEIGHBORS} and min_dist {MIN_DISTS}: "
            f"from {kept.min():.0%} to {kept.max():.0%}",
        )
        st.markdown(
            f"The pictures differ far more than what they keep: {kept.min():.0%} to {kept.max():.0%}."
        )
    with left:
        made = data.picture(umap_name(*chosen))
        colours = colouring(data)
        st.plotly_chart(
            map_figure(
                made.xy,
                point_colours(colours, made, palette()),
                data.titles,
                palette(),
                height=_TALL_PX,
            ),
            key="learn_reading_map_knobs",
            config=CONFIG,
            alt=f"UMAP with n_neighbors {chosen[0]} and min_dist {chosen[1]:g}, coloured by "
            f"{colours.title}; {made.mean_kept:.0%} of neighbours are kept",
        )
        legend(colours, palette())


def _remember(data: LessonData) -> None:
    left, right = st.columns((0.5, 0.5), gap="medium")
    with right:
        if ready(data, UMAP):
            _gaps(data)
    with left:
        st.markdown(
            "- **Who is near whom** is what a map is made for, and it keeps a part of it. Ask how "
            "much: neighbours kept, beside the random baseline.\n"
            "- **Sizes and gaps** are the method's in part: it evens out density and pushes groups "
            "apart. Wide apart on the map need not be far: ask the distances.\n"
            "- **Groups** may be drawn of noise. One that stays with other seeds and other knobs, "
            "and has near neighbours truly, is worth a look.\n"
            "- **Up, down, left and right** mean nothing."
        )
        chosen = colouring(data)
        params = {"collection": data.collection.name}
        if chosen.legend:
            params["map_colour"] = f"column:{chosen.title}"
        try_it("Open the map of this collection", "map", **params)
        st.markdown(
            ":gray[There: “How true is it?”, another seed and random vectors beside your own map, "
            "and the lines of a row that you click.]"
        )


def _gaps(data: LessonData) -> None:
    made = data.picture(UMAP)
    if made.cluster is None or made.groups < 3:
        st.markdown(":gray[Fewer than three groups were found on this map: no gaps to compare.]")
        return
    groups = compare_groups(data.lesson.rows, made.xy, made.cluster)
    st.markdown(f"**Gaps between the {made.groups} groups of the UMAP picture**")
    st.plotly_chart(
        gaps_figure(groups, data.lesson.rows.metric.label, palette()),
        key="learn_reading_map_gaps",
        config=CONFIG,
        alt=f"{len(groups.pairs)} pairs of groups: true gap against gap on the map, rank "
        f"correlation {groups.gaps_agree:.2f}",
    )
    st.markdown(_of_gaps(groups))


def _of_gaps(groups: Groups) -> str:
    """Say how far true gaps and gaps on the map go together."""
    told = ""
    alike = groups.alike
    if alike.sum() >= _FEW_PAIRS:
        true, shown = groups.true_gaps[alike], groups.map_gaps[alike]
        told = (
            f"{alike.sum()} of the {len(alike)} pairs are about equally far apart, {true.min():.2g} to "
            f"{true.max():.2g}: on the map **{shown.min():.1f} to {shown.max():.1f}**. "
        )
    return (
        f"{told}Rank correlation of all gaps {groups.gaps_agree:.2f}, of the groups' sizes "
        f"{groups.sizes_agree:.2f} (1: the same order, 0: none)."
    )
