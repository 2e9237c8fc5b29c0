"""Judged queries, and how well a search answers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pgvista.errors import InvalidInput
from pgvista.model.search import Hit, SearchRequest

DEFAULT_MEASURES = ("nDCG@10", "R@100", "RR@10", "AP", "P@10", "judged@10")
"""What is measured when nothing else is asked for, by the names of `ir-measures`."""
EVALUATION_DEPTH = 100
"""Documents that are ranked for each query; AP and R@100 are taken over them."""
MAX_GRADE = 100
"""Higher grades are refused: scales of judgments end at 3 or 4, and 100 is taken for percent."""
JUDGING_GRADES = (0, 1, 2, 3)
"""The grades given here: of no use, a little, useful, the answer."""
FEW_QUERIES = 20
"""Fewer queries than this decide nothing."""

Judgments = Mapping[str, Mapping[str, int]]
"""Grade by query id and document id; 0 is not relevant."""


@dataclass(frozen=True, slots=True)
class EvaluationQuery:
    """A query as it is asked."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class QuerySet:
    """Queries, and the documents judged for each."""

    name: str
    queries: tuple[EvaluationQuery, ...]
    judgments: Judgments
    notes: tuple[str, ...] = ()
    """Sentences about how it was read: duplicates, lines set aside, grades below 0."""

    @property
    def judged(self) -> int:
        """Judgments in all."""
        return sum(map(len, self.judgments.values()))

    def relevant(self, query_id: str) -> int:
        """Documents with a grade of 1 and more for one query."""
        return sum(grade > 0 for grade in self.judgments.get(query_id, {}).values())


@dataclass(frozen=True, slots=True)
class SavedQuerySet:
    """A query set in the database, as a list of them shows it."""

    id: int
    name: str
    collection: str
    """``schema.table``."""
    queries: int
    judgments: int
    updated_at: Any
    """When it was last changed: a datetime with a zone."""


@dataclass(frozen=True, slots=True)
class PooledHit:
    """A document to judge: found by at least one mode; which one is not told."""

    id: str
    """The document's id: for a chunk, its parent's."""
    hit: Hit
    grade: int | None
    """As judged before; None when nobody has."""


@dataclass(frozen=True, slots=True)
class QueryOutcome:
    """How one query fared in one setting."""

    query: EvaluationQuery
    measures: Mapping[str, float]
    """By measure; 0 in all when nothing was found."""
    ranking: tuple[str, ...]
    """Document ids, best first; chunks are folded into their parent."""
    database_ms: float
    problem: str = ""
    """Why the query found nothing or could not be asked; empty when all is well."""


@dataclass(frozen=True, slots=True)
class SettingEvaluation:
    """One setting over all queries."""

    name: str
    request: SearchRequest
    """The setting; its text stands for any query."""
    measures: Mapping[str, float]
    """Means over the queries that count."""
    outcomes: tuple[QueryOutcome, ...]
    """One for each query that counts, in the order of the set."""
    p50_ms: float
    """Time in the database, a query, without embedding."""
    p95_ms: float

    def values(self, measure: str) -> list[float]:
        """Return a measure's values, a query each."""
        return [outcome.measures[measure] for outcome in self.outcomes]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Settings measured on one query set; all on the same queries."""

    collection: str
    query_set: str
    settings: tuple[SettingEvaluation, ...]
    queries: int
    """Queries that count: those with a relevant document."""
    unjudged: tuple[str, ...]
    """Ids of queries without any judgment, left out."""
    without_relevant: tuple[str, ...]
    """Ids of queries whose judgments name no relevant document: no ranking could be right."""
    unknown_queries: tuple[str, ...]
    """Ids of judged queries that are not among the queries."""
    unknown_documents: tuple[str, ...]
    """Ids that were judged but are not in the collection; they count as not found."""
    embedding_ms: float
    """Mean time to embed a query; 0 when none was embedded."""
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return a dict that json.dumps takes, without the single queries."""
        return {
            "collection": self.collection,
            "query_set": self.query_set,
            "queries": self.queries,
            "queries_without_judgments": len(self.unjudged),
            "queries_without_relevant_documents": len(self.without_relevant),
            "judged_queries_not_asked": len(self.unknown_queries),
            "judged_documents_not_in_the_collection": len(self.unknown_documents),
            "embedding_ms": round(self.embedding_ms, 3),
            "settings": {
                setting.name: {
                    "measures": {name: round(v, 6) for name, v in setting.measures.items()},
                    "latency_ms": {
                        "p50": round(setting.p50_ms, 3),
                        "p95": round(setting.p95_ms, 3),
                    },
                    "problems": sum(bool(outcome.problem) for outcome in setting.outcomes),
                }
                for setting in self.settings
            },
            "notes": list(self.notes),
        }

    def by_query(self, measure: str, setting: int = 0, against: int = 1) -> list[QueryComparison]:
        """Return each query's value in two settings, the greatest loss first.

        With one setting alone it is compared with itself: the lowest value stands first.
        """
        after = self.settings[setting].outcomes
        before = self.settings[against if against < len(self.settings) else setting].outcomes
        rows = [
            QueryComparison(new.query, old.measures[measure], new.measures[measure])
            for old, new in zip(before, after, strict=True)
        ]
        return sorted(rows, key=lambda row: (row.gain, row.after))


@dataclass(frozen=True, slots=True)
class QueryComparison:
    """One query under two settings."""

    query: EvaluationQuery
    before: float
    after: float

    @property
    def gain(self) -> float:
        """Above 0 for a win, below 0 for a loss."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The mean gain of one setting over another on the same queries."""

    mean: float
    low: float
    """Lower end of the 95 % interval by the paired bootstrap."""
    high: float
    wins: int
    losses: int
    ties: int

    @property
    def queries(self) -> int:
        """Queries that were compared."""
        return self.wins + self.losses + self.ties


@dataclass(frozen=True, slots=True)
class FileQueries:
    """What a file of queries held."""

    queries: tuple[EvaluationQuery, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileJudgments:
    """What a file of judgments held."""

    judgments: Judgments
    notes: tuple[str, ...] = field(default=())


def check_grade(grade: object) -> int:
    """Return a grade given by a person, 0 to 3. Raises InvalidInput."""
    if isinstance(grade, bool) or grade not in JUDGING_GRADES or not isinstance(grade, int):
        raise InvalidInput(
            f"The grade is {grade!r}, but it takes 0, 1, 2 or 3.",
            "0 is of no use, 1 a little, 2 useful, 3 the answer.",
        )
    return grade
