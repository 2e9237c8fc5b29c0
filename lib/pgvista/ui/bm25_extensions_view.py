"""Extensions that rank by BM25: how they stand on the server, and the SQL to use them."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection, RelationKind
from pgvista.services import bm25_extensions
from pgvista.services.bm25_extensions import Extension
from pgvista.sql import bm25_extensions as extension_sql
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.errors import plain

SENTENCES = {
    "pg_textsearch": "An index on the text column itself, in the languages of Postgres' own "
    "full-text search; Postgres 17 and newer.",
    "pg_search": "ParadeDB's index of text, with stems, phrases and typing errors of its own; one "
    "such index a table.",
    "vchord_bm25": "VectorChord's index of tokens, made by the tokenizer of a language model; a "
    "column beside the text holds them.",
}
"""What each extension brings, in one sentence."""
EXAMPLE = "words of the question"


def extensions_view(db: Database, collection: Collection) -> None:
    """Draw which extensions the server has, and the statements for the one that is chosen."""
    st.markdown(
        "pgvista ranks by its own BM25, from the tables beside yours, and uses none of these "
        "extensions. The SQL is for production, on a server of your own."
    )
    extensions = bm25_extensions.found(db)
    st.markdown(
        "\n".join(
            f"- **{plain(item.name)}** &nbsp; {_standing(item)} &nbsp; :gray[{SENTENCES[item.name]}]"
            for item in extensions
        )
    )
    if collection.kind not in (RelationKind.TABLE, RelationKind.PARTITIONED):
        st.markdown(":gray[Their indexes belong on the tables beneath this relation.]")
        return
    if collection.roles.content is None:
        st.markdown(":gray[They index a text column, and this collection has a tsvector alone.]")
        return
    best = next((item.name for item in extensions if item.standing != "absent"), None)
    chosen = st.segmented_control(
        "SQL for", [item.name for item in extensions], required=True,
        default=best or extensions[0].name, key="words.extension",
    )  # fmt: skip
    sql_panel(statements(chosen, collection), key="words.extension.sql")


def statements(name: str, collection: Collection) -> str:
    """Return the statements that install an extension, index the text column and search it."""

    def part(comment: str, texts: list[str]) -> str:
        return "\n".join([f"-- {comment}", *(f"{text};" for text in texts)])

    library = extension_sql.PRELOADED[name]
    searching = extension_sql.search(name, collection, EXAMPLE, 10)
    return "\n\n".join(
        [
            f"-- in postgresql.conf, before the server starts:\n"
            f"-- shared_preload_libraries = '{library}'",
            part("install it", [query.text() for query in extension_sql.install(name)]),
            part(
                "index the text column",
                [query.text() for query in extension_sql.index(name, collection)],
            ),
            part("search", [searching.text()]),
        ]
    )


def _standing(extension: Extension) -> str:
    if extension.standing == "installed":
        return f":green-badge[installed {plain(extension.installed or '')}]"
    if extension.standing == "available":
        who = "" if extension.may_install else ", by an administrator"
        return f":blue-badge[can be installed{who}: {plain(extension.available or '')}]"
    return ":gray-badge[not on this server]"
