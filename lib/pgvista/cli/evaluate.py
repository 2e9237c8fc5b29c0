"""`pgvista evaluate`: how well searches answer judged queries, and which setting is best."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgvista.cli.connection import database_options, open_database
from pgvista.cli.output import cut, print_json, printable, table, tell, width
from pgvista.cli.progress import progress_on_stderr
from pgvista.cli.search_options import search_options, search_request, with_defaults
from pgvista.errors import InvalidInput
from pgvista.io.out_file import check_place, write_file
from pgvista.model.evaluation import DEFAULT_MEASURES
from pgvista.model.evaluation_grid import GRID_MEASURES, Decision, GridSpec
from pgvista.model.search import Mode

if TYPE_CHECKING:
    from pgvista.db.database import Database
    from pgvista.model.collection import Collection
    from pgvista.model.evaluation import Evaluation, QuerySet, SettingEvaluation
    from pgvista.model.evaluation_grid import Grid, GridCell
    from pgvista.model.search import SearchRequest

_ALL = "all"
SAMPLE = "sample"
"""Name of the set that comes with the help centre."""
_WORST_SHOWN = 20
_BEST_SHOWN = 10


@click.command("evaluate")
@click.argument("collection")
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    help="File of queries: JSONL with id and text, or two columns of TSV or CSV.",
)
@click.option(
    "--qrels",
    type=click.Path(path_type=Path),
    help="File of judgments: query, document and grade as TSV, CSV or JSONL, or TREC's qrels.",
)
@click.option(
    "--set",
    "set_name",
    metavar="NAME",
    help=f"A query set saved in the database instead of files; {SAMPLE!r} is that of the help "
    "centre.",
)
@click.option(
    "--save", metavar="NAME", help="Save the queries and judgments of the files as a query set."
)
@click.option(
    "--mode",
    "modes",
    type=click.Choice([*(mode.value for mode in Mode), _ALL]),
    multiple=True,
    help="By meaning, by words, or by both; may be given again.  [default: hybrid]",
)
@click.option(
    "--measure",
    "measures",
    metavar="NAME",
    multiple=True,
    help="A measure as ir-measures calls it, e.g. nDCG@10; may be given again.  "
    f"[default: {', '.join(DEFAULT_MEASURES)}]",
)
@click.option(
    "--per-query",
    is_flag=True,
    help="Also print each query: the worst first, or the greatest losses of the first mode "
    "against the second.",
)
@click.option(
    "--run",
    "run_file",
    type=click.Path(path_type=Path),
    help="Write the rankings as a TREC run; of several modes, each into a file of its own.",
)
@click.option(
    "--grid",
    is_flag=True,
    help="Try fusions, k, weights and rankings against the setting given, and decide on queries "
    "held out.",
)
@click.option(
    "--grid-measure",
    type=click.Choice(GRID_MEASURES),
    default=GRID_MEASURES[0],
    show_default=True,
    help="What the grid is judged by.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the halves that the grid uses."
)
@click.option(
    "--set-default",
    is_flag=True,
    help="Make the winner of the grid the collection's default, if it is better.",
)
@search_options
@database_options
def evaluate_command(
    collection: str,
    queries: Path | None,
    qrels: Path | None,
    set_name: str | None,
    save: str | None,
    modes: tuple[str, ...],
    measures: tuple[str, ...],
    per_query: bool,
    run_file: Path | None,
    grid: bool,
    grid_measure: str,
    seed: int,
    set_default: bool,
    as_json: bool,
    url: str | None,
    **knobs: Any,
) -> None:
    """Measure how well searches of COLLECTION answer judged queries.

    An option left out is the collection's own default, where one was chosen, else the one told here.
    """
    from pgvista.services.collections import open_collection
    from pgvista.services.evaluate import evaluate
    from pgvista.services.judgments import save_query_set

    _check_sources(queries, qrels, set_name, save)
    if seed < 0:
        raise InvalidInput(f"The seed is {seed}, but it takes a whole number from 0.")
    if set_default and not grid:
        raise InvalidInput("--set-default needs --grid, which finds the winner.", "Add --grid.")
    chosen = _modes(modes)
    if grid and len(chosen) > 1:
        raise InvalidInput(
            "The grid is compared with one present setting, but several modes are given.",
            "Give --mode once.",
        )
    settings = {
        mode.value: search_request(mode, "query", knobs, highlight=False) for mode in chosen
    }
    query_set = None if queries is None or qrels is None else _files(queries, qrels)
    runs = _run_files(run_file, chosen)
    with open_database(url) as db:
        info = open_collection(db, collection)
        query_set = query_set or _saved(db, info, set_name or "")
        if save is not None:
            save_query_set(db, info, _named(query_set, save), replace_existing=True)
        context = click.get_current_context()
        fixed = {"mode"} if modes else set()
        asked = [
            with_defaults(request, info, context, fixed=fixed) for request in settings.values()
        ]
        settings = {request.mode.value: request for request in asked}
        if grid:
            _grid(
                db,
                info,
                query_set,
                asked[0],
                grid_measure,
                seed,
                set_default,
                as_json,
            )
            return
        with progress_on_stderr() as reporter:
            found = evaluate(
                db,
                info,
                query_set,
                settings,
                measures=measures or DEFAULT_MEASURES,
                reporter=reporter,
            )
    _write_runs(found, runs)
    if as_json:
        print_json(evaluation_dict(found, per_query=per_query))
        return
    click.echo(measures_table(found))
    if per_query:
        click.echo()
        click.echo(queries_table(found))
    _tell(found)


def evaluation_dict(found: Evaluation, *, per_query: bool) -> dict[str, Any]:
    """Return an evaluation as JSON takes it; of one mode, its figures stand at the top."""
    told = found.to_dict()
    settings = told.pop("settings")
    if per_query:
        for setting in found.settings:
            settings[setting.name]["by_query"] = [
                {
                    "id": outcome.query.id,
                    "query": outcome.query.text,
                    "measures": {name: round(v, 6) for name, v in outcome.measures.items()},
                    "database_ms": round(outcome.database_ms, 3),
                    "problem": outcome.problem,
                }
                for outcome in setting.outcomes
            ]
    if len(settings) > 1:
        return told | {"modes": settings}
    ((mode, only),) = settings.items()
    top: dict[str, Any] = {"mode": mode} | only | told
    return top


def measures_table(found: Evaluation) -> str:
    """Return a line a mode: its measures, then its times."""
    names = list(found.settings[0].measures)
    rows = [
        [
            setting.name,
            *(f"{setting.measures[name]:.4f}" for name in names),
            f"{setting.p50_ms:.1f}",
            f"{setting.p95_ms:.1f}",
        ]
        for setting in found.settings
    ]
    header = ["mode", *names, "p50 ms", "p95 ms"]
    return table(header, rows, right=frozenset(range(1, len(header))))


def queries_table(found: Evaluation) -> str:
    """Return the worst queries, or those that lose most against the second mode."""
    measure = next(iter(found.settings[0].measures))
    rows = found.by_query(measure)[:_WORST_SHOWN]
    several = len(found.settings) > 1
    names = [setting.name for setting in found.settings[:2]]
    header = [*names, "difference"] if several else [measure]
    body = [
        [
            *(
                [f"{r.after:.4f}", f"{r.before:.4f}", f"{r.gain:+.4f}"]
                if several
                else [f"{r.after:.4f}"]
            ),
            cut(printable(r.query.id), 16),
            cut(printable(r.query.text), max(20, width() - 55)),
        ]
        for r in rows
    ]
    count = len(header)
    return table([*header, "id", "query"], body, right=frozenset(range(count)))


def grid_lines(grid: Grid) -> Iterator[str]:
    """Yield both single lists, the best fusions, the present setting, and the decision."""
    best = sorted(grid.cells, key=lambda cell: -cell.tuning)[:_BEST_SHOWN]
    header = ["setting", "tuning half", "held-out half", "all"]
    rows = [_row(cell, "") for cell in grid.singles]
    rows += [_row(cell, "") for cell in best]
    rows.append(_row(grid.present, "present: "))
    yield (
        f"{grid.measure}; {len(grid.cells):,} fusions tried, the best {len(best)} of them between the "
        "single lists and the present setting:"
    )
    yield table(header, rows, right=frozenset({1, 2, 3}))
    yield ""
    yield grid.sentence


def _row(cell: GridCell, lead: str) -> list[str]:
    figures = (cell.tuning, cell.held_out, cell.all)
    return [lead + cell.setting.label, *(f"{value:.4f}" for value in figures)]


def _grid(
    db: Database,
    info: Collection,
    query_set: QuerySet,
    present: SearchRequest,
    measure: str,
    seed: int,
    set_default: bool,
    as_json: bool,
) -> None:
    from pgvista.services.evaluate_grid import evaluate_grid
    from pgvista.services.search_defaults import set_search_defaults

    spec = GridSpec(measure=measure, seed=seed)
    with progress_on_stderr() as reporter:
        grid = evaluate_grid(db, info, query_set, present, spec, reporter=reporter)
    taken = set_default and grid.decision is Decision.TAKE
    if taken:
        fields = dict(info.search_defaults) | grid.best.setting.fields()
        set_search_defaults(db, info, fields)
    if as_json:
        print_json({"collection": info.name} | grid.to_dict() | {"default_set": taken})
    else:
        for line in grid_lines(grid):
            click.echo(line)
    for note in grid.notes:
        tell(note)
    if taken:
        tell(f"Searches of {info.name} now begin with {grid.best.setting.label}.")
    elif set_default:
        tell("The collection's default was left as it is.")


def _tell(found: Evaluation) -> None:
    for note in found.notes:
        tell(note)
    for setting in found.settings:
        _tell_problems(setting)
    count = "1 query" if found.queries == 1 else f"{found.queries:,} queries"
    embedding = f"; {found.embedding_ms:.0f} ms to embed one" if found.embedding_ms else ""
    tell(f"{count} measured on {found.query_set}{embedding}.")


def _tell_problems(setting: SettingEvaluation) -> None:
    problems: dict[str, list[str]] = {}
    for outcome in setting.outcomes:
        if outcome.problem:
            problems.setdefault(outcome.problem, []).append(outcome.query.id)
    for problem, ids in problems.items():
        which = f"query {ids[0]}" if len(ids) == 1 else f"{len(ids):,} queries, such as {ids[0]}"
        tell(f"{setting.name}, {which}: {problem}")


def _modes(given: tuple[str, ...]) -> list[Mode]:
    if _ALL in given:
        return list(Mode)
    return [Mode(mode) for mode in dict.fromkeys(given)] or [Mode.HYBRID]


def _check_sources(
    queries: Path | None, qrels: Path | None, set_name: str | None, save: str | None
) -> None:
    if set_name is not None and (queries or qrels):
        raise InvalidInput(
            "--set does not go with --queries and --qrels.", "Give files, or a saved set."
        )
    if set_name is None and (queries is None or qrels is None):
        missing = "--queries" if queries is None else "--qrels"
        raise InvalidInput(
            f"{missing} is missing.",
            f"Give --queries and --qrels, or --set NAME ({SAMPLE!r} for the help centre).",
        )
    if save is not None and set_name is not None:
        raise InvalidInput("--save needs files; the set is saved already.", "Leave --save out.")


def _files(queries: Path, qrels: Path) -> QuerySet:
    from pgvista.io.judgments import read_judgments, read_queries
    from pgvista.services.judgments import uploaded_query_set

    return uploaded_query_set(
        queries.stem or "queries", read_queries(queries), read_judgments(qrels)
    )


def _saved(db: Database, info: Collection, name: str) -> QuerySet:
    from pgvista.services.judgments import find_query_set, sample_query_set

    return sample_query_set() if name == SAMPLE else find_query_set(db, info, name)


def _named(query_set: QuerySet, name: str) -> QuerySet:
    from dataclasses import replace

    return replace(query_set, name=name)


def _run_files(file: Path | None, modes: list[Mode]) -> list[Path]:
    """Return where each mode's run goes, and see now that it can be written."""
    if file is None:
        return []
    several = len(modes) > 1
    files = [
        file.with_name(f"{file.stem}.{mode}{file.suffix}") if several else file for mode in modes
    ]
    for path in files:
        check_place(path)
    return files


def _write_runs(found: Evaluation, files: list[Path]) -> None:
    from pgvista.io.judgments import trec_run

    for setting, file in zip(found.settings, files, strict=False):
        rankings = [(outcome.query.id, outcome.ranking) for outcome in setting.outcomes]
        write_file(file, trec_run(rankings, f"pgvista-{setting.name}"))
