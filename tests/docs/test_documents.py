"""What the documents say is so: variables, links and Python blocks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if path.name != "CHANGELOG.md"
)
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(
    r"!?\[[^\]]*\]\(\s*<?([^)>\s]+)>?[^)]*\)|<(?:img|a)\b[^>]*(?:src|href)=\"([^\"]+)\""
)


def variables_read() -> set[str]:
    """Return the names of variables that config.py reads from the environment."""
    tree = ast.parse((ROOT / "lib" / "pgvista" / "config.py").read_text("utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"PGVISTA_[A-Z_]+", node.value)
    }


def blocks(text: str, language: str) -> Iterator[str]:
    return (body for kind, body in _FENCE.findall(text) if kind == language)


def links(text: str) -> Iterator[str]:
    """Yield what a document links to within the repository, without anchors."""
    for groups in _LINK.findall(_FENCE.sub("", text)):
        target = (groups[0] or groups[1]).partition("#")[0]
        if target and not re.match(r"[a-z][a-z0-9+.-]*:", target):
            yield unquote(target)


def test_config_reads_variables() -> None:
    assert {"PGVISTA_DATA", "PGVISTA_URL"} <= variables_read()


@pytest.mark.parametrize("name", sorted(variables_read()))
def test_every_variable_is_documented(name: str) -> None:
    assert any(re.search(rf"\b{name}\b", path.read_text("utf-8")) for path in DOCUMENTS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(path: Path) -> None:
    missing = [
        target for target in links(path.read_text("utf-8")) if not (path.parent / target).exists()
    ]
    assert not missing


def test_links_are_found() -> None:
    text = (
        'A [map](docs/a.md#part "t"), ![p](docs/p%20q.png), [web](https://x.org/), [up](#here), '
        '<img src="docs/i.png">\n```\n[no](no.md)\n```\n'
    )
    assert list(links(text)) == ["docs/a.md", "docs/p q.png", "docs/i.png"]


def test_python_blocks_of_the_readme_run(
    module_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They run one after another, in one namespace, from an empty folder."""
    monkeypatch.setenv("PGVISTA_URL", module_database_url)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "readme"}
    readme = ROOT / "README.md"
    for number, block in enumerate(blocks(readme.read_text("utf-8"), "python"), 1):
        exec(compile(block, f"README.md, Python block {number}", "exec"), namespace)
