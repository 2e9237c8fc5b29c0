"""What a collection of the Python face does with judged queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.evaluation import (
    DEFAULT_MEASURES,
    EVALUATION_DEPTH,
    MAX_GRADE,
    Evaluation,
    EvaluationQuery,
    FileJudgments,
    FileQueries,
    Judgments,
    QuerySet,
)
from pgvista.model.search import Fusion, KeywordMatch, KeywordRank, Mode, SearchRequest
from pgvista.services.request_dicts import choice, request_for

if TYPE_CHECKING:
    from pgvista.model.evaluation_grid import Grid, GridSpec

SAMPLE = "sample"
"""Name of the set that comes with the help centre."""

Queries = QuerySet | Mapping[str, str] | PathLike[str] | str
Qrels = Judgments | PathLike[str] | str | None
Knobs = Mapping[str, Any]
"""Knobs by the names that `Collection.search` has for them."""


class EvaluationVerbs:
    """Judged queries asked of the collection `info` in `db`."""

    db: Database
    info: Collection

    def evaluate(
        self,
        queries: Queries = SAMPLE,
        qrels: Qrels = None,
        *,
        settings: Mapping[str, Knobs] | None = None,
        measures: Sequence[str] = DEFAULT_MEASURES,
        depth: int = EVALUATION_DEPTH,
        embedder: Embedder | None = None,
    ) -> Evaluation:
        """Ask judged queries in one or several settings, and measure the rankings.

        `queries` is a dict id -> text or a file, with `qrels` a dict id -> {document: grade} or a
        file; or else a QuerySet, the name of a saved one, or "sample": that of the help centre.
        `settings` are knobs of `search` by a name of your own, such as
        ``{"any word": {"mode": "keyword"}}``; None: the three modes. What they leave out is the
        collection's default. Raises InvalidInput, NotFound.
        """
        from pgvista.services.evaluate import evaluate

        given = {mode.value: {"mode": mode} for mode in Mode} if settings is None else settings
        return evaluate(
            self.db,
            self.info,
            _query_set(self.db, self.info, queries, qrels),
            {name: _template(self.info, knobs) for name, knobs in given.items()},
            measures=measures,
            depth=depth,
            embedder=embedder,
        )

    def evaluate_grid(
        self,
        queries: Queries = SAMPLE,
        qrels: Qrels = None,
        *,
        present: Knobs | None = None,
        embedder: Embedder | None = None,
        **options: Any,
    ) -> Grid:
        """Try fusions, weights and rankings, and decide whether one should replace `present`.

        `queries` and `qrels` are as in `evaluate`, `present` are knobs of `search` beside the
        collection's defaults; options are the fields of GridSpec. The best setting is chosen on one half of the queries and compared on
        the other. Raises InvalidInput, NotFound.
        """
        from pgvista.services.evaluate_grid import evaluate_grid

        return evaluate_grid(
            self.db,
            self.info,
            _query_set(self.db, self.info, queries, qrels),
            _template(self.info, present or {}),
            _grid_spec(options),
            embedder=embedder,
        )


def _template(collection: Collection, knobs: Knobs) -> SearchRequest:
    return request_for(collection, {"text": "query", "highlight": False} | dict(knobs))


def _grid_spec(options: Mapping[str, Any]) -> GridSpec:
    from pgvista.model.evaluation_grid import GridSpec

    unknown = options.keys() - set(GridSpec.__slots__)
    if unknown:
        raise InvalidInput(
            f"A grid has no option {min(unknown)!r}.",
            f"There are: {', '.join(GridSpec.__slots__)}.",
        )
    fields = dict(options)
    for name, kind in (("fusions", Fusion), ("ranks", KeywordRank), ("matches", KeywordMatch)):
        if name in fields:
            fields[name] = tuple(choice(kind, name, value) for value in fields[name])
    for name in ("ks", "semantic_shares"):
        if name in fields:
            fields[name] = tuple(fields[name])
    return GridSpec(**fields)


def _query_set(db: Database, collection: Collection, queries: Queries, qrels: Qrels) -> QuerySet:
    from pgvista.io.judgments import read_judgments, read_queries
    from pgvista.services.judgments import find_query_set, sample_query_set, uploaded_query_set

    if qrels is None:
        if isinstance(queries, QuerySet):
            return queries
        if isinstance(queries, str):
            return (
                sample_query_set() if queries == SAMPLE else find_query_set(db, collection, queries)
            )
        raise InvalidInput(
            "The queries come without judgments.",
            "Give qrels too: a dict of query id -> {document id: grade}, or a file.",
        )
    if isinstance(queries, QuerySet):
        raise InvalidInput("A QuerySet has its judgments already.", "Leave qrels out.")
    if isinstance(queries, Mapping):
        name = "queries"
        asked = FileQueries(tuple(_query(key, text) for key, text in queries.items()))
    else:
        name = Path(queries).stem or "queries"
        asked = read_queries(Path(queries))
    judged = (
        FileJudgments({str(key): _grades(key, grades) for key, grades in qrels.items()})
        if isinstance(qrels, Mapping)
        else read_judgments(Path(qrels))
    )
    return uploaded_query_set(name, asked, judged)


def _query(key: object, text: object) -> EvaluationQuery:
    if not isinstance(text, str):
        raise InvalidInput(f"Query {key!r} is {text!r}, which is no text.", "Write it in quotes.")
    return EvaluationQuery(str(key), text)


def _grades(key: object, grades: object) -> dict[str, int]:
    """Return the grades of one query, checked: those of a file are, and below 0 count as 0 there."""
    if not isinstance(grades, Mapping):
        raise InvalidInput(
            f"The judgments of query {key!r} are {grades!r}.",
            "Give a dict of document id -> grade.",
        )
    for document, grade in grades.items():
        if isinstance(grade, bool) or not isinstance(grade, int) or not 0 <= grade <= MAX_GRADE:
            raise InvalidInput(
                f"The grade of document {document!r} for query {key!r} is {grade!r}, but it takes "
                f"a whole number from 0 to {MAX_GRADE}.",
                "0 is of no use; grades mostly end at 3.",
            )
    return {str(document): grade for document, grade in grades.items()}
