"""Statements that build, rebuild and drop indexes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, LiteralString

from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection, RelationKind
from pgvista.model.filters import Comparison, Filter, Not, to_object
from pgvista.model.index import (
    DEFAULT_EF_CONSTRUCTION,
    DEFAULT_M,
    AnyIndexSpec,
    BitMetric,
    FieldIndexSpec,
    IndexMethod,
    IndexSpec,
    IndexTarget,
    advised_lists,
    max_dimension,
)
from pgvista.model.metric import Metric, VectorType
from pgvista.sql.collection import index_name
from pgvista.sql.filters import FilterSql
from pgvista.sql.names import opclass as vector_opclass
from pgvista.sql.names import relation, vector_type
from pgvista.sql.query import NOTHING, Query, column, compose


def create(collection: Collection, spec: IndexSpec, *, rows: int) -> tuple[str, Query]:
    """Build ``create index``; return the index's name too. `rows` sets IVFFlat's lists.

    The name tells the column, method, metric, target, and what of the options is not the default:
    two indexes that differ have two names. Raises InvalidInput when the dimension is beyond what
    an index of this target takes.
    """
    check_dimension(collection, spec)
    name = index_name(collection.table, "_".join(_name_parts(collection, spec)))
    statement = compose(
        "create index{concurrently} {name}\n  on {table}\n  using {method} ({indexed} {opclass})"
        "\n  with ({options}){where}",
        concurrently=_concurrently(spec.concurrently and _can_be_read_meanwhile(collection)),
        name=sql.Identifier(name),
        table=relation(collection),
        method=sql.SQL(spec.method.value),
        indexed=indexed(collection, spec.target, spec.leading),
        opclass=opclass(collection, spec),
        options=_options(spec, rows),
        where=_where(collection, spec.filters),
    )
    return name, Query(statement)


def metric_of(collection: Collection, spec: IndexSpec) -> Metric | BitMetric:
    """Return the metric that the index is to serve."""
    if spec.metric is not None:
        return spec.metric
    return BitMetric.HAMMING if spec.target is IndexTarget.BIT else collection.metric


def indexed(
    collection: Collection,
    target: IndexTarget,
    leading: int | None = None,
    alias: LiteralString | None = None,
) -> sql.Composable:
    """Return what is indexed: the column, or an expression in brackets, as queries must write it.

    halfvec: ``(embedding::halfvec(n))``, bit: ``(binary_quantize(embedding)::bit(n))``, leading:
    ``(subvector(embedding, 1, k)::vector(k))``, of the column's own type.
    """
    return of_target(collection, column(alias, collection.roles.embedding), target, leading)


def of_target(
    collection: Collection, value: sql.Composable, target: IndexTarget, leading: int | None = None
) -> sql.Composable:
    """Return any vector of the collection's type, a column or a query's, as the index has it."""
    schema = collection.extension_schema
    if target is IndexTarget.COLUMN:
        return value
    if target is IndexTarget.HALFVEC:
        return compose(
            "({value}::{type}({dimension}))",
            value=value,
            type=vector_type(VectorType.HALFVEC, schema),
            dimension=sql.Literal(collection.dimension),
        )
    if target is IndexTarget.BIT:
        return compose(
            "({function}({value})::bit({dimension}))",
            function=_function("binary_quantize", schema),
            value=value,
            dimension=sql.Literal(collection.dimension),
        )
    return compose(
        "({function}({value}, 1, {leading})::{type}({leading}))",
        function=_function("subvector", schema),
        value=value,
        leading=sql.Literal(leading),
        type=vector_type(collection.vector_type, schema),
    )


def opclass(collection: Collection, spec: IndexSpec) -> sql.Composable:
    """Return the operator class of the index."""
    metric = metric_of(collection, spec)
    if isinstance(metric, BitMetric):
        return _function(f"bit_{metric.value}_ops", collection.extension_schema)
    half = spec.target is IndexTarget.HALFVEC
    kind = VectorType.HALFVEC if half else collection.vector_type
    return vector_opclass(metric, kind, collection.extension_schema)


def check_dimension(collection: Collection, spec: IndexSpec) -> None:
    """Raise InvalidInput, with what to do instead, when no such index can hold the vectors."""
    if collection.dimension is None:
        raise InvalidInput(
            f"The vectors of {collection.name} have no fixed dimension, so no index can be built.",
            "Alter the column to a type such as vector(384).",
        )
    limit = max_dimension(spec.target, collection.vector_type)
    taken = spec.leading or collection.dimension
    if taken > limit:
        other = (
            "Index a cast to halfvec (to 4,000 dimensions), the leading dimensions, or the bits."
            if limit == VectorType.VECTOR.max_index_dimension and collection.dimension <= 4000
            else "Index the leading dimensions, or the bits (to 64,000)."
        )
        kind = "halfvec" if limit == VectorType.HALFVEC.max_index_dimension else "vector"
        raise InvalidInput(
            f"An index of type {kind} takes {limit:,} dimensions, and "
            + (
                f"leading is {taken:,}."
                if spec.leading
                else f"{collection.name} has {collection.dimension:,}."
            ),
            other,
        )
    if spec.leading is not None and spec.leading > collection.dimension:
        raise InvalidInput(
            f"leading is {spec.leading:,}, but {collection.name} has {collection.dimension:,} dimensions.",
            "Take fewer.",
        )


def create_field(collection: Collection, spec: FieldIndexSpec) -> tuple[str, Query]:
    """Build ``create index`` for words or filters; return the index's name too.

    A tsvector gets GIN, a text without one GIN on its words as searches write them, JSON gets GIN of jsonb_path_ops (json by a cast to jsonb), a list gets GIN,
    anything else a btree. Raises InvalidInput for a column that has no part in words or filters.
    """
    roles = collection.roles
    name = sql.Identifier(spec.column)
    kinds = {item.name: item.type for item in collection.columns}
    if roles.metadata is not None:
        kinds[roles.metadata] = collection.metadata_type
    if roles.fts is not None:
        kinds[roles.fts] = "tsvector"
    elif roles.content is not None:
        kinds[roles.content] = "words"
    if (kind := kinds.get(spec.column)) is None:
        raise InvalidInput(
            f"{spec.column!r} is not a column of {collection.name} for words or filters.",
            f"Columns: {', '.join(kinds) or 'none'}.",
        )
    method: LiteralString = "gin"
    what: sql.Composable = name
    if kind == "jsonb":
        what = compose("{name} jsonb_path_ops", name=name)
    elif kind == "json":
        what = compose("({name}::jsonb) jsonb_path_ops", name=name)
    elif kind == "words":
        what = compose(
            "to_tsvector({config}::regconfig, coalesce({name}, ''))",
            config=sql.Literal(collection.text_config),
            name=name,
        )
    elif kind != "tsvector" and not kind.endswith("[]"):
        method = "btree"
    made = index_name(collection.table, spec.column)
    return made, Query(
        compose(
            "create index{concurrently} {made}\n  on {table}\n  using {method} ({what})",
            concurrently=_concurrently(spec.concurrently and _can_be_read_meanwhile(collection)),
            made=sql.Identifier(made),
            table=relation(collection),
            method=sql.SQL(method),
            what=what,
        )
    )


def create_any(collection: Collection, spec: AnyIndexSpec, *, rows: int) -> tuple[str, Query]:
    """Build ``create index`` for vectors, words or filters; return the index's name too."""
    if isinstance(spec, FieldIndexSpec):
        return create_field(collection, spec)
    return create(collection, spec, rows=rows)


def maintenance_work_mem(size_bytes: int) -> Query:
    """Set the memory of this session's builds; whole kB, 1 MB at least."""
    return Query(
        compose(
            "set maintenance_work_mem = {size}",
            size=sql.Literal(f"{max(1024, -(-size_bytes // 1024))}kB"),
        )
    )


def take_turn(collection: Collection, *, alone: bool) -> Query:
    """Ask whether this session may build an index on the table now: nobody else does.

    `alone`: hold an advisory lock until the session ends, so that others of pgvista wait.
    """
    lock: LiteralString = (
        "and pg_try_advisory_lock(hashtext('pgvista index build'), hashtext({name}))"
        if alone
        else ""
    )
    name = sql.Literal(relation(collection).as_string(None))
    return Query(
        compose(
            """select not exists (
    select from pg_stat_progress_create_index
    where datname = current_database() and relid = {name}::regclass and pid <> pg_backend_pid())
  {lock}""",
            name=name,
            lock=compose(lock, name=name),
        )
    )


def lock_timeout(milliseconds: int) -> Query:
    """Limit how long statements of this session wait for locks; 0: no limit."""
    return Query(compose("set lock_timeout = {limit}", limit=sql.Literal(milliseconds)))


def drop(schema: str, name: str, *, concurrently: bool = False) -> Query:
    """Build ``drop index``."""
    return Query(
        compose(
            "drop index{concurrently} if exists {name}",
            concurrently=_concurrently(concurrently),
            name=sql.Identifier(schema, name),
        )
    )


def reindex(schema: str, name: str, *, concurrently: bool = True) -> Query:
    """Build ``reindex index``; concurrently, searches use the old one until the new one stands."""
    return Query(
        compose(
            "reindex index{concurrently} {name}",
            concurrently=_concurrently(concurrently),
            name=sql.Identifier(schema, name),
        )
    )


def analyze(collection: Collection) -> Query:
    """Build ``analyze``, so that the planner knows the table as it is."""
    return Query(compose("analyze {table}", table=relation(collection)))


_COLUMN = r'(?:"(?:[^"]|"")*"|[a-z_]\w*)'
_SCHEMA = rf"(?:{_COLUMN}\.)?"
_EXPRESSIONS = {
    IndexTarget.HALFVEC: rf"\(?{_COLUMN}::{_SCHEMA}halfvec\(\d+\)\)?",
    IndexTarget.BIT: rf"\(?{_SCHEMA}binary_quantize\({_COLUMN}\)::bit\(\d+\)\)?",
    IndexTarget.LEADING: rf"\(?{_SCHEMA}subvector\({_COLUMN}, 1, (?P<leading>\d+)\)"
    rf"::{_SCHEMA}(?:vector|halfvec)\(\d+\)\)?",
}


def recognise(expression: str | None) -> tuple[IndexTarget | None, int | None]:
    """Return target and leading dimensions of what a vector index is on, as Postgres writes it.

    `expression` is None for a column. (None, None) for an expression that pgvista does not build.
    """
    if expression is None:
        return IndexTarget.COLUMN, None
    for target, pattern in _EXPRESSIONS.items():
        if (match := re.fullmatch(pattern, expression, re.IGNORECASE)) is not None:
            leading = match.groupdict().get("leading")
            return target, int(leading) if leading else None
    return None, None


def bit_metric(opclass_name: str) -> BitMetric | None:
    """Return the metric that an operator class of bits serves; None for any other."""
    return next((item for item in BitMetric if opclass_name == f"bit_{item.value}_ops"), None)


def _name_parts(collection: Collection, spec: IndexSpec) -> list[str]:
    parts = [collection.roles.embedding, spec.method.value, metric_of(collection, spec).value]
    if spec.target is IndexTarget.LEADING:
        parts.append(f"lead{spec.leading}")
    elif spec.target is not IndexTarget.COLUMN:
        parts.append(spec.target.value)
    if spec.method is IndexMethod.IVFFLAT:
        parts += [f"lists{spec.lists}"] if spec.lists is not None else []
    elif (spec.m, spec.ef_construction) != (DEFAULT_M, DEFAULT_EF_CONSTRUCTION):
        parts.append(f"m{spec.m}_ef{spec.ef_construction}")
    if spec.filters is not None:
        text = json.dumps(to_object(spec.filters), sort_keys=True, ensure_ascii=False)
        digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:6]
        parts += ["where", *_keys(spec.filters)[:2], digest]
    return parts


def _keys(tree: Filter) -> list[str]:
    """Return the keys of a filter as letters and digits, each once."""
    if isinstance(tree, Comparison):
        return [word] if (word := re.sub(r"\W+", "_", tree.key).strip("_")) else []
    parts = (tree.part,) if isinstance(tree, Not) else tree.parts
    return list(dict.fromkeys(word for part in parts for word in _keys(part)))


def _where(collection: Collection, filters: Filter | None) -> sql.Composable:
    """Return the condition of a partial index; a definition takes literals, not parameters."""
    condition = FilterSql(filters, collection, None)
    if condition.condition is None:
        return NOTHING
    return compose(
        "\n  where {condition}", condition=literal(condition.condition, condition.params)
    )


def literal(part: sql.Composable, params: Mapping[str, Any]) -> sql.Composable:
    """Return `part` with each placeholder replaced by its value as a literal."""
    if isinstance(part, sql.Composed):
        return sql.Composed([literal(child, params) for child in part])
    if isinstance(part, sql.Placeholder):
        return sql.Literal(params[part._obj])
    return part


def _options(spec: IndexSpec, rows: int) -> sql.Composed:
    if spec.method is IndexMethod.IVFFLAT:
        return compose("lists = {lists}", lists=sql.Literal(spec.lists or advised_lists(rows)))
    return compose(
        "m = {m}, ef_construction = {ef}",
        m=sql.Literal(spec.m),
        ef=sql.Literal(spec.ef_construction),
    )


def _function(name: str, schema: str | None) -> sql.Identifier:
    return sql.Identifier(name) if schema is None else sql.Identifier(schema, name)


def _can_be_read_meanwhile(collection: Collection) -> bool:
    """Postgres builds no index of a partitioned table concurrently."""
    return collection.kind is not RelationKind.PARTITIONED


def _concurrently(wanted: bool) -> sql.SQL:
    return sql.SQL(" concurrently") if wanted else NOTHING
