"""Extensions that rank by BM25 within Postgres: which are there, and the SQL that uses them.

pgvista ranks by its own side tables, unless a search asks for an extension's index. The syntax was
tried with pg_textsearch 1.4 on Postgres 18. That of pg_search is from ParadeDB's documentation and
upgrade scripts, 0.22 to 0.25; that of VectorChord-bm25 from the install script and README of 0.3
(what comes after it indexes tsvectors, by another syntax) with those of pg_tokenizer 0.1. All three
call their access method bm25, so that a database has one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Bm25Index, Collection
from pgvista.model.server import version_tuple
from pgvista.sql.collection import index_name
from pgvista.sql.names import id_expression, relation
from pgvista.sql.query import NOTHING, Query, column, compose, join, param

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
"""The column that VectorChord-bm25 keeps its tokens in, and the name of the trigger that fills it."""
_TOKENIZER: LiteralString = "pgvista_bert"
"""The tokenizer that makes them; whoever has one called bert may have made it of another model."""
_SCHEMA = {"pg_textsearch": "public", "pg_search": "paradedb", "vchord_bm25": "bm25_catalog"}
"""Where the extensions put their objects, unless told otherwise."""
_RENAMED = (0, 25)
"""From this version on pg_search calls its access method paradedb; bm25 remains another name."""


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


def index(name: str, collection: Collection, version: str = "") -> list[Query]:
    """Build what makes an extension index the text column; `version` is the extension's, if known."""
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
    if name == "pg_search":
        return [_index_of_pg_search(collection, named, content, version)]
    parts: dict[str, sql.Composable] = {
        "index": named,
        "table": table,
        "content": content,
        "tokens": sql.Identifier(_TOKENS),
        "function": _tokens_function(collection),
        "tokenizer": sql.Literal(_TOKENIZER),
    }
    return [
        Query(compose(template, **parts))
        for template in (
            """select tokenizer_catalog.create_tokenizer({tokenizer}, 'model = "bert_base_uncased"')
where not exists (select from tokenizer_catalog.tokenizer where name = {tokenizer})""",
            "alter table {table} add column if not exists {tokens} bm25_catalog.bm25vector",
            """update {table} set {tokens} =
  tokenizer_catalog.tokenize({content}, {tokenizer})::bm25_catalog.bm25vector""",
            """create or replace function {function}() returns trigger language plpgsql as $$
begin
  new.{tokens} := tokenizer_catalog.tokenize(new.{content}, {tokenizer})::bm25_catalog.bm25vector;
  return new;
end $$""",
            "drop trigger if exists {tokens} on {table}",
            """create trigger {tokens} before insert or update of {content} on {table}
for each row execute function {function}()""",
            "create index {index} on {table} using bm25 ({tokens} bm25_catalog.bm25_ops)",
        )
    ]


def _index_of_pg_search(
    collection: Collection, named: sql.Composable, content: sql.Composable, version: str
) -> Query:
    key = collection.roles.id or "id"
    language = collection.text_config.rpartition(".")[2]
    stemmer = language.removesuffix("_unaccent")
    options = [
        *([f"stemmer={stemmer}"] if stemmer in PARADEDB_STEMMERS else []),
        *(["ascii_folding=true"] if language != stemmer else []),
    ]
    renamed = bool(version) and version_tuple(version)[:2] >= _RENAMED
    return Query(
        compose(
            "create index {index} on {table}\n"
            "using {method} ({key}, ({content}::pdb.simple{options}))\n"
            "with (key_field = {key_name})",
            index=named,
            table=relation(collection),
            method=sql.SQL("paradedb" if renamed else "bm25"),
            key=sql.Identifier(key),  # a text is taken as it is; a tokenizer is refused for a key
            content=content,
            options=compose("({options})", options=sql.SQL(", ").join(map(sql.Literal, options)))
            if options
            else NOTHING,
            key_name=sql.Literal(key),
        )
    )


def is_there(made: Bm25Index) -> Query:
    """Ask whether an extension's index is there."""
    named = sql.Literal(sql.Identifier(made.schema, made.name).as_string(None))
    return Query(compose("select to_regclass({index}) is not null", index=named))


def drop_index(collection: Collection, made: Bm25Index) -> list[Query]:
    """Build what removes an extension's index, and what was made for it; the text stays as it is."""
    dropped = Query(compose("drop index {index}", index=sql.Identifier(made.schema, made.name)))
    if made.extension != "vchord_bm25":
        return [dropped]
    trigger = compose(
        "drop function if exists {function}() cascade", function=_tokens_function(collection)
    )
    tokens = compose(
        "alter table {table} drop column if exists {tokens}",
        table=relation(collection),
        tokens=sql.Identifier(_TOKENS),
    )
    return [dropped, Query(trigger), Query(tokens)]


def _tokens_function(collection: Collection) -> sql.Identifier:
    return sql.Identifier(collection.schema, index_name(collection.table, _TOKENS))


def planned_index(name: str, collection: Collection) -> Bm25Index:
    """Return the index that `index` makes, in the schema that the extension chooses by itself."""
    return Bm25Index(name, collection.schema, _index(collection), _SCHEMA[name])


def indexed_column(name: str, content: str | None) -> str | None:
    """Return the column that an extension must index, so that a search can use the index."""
    return _TOKENS if name == "vchord_bm25" and content is not None else content


def search(name: str, collection: Collection, words: str, limit: int) -> Query:
    """Build the query for the best `limit` rows by an extension's score, the higher the better."""
    key, content = collection.roles.id or "id", collection.roles.content or "content"
    score, order, condition = _ranked(collection, planned_index(name, collection), None)
    statement = compose(
        """select {key}, {content}, {score} as score
from {table}{where}
order by {order}
limit {limit}""",
        key=sql.Identifier(key),
        content=sql.Identifier(content),
        score=score,
        table=relation(collection),
        where=NOTHING if condition is None else compose("\nwhere {it}", it=condition),
        order=order,
        limit=param("limit"),
    )
    return Query(statement, {"words": words, "limit": limit})


def best(
    collection: Collection,
    made: Bm25Index,
    conditions: Sequence[sql.Composable],
    limit: sql.Composable,
) -> sql.Composed:
    """Return the select of (id, score) of the best rows by an extension's index.

    Any row with one of the words is scored, the higher the better, by the value named `words`;
    `conditions` hold on the relation ``d``. Where these are met by an index of their own, the
    extension scores rows without the words too, by 0: they are left out. Of rows that share the
    last place's score, the extension says which are in the list.
    """
    score, order, condition = _ranked(collection, made, "d")
    conditions = [*([] if condition is None else [condition]), *conditions]
    return compose(
        """    select id, score::float8 as score
    from (
      select {id} as id, {score} as score
      from {table} as d{where}
      order by {order}
      limit {limit}
    ) as nearest
    where score > 0
    order by score desc, id::text collate "C\"""",
        id=id_expression(collection, "d"),
        score=score,
        table=relation(collection),
        where=compose("\n      where {all}", all=join(" and ", conditions))
        if conditions
        else NOTHING,
        order=order,
        limit=limit,
    )


def _ranked(
    collection: Collection, made: Bm25Index, alias: LiteralString | None
) -> tuple[sql.Composed, sql.Composed, sql.Composed | None]:
    """Return the score of a row, what the best are ordered by, and the condition that they meet."""
    parts: dict[str, sql.Composable] = {
        "key": id_expression(collection, alias),
        "content": column(alias, collection.roles.content or "content"),
        "tokens": column(alias, _TOKENS),
        "schema": sql.Identifier(made.extension_schema),
        "index": sql.Literal(sql.Identifier(made.schema, made.name).as_string(None)),
        "words": param("words"),
        "tokenizer": sql.Literal(_TOKENIZER),
    }
    if made.extension == "pg_search":
        score = compose("pdb.score({key})", **parts)
        return (
            score,
            compose("{score} desc", score=score),
            compose("{content} operator(pg_catalog.|||) {words}::text", **parts),
        )
    distance: LiteralString = (
        """{content} operator({schema}.<@>)
  {schema}.to_bm25query({words}::text, {index})"""
        if made.extension == "pg_textsearch"
        else """{tokens} operator(pg_catalog.<&>)
  {schema}.to_bm25query({index}::regclass,
  tokenizer_catalog.tokenize({words}::text, {tokenizer})::{schema}.bm25vector)"""
    )
    order = compose(distance, **parts)
    return compose("-({distance})", distance=order), order, None


def settings(made: Bm25Index, rows: int) -> dict[str, str]:
    """Return what a transaction needs to be set, so that an index gives as many rows as are asked."""
    if made.extension != "vchord_bm25":
        return {}
    return {"bm25_catalog.bm25_limit": str(min(rows, 65_535))}


def _index(collection: Collection) -> str:
    return index_name(collection.table, "bm25")
