"""Why rows are missing though a vector index is used: one cause a function.

Each takes what is known and returns a finding or None; `MISSING` holds them in their order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

from pgvista.model.diagnosis import Cause, Facts, Finding, VectorIndex
from pgvista.model.index import advised_lists
from pgvista.sql import remedies as sql

UNEVEN = 2.0
"""From this imbalance factor on (rows that share a row's list, against an even spread) the lists are
taken for badly trained; k-means on enough rows gives 1.0 to 1.5."""
_MAX_EF_SEARCH = 1000


def endless(facts: Facts) -> Finding | None:
    """No LIMIT, and an index that returns some rows only."""
    index = facts.used
    if facts.ordering.limited or index is None or _iterates(facts, index):
        return None
    bound = (
        f"ef_search rows at most ({_ef_search(facts)})"
        if index.method == "hnsw"
        else "the rows of its visited lists alone"
    )
    return Finding(
        Cause.NO_LIMIT,
        f"There is no LIMIT, and the index {index.name} returns {bound}: the others of about "
        f"{facts.rows:,} are missing, and nothing says so.",
        f"-- either say how many are wanted\n{sql.rewritten(facts.ordering)}\n\n"
        f"-- or have them all\n{sql.set_local({'enable_indexscan': 'off'})}",
    )


def ef_search(facts: Facts) -> Finding | None:
    """LIMIT above ef_search, and no iterative scan."""
    index, limit = facts.used, _asked(facts)
    if index is None or index.method != "hnsw" or limit is None or _iterates(facts, index):
        return None
    ef = _ef_search(facts)
    own = facts.measured.left_out if facts.measured else 0
    if limit + own <= ef or _enough(facts):
        return None
    remedy = (
        {"hnsw.ef_search": str(limit + own)}
        if limit + own <= _MAX_EF_SEARCH
        else {
            "hnsw.iterative_scan": "strict_order",
            "hnsw.max_scan_tuples": str(max(20_000, 4 * limit)),
        }
    )
    return Finding(
        Cause.EF_SEARCH,
        f"{limit:,} rows are asked for{', besides the query itself,' if own else ','} and ef_search is "
        f"{ef}: an HNSW index returns about that many rows, whatever the LIMIT.",
        sql.set_local(remedy),
    )


def filtered(facts: Facts) -> Finding | None:
    """The filter is applied to what the index found, and leaves too few."""
    index, limit = facts.used, _asked(facts)
    if index is None or limit is None or not facts.ordering.conditions or not facts.rows:
        return None
    share = min(1.0, facts.ordering.scan_rows / facts.rows)
    if share > 0.9 or (_enough(facts) is not None and _enough(facts)):
        return None
    method = index.method
    if _iterates(facts, index):
        if _enough(facts) is None:
            return None
        name = "hnsw.max_scan_tuples" if method == "hnsw" else "ivfflat.max_probes"
        most = 100_000 if method == "hnsw" else index.lists
        tried = facts.settings.get(name)
        told = f"{name} ({int(tried):,})" if tried else name
        return Finding(
            Cause.FILTER,
            f"The filter lets about {_per_cent(share)} of the rows through, and the iterative scan gave up "
            f"at {told} before it had found {limit:,} of them.",
            sql.set_local({name: str(max(most, facts.rows))}),
        )
    found = (
        _ef_search(facts) if method == "hnsw" else int(_probes(facts) * facts.rows / index.lists)
    )
    if _enough(facts) is None and found * share >= limit:
        return None
    order = "strict_order" if method == "hnsw" else "relaxed_order"
    measured = facts.measured
    left = f"{measured.got:,}" if measured else f"about {found * share:,.0f}"
    are = "is" if left == "1" else "are"
    return Finding(
        Cause.FILTER,
        f"The filter is applied after the index: it lets about {_per_cent(share)} of the rows through, so "
        f"that of about {found:,} rows found, {left} {are} left, and {limit:,} are asked for.",
        f"-- either let the index go on looking\n"
        f"{sql.set_local({f'{method}.iterative_scan': order})}\n\n"
        f"-- or index those rows alone\n{sql.partial_index(facts.ordering, index, own_row=_own_row(facts))}",
    )


def probes(facts: Facts) -> Finding | None:
    """IVFFlat visits too few lists."""
    index, limit = facts.used, _asked(facts)
    if index is None or index.method != "ivfflat" or limit is None or _iterates(facts, index):
        return None
    visited = _probes(facts)
    expected = visited * facts.rows / index.lists
    if _enough(facts) or (_enough(facts) is None and expected >= limit) or visited >= index.lists:
        return None
    if facts.ordering.conditions and expected >= 2 * limit:
        return None  # the filter is the cause
    few = f"{visited:,} of {index.lists:,} lists {'is visited, which holds' if visited == 1 else 'are visited, which hold'}"
    wanted = math.ceil(2 * limit * index.lists / max(1, facts.rows))
    more = min(index.lists, max(2 * visited, round(index.lists**0.5), wanted))
    return Finding(
        Cause.PROBES,
        f"{few} about {expected:,.0f} of the {facts.rows:,} rows, and {limit:,} are asked for.",
        f"-- either let the index go on looking\n"
        f"{sql.set_local({'ivfflat.iterative_scan': 'relaxed_order'})}\n\n"
        f"-- or visit more lists from the start\n{sql.set_local({'ivfflat.probes': str(more)})}",
    )


def training(facts: Facts) -> Finding | None:
    """IVFFlat's lists were made from too few rows."""
    index = facts.used
    if index is None or index.method != "ivfflat" or facts.list_rows is None or not facts.rows:
        return None
    mean = facts.rows / index.lists
    if index.lists > facts.rows:
        told = f"it has {index.lists:,} lists for {facts.rows:,} rows"
    elif facts.list_rows >= UNEVEN * mean and facts.list_rows >= 50:
        told = (
            f"a row shares its list with {facts.list_rows:,.0f} others, and evenly spread it would "
            f"be {mean:,.0f}"
        )
    else:
        return None
    return Finding(
        Cause.TRAINING,
        f"The lists of {index.name} were made from too few rows: {told}. An IVFFlat index must be "
        "built when the table is filled.",
        sql.rebuilt_with(index, advised_lists(facts.rows)),
    )


def approximate(facts: Facts) -> Finding | None:
    """Not the nearest rows, for no other cause than that too few candidates were looked at."""
    index, measured = facts.used, facts.measured
    if index is None or measured is None or not measured.missed:
        return None
    if measured.got < measured.asked and any(
        cause(facts) is not None for cause in (ef_search, filtered, probes)
    ):
        return None
    verb = "is" if measured.missed == 1 else "are"
    told = f"{measured.missed} of the {measured.asked} nearest rows {verb} missed"
    if measured.enough is None and (held := _held(index)):
        return Finding(
            Cause.APPROXIMATE,
            f"{told}: the index {index.name} holds {held} alone, and orders by these. Take more "
            "candidates from it (oversample), and rank them by the full vectors.",
            _more_candidates(facts),
        )
    name, value = measured.enough or (
        ("hnsw.ef_search", min(_MAX_EF_SEARCH, 2 * _ef_search(facts)))
        if index.method == "hnsw"
        else ("ivfflat.probes", min(index.lists, 2 * _probes(facts)))
    )
    tried = f" With {name.partition('.')[2]} {value:,} all are found." if measured.enough else ""
    return Finding(
        Cause.APPROXIMATE,
        f"{told}: the index is approximate, and looked at too few candidates for this query.{tried}",
        ("" if measured.enough else "-- to try first, and then more\n")
        + sql.set_local({name: str(value)}),
    )


def null_vectors(facts: Facts) -> Finding | None:
    """Rows without a vector."""
    count = (facts.unindexed or (0, 0))[0]
    if not count:
        return None
    rows, them = ("1 row has", "it") if count == 1 else (f"{count:,} rows have", "them")
    return Finding(
        Cause.NULL_VECTORS,
        f"{rows} no vector (NULL): no index holds {them}, and an exact search puts {them} last.",
        "-- to embed anew, or to delete\n"
        + sql.missing_rows(facts.ordering, "null", facts.kind, facts.extension_schema),
    )


def zero_vectors(facts: Facts) -> Finding | None:
    """Zero vectors under cosine."""
    count = (facts.unindexed or (0, 0))[1]
    if not count or facts.ordering.operator != "<=>":
        return None
    rows = "1 row has" if count == 1 else f"{count:,} rows have"
    return Finding(
        Cause.ZERO_VECTORS,
        f"{rows} a vector of zeros, which has no direction: by cosine its distance is NaN, and no "
        "index holds it.",
        "-- to embed anew, or to delete\n"
        + sql.missing_rows(facts.ordering, "zero", facts.kind, facts.extension_schema),
    )


MISSING: tuple[Callable[[Facts], Finding | None], ...] = (
    endless,
    ef_search,
    filtered,
    probes,
    training,
    approximate,
    null_vectors,
    zero_vectors,
)


# -- what they share


def _asked(facts: Facts) -> int | None:
    return facts.measured.asked if facts.measured else facts.ordering.limit


def _enough(facts: Facts) -> bool | None:
    """Return whether as many rows came as were asked for; None where it was not run."""
    found = facts.measured
    return None if found is None else found.got >= found.asked


def _ef_search(facts: Facts) -> int:
    return int(facts.setting("hnsw.ef_search", "40"))


def _held(index: VectorIndex) -> str:
    """Return what an index holds instead of the full vectors; empty where it holds them."""
    expression = index.expression or ""
    if "binary_quantize" in expression:
        return "the signs of the numbers"
    return "the leading dimensions" if "subvector" in expression else ""


def _more_candidates(facts: Facts) -> str:
    """Return the statement that re-ranks more candidates; empty where the full order is not known."""
    order, asked = facts.ordering, _asked(facts) or 10
    if order.full is None:
        return ""
    candidates = sql.CANDIDATES * max(asked, order.limit or asked)
    own = facts.measured.left_out if facts.measured else 0
    ef = min(_MAX_EF_SEARCH, candidates + own)
    settings = {"hnsw.ef_search": str(ef)} if ef > _ef_search(facts) else {}
    operator, value = order.full
    full = replace(order, operator=operator, value=value)
    statement = sql.re_ranked(
        full, order.operand, order.operator, order.value, candidates=candidates, limit=asked
    )
    return "\n".join(part for part in (sql.set_local(settings), statement) if part)


def _own_row(facts: Facts) -> bool:
    """Tell whether the statement leaves the row out that is the query."""
    return facts.measured is not None and facts.measured.left_out > 0


def _per_cent(share: float) -> str:
    return f"{share * 100:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _probes(facts: Facts) -> int:
    return int(facts.setting("ivfflat.probes", "1"))


def _iterates(facts: Facts, index: VectorIndex) -> bool:
    return facts.setting(f"{index.method}.iterative_scan", "off") != "off"


def short(text: str) -> str:
    """Return an expression as a sentence has it: vectors as ``[…]``, cut where it is still long."""
    text = re.sub(r"'\[[^\]']{12,}\]'(?:::[\w.]+(?:\(\d+\))?)?", "'[…]'", text)
    text = re.sub(r"'(-?\d+(?:\.\d+)?)'::double precision", r"\1", text)
    return text if len(text) <= 90 else f"{text[:60]}…{text[-24:]}"
