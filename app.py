"""The app: which pages there are, and what stands around each of them."""

from __future__ import annotations

import streamlit as st

from pgvista.ui.sidebar import show_sidebar
from pgvista.ui.state import warm_model
from pgvista.ui.theme import apply_theme

PAGES = {
    "": [st.Page("pages/start/home.py", title="Home", icon=":material/home:", default=True)],
    "Data": [
        st.Page("pages/data/connect.py", title="Connect", icon=":material/cable:"),
        st.Page("pages/data/collections.py", title="Collections", icon=":material/database:"),
        st.Page("pages/data/load.py", title="Load", icon=":material/upload:"),
        st.Page("pages/data/browse.py", title="Browse", icon=":material/table_rows:"),
    ],
    "Search": [
        st.Page("pages/search/search.py", title="Search", icon=":material/search:"),
        st.Page("pages/search/by_example.py", title="By example", icon=":material/thumbs_up_down:"),
        st.Page("pages/search/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("pages/search/evaluate.py", title="Evaluate", icon=":material/fact_check:"),
    ],
    "Tune": [
        st.Page("pages/tune/indexes.py", title="Indexes", icon=":material/account_tree:"),
        st.Page("pages/tune/live.py", title="Live", icon=":material/tune:"),
        st.Page("pages/tune/sweep.py", title="Sweep", icon=":material/monitoring:"),
        st.Page("pages/tune/types.py", title="Types and sizes", icon=":material/compress:"),
        st.Page(
            "pages/tune/production.py",
            title="Going to production",
            icon=":material/rocket_launch:",
        ),
    ],
    "Explore": [
        st.Page("pages/explore/map.py", title="Map", icon=":material/scatter_plot:"),
        st.Page(
            "pages/explore/duplicates.py", title="Near-duplicates", icon=":material/content_copy:"
        ),
    ],
}
page = st.navigation(PAGES, position="hidden")
st.set_page_config(page_title=f"{page.title} · pgvista", layout="wide", initial_sidebar_state=256)
apply_theme()
show_sidebar(PAGES)
page.run()
warm_model()
