"""What chance does to a map: another seed, and random vectors in place of the rows."""

from __future__ import annotations

import zlib

import numpy as np
import streamlit as st

from pgvista.science.lesson_reading_map import nearest_distance, shared
from pgvista.services.lesson_reading_map import (
    MIN_DISTS,
    NOISE,
    NOISE_NEIGHBORS,
    NOISE_TWIN,
    SEEDS,
    UMAP,
    seed_name,
)
from pgvista.ui.errors import plain
from pgvista.ui.learn.frame import predict, verdict
from pgvista.ui.learn.reading_map_charts import CONFIG, MAP_PX, by_share, map_figure, point_colours
from pgvista.ui.learn.reading_map_state import LessonData, colouring, legend, ready
from pgvista.ui.theme import palette

_SEED = "learn_reading_map_seed"
_SIDES = ("Map A", "Map B")


def seeds(data: LessonData) -> None:
    """Draw two maps of the same settings that differ in their seed."""
    if ready(data, *(seed_name(seed) for seed in range(SEEDS))):
        _seeds_chart(data)


@st.fragment
def _seeds_chart(data: LessonData) -> None:
    state, rows, shades = st.session_state, data.lesson.rows, palette()
    if state.get(_SEED) not in range(1, SEEDS):
        state[_SEED] = 1
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control(
            "The other seed", range(1, SEEDS), key=_SEED, required=True,
            help="It decides which points UMAP compares with which, and nothing else.",
        )  # fmt: skip
        by = st.segmented_control(
            "Coloured by",
            ("Column", "Neighbours shared"),
            key="learn_reading_map_seed_by",
            default="Column",
            required=True,
        )
    one, other = data.picture(UMAP), data.picture(seed_name(state[_SEED]))
    same = shared(one.xy, other.xy, rows.k)
    extent = float(np.linalg.norm(one.xy.max(axis=0) - one.xy.min(axis=0)))
    moved = float((np.linalg.norm(one.xy - other.xy, axis=1) > 0.1 * extent).mean())
    colours = colouring(data)
    for column, made in zip(st.columns(2, gap="medium"), (one, other), strict=True):
        with column:
            st.markdown(f"**Seed {made.seed}** · neighbours kept **{made.mean_kept:.0%}**")
            shown = (
                by_share(same, shades) if by != "Column" else point_colours(colours, made, shades)
            )
            st.plotly_chart(
                map_figure(made.xy, shown, data.titles, shades, height=MAP_PX + 10),
                key=f"learn_reading_map_seed_{made.seed > 0}",
                config=CONFIG,
                alt=f"UMAP with seed {made.seed}; {same.mean():.0%} of a point's neighbours on one "
                "map are so on the other",
            )
    if by == "Column":
        legend(colours, shades)
    else:
        st.markdown(
            ":gray[The stronger a point's colour, the more neighbours its two places share.]"
        )
    st.markdown(
        f"On average **{same.mean():.0%}** of a point's {rows.k} neighbours on one map are its "
        "neighbours on the other too. Turned and scaled onto each other, "
        f"**{moved:.0%}** of the points still lie farther apart than a tenth of the map."
    )


def noise(data: LessonData) -> None:
    """Draw the rows beside random vectors, and ask which is which."""
    if not ready(data, NOISE, NOISE_TWIN):
        return
    real, noise = data.picture(NOISE_TWIN), data.picture(NOISE)
    noise_is_left = bool(zlib.crc32(data.collection.name.encode()) % 2)
    guess = predict(
        "noise",
        f"One map shows {plain(data.collection.name)}, the other as many random vectors. Which is "
        "noise?",
        _SIDES,
    )
    if guess is not None:
        rows, drawn = data.lesson.rows, data.pictures.noise
        far = "" if drawn is None else (
            f" The nearest neighbour is at a {rows.metric.label} distance of "
            f"{nearest_distance(rows):.2f} in the rows, of {nearest_distance(drawn):.2f} in the "
            "noise: look at distances, not at the picture."
        )  # fmt: skip
        verdict(
            guess,
            _SIDES[not noise_is_left],
            f"UMAP drew {noise.groups} groups of noise and {real.groups} of the rows.{far}",
        )
    shades, colours = palette(), colouring(data)
    order = (noise, real) if noise_is_left else (real, noise)
    for side, (column, made) in enumerate(zip(st.columns(2, gap="medium"), order, strict=True)):
        is_noise = made is noise
        with column:
            if guess is None:
                st.markdown(f"**{_SIDES[side]}**")
            else:
                what = "Random numbers" if is_noise else plain(data.collection.name)
                st.markdown(
                    f"**{what}** · {made.groups} groups · neighbours kept **{made.mean_kept:.0%}**"
                )
            shown: list[str] | str = shades.series[-1]
            if guess is not None and not is_noise:
                shown = point_colours(colours, made, shades)
            st.plotly_chart(
                map_figure(
                    made.xy,
                    shown,
                    data.titles if guess is not None and not is_noise else (),
                    shades,
                    height=MAP_PX + 20,
                ),
                key=f"learn_reading_map_noise_{side}",
                config=CONFIG,
                alt=f"{_SIDES[side]}: {len(data):,} points in clumps"
                + ("" if guess is None else ", of random numbers" if is_noise else ", of the rows"),
            )
    st.markdown(
        f":gray[Both: UMAP, n_neighbors {NOISE_NEIGHBORS}, min_dist {MIN_DISTS[0]:g}, seed 0, "
        f"{len(data):,} vectors of {data.lesson.rows.vectors.shape[1]:,} numbers.]"
    )
