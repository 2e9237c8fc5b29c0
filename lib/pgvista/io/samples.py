"""Data to begin with: a help centre with judged queries, and the reference of installed packages."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pgvista.errors import NotFound
from pgvista.io.docstrings import Entry, package_entries
from pgvista.model.rows import Row


@dataclass(frozen=True, slots=True)
class Sample:
    """A collection that comes with pgvista."""

    key: str
    """``help_centre`` or ``python_reference``; also the name its collection is offered."""
    title: str
    description: str
    n_rows: int
    """Rows, about so many where it depends on what is installed."""
    metadata_keys: tuple[str, ...]
    example_queries: tuple[str, ...]
    """Queries to show what semantic, keyword and hybrid search each do well."""
    filters: tuple[Mapping[str, Any], ...] = field(default=())
    """Filters worth trying, as `Filter` takes them from a dict."""


@dataclass(frozen=True, slots=True)
class SampleQuery:
    """A judged query of the help centre."""

    id: str
    text: str
    kind: str
    """``words``, ``meaning`` or ``both``: what it takes to answer it."""


_SAMPLES = (
    Sample(
        key="help_centre",
        title="Help centre",
        description=(
            "Short articles of a fictitious maker of displays, label printers, players and pet "
            "cameras, with product and error codes, synonyms and near-duplicates, and 80 queries "
            "with graded judgments."
        ),
        n_rows=233,
        metadata_keys=("title", "subject", "product", "year"),
        example_queries=(
            "increase text size on display",
            "my monitor keeps blinking",
            "E2041",
            "bigger subtitles on MP-50",
            "The cat chases the mouse",
        ),
        filters=(
            {"product": {"$eq": "LK-320"}},
            {"year": {"$gte": 2023}},
            {"subject": {"$in": ["Network", "Security and privacy"]}},
        ),
    ),
    Sample(
        key="python_reference",
        title="Python reference",
        description=(
            "The docstrings of Python's standard library and of the scientific packages that are "
            "installed beside pgvista, a row for each documented module, class, function and "
            "method."
        ),
        n_rows=15_000,
        metadata_keys=("title", "package", "module", "kind", "version"),
        example_queries=(
            "length of a vector",
            "join two tables on a column",
            "numpy.linalg.norm",
            "reduce the number of dimensions",
            "wait for several tasks to finish",
        ),
        filters=(
            {"package": {"$eq": "numpy"}},
            {"kind": {"$in": ["class", "function"]}},
        ),
    ),
)


def samples() -> tuple[Sample, ...]:
    """Return the samples, the quickest to load first."""
    return _SAMPLES


def sample_rows(key: str, limit: int | None = None) -> Iterator[Row]:
    """Yield the rows of a sample, at most `limit`; raise NotFound when there is no such sample."""
    if key == "help_centre":
        rows = help_centre_rows()
        return rows if limit is None else (row for row, _ in zip(rows, range(limit), strict=False))
    if key == "python_reference":
        return python_reference_rows(limit)
    raise NotFound(
        f"There is no sample called {key!r}.",
        f"Choose one of: {', '.join(sample.key for sample in _SAMPLES)}.",
    )


def help_centre_rows() -> Iterator[Row]:
    """Yield the articles of the help centre: title and body as content, the rest as metadata."""
    for number, line in enumerate(_lines("articles.jsonl"), start=1):
        article = json.loads(line)
        yield Row(
            id=article["id"],
            content=f"{article['title']}\n{article['body']}",
            metadata={key: article[key] for key in ("title", "subject", "product", "year")},
            line=number,
        )


def help_centre_queries() -> tuple[SampleQuery, ...]:
    """Return the judged queries of the help centre."""
    return tuple(SampleQuery(**json.loads(line)) for line in _lines("queries.jsonl"))


def help_centre_judgments() -> dict[str, dict[str, int]]:
    """Return the grade of each judged article by query id and article id, 0 (no use) to 3."""
    judgments: dict[str, dict[str, int]] = {}
    for line in _lines("qrels.tsv"):
        query, article, grade = line.split("\t")
        judgments.setdefault(query, {})[article] = int(grade)
    return judgments


def _lines(name: str) -> list[str]:
    source = files("pgvista.io") / "data" / "help_centre" / name
    return [line for line in source.read_text("utf-8").split("\n") if line.strip()]


@dataclass(frozen=True, slots=True)
class _Documented:
    """A package whose docstrings are worth reading."""

    name: str
    distribution: str = ""
    """Where the version is looked up, when it is not called as the package is."""
    skip: tuple[str, ...] = ()
    """Modules within it to leave out: generated, or for its own developers."""
    internal: tuple[str, ...] = ()
    """Modules within it of which only what is offered elsewhere counts."""


_T = TypeVar("_T")
_STDLIB = "python"
_PACKAGES = (
    _Documented(
        _STDLIB,
        skip=(
            "idlelib",
            "lib2to3",
            "turtledemo",
            "antigravity",
            "this",
            "pydoc_data",
            "encodings",
            "distutils",
            "ensurepip",
            "tkinter",
            "turtle",
        ),
    ),
    _Documented("numpy", skip=("f2py", "distutils", "core", "typing")),
    _Documented("pandas", internal=("core", "io")),
    _Documented("scipy"),
    _Documented("sklearn", "scikit-learn"),
    _Documented("networkx"),
    _Documented("matplotlib"),
    _Documented(
        "torch",
        skip=(
            *("ao", "export", "fx", "jit", "onnx", "quantization", "xpu", "mtia", "backends"),
            *("_inductor", "_dynamo", "_functorch", "_export", "_higher_order_ops", "_numpy"),
            *("_subclasses", "_refs", "_decomp", "_prims", "distributed", "contrib"),
        ),
        internal=("utils",),
    ),
    _Documented("sentence_transformers", "sentence-transformers"),
    _Documented(
        "transformers",
        skip=(
            *("models", "testing_utils", "integrations", "exporters", "cli", "distributed"),
            *("quantizers", "loss"),
        ),
        internal=("utils",),
    ),
    _Documented("huggingface_hub", "huggingface-hub", skip=("cli", "commands")),
    _Documented("plotly", skip=("graph_objs", "graph_objects", "validators", "matplotlylib")),
    _Documented("pyarrow"),
    _Documented("psycopg"),
    _Documented("psycopg_pool", "psycopg-pool"),
    _Documented(
        "streamlit",
        skip=("runtime", "web", "watcher", "components", "elements.lib"),
        internal=("commands",),
    ),
    _Documented(
        "sympy",
        skip=("physics", "parsing", "plotting", "codegen", "liealgebras", "crypto", "holonomic"),
        internal=("core", "polys", "utilities", "printing", "solvers"),
    ),
    _Documented("umap", "umap-learn"),
    _Documented("pynndescent"),
    _Documented(
        "numba",
        skip=("cuda", "parfors", "cpython", "misc", "pycc", "cloudpickle", "roc"),
        internal=("core", "np"),
    ),
    _Documented("joblib"),
    _Documented("tenacity"),
    _Documented("click"),
)


def python_reference_rows(limit: int | None = None) -> Iterator[Row]:
    """Yield a row for each documented module, class, function and method of installed packages.

    They are read from their sources, package by package, and nothing is imported. The id is the
    public qualified name, the content its signature and docstring, the metadata ``title``,
    ``package``, ``module``, ``kind`` and ``version``. With a `limit` the rows are spread over the
    packages. The same packages give the same rows in the same order.
    """
    present = [package for package in _PACKAGES if _roots(package)]
    seen: set[str] = set()
    spare: list[tuple[_Documented, Entry]] = []
    left = limit
    for place, package in enumerate(present):
        if left is not None and left <= 0:
            return
        entries = [entry for entry in _entries(package) if entry.name not in seen]
        if left is not None:
            chosen = _spread(entries, -(-left // (len(present) - place)))
            kept = {entry.name for entry in chosen}
            spare += [(package, entry) for entry in entries if entry.name not in kept]
            entries = chosen
            left -= len(entries)
        for entry in entries:
            seen.add(entry.name)
            yield _reference_row(package, entry, len(seen))
    # The last packages were small: fill up from what the others have left.
    for package, entry in _spread(spare, left or 0):
        if entry.name not in seen:
            seen.add(entry.name)
            yield _reference_row(package, entry, len(seen))


def _reference_row(package: _Documented, entry: Entry, number: int) -> Row:
    metadata = {
        "title": entry.summary,
        "package": package.name,
        "module": entry.module,
        "kind": entry.kind,
        "version": _version(package),
    }
    return Row(id=entry.name, content=entry.text, metadata=metadata, line=number)


def _entries(package: _Documented) -> list[Entry]:
    found: list[Entry] = []
    for name, root in _roots(package):
        inner = "" if package.name == _STDLIB else f"{name}."
        found += package_entries(
            root,
            name,
            skip=[f"{inner}{module}" for module in package.skip],
            internal=[f"{inner}{module}" for module in package.internal],
        )
    return found


def _roots(package: _Documented) -> list[tuple[str, Path]]:
    """Return the import names of a package, and where their sources are; none if not installed."""
    if package.name == _STDLIB:
        folder = Path(sysconfig.get_path("stdlib"))
        names = sorted(
            name
            for name in sys.stdlib_module_names
            if not name.startswith("_") and name not in package.skip
        )
        found = [(name, folder / name) for name in names if (folder / name).is_dir()]
        return found + [
            (name, folder / f"{name}.py") for name in names if (folder / f"{name}.py").is_file()
        ]
    try:
        spec = importlib.util.find_spec(package.name)
    except (ImportError, ValueError):
        return []
    if spec is None or not spec.submodule_search_locations:
        return []
    return [(package.name, Path(next(iter(spec.submodule_search_locations))))]


@lru_cache(maxsize=64)
def _version(package: _Documented) -> str:
    if package.name == _STDLIB:
        return platform.python_version()
    try:
        return importlib.metadata.version(package.distribution or package.name)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _spread(entries: list[_T], count: int) -> list[_T]:
    """Return `count` of the entries at equal distances."""
    if count >= len(entries):
        return entries
    return [entries[place * len(entries) // count] for place in range(count)]
