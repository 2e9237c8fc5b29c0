"""`pgvista search`: the three modes with all their knobs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from pgvista.cli.connection import database_options, open_database
from pgvista.cli.output import cells, cut, print_json, printable, tell, width
from pgvista.cli.search_options import DEFAULTS, search_options, search_request, with_defaults
from pgvista.errors import InvalidInput
from pgvista.model.search import Mode

if TYPE_CHECKING:
    from pgvista.model.search import Hit, Plan, SearchResult, Span

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
    "--limit", type=int, default=DEFAULTS["limit"], show_default=True, help="Hits wanted."
)
@click.option(
    "--vector", metavar="JSON", help="A query vector instead of words, e.g. [0.1, 0.2, 0.3]."
)
@search_options
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
    """Search COLLECTION (a name, or schema.table) by WORDS.

    An option left out is the collection's own default, where one was chosen, else the one told here.
    """
    from pgvista.io.vectors import parse_vector
    from pgvista.services.collections import open_collection
    from pgvista.services.search import search

    text = " ".join(words)
    vector: str | None = knobs.pop("vector")
    if not text.strip() and vector is None:
        raise InvalidInput("The query is empty.", "Type words, or give a vector with --vector.")
    chosen: str | None = knobs.pop("mode")
    limit: int = knobs.pop("limit")
    mode = Mode(chosen or (Mode.HYBRID if text.strip() else Mode.SEMANTIC))
    placeholder = None if vector is None else (0.0,)
    check = search_request(mode, text or None, knobs, vector=placeholder, limit=limit)
    with open_database(url) as db:
        info = open_collection(db, collection)
        request = with_defaults(check, info, click.get_current_context())
        if vector is not None:
            request = replace(request, vector=tuple(parse_vector(vector, info.dimension).tolist()))
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
