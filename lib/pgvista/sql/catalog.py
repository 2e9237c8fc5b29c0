"""What there is: relations with vectors, their columns and indexes, and the catalog of collections.

The catalog table remembers what the relation itself cannot say: the model, the metric, the
text-search configuration and the roles of the columns.
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from pgvista.sql.query import Query, compose

CATALOG_SCHEMA = "pgvista"

_RELATIONS: LiteralString = """select n.nspname as schema, c.relname as table, c.relkind as kind,
  greatest(c.reltuples, -1)::bigint as estimated_rows,
  {sizes},
  row_security_active(c.oid) as row_security,
  (
    select jsonb_agg(jsonb_build_object(
      'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'base_type', t.typname,
      'typmod', a.atttypmod, 'generated', a.attgenerated <> '', 'identity', a.attidentity <> '',
      'not_null', a.attnotnull, 'has_default', a.atthasdef,
      'key', case
        when exists (
          select from pg_index i where i.indrelid = c.oid and i.indisprimary
            and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) then 'primary'
        when exists (
          select from pg_index i where i.indrelid = c.oid and i.indisunique and i.indisvalid
            and i.indpred is null and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) then 'unique'
        end,
      'config', (
        select substring(pg_get_expr(d.adbin, d.adrelid) from $$to_tsvector\\('([^']+)'::regconfig$$)
        from pg_attrdef d where d.adrelid = c.oid and d.adnum = a.attnum),
      'titled', t.typname = 'tsvector' and exists (
        select from pg_attrdef d where d.adrelid = c.oid and d.adnum = a.attnum
          and pg_get_expr(d.adbin, d.adrelid) ~ '\\mtitle\\M')
      ) order by a.attnum)
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and has_column_privilege(c.oid, a.attnum, 'select')
  ) as columns,
  (
    select jsonb_agg(jsonb_build_object(
      'opclass', o.opcname, 'all_rows', i.indpred is null and i.indisvalid, 'column', (
      select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum = i.indkey[0])))
    from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam
      join pg_opclass o on o.oid = i.indclass[0]
    where i.indrelid = c.oid and m.amname in ('hnsw', 'ivfflat')
  ) as vector_indexes,
  (
    select jsonb_agg(jsonb_build_object(
      'extension', e.extname, 'version', e.extversion, 'extension_schema', en.nspname,
      'schema', xn.nspname, 'name', x.relname, 'columns', (
        select jsonb_agg(a.attname) from pg_depend u join pg_attribute a
          on a.attrelid = u.refobjid and a.attnum = u.refobjsubid
        where u.classid = 'pg_class'::regclass and u.objid = i.indexrelid
          and u.refclassid = 'pg_class'::regclass and u.refobjid = c.oid)) order by x.relname)
    from pg_index i join pg_class x on x.oid = i.indexrelid
      join pg_namespace xn on xn.oid = x.relnamespace
      join pg_depend d on d.classid = 'pg_am'::regclass and d.objid = x.relam
        and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
      join pg_extension e on e.oid = d.refobjid
      join pg_namespace en on en.oid = e.extnamespace
    where i.indrelid = c.oid and i.indisvalid and i.indpred is null
      and (e.extname in ('pg_textsearch', 'vchord_bm25') and 0 <> all (i.indkey::int2[])
        or e.extname = 'pg_search')  -- whose text columns are expressions, cast to a tokenizer
  ) as word_indexes
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm', 'v', 'f') and not c.relispartition
  and n.nspname not like 'pg\\_%%' and n.nspname <> 'information_schema'
  and has_schema_privilege(n.oid, 'usage') and has_any_column_privilege(c.oid, 'select')
  and {condition}
order by n.nspname = 'pgvista' desc, n.nspname, c.relname"""

_HAS_VECTOR: LiteralString = """exists (
    select from pg_attribute a
      join pg_type t on t.oid = a.atttypid
      join pg_depend d on d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e'
      join pg_extension e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and e.extname = 'vector' and t.typname in ('vector', 'halfvec'))"""

_SIZES: LiteralString = """case when c.relkind = 'p' then (
      select coalesce(sum(pg_table_size(p.relid)), 0)::bigint from pg_partition_tree(c.oid) p
    ) when c.relkind in ('v', 'f') then 0 else pg_table_size(c.oid) end as table_bytes,
  case when c.relkind = 'p' then (
      select coalesce(sum(pg_indexes_size(p.relid)), 0)::bigint from pg_partition_tree(c.oid) p
    ) when c.relkind in ('v', 'f') then 0 else pg_indexes_size(c.oid) end as index_bytes"""


def relations_with_vectors() -> Query:
    """List every relation with a vector or halfvec column that the role may read."""
    return Query(compose(_RELATIONS, condition=sql.SQL(_HAS_VECTOR), sizes=sql.SQL(_SIZES)))


def relations_with_text() -> Query:
    """List tables without a vector column: those that could be given one."""
    return Query(
        compose(
            _RELATIONS,
            condition=compose(
                "c.relkind = 'r' and n.nspname <> 'pgvista' and not {has}", has=sql.SQL(_HAS_VECTOR)
            ),
            sizes=sql.SQL(_SIZES),
        )
    )


def relation(schema: str, table: str) -> Query:
    """Describe one relation, whatever its columns."""
    condition = sql.SQL("n.nspname = %(schema)s and c.relname = %(table)s")
    return Query(
        compose(_RELATIONS, condition=condition, sizes=sql.SQL(_SIZES)),
        {"schema": schema, "table": table},
    )


def indexes(schema: str, table: str) -> Query:
    """List the indexes of a relation."""
    return Query(
        compose(
            """select xn.nspname, x.relname, m.amname, pg_get_indexdef(i.indexrelid),
  case when x.relkind = 'I' then (
    select coalesce(sum(pg_relation_size(p.relid)), 0)::bigint from pg_partition_tree(x.oid) p
  ) else pg_relation_size(x.oid) end, i.indisvalid and i.indisready,
  array(select coalesce(a.attname, '') from unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
    left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum and k.attnum > 0
    order by k.place)::text[],
  array(select o.opcname from unnest(i.indclass::oid[]) with ordinality as k(oid, place)
    join pg_opclass o on o.oid = k.oid order by k.place)::text[],
  coalesce(x.reloptions, '{{}}'), i.indisprimary,
  case when i.indkey[0] = 0 then pg_get_indexdef(i.indexrelid, 1, true) end,
  pg_get_expr(i.indpred, i.indrelid, true), coalesce(u.scans, 0), u.last_scan,
  (select p.phase from pg_stat_progress_create_index p
    where p.datname = current_database() and p.index_relid = i.indexrelid limit 1)
from pg_index i
  left join lateral (
    select sum(s.idx_scan)::bigint as scans,
      max((to_jsonb(s) ->> 'last_idx_scan')::timestamptz) as last_scan  -- from Postgres 16 on
    from pg_stat_all_indexes s
    where s.indexrelid = i.indexrelid
      or s.indexrelid in (select relid from pg_partition_tree(i.indexrelid))
  ) u on true
  join pg_class x on x.oid = i.indexrelid join pg_namespace xn on xn.oid = x.relnamespace
  join pg_am m on m.oid = x.relam
  join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relname = %(table)s
order by i.indisprimary desc, x.relname"""
        ),
        {"schema": schema, "table": table},
    )


def planned_rows(schema: str, table: str) -> Query:
    """Ask the planner how many rows it takes a relation for: a JSON document."""
    return Query(
        compose("explain (format json) select from {table}", table=sql.Identifier(schema, table))
    )


def text_configs() -> Query:
    """List the text-search configurations that the server has, qualified where they must be."""
    return Query(
        compose(
            """select case when pg_ts_config_is_visible(c.oid) then c.cfgname
  else n.nspname || '.' || c.cfgname end as name
from pg_ts_config c join pg_namespace n on n.oid = c.cfgnamespace
where has_schema_privilege(n.oid, 'usage') order by name"""
        )
    )


def word_dictionaries(config: str) -> Query:
    """List (schema, name) of the dictionaries that words with accents pass through, in order."""
    return Query(
        compose(
            """select n.nspname, d.dictname from pg_ts_config_map m
join pg_ts_dict d on d.oid = m.mapdict join pg_namespace n on n.oid = d.dictnamespace
where m.mapcfg = %(config)s::regconfig
  and m.maptokentype = (
    select t.tokid from pg_ts_config c, ts_token_type(c.cfgparser) t
    where c.oid = m.mapcfg and t.alias = 'word')
order by m.mapseqno"""
        ),
        {"config": config},
    )


def unaccent_dictionary() -> Query:
    """Find (schema, name) of the dictionary that the extension unaccent brings."""
    return Query(
        compose(
            """select n.nspname, d.dictname from pg_ts_dict d
join pg_namespace n on n.oid = d.dictnamespace
join pg_depend p on p.objid = d.oid and p.classid = 'pg_ts_dict'::regclass and p.deptype = 'e'
join pg_extension e on e.oid = p.refobjid and e.extname = 'unaccent'"""
        )
    )


def create_unaccent() -> Query:
    """Install the extension unaccent."""
    return Query(compose("create extension if not exists unaccent"))


def catalog_exists() -> Query:
    """Tell whether the catalog table is there and readable."""
    return Query(
        compose(
            "select coalesce(has_table_privilege(to_regclass('pgvista.collections'), 'select'), false)"
        )
    )


def create_catalog() -> Query:
    """Create the catalog table. Safe to run again; needs the right to create the schema."""
    return Query(
        compose(
            """create schema if not exists pgvista;
create table if not exists pgvista.collections (
  relation_schema text not null,
  relation_name text not null,
  roles jsonb not null,
  model text,
  metric text not null,
  text_config text not null,
  layout text not null,
  search_defaults jsonb,
  created_at timestamptz not null default now(),
  primary key (relation_schema, relation_name)
)"""
        )
    )


def remembered() -> Query:
    """Read the catalog."""
    return Query(
        compose(
            # a catalog made before there were search defaults has no such column
            """select relation_schema, relation_name, roles, model, metric, text_config, layout,
  to_jsonb(kept) -> 'search_defaults'
from pgvista.collections as kept"""
        )
    )


def remember(values: dict[str, object]) -> Query:
    """Write one entry of the catalog, over one of the same name."""
    return Query(
        compose(
            """insert into pgvista.collections
  (relation_schema, relation_name, roles, model, metric, text_config, layout)
values (%(schema)s, %(table)s, %(roles)s, %(model)s, %(metric)s, %(text_config)s, %(layout)s)
on conflict (relation_schema, relation_name) do update
set roles = excluded.roles, model = excluded.model, metric = excluded.metric,
  text_config = excluded.text_config, layout = excluded.layout"""
        ),
        values,
    )


def add_search_defaults() -> Query:
    """Give a catalog that was made before its column for search defaults."""
    return Query(
        compose("alter table pgvista.collections add column if not exists search_defaults jsonb")
    )


def has_search_defaults() -> Query:
    """Tell whether the catalog has its column for search defaults."""
    return Query(
        compose(
            """select exists (
  select from pg_attribute
  where attrelid = 'pgvista.collections'::regclass and attname = 'search_defaults'
    and not attisdropped)"""
        )
    )


def remember_search_defaults(schema: str, table: str, defaults: object) -> Query:
    """Write the search defaults of an entry, a JSON object; return its name where there is one."""
    return Query(
        compose(
            """update pgvista.collections set search_defaults = %(defaults)s
where relation_schema = %(schema)s and relation_name = %(table)s
returning relation_name"""
        ),
        {"schema": schema, "table": table, "defaults": defaults},
    )


def forget(schema: str, table: str) -> Query:
    """Remove one entry of the catalog."""
    return Query(
        compose(
            "delete from pgvista.collections where relation_schema = %(schema)s and relation_name = %(table)s"
        ),
        {"schema": schema, "table": table},
    )


def rename_entry(schema: str, table: str, new: str) -> Query:
    """Give an entry of the catalog its relation's new name."""
    return Query(
        compose(
            """update pgvista.collections set relation_name = %(new)s
where relation_schema = %(schema)s and relation_name = %(table)s"""
        ),
        {"schema": schema, "table": table, "new": new},
    )


def kept_of_collections() -> Query:
    """Name the tables in which more is kept of collections, as far as this role may write them."""
    return Query(
        compose(
            """select name from unnest(array['tuning_sweeps', 'maps']) as name
where coalesce(has_table_privilege(to_regclass('pgvista.' || name), 'update, delete'), false)"""
        )
    )


def rename_kept(kept: str, schema: str, table: str, new: str) -> Query:
    """Carry what is kept of a collection over to its new name."""
    return Query(
        compose(
            """update {kept} set collection_name = %(new)s
where collection_schema = %(schema)s and collection_name = %(table)s""",
            kept=sql.Identifier(CATALOG_SCHEMA, kept),
        ),
        {"schema": schema, "table": table, "new": new},
    )


def forget_kept(kept: str, schema: str, table: str) -> Query:
    """Remove what is kept of a collection."""
    return Query(
        compose(
            """delete from {kept}
where collection_schema = %(schema)s and collection_name = %(table)s""",
            kept=sql.Identifier(CATALOG_SCHEMA, kept),
        ),
        {"schema": schema, "table": table},
    )
