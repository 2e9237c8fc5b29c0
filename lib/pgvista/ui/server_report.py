"""The test of a connection as a calm table, with what to do about what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pgvista.db.database import Database
from pgvista.db.report import create_extension, create_extension_statements, report
from pgvista.db.target import Target
from pgvista.errors import PgvistaError
from pgvista.model.server import ServerReport
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.errors import plain, show_error

_TESTED = "connect.tested"


@dataclass(frozen=True, slots=True)
class _Tested:
    """A test that was asked for: with neither report nor error it is still to be made."""

    target: Target
    report: ServerReport | None = None
    error: PgvistaError | None = None


def ask_test(target: Target) -> None:
    """Have `target` tested by the next `show_report`, be it in this run of the page or a later."""
    st.session_state[_TESTED] = _Tested(target)


def _test(target: Target) -> _Tested:
    """Test over connections of the test's own."""
    database = Database(target, statement_timeout_ms=15_000, max_size=2)
    try:
        return _Tested(target, report(database))
    except PgvistaError as error:
        return _Tested(target, error=error)
    finally:
        database.close()


def forget_report() -> None:
    """Let the last test's outcome go."""
    st.session_state.pop(_TESTED, None)


def show_report() -> None:
    """Draw the outcome of the last test of this session, if there is one."""
    tested = st.session_state.get(_TESTED)
    if not isinstance(tested, _Tested):
        return
    with st.container(border=True, key="connect.report"):
        if tested.report is None and tested.error is None:
            with st.spinner(f"Asking {plain(tested.target.label)}"):
                tested = st.session_state[_TESTED] = _test(tested.target)
        head, close = st.columns([8, 1], vertical_alignment="center")
        head.markdown(f"**Test of {plain(tested.target.label)}**")
        close.button(
            "Close", key="connect.report.close", type="tertiary", on_click=forget_report,
            width="stretch",
        )  # fmt: skip
        if tested.error is not None:
            show_error(tested.error)
        if tested.report is not None:
            _table(tested.report)
            _offer_extension(tested.target, tested.report)


def _table(found: ServerReport) -> None:
    rows = report_rows(found)
    st.table(
        {"": [f":gray[{name}]" for name, _ in rows], " ": [value for _, value in rows]},
        border="horizontal",
        hide_header=True,
        hide_index=True,
        width="stretch",
    )
    for sentence in found.warnings:
        st.markdown(f":orange[:material/warning:] {plain(sentence)}")


def report_rows(found: ServerReport) -> list[tuple[str, str]]:
    """Return the lines of the table: what, and Markdown that says how it is."""
    rights = [
        "superuser" if found.superuser else None,
        "may create schemas" if found.can_create_schema else "may not create schemas",
        None if found.can_create_extension else "may not create extensions",
    ]
    installed = [
        f"{plain(item.name)} :gray[{plain(item.installed_version)}]"
        for item in found.extensions
        if item.installed_version and item.name != "vector"
    ]
    available = [
        plain(item.name)
        for item in found.extensions
        if not item.installed_version and item.name != "vector"
    ]
    vector = (
        f"{plain(found.pgvector_version)} :gray[in schema {plain(found.extension_schema or '')}]"
        if found.pgvector_version
        else ":orange[not in this database]"
    )
    writes = ":orange[:material/lock: refused by Postgres: read-only]" if found.read_only else "yes"
    return [
        ("Server", f"PostgreSQL {plain(found.server_version)} :gray[at {plain(found.host)}]"),
        ("Database", plain(found.database)),
        ("pgvector", vector),
        ("Round trip", f"{found.round_trip_ms:.2f} ms :gray[median of 5]"),
        ("Encryption", plain(found.tls) if found.tls else "none"),
        ("Role", f"{plain(found.role)} :gray[{', '.join(filter(None, rights))}]"),
        ("Writes", ":orange[standby: none]" if found.in_recovery else writes),
        ("Pooler", plain(found.pooler) if found.pooler else "none seen"),
        ("Extensions in use", ", ".join(installed) or "none that pgvista could use"),
        ("More on the server", f":gray[{', '.join(available) or 'none'}]"),
    ]


def _offer_extension(target: Target, found: ServerReport) -> None:
    if found.pgvector_version or not found.can_create_extension:
        return
    with st.container(border=True):
        st.markdown("**Put pgvector to use in this database**")
        schema = st.text_input(
            "Schema",
            key="connect.extension.schema",
            placeholder="the first of the search path",
            help="Where the extension's types and operators shall live, e.g. extensions. "
            "Empty: the first schema of the search path, mostly public.",
        ).strip()
        statements = create_extension_statements(schema or None)
        sql_panel(";\n".join(item.as_string(None) for item in statements) + ";", key="connect.sql")
        if target.read_only:
            st.markdown(":gray[Test it without read-only to run this.]")
        if st.button(
            "Create the extension",
            type="primary",
            key="connect.extension",
            disabled=target.read_only,
        ):
            _create(target, schema or None)


def _create(target: Target, schema: str | None) -> None:
    database = Database(target, max_size=2)
    try:
        create_extension(database, schema=schema)
        st.session_state[_TESTED] = _Tested(target, report(database))
    except PgvistaError as error:
        show_error(error)
        return
    finally:
        database.close()
    st.rerun()
