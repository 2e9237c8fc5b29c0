"""Delete the rows selected on the map: those that were previewed, and no others."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.services import rows as row_service
from pgvista.services.map_rows import DeletePlan, delete_rows, plan_delete
from pgvista.ui import map_state as state
from pgvista.ui.confirm import confirmed
from pgvista.ui.errors import plain, show_error
from pgvista.ui.format import plural
from pgvista.ui.map_titles import title_of

SHOWN_ROWS = 200
SHOWN_SQL = 6_000
"""Characters of SQL that are shown; the rest is in a file."""


def delete_dialog(db: Database, collection: Collection, ids: tuple[str, ...]) -> None:
    """Read what would be deleted, once, and ask. Raises PgvistaError."""
    with st.spinner("Reading the rows"):
        plan = plan_delete(db, collection, ids)
        rows = row_service.get(db, collection, plan.ids[:SHOWN_ROWS])
    _dialog(db, collection, plan, [(row.id, title_of(row)) for row in rows])


def shown_sql(sql: str, *, file: str, key: str) -> str:
    """Return the beginning of a long statement; all of it can be downloaded."""
    if len(sql) <= SHOWN_SQL:
        return sql
    st.download_button(
        "The whole SQL",
        data=sql,
        file_name=file,
        key=key,
        icon=":material/download:",
        on_click="ignore",
    )
    return f"{sql[:SHOWN_SQL]}\n… {len(sql) - SHOWN_SQL:,} more characters"


@st.dialog("Delete the selected rows", width="large")
def _dialog(
    db: Database, collection: Collection, plan: DeletePlan, rows: list[tuple[str, str]]
) -> None:
    if not plan.ids:
        st.info("Nothing is left to delete: the rows are gone already.")
        return
    st.dataframe(
        {"id": [row_id for row_id, _ in rows], "row": [title for _, title in rows]},
        height=min(38 + 35 * len(rows), 180),
        hide_index=True,
        alt="Ids and titles of the rows that will be deleted",
    )
    if len(plan.ids) > len(rows):
        st.markdown(f":gray[… and {len(plan.ids) - len(rows):,} more, which the SQL names.]")
    told = []
    if plan.chunks:
        told.append(f"{plural(plan.chunks, 'chunk')} cut from them {_go(plan.chunks)} too")
    if plan.gone:
        told.append(f"{plural(plan.gone, 'row')} selected {_were(plan.gone)} gone already")
    if told:
        st.markdown(f":gray[{'; '.join(told).capitalize()}.]")
    if confirmed(
        f"Delete {plural(len(plan.ids), 'row')}",
        name=collection.name,
        sql=shown_sql(plan.sql, file=f"{collection.table}-delete.sql", key="map_delete_sql"),
        consequence=f":red[**{plural(len(plan.ids), 'row')} of {plain(collection.name)} are "
        "deleted**], in one transaction. If one of them was changed or deleted since this preview, "
        "nothing is. Their points stay on the map until it is brought up to date.",
        key="map_delete_confirm",
        read_only=db.read_only,
    ):
        try:
            count = delete_rows(db, collection, plan)
        except PgvistaError as error:
            show_error(error)
            return
        state.set_selected(())
        state.set_focus(None)
        state.look_again()
        st.session_state["_map_said"] = f"{plural(count, 'row')} deleted"
        st.rerun()


def _go(count: int) -> str:
    return "goes" if count == 1 else "go"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
