"""The app: which pages there are, and what stands around each of them."""

from __future__ import annotations

import streamlit as st

from pgvista.ui.learn.frame import presenting
from pgvista.ui.learn.lessons import lesson_pages
from pgvista.ui.sidebar import ICON, page_of, show_sidebar
from pgvista.ui.state import warm_model
from pgvista.ui.theme import apply_theme

PAGES = {
    "": [page_of("pages/start/home.py", "Home", ":material/home:", default=True)],
    "Data": [
        page_of("pages/data/connect.py", "Connect", ":material/cable:"),
        page_of("pages/data/collections.py", "Collections", ":material/database:"),
        page_of("pages/data/load.py", "Load", ":material/upload:"),
        page_of("pages/data/browse.py", "Browse", ":material/table_rows:"),
    ],
    "Search": [
        page_of("pages/search/search.py", "Search", ":material/search:"),
        page_of("pages/search/by_example.py", "By example", ":material/thumbs_up_down:"),
        page_of("pages/search/compare.py", "Compare", ":material/compare_arrows:"),
        page_of("pages/search/evaluate.py", "Evaluate", ":material/fact_check:"),
    ],
    "Tune": [
        page_of("pages/tune/indexes.py", "Indexes", ":material/account_tree:"),
        page_of("pages/tune/live.py", "Live", ":material/tune:"),
        page_of("pages/tune/sweep.py", "Sweep", ":material/monitoring:"),
        page_of("pages/tune/types.py", "Types and sizes", ":material/compress:"),
        page_of("pages/tune/production.py", "Going to production", ":material/rocket_launch:"),
    ],
    "Explore": [
        page_of("pages/explore/map.py", "Map", ":material/scatter_plot:"),
        page_of("pages/explore/duplicates.py", "Near-duplicates", ":material/content_copy:"),
    ],
    "Learn": lesson_pages(),
}
page = st.navigation(PAGES, position="hidden")
presented = presenting()
st.set_page_config(
    page_title=f"{page.title} · pgvista",
    page_icon=ICON,
    layout="wide",
    initial_sidebar_state="collapsed" if presented else 256,
)
apply_theme()
with st.container():  # where a server that is started says so: the page beneath must not move
    show_sidebar(PAGES, page, presented=presented)
page.run()
warm_model()
