"""A grid of fusions, weights and rankings on judged queries, and whether to change anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.errors import InvalidInput, QueryFailed
from pgvista.model.collection import Collection
from pgvista.model.evaluation import (
    EVALUATION_DEPTH,
    EvaluationQuery,
    PairedDifference,
    QuerySet,
)
from pgvista.model.evaluation_grid import (
    Grid,
    GridCell,
    GridSetting,
    GridSpec,
    Words,
)
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.model.search import CandidateLists, Fusion, KeywordRank, Mode, SearchRequest
from pgvista.science.fusion import Fused
from pgvista.science.measures.paired import paired_difference
from pgvista.science.measures.relevance import RelevanceScorer, mean, parse_measure
from pgvista.services.bm25 import fit
from pgvista.services.evaluate import (
    Counted,
    QueryVectors,
    Vector,
    askable,
    template,
    unknown_documents,
    unknown_note,
)
from pgvista.services.fusion import fuse_lists
from pgvista.services.grid_decision import decide, how_far
from pgvista.services.search import search
from pgvista.sql import judgments as judgment_sql

_IDS_AT_ONCE = 20_000
_NO_LISTS = CandidateLists((), ())

Rankings = dict[str, list[str]]
"""Document ids, best first, by query id."""
Lists = dict[Words, list[CandidateLists]]
"""The two lists of each query, in the order of the queries, by how the keyword list is made."""


def evaluate_grid(
    db: Database,
    collection: Collection,
    query_set: QuerySet,
    present: SearchRequest,
    spec: GridSpec | None = None,
    *,
    reporter: Reporter | None = None,
    embedder: Embedder | None = None,
) -> Grid:
    """Try every setting of `spec` and decide whether one should replace `present`.

    Postgres is asked once for each query and ranking: the fusions are made from the lists it
    returns, which have the depth and all other knobs of `present` (a template, see
    `services.evaluate.template`). The best setting is chosen on a random half of the queries and
    compared with `present` on the other half. Raises InvalidInput when no query can be measured
    or the collection has not both lists, Cancelled when `reporter` says so.
    """
    spec = spec or GridSpec()
    reporter = reporter or SilentReporter()
    counted = Counted.of(query_set)
    if len(counted.queries) < 2:
        raise InvalidInput(
            "One query cannot be split into halves.", "Judge documents for more queries."
        )
    present, notes = fit(collection, present)
    words, rank_notes = _words(collection, present, spec)
    hybrid = replace(present, mode=Mode.HYBRID, lists=True, highlight=False)
    hybrid = replace(hybrid, limit=1, depth=present.list_depth)
    tried = [replace(hybrid, keyword_rank=rank, keyword_match=match) for rank, match in words]
    vectors = QueryVectors.embed(db, collection, counted.queries, tried, reporter, embedder)
    lists = {
        (request.keyword_rank, request.keyword_match): found
        for request, found in _fetch(db, collection, counted.queries, tried, vectors, reporter)
    }
    parents = _parents(db, collection, lists)
    trial = _Trial(counted, lists, parents, spec, present)
    cells = trial.run(reporter)
    missing = unknown_documents(db, collection, query_set.judgments)
    told = (*notes, *rank_notes, *query_set.notes, *counted.notes())
    return trial.decide(cells, (*told, *unknown_note(collection, query_set, missing)))


def _words(
    collection: Collection, present: SearchRequest, spec: GridSpec
) -> tuple[list[Words], list[str]]:
    """Return the keyword lists that can be had, and a sentence about those that cannot."""
    words, notes = [], []
    for rank, match in dict.fromkeys((*spec.words, (present.keyword_rank, present.keyword_match))):
        asked = template(keyword_rank=rank, keyword_match=match, text_config=present.text_config)
        fitted, why = fit(collection, asked)
        if (fitted.keyword_rank, fitted.keyword_match) == (rank, match):
            words.append((rank, match))
        elif rank is KeywordRank.BM25 and match is spec.matches[0]:
            notes += [f"BM25 was not tried. {sentence}" for sentence in why]
    return words, notes


def _fetch(
    db: Database,
    collection: Collection,
    queries: Sequence[EvaluationQuery],
    requests: Sequence[SearchRequest],
    vectors: QueryVectors,
    reporter: Reporter,
) -> Iterator[tuple[SearchRequest, list[CandidateLists]]]:
    """Ask each query once for each ranking; one that cannot be asked has empty lists."""
    total = len(queries) * len(requests)
    for number, request in enumerate(requests):
        found = []
        for place, query in enumerate(queries, 1):
            reporter.check()
            found.append(_ask(db, collection, request, query, vectors.of(query, request)))
            done = number * len(queries) + place
            reporter.report(Progress(done, total, "searching", "searches"))
        yield request, found


def _ask(
    db: Database,
    collection: Collection,
    request: SearchRequest,
    query: EvaluationQuery,
    vector: Vector | None,
) -> CandidateLists:
    if not askable(query.text):
        return _NO_LISTS
    try:
        result = search(db, collection, replace(request, text=query.text, vector=vector))
    except (InvalidInput, QueryFailed):
        return _NO_LISTS
    return result.lists or _NO_LISTS


def _parents(db: Database, collection: Collection, lists: Lists) -> Mapping[str, str]:
    """Return the parent of each candidate that is a chunk."""
    ids = {
        row_id
        for found in lists.values()
        for pair in found
        for row_id, _ in (*pair.semantic, *pair.keyword)
    }
    ordered = sorted(ids)
    parents: dict[str, str] = {}
    for start in range(0, len(ordered), _IDS_AT_ONCE):
        query = judgment_sql.parents(collection, ordered[start : start + _IDS_AT_ONCE])
        if query is not None:
            parents.update(db.query(query.statement, query.params))
    return parents


@dataclass(frozen=True, slots=True)
class _Base:
    """One query's candidates under one fusion: what each list adds with a weight of 1."""

    documents: list[str]
    semantic: NDArray[np.float64]
    keyword: NDArray[np.float64]

    @classmethod
    def of(cls, fused: Fused, parents: Mapping[str, str]) -> _Base:
        # by both ranks, so that a stable sort leaves ties as a search has them
        last = len(fused.ids) + 1
        ranks = (fused.keyword_rank, fused.semantic_rank)
        order = np.lexsort([np.where(rank == 0, last, rank) for rank in ranks])
        documents = [parents.get(fused.ids[place], fused.ids[place]) for place in order]
        return cls(documents, fused.semantic_term[order], fused.keyword_term[order])

    def ranking(self, share: float, depth: int) -> list[str]:
        score = 2 * share * self.semantic + (2 - 2 * share) * self.keyword
        order = np.argsort(-score, kind="stable").tolist()
        return _first((self.documents[place] for place in order), depth)


def _first(documents: Iterator[str], depth: int) -> list[str]:
    """Return the first `depth` documents; chunks of one text count once, at the best place."""
    found: dict[str, None] = {}
    for document in documents:
        found[document] = None
        if len(found) == depth:
            break
    return list(found)


class _Trial:
    """Scores settings on lists already fetched."""

    def __init__(
        self,
        counted: Counted,
        lists: Lists,
        parents: Mapping[str, str],
        spec: GridSpec,
        present: SearchRequest,
    ) -> None:
        self._ids = [query.id for query in counted.queries]
        self._lists = lists
        self._parents = parents
        self._spec = spec
        self._present = present
        self._scorer = RelevanceScorer(counted.judgments, [spec.measure])
        self._depth = parse_measure(spec.measure).params.get("cutoff") or EVALUATION_DEPTH
        order = np.random.default_rng(spec.seed).permutation(len(self._ids))
        half = len(order) // 2
        self._tuning, self._held_out = np.sort(order[:half]), np.sort(order[half:])
        self._values: dict[GridSetting, NDArray[np.float64]] = {}

    def run(self, reporter: Reporter) -> tuple[list[GridCell], list[GridCell], GridCell]:
        """Return the single lists, the fusions, and the present setting."""
        present = self._cell(GridSetting.of(self._present), self._present_rankings())
        any_lists = next(iter(self._lists.values()))
        singles = [self._single(GridSetting(Mode.SEMANTIC), any_lists, lambda pair: pair.semantic)]
        for words in self._spec.words:
            if words in self._lists:
                setting = GridSetting(Mode.KEYWORD, words[0], match=words[1])
                singles.append(self._single(setting, self._lists[words], lambda pair: pair.keyword))
        cells: list[GridCell] = []
        bases = list(self._bases())
        total = len(bases) * len(self._spec.semantic_shares)
        for words, request in bases:
            made = [
                _Base.of(fuse_lists(request, pair), self._parents) for pair in self._lists[words]
            ]
            for share in self._spec.semantic_shares:
                reporter.check()
                setting = GridSetting.of(
                    replace(
                        request,
                        keyword_rank=words[0],
                        keyword_match=words[1],
                        semantic_weight=2 * share,
                        keyword_weight=2 - 2 * share,
                    )
                )
                rankings = {
                    query: base.ranking(share, self._depth)
                    for query, base in zip(self._ids, made, strict=True)
                }
                cells.append(self._cell(setting, rankings))
                reporter.report(Progress(len(cells), total, "trying settings", "settings"))
        return singles, cells, present

    def _bases(self) -> Iterator[tuple[Words, SearchRequest]]:
        """Yield each keyword list with each fusion and k, at equal weights."""
        for words in self._spec.words:
            for fusion in dict.fromkeys(self._spec.fusions):
                for k in self._spec.ks if fusion.has_k else (None,):
                    if words in self._lists and not self._repeats(words, fusion):
                        k_field = {} if k is None else {"rrf_k": k}
                        yield words, template(fusion=fusion, **k_field)

    def _repeats(self, words: Words, fusion: Fusion) -> bool:
        """Tell whether a fusion by coverage is RRF here, since these words have no coverage."""
        return (
            fusion is Fusion.COVERAGE
            and Fusion.RRF in self._spec.fusions
            and all(pair.covering is None for pair in self._lists[words])
        )

    def _present_rankings(self) -> Rankings:
        request = self._present
        lists = self._lists[request.keyword_rank, request.keyword_match]
        if request.mode is Mode.HYBRID:
            ordered = [fuse_lists(request, pair).ids for pair in lists]
        elif request.mode is Mode.SEMANTIC:
            ordered = [tuple(row_id for row_id, _ in pair.semantic) for pair in lists]
        else:
            ordered = [tuple(row_id for row_id, _ in pair.keyword) for pair in lists]
        return {
            query: _first((self._parents.get(row_id, row_id) for row_id in ids), self._depth)
            for query, ids in zip(self._ids, ordered, strict=True)
        }

    def _single(
        self,
        setting: GridSetting,
        lists: Sequence[CandidateLists],
        of: Callable[[CandidateLists], tuple[tuple[str, float], ...]],
    ) -> GridCell:
        rankings = {
            query: _first(
                (self._parents.get(row_id, row_id) for row_id, _ in of(pair)), self._depth
            )
            for query, pair in zip(self._ids, lists, strict=True)
        }
        return self._cell(setting, rankings)

    def _cell(self, setting: GridSetting, rankings: Rankings) -> GridCell:
        scores = self._scorer.score(rankings)
        values = np.array([scores[query][self._spec.measure] for query in self._ids])
        self._values.setdefault(setting, values)
        return GridCell(
            setting,
            tuning=mean(values[self._tuning].tolist()),
            held_out=mean(values[self._held_out].tolist()),
            all=mean(values.tolist()),
        )

    def decide(
        self,
        measured: tuple[list[GridCell], list[GridCell], GridCell],
        notes: tuple[str, ...],
    ) -> Grid:
        """Choose the best on the tuning half and compare it on the other."""
        singles, cells, present = measured
        every = (present, *singles, *cells)
        highest = max(round(cell.tuning, 9) for cell in every)
        equals = [cell for cell in every if round(cell.tuning, 9) == highest]
        # of equals what is there already is taken, else what is nearest to it
        best = min(equals, key=lambda cell: how_far(cell.setting, present.setting))
        before, after = self._values[present.setting], self._values[best.setting]
        spec = self._spec

        def gain(places: NDArray[np.intp] | slice) -> PairedDifference:
            return paired_difference(
                before[places], after[places], resamples=spec.resamples, seed=spec.seed
            )

        held_out = gain(self._held_out)
        decision, sentence = decide(
            present.setting,
            best.setting,
            held_out,
            queries=len(self._ids),
            tried=len(singles) + len(cells),
            equals=len({cell.setting for cell in equals}) - 1,
            measure=spec.measure,
        )
        return Grid(
            measure=spec.measure,
            present=present,
            singles=tuple(singles),
            cells=tuple(cells),
            best=best,
            gain=held_out,
            gain_all=gain(slice(None)),
            decision=decision,
            sentence=sentence,
            tuning_queries=len(self._tuning),
            held_out_queries=len(self._held_out),
            per_query={
                query: (float(old), float(new))
                for query, old, new in zip(self._ids, before, after, strict=True)
            },
            notes=notes,
        )
