"""The knobs of a search as options, shared by every command that searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pgvista.cli.filter_text import FILTER_TEXT
from pgvista.model.filters import parse_filter
from pgvista.model.label_weights import (
    BM25_LABEL_WEIGHTS,
    TS_RANK_LABEL_WEIGHTS,
    parse_label_weights,
    written_label_weights,
)
from pgvista.model.metric import Metric
from pgvista.model.search import (
    DEFAULT_BM25_B,
    DEFAULT_BM25_K1,
    DEFAULT_EF_SEARCH,
    DEFAULT_NORMALIZATION,
    DEFAULT_PROBES,
    DEFAULT_RRF_K,
    Fusion,
    IterativeScan,
    KeywordMatch,
    KeywordRank,
    Mode,
    SearchRequest,
)

if TYPE_CHECKING:
    from pgvista.model.collection import Collection

Function = TypeVar("Function", bound=Callable[..., Any])

DEFAULTS = {field.name: field.default for field in fields(SearchRequest)}
"""Default by field of a SearchRequest."""

_FIELD_OF = {"match": "keyword_match", "rank": "keyword_rank", "filter_json": "filters"}
"""Options that are not called as their field is."""

_OPTIONS = (
    click.option(
        "--filter",
        "filter_json",
        type=FILTER_TEXT,
        help='Rows to search, e.g. {"year": {"$gte": 1970}, "lang": "de"}.',
    ),
    click.option(
        "--metric",
        type=click.Choice([metric.value for metric in Metric]),
        help="Distance to rank by.  [default: the collection's]",
    ),
    click.option("--max-distance", type=float, help="Leave out rows farther than this."),
    click.option("--exact", is_flag=True, help="Compare with every row; use no vector index."),
    click.option(
        "--ef-search",
        type=int,
        help="HNSW's candidate list, 1 to 1,000: more finds more and takes longer.  "
        f"[default: the rows asked for, at least {DEFAULT_EF_SEARCH}]",
    ),
    click.option(
        "--probes",
        type=int,
        help=f"IVFFlat's lists to visit, 1 to 32,768.  [default: the server's, {DEFAULT_PROBES}]",
    ),
    click.option(
        "--iterative-scan",
        type=click.Choice([scan.value for scan in IterativeScan]),
        default=str(DEFAULTS["iterative_scan"]),
        show_default=True,
        help="Let an index go on looking when a filter left too few rows.",
    ),
    click.option(
        "--max-scan-tuples",
        type=int,
        help="Where an iterative HNSW scan gives up, in rows.  [default: the server's, 20,000]",
    ),
    click.option(
        "--match",
        type=click.Choice([match.value for match in KeywordMatch]),
        default=str(DEFAULTS["keyword_match"]),
        show_default=True,
        help='Rows with any of the words; with all, where "phrases", or and -not have a meaning; '
        "with the phrase; with the last word going on; or with words spelled alike.",
    ),
    click.option(
        "--rank",
        type=click.Choice([rank.value for rank in KeywordRank]),
        default=str(DEFAULTS["keyword_rank"]),
        show_default=True,
        help="What orders the rows found by words: BM25, a function of Postgres, or the index of an "
        "extension for BM25, where there is one.",
    ),
    click.option(
        "--bm25-k1",
        type=float,
        default=DEFAULT_BM25_K1,
        show_default=True,
        help="How much a repeated word still adds under BM25, 0 to 10.",
    ),
    click.option(
        "--bm25-b",
        type=float,
        default=DEFAULT_BM25_B,
        show_default=True,
        help="How much BM25 holds long texts back, 0 to 1.",
    ),
    click.option(
        "--rank-normalization",
        type=int,
        default=DEFAULT_NORMALIZATION,
        show_default=True,
        help="Bit mask of ts_rank and ts_rank_cd, 0 to 63: 1 divides by 1 + log(length).",
    ),
    click.option(
        "--label-weights",
        default="",
        metavar="A,B,C,D",
        help="What a word counts by its setweight label, four numbers of 0 to 100.  "
        f"[default: {written_label_weights(BM25_LABEL_WEIGHTS)} for BM25, "
        f"{written_label_weights(TS_RANK_LABEL_WEIGHTS)} for Postgres's functions]",
    ),
    click.option(
        "--text-config",
        metavar="NAME",
        help="Text-search language of the words.  [default: the collection's]",
    ),
    click.option(
        "--fusion",
        type=click.Choice([fusion.value for fusion in Fusion]),
        default=str(DEFAULTS["fusion"]),
        show_default=True,
        help="How both lists become one: reciprocal ranks, those of words counting by how much of "
        "the query a row covers (coverage) or alike (rrf), or scores made comparable by minimum "
        "and maximum, by mean and standard deviation, or by three of them about the mean.",
    ),
    click.option(
        "--rrf-k",
        type=float,
        default=DEFAULT_RRF_K,
        show_default=True,
        help="k of reciprocal rank fusion, above 0 to 1,000: a row's score is the sum of "
        "weight / (k + rank) over both lists.",
    ),
    click.option(
        "--semantic-weight",
        type=float,
        default=DEFAULTS["semantic_weight"],
        show_default=True,
        help="Weight of the list by meaning, 0 to 10.",
    ),
    click.option(
        "--keyword-weight",
        type=float,
        default=DEFAULTS["keyword_weight"],
        show_default=True,
        help="Weight of the list by words, 0 to 10.",
    ),
    click.option(
        "--depth",
        type=int,
        help="Length of each list that is fused.  [default: 100, or twice the limit if more]",
    ),
)


def search_options(function: Function) -> Function:
    """Give a command every knob of a search but mode, limit and what is asked."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def search_request(
    mode: Mode,
    text: str | None,
    knobs: Mapping[str, Any],
    *,
    vector: tuple[float, ...] | None = None,
    **more: Any,
) -> SearchRequest:
    """Build the request of `search_options`; `more` are other fields of it.

    Raises InvalidInput for what is out of range, before a server is asked.
    """
    given: dict[str, Any] = {
        "metric": None if knobs["metric"] is None else Metric(knobs["metric"]),
        "max_distance": knobs["max_distance"],
        "exact": knobs["exact"],
        "ef_search": knobs["ef_search"],
        "probes": knobs["probes"],
        "iterative_scan": IterativeScan(knobs["iterative_scan"]),
        "max_scan_tuples": knobs["max_scan_tuples"],
        "keyword_match": KeywordMatch(knobs["match"]),
        "keyword_rank": KeywordRank(knobs["rank"]),
        "bm25_k1": knobs["bm25_k1"],
        "bm25_b": knobs["bm25_b"],
        "rank_normalization": knobs["rank_normalization"],
        "label_weights": parse_label_weights(knobs["label_weights"]),
        "text_config": knobs["text_config"],
        "fusion": Fusion(knobs["fusion"]),
        "rrf_k": knobs["rrf_k"],
        "semantic_weight": knobs["semantic_weight"],
        "keyword_weight": knobs["keyword_weight"],
        "depth": knobs["depth"],
    }
    filters = parse_filter(knobs["filter_json"])
    return SearchRequest(mode=mode, text=text, vector=vector, filters=filters, **given | more)


def with_defaults(
    request: SearchRequest,
    collection: Collection,
    context: click.Context,
    *,
    fixed: set[str] | None = None,
) -> SearchRequest:
    """Put the collection's search defaults where no option was given, but into `fixed` fields."""
    from pgvista.services.search_defaults import default_request

    given = {
        _FIELD_OF.get(param.name, param.name)
        for param in context.command.params
        if param.name is not None
        and context.get_parameter_source(param.name) is click.core.ParameterSource.COMMANDLINE
    }
    if request.text is None:
        given.add("mode")  # a vector alone is no question of words
    given |= fixed or set()
    fields = default_request(collection)
    return replace(request, **{name: fields[name] for name in fields.keys() - given})
