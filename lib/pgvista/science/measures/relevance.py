"""Measures of ranked documents against judgments, by `ir-measures` (trec_eval's own code)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pgvista.errors import InvalidInput
from pgvista.model.evaluation import Judgments

_DEEPEST = 10_000
"""The greatest k of a measure: no ranking is longer."""


class RelevanceScorer:
    """Scores rankings of the same queries against the same judgments, as often as wanted.

    nDCG@k = DCG@k / ideal DCG@k, with DCG@k the sum of grade / log2(rank + 1) over the first k
    ranks (Järvelin and Kekäläinen 2002, gains linear as in trec_eval); R@k and P@k the relevant
    part of all relevant documents and of k ranks; RR@k 1 / rank of the first relevant document;
    AP the mean of the precision at each relevant document; judged@k the judged part of the first k.
    Relevant is a grade of 1 and more. All are 0 to 1.
    """

    def __init__(self, judgments: Judgments, measures: Sequence[str]) -> None:
        """Take the judgments, grades 0 and up, and names such as ``nDCG@10``.

        Raises InvalidInput for a measure that is not known.
        """
        import ir_measures

        self._names = {parse_measure(name): name for name in measures}
        # trec_eval ends a name at NUL and knows no lone surrogates: it is handed numbers
        self._queries = {query: f"q{number}" for number, query in enumerate(judgments)}
        self._documents = {
            query: {document: f"d{number}" for number, document in enumerate(grades)}
            for query, grades in judgments.items()
        }
        grades = {
            self._queries[query]: {
                self._documents[query][document]: grade for document, grade in by_document.items()
            }
            for query, by_document in judgments.items()
            if by_document
        }
        self._evaluator = ir_measures.evaluator(list(self._names), grades) if grades else None

    def score(self, rankings: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
        """Return the value of each measure for each judged query, by query id and name.

        Rankings are document ids, best first; an id that comes again is passed over. A query
        without a ranking, or with an empty one, has 0 in all.
        """
        found = {query: dict.fromkeys(self._names.values(), 0.0) for query in self._queries}
        run: dict[str, dict[str, float]] = {}
        for query, ranking in rankings.items():
            if query in self._queries and ranking:
                names = self._documents[query]
                distinct = dict.fromkeys(ranking)
                count = len(distinct)
                # scores fall strictly: trec_eval would break ties by name, the last one first
                run[self._queries[query]] = {
                    names.get(document) or f"u{place}": float(count - place)
                    for place, document in enumerate(distinct)
                }
        if not run or self._evaluator is None:
            return found
        by_number = {number: query for query, number in self._queries.items()}
        for metric in self._evaluator.iter_calc(run):
            value = float(metric.value)
            query = by_number[metric.query_id]
            found[query][self._names[metric.measure]] = value if math.isfinite(value) else 0.0
        return found


def parse_measure(name: str) -> Any:
    """Return `ir-measures`' measure of a name. Raises InvalidInput when there is none."""
    import ir_measures

    try:
        measure: Any = ir_measures.parse_measure(
            name[:1].upper() + name[1:] if name[:6] == "judged" else name
        )
        measure.validate_params()
        pipeline: Any = ir_measures.DefaultPipeline
        if not pipeline.supports(measure) or not 1 <= measure.params.get("cutoff", 1) <= _DEEPEST:
            raise ValueError(name)
    except (NameError, ValueError, SyntaxError, TypeError, KeyError):
        raise InvalidInput(
            f"The measure {name!r} is not known.",
            "Try nDCG@10, R@100, RR@10, AP, P@10 or judged@10.",
        ) from None
    return measure


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean; 0 of nothing."""
    return math.fsum(values) / len(values) if values else 0.0
