"""The layers of ARCHITECTURE.md, read from the imports of every file, and the sizes of files.

    errors < model < {sql, science, io} < {db, embed} < services < {api, cli, ui} < pages, app.py

`config` and `paths` stand beside errors, `jobs` beside db and embed but above errors and model
alone. What stands in one pair of braces does not import each other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "pgvista"

_GROUND = {"errors", "config", "paths", "model"}
_MIDDLE = _GROUND | {"sql", "science", "io"}
_BELOW_SERVICES = _MIDDLE | {"db", "embed", "jobs"}
_BELOW_FACES = _BELOW_SERVICES | {"services"}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "config": {"errors"},
    "paths": {"errors"},
    "model": {"errors"},
    "sql": _GROUND,
    "science": _GROUND,
    "io": _GROUND,
    "db": _MIDDLE,
    "embed": _MIDDLE,
    "jobs": {"errors", "model"},
    "services": _BELOW_SERVICES,
    "api": _BELOW_FACES,
    "cli": _BELOW_FACES,
    "ui": _BELOW_FACES,
    "__init__": _BELOW_FACES | {"api"},
    "__main__": {"cli"},
    "pages": _BELOW_FACES | {"ui"},
    "app": _BELOW_FACES | {"ui"},
}
"""For each part of the project, the parts of the package that it may import."""

ONLY_IN: dict[str, set[str]] = {
    "streamlit": {"ui", "pages", "app"},
    "psycopg": {"db", "services"},
    "psycopg.sql": {"sql", "db", "services"},
    "psycopg_pool": {"db", "services"},
}
"""For a module and all inside it, the parts that may import it; the longest name decides."""

FEWER_LINES_THAN = {"lib": 400, "pages": 120, "app": 60}


def broken_rules(root: Path) -> list[str]:
    """Return a line for each rule that a file under `root` breaks."""
    return [
        f"{path.relative_to(root)}: {broken}"
        for path in source_files(root)
        for broken in (*_layers(root, path), *_size(root, path))
    ]


def source_files(root: Path) -> Iterator[Path]:
    yield from sorted((root / "lib" / PACKAGE).rglob("*.py"))
    yield from sorted((root / "pages").rglob("*.py"))
    yield root / "app.py"


def imported_names(root: Path, path: Path) -> Iterator[str]:
    """Yield the full dotted name of all that a file imports, wherever in it and for types too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = []
            if node.level:
                prefix = list(path.relative_to(root / "lib").parts[: -node.level])
            prefix += [node.module] if node.module else []
            yield from (".".join([*prefix, alias.name]) for alias in node.names)


def _part(root: Path, path: Path) -> str:
    """Name the part a file belongs to: a key of MAY_IMPORT, if the file has a place there."""
    first, *rest = path.relative_to(root).parts
    return Path(rest[1]).stem if first == "lib" else Path(first).stem


def _layers(root: Path, path: Path) -> Iterator[str]:
    part = _part(root, path)
    if part not in MAY_IMPORT:
        yield f"{part} has no place among the layers"
        return
    for name in imported_names(root, path):
        top, *rest = name.split(".")
        if top == PACKAGE:
            target = rest[0] if rest and rest[0] in MAY_IMPORT else "__init__"
            if target != part and target not in MAY_IMPORT[part]:
                yield f"imports {name}"
        elif top in ("pages", "app"):
            yield f"imports {name}"
        else:
            rules = [rule for rule in ONLY_IN if f"{name}.".startswith(f"{rule}.")]
            if rules and part not in ONLY_IN[max(rules, key=len)]:
                yield f"imports {name}"


def _size(root: Path, path: Path) -> Iterator[str]:
    lines = len(path.read_text("utf-8").splitlines())
    limit = FEWER_LINES_THAN[Path(path.relative_to(root).parts[0]).stem]
    if lines >= limit:
        yield f"has {lines} lines, not fewer than {limit}"
    if path.parent == root / "pages":
        yield "must lie in a section, one folder down: Streamlit would serve it without app.py"


def test_the_project_keeps_its_rules() -> None:
    broken = broken_rules(ROOT)
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("file", "text", "broken"),
    [
        ("lib/pgvista/errors.py", "import pgvista.model", "imports pgvista.model"),
        ("lib/pgvista/config.py", "from pgvista import model", "imports pgvista.model"),
        ("lib/pgvista/model/hit.py", "from pgvista.sql.x import y", "imports pgvista.sql.x.y"),
        ("lib/pgvista/model/hit.py", "from ..db import pool", "imports pgvista.db.pool"),
        ("lib/pgvista/sql/search.py", "import pgvista.io.csv", "imports pgvista.io.csv"),
        ("lib/pgvista/sql/search.py", "import psycopg", "imports psycopg"),
        ("lib/pgvista/sql/search.py", "from psycopg import rows", "imports psycopg.rows"),
        ("lib/pgvista/science/rrf.py", "def f():\n import psycopg", "imports psycopg"),
        ("lib/pgvista/science/rrf.py", "from psycopg.sql import SQL", "imports psycopg.sql.SQL"),
        ("lib/pgvista/db/pool.py", "from pgvista.embed import base", "imports pgvista.embed.base"),
        ("lib/pgvista/jobs/runner.py", "import pgvista.config", "imports pgvista.config"),
        ("lib/pgvista/services/load.py", "import streamlit as st", "imports streamlit"),
        ("lib/pgvista/services/load.py", "import pgvista.ui", "imports pgvista.ui"),
        ("lib/pgvista/services/load.py", "from pgvista import connect", "imports pgvista.connect"),
        ("lib/pgvista/cli.py", "from pgvista.api import connect", "imports pgvista.api.connect"),
        ("lib/pgvista/api.py", "from streamlit.web import cli", "imports streamlit.web.cli"),
        ("lib/pgvista/ui/state.py", "import psycopg_pool", "imports psycopg_pool"),
        ("lib/pgvista/misc/a.py", "", "misc has no place among the layers"),
        ("pages/search/search.py", "import pgvista.cli", "imports pgvista.cli"),
        ("pages/search/search.py", "import psycopg", "imports psycopg"),
        ("pages/search/search.py", "import pages.data.load", "imports pages.data.load"),
        ("pages/search.py", "", "must lie in a section, one folder down"),
        ("pages/search/search.py", "\n" * 120, "has 120 lines, not fewer than 120"),
        ("lib/pgvista/sql/search.py", "\n" * 400, "has 400 lines, not fewer than 400"),
        ("app.py", "\n" * 60, "has 60 lines, not fewer than 60"),
    ],
)
def test_a_broken_rule_is_found(tmp_path: Path, file: str, text: str, broken: str) -> None:
    (tmp_path / "app.py").touch()
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    [found] = broken_rules(tmp_path)
    assert found.startswith(f"{file}: {broken}")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("lib/pgvista/sql/search.py", "from psycopg import sql"),
        ("lib/pgvista/sql/search.py", "from psycopg.sql import SQL\nfrom pgvista.sql import names"),
        ("lib/pgvista/sql/search.py", "from . import names\nfrom ..model import hit"),
        ("lib/pgvista/db/pool.py", "import psycopg.rows, psycopg_pool\nimport pgvista.sql.search"),
        ("lib/pgvista/__init__.py", "from pgvista.api import connect"),
        ("pages/search/search.py", "import streamlit\nfrom pgvista.ui import state" + "\n" * 118),
    ],
)
def test_what_is_allowed_is_not_called_broken(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / "app.py").touch()
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    assert broken_rules(tmp_path) == []
