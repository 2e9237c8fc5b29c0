"""SQL that mends what a diagnosis found: shown to a person, and never run by us.

Alternatives are parted by an empty line, each led by a comment that says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import LiteralString

from psycopg import sql

from pgvista.model.diagnosis import Ordering, VectorIndex
from pgvista.sql.diagnosis import UNKNOWN_VECTOR, closed, norm, stem, table
from pgvista.sql.query import NOTHING, Query, compose

MAX_VECTOR = 2_000
"""Dimensions of a vector that an index takes; a cast to halfvec takes twice as many."""
MAX_HALFVEC = 4_000
CANDIDATES = 4
"""Candidates for each row wanted, where they are re-ranked."""

_OWN_ROW = re.compile(r""" AND \(\(?[\w".]+\)?(?:::text)? <> '(?:[^']|'')*'::text\)""")
_DEFINITION = re.compile(r'^CREATE INDEX ((?:"(?:[^"]|"")*"|[^"])+?) USING ')
_TOKEN = re.compile(r"""--[^\n]*|'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
_PLAIN = re.compile(r'"[a-z_][a-z0-9_]*"')
_PLAIN_VALUE = re.compile(r" = '(\w+)';")
_NUMBERS = re.compile(r"'\[([^\]]*)\]'")
_KEYWORDS = (
    "all analyse analyze and any array as asc asymmetric authorization between bigint binary bit "
    "boolean both case cast char character check coalesce collate collation column concurrently "
    "constraint create cross current_catalog current_date current_role current_schema current_time "
    "current_timestamp current_user dec decimal default deferrable desc distinct do else end except "
    "exists extract false fetch float for foreign freeze from full grant greatest group grouping "
    "having ilike in initially inner inout int integer intersect interval into is isnull join json "
    "json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar "
    "json_serialize json_table json_value lateral leading least left like limit localtime "
    "localtimestamp merge_action national natural nchar none normalize not notnull null nullif "
    "numeric offset on only or order out outer overlaps overlay placing position precision primary "
    "real references returning right row select session_user setof similar smallint some substring "
    "symmetric system_user table tablesample then time timestamp to trailing treat trim true union "
    "unique user using values varchar variadic verbose when where window with xmlattributes "
    "xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize "
    "xmltable"
)
KEYWORDS = frozenset(_KEYWORDS.split())
"""Words of PostgreSQL 18 that quote_ident quotes: all but the unreserved ones."""


def legible(text: str) -> str:
    """Return SQL with the quotes taken off those names that need none, as quote_ident has them."""

    def bare(match: re.Match[str]) -> str:
        found = match[0]
        if _PLAIN.fullmatch(found) and found[1:-1] not in KEYWORDS:
            return found[1:-1]
        return found

    return _TOKEN.sub(bare, text)


def name(column: str) -> str:
    """Return a column's name as SQL."""
    return sql.Identifier(column).as_string(None)


# -- statements in the form that an index serves


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
    return _with_vector(
        value or ordering.value,
        compose(
            "select *\nfrom {table}{where}\norder by {operand} {operator} {value}\nlimit {limit}",
            table=_from(ordering),
            where=_where("\nwhere ", conditions),
            operand=_Deparsed(operand or ordering.operand),
            operator=sql.SQL(closed(operator or ordering.operator)),
            value=_Deparsed(value or ordering.value),
            limit=sql.Literal(ordering.limit or 10),
        ),
    )


def opposite(ordering: Ordering) -> str:
    """Return the farthest rows in a form that an index serves; empty where there is none.

    By cosine and inner product the farthest from a vector are the nearest to its opposite.
    """
    match = _NUMBERS.search(ordering.value)
    if ordering.operator not in ("<=>", "<#>") or match is None:
        return ""
    try:
        turned = ",".join(f"{-float(number):.9g}" for number in match[1].split(","))
    except ValueError:  # not a vector spelled out
        return ""
    return rewritten(ordering, value=ordering.value.replace(match[0], f"'[{turned}]'"))


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
            operator=sql.SQL(closed(ordering.operator)),
            column=sql.Identifier(other.alias, other.column or ""),
            inner=_from(other),
            condition=_where(" where ", other.conditions),
            limit=sql.Literal(ordering.limit or 10),
        )
    )


def re_ranked(
    ordering: Ordering, operand: str, operator: str, rough: str, *, candidates: int, limit: int
) -> str:
    """Return the order by `operand`, which knows the vectors by halves, re-ranked by the full ones.

    `rough` is the query as the operand has it; the full order is that of `ordering`.
    """
    return _with_vector(
        ordering.value,
        compose(
            "select *\nfrom (\n  select *\n  from {table}{where}\n"
            "  order by {operand} {operator} {rough}\n  limit {candidates}\n) as candidates\n"
            "order by candidates.{column} {full} {value}\nlimit {limit}",
            table=_from(ordering),
            where=_where("\n  where ", ordering.conditions),
            operand=_Deparsed(operand),
            operator=sql.SQL(closed(operator)),
            rough=_Deparsed(rough),
            candidates=sql.Literal(candidates),
            column=sql.Identifier(ordering.column or ""),
            full=sql.SQL(closed(ordering.operator)),
            value=_Deparsed(ordering.value),
            limit=sql.Literal(limit),
        ),
    )


# -- indexes


def create_index(ordering: Ordering, kind: str, extension_schema: str | None) -> str:
    """Return the statement that builds an HNSW index which serves the order.

    A vector of too many dimensions is indexed by a cast, and then the order must be by that cast.
    """
    cast = ordering.operand.rpartition("::")[2] if "::" in ordering.operand else ""
    dimension = _dimension(kind)
    base = (cast or kind).partition("(")[0].rpartition(".")[2].strip('"')
    if base == "vector" and not cast and MAX_VECTOR < dimension <= MAX_HALFVEC:
        cast = "halfvec" if extension_schema is None else f"{extension_schema}.halfvec"
        cast = f"{cast}({dimension})"
        return (
            f"{_create(ordering, cast, 'halfvec', extension_schema)}\n"
            "-- and order by what is indexed\n"
            f"{rewritten(ordering, operand=f'{ordering.operand}::{cast}', value=_untyped(ordering.value))}"
        )
    return _create(ordering, cast, base, extension_schema)


def _create(ordering: Ordering, cast: str, base: str, extension_schema: str | None) -> str:
    name = f"{base}_{stem(ordering.operator)}"
    expression: sql.Composable = sql.Identifier(ordering.column or "")
    if cast:
        expression = compose("({column}::{cast})", column=expression, cast=_Deparsed(cast))
    return _told(
        compose(
            "create index concurrently on {table}\nusing hnsw ({expression} {opclass})",
            table=table(ordering),
            expression=expression,
            opclass=sql.Identifier(name)
            if extension_schema is None
            else sql.Identifier(extension_schema, name),
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
            "create index concurrently on {table}\nusing {method} ({expression} {opclass})\n"
            "where {conditions}",
            table=table(ordering),
            method=sql.SQL("ivfflat" if index.method == "ivfflat" else "hnsw"),
            expression=expression,
            opclass=_Deparsed(index.opclass),
            conditions=_all_of([without_parentheses(item) for item in conditions]),
        )
    )


def built_again(index: VectorIndex) -> str:
    """Return the statement that builds an index that is gone, while rows are written.

    It is what Postgres said of the index, with CONCURRENTLY.
    """
    return _DEFINITION.sub(r"CREATE INDEX CONCURRENTLY \1\nUSING ", index.definition) + ";"


def reindex(index: VectorIndex) -> str:
    """Return the statement that builds an index anew while it is used."""
    name = sql.Identifier(index.schema, index.name)
    if index.schema == "public":
        name = sql.Identifier(index.name)
    return legible(compose("reindex index concurrently {name};", name=name).as_string(None))


def rebuilt_with(index: VectorIndex, lists: int) -> str:
    """Return the statements that build an IVFFlat index anew with other lists."""
    name = sql.Identifier(*((index.schema,) if index.schema != "public" else ()), index.name)
    altered = compose("alter index {name} set (lists = {n});", name=name, n=sql.Literal(lists))
    return f"{legible(altered.as_string(None))}\n{reindex(index)}"


# -- settings and rows


def set_local(settings: Mapping[str, str]) -> str:
    """Return ``SET LOCAL`` statements."""
    lines = [
        compose(
            "set local {name} = {value};",
            name=sql.SQL(".").join(sql.Identifier(part) for part in name.split(".")),
            value=sql.Literal(value),
        ).as_string(None)
        for name, value in settings.items()
    ]
    return "\n".join(_PLAIN_VALUE.sub(r" = \1;", legible(line)) for line in lines)


def missing_rows(ordering: Ordering, which: str, kind: str, extension_schema: str | None) -> str:
    """Return a statement that lists the rows an index does not hold: "null" or "zero" vectors."""
    column = sql.Identifier(ordering.column or "")
    condition = (
        compose("{column} is null", column=column)
        if which == "null"
        else compose("{norm}({column}) = 0", norm=norm(kind, extension_schema), column=column)
    )
    return _told(compose("select *\nfrom {table}\nwhere {it}", table=table(ordering), it=condition))


def analyze(ordering: Ordering) -> str:
    """Return ``analyze``, with which the planner's estimates begin."""
    return legible(compose("analyze {table};", table=table(ordering)).as_string(None))


# -- what they share


class _Deparsed(sql.Composable):
    """SQL that Postgres wrote itself, in a plan or its catalog."""

    def as_bytes(self, context: object = None) -> bytes:
        """Return the text as it is."""
        return str(self._obj).encode()


def without_parentheses(text: str) -> str:
    """Return an expression without the parentheses around the whole of it."""
    while text.startswith("(") and text.endswith(")"):
        depth = 0
        for place, letter in enumerate(_TOKEN.sub(lambda m: "x" * len(m[0]), text)):
            depth += (letter == "(") - (letter == ")")
            if depth == 0 and place < len(text) - 1:
                return text
        text = text[1:-1]
    return text


def _told(statement: sql.Composed) -> str:
    return legible(f"{Query(statement).text()};")


def _with_vector(value: str, statement: sql.Composed) -> str:
    told = _told(statement)
    return (
        f"-- with the query vector in place of {UNKNOWN_VECTOR}\n{told}"
        if value == UNKNOWN_VECTOR
        else told
    )


def _dimension(kind: str) -> int:
    match = re.search(r"\((\d+)\)", kind)
    return int(match[1]) if match else 0


def _untyped(value: str) -> str:
    """Return a literal without its cast, so that it takes the type of the other side."""
    return value.rpartition("::")[0] or value if value.startswith("'") else value


def _from(ordering: Ordering) -> sql.Composable:
    """Return the relation, with its alias where it has another name."""
    if ordering.alias == ordering.relation:
        return table(ordering)
    return compose("{table} as {it}", table=table(ordering), it=sql.Identifier(ordering.alias))


def _where(lead: LiteralString, conditions: Sequence[str]) -> sql.Composable:
    if not conditions:
        return NOTHING
    alone = len(conditions) == 1
    return sql.SQL(lead) + _all_of(
        [without_parentheses(item) if alone else item for item in conditions]
    )


def _all_of(conditions: Sequence[str]) -> sql.Composed:
    return sql.SQL(" and ").join([_Deparsed(item) for item in conditions])
