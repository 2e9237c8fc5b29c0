"""Checks of filters, words, measured recall, and of the rows themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection, IndexInfo, RelationKind
from pgvista.model.filters import split_key
from pgvista.model.index import FieldIndexSpec
from pgvista.model.metric import Metric
from pgvista.model.production import Area, Check, Facts, Goal, Status
from pgvista.sql import index as index_sql
from pgvista.sql import production as sql

FEW_ROWS = 10_000
"""Filters and words of so few rows are looked up fast enough without an index."""
DEAD_SHARE = 0.2
FEWEST_DEAD = 1_000
CHANGED_SHARE = 0.2
ROWS_SHARE = 0.2
"""A sweep counts while the rows are no more than so much more or fewer than they were."""


def filters(facts: Facts, goal: Goal) -> Check | None:
    """Whether the columns that searches filter by have an index."""
    collection = facts.stats.collection
    if goal.filter_keys is None:
        wanted = [column.name for column in collection.columns]
    else:
        named = {split_key(key)[0] for key in goal.filter_keys}
        wanted = [column.name for column in collection.columns if column.name in named]
    if not wanted or _is_view(facts):
        return None
    missing = [name for name in wanted if not _led_by(facts, name)]
    return _indexed(facts, "filters", "Filter columns", missing, f"{len(wanted):,} columns", wanted)


def metadata(facts: Facts, goal: Goal) -> Check | None:
    """Whether metadata has a GIN index, which filters on its keys use."""
    collection = facts.stats.collection
    name = collection.roles.metadata
    if name is None or _is_view(facts):
        return None
    own = {column.name for column in collection.columns}
    if goal.filter_keys is not None and all(split_key(k)[0] in own for k in goal.filter_keys):
        return None
    return _indexed(facts, "metadata_gin", "Metadata", _missing_gin(facts, name), name, [name])


def words(facts: Facts, goal: Goal) -> Check | None:
    """Whether the words have a GIN index."""
    roles = facts.stats.collection.roles
    name = roles.fts or roles.content
    if name is None or _is_view(facts):
        return None
    return _indexed(facts, "text_gin", "Words", _missing_gin(facts, name), name, [name])


def bm25(facts: Facts, goal: Goal) -> Check | None:
    """Whether BM25's statistics are there and in step with the rows."""
    collection = facts.stats.collection
    if collection.roles.content is None and collection.roles.fts is None:
        return None
    found = facts.words
    if found.state == "none":
        readable = "" if collection.roles.id else " It has no key, which they need."
        return _check(
            "bm25", "BM25", Status.WARNING,
            "There are no statistics for BM25, so words are ranked without knowing how rare they "
            f"are.{readable}",
            page="Collections",
        )  # fmt: skip
    status = {"in step": Status.OK, "stale": Status.TODO}.get(found.state, Status.UNKNOWN)
    told = {"in step": "In step: ", "stale": "Out of step: "}.get(found.state, "")
    return _check(
        "bm25", "BM25", status, f"{told}{found.reason}",
        page=None if status is Status.OK else "Collections",
    )  # fmt: skip


def recall(facts: Facts, goal: Goal) -> Check:
    """Whether recall was measured lately, on about as many rows, and is enough."""
    found = facts.recall
    if facts.serving is None and facts.scan_ms is not None and facts.scan_ms <= goal.scan_ms:
        return _check(
            "recall", "Recall", Status.OK, "Every row is compared, so recall is 1 by definition."
        )
    if not facts.recall_known:
        return _check(
            "recall", "Recall", Status.UNKNOWN, "The sweeps that were kept could not be read.",
            page="Sweep",
        )  # fmt: skip
    if found is None:
        return _check(
            "recall", "Recall", Status.TODO,
            "Recall was never measured here, or the sweep was not kept.", page="Sweep",
        )  # fmt: skip
    days = (facts.now - found.finished_at).days
    when = "today" if days == 0 else f"{days:,} {'day' if days == 1 else 'days'} ago"
    told = f"Measured {when} on {found.rows:,} rows"
    grown = abs(facts.stats.rows - found.rows) > ROWS_SHARE * max(1, found.rows)
    if days > goal.recall_days or grown:
        more = f"; there are {facts.stats.rows:,} now" if grown else ""
        return _check(
            "recall", "Recall", Status.TODO, f"{told}{more}: measure it again.", page="Sweep"
        )
    if math.isnan(found.best):
        return _check(
            "recall", "Recall", Status.TODO, f"{told}, but no index was among it.", page="Sweep"
        )
    best = f"{told}: at best {found.best:.3f}, and {goal.recall:g} is wanted"
    if found.best < goal.recall:
        return _check("recall", "Recall", Status.TODO, f"{best}.", page="Sweep")
    return _check("recall", "Recall", Status.OK, f"{best}. Cheapest: {found.settings}.")


# -- rows


def unembedded(facts: Facts, goal: Goal) -> Check:
    """Whether rows lack a vector."""
    count, rows = facts.null_vectors, facts.stats.rows
    if rows == 0:
        return _rows("unembedded", "Rows with a vector", Status.WARNING, "There are no rows yet.")
    if count is None:
        return _rows(
            "unembedded", "Rows with a vector", Status.UNKNOWN, "They were not counted in 10 s."
        )
    if not count:
        return _rows(
            "unembedded", "Rows with a vector", Status.OK, f"All {rows:,} rows have a vector."
        )
    return _rows(
        "unembedded", "Rows with a vector", Status.TODO,
        f"{count:,} of {rows:,} rows have none, and are found by words alone.",
        sql=sql.list_nulls(facts.stats.collection), page="Browse",
    )  # fmt: skip


def zeros(facts: Facts, goal: Goal) -> Check | None:
    """Whether there are zero vectors, which cosine cannot find."""
    if facts.stats.collection.metric is not Metric.COSINE or facts.zero_vectors is None:
        return None
    if not facts.zero_vectors:
        return _rows("zero_vectors", "Zero vectors", Status.OK, "There are none.")
    return _rows(
        "zero_vectors", "Zero vectors", Status.TODO,
        f"{facts.zero_vectors:,} rows have a vector of zeros: by cosine it has no direction, is in no "
        "index, and is never found. Embed them anew, or set them to NULL.",
        sql=sql.list_zeros(facts.stats.collection),
    )  # fmt: skip


def vacuumed(facts: Facts, goal: Goal) -> Check | None:
    """Whether dead rows take up room in table and indexes."""
    found, collection = facts.relation, facts.stats.collection
    if _is_view(facts):
        return None
    if found.dead_rows is None or found.live_rows is None:
        return _rows("vacuum", "Dead rows", Status.UNKNOWN, "The server keeps no statistics of it.")
    told = f"{found.dead_rows:,} dead beside {found.live_rows:,} live rows"
    when = _ago(facts, found.vacuumed)
    if found.dead_rows > max(FEWEST_DEAD, DEAD_SHARE * found.live_rows):
        return _rows(
            "vacuum", "Dead rows", Status.TODO,
            f"{told}, {when or 'never vacuumed'}: searches walk over them in the index.",
            sql=sql.vacuum(collection),
        )  # fmt: skip
    return _rows("vacuum", "Dead rows", Status.OK, f"{told}{f', vacuumed {when}' if when else ''}.")


def analyzed(facts: Facts, goal: Goal) -> Check | None:
    """Whether the planner knows the table as it is."""
    found, rows = facts.relation, facts.stats.rows
    if _is_view(facts) or (found.changed_rows is None and found.analyzed is None):
        return None
    changed = found.changed_rows or 0
    when = _ago(facts, found.analyzed)
    if when is None and rows == 0:
        return _rows("analyze", "Planner statistics", Status.OK, "There are no rows to know.")
    if when is None or changed > max(FEWEST_DEAD, CHANGED_SHARE * rows):
        return _rows(
            "analyze", "Planner statistics", Status.TODO,
            f"{changed:,} rows were written since the last ANALYZE, {when}."
            if when else "The table was never analysed, so Postgres guesses its plans.",
            sql=sql.analyze(facts.stats.collection),
        )  # fmt: skip
    return _rows(
        "analyze", "Planner statistics", Status.OK,
        f"Analysed {when}; {changed:,} rows were written since.",
    )  # fmt: skip


# -- parts


def _indexed(
    facts: Facts, key: str, title: str, missing: list[str], what: str, wanted: list[str]
) -> Check:
    rows = facts.stats.rows
    if not missing:
        names = ", ".join(index.name for name in wanted for index in _of(facts, name)[:1])
        return _check(key, title, Status.OK, f"Indexed by {names}.")
    few = rows <= FEW_ROWS
    return _check(
        key, title, Status.WARNING if few else Status.TODO,
        f"Without an index: {', '.join(missing)}. "
        + (f"For {rows:,} rows that does no harm yet." if few
           else f"Each search reads all {rows:,} rows for it."),
        sql="\n".join(_field_index(facts.stats.collection, name) for name in missing) or None,
        page="Indexes",
    )  # fmt: skip


def _field_index(collection: Collection, name: str) -> str:
    try:
        return f"{index_sql.create_field(collection, FieldIndexSpec(name))[1].text()};"
    except InvalidInput as error:
        return f"-- {error.message}"


def _missing_gin(facts: Facts, name: str) -> list[str]:
    return [] if _of(facts, name, "gin") else [name]


def _led_by(facts: Facts, name: str) -> bool:
    return bool(_of(facts, name))


def _of(facts: Facts, name: str, method: str | None = None) -> list[IndexInfo]:
    """Return the ready indexes over all rows that begin with a column, or with an expression on it."""
    return [
        index
        for index in facts.stats.indexes
        if index.valid and index.predicate is None and index.method not in ("hnsw", "ivfflat")
        and method in (None, index.method)
        and (index.columns[0] == name or (not index.columns[0] and _mentions(index, name)))
    ]  # fmt: skip


def _mentions(index: IndexInfo, name: str) -> bool:
    """Tell whether an index on an expression is on one of this column."""
    indexed = index.definition.partition(" USING ")[2].partition(" WHERE ")[0]
    quoted = '"' + name.replace('"', '""') + '"'
    return any(word == name for word in _words_of(indexed)) or quoted in indexed


def _words_of(text: str) -> Iterator[str]:
    word = ""
    for char in f"{text} ":
        if char.isalnum() or char == "_":
            word += char
        elif word:
            yield word
            word = ""


def _is_view(facts: Facts) -> bool:
    return facts.stats.collection.kind in (RelationKind.VIEW, RelationKind.FOREIGN)


def _ago(facts: Facts, moment: datetime | None) -> str | None:
    if moment is None:
        return None
    minutes = max(0.0, (facts.now - moment).total_seconds() / 60)
    if minutes < 60:
        return f"{minutes:.0f} min ago"
    return f"{minutes / 60:.0f} h ago" if minutes < 48 * 60 else f"{minutes / 1440:,.0f} days ago"


def _check(
    key: str, title: str, status: Status, sentence: str, *, sql: str | None = None,
    page: str | None = None,
) -> Check:  # fmt: skip
    return Check(key, Area.SEARCH, title, status, sentence, sql, page)


def _rows(
    key: str, title: str, status: Status, sentence: str, *, sql: str | None = None,
    page: str | None = None,
) -> Check:  # fmt: skip
    return Check(key, Area.ROWS, title, status, sentence, sql, page)


CHECKS = (filters, metadata, words, bm25, recall, unembedded, zeros, vacuumed, analyzed)
