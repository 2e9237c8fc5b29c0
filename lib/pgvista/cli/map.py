"""`pgvista map`: lay a collection out in two dimensions, keep the map, and write it as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgvista.cli.connection import database_options, open_database
from pgvista.cli.filter_text import FILTER_TEXT
from pgvista.cli.output import print_json, tell
from pgvista.cli.progress import duration, progress_on_stderr
from pgvista.errors import InvalidInput
from pgvista.io.out_file import check_place, write_file
from pgvista.model.filters import parse_filter
from pgvista.model.map_spec import (
    DEFAULT_MIN_DIST,
    DEFAULT_NEIGHBORS,
    DEFAULT_SAMPLE,
    MapMethod,
    MapSpec,
)

if TYPE_CHECKING:
    from pgvista.db.database import Database
    from pgvista.model.collection import Collection
    from pgvista.model.map import SavedMap


@click.command("map")
@click.argument("collection")
@click.option(
    "--out",
    metavar="FILE",
    help="Where to write the map: .html (one page that loads nothing from outside), .svg or "
    ".parquet. Without it the map is kept in the database alone.",
)
@click.option(
    "--method",
    type=click.Choice([method.value for method in MapMethod]),
    default=MapMethod.UMAP.value,
    show_default=True,
    help="How vectors become points.",
)
@click.option(
    "--sample",
    type=int,
    default=DEFAULT_SAMPLE,
    show_default=True,
    help="At most so many rows, drawn at random by the seed.",
)
@click.option("--all", "all_rows", is_flag=True, help="All rows, as far as memory holds them.")
@click.option("--filter", "filter_json", type=FILTER_TEXT, help="Only rows that meet it.")
@click.option(
    "--n-neighbors",
    type=int,
    default=DEFAULT_NEIGHBORS,
    show_default=True,
    help="UMAP: neighbours that hold a point, 2 to 200. t-SNE: its perplexity.",
)
@click.option(
    "--min-dist",
    type=float,
    default=DEFAULT_MIN_DIST,
    show_default=True,
    help="UMAP: how near points may lie to each other, 0 to 0.99.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The same seed makes the same map."
)
@click.option("--name", default="", help="What to call the map.")
@click.option(
    "--colour-by",
    "--color-by",
    "colour_by",
    metavar="KEY",
    help="A column or a key of the metadata.  [default: clusters]",
)
@click.option("--no-texts", is_flag=True, help="Leave the rows' texts out of the file.")
@click.option("--no-save", is_flag=True, help="Do not keep the map in the database.")
@click.option(
    "--saved",
    is_flag=True,
    help="Write the newest map of the database, and make none. Options of making are ignored.",
)
@database_options
def map_command(
    collection: str,
    out: str | None,
    colour_by: str | None,
    no_texts: bool,
    no_save: bool,
    saved: bool,
    as_json: bool,
    url: str | None,
    **options: Any,
) -> None:
    """Make a map of COLLECTION, a point for each row, and measure what it keeps."""
    from pgvista.services.collections import open_collection
    from pgvista.services.map_files import check_format, map_file

    spec = _spec(options)
    if out is not None:
        check_format(out)
        check_place(Path(out))
    elif no_save:
        raise InvalidInput(
            "The map would be neither kept nor written.", "Give --out, or leave --no-save out."
        )
    with open_database(url) as db:
        info = open_collection(db, collection)
        found = _opened(db, info) if saved else _made(db, info, spec, save=not no_save)
        if out is not None:
            written = map_file(db, info, found, out, colour_by=colour_by, texts=not no_texts)
            write_file(Path(out), written)
    if as_json:
        print_json(_told(info.name, found, out))
        return
    _tell(found, out)


def _spec(options: dict[str, Any]) -> MapSpec:
    return MapSpec(
        method=MapMethod(options["method"]),
        sample=None if options["all_rows"] else options["sample"],
        filters=parse_filter(options["filter_json"]),
        n_neighbors=options["n_neighbors"],
        min_dist=options["min_dist"],
        seed=options["seed"],
        name=options["name"],
    )


def _made(db: Database, info: Collection, spec: MapSpec, *, save: bool) -> SavedMap:
    from pgvista.services.map import make_map

    with progress_on_stderr() as reporter:
        return make_map(db, info, spec, reporter=reporter, save=save)


def _opened(db: Database, info: Collection) -> SavedMap:
    from pgvista.model.map import Freshness
    from pgvista.services.map_store import open_map
    from pgvista.services.map_update import state_of

    found = open_map(db, info)
    state = state_of(db, info, found)
    if state.freshness is not Freshness.FRESH:
        tell(state.reason)
    return found


def _told(name: str, found: SavedMap, out: str | None) -> dict[str, Any]:
    info, quality = found.info, found.info.quality

    def number(value: float | None) -> float | None:
        return None if value is None or value != value else round(value, 6)

    return {
        "collection": name,
        "map": info.number or None,
        "name": info.name,
        "out": out,
        "points": info.points,
        "rows": info.rows,
        "seconds": round(info.seconds, 3),
        "spec": info.spec.to_dict(),
        "exact_neighbours": info.exact,
        "quality": {
            "k": quality.k,
            "kept": number(quality.kept),
            "kept_random": number(quality.kept_random),
            "trustworthiness": number(quality.trustworthiness),
            "continuity": number(quality.continuity),
        },
        "clusters": [
            {"number": label.number, "size": label.size, "label": label.label}
            for label in info.clusters
        ],
        "notes": list(info.notes),
    }


def _tell(found: SavedMap, out: str | None) -> None:
    from pgvista.services.map_compare import sentences

    info = found.info
    for label in info.clusters[:20]:
        click.echo(f"{label.size:>7,}  {label.label}")
    for sentence in sentences(found):
        tell(sentence)
    where = f"Written to {out}." if out else f"Kept as map {info.number}."
    points = "1 point" if info.points == 1 else f"{info.points:,} points"
    tell(f"{points} in {duration(info.seconds)}. {where}")
