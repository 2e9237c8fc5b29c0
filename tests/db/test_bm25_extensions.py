"""Extensions for BM25: how a server has them, and the SQL that uses them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

import pgvista
from pgvista.model.collection import Collection
from pgvista.services import bm25_extensions
from pgvista.sql import bm25_extensions as extension_sql

ODD_TABLE = 'Bücher; drop table "docs" --'


@pytest.fixture
def odd(database_url: str, connection: psycopg.Connection) -> Iterator[Collection]:
    """A collection whose names need quotes, with a whole number for key."""
    connection.execute(
        'create table "Bücher; drop table ""docs"" --" '
        '(nr bigint primary key, "it\'s 100 %" text, embedding vector(2))'
    )
    with pgvista.connect(database_url) as db:
        yield db.collection(f"public.{ODD_TABLE}").info


def test_a_plain_server_has_none_of_them(database_url: str) -> None:
    with pgvista.connect(database_url) as db:
        extensions = bm25_extensions.found(db.db)
    assert [item.name for item in extensions] == ["pg_textsearch", "pg_search", "vchord_bm25"]
    assert {item.standing for item in extensions} == {"absent"}
    assert not any(item.may_install for item in extensions)


def test_installed_and_available_are_told_apart(
    database_url: str, connection: psycopg.Connection
) -> None:
    names = ("pg_trgm", "vector", "nothing of the kind", "'; drop schema public; --")
    with pgvista.connect(database_url) as db:
        trigrams, vector, *absent = bm25_extensions.found(db.db, names)
        assert (trigrams.standing, trigrams.installed) == ("available", None)
        assert trigrams.may_install
        version = connection.execute(
            "select extversion from pg_extension where extname = 'vector'"
        ).fetchone()
        assert version is not None
        assert (vector.standing, vector.installed) == ("installed", version[0])
        assert [item.standing for item in absent] == ["absent", "absent"]
        connection.execute("create extension pg_trgm")
        assert bm25_extensions.near_spelling(db.db).standing == "installed"


def test_a_role_that_may_not_install_is_told(
    database_url: str, connection: psycopg.Connection
) -> None:
    role = f"installer_{os.getpid()}"
    connection.execute(f"create role {role} login")
    try:
        conninfo = psycopg.conninfo.make_conninfo(database_url, user=role)
        with pgvista.connect(conninfo) as db:
            assert not bm25_extensions.near_spelling(db.db).may_install
            database = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
            connection.execute(f'grant create on database "{database}" to {role}')
            trigrams, files = bm25_extensions.found(db.db, ("pg_trgm", "file_fdw"))
            assert trigrams.may_install  # a trusted extension
            assert files.available is None or not files.may_install  # for superusers alone
    finally:
        connection.execute(f"drop owned by {role}")
        connection.execute(f"drop role {role}")


@pytest.mark.parametrize("name", extension_sql.NAMES)
def test_postgres_understands_every_statement(
    connection: psycopg.Connection, odd: Collection, name: str
) -> None:
    """Without the extension a statement fails for what it lacks, never for its grammar."""
    statements = [
        *extension_sql.install(name),
        *extension_sql.index(name, odd),
        extension_sql.search(name, odd, "it's; 100 %s", 10),
    ]
    for query in statements:
        if query.text().startswith(
            ("create or replace function", "create trigger", "drop trigger")
        ):
            connection.execute(query.sql, query.params)  # it needs the extension when it runs
            continue
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(query.sql, query.params)
        assert refused.value.sqlstate in ("0A000", "42703", "42704", "42883", "3F000", "42P01"), (
            query.text(),
            str(refused.value),
        )
        with pytest.raises(psycopg.Error) as shown:
            connection.execute(query.text().encode())
        assert shown.value.sqlstate == refused.value.sqlstate


def test_texts(odd: Collection, database_url: str) -> None:
    def index(name: str, collection: Collection) -> str:
        return "\n".join(query.text() for query in extension_sql.index(name, collection))

    assert index("pg_textsearch", odd).endswith(
        "using bm25 (\"it's 100 %\")\nwith (text_config = 'english')"
    )
    assert (
        'using bm25 ("nr", ("it\'s 100 %"::pdb.simple(\'stemmer=english\')))\n'
        "with (key_field = 'nr')"
    ) in index("pg_search", odd)
    with pgvista.connect(database_url) as db:
        docs = db.create_collection("docs", dimension=1, text_config="simple").info
        accents = db.create_collection(
            "menu", dimension=1, text_config="french", unaccent=True
        ).info
    assert '("id", ("content"::pdb.simple))\nwith (key_field = \'id\')' in index("pg_search", docs)
    assert "pdb.simple('stemmer=french', 'ascii_folding=true')" in index("pg_search", accents)
    assert "text_config = 'pgvista.french_unaccent'" in index("pg_textsearch", accents)
    assert '"docs_bm25_idx" on "pgvista"."docs" using bm25 ("bm25_tokens"' in index(
        "vchord_bm25", docs
    )
    search = extension_sql.search("pg_textsearch", docs, "a 'b'", 7).text()
    assert """to_bm25query('a ''b'''::text, '"pgvista"."docs_bm25_idx"')""" in search
    assert search.endswith("limit 7")
