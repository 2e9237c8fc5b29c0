"""What the map keeps of the true neighbourhoods, and what it must not be read for."""

from __future__ import annotations

import math

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.map import Freshness
from pgvista.services.map_compare import sentences
from pgvista.services.map_update import update_map
from pgvista.ui import map_state as state
from pgvista.ui.components.panels import metric_chips
from pgvista.ui.errors import guarded, plain
from pgvista.ui.map_state import OpenMap


def honesty_card(shown: OpenMap) -> None:
    """Draw how much of the true neighbourhoods is kept, and what sizes and gaps mean."""
    quality = shown.saved.info.quality
    with st.container(border=True, key="map_honesty"):
        st.markdown("**How true is it?**")
        if quality.k and not math.isnan(quality.kept):
            left, right = st.columns(2)
            left.metric(
                "Neighbours kept",
                f"{quality.kept:.0%}",
                help=f"Mean share of a row's {quality.k} true neighbours that are among its "
                f"{quality.k} nearest on the map.",
            )
            right.metric(
                "At random",
                f"{quality.kept_random:.1%}",
                help="What points strewn at random would keep: k / (n − 1).",
            )
            st.progress(min(1.0, max(0.0, quality.kept)))
        figures = {}
        if quality.trustworthiness is not None:
            figures["trustworthiness"] = f"{quality.trustworthiness:.3f}"
        if quality.continuity is not None:
            figures["continuity"] = f"{quality.continuity:.3f}"
        if figures and quality.measured_on < shown.saved.info.points:
            figures["measured on"] = f"{quality.measured_on:,} points"
        if figures:
            metric_chips(figures, key="map_quality")
        for sentence in sentences(shown.saved):
            if not sentence.startswith(("Of a row's", "Trustworthiness")):
                st.markdown(f":gray[{plain(sentence)}]")


def stale_notice(db: Database, collection: Collection, shown: OpenMap) -> None:
    """Say that the table has changed since, and offer to bring the map up to date."""
    found = state.freshness(db, collection, shown)
    if found.freshness is not Freshness.STALE:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="map_stale"):
        st.warning(plain(found.reason), icon=":material/update:")
        if found.can_update and st.button(
            "Bring up to date",
            key="map_update",
            icon=":material/update:",
            help="Rows that came, or whose vectors are others now, are placed by their true "
            "neighbours and ringed; points of rows that are gone are taken off. The others stay "
            "where they are.",
        ):
            with guarded(stop=True), st.spinner("Placing rows"):
                state.keep(collection, update_map(db, collection, shown.saved))
            st.rerun()
