"""Why a vector index was not used: one cause a function.

Each takes what is known and returns a finding or None; `UNUSED` holds them in their order.
"""

from __future__ import annotations

from collections.abc import Callable

from pgvista.model.diagnosis import Cause, Facts, Finding, VectorIndex
from pgvista.services.causes_missing import null_vectors, short, zero_vectors
from pgvista.services.ordering import is_same_expression
from pgvista.sql import remedies as sql
from pgvista.sql.diagnosis import as_indexed, with_alias

_METRICS = {
    "<=>": "cosine",
    "<->": "L2",
    "<#>": "inner product",
    "<+>": "L1",
    "<~>": "Hamming",
    "<%>": "Jaccard",
}
_ON_BITS = {"<~>", "<%>"}
_ALIKE = {"<=>", "<->", "<#>"}
"""They order vectors of length 1 alike."""


# -- why no index is used: the form of the statement


def computed_order(facts: Facts) -> Finding | None:
    """``order by 1 - (embedding <=> q) desc``, or by a function such as cosine_distance."""
    order = facts.ordering
    if order.computed is None:
        return None
    return Finding(
        Cause.COMPUTED_ORDER,
        f"The rows are ordered by {short(order.computed)}, which is computed for every row: an "
        f"index serves the bare operator {order.operator} alone, ascending.",
        "-- the nearest first; what is computed from the distance belongs into the select list\n"
        + sql.rewritten(order),
    )


def descending(facts: Facts) -> Finding | None:
    """``order by embedding <=> q desc``."""
    order = facts.ordering
    if order.computed is not None or not order.descending:
        return None
    remedy = sql.rewritten(order)
    if farthest := sql.opposite(order):
        remedy = (
            f"-- either the nearest rows\n{remedy}\n\n"
            f"-- or the farthest: those nearest to the opposite vector\n{farthest}"
        )
    return Finding(
        Cause.DESCENDING,
        "The order is descending, so the farthest rows come first: an index leads from the nearest "
        "row outwards, and serves ascending order alone.",
        remedy,
    )


def joined_vector(facts: Facts) -> Finding | None:
    """``from t, q order by t.embedding <=> q.embedding``."""
    other = facts.ordering.other
    if other is None:
        return None
    several = "-- for one query vector; for several, join them lateral to this\n"
    return Finding(
        Cause.JOINED_VECTOR,
        "The query vector is a column of a join, so it is not known before the scan begins: an "
        "index needs one value, which a subselect gives.",
        (several if other.scan_rows > 1 else "") + sql.subselected(facts.ordering),
    )


def no_limit(facts: Facts) -> Finding | None:
    """No LIMIT above the order."""
    if facts.ordering.limited or facts.ordering.computed or facts.ordering.descending:
        return None
    return Finding(
        Cause.NO_LIMIT,
        "There is no LIMIT, so all rows are asked for in order: sorting them is cheaper than to "
        "walk an index, which would return a part of them only.",
        sql.rewritten(facts.ordering),
    )


# -- why no index is used: the indexes


def no_index(facts: Facts) -> Finding | None:
    """The column has no vector index."""
    if facts.indexes or facts.dropped:
        return None
    order = facts.ordering
    few = f" With {facts.rows:,} rows that is quick, and exact." if 0 < facts.rows < 10_000 else ""
    return Finding(
        Cause.NO_INDEX,
        f"The column {order.column} of {order.relation} has no vector index, so every row is "
        f"compared.{few}",
        _create(facts),
    )


def dropped(facts: Facts) -> Finding | None:
    """The index was there before, and is not any more."""
    if not facts.dropped or any(_serves(facts, index) for index in facts.indexes):
        return None
    gone = facts.dropped[0]
    return Finding(
        Cause.DROPPED,
        f"The index {gone.name} was dropped meanwhile, so every row is compared.",
        sql.built_again(gone),
    )


def invalid(facts: Facts) -> Finding | None:
    """A build was cut off and left an index that is never used."""
    found = next((i for i in _matching(facts) if not i.valid), None)
    if found is None or any(_serves(facts, index) for index in facts.indexes):
        return None
    return Finding(
        Cause.INVALID,
        f"The index {found.name} is invalid, and Postgres never reads from it: its build was cut "
        "off, or is still under way, as the page Indexes shows.",
        sql.reindex(found),
    )


def other_operator(facts: Facts) -> Finding | None:
    """The operator belongs to another operator class."""
    order = facts.ordering
    valid = [index for index in facts.indexes if index.valid]
    others = [index for index in valid if order.operator not in index.operators]
    if len(others) < len(valid) or not others or _matching(facts):
        return None
    index = next((item for item in others if item.column is not None), others[0])
    served = index.operators[0] if index.operators else ""
    remedy = f"-- either an index for {order.operator}\n{_create(facts)}"
    if served in _METRICS:
        remedy += f"\n\n-- or the operator of the index{_compared(order.operator, served)}\n"
        if served in _ON_BITS and order.operator not in _ON_BITS:
            remedy += _re_ranked(facts, index, served)
        else:
            remedy += _as_indexed(facts, index, served)
    return Finding(
        Cause.OTHER_OPERATOR,
        f"The order uses {order.operator} ({_METRICS[order.operator]}), and the index {index.name} "
        f"was built with {index.opclass}, which serves {served} ({_METRICS.get(served, served)}).",
        remedy,
    )


def other_expression(facts: Facts) -> Finding | None:
    """The index is on a cast of the column and the order is not, or the other way round."""
    order = facts.ordering
    if _matching(facts) or (order.computed is not None and "(" in order.operand[:1]):
        return None
    found = next((i for i in facts.indexes if i.valid and order.operator in i.operators), None)
    if found is None:
        return None
    return Finding(
        Cause.OTHER_EXPRESSION,
        f"The index {found.name} is on {found.indexed}, and the order is by "
        f"{_bare(order.operand, order.alias)}: an index serves the expression it was built on.",
        _as_indexed(facts, found, order.operator),
    )


def partial_index(facts: Facts) -> Finding | None:
    """The index holds some rows only, and the statement does not say that it wants those."""
    if facts.forced is not None and facts.forced.index is not None:
        return None
    found = next((i for i in _matching(facts) if i.valid and i.predicate), None)
    if found is None or facts.ordering.computed or facts.ordering.descending:
        return None
    return Finding(
        Cause.PARTIAL_INDEX,
        f"The index {found.name} holds only rows with "
        f"{short(sql.without_parentheses(found.predicate or ''))}, and the statement does not ask for "
        "these alone.",
        f"-- either ask for these rows\n"
        f"{sql.rewritten(facts.ordering, condition=found.predicate or '')}\n\n"
        f"-- or index all of them\n{_create(facts)}",
    )


def switched_off(facts: Facts) -> Finding | None:
    """A planner's setting forbids index scans."""
    if facts.settings.get("enable_indexscan") != "off":
        return None
    return Finding(
        Cause.SWITCHED_OFF,
        "enable_indexscan is off, so that no index is read in order: every row is compared, and the "
        "answer is exact.",
        sql.set_local({"enable_indexscan": "on"}),
    )


def planner(facts: Facts) -> Finding | None:
    """The index would serve, and the planner took what it thought cheaper."""
    order, forced = facts.ordering, facts.forced
    if forced is None or forced.index is None or facts.settings.get("enable_indexscan") == "off":
        return None
    why = ""
    if order.scan.startswith(("Index Scan", "Bitmap", "Index Only")):
        why = " The filter leaves few rows: comparing all of those is quick, and exact."
    elif facts.rows < 10_000:
        why = " The table is small: comparing every row is quick, and exact."
    return Finding(
        Cause.PLANNER,
        f"The index {forced.index} would serve this order, and the planner took {order.scan} "
        f"instead: it estimates its cost at {order.cost:,.0f}, against {forced.cost:,.0f} with the "
        f"index.{why}",
        f"-- if the index is faster in truth: better estimates\n{sql.analyze(order)}\n\n"
        "-- to compare both: keep the planner from its choice in one transaction\n"
        + sql.set_local(
            {"enable_seqscan": "off", "enable_sort": "off", "enable_bitmapscan": "off"}
        ),
    )


UNUSED: tuple[Callable[[Facts], Finding | None], ...] = (
    computed_order,
    descending,
    joined_vector,
    no_limit,
    switched_off,
    dropped,
    no_index,
    invalid,
    other_operator,
    other_expression,
    partial_index,
    planner,
    null_vectors,
    zero_vectors,
)


# -- what they share


def _matching(facts: Facts) -> list[VectorIndex]:
    """Return the indexes of this operator on this expression, valid or not."""
    order = facts.ordering
    return [
        index
        for index in facts.indexes
        if order.operator in index.operators
        and is_same_expression(order.operand, order.alias, index.indexed)
    ]


def _serves(facts: Facts, index: VectorIndex) -> bool:
    return index.valid and index in _matching(facts)


def _create(facts: Facts) -> str:
    return sql.create_index(facts.ordering, facts.kind, facts.extension_schema)


def _as_indexed(facts: Facts, index: VectorIndex, operator: str) -> str:
    """Return the statement ordered by the very expression that an index was built on."""
    order = facts.ordering
    return sql.rewritten(
        order,
        operator=operator,
        operand=with_alias(index.indexed, order.alias, order.column or ""),
        value=as_indexed(index.indexed, order.value),
    )


def _re_ranked(facts: Facts, index: VectorIndex, operator: str) -> str:
    """Return the statement whose candidates come from an index on bits."""
    order = facts.ordering
    limit = order.limit or 10
    return sql.re_ranked(
        order,
        with_alias(index.indexed, order.alias, order.column or ""),
        operator,
        as_indexed(index.indexed, order.value),
        candidates=sql.CANDIDATES * limit,
        limit=limit,
    )


def _compared(operator: str, other: str) -> str:
    """Return what the two orders have to do with each other, for a comment."""
    if other in _ON_BITS and operator not in _ON_BITS:
        return ", re-ranked by the full vectors"
    if {operator, other} <= _ALIKE:
        return ": the same order where all vectors have length 1"
    return ": another order"


def _bare(operand: str, alias: str) -> str:
    return operand.replace(f"{alias}.", "")
