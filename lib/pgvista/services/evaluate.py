"""How well a collection answers judged queries, in one or several settings."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.embed.registry import get_embedder
from pgvista.embed.remote import RemoteEmbedder
from pgvista.errors import InvalidInput, PgvistaError, QueryFailed
from pgvista.model.collection import Collection
from pgvista.model.evaluation import (
    DEFAULT_MEASURES,
    EVALUATION_DEPTH,
    Evaluation,
    EvaluationQuery,
    Judgments,
    QueryOutcome,
    QuerySet,
    SettingEvaluation,
)
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.model.search import MAX_LIMIT, MAX_QUERY_BYTES, Hit, Mode, SearchRequest, SearchResult
from pgvista.science.measures.relevance import RelevanceScorer, mean, parse_measure
from pgvista.services.bm25 import fit
from pgvista.services.search import query_vector, search
from pgvista.sql import judgments as judgment_sql

Vector = tuple[float, ...]

_ANY_TEXT = "query"
_EMPTY = "The query is empty."
_EMBEDDED_AT_ONCE = 64


def template(**fields: Any) -> SearchRequest:
    """Return a setting to evaluate: a request whose text stands for any query."""
    given: dict[str, Any] = {"text": _ANY_TEXT, "highlight": False} | fields
    return SearchRequest(**given)


def evaluate(
    db: Database,
    collection: Collection,
    query_set: QuerySet,
    settings: Mapping[str, SearchRequest],
    *,
    measures: Sequence[str] = DEFAULT_MEASURES,
    depth: int = EVALUATION_DEPTH,
    reporter: Reporter | None = None,
    embedder: Embedder | None = None,
) -> Evaluation:
    """Ask every query in every setting and measure the rankings.

    `settings` are templates by name; text, vector and limit are filled in, and the lists of a
    hybrid search keep the depth they have for the template's own limit. The first `depth`
    documents of each ranking are measured; chunks count as their parent, at the place of the best.
    A query that finds nothing, or that Postgres refuses, counts with 0 and says why. Queries
    without a relevant judged document are left out and counted, since no ranking of theirs could
    be right. Raises InvalidInput when no query is left or no setting can be asked, Cancelled when
    `reporter` says so.
    """
    reporter = reporter or SilentReporter()
    for measure in measures:
        parse_measure(measure)
    if not settings:
        raise InvalidInput("There is no setting to evaluate.", "Choose at least one mode.")
    counted = Counted.of(query_set)
    fitted = {name: fit(collection, setting) for name, setting in settings.items()}
    settings = {name: request for name, (request, _) in fitted.items()}
    changes = dict.fromkeys(note for _, notes in fitted.values() for note in notes)
    unknown = unknown_documents(db, collection, query_set.judgments)
    vectors = QueryVectors.embed(
        db, collection, counted.queries, settings.values(), reporter, embedder
    )
    outcomes: dict[str, list[_Asked]] = {name: [] for name in settings}
    total = len(counted.queries) * len(settings)
    for query in counted.queries:
        for name, setting in settings.items():
            reporter.check()
            asked = _ask(db, collection, setting, query, vectors.of(query, setting), depth)
            outcomes[name].append(asked)
            done = sum(map(len, outcomes.values()))
            reporter.report(Progress(done, total, "evaluating", "searches"))
    scorer = RelevanceScorer(counted.judgments, measures)
    found = tuple(
        _setting(name, settings[name], counted.queries, asked, scorer, measures)
        for name, asked in outcomes.items()
    )
    return Evaluation(
        collection=collection.name,
        query_set=query_set.name,
        settings=found,
        queries=len(counted.queries),
        unjudged=counted.unjudged,
        without_relevant=counted.without_relevant,
        unknown_queries=counted.unknown_queries,
        unknown_documents=unknown,
        embedding_ms=vectors.mean_ms,
        notes=(
            *changes,
            *query_set.notes,
            *counted.notes(),
            *unknown_note(collection, query_set, unknown),
        ),
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """The queries of a set that can be measured, and those that cannot."""

    queries: tuple[EvaluationQuery, ...]
    judgments: Judgments
    unjudged: tuple[str, ...]
    without_relevant: tuple[str, ...]
    unknown_queries: tuple[str, ...]

    @classmethod
    def of(cls, query_set: QuerySet) -> Counted:
        """Sort the queries of a set. Raises InvalidInput when none can be measured."""
        known = {query.id for query in query_set.queries}
        unjudged = [
            query.id for query in query_set.queries if not query_set.judgments.get(query.id)
        ]
        kept = [query for query in query_set.queries if query_set.relevant(query.id)]
        if not kept:
            raise InvalidInput(
                "No query has a relevant document among its judgments, so there is nothing to "
                "measure.",
                "See whether queries and judgments call the queries alike."
                if query_set.queries and query_set.judgments
                else "Add queries, and judge documents for them.",
            )
        left_out = {query.id for query in kept} | set(unjudged)
        return cls(
            queries=tuple(kept),
            judgments={query.id: query_set.judgments[query.id] for query in kept},
            unjudged=tuple(unjudged),
            without_relevant=tuple(q.id for q in query_set.queries if q.id not in left_out),
            unknown_queries=tuple(q for q in query_set.judgments if q not in known),
        )

    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each kind of query that does not count."""
        notes = []
        if self.unjudged:
            notes.append(
                _count(
                    self.unjudged, "query was left out: it has", "queries were left out: they have"
                )
                + " no judgments."
            )
        if self.without_relevant:
            notes.append(
                _count(
                    self.without_relevant, "query was left out: its", "queries were left out: their"
                )
                + " judgments name no relevant document."
            )
        if self.unknown_queries:
            notes.append(
                _count(self.unknown_queries, "judged query was", "judged queries were")
                + " not asked: no text is given."
            )
        return tuple(notes)


def _count(ids: Sequence[str], one: str, many: str) -> str:
    return f"1 {one}" if len(ids) == 1 else f"{len(ids):,} {many}"


# -- embedding


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """The queries as vectors, made before anything is timed."""

    by_text: Mapping[str, Vector] = field(default_factory=dict)
    mean_ms: float = 0.0

    def of(self, query: EvaluationQuery, setting: SearchRequest) -> Vector | None:
        """Return the query's vector where the setting needs one."""
        return None if setting.mode is Mode.KEYWORD else self.by_text.get(query.text)

    @classmethod
    def embed(
        cls,
        db: Database,
        collection: Collection,
        queries: Sequence[EvaluationQuery],
        settings: Iterable[SearchRequest],
        reporter: Reporter,
        embedder: Embedder | None,
    ) -> QueryVectors:
        """Embed what can be asked, and search once in each setting, so that all is warm.

        Raises what `search` raises for a setting that does not fit the collection.
        """
        settings = list(settings)
        semantic = any(setting.mode is not Mode.KEYWORD for setting in settings)
        if semantic:
            reporter.report(Progress(0, len(queries), "loading the model", "queries"))
        for setting in settings:
            search(db, collection, replace(setting, text=_ANY_TEXT), embedder=embedder)
        if not semantic:
            return cls()
        texts = list(dict.fromkeys(query.text for query in queries if askable(query.text)))
        model = embedder or get_embedder(collection.model or "")
        step = _EMBEDDED_AT_ONCE if isinstance(model, RemoteEmbedder) else 1
        found: dict[str, Vector] = {}
        began = time.perf_counter()
        for start in range(0, len(texts), step):
            reporter.check()
            batch = texts[start : start + step]
            if step == 1:  # a local model may put a prompt of its own before queries
                request = replace(settings[0], mode=Mode.SEMANTIC, text=batch[0], vector=None)
                vector = query_vector(collection, request, embedder)
                found[batch[0]] = vector or ()
            else:
                for text, row in zip(batch, model.embed_documents(batch), strict=True):
                    found[text] = tuple(row.tolist())
            reporter.report(Progress(len(found), len(texts), "embedding", "queries"))
        elapsed_ms = (time.perf_counter() - began) * 1000
        return cls(found, elapsed_ms / max(1, len(texts)))


def askable(text: str) -> bool:
    """Whether a text can be a query at all: neither empty nor beyond the limit."""
    return bool(text.strip()) and len(text.encode(errors="replace")) <= MAX_QUERY_BYTES


# -- asking


@dataclass(frozen=True, slots=True)
class _Asked:
    ranking: tuple[str, ...] = ()
    database_ms: float = 0.0
    problem: str = ""
    error: PgvistaError | None = None


def _ask(
    db: Database,
    collection: Collection,
    setting: SearchRequest,
    query: EvaluationQuery,
    vector: Vector | None,
    depth: int,
) -> _Asked:
    """Ask one query; deeper again while chunks of the same texts take up the places."""
    if not query.text.strip():
        return _Asked(problem=_EMPTY)
    limit = min(max(depth, 1), MAX_LIMIT)
    try:
        request = replace(
            setting, text=query.text, vector=vector, limit=limit, depth=setting.list_depth
        )
        result = search(db, collection, request)
        ranking = dict.fromkeys(map(document_id, result.hits))
        spent_ms = result.timings_ms["database"]
        last = result
        while len(ranking) < depth and len(last.hits) >= limit and limit < MAX_LIMIT:
            limit = min(2 * limit, MAX_LIMIT)
            last = search(db, collection, replace(request, limit=limit))
            # what was found first keeps its place: that is what a person would see
            ranking |= dict.fromkeys(map(document_id, last.hits))
    except (InvalidInput, QueryFailed) as error:
        return _Asked(problem=error.message, error=error)
    return _Asked(tuple(ranking)[:depth], spent_ms, _problem(result))


def document_id(hit: Hit) -> str:
    """Return the id that judgments know a hit by: its parent's, where it is a chunk."""
    return hit.parent_id or hit.id


def _problem(result: SearchResult) -> str:
    if not result.hits:
        return " ".join(result.notes) or "Nothing was found."
    return result.notes[0] if result.keyword_rows == 0 and result.notes else ""


def _setting(
    name: str,
    request: SearchRequest,
    queries: Sequence[EvaluationQuery],
    asked: Sequence[_Asked],
    scorer: RelevanceScorer,
    measures: Sequence[str],
) -> SettingEvaluation:
    errors = [item.error for item in asked if item.error is not None]
    if len(errors) == len(asked):
        raise errors[0]
    scores = scorer.score(
        {query.id: item.ranking for query, item in zip(queries, asked, strict=True)}
    )
    outcomes = tuple(
        QueryOutcome(query, scores[query.id], item.ranking, item.database_ms, item.problem)
        for query, item in zip(queries, asked, strict=True)
    )
    times = [item.database_ms for item in asked if item.database_ms > 0] or [0.0]
    p50, p95 = np.percentile(times, [50, 95])
    return SettingEvaluation(
        name=name,
        request=request,
        measures={
            measure: mean([outcome.measures[measure] for outcome in outcomes])
            for measure in measures
        },
        outcomes=outcomes,
        p50_ms=float(p50),
        p95_ms=float(p95),
    )


# -- judged documents


def unknown_documents(
    db: Database, collection: Collection, judgments: Judgments
) -> tuple[str, ...]:
    """Return the judged ids that are neither rows of the collection nor texts cut into chunks."""
    judged = dict.fromkeys(document for grades in judgments.values() for document in grades)
    query = judgment_sql.known_documents(collection, list(judged))
    known = {row[0] for row in db.query(query.statement, query.params)}
    return tuple(document for document in judged if document not in known)


def unknown_note(
    collection: Collection, query_set: QuerySet, unknown: Sequence[str]
) -> tuple[str, ...]:
    """Return a sentence about judged documents that are not in the collection; none without any."""
    if not unknown:
        return ()
    judged = len({document for grades in query_set.judgments.values() for document in grades})
    if len(unknown) == judged:
        none = f"None of the {judged:,} judged documents" if judged > 1 else "The judged document"
        return (
            f"{none} is {'' if judged > 1 else 'not '}in {collection.name}: "
            "see whether it is the right collection, and whether ids are written alike.",
        )
    return (
        f"{len(unknown):,} of {judged:,} judged documents {'is' if len(unknown) == 1 else 'are'} not in {collection.name}, such as "
        f"{unknown[0]!r}; {'it counts' if len(unknown) == 1 else 'they count'} as not found.",
    )
