"""Every notebook is run once, on one embedded server, with the sample loaded by the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import pgvista

ROOT = Path(__file__).parents[2]
NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "notebooks").glob("**/*.ipynb"))}
OWN_NAMES = ("notebook_duplicates", "notebook_phrases", "vecs.pgvista_notebook")
"""Collections that notebooks make, and drop at their end."""

Run = Callable[[str], Any]


def read(name: str) -> Any:
    return nbformat.read(NOTEBOOKS[name], as_version=4)  # type: ignore[no-untyped-call]


def execute(name: str, folder: Path) -> Any:
    """Run a notebook from its first cell to its last; the first error is raised."""
    notebook = read(name)
    client = NotebookClient(
        notebook,
        kernel_name="python3",  # the one of this interpreter; none needs to be registered
        timeout=300,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    return notebook


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return an empty folder to run in, with a home that has no Jupyter in it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "USERPROFILE"):
            patch.setenv(name, str(home))
        for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_PATH"):
            patch.delenv(name, raising=False)
        # torch's threads else wait for each other by spinning, on cores that other tests have
        patch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        patch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        yield tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="session")
def left_overs(embedded_url: str) -> None:
    """Leave collections as a run does that was broken off: the notebooks begin by dropping them."""
    with pgvista.connect() as db:
        for name in OWN_NAMES:
            schema, _, table = name.rpartition(".")
            layout = {"schema": schema, "layout": "vecs"} if schema else {}
            db.create_collection(table, dimension=2, **layout)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def run(left_overs: None, folder: Path) -> Run:
    """Return a function that runs a notebook the first time it is asked for, and remembers it."""
    done: dict[str, Any] = {}

    def once(name: str) -> Any:
        if name not in done:
            done[name] = execute(name, folder)
        return done[name]

    return once


def text_of(cell: Any) -> str:
    """Return what a cell printed, and its values as text and as HTML."""
    parts = [output.get("text", "") for output in cell.outputs]
    for kind in ("text/plain", "text/html"):
        parts += [output.get("data", {}).get(kind, "") for output in cell.outputs]
    return "\n".join(parts)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def cell_with(notebook: Any, code: str) -> str:
    """Return what the only cell whose code holds `code` printed and returned."""
    [cell] = [cell for cell in code_cells(notebook) if code in cell.source]
    return text_of(cell)


def charts(notebook: Any) -> list[Any]:
    """Return the Plotly figures of a notebook, as the browser gets them."""
    return [
        output["data"]["application/vnd.plotly.v1+json"]
        for cell in code_cells(notebook)
        for output in cell.outputs
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
