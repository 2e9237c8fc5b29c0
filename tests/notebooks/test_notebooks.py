"""Every notebook runs from its first cell to its last, and is kept without outputs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
paths = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def run(notebook: Any, folder: Path) -> None:
    client = NotebookClient(
        notebook,
        kernel_name="python3",  # the one of this interpreter; none needs to be registered
        timeout=300,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()


def text_of(cell: Any) -> str:
    """Return what a cell printed, and the plain form of its value."""
    parts = [output.get("text", "") for output in cell.outputs]
    parts += [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "\n".join(parts)


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    return home


def test_there_is_a_quickstart() -> None:
    assert "quickstart" in [path.stem for path in NOTEBOOKS]


@paths
def test_outputs_are_cleared(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert notebook.metadata.keys() <= {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"


@paths
def test_it_runs_on_the_embedded_server(
    path: Path, embedded_url: str, empty_home: Path, tmp_path: Path
) -> None:
    notebook = read(path)
    run(notebook, tmp_path)
    errors = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "error" or output.get("name") == "stderr"
    ]
    assert errors == []


def test_the_quickstart_tells_what_it_promises(
    embedded_url: str, empty_home: Path, tmp_path: Path
) -> None:
    [path] = [path for path in NOTEBOOKS if path.stem == "quickstart"]
    notebook = read(path)
    for _ in range(2):  # and again, with all that is there already
        run(notebook, tmp_path)
        cells = {cell.source: cell for cell in notebook.cells if cell.cell_type == "code"}
        [table] = [cell for source, cell in cells.items() if "side_by_side =" in source]
        html = table.outputs[0]["data"]["text/html"]
        for mode in ("semantic", "keyword", "hybrid"):
            assert mode in html
        charts = [
            output["data"]["application/vnd.plotly.v1+json"]
            for cell in cells.values()
            for output in cell.outputs
            if "application/vnd.plotly.v1+json" in output.get("data", {})
        ]
        assert [len(chart["data"]) for chart in charts] == [2]
        assert charts[0]["layout"]["barmode"] == "stack"
        everything = "\n".join(map(text_of, cells.values()))
        assert re.search(r"\d+ rows; \d+ texts embedded, \d+ unchanged", everything)
        assert "of the 8 nearest articles are in both answers." in everything
        assert "begin read only;" in everything
    assert re.search(r"\d+ rows; 0 texts embedded", everything)
