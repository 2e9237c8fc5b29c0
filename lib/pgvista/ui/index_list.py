"""The left of the page Indexes: figures, table, and the index that is marked; alive during a build."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import CollectionStats
from pgvista.model.index_build import BuildServer
from pgvista.services.index_overview import overview
from pgvista.ui.errors import guarded
from pgvista.ui.index_actions import index_detail, is_building
from pgvista.ui.index_table import index_table, summary

POLL_S = 2.0


def index_list(db: Database, stats: CollectionStats, server: BuildServer) -> None:
    """Draw the indexes; while one is being built, here or by anybody, they are read again."""
    items = overview(db, stats.collection, server)
    alive = is_building(stats.collection) or any(item.info.build is not None for item in items)
    st.fragment(_draw, run_every=POLL_S if alive else None)(db, stats, server, alive)


def _draw(db: Database, stats: CollectionStats, server: BuildServer, alive: bool) -> None:
    with guarded():
        items = overview(db, stats.collection, server)
        busy = is_building(stats.collection) or any(item.info.build is not None for item in items)
        if alive and not busy:
            st.rerun()
        summary(stats, items, server)
        chosen = index_table(stats.collection, items)
        if chosen is not None:
            index_detail(db, stats, chosen, server)
