"""Connect: which server is in use, which others there are, and how to reach one more."""

from __future__ import annotations

import streamlit as st

from pgvista.ui.connection_form import new_connection
from pgvista.ui.connection_list import connection_list
from pgvista.ui.embedding_services import embedding_services
from pgvista.ui.server_report import show_report

st.title("Connect")
known, new = st.columns([1, 1], gap="large")
with new:
    new_connection()
with known:
    report = st.container()
    connection_list()
with report:
    show_report()

st.subheader("Embedding services")
embedding_services()
