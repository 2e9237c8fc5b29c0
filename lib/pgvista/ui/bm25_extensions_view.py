"""Extensions that rank by BM25: how they stand on the server, and the index of one of them."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Bm25Index, Collection, RelationKind
from pgvista.services import bm25_extensions
from pgvista.services.bm25_extensions import Extension
from pgvista.sql import bm25_extensions as extension_sql
from pgvista.ui.collection_actions import remember_job, say
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.confirm import confirmed, write_button
from pgvista.ui.errors import plain
from pgvista.ui.jobs import start_job
from pgvista.ui.state import choose
from pgvista.ui.table_roles import plain_name

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
    """Draw which extensions the server has, what they index, and the statements for one of them."""
    made = collection.bm25_index
    st.markdown(
        "pgvista ranks by its own BM25, from the tables beside yours. An extension ranks by an index "
        "of its own, which *Search* then offers under *Rank by*; a database has room for one of these."
    )
    extensions = bm25_extensions.found(db)
    st.markdown(
        "\n".join(
            f"- **{plain(item.name)}** &nbsp; {_standing(item, made)} &nbsp; "
            f":gray[{SENTENCES[item.name]}]"
            for item in extensions
        )
    )
    if collection.kind not in (RelationKind.TABLE, RelationKind.PARTITIONED):
        st.markdown(":gray[Their indexes belong on the tables beneath this relation.]")
        return
    if collection.roles.content is None:
        st.markdown(":gray[They index a text column, and this collection has a tsvector alone.]")
        return
    if made is not None:
        _drop(db, collection, made)
        return
    best = next((item.name for item in extensions if item.standing != "absent"), None)
    chosen = st.segmented_control(
        "SQL for", [item.name for item in extensions], required=True,
        default=best or extensions[0].name, key="words.extension",
    )  # fmt: skip
    extension = next(item for item in extensions if item.name == chosen)
    sql_panel(statements(extension, collection), key="words.extension.sql")
    if extension.standing == "installed" or extension.may_install:
        _make(db, collection, extension)


def _make(db: Database, collection: Collection, extension: Extension) -> None:
    """Draw the button that runs the statements in the background."""
    who = "Writers and searches wait" if extension.name == "vchord_bm25" else "Writers wait"
    st.markdown(f":gray[{who} while the index is made, in the background.]")
    label = "Index the text" if extension.standing == "installed" else "Install, and index the text"
    if write_button(label, key="words.extension.make", read_only=db.read_only):
        job = start_job(
            f"Indexing the words of {plain_name(collection)} by {extension.name}",
            lambda own, _: bm25_extensions.make(own, collection, extension),
            exclusive=f"words {collection.schema}.{collection.table}",
        )
        remember_job(collection.name, job.id)
        choose(collection.name)
        st.rerun()


def _drop(db: Database, collection: Collection, made: Bm25Index) -> None:
    if confirmed(
        f"Drop the index of {made.extension}", name=collection.name,
        sql="\n".join(f"{query.text()};" for query in extension_sql.drop_index(collection, made)),
        consequence="No text is touched, and the extension stays. Searches that rank by it rank by "
        "pgvista's own BM25 from then on, and say so.",
        key=f"words.extension.drop.{collection.name}", read_only=db.read_only,
    ):  # fmt: skip
        bm25_extensions.drop(db, collection, made)
        say(f"The index of {plain(made.extension)} on {plain(collection.name)} is dropped")
        choose(collection.name)
        st.rerun()


def statements(extension: Extension, collection: Collection) -> str:
    """Return the statements that install an extension, index the text column and search it."""

    def part(comment: str, texts: list[str]) -> str:
        return "\n".join([f"-- {comment}", *(f"{text};" for text in texts)])

    name = extension.name
    version = extension.installed or extension.available or ""
    library = extension_sql.PRELOADED[name]
    searching = extension_sql.search(name, collection, EXAMPLE, 10)
    return "\n\n".join(
        [
            f"-- in postgresql.conf, before the server starts:\n"
            f"-- shared_preload_libraries = '{library}'",
            part("install it", [query.text() for query in extension_sql.install(name)]),
            part(
                "index the text column",
                [query.text() for query in extension_sql.index(name, collection, version)],
            ),
            part("search", [searching.text()]),
        ]
    )


def _standing(extension: Extension, made: Bm25Index | None) -> str:
    if made is not None and extension.name == made.extension:
        return (
            f":green-badge[installed {plain(extension.installed or '')}] "
            f":green-badge[index {plain(made.name)}]"
        )
    if extension.standing == "installed":
        return f":green-badge[installed {plain(extension.installed or '')}]"
    if extension.standing == "available":
        who = "" if extension.may_install else ", by an administrator"
        return f":blue-badge[can be installed{who}: {plain(extension.available or '')}]"
    return ":gray-badge[not on this server]"
