"""Why: what a diagnosis found, each cause in a sentence with its remedy; and a statement to paste."""

from __future__ import annotations

import re

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.diagnosis import Diagnosis
from pgvista.services.diagnosis import diagnose_statement
from pgvista.ui import live_state as state
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.errors import guarded, plain
from pgvista.ui.live_ask import remembered

_OPERATOR = re.compile(r"(<=>|<->|<#>|<\+>|<~>|<%>)")


def why(diagnosis: Diagnosis, *, key: str, fine: str = "") -> None:
    """Draw the findings; `fine` is said where there is none."""
    with st.container(border=True, key=f"{key}_card", gap="small"):
        st.markdown(f"**Why** :gray[{plain(diagnosis.summary)}]")
        if not diagnosis.findings and fine:
            st.markdown(f":green[:material/check:] {plain(fine)}")
        for finding in diagnosis.findings:
            with st.container(gap="xsmall", key=f"{key}_{finding.cause.name}"):
                st.markdown(
                    f"**{plain(finding.cause.label)}.** {_with_operators(finding.sentence)}"
                )
                if finding.remedy:
                    sql_panel(finding.remedy, key=f"{key}_sql_{finding.cause.name}")


def _with_operators(sentence: str) -> str:
    """Return a sentence as Markdown, its operators as code: ``<->`` would become an arrow."""
    parts = _OPERATOR.split(sentence)
    return "".join(f"`{part}`" if place % 2 else plain(part) for place, part in enumerate(parts))


def statement_view(db: Database, collection: Collection) -> None:
    """Draw a field for a statement of a person's own, and why it does not use an index."""
    st.text_area(
        "Statement",
        key=state.STATEMENT,
        height=150,
        placeholder="select id from documents order by 1 - (embedding <=> '[0.1, 0.2, ...]') desc "
        "limit 10",
        persist_state="session",
        help="One SELECT that asks for nearest rows. It is explained in a read-only transaction, "
        "and not run.",
    )
    st.button("Explain", key="live_statement_go", type="primary", icon=":material/search:")
    text = st.session_state.get(state.STATEMENT) or ""
    if not text.strip():
        st.markdown(
            ":gray[Paste a SELECT that is slow, or misses rows: the reason is told, with the SQL "
            "that mends it. The statement is explained and not run.]"
        )
        return
    with guarded():
        found = diagnose_statement(db, text, dropped=remembered(collection))
        why(
            found,
            key="live_statement_why",
            fine="Nothing stands in the way: the index serves this order, and its LIMIT is within "
            "what the index returns.",
        )
        with st.expander("The plan, as EXPLAIN gives it"):
            st.code(found.plan, language="json")
