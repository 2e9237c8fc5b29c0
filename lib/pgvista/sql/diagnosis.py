"""Statements that find out why an index was not used; those that mend it are in `remedies`."""

from __future__ import annotations

import re

from psycopg import sql

from pgvista.model.diagnosis import Ordering, VectorIndex
from pgvista.sql.query import Query, compose, param

_STEMS = {
    "<=>": "cosine_ops",
    "<->": "l2_ops",
    "<#>": "ip_ops",
    "<+>": "l1_ops",
    "<~>": "hamming_ops",
    "<%>": "jaccard_ops",
}
UNKNOWN_VECTOR = "'[...]'"
"""Stands for a query vector that a plan does not spell out."""
SAMPLE = 50
"""Rows whose lists are measured, to tell how evenly an IVFFlat index spreads rows."""


class _Pasted(sql.Composable):
    """A statement as a person pasted it: it was checked to be one SELECT, and is explained only."""

    def as_bytes(self, context: object = None) -> bytes:
        """Return the text as it is, for a statement with placeholders."""
        return str(self._obj).replace("%", "%%").encode()


def explain_pasted(statement: str) -> Query:
    """Ask for the plan of a person's own statement, which is not run."""
    return Query(
        compose("explain (verbose, settings, format json) {it}", it=_Pasted(statement)), {}
    )


def explain(query: Query) -> Query:
    """Ask for the plan of a statement, which is not run."""
    return Query(
        compose("explain (verbose, settings, format json) {it}", it=query.sql), query.params
    )


def vector_indexes(schema: str, table: str) -> Query:
    """List the vector indexes of a relation with the operators that they serve."""
    return Query(
        compose(
            """select xn.nspname, x.relname, m.amname, pg_get_indexdef(i.indexrelid),
  i.indisvalid and i.indisready, o.opcname,
  array(select distinct p.oprname from pg_amop a join pg_operator p on p.oid = a.amopopr
    where a.amopfamily = o.opcfamily and a.amoppurpose = 'o')::text[],
  (select a.attname from pg_attribute a where a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    and i.indkey[0] > 0),
  pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid),
  coalesce(x.reloptions, '{{}}')
from pg_index i
  join pg_class x on x.oid = i.indexrelid join pg_namespace xn on xn.oid = x.relnamespace
  join pg_am m on m.oid = x.relam and m.amname in ('hnsw', 'ivfflat')
  join pg_opclass o on o.oid = i.indclass[0]
  join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = {schema} and c.relname = {table}
order by x.relname""",
            schema=param("schema"),
            table=param("table"),
        ),
        {"schema": schema, "table": table},
    )


def facts(schema: str, table: str, column: str) -> Query:
    """Ask for estimated rows, the column's type, pgvector's schema where it must be named, knobs."""
    return Query(
        compose(
            """select greatest(c.reltuples, 0)::bigint, format_type(a.atttypid, a.atttypmod),
  case when pg_type_is_visible(t.oid) then null else tn.nspname end,
  current_setting('hnsw.ef_search', true), current_setting('hnsw.iterative_scan', true),
  current_setting('ivfflat.probes', true), current_setting('ivfflat.iterative_scan', true)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid
  join pg_type t on t.oid = a.atttypid join pg_namespace tn on tn.oid = t.typnamespace
where n.nspname = {schema} and c.relname = {table} and a.attname = {column}""",
            schema=param("schema"),
            table=param("table"),
            column=param("column"),
        ),
        {"schema": schema, "table": table, "column": column},
    )


def vector_column(schema: str, table: str) -> Query:
    """Ask for the first vector column of a relation, and the operators of the indexes on it."""
    return Query(
        compose(
            """select a.attname, array(
    select distinct p.oprname from pg_index i
      join pg_opclass o on o.oid = i.indclass[0]
      join pg_amop m on m.amopfamily = o.opcfamily and m.amoppurpose = 'o'
      join pg_operator p on p.oid = m.amopopr
    where i.indrelid = c.oid and i.indkey[0] = a.attnum and i.indisvalid)::text[]
from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
where n.nspname = {schema} and c.relname = {table} and t.typname in ('vector', 'halfvec')
order by a.attnum limit 1""",
            schema=param("schema"),
            table=param("table"),
        ),
        {"schema": schema, "table": table},
    )


def count_unindexed(ordering: Ordering, kind: str, extension_schema: str | None) -> Query:
    """Count (rows without a vector, rows whose vector is all zeros)."""
    column = sql.Identifier(ordering.column or "")
    return Query(
        compose(
            "select count(*) filter (where {column} is null),\n"
            "  count(*) filter (where {norm}({column}) = 0)\nfrom {table}",
            column=column,
            norm=norm(kind, extension_schema),
            table=table(ordering),
        )
    )


def list_sizes(ordering: Ordering, index: VectorIndex, most: int) -> Query:
    """Measure, for some rows drawn at random, how many rows their own list holds, `most` at most.

    Run it with one probe, and with the planner kept from sorting.
    """
    column = sql.Identifier(index.column or "")
    return Query(
        compose(
            """select count(*)::float8 / greatest(count(distinct drawn.place), 1), count(distinct drawn.place)
from (
  select row_number() over () as place, {column} as vector
  from (select {column} from {table} where {column} is not null order by random() limit {sample}) as r
) as drawn
cross join lateral (
  select 1 from {table} as t order by t.{column} {operator} drawn.vector limit {most}
) as listed""",
            column=column,
            table=table(ordering),
            operator=sql.SQL(closed(ordering.operator)),
            sample=sql.Literal(SAMPLE),
            most=sql.Literal(most),
        )
    )


def with_alias(expression: str, alias: str, column: str) -> str:
    """Return an indexed expression as a statement has it: ``(d.embedding)::halfvec(3)``."""
    led = sql.Identifier(alias, column).as_string(None)
    pattern = rf'"{re.escape(column)}"|(?<![\w.]){re.escape(column)}(?!\w)'
    return re.sub(pattern, lambda _: led, expression)


def as_indexed(expression: str, value: str) -> str:
    """Return a query vector in the form that an indexed expression has."""
    literal = value.rpartition("::")[0] or value if value.startswith("'") else value
    if "binary_quantize" in expression:
        return f"binary_quantize({literal}::vector)"
    if match := re.search(r"subvector\([^,]+, 1, (\d+)\)", expression):
        return f"subvector({literal}::vector, 1, {match[1]})"
    return literal


# -- what remedies share with them


def table(ordering: Ordering) -> sql.Identifier:
    """Return the relation's name, with its schema where that is not public."""
    if ordering.schema in ("", "public"):
        return sql.Identifier(ordering.relation)
    return sql.Identifier(ordering.schema, ordering.relation)


def norm(kind: str, extension_schema: str | None) -> sql.Identifier:
    """Return the function that measures a vector's length."""
    name = "l2_norm" if "halfvec" in kind else "vector_norm"
    return (
        sql.Identifier(name) if extension_schema is None else sql.Identifier(extension_schema, name)
    )


def closed(operator: str) -> str:
    """Return an operator of the closed table. Raises StopIteration for any other."""
    return next(name for name in _STEMS if name == operator)


def stem(operator: str) -> str:
    """Return what the operator's class is called behind the type: ``cosine_ops``."""
    return _STEMS[closed(operator)]
