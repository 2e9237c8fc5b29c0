"""The ledger of a hybrid search: each hit's sum in figures, and a table of all candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import partial

import numpy as np
import streamlit as st

from pgvista.io.export import export_rows
from pgvista.model.collection import Collection
from pgvista.model.search import CandidateLists, Fusion, Mode, SearchRequest, SearchResult
from pgvista.science.fusion import Fused, spread
from pgvista.services.bm25 import fit
from pgvista.services.fusion import LedgerRow, fuse_lists, ledger, ledger_frame
from pgvista.ui.components.hits import Sum
from pgvista.ui.search_names import FUSION, RANK
from pgvista.ui.theme import palette


@dataclass(frozen=True, slots=True)
class Ledger:
    """All candidates of a search, and how their scores came about."""

    request: SearchRequest
    lists: CandidateLists
    fused: Fused
    asked: str
    """What was asked of each list, and got."""
    _figures: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def order(self) -> dict[str, int]:
        """Place of each candidate, from 1."""
        return {row_id: place for place, row_id in enumerate(self.fused.ids, 1)}

    def rows(
        self, before: Mapping[str, int] | None = None, *, most: int | None = None
    ) -> tuple[LedgerRow, ...]:
        """Return the candidates, best first; `before` tells former places by id."""
        return ledger(self.fused, self.lists, before, most=most)

    def sums(self, count: int) -> dict[str, Sum]:
        """Return how the scores of the first `count` candidates came about, by id."""
        rank = RANK[self.request.keyword_rank]
        floors = [self._missing(name) for name in ("semantic", "keyword")]
        rows = self.rows(most=count)
        best = max((row.score - sum(floors) for row in rows), default=0.0) or 1.0
        found = {}
        for row in rows:
            semantic = "" if row.distance is None else f"distance {row.distance:.3f}"
            keyword = "" if row.keyword_score is None else f"{rank} {figure(row.keyword_score)}"
            found[row.id] = Sum(
                raw=(semantic, keyword),
                terms=(row.semantic_term, row.keyword_term),
                shares=(
                    max(0.0, row.semantic_term - floors[0]) / best,
                    max(0.0, row.keyword_term - floors[1]) / best,
                ),
                how=(
                    self._how("semantic", row.semantic_rank, row.distance, row.semantic_term),
                    self._how("keyword", row.keyword_rank, row.keyword_score, row.keyword_term),
                ),
                tied=row.tied,
            )
        return found

    def _weight(self, name: str) -> float:
        semantic = name == "semantic"
        return self.request.semantic_weight if semantic else self.request.keyword_weight

    def _missing(self, name: str) -> float:
        """Return what a list adds for a row that is not in it."""
        figures = self._figures.get(name)
        if self.request.fusion is not Fusion.Z_SCORE or figures is None:
            return 0.0
        lowest, _, mean, deviation = figures
        return self._weight(name) * ((lowest - mean) / deviation if deviation else -1.0)

    def _how(self, name: str, rank: int | None, raw: float | None, term: float) -> str:
        """Return a term as a sum that can be checked: ``1 / (60 + 3) = 0.0159``."""
        method, result = self.request.fusion, f"= {term:.4f}"
        if rank is None or raw is None:
            if method is Fusion.Z_SCORE and term:
                return f"not in the list; counts as its last place does: {result[2:]}"
            return "not in the list; adds nothing"
        weight = f"{self._weight(name):g}"
        if method.has_k:
            full = self.lists.covering if method is Fusion.COVERAGE else None
            if name == "keyword" and full is not None and raw < full:
                weight += f" × ({figure(raw)} / {figure(full)})²"
            return f"{weight} / ({self.request.rrf_k:g} + {rank}) {result}"
        lowest, highest, mean, deviation = self._figures[name]
        score = -raw if name == "semantic" else raw
        if lowest == highest:
            return f"{weight} × {'0' if not term else f'{term / self._weight(name):g}'} {result}; all scores of the list are equal"
        low, high = lowest, highest
        if method is Fusion.Z_SCORE:
            return f"{weight} × ({figure(score)} − mean {figure(mean)}) / sd {figure(deviation)} {result}"
        if method is Fusion.DISTRIBUTION:
            low, high = mean - 3 * deviation, mean + 3 * deviation
        return (
            f"{weight} × ({figure(score)} − {figure(low)}) / ({figure(high)} − {figure(low)}) "
            f"{result}"
        )


def figure(value: float) -> str:
    """Return a raw score in three or four figures: ``12.3``, ``0.0608``; minus as a dash."""
    text = f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
    return text.replace("-", "−")


def make_ledger(
    collection: Collection, request: SearchRequest, result: SearchResult
) -> Ledger | None:
    """Return the ledger of a hybrid search; None where its lists are not known, or not usable."""
    if result.lists is None or request.mode is not Mode.HYBRID:
        return None
    request, _ = fit(collection, request)
    try:
        fused = fuse_lists(request, result.lists)
    except ValueError:
        return None  # an id stands in a list twice: Postgres fused each of them
    figures = {}
    for name, values in (
        ("semantic", [-distance for _, distance in result.lists.semantic]),
        ("keyword", [score for _, score in result.lists.keyword]),
    ):
        if values:
            figures[name] = (min(values), max(values), *spread(np.array(values)))
    depth = request.list_depth
    asked = " · ".join(
        f"{name}: {depth:,} asked, {len(found):,} got"
        for name, found in (("semantic", result.lists.semantic), ("keyword", result.lists.keyword))
    )
    return Ledger(request, result.lists, fused, asked, figures)


def wants_ledger() -> bool:
    """Whether the ledger is chosen: it is shown across the page, above the hits."""
    return bool(st.session_state.get("search_explain") == "Ledger")


def show_ledger(
    collection: Collection, found: Ledger, before: Mapping[str, int] | None, since: str
) -> None:
    """Draw all candidates as a table, with a file to take along."""
    rows = found.rows(before)
    frame = ledger_frame(rows)
    full = found.lists.covering if found.request.fusion is Fusion.COVERAGE else None
    if full is not None:
        frame["coverage"] = (frame["keyword_score"] / full).clip(upper=1.0) ** 2
    colours, request = palette(), found.request
    rank = RANK[request.keyword_rank]
    with st.container(border=True, key="search_ledger", gap="small"):
        line = st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        )
        line.markdown(
            f"**Ledger** :gray[{len(frame):,} candidates · {FUSION[request.fusion]}]",
            width="content",
        )
        line.download_button(
            "CSV",
            data=partial(_csv, rows),
            file_name=f"{collection.table}-ledger.csv",
            key="search_ledger_csv",
            on_click="ignore",
            help="All candidates with all figures",
        )
        number = st.column_config.NumberColumn
        bars = {
            f"{name}_term": st.column_config.ProgressColumn(
                name,
                format="%.4f",
                min_value=min(0.0, float(frame[f"{name}_term"].min())) if len(frame) else 0.0,
                max_value=_most(frame[f"{name}_term"].max()) if len(frame) else 1.0,
                color=colour,
                width=74,
                help=f"What the {name} list adds to the sum",
            )
            for name, colour in (("semantic", colours.semantic), ("keyword", colours.keyword))
        }
        st.dataframe(
            frame,
            key="search_ledger_table",
            hide_index=True,
            placeholder="–",
            height=min(38 + 35 * max(1, len(frame)), 388),
            column_order=[
                "place",
                *(["place_before"] if before else []),
                *(["tied"] if frame["tied"].any() else []),
                "id",
                "semantic_rank",
                "distance",
                "keyword_rank",
                "keyword_score",
                *(["coverage"] if full is not None else []),
                "semantic_term",
                "keyword_term",
                "score",
            ],
            column_config={
                "place": number("#", width=34, help="Place in the result"),
                "place_before": number("before", width=50, help=f"Place with {since}"),
                "id": st.column_config.TextColumn("id", width=54),
                "semantic_rank": number("sem. #", width=54, help="Rank by meaning"),
                "distance": number("dist.", format="%.3f", width=50, help="Distance to the query"),
                "keyword_rank": number("key. #", width=54, help="Rank by words"),
                "keyword_score": number(rank, format="%.2f", width=50),
                **bars,
                "score": number("sum", format="%.4f", width=56),
                "tied": number(
                    "tied",
                    width=44,
                    help="Others with the same sum; the nearer by meaning stands first",
                ),
                "coverage": number(
                    "covers",
                    format="%.2f",
                    width=50,
                    help="How much of the query the row covers by words: (its score / that of a row "
                    "that covers the query in full)², at most 1. Its part weight / (k + #) of the "
                    "keyword list counts times this.",
                ),
            },
        )


def _most(value: float) -> float:
    return float(value) if value > 0 else 1.0


def _csv(rows: Sequence[LedgerRow]) -> bytes:
    return export_rows(
        [asdict(row) for row in rows], "csv", columns=tuple(item.name for item in fields(LedgerRow))
    )
