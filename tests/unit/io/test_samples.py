"""The samples: the help centre as shipped, the Python reference from what is installed."""

import sys
import textwrap
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from pgvista.errors import NotFound
from pgvista.io.docstrings import MAX_CHARS, cut_at_paragraph, package_entries
from pgvista.io.samples import (
    _PACKAGES,
    help_centre_judgments,
    help_centre_queries,
    help_centre_rows,
    python_reference_rows,
    sample_rows,
    samples,
)
from pgvista.model.filters import parse_filter
from pgvista.model.rows import Row


def test_each_sample_yields_what_it_says() -> None:
    for sample in samples():
        rows = list(islice(sample_rows(sample.key), 50))
        assert len({row.id for row in rows}) == len(rows) == 50
        assert all(set(row.metadata) == set(sample.metadata_keys) for row in rows)
        assert sample.example_queries
        assert all(parse_filter(tried) is not None for tried in sample.filters)
    with pytest.raises(NotFound, match="no sample called"):
        sample_rows("nothing")


def test_help_centre() -> None:
    rows = {row.id: row for row in help_centre_rows()}
    assert len(rows) == samples()[0].n_rows >= 200
    first = next(iter(rows.values()))
    assert first.content is not None
    assert first.content.startswith(f"{first.metadata['title']}\n")
    queries = help_centre_queries()
    judgments = help_centre_judgments()
    assert len(queries) >= 60
    assert {query.id for query in queries} == set(judgments)
    assert {article for grades in judgments.values() for article in grades} <= set(rows)
    assert set(samples()[0].example_queries) & {query.text for query in queries}
    assert len(list(sample_rows("help_centre", 7))) == 7


@pytest.fixture(scope="module")
def reference() -> list[Row]:
    """All rows of the Python reference."""
    return list(python_reference_rows())


def test_python_reference_is_large(reference: list[Row]) -> None:
    assert len(reference) >= 10_000
    assert len({row.id for row in reference}) == len(reference)
    packages = Counter(row.metadata["package"] for row in reference)
    assert {"python", "numpy", "pandas", "scipy", "sklearn", "torch", "streamlit"} <= set(packages)
    assert max(packages.values()) < len(reference) / 3


def test_python_reference_rows_are_complete(reference: list[Row]) -> None:
    rows = {row.id: row for row in reference}
    for name in (
        *("numpy.linalg.norm", "numpy.mean", "numpy.array", "scipy.linalg.solve", "json.loads"),
        *("pandas.DataFrame.merge", "sklearn.decomposition.PCA", "torch.matmul", "torch.nn.Linear"),
        *("networkx.shortest_path", "asyncio.gather", "plotly.express.scatter"),
    ):
        assert name in rows
    norm = rows["numpy.linalg.norm"]
    assert norm.content is not None
    assert norm.content.startswith("numpy.linalg.norm(x, ord=None, axis=None, keepdims=False)\n")
    assert norm.metadata["title"] == "Matrix or vector norm."
    assert norm.metadata["kind"] == "function"
    assert norm.metadata["module"] == "numpy.linalg"
    assert norm.metadata["version"][0].isdigit()
    for row in rows.values():
        assert row.content is not None
        assert len(row.content) <= MAX_CHARS + 500
        assert "\0" not in row.content
        assert not any(part.startswith("_") for part in row.id.split("."))
        assert ".tests." not in row.id
        row.content.encode()


def test_a_limit_is_spread_over_the_packages(
    reference: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("numpy", "networkx", "tenacity", "matplotlib", "psycopg")
    chosen = tuple(package for package in _PACKAGES if package.name in few)
    monkeypatch.setattr("pgvista.io.samples._PACKAGES", chosen)
    rows = list(python_reference_rows(300))
    assert len(rows) == 300
    counts = Counter(row.metadata["package"] for row in rows)
    assert {"numpy", "networkx", "tenacity", "psycopg"} <= set(counts)
    assert {row.id for row in rows} <= {row.id for row in reference}
    assert rows == list(python_reference_rows(300))
    assert list(python_reference_rows(0)) == []


def test_nothing_is_imported(tmp_path: Path) -> None:
    package = tmp_path / "fancy_package"
    (package / "_inner").mkdir(parents=True)
    (package / "tests").mkdir()
    doc = "What it does, said in a sentence that is long enough to be of some substance."
    files = {
        "__init__.py": f'"""{doc}"""\nfrom ._inner import shown\nfrom ._inner.deep import *\n'
        "raise SystemExit\n",
        "_inner/__init__.py": f'def shown(a, *, b=1):\n    """{doc}"""\ndef kept():\n    """{doc}"""\n',
        "_inner/deep.py": textwrap.dedent(
            f'''
            __all__ = ["Thing"]
            class Thing:
                """{doc}"""
                def __init__(self, size): ...
                def method(self, x):
                    """{doc}"""
                def _hidden(self):
                    """{doc}"""
            def not_exported():
                """{doc}"""
            '''
        ),
        "plain.py": f'def here():\n    """{doc}"""\ndef short():\n    """Too short."""\n',
        "broken.py": "def (:\n",
        "skipped.py": f'def gone():\n    """{doc}"""\n',
        "tests/__init__.py": f'"""{doc}"""\n',
    }
    for name, source in files.items():
        (package / name).write_text(source, "utf-8")
    (package / "binary.py").write_bytes(b"\xff\xfe\0")
    entries = package_entries(package, "fancy_package", skip=["fancy_package.skipped"])
    assert [(entry.name, entry.kind, entry.signature) for entry in entries] == [
        ("fancy_package", "module", "module fancy_package"),
        ("fancy_package.Thing", "class", "class fancy_package.Thing(size)"),
        ("fancy_package.Thing.method", "method", "fancy_package.Thing.method(x)"),
        ("fancy_package.plain.here", "function", "fancy_package.plain.here()"),
        ("fancy_package.shown", "function", "fancy_package.shown(a, *, b=1)"),
    ]
    assert "fancy_package" not in sys.modules
    inside = package_entries(package, "fancy_package", internal=["fancy_package.plain"])
    assert "fancy_package.plain.here" not in {entry.name for entry in inside}


def test_texts_are_cut_at_a_paragraph() -> None:
    text = "a" * 60 + "\n\n" + "b" * 60
    assert cut_at_paragraph(text, 100) == "a" * 60
    assert cut_at_paragraph(text, 500) == text
    assert cut_at_paragraph("a" * 200, 100) == "a" * 100
