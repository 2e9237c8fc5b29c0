"""Stand-ins for the extensions that rank by BM25, written in SQL.

They speak the SQL surface of the real ones as far as pgvista uses it: names, schemas, types,
operators, functions and access methods. Their scores are their own, so that a test can tell whose
order it sees: of rows with one of the words, the shorter text stands first.

An access method cannot be written in SQL: theirs is Postgres' hash or btree under their name, which
knows none of their options. An index is therefore made here without its WITH (`without_options`),
and pg_search's tokenizers take no options. pg_textsearch 1.4.0 itself was tried by hand.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

_ANY_WORD = "string_to_array(lower({0}), ' ') && string_to_array(lower({1}), ' ')"

PG_TEXTSEARCH = """
create access method bm25 type index handler hashhandler;
create operator class @extschema@.text_bm25_ops default for type text using bm25 as
  operator 1 =(text, text), function 1 hashtext(text);
create type @extschema@.bm25query as (words text, index_name text);
create function @extschema@.to_bm25query(input_text text, index_name text)
returns @extschema@.bm25query language plpgsql immutable strict as $$
begin
  if to_regclass(index_name) is null then
    raise undefined_object using message = format('index "%s" does not exist', index_name);
  end if;
  return row(input_text, index_name);
end $$;
create function @extschema@.bm25_text_bm25query_score(left_text text, asked @extschema@.bm25query)
returns float8 language sql stable strict as $$
  select case when ANY_WORD then length(left_text) - 1000 else 0 end
$$;
create operator @extschema@.<@> (
  leftarg = text, rightarg = @extschema@.bm25query,
  procedure = @extschema@.bm25_text_bm25query_score);
""".replace("ANY_WORD", _ANY_WORD.format("left_text", "asked.words"))

PG_SEARCH = """
create schema pdb;
create domain pdb.simple as text;
create access method paradedb type index handler bthandler;
create access method bm25 type index handler bthandler;
create operator class @extschema@.paradedb_text_ops default for type text using paradedb as
  operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >,
  function 1 bttextcmp(text, text);
create function @extschema@.match_any(content text, words text) returns boolean
language sql volatile strict as $$
  select set_config('pdb.scored', content, true) is not null and ANY_WORD
$$;
create operator pg_catalog.||| (
  leftarg = text, rightarg = text, procedure = @extschema@.match_any);
create function pdb.score(relation_reference anyelement) returns real
language sql volatile strict as $$
  select (1000 - length(current_setting('pdb.scored')))::real where relation_reference is not null
$$;
""".replace("ANY_WORD", _ANY_WORD.format("content", "words"))

PG_TOKENIZER = """
create table @extschema@.tokenizer (name text primary key, config text);
create function @extschema@.create_tokenizer(name text, config text) returns void
language sql volatile strict as $$ insert into @extschema@.tokenizer values (name, config) $$;
create function @extschema@.tokenize(text text, tokenizer_name text) returns integer[]
language plpgsql stable strict as $$
begin
  if not exists (select from @extschema@.tokenizer where name = tokenizer_name) then
    raise exception 'Tokenizer not found: %', tokenizer_name;
  end if;
  return (select array_agg(hashtext(word)) from unnest(string_to_array(lower(text), ' ')) as word);
end $$;
"""

VCHORD_BM25 = """
create domain @extschema@.bm25vector as integer[];
create type @extschema@.bm25query as (index_oid regclass, query_vector @extschema@.bm25vector);
create function @extschema@.to_bm25query(index_oid regclass, query_vector @extschema@.bm25vector)
returns @extschema@.bm25query language sql immutable strict as $$
  select index_oid, query_vector
$$;
create function @extschema@.search_bm25query(
  target @extschema@.bm25vector, query @extschema@.bm25query
) returns real language sql stable strict as $$
  select case when target::integer[] && (query).query_vector::integer[]
    then cardinality(target) - 1000 else 0 end::real
$$;
create operator pg_catalog.<&> (
  leftarg = @extschema@.bm25vector, rightarg = @extschema@.bm25query,
  procedure = @extschema@.search_bm25query);
create access method bm25 type index handler hashhandler;
create operator class @extschema@.bm25_ops for type anyarray using bm25 as
  operator 1 =(anyarray, anyarray), function 1 hash_array(anyarray);
"""

EXTENSIONS = {
    "pg_textsearch": ("1.4.0", "", PG_TEXTSEARCH),
    "pg_search": ("0.25.3", "schema = paradedb\n", PG_SEARCH),
    "pg_tokenizer": ("0.1.0", "schema = tokenizer_catalog\n", PG_TOKENIZER),
    "vchord_bm25": ("0.3.0", "schema = bm25_catalog\n", VCHORD_BM25),
}


@contextmanager
def standins(database_url: str) -> Iterator[None]:
    """Let one database's sessions find the stand-ins, by Postgres 18's extension_control_path.

    They are available and not installed. Sessions that were open before do not find them.
    """
    folder = Path(tempfile.mkdtemp(prefix="pgv-ext-"))
    try:
        place = folder / "extension"
        place.mkdir()
        for name, (version, more, script) in EXTENSIONS.items():
            control = f"default_version = '{version}'\nrelocatable = false\n{more}"
            (place / f"{name}.control").write_text(control, "utf-8")
            (place / f"{name}--{version}.sql").write_text(script, "utf-8")
        for path in (folder, place):
            path.chmod(0o755)  # the server may run as another user
        for path in place.iterdir():
            path.chmod(0o644)
        with psycopg.connect(database_url, autocommit=True) as session:
            session.execute(
                sql.SQL("alter database {} set extension_control_path = {}").format(
                    sql.Identifier(session.info.dbname), sql.Literal(f"{folder}{os.pathsep}$system")
                )
            )
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def without_options(statement: str) -> str:
    """Return a CREATE INDEX as the stand-ins take it."""
    return statement.partition("\nwith (")[0]
