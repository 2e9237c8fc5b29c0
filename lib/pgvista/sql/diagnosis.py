"""Statements that find out why an index was not used, and those that mend it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import LiteralString

from psycopg import sql

from pgvista.model.diagnosis import Ordering, VectorIndex
from pgvista.sql.query import NOTHING, Query, compose, local_settings, param

_STEMS = {
    "<=>": "cosine_ops",
    "<->": "l2_ops",
    "<#>": "ip_ops",
    "<+>": "l1_ops",
    "<~>": "hamming_ops",
    "<%>": "jaccard_ops",
}
_OWN_ROW = re.compile(r""" AND \(\(?[\w".]+\)?(?:::text)? <> '(?:[^']|'')*'::text\)""")
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


def count_unindexed(ordering: Ordering, kind: str, extension_schema: str | None) -> Query:
    """Count (rows without a vector, rows whose vector is all zeros)."""
    column = sql.Identifier(ordering.column or "")
    return Query(
        compose(
            "select count(*) filter (where {column} is null),\n"
            "  count(*) filter (where {norm}({column}) = 0)\nfrom {table}",
            column=column,
            norm=_norm(kind, extension_schema),
            table=_table(ordering),
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
            table=_table(ordering),
            operator=sql.SQL(_closed(ordering.operator)),
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


# -- remedies


def create_index(
    ordering: Ordering, kind: str, extension_schema: str | None, operator: str | None = None
) -> str:
    """Return the statement that builds an HNSW index which serves the order."""
    cast = ordering.operand.rpartition("::")[2] if "::" in ordering.operand else ""
    base = (cast or kind).partition("(")[0].rpartition(".")[2].strip('"')
    name = f"{base}_{_STEMS[_closed(operator or ordering.operator)]}"
    expression: sql.Composable = sql.Identifier(ordering.column or "")
    if cast:
        expression = compose("(({column})::{cast})", column=expression, cast=_Deparsed(cast))
    return _told(
        compose(
            "create index concurrently on {table} using hnsw ({expression} {opclass})",
            table=_table(ordering),
            expression=expression,
            opclass=sql.Identifier(name)
            if extension_schema is None
            else sql.Identifier(extension_schema, name),
        )
    )


def rewritten(
    ordering: Ordering,
    *,
    operator: str = "",
    operand: str = "",
    value: str = "",
    condition: str = "",
) -> str:
    """Return the form of the statement that an index serves: the bare operator, and a LIMIT."""
    conditions = [*ordering.conditions, *([condition] if condition else [])]
    told = _told(
        compose(
            "select *\nfrom {table}{where}\norder by {operand} {operator} {value}\nlimit {limit}",
            table=_from(ordering),
            where=_where("\nwhere ", conditions),
            operand=_Deparsed(operand or ordering.operand),
            operator=sql.SQL(_closed(operator or ordering.operator)),
            value=_Deparsed(value or ordering.value),
            limit=sql.Literal(ordering.limit or 10),
        )
    )
    unknown = (value or ordering.value) == UNKNOWN_VECTOR
    return f"-- with the query vector in place of {UNKNOWN_VECTOR}\n{told}" if unknown else told


def subselected(ordering: Ordering) -> str:
    """Return the form of a join's order that an index serves: the vector by a subselect."""
    other = ordering.other or ordering
    return _told(
        compose(
            "select *\nfrom {table}{where}\norder by {operand} {operator} (\n"
            "  select {column} from {inner}{condition} limit 1\n)\nlimit {limit}",
            table=_from(ordering),
            where=_where("\nwhere ", ordering.conditions),
            operand=_Deparsed(ordering.operand),
            operator=sql.SQL(_closed(ordering.operator)),
            column=sql.Identifier(other.alias, other.column or ""),
            inner=_from(other),
            condition=_where(" where ", other.conditions),
            limit=sql.Literal(ordering.limit or 10),
        )
    )


def partial_index(ordering: Ordering, index: VectorIndex, *, own_row: bool = False) -> str:
    """Return the statement that builds an index of those rows alone that the filter lets through.

    `own_row`: a condition of the filter leaves out the row that is the query, and is dropped.
    """
    conditions = [item.replace(f"{ordering.alias}.", "") for item in ordering.conditions]
    if own_row:
        conditions = [_OWN_ROW.sub("", item) for item in conditions]
    expression: sql.Composable = (
        compose("({it})", it=_Deparsed(index.expression))
        if index.expression
        else sql.Identifier(index.column or "")
    )
    return _told(
        compose(
            "create index concurrently on {table} using {method} ({expression} {opclass})\n"
            "where {conditions}",
            table=_table(ordering),
            method=sql.SQL("ivfflat" if index.method == "ivfflat" else "hnsw"),
            expression=expression,
            opclass=_Deparsed(index.opclass),
            conditions=_all_of(conditions),
        )
    )


def reindex(index: VectorIndex) -> str:
    """Return the statement that builds an index anew while it is used."""
    name = sql.Identifier(index.schema, index.name)
    return compose("reindex index concurrently {name};", name=name).as_string(None)


def rebuilt_with(index: VectorIndex, lists: int) -> str:
    """Return the statements that build an IVFFlat index anew with other lists."""
    name = sql.Identifier(index.schema, index.name)
    return compose(
        "alter index {name} set (lists = {n});\n", name=name, n=sql.Literal(lists)
    ).as_string(None) + reindex(index)


def set_local(settings: Mapping[str, str]) -> str:
    """Return ``SET LOCAL`` statements."""
    return local_settings(settings).rstrip("\n")


def missing_rows(ordering: Ordering, which: str, kind: str, extension_schema: str | None) -> str:
    """Return a statement that lists the rows an index does not hold: "null" or "zero" vectors."""
    column = sql.Identifier(ordering.column or "")
    condition = (
        compose("{column} is null", column=column)
        if which == "null"
        else compose("{norm}({column}) = 0", norm=_norm(kind, extension_schema), column=column)
    )
    return _told(compose("select * from {table} where {it}", table=_table(ordering), it=condition))


def analyze(ordering: Ordering) -> str:
    """Return ``analyze``, with which the planner's estimates begin."""
    return compose("analyze {table};", table=_table(ordering)).as_string(None)


class _Deparsed(sql.Composable):
    """SQL that Postgres wrote itself, in a plan or its catalog. Shown to a person, never run by us."""

    def as_bytes(self, context: object = None) -> bytes:
        """Return the text as it is."""
        return str(self._obj).encode()


def _told(statement: sql.Composed) -> str:
    return f"{Query(statement).text()};"


def _from(ordering: Ordering) -> sql.Composable:
    """Return the relation, with its alias where it has another name."""
    if ordering.alias == ordering.relation:
        return _table(ordering)
    return compose("{table} as {it}", table=_table(ordering), it=sql.Identifier(ordering.alias))


def _table(ordering: Ordering) -> sql.Identifier:
    if ordering.schema in ("", "public"):
        return sql.Identifier(ordering.relation)
    return sql.Identifier(ordering.schema, ordering.relation)


def _norm(kind: str, extension_schema: str | None) -> sql.Identifier:
    name = "l2_norm" if "halfvec" in kind else "vector_norm"
    return (
        sql.Identifier(name) if extension_schema is None else sql.Identifier(extension_schema, name)
    )


def _where(lead: LiteralString, conditions: Sequence[str]) -> sql.Composable:
    return sql.SQL(lead) + _all_of(conditions) if conditions else NOTHING


def _all_of(conditions: Sequence[str]) -> sql.Composed:
    return sql.SQL(" and ").join([_Deparsed(item) for item in conditions])


def _closed(operator: str) -> str:
    """Return an operator of the closed table. Raises KeyError for any other."""
    return next(name for name in _STEMS if name == operator)
