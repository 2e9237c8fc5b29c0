"""Extensions that rank by BM25 within Postgres: which are there, and the SQL that uses them.

pgvista ranks by its own side tables; these statements are for people who run their own server.
Their syntax is that of the README of pg_textsearch 1.1 (Timescale), of ParadeDB's documentation of
pg_search 0.22 (create an index, match, score, stemmer, key field), and of the README of
VectorChord-bm25 0.3 with the usage notes of pg_tokenizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Collection
from pgvista.sql.collection import index_name
from pgvista.sql.names import relation
from pgvista.sql.query import Query, compose, param

NAMES = ("pg_textsearch", "pg_search", "vchord_bm25")
"""Those that are looked for, in the order in which they are offered."""

PRELOADED: dict[str, LiteralString] = {
    "pg_textsearch": "pg_textsearch",
    "pg_search": "pg_search",
    "vchord_bm25": "pg_tokenizer",
}
"""The library that the server must load when it starts, by extension."""

PARADEDB_STEMMERS = frozenset(
    (
        *("arabic", "czech", "danish", "dutch", "english"),
        *("finnish", "french", "german", "greek", "hungarian"),
        *("italian", "norwegian", "polish", "portuguese", "romanian"),
        *("russian", "spanish", "swedish", "tamil", "turkish"),
    )
)
"""Languages whose stems pg_search knows."""

_TOKENS = "bm25_tokens"
"""The column that VectorChord-bm25 keeps its tokens in."""


def found(names: Sequence[str]) -> Query:
    """Look for extensions by name, in their order.

    A row each: name, the version that would be installed (null: the server has no files of it),
    the version installed in this database (null: none), and whether this role may install it.
    """
    return Query(
        compose(
            """select asked.name, a.default_version, e.extversion,
  coalesce((
    select r.rolsuper
      or has_database_privilege(current_database(), 'create') and (v.trusted or not v.superuser)
    from pg_available_extension_versions v, pg_roles r
    where v.name = a.name and v.version = a.default_version and r.rolname = current_user
  ), false) as may_install
from unnest({names}::text[]) with ordinality as asked (name, place)
  left join pg_available_extensions a on a.name = asked.name
  left join pg_extension e on e.extname = asked.name
order by asked.place""",
            names=param("names"),
        ),
        {"names": list(names)},
    )


def install(name: str) -> list[Query]:
    """Build what installs an extension in a database; its library must be preloaded."""
    if name == "vchord_bm25":
        return [
            Query(compose("create extension if not exists pg_tokenizer cascade")),
            Query(compose("create extension if not exists vchord_bm25 cascade")),
        ]
    return [Query(compose("create extension if not exists {name}", name=sql.Identifier(name)))]


def index(name: str, collection: Collection) -> list[Query]:
    """Build what makes an extension index the collection's text column."""
    table = relation(collection)
    named = sql.Identifier(_index(collection))
    content = sql.Identifier(collection.roles.content or "content")
    if name == "pg_textsearch":
        return [
            Query(
                compose(
                    "create index {index} on {table} using bm25 ({content})\n"
                    "with (text_config = {config})",
                    index=named,
                    table=table,
                    content=content,
                    config=sql.Literal(collection.text_config),
                )
            )
        ]
    key = collection.roles.id or "id"
    if name == "pg_search":
        language = collection.text_config.rpartition(".")[2]
        unaccented = language.endswith("_unaccent")
        options = [
            *(
                [f"stemmer={language.removesuffix('_unaccent')}"]
                if language.removesuffix("_unaccent") in PARADEDB_STEMMERS
                else []
            ),
            *(["ascii_folding=true"] if unaccented else []),
        ]
        return [
            Query(
                compose(
                    "create index {index} on {table}\n"
                    "using bm25 ({key}, ({content}::pdb.simple{options}))\n"
                    "with (key_field = {key_name})",
                    index=named,
                    table=table,
                    key=compose("({key}::pdb.literal)", key=sql.Identifier(key))
                    if _is_text(collection.key_type)
                    else sql.Identifier(key),
                    content=content,
                    options=compose(
                        "({options})", options=sql.SQL(", ").join(map(sql.Literal, options))
                    )
                    if options
                    else sql.SQL(""),
                    key_name=sql.Literal(key),
                )
            )
        ]
    tokens = sql.Identifier(_TOKENS)
    return [
        Query(
            compose(
                "select tokenizer_catalog.create_tokenizer('bert', 'model = \"bert_base_uncased\"')"
            )
        ),
        Query(
            compose(
                "alter table {table} add column {tokens} bm25_catalog.bm25vector",
                table=table,
                tokens=tokens,
            )
        ),
        Query(
            compose(
                "update {table} set {tokens} =\n"
                "  tokenizer_catalog.tokenize({content}, 'bert')::bm25_catalog.bm25vector",
                table=table,
                tokens=tokens,
                content=content,
            )
        ),
        Query(
            compose(
                "create index {index} on {table} using bm25 ({tokens} bm25_catalog.bm25_ops)",
                index=named,
                table=table,
                tokens=tokens,
            )
        ),
    ]


def search(name: str, collection: Collection, words: str, limit: int) -> Query:
    """Build the query for the best `limit` rows by an extension's score, the higher the better."""
    parts: dict[str, sql.Composable] = {
        "key": sql.Identifier(collection.roles.id or "id"),
        "content": sql.Identifier(collection.roles.content or "content"),
        "table": relation(collection),
        "index": sql.Literal(sql.Identifier(collection.schema, _index(collection)).as_string(None)),
        "tokens": sql.Identifier(_TOKENS),
        "words": param("words"),
        "limit": param("limit"),
    }
    template: LiteralString
    if name == "pg_textsearch":
        template = """select {key}, {content}, -({content} <@> to_bm25query({words}, {index})) as score
from {table}
order by {content} <@> to_bm25query({words}, {index})
limit {limit}"""
    elif name == "pg_search":
        template = """select {key}, {content}, pdb.score({key}) as score
from {table}
where {content} ||| {words}
order by score desc
limit {limit}"""
    else:
        template = """with asked as (
  select bm25_catalog.to_bm25query({index}::regclass,
    tokenizer_catalog.tokenize({words}, 'bert')::bm25_catalog.bm25vector) as query
)
select {key}, {content}, -({tokens} operator(bm25_catalog.<&>) (select query from asked)) as score
from {table}
order by {tokens} operator(bm25_catalog.<&>) (select query from asked)
limit {limit}"""
    return Query(compose(template, **parts), {"words": words, "limit": limit})


def _index(collection: Collection) -> str:
    return index_name(collection.table, "bm25")


def _is_text(kind: str) -> bool:
    return kind == "text" or kind.startswith(("character", "varchar"))
