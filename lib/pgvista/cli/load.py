"""`pgvista load`: a file, standard input or a sample into a collection."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgvista.cli.connection import database_options, open_database
from pgvista.cli.load_plan import (
    Parts,
    Wanted,
    find,
    mapping_dict,
    parse_column,
    plan_file,
)
from pgvista.cli.output import print_json, printable, tell
from pgvista.cli.progress import TerminalReporter, duration, progress_on_stderr
from pgvista.errors import Cancelled, InvalidInput, PgvistaError
from pgvista.io.out_file import check_place, write_file
from pgvista.model.collection import (
    DEFAULT_SCHEMA,
    DEFAULT_TEXT_CONFIG,
    Collection,
    ColumnType,
    NewCollection,
)
from pgvista.model.metric import Metric, VectorType

if TYPE_CHECKING:
    from pgvista.db.database import Database
    from pgvista.io.readers import Source
    from pgvista.model.rows import IngestReport

FORMATS = ("csv", "tsv", "jsonl", "json", "parquet", "txt", "md")
SAMPLES = ("help_centre", "python_reference")
_BAD_ROWS_SHOWN = 5
_BAD_ROWS_IN_JSON = 100


def _chunk(_context: click.Context, _option: click.Parameter, value: str) -> str | int:
    if value in ("auto", "none"):
        return value
    try:
        return int(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not auto, none or a number of tokens.") from None


@click.command("load")
@click.argument("file", required=False)
@click.option(
    "--sample",
    type=click.Choice(SAMPLES),
    help="Load a sample instead of a file, into the collection of its name.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), help="Rows of the sample, spread over its parts."
)
@click.option(
    "--collection",
    "name",
    metavar="NAME",
    help="Where the rows of a file go; it is created when it does not exist.",
)
@click.option("--schema", help=f"Schema of the collection.  [default: {DEFAULT_SCHEMA}]")
@click.option(
    "--model",
    help="Embedding model of a new collection: a name, a folder, openai:NAME or hf:OWNER/NAME.  "
    "[default: all-MiniLM-L6-v2; none when the file has vectors]",
)
@click.option(
    "--dimension",
    type=int,
    help="Length of the vectors of a new collection without a model.  [default: as in the file]",
)
@click.option(
    "--metric",
    type=click.Choice([metric.value for metric in Metric]),
    help=f"Distance of a new collection.  [default: {Metric.COSINE.value}]",
)
@click.option(
    "--vector-type",
    type=click.Choice([kind.value for kind in VectorType]),
    help="Vectors of a new collection in 4 or in 2 bytes a number.  "
    f"[default: {VectorType.VECTOR.value}]",
)
@click.option(
    "--text-config",
    metavar="NAME",
    help="Text-search language of a new collection, as Postgres calls it.  "
    f"[default: {DEFAULT_TEXT_CONFIG}]",
)
@click.option(
    "--column",
    "columns",
    metavar="NAME:TYPE",
    multiple=True,
    help="A column of the file that becomes a structured column of a new collection; may be given "
    f"several times. Types: {', '.join(kind.value for kind in ColumnType)}.",
)
@click.option("--id-column", metavar="NAME", help="The file's column of ids.  [default: guessed]")
@click.option(
    "--content-column", metavar="NAME", help="The file's column of texts.  [default: guessed]"
)
@click.option(
    "--embedding-column", metavar="NAME", help="The file's column of vectors.  [default: guessed]"
)
@click.option(
    "--metadata-column",
    "metadata",
    metavar="NAME",
    multiple=True,
    help="A column kept as metadata; may be given several times.  "
    "[default: all that are nothing else]",
)
@click.option(
    "--chunk",
    metavar="auto|none|N",
    callback=_chunk,
    default="auto",
    show_default=True,
    help="Cut texts longer than the model reads; never; or into N tokens each.",
)
@click.option("--format", "file_format", type=click.Choice(FORMATS), help="[default: found out]")
@click.option("--encoding", metavar="NAME", help="Such as utf-8 or cp1252.  [default: found out]")
@click.option(
    "--delimiter", metavar="CHAR", help="Between the columns of a CSV.  [default: found out]"
)
@click.option(
    "--bad-rows",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the rows that were set aside, with line and reason, to this CSV file.",
)
@database_options
def load_command(
    file: str | None,
    sample: str | None,
    name: str | None,
    as_json: bool,
    url: str | None,
    **options: Any,
) -> None:
    """Load FILE (CSV, TSV, JSONL, JSON, Parquet, TXT, Markdown; - for standard input).

    Rows whose id is there already are replaced, and texts that did not change are not embedded
    again: a load that was stopped goes on when it is started again. Rows that cannot be loaded are
    set aside, and the others go in; the exit status is 2 when none could be.
    """
    if (file is None) == (sample is None):
        raise InvalidInput("Say what to load: either a FILE or --sample NAME.")
    if sample is None and name is None:
        raise InvalidInput("Say where to: --collection NAME.")
    _check_options(click.get_current_context(), sample)
    if options["bad_rows"] is not None:
        check_place(options["bad_rows"])
    wanted = Wanted(
        name=name or "",
        schema=options["schema"],
        model=options["model"],
        dimension=options["dimension"],
        metric=options["metric"],
        vector_type=options["vector_type"],
        text_config=options["text_config"],
        columns=tuple(map(parse_column, options["columns"])),
    )
    with open_database(url) as db:
        if sample is not None:
            collection, report, told = _load_sample(db, sample, options["limit"])
        else:
            parts = Parts(
                options["id_column"],
                options["content_column"],
                options["embedding_column"],
                options["metadata"],
            )
            with _open(file or "-", options) as source:
                collection, report, told = _load_file(db, source, wanted, parts, options["chunk"])
    if options["bad_rows"] is not None:
        from pgvista.services.load import bad_rows_csv

        write_file(options["bad_rows"], bad_rows_csv(report))
    if as_json:
        print_json({"collection": collection} | told | report_dict(report))
    else:
        click.echo(report_text(collection, report))
    _tell_bad_rows(report, options["bad_rows"])
    if report.rejected and not report.written:
        raise click.exceptions.Exit(InvalidInput.exit_code)


Loaded = tuple[str, "IngestReport", dict[str, Any]]
"""Name of the collection, what the load did, and what else JSON tells."""


def _load_file(db: Database, source: Source, wanted: Wanted, parts: Parts, chunk: Any) -> Loaded:
    from pgvista.services.ingest import IngestOptions
    from pgvista.services.load import load_file

    collection, mapping = plan_file(db, wanted, source, parts)
    options = IngestOptions(chunk=chunk)

    def work(reporter: TerminalReporter) -> IngestReport:
        return load_file(
            db, source, mapping, collection=collection, options=options, reporter=reporter
        )

    report = _watched(db, wanted, work)
    told = {"created": isinstance(collection, NewCollection), "mapping": mapping_dict(mapping)}
    return _name(collection), report, told


def _load_sample(db: Database, sample: str, limit: int | None) -> Loaded:
    from pgvista.services.samples import load_sample

    def work(reporter: TerminalReporter) -> IngestReport:
        return load_sample(db, sample, limit=limit, reporter=reporter).report

    return sample, _watched(db, Wanted(sample), work), {"sample": sample}


def _watched(
    db: Database, wanted: Wanted, work: Callable[[TerminalReporter], IngestReport]
) -> IngestReport:
    """Do the work with its progress on standard error; when it is stopped, say what is there."""
    try:
        with progress_on_stderr() as reporter:
            return work(reporter)
    except (Cancelled, KeyboardInterrupt):
        message = "Stopped."
        with suppress(PgvistaError):
            from pgvista.services.rows import count

            found = find(db, wanted)
            if found is not None:
                message = f"Stopped. {found.name} holds {_rows(count(db, found))}."
        raise Cancelled(
            message, "What was committed stays; the same command goes on from there."
        ) from None


def _open(file: str, options: dict[str, Any]) -> Source:
    from pgvista.io.formats import FileFormat
    from pgvista.io.readers import ReadOptions, open_source

    delimiter = options["delimiter"]
    read = ReadOptions(
        format=None if options["file_format"] is None else FileFormat(options["file_format"]),
        encoding=options["encoding"],
        delimiter="\t" if delimiter in ("\\t", "tab") else delimiter,
    )
    if file == "-":
        return open_source(sys.stdin.buffer, name="standard input", options=read)
    return open_source(file, options=read)


def report_dict(report: IngestReport) -> dict[str, Any]:
    """Return a report as JSON takes it, with the first bad rows."""
    return {
        "read": report.read,
        "written": report.written,
        "embedded": report.embedded,
        "unchanged": report.unchanged,
        "rejected": report.rejected,
        "bad_rows": [
            {"line": bad.line, "reason": bad.reason, "row": bad.raw}
            for bad in report.bad_rows[:_BAD_ROWS_IN_JSON]
        ],
        "seconds": round(report.seconds, 3),
    }


def report_text(collection: str, report: IngestReport) -> str:
    """Say what a load did."""
    text = f"Loaded {_rows(report.written)} into {printable(collection)}"
    if report.written != report.read - report.rejected:
        text += f" from {report.read:,} read"
    text += f" in {duration(report.seconds)}"
    if report.embedded:
        text += f"; {report.embedded:,} {'text' if report.embedded == 1 else 'texts'} embedded"
    if report.unchanged:
        text += f"; {report.unchanged:,} unchanged"
    return f"{text}."


def _tell_bad_rows(report: IngestReport, file: Path | None) -> None:
    if not report.rejected:
        return
    tell(f"{_rows(report.rejected)} set aside:")
    for bad in report.bad_rows[:_BAD_ROWS_SHOWN]:
        tell(f"  line {bad.line}: {bad.reason}")
    if report.rejected > _BAD_ROWS_SHOWN:
        tell(f"  and {report.rejected - _BAD_ROWS_SHOWN:,} more.")
    tell(f"They are in {file}." if file is not None else "--bad-rows FILE writes them to a file.")


def _check_options(context: click.Context, sample: str | None) -> None:
    """Refuse options that belong to a file when a sample is loaded, and the other way round."""
    given = {
        option.name: option.opts[0]
        for option in context.command.params
        if option.name is not None
        and context.get_parameter_source(option.name) is click.core.ParameterSource.COMMANDLINE
    }
    if sample is None:
        foreign = given.keys() & {"limit"}
    else:
        foreign = given.keys() - {"sample", "limit", "bad_rows", "as_json", "url"}
    if foreign:
        option = min(given[name] for name in foreign)
        raise InvalidInput(
            f"{option} does not go with {'a file' if sample is None else '--sample'}.",
            "Leave it out.",
        )


def _name(collection: Collection | NewCollection) -> str:
    if isinstance(collection, Collection):
        return collection.name
    table, schema = collection.table, collection.schema
    return table if schema == DEFAULT_SCHEMA else f"{schema}.{table}"


def _rows(number: int) -> str:
    return f"{number:,} {'row' if number == 1 else 'rows'}"
