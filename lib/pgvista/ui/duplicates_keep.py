"""Keep one row of each group: which, what would be deleted, and the step itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.duplicates import DuplicateGroup, Keep, KeepPlan
from pgvista.services.duplicates import carry_out, groups_csv, plan_keep
from pgvista.ui import duplicates_state as state
from pgvista.ui.browse_view import not_writable
from pgvista.ui.confirm import confirmed
from pgvista.ui.errors import guarded, plain, show_error
from pgvista.ui.format import plural
from pgvista.ui.map_titles import titles_of

_LABELS = {
    Keep.FIRST: "the first by id",
    Keep.LONGEST: "the longest text",
    Keep.NEWEST: "the newest by a column",
}
_SHOWN_ROWS = 1_000
_SHOWN_SQL = 6_000
"""Characters of SQL that are shown; the rest is in the file."""


def keep_choice(collection: Collection, keys: Sequence[str]) -> tuple[Keep, str | None]:
    """Draw which row of each group is kept; return the rule, and its column or key."""
    rules = [Keep.FIRST]
    if collection.roles.content is not None:
        rules.append(Keep.LONGEST)
    if keys:
        rules.append(Keep.NEWEST)
    rule = st.selectbox(
        "Keep",
        rules,
        format_func=_LABELS.__getitem__,
        key="duplicates_keep",
        help="Which row of each group stays. Default: the first by id.",
    )
    if rule is not Keep.NEWEST:
        return rule, None
    return rule, st.selectbox(
        "Newest by",
        list(keys),
        key="duplicates_keep_key",
        help="A column or metadata key: the row with its highest value is kept.",
    )


def keep_card(
    db: Database,
    collection: Collection,
    groups: Sequence[DuplicateGroup],
    rule: Keep,
    key: str | None,
) -> None:
    """Draw what would be deleted, and the ways to do it and to take the groups along."""
    spare = sum(len(group.ids) - 1 for group in groups)
    if groups:
        st.markdown(f":gray[Keeps {plural(len(groups), 'row')}, deletes {plural(spare, 'row')}.]")
    reason = not_writable(db, collection)
    if st.button(
        "Preview the deletion",
        key="duplicates_preview",
        icon=":material/lock:" if reason else ":material/delete_sweep:",
        disabled=not groups,
        width="stretch",
        help=reason or "Shows the rows and the SQL; nothing is deleted yet.",
    ):
        with guarded():
            _dialog(db, collection, plan_keep(db, collection, groups, rule, key=key), reason)
    st.download_button(
        "Groups as CSV",
        data=partial(groups_csv, db, collection, tuple(groups)),
        file_name=f"{collection.table}-duplicates.csv",
        mime="text/csv",
        key="duplicates_csv",
        icon=":material/download:",
        on_click="ignore",
        disabled=not groups,
        width="stretch",
    )


@st.dialog("Keep one of each group", width="large")
def _dialog(db: Database, collection: Collection, plan: KeepPlan, reason: str) -> None:
    """Show what goes and by what SQL; delete once the collection's name is typed."""
    if not plan.delete:
        st.info("Nothing is left to delete: the other rows are gone already.")
        return
    deleted, kept = plan.delete[:_SHOWN_ROWS], plan.instead[:_SHOWN_ROWS]
    titles = titles_of(db, collection, (*deleted, *kept))
    st.dataframe(
        {
            "deleted": deleted,
            "its title": [titles.get(row, "") for row in deleted],
            "kept instead": kept,
            "the title of that": [titles.get(row, "") for row in kept],
        },
        height=min(38 + 35 * len(plan.delete), 300),
        hide_index=True,
        alt="The rows that will be deleted, each beside the one that is kept",
    )
    if len(plan.delete) > _SHOWN_ROWS:
        st.markdown(f":gray[… and {len(plan.delete) - _SHOWN_ROWS:,} more, which the SQL names.]")
    sql = plan.sql
    if len(sql) > _SHOWN_SQL:
        st.download_button(
            "The whole SQL",
            data=sql,
            file_name=f"{collection.table}-keep-one.sql",
            key="duplicates_sql",
            icon=":material/download:",
            on_click="ignore",
        )
        sql = f"{sql[:_SHOWN_SQL]}\n… {len(sql) - _SHOWN_SQL:,} more characters"
    if reason and not db.read_only:
        st.warning(reason, icon=":material/lock:")
        return
    if confirmed(
        f"Delete {plural(len(plan.delete), 'row')}",
        name=collection.name,
        sql=sql,
        consequence=f":red[**{plural(len(plan.delete), 'row')} of {plain(collection.name)} are "
        f"deleted**] and {plural(len(plan.keep), 'row')} kept, in one transaction. If one of them "
        "was changed or deleted since this preview, nothing is.",
        key="duplicates_confirm",
        read_only=db.read_only,
    ):
        try:
            count = carry_out(db, collection, plan)
        except PgvistaError as error:
            show_error(error)
            return
        state.forget_rows(collection, plan.delete)
        st.session_state["_duplicates_said"] = f"{plural(count, 'row')} deleted"
        st.rerun()
