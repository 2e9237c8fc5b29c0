"""Every notebook runs from its first cell to its last, and is kept without outputs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from tests.notebooks.conftest import (
    NOTEBOOKS,
    OWN_NAMES,
    ROOT,
    Run,
    cell_with,
    charts,
    code_cells,
    execute,
    read,
    text_of,
)

import pgvista

LARGEST_CHART = 60_000
"""Bytes of JSON."""

names = pytest.mark.parametrize("name", NOTEBOOKS)


def test_the_notebooks_that_there_are() -> None:
    assert set(NOTEBOOKS) == {
        "quickstart",
        "vecs_to_pgvista",
        "hybrid_search_and_evaluation",
        "indexes_and_recall",
        "maps",
        "near_duplicates",
    }


# -- as they are kept


@names
def test_outputs_are_cleared(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    for cell in code_cells(notebook):
        assert cell.outputs == []
        assert cell.execution_count is None
        assert cell.metadata == {}
    assert notebook.metadata.keys() <= {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"


@names
def test_the_page_of_notebooks_tells_of_it(name: str) -> None:
    page = (ROOT / "docs" / "notebooks.md").read_text("utf-8")
    assert f"(../notebooks/{name}.ipynb)" in page


@names
def test_no_path_of_a_machine_is_in_it(name: str) -> None:
    text = NOTEBOOKS[name].read_text("utf-8")
    assert not re.search(r"/(home|root|tmp|Users|work)/|[A-Z]:\\\\", text)


# -- as they run


@names
def test_it_runs_on_the_embedded_server(name: str, run: Run) -> None:
    errors = [
        output
        for cell in code_cells(run(name))
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]
    assert errors == []


@names
def test_its_charts_have_titles_and_are_small(name: str, run: Run) -> None:
    for chart in charts(run(name)):
        assert chart["layout"]["title"]["text"]
        assert len(json.dumps(chart)) < LARGEST_CHART


def test_nothing_is_left_behind_but_the_sample(run: Run) -> None:
    for name in NOTEBOOKS:
        run(name)
    with pgvista.connect() as db:
        there = {found.name for found in db.collections()}
        assert not there & set(OWN_NAMES)
        assert not any("notebook" in name for name in there)
        docs = db.collection("help_centre")
        assert docs.count() == 233
        assert not any("notebook" in info.name for info in docs.maps())


# -- what each promises


def test_quickstart(run: Run, folder: Path) -> None:
    first, again = run("quickstart"), execute("quickstart", folder)
    for notebook in (first, again):
        table = cell_with(notebook, "side_by_side =")
        for mode in ("semantic", "keyword", "hybrid"):
            assert mode in table
        [chart] = charts(notebook)
        assert len(chart["data"]) == 2
        assert chart["layout"]["barmode"] == "stack"
        everything = "\n".join(map(text_of, code_cells(notebook)))
        assert re.search(r"\d+ rows; \d+ texts embedded, \d+ unchanged", everything)
        assert "of the 8 nearest articles are in both answers." in everything
        assert "begin read only;" in everything
    assert "233 rows; 0 texts embedded" in cell_with(again, "load_sample(")


def test_vecs_to_pgvista(run: Run) -> None:
    notebook = run("vecs_to_pgvista")
    assert "vecs.pgvista_notebook" in cell_with(notebook, "create_collection(")
    traps = cell_with(notebook, "filters_of_vecs = [")
    for told in (
        "[vec1, vec2, vec4]", "[vec1, vec2, vec3, vec4]",  # $ne
        "[vec0, vec2, vec4]", "[vec0]",  # $lt
        "[vec0, vec1, vec2, vec3, vec4]", "$and takes a list of one or more",
    ):  # fmt: skip
        assert told in traps
    refused = cell_with(notebook, "docs.delete(filters=filters)")
    assert len(re.findall(r"^\{.*?\}: \S", refused, re.MULTILINE)) == 3
    assert refused.rstrip().endswith("5")
    assert "hnsw" in cell_with(notebook, "docs.create_index(")
    assert cell_with(notebook, 'docs.delete(ids=["vec0"])').startswith("1 1 3")


def test_hybrid_search_and_evaluation(run: Run) -> None:
    notebook = run("hybrid_search_and_evaluation")
    words = cell_with(notebook, '"every word, ts_rank_cd":')
    lost = re.findall(
        r"^(\w+ word, \w+) .* (\d+) *$", words.split("found nothing")[1], re.MULTILINE
    )
    nothing = {setting: int(count) for setting, count in lost}
    assert nothing["every word, ts_rank_cd"] > 40  # of 80
    assert nothing["any word, BM25"] == 0
    by_hand = re.search(r"sum (\S+), score from Postgres (\S+)", cell_with(notebook, "by_words ="))
    assert by_hand is not None
    assert by_hand[1] == by_hand[2]
    grid = cell_with(notebook, "grid = docs.evaluate_grid(")
    assert re.search(r"Take .*every word: it gains 0\.\d+ nDCG@10 on the 40 held-out queries", grid)
    ledger = cell_with(notebook, "ledger.style")
    assert "–" in ledger  # the right article is missing from the keyword list
    bars, heat = charts(notebook)
    assert len(bars["data"][0]["hovertext"]) == 80
    assert len(heat["data"]) == 2


def test_indexes_and_recall(run: Run) -> None:
    notebook = run("indexes_and_recall")
    assert "3000" in cell_with(notebook, "phrases.upsert(")
    for code in ("ef_search=10, explain=True", "probes=1, explain=True"):
        assert "was used and gave 10 rows" in cell_with(notebook, code)
    # the fastest index, or none where the exact scan is as fast
    assert re.match(r"Set (hnsw|ivfflat)\.|No index", cell_with(notebook, "print(tuning.sentence)"))
    swept = cell_with(notebook, "tuning = phrases.tune(")
    for setting in ("exact scan", "ef_search 160", "probes 16"):
        assert setting in swept
    starved = cell_with(notebook, "iterative_scans=(")
    assert "82 of 3000 phrases" in starved
    rows = re.findall(
        r"^\d+ +hnsw +(ef_search \S+)(.*?) +([\d.]+) +(\d+) +30 *\\?", starved, re.MULTILINE
    )
    fewer = {setting + knob: int(count) for setting, knob, _, count in rows}
    assert fewer["ef_search 40"] > 20
    bits = cell_with(notebook, "oversample=(")
    for kind in ("vector", "halfvec", "bit", "oversample 10"):
        assert kind in bits


def test_maps(run: Run) -> None:
    notebook = run("maps")
    assert "(233, " in cell_with(notebook, "made = docs.map(")
    kept = cell_with(notebook, "quality = made.info.quality")
    on_map, at_random = (float(found) for found in re.findall(r"([\d.]+) of 10", kept))
    assert on_map > 3 * at_random
    assert all(name in cell_with(notebook, "others = {") for name in ("UMAP, seed 1", "PCA"))
    assert "No good place" in cell_with(notebook, "altogether different")
    assert "the same points: True" in cell_with(notebook, "docs.open_map(")
    assert re.search(r"help_centre.html: \d", cell_with(notebook, "docs.write_map("))
    assert len(charts(notebook)) == 3


def test_near_duplicates(run: Run) -> None:
    notebook = run("near_duplicates")
    assert "239" in cell_with(notebook, "import-2/")
    assert "6 rows deleted, 233 left" in cell_with(notebook, "copies = docs.duplicates(")
    pairs = cell_with(notebook, "def kind(group):")
    assert "other products" in pairs
    assert "one product" in pairs
    assert "changed or deleted since the preview" in cell_with(notebook, "except Conflict")
    assert "stays: True" in cell_with(notebook, "stays: {edited in plan.keep}")
    assert "0 of them of one product" in cell_with(notebook, "left = docs.duplicates(")
