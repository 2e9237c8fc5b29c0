"""`pgvista search`: the three modes with all their knobs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import click

from pgvista.cli.connection import database_options, open_database
from pgvista.cli.output import cells, cut, print_json, printable, tell, width
from pgvista.errors import InvalidInput
from pgvista.model.filters import parse_filter
from pgvista.model.metric import Metric
from pgvista.model.search import (
    DEFAULT_EF_SEARCH,
    DEFAULT_PROBES,
    DEFAULT_RRF_K,
    IterativeScan,
    KeywordMatch,
    KeywordRank,
    Mode,
    SearchRequest,
)

if TYPE_CHECKING:
    from pgvista.model.search import Hit, Plan, SearchResult, Span

_DEFAULTS = {field.name: field.default for field in fields(SearchRequest)}
_TITLES = ("title", "name", "headline", "subject")
_SNIPPET_LINES = 3


@click.command("search")
@click.argument("collection")
@click.argument("words", nargs=-1)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    help="By meaning, by words, or by both.  [default: hybrid; semantic with --vector]",
)
@click.option(
    "--limit", type=int, default=_DEFAULTS["limit"], show_default=True, help="Hits wanted."
)
@click.option(
    "--filter",
    "filter_json",
    metavar="JSON",
    help='Rows to search, e.g. {"year": {"$gte": 1970}, "lang": "de"}.',
)
@click.option(
    "--vector", metavar="JSON", help="A query vector instead of words, e.g. [0.1, 0.2, 0.3]."
)
@click.option(
    "--metric",
    type=click.Choice([metric.value for metric in Metric]),
    help="Distance to rank by.  [default: the collection's]",
)
@click.option("--max-distance", type=float, help="Leave out rows farther than this.")
@click.option("--exact", is_flag=True, help="Compare with every row; use no vector index.")
@click.option(
    "--ef-search",
    type=int,
    help="HNSW's candidate list, 1 to 1,000: more finds more and takes longer.  "
    f"[default: the rows asked for, at least {DEFAULT_EF_SEARCH}]",
)
@click.option(
    "--probes",
    type=int,
    help=f"IVFFlat's lists to visit, 1 to 32,768.  [default: the server's, {DEFAULT_PROBES}]",
)
@click.option(
    "--iterative-scan",
    type=click.Choice([scan.value for scan in IterativeScan]),
    default=IterativeScan.OFF.value,
    show_default=True,
    help="Let an index go on looking when a filter left too few rows.",
)
@click.option(
    "--max-scan-tuples",
    type=int,
    help="Where an iterative HNSW scan gives up, in rows.  [default: the server's, 20,000]",
)
@click.option(
    "--match",
    type=click.Choice([match.value for match in KeywordMatch]),
    default=KeywordMatch.ANY_WORD.value,
    show_default=True,
    help='Rows with any of the words; or with all, where "phrases", or and -not have a meaning.',
)
@click.option(
    "--rank",
    type=click.Choice([rank.value for rank in KeywordRank]),
    default=KeywordRank.TS_RANK.value,
    show_default=True,
    help="Postgres' function that orders the rows found by words.",
)
@click.option(
    "--text-config",
    metavar="NAME",
    help="Text-search language of the words.  [default: the collection's]",
)
@click.option(
    "--rrf-k",
    type=float,
    default=DEFAULT_RRF_K,
    show_default=True,
    help="k of reciprocal rank fusion, above 0 to 1,000: a row's score is the sum of "
    "weight / (k + rank) over both lists.",
)
@click.option(
    "--semantic-weight",
    type=float,
    default=_DEFAULTS["semantic_weight"],
    show_default=True,
    help="Weight of the list by meaning, 0 to 10.",
)
@click.option(
    "--keyword-weight",
    type=float,
    default=_DEFAULTS["keyword_weight"],
    show_default=True,
    help="Weight of the list by words, 0 to 10.",
)
@click.option(
    "--depth",
    type=int,
    help="Length of each list that is fused.  [default: 100, or twice the limit if more]",
)
@click.option("--explain", is_flag=True, help="Measure the query, and show its SQL and its plan.")
@database_options
def search_command(
    collection: str,
    words: tuple[str, ...],
    explain: bool,
    as_json: bool,
    url: str | None,
    **knobs: Any,
) -> None:
    """Search COLLECTION (a name, or schema.table) by WORDS."""
    from pgvista.io.vectors import parse_vector
    from pgvista.services.collections import open_collection
    from pgvista.services.search import search

    text = " ".join(words)
    vector: str | None = knobs.pop("vector")
    if not text.strip() and vector is None:
        raise InvalidInput("The query is empty.", "Type words, or give a vector with --vector.")
    check = _request(text, None if vector is None else (0.0,), knobs)
    with open_database(url) as db:
        info = open_collection(db, collection)
        values = None
        if vector is not None:
            values = tuple(parse_vector(vector, info.dimension).tolist())
        request = check if values is None else _request(text, values, knobs)
        result = search(db, info, request, plan="analyze" if explain else "none")
    if as_json:
        print_json(
            {
                "collection": info.name,
                "mode": request.mode.value,
                **result.to_dict(),
                **({"plan": plan_dict(result.plan)} if result.plan else {}),
            }
        )
        return
    for line in hit_lines(result.hits, request.mode, width()):
        click.echo(line)
    if not result.hits:
        tell("Nothing was found.")
    if result.plan is not None:
        click.echo(f"\n{result.sql}\n")
        for line in plan_lines(result.plan):
            click.echo(line)
    for note in result.notes:
        tell(note)
    tell(summary(result))


def _request(text: str, vector: tuple[float, ...] | None, knobs: dict[str, Any]) -> SearchRequest:
    """Build the request; what is out of range is refused before a server is asked."""
    mode = knobs["mode"] or (Mode.HYBRID if text.strip() else Mode.SEMANTIC)
    return SearchRequest(
        mode=Mode(mode),
        text=text or None,
        vector=vector,
        limit=knobs["limit"],
        filters=parse_filter(knobs["filter_json"]),
        metric=None if knobs["metric"] is None else Metric(knobs["metric"]),
        max_distance=knobs["max_distance"],
        exact=knobs["exact"],
        ef_search=knobs["ef_search"],
        probes=knobs["probes"],
        iterative_scan=IterativeScan(knobs["iterative_scan"]),
        max_scan_tuples=knobs["max_scan_tuples"],
        keyword_match=KeywordMatch(knobs["match"]),
        keyword_rank=KeywordRank(knobs["rank"]),
        text_config=knobs["text_config"],
        rrf_k=knobs["rrf_k"],
        semantic_weight=knobs["semantic_weight"],
        keyword_weight=knobs["keyword_weight"],
        depth=knobs["depth"],
    )


def hit_lines(hits: tuple[Hit, ...], mode: Mode, columns: int) -> Iterator[str]:
    """Yield a line for each hit, with score, ranks, id and title, and lines of its text."""
    if not hits:
        return
    number_width = len(str(len(hits)))
    scores = [f"{hit.score:.4f}" for hit in hits]
    score_width = max(map(len, scores))
    names = [cut(printable(hit.id), columns // 3) for hit in hits]
    name_width = max(map(cells, names))
    for number, (hit, score, name) in enumerate(zip(hits, scores, names, strict=True), 1):
        start = f"{number:>{number_width}}  {score:>{score_width}}  "
        if mode is Mode.HYBRID:
            start += f"{_rank('meaning', hit.semantic_rank)} {_rank('words', hit.keyword_rank)}  "
        title = next((str(hit.metadata[key]) for key in _TITLES if hit.metadata.get(key)), "")
        if not title:
            title = next((str(hit.columns[key]) for key in _TITLES if hit.columns.get(key)), "")
        padding = " " * (name_width - cells(name))
        room = max(10, columns - cells(start) - name_width - 2)
        yield (
            start + click.style(name, bold=True) + padding + "  " + cut(printable(title), room)
        ).rstrip()
        indent = " " * (number_width + 2)
        yield from (indent + line for line in _wrapped(hit.snippet, columns - len(indent)))


def _rank(what: str, rank: int | None) -> str:
    return f"{what} {'–' if rank is None else rank:>4}"


def _wrapped(snippet: tuple[Span, ...], columns: int) -> list[str]:
    """Wrap a snippet into a few lines, matched words bold; marks never count as width."""
    text = "".join(printable(span.text) for span in snippet).rstrip()
    marked = [span.marked for span in snippet for _ in printable(span.text)]
    kept = textwrap.wrap(
        text, columns, max_lines=_SNIPPET_LINES, placeholder=" …", break_on_hyphens=False
    )
    lines, place = [], 0
    for line in kept:
        styled, run, bold = "", "", False
        for char in line:
            found = text.find(char, place)
            # wrapping only drops white space: what it adds is the placeholder at the very end
            is_bold = found >= 0 and marked[found]
            if found >= 0:
                place = found + 1
            if is_bold is not bold:
                styled += click.style(run, bold=True) if bold else run
                run, bold = "", is_bold
            run += char
        lines.append(styled + (click.style(run, bold=True) if bold else run))
    return lines


def summary(result: SearchResult) -> str:
    """Say how many were found and where the time went."""
    count = len(result.hits)
    stages = ", ".join(
        f"{stage} {value:.0f} ms" for stage, value in result.timings_ms.items() if stage != "total"
    )
    hits = "1 hit" if count == 1 else f"{count} hits"
    return f"{hits} in {result.timings_ms['total']:.0f} ms ({stages})."


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the plan in plain words, then step by step."""
    yield from plan.summary
    yield ""
    for node in plan.nodes:
        figures = [f"{node.actual_rows or 0:,.0f} rows"] if node.actual_rows is not None else []
        if node.time_ms is not None:
            figures.append(f"{node.time_ms:.2f} ms")
        yield f"{'  ' * node.depth}{printable(node.title)}  ({', '.join(figures)})"


def plan_dict(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON takes it."""
    found = asdict(plan)
    found.pop("text")
    return found
