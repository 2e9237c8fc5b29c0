"""Groups of near-duplicates: told from a scan, measured, deleted but for one of each, exported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pgvista.db.database import Database
from pgvista.errors import Conflict, InvalidInput
from pgvista.io.export import export_rows
from pgvista.model.collection import Collection
from pgvista.model.duplicates import DuplicateGroup, DuplicateScan, Keep, KeepPlan
from pgvista.science.forest import labels
from pgvista.services import rows as row_service
from pgvista.services.duplicate_scan import measured_by
from pgvista.sql import duplicates as duplicate_sql

SPREAD_ROWS = 300
"""The largest distance is measured in groups of up to so many rows."""
_READ_AT_ONCE = 500


def groups(found: DuplicateScan, threshold: float | None = None) -> tuple[DuplicateGroup, ...]:
    """Return the groups at `threshold` (None: the scan's default), the largest first.

    Rows are in one group when a chain of links, none longer than the threshold, joins them, or when
    they have the same text. Raises InvalidInput for a threshold above the scan's ceiling.
    """
    most = found.default_threshold if threshold is None else threshold
    if not 0 <= most <= found.ceiling:
        raise InvalidInput(
            f"The threshold is {most!r}, but rows were compared up to {found.ceiling:.4g}.",
            "Compare them anew for a larger one.",
        )
    count = len(found.ids)
    near = found.distance <= most
    copies = np.flatnonzero(found.same_text != np.arange(count))
    left = np.concatenate((found.left[near], found.same_text[copies]))
    right = np.concatenate((found.right[near], copies))
    label = labels(count, left, right)
    longest = np.zeros(count)
    np.maximum.at(longest, label[found.left[near]], found.distance[near])
    sizes = np.bincount(label, minlength=count)
    firsts = np.flatnonzero(sizes > 1)
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], firsts)
    made = []
    for first, start in zip(firsts, starts, strict=True):
        members = order[start : start + sizes[first]]
        texts = Counter(found.same_text[members].tolist())
        made.append(
            DuplicateGroup(
                ids=tuple(found.ids[place] for place in members),
                longest_link=float(longest[first]),
                same_text=sum(n for n in texts.values() if n > 1),
            )
        )
    return tuple(sorted(made, key=lambda group: (-len(group.ids), group.longest_link)))


def spreads(
    db: Database, collection: Collection, some: Sequence[DuplicateGroup]
) -> list[float | None]:
    """Return the largest distance between any two rows of each group; None where not measured.

    That is so for groups of more than SPREAD_ROWS rows, and where fewer than two have a vector.
    """
    small = [n for n, group in enumerate(some) if len(group.ids) <= SPREAD_ROWS]
    if not small:
        return [None] * len(some)
    query = duplicate_sql.spreads(
        collection,
        measured_by(collection),
        [row_id for n in small for row_id in some[n].ids],
        [n for n in small for _ in some[n].ids],
    )
    found = dict(db.query(query.statement, query.params))
    return [found.get(n) for n in range(len(some))]


# -- keep one


def plan_keep(
    db: Database,
    collection: Collection,
    some: Sequence[DuplicateGroup],
    keep: Keep,
    *,
    key: str | None = None,
) -> KeepPlan:
    """Choose the row of each group that is kept; nothing is written.

    `key` is the column or metadata key of Keep.NEWEST. Rows that are gone meanwhile are left out.
    Raises InvalidInput for a key that is not there.
    """
    ids = [row_id for group in some for row_id in group.ids]
    query = duplicate_sql.in_order(collection, ids, keep, key)
    seen: dict[str, str] = dict(db.query(query.statement, query.params)) if ids else {}
    places = {row_id: place for place, row_id in enumerate(seen)}
    kept: list[str] = []
    deleted: list[str] = []
    instead: list[str] = []
    for group in some:
        there = sorted((row_id for row_id in group.ids if row_id in places), key=places.__getitem__)
        if len(there) > 1:
            kept.append(there[0])
            deleted += there[1:]
            instead += there[:1] * (len(there) - 1)
    return KeepPlan(
        keep=tuple(kept),
        delete=tuple(deleted),
        instead=tuple(instead),
        seen={row_id: seen[row_id] for row_id in (*kept, *deleted)},
        sql=(
            f"begin;\n{duplicate_sql.lock(collection, [*kept, *deleted]).text()};\n"
            f"{duplicate_sql.delete(collection, deleted).text()};\ncommit;"
        ),
    )


def carry_out(db: Database, collection: Collection, plan: KeepPlan) -> int:
    """Delete what the plan says, in one transaction; return how many rows.

    The rows are locked first. Raises Conflict, and deletes nothing, when one of those to keep or to
    delete is gone or was changed since the plan was made.
    """
    if not plan.delete:
        return 0
    locking = duplicate_sql.lock(collection, [*plan.keep, *plan.delete])
    deleting = duplicate_sql.delete(collection, plan.delete)
    with db.transaction(timeout_ms=0) as connection:
        now = dict(connection.execute(locking.sql, locking.params).fetchall())
        other = [row_id for row_id, digest in plan.seen.items() if now.get(row_id) != digest]
        if other:
            what = "row was" if len(other) == 1 else "rows were"
            raise Conflict(
                f"{len(other):,} {what} changed or deleted since the preview, {other[0]!r} first, "
                "so nothing was deleted.",
                "Look at the groups again.",
            )
        count = connection.execute(deleting.sql, deleting.params).rowcount
        if count != len(plan.delete):
            raise Conflict(
                f"Postgres would delete {count:,} rows instead of {len(plan.delete):,}, so nothing "
                "was deleted.",
                "A trigger or a policy of the table stands in the way.",
            )
    return count


def without(found: DuplicateScan, gone: Iterable[str]) -> DuplicateScan:
    """Return the scan without rows that were deleted; what is told of the others stays.

    A row whose nearest was one of them keeps that distance until rows are compared anew.
    """
    lost = set(gone)
    stays = np.array([row_id not in lost for row_id in found.ids], dtype=bool)
    if stays.all():
        return found
    place = np.cumsum(stays) - 1
    links = stays[found.left] & stays[found.right]
    first: dict[int, int] = {}
    texts = [first.setdefault(int(t), n) for n, t in enumerate(found.same_text[stays])]
    return replace(
        found,
        ids=tuple(row_id for row_id in found.ids if row_id not in lost),
        nearest=found.nearest[stays],
        left=place[found.left[links]],
        right=place[found.right[links]],
        distance=found.distance[links],
        same_text=np.array(texts, dtype=np.int64),
    )


def groups_csv(db: Database, collection: Collection, some: Sequence[DuplicateGroup]) -> bytes:
    """Return the groups as CSV, a line for each row: group, rows, longest_link, same_text, then
    the row itself.
    """
    member = [
        (number, group, row_id) for number, group in enumerate(some, 1) for row_id in group.ids
    ]
    lines: list[dict[str, Any]] = []
    for start in range(0, len(member), _READ_AT_ONCE):
        part = member[start : start + _READ_AT_ONCE]
        there = {row.id: row for row in row_service.get(db, collection, [m[2] for m in part])}
        lines += [
            {
                "group": number,
                "rows": len(group.ids),
                "longest_link": group.longest_link,
                "same_text": group.is_same_text,
                "id": row_id,
                "content": there[row_id].content,
                "metadata": dict(there[row_id].metadata),
                **{f"column_{name}": value for name, value in there[row_id].columns.items()},
            }
            for number, group, row_id in part
            if row_id in there
        ]
    columns = ("group", "rows", "longest_link", "same_text", "id", "content", "metadata")
    return export_rows(lines, "csv", columns=columns)
