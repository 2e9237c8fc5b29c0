"""`pgvista tune`: recall against latency over the settings of vector indexes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgvista.cli.connection import database_options, open_database
from pgvista.cli.filter_text import FILTER_TEXT
from pgvista.cli.output import print_json, printable, table, tell
from pgvista.cli.progress import progress_on_stderr
from pgvista.errors import InvalidInput
from pgvista.io.out_file import check_place, write_file
from pgvista.model.search import IterativeScan
from pgvista.model.sweep import DEFAULT_CONNECTIONS, SweepPoint

if TYPE_CHECKING:
    from pgvista.model.sweep import SweepResult
    from pgvista.services.tune import Tuning

_NONE = "none"
_REPORTS = (".md", ".csv", ".json")


class _Numbers(click.ParamType[tuple[Any, ...]]):
    """Numbers with commas between them; `none` for an empty list where that is allowed."""

    def __init__(self, kind: Callable[[str], Any], name: str, *, empty: bool = False) -> None:
        self._kind = kind
        self.name = name
        self._empty = empty

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        if isinstance(value, tuple):
            return value
        if self._empty and value.strip().lower() == _NONE:
            return ()
        try:
            return tuple(self._kind(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of numbers such as 20,40,80.", param, ctx)


@click.command("tune")
@click.argument("collection")
@click.option(
    "--limit", type=int, default=10, show_default=True, help="k: rows wanted, 1 to 1,000."
)
@click.option(
    "--queries",
    type=int,
    default=200,
    show_default=True,
    help="Rows drawn as queries, each left out of its own answer.",
)
@click.option(
    "--recall", type=float, default=0.95, show_default=True, help="Recall to reach, 0 to 1."
)
@click.option(
    "--p95",
    "p95_ms",
    type=float,
    default=20.0,
    show_default=True,
    help="p95 to stay under, in milliseconds; 0 for any.",
)
@click.option(
    "--index", "indexes", multiple=True, metavar="NAME",
    help="An index to measure; may be given again.  [default: all vector indexes]",
)  # fmt: skip
@click.option(
    "--ef-search", type=_Numbers(int, "NUMBERS"), help="HNSW: values to try, e.g. 20,40,80."
)
@click.option(
    "--probes", type=_Numbers(int, "NUMBERS"), help="IVFFlat: values to try, e.g. 1,4,16."
)
@click.option(
    "--iterative-scan",
    "iterative_scans",
    type=click.Choice([item.value for item in IterativeScan]),
    multiple=True,
    help="May be given again.  [default: off, and under filters all three]",
)
@click.option("--max-scan-tuples", type=int, help="Where an iterative HNSW scan gives up, in rows.")
@click.option(
    "--oversample",
    type=_Numbers(float, "NUMBERS"),
    help="Indexes on bits or leading dimensions: candidates for each row wanted, e.g. 1,4,10.",
)
@click.option(
    "--selectivity",
    "selectivities",
    type=_Numbers(float, "SHARES"),
    default=(),
    help="Also under filters that let through these shares of the rows, e.g. 0.5,0.1,0.01,0.001.",
)
@click.option(
    "--filter", "filters", multiple=True, type=FILTER_TEXT,
    help="Also under this filter; may be given again.",
)  # fmt: skip
@click.option(
    "--connections",
    type=_Numbers(int, "NUMBERS", empty=True),
    default=DEFAULT_CONNECTIONS,
    help=f"Throughput with so many connections, or {_NONE}.  "
    f"[default: {','.join(map(str, DEFAULT_CONNECTIONS))}]",
)
@click.option(
    "--throughput-seconds",
    "throughput_s",
    type=float,
    default=0.5,
    show_default=True,
    help="How long each throughput is measured.",
)
@click.option(
    "--rounds", type=int, default=1, show_default=True, help="How often each query is asked."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the rows drawn, and of the order."
)
@click.option(
    "--truth",
    type=click.Choice(["auto", "server", "transfer"]),
    default="auto",
    show_default=True,
    help="Find the exact truth by exact scans, or here after the vectors were transferred once.",
)
@click.option(
    "--save/--no-save", default=True, show_default=True, help="Keep the sweep in the database."
)
@click.option(
    "--report",
    "reports",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Write a report, by the ending of its name: .md, .csv or .json; may be given again.",
)
@database_options
def tune_command(
    collection: str, reports: tuple[Path, ...], p95_ms: float, as_json: bool, url: str | None,
    **options: Any,
) -> None:  # fmt: skip
    """Measure recall and latency of COLLECTION's indexes, and recommend a setting."""
    from pgvista.services.collections import open_collection
    from pgvista.services.tune import tune

    for path in reports:
        _check_report(path)
    for name in ("indexes", "iterative_scans"):
        options[name] = options[name] or None
    with open_database(url) as db:
        info = open_collection(db, collection)
        with progress_on_stderr() as reporter:
            found = tune(db, info, p95_ms=p95_ms or None, reporter=reporter, **options)
    for path in reports:
        _write_report(path, found)
    if as_json:
        print_json(found.to_dict())
    else:
        click.echo(points_table(found.result))
        click.echo()
        for item in found.recommendations:
            click.echo(click.style(printable(item.sentence), bold=True))
            for reason in item.reasons:
                click.echo(printable(reason))
            if item.sql:
                click.echo(item.sql.rstrip())
    for note in (*found.result.notes, *found.notes):
        tell(note)


def points_table(result: SweepResult) -> str:
    """Return a line a point, the front marked."""
    from pgvista.services.recommend import front

    counts = sorted({count for point in result.points for count in point.qps})
    several = len(result.indexes) > 1
    header = [
        "rows",
        *(["index"] if several else []),
        "setting",
        "recall",
        "95 % interval",
        "fewer",
    ]
    header += ["p50 ms", "p95 ms", "p99 ms", *(f"QPS {count}" for count in counts), "front"]
    rows = []
    for case in result.cases:
        points = result.of_case(case.name)
        best = front(points)
        rows += [
            [
                printable(case.name),
                *([printable(point.setting.index or "")] if several else []),
                point.setting.knob + ("" if point.as_asked else " (not used)"),
                *_figures(point),
                *(f"{point.qps[n]:,.0f}" if n in point.qps else "" for n in counts),
                "*" if point in best else "",
            ]
            for point in points
        ]
    first = 3 if several else 2
    return table(header, rows, right=frozenset(range(first, len(header) - 1)))


def _figures(point: SweepPoint) -> list[str]:
    return [
        f"{point.recall:.4f}",
        f"{point.recall_low:.3f} to {point.recall_high:.3f}",
        str(point.fewer),
        f"{point.p50_ms:.2f}",
        f"{point.p95_ms:.2f}",
        "" if point.p99_ms is None else f"{point.p99_ms:.2f}",
    ]


def _check_report(path: Path) -> None:
    if path.suffix.lower() not in _REPORTS:
        raise InvalidInput(
            f"The report {str(path)!r} ends in none of {', '.join(_REPORTS)}.",
            "The ending says what is written.",
        )
    check_place(path)


def _write_report(path: Path, found: Tuning) -> None:
    from pgvista.services.sweep_report import to_json

    kind = path.suffix.lower()
    if kind == ".json":
        text = to_json(found.result, found.target)
    else:
        text = found.to_csv() if kind == ".csv" else found.to_markdown()
    write_file(path, text.encode())
