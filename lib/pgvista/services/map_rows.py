"""What is done with rows selected on a map: tagged, deleted, left out of the next map.

What is written is what was previewed: a plan holds the digests of the rows as they were seen; they
are locked, compared and counted before the commit.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import Conflict, InvalidInput
from pgvista.model.collection import CHUNK_KEY, PARENT_KEY, Collection
from pgvista.model.filters import And, Comparison, Filter, Scalar, join_key
from pgvista.model.map_spec import MapSpec
from pgvista.sql import map_rows as rows_sql
from pgvista.sql.query import Query

MOST_LEFT_OUT = 5_000
"""Rows that a map can be made without: their ids stand in its filter."""
LONGEST_KEY = 200
_OURS = (PARENT_KEY, CHUNK_KEY)


@dataclass(frozen=True, slots=True)
class DeletePlan:
    """Rows to delete, as they were seen."""

    ids: tuple[str, ...]
    """With the chunks cut from them."""
    chunks: int
    """How many of `ids` were not chosen, but are chunks of those that were."""
    gone: int
    """Rows chosen that are not there any more."""
    seen: Mapping[str, str] = field(repr=False)
    """id -> digest of the row."""
    sql: str = field(repr=False)
    """The transaction as run, for psql."""
    chosen: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class TagPlan:
    """Rows to write a key into the metadata of, as they were seen."""

    ids: tuple[str, ...]
    """Rows whose metadata changes: those that have the value already are left out."""
    key: str
    value: Scalar
    removes: bool
    """Whether the key is taken away instead."""
    already: int
    """Rows that are as they shall be."""
    overwritten: tuple[tuple[str, int], ...]
    """Values that are lost, as JSON, with the number of their rows, the most frequent first."""
    unfit: int
    """Rows whose metadata is a list or a bare value, and takes no key: they stay as they are."""
    gone: int
    seen: Mapping[str, str] = field(repr=False)
    sql: str = field(repr=False)


def plan_delete(db: Database, collection: Collection, ids: Sequence[str]) -> DeletePlan:
    """Read what would be deleted: the rows and the chunks cut from them. Nothing is written."""
    reading = rows_sql.seen(collection, ids, chunks=True)
    found = dict(db.query(reading.statement, reading.params, timeout_ms=0))
    chosen = set(ids)
    there = sum(row_id in chosen for row_id in found)
    return DeletePlan(
        ids=tuple(found),
        chunks=len(found) - there,
        gone=len(chosen) - there,
        seen=found,
        sql=_transaction(
            rows_sql.seen(collection, tuple(found), chunks=True, lock=True),
            rows_sql.delete(collection, tuple(found)),
        ),
        chosen=tuple(ids),
    )


def delete_rows(db: Database, collection: Collection, plan: DeletePlan) -> int:
    """Delete the rows of a plan in one transaction; return how many.

    Raises Conflict, and deletes nothing, when one of them was changed or deleted since, or a chunk
    was added.
    """
    if not plan.ids:
        return 0
    locking = rows_sql.seen(collection, plan.ids, chunks=True, lock=True)
    deleting = rows_sql.delete(collection, plan.ids)
    with db.transaction(timeout_ms=0) as connection:
        _as_seen(connection, locking, plan.seen, "deleted")
        count = connection.execute(deleting.sql, deleting.params).rowcount
        _as_many(count, len(plan.ids), "delete", "deleted")
    return count


def plan_tag(
    db: Database,
    collection: Collection,
    ids: Sequence[str],
    key: str,
    value: Scalar = True,
    *,
    removes: bool = False,
) -> TagPlan:
    """Read what writing `value` under a key of the metadata would change. Nothing is written.

    The key is a name, not a path: a dot belongs to it. Raises InvalidInput for a key that is empty,
    too long or pgvista's own, and for a collection without metadata.
    """
    _check_key(collection, key)
    written = None if removes else _json(value)
    reading = rows_sql.tagged(collection, ids, key)
    rows = db.query(reading.statement, reading.params, timeout_ms=0)
    same = [(not takes) or _same(old, written) for _, _, old, takes in rows]
    changed = [row for row, stays in zip(rows, same, strict=True) if not stays]
    unfit = sum(not takes for *_, takes in rows)
    lost = Counter(old for _, _, old, _ in changed if old is not None)
    changing = tuple(row_id for row_id, *_ in changed)
    return TagPlan(
        ids=changing,
        key=key,
        value=value,
        removes=removes,
        already=len(rows) - len(changed) - unfit,
        overwritten=tuple(sorted(lost.items(), key=lambda item: (-item[1], item[0]))),
        unfit=unfit,
        gone=len(set(ids)) - len(rows),
        seen={row_id: digest for row_id, digest, *_ in changed},
        sql=_transaction(
            rows_sql.seen(collection, changing, chunks=False, lock=True),
            rows_sql.tag(collection, changing, key, written),
        ),
    )


def tag_rows(db: Database, collection: Collection, plan: TagPlan) -> int:
    """Write the key of a plan in one transaction; return how many rows have it.

    Raises Conflict, and writes nothing, when one of them was changed or deleted since.
    """
    if not plan.ids:
        return 0
    locking = rows_sql.seen(collection, plan.ids, chunks=False, lock=True)
    written = None if plan.removes else _json(plan.value)
    tagging = rows_sql.tag(collection, plan.ids, plan.key, written)
    with db.transaction(timeout_ms=0) as connection:
        _as_seen(connection, locking, plan.seen, "written")
        count = connection.execute(tagging.sql, tagging.params).rowcount
        _as_many(count, len(plan.ids), "write", "written")
    return count


def without_rows(collection: Collection, spec: MapSpec, ids: Sequence[str]) -> MapSpec:
    """Return the spec of the same map without some rows: its filter leaves their ids out.

    Raises InvalidInput for more than MOST_LEFT_OUT rows, and where rows have no key.
    """
    if collection.roles.id is None:
        raise InvalidInput(
            f"{collection.name} has no key, so that rows cannot be left out by it.",
            "Give a column the role of id.",
        )
    if len(ids) > MOST_LEFT_OUT:
        raise InvalidInput(
            f"{len(ids):,} rows are selected, but a map can be made without {MOST_LEFT_OUT:,} at "
            "most.",
            "Hide them from this map instead, or filter by a column.",
        )
    key = id_key(collection.roles.id)
    others, left_out = _left_out(spec.filters, key)
    out = Comparison(key, "$nin", tuple(sorted({*map(str, left_out), *ids})))
    return replace(spec, filters=And((*others, out)) if others else out, name="")


def id_key(column: str) -> str:
    """Return the key by which a filter names the id column: bare, so that ids may be texts."""
    return join_key((column,)) if column.startswith("$") else column


# -- parts


def _left_out(tree: Filter | None, key: str) -> tuple[tuple[Filter, ...], tuple[Scalar, ...]]:
    """Return the other conditions of a filter, and the ids that it leaves out already."""
    parts = tree.parts if isinstance(tree, And) else () if tree is None else (tree,)
    others: list[Filter] = []
    ids: tuple[Scalar, ...] = ()
    for part in parts:
        if isinstance(part, Comparison) and (part.key, part.operator) == (key, "$nin"):
            ids += part.value if isinstance(part.value, tuple) else (part.value,)
        else:
            others.append(part)
    return tuple(others), ids


def _check_key(collection: Collection, key: str) -> None:
    if collection.roles.metadata is None:
        raise InvalidInput(
            f"{collection.name} has no metadata to write a tag into.",
            "Give a column of type jsonb the role of metadata.",
        )
    if not key.strip() or "\0" in key or len(key) > LONGEST_KEY:
        raise InvalidInput(
            f"The key is empty, longer than {LONGEST_KEY} characters, or holds a NUL byte.",
            "Choose a short name, such as reviewed.",
        )
    if key in _OURS:
        raise InvalidInput(
            f"The key {key} tells which text a chunk was cut from.", "Choose another name."
        )


def _json(value: Scalar) -> str:
    try:
        told = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError):
        raise InvalidInput(f"{value!r} is no value of JSON.", "Give a finite number.") from None
    if "\\u0000" in told:
        raise InvalidInput("The value holds a NUL byte, which Postgres cannot store.")
    return told


def _same(old: str | None, written: str | None) -> bool:
    """Tell whether what is there is what would be written; None: the key is not there."""
    if old is None or written is None:
        return old is written
    return bool(json.loads(old) == json.loads(written)) and _kind(old) == _kind(written)


def _kind(text: str) -> type:
    found = type(json.loads(text))
    return float if found is int else found  # 1 and 1.0 are one number, true is none


def _transaction(*queries: Query) -> str:
    return "\n".join(("begin;", *(f"{query.text()};" for query in queries), "commit;"))


def _as_seen(
    connection: Connection[Any], locking: Query, seen: Mapping[str, str], done: str
) -> None:
    now = dict(connection.execute(locking.sql, locking.params).fetchall())
    other = sorted(row_id for row_id in {*seen, *now} if now.get(row_id) != seen.get(row_id))
    if other:
        what = "row was" if len(other) == 1 else "rows were"
        raise Conflict(
            f"{len(other):,} {what} changed, added or deleted since the preview, {other[0]!r} "
            f"first, so nothing was {done}.",
            "Look at the rows again.",
        )


def _as_many(count: int, planned: int, verb: str, done: str) -> None:
    if count != planned:
        raise Conflict(
            f"Postgres would {verb} {count:,} rows instead of {planned:,}, so nothing was {done}.",
            "A trigger or a policy of the table stands in the way.",
        )
