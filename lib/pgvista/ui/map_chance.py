"""Data or chance: the map beside one of another seed, and beside one of random vectors."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from pgvista.errors import PgvistaError
from pgvista.jobs import JobState
from pgvista.model.collection import Collection
from pgvista.model.map import Comparison, Floats, MapQuality, Places
from pgvista.model.map_spec import MapMethod
from pgvista.science.map_picture import picture
from pgvista.services.map_compare import compare_noise, compare_seeds
from pgvista.ui.components.panels import metric_chips
from pgvista.ui.errors import plain, show_error
from pgvista.ui.jobs import job_panel, start_job
from pgvista.ui.map_state import OpenMap
from pgvista.ui.theme import palette

PICTURE_PX = 340
_KEPT = "_map_chance"
_NO_SEED = "PCA draws nothing by chance: the same rows make the same map."


class Kind(StrEnum):
    """What the map is held against."""

    SEED = "seed"
    NOISE = "noise"


@dataclass(slots=True)
class Chance:
    """What was compared with one map, and what is being compared; kept with the session."""

    token: str
    seed: int
    """The seed that was asked for last."""
    jobs: dict[Kind, tuple[str, str]] = field(default_factory=dict)
    """What is being compared: title and job."""
    found: dict[Kind, tuple[str, Comparison]] = field(default_factory=dict)
    drawn: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Pictures as PNG, by what they show and the theme's ground."""


def chance_card(collection: Collection, shown: OpenMap) -> None:
    """Draw the two comparisons: buttons, jobs, and then pictures with figures."""
    info = shown.saved.info
    if info.points < 2:
        return
    kept = _kept(shown)
    with st.container(border=True, key="map_chance"):
        st.markdown("**Data or chance?**")
        st.markdown(
            ":gray[What stays with another seed is in the data. What shows up in random vectors too "
            "is made by the method.]"
        )
        buttons = st.container(horizontal=True)
        for kind in tuple(kept.jobs):
            _watch(kept, kind)
        with buttons:  # drawn last: a job that has just ended holds none of them back
            next_seed = (kept.seed + 1) % 2_147_483_648
            fixed = info.spec.method is MapMethod.PCA
            if st.button(
                f"Lay out with seed {next_seed}",
                key="map_chance_seed",
                icon=":material/casino:",
                disabled=fixed or Kind.SEED in kept.jobs,
                help=_NO_SEED if fixed else "The same rows and knobs, other random numbers.",
            ):
                _start(collection, shown, kept, Kind.SEED, next_seed)
            if st.button(
                "Lay out random vectors",
                key="map_chance_noise",
                icon=":material/grain:",
                disabled=Kind.NOISE in kept.jobs,
                help="As many, up to 5,000, with as many numbers, by the same method and knobs.",
            ):
                _start(collection, shown, kept, Kind.NOISE, kept.seed)
        if kept.found:
            _pictures(shown, kept)


def _kept(shown: OpenMap) -> Chance:
    kept: Chance | None = st.session_state.get(_KEPT)
    if kept is None or kept.token != shown.token:
        kept = st.session_state[_KEPT] = Chance(shown.token, shown.saved.info.spec.seed)
    return kept


def _start(collection: Collection, shown: OpenMap, kept: Chance, kind: Kind, seed: int) -> None:
    saved = shown.saved
    what = f"with seed {seed}" if kind is Kind.SEED else "of random vectors"
    try:
        begun = start_job(
            f"Map {what} beside {saved.info.name}",
            lambda own, reporter: (
                compare_seeds(own, collection, saved, seed, reporter=reporter)
                if kind is Kind.SEED
                else compare_noise(collection, saved, reporter=reporter)
            ),
            exclusive=f"map {kind} {collection.schema}.{collection.table}",
        )
    except PgvistaError as error:
        show_error(error)
        return
    kept.jobs[kind] = (f"Seed {seed}" if kind is Kind.SEED else "Random vectors", begun.id)
    if kind is Kind.SEED:
        kept.seed = seed
    st.rerun()


def _watch(kept: Chance, kind: Kind) -> None:
    """Draw a job; take what it found, and forget it once it has ended."""
    title, job_id = kept.jobs[kind]
    job = job_panel(job_id, done=lambda _result: None)
    if job is None or job.state.is_final:
        del kept.jobs[kind]
    if job is not None and job.state is JobState.DONE and isinstance(job.result, Comparison):
        kept.found[kind] = (title, job.result)
        kept.drawn = {key: png for key, png in kept.drawn.items() if key[0] != kind}


def _pictures(shown: OpenMap, kept: Chance) -> None:
    info, points = shown.saved.info, shown.saved.points
    itself = f"This map, seed {info.spec.seed}"
    cells: list[tuple[str, str, Floats, Places, MapQuality, float | None]]
    cells = [("map", itself, points.xy, points.cluster, info.quality, None)]
    for kind in Kind:
        if kind in kept.found:
            title, found = kept.found[kind]
            own = points.cluster if found.cluster is None else found.cluster
            cells.append((kind, title, found.xy, own, found.quality, found.agreement))
    for place, (name, title, xy, cluster, quality, agreement) in zip(
        st.columns(3, gap="medium"), cells, strict=False
    ):
        with place:
            st.markdown(f"**{title}**")
            alt = f"{title}: {len(xy):,} points, coloured by cluster"
            st.image(_png(kept, name, xy, cluster), width="stretch", alt=alt)
            metric_chips(_figures(quality, agreement), key=f"map_chance_figures_{name}")
    for kind in Kind:
        if kind in kept.found:
            st.markdown(f":gray[{plain(kept.found[kind][1].sentence)}]")


def _png(kept: Chance, name: str, xy: Floats, cluster: Places) -> bytes:
    """Draw a layout in the colours of the theme, once."""
    key = (name, palette().background)
    if key not in kept.drawn:
        colours = _colours()
        codes = np.where(cluster < 0, -1, cluster % (len(colours) - 1))
        out = io.BytesIO()
        Image.fromarray(picture(xy, codes, colours, PICTURE_PX)).save(out, "PNG")
        kept.drawn[key] = out.getvalue()
    return kept.drawn[key]


def _figures(quality: MapQuality, agreement: float | None) -> dict[str, str]:
    told = {}
    if quality.k and not math.isnan(quality.kept):
        told["neighbours kept"] = f"{quality.kept:.1%}"
        told["at random"] = f"{quality.kept_random:.1%}"
    if quality.trustworthiness is not None:
        told["trustworthiness"] = f"{quality.trustworthiness:.3f}"
    if agreement is not None and not math.isnan(agreement):
        told["the same as on this map"] = f"{agreement:.1%}"
    return told


def _colours() -> NDArray[np.uint8]:
    """Return the colours of categories, and last that of points in no cluster: shape (n, 3)."""
    colours = palette()
    named = (*colours.series[:9], colours.border)
    return np.array([[int(one[i : i + 2], 16) for i in (1, 3, 5)] for one in named], np.uint8)
