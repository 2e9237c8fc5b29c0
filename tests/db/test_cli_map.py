"""`pgvista map` on a real server: the files it writes, what it prints, and how it ends."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.db.command import Outcome, Run, run_command

import pgvista

TOPICS = ("ships harbour", "bread <script>alert(1)</script> oven", "violin /*DATA*/ concert")


@pytest.fixture
def run(
    database_url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run `pgvista map docs` in this process, on a fresh database with 60 rows."""
    monkeypatch.setenv("PGVISTA_URL", database_url)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 6)) * 4
    with pgvista.connect(database_url) as db:
        db.create_collection("docs", dimension=6, columns={"size": "bigint"}).upsert(
            {
                "id": f"r{n:02d}</script>",
                "content": f"The {TOPICS[n % 3]} of {n}",
                "metadata": {"topic": f"t{n % 3}"} if n else {},
                "size": n * n,
                "embedding": centres[n % 3] + rng.normal(size=6),
            }
            for n in range(60)
        )

    def call(*arguments: str | Path, collection: str = "docs") -> Outcome:
        return run_command(capfd, "map", collection, *arguments)

    return call


def page_data(path: Path) -> Any:
    text = path.read_text("utf-8")
    return json.loads(text.split('id="data">')[1].split("</script>")[0])


def test_one_page_that_holds_everything(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "map.html"
    done = run("--out", out)
    assert done.status == 0
    assert "60 points" in done.err
    assert "neighbours" in done.err
    text = out.read_text("utf-8")
    before_plotly, after = text.split("<script>", 1)
    assert "src=" not in before_plotly
    assert "href=" not in before_plotly
    assert "default-src 'none'" in before_plotly
    assert "<script>alert" not in after.split("</script>", 1)[1]
    data = page_data(out)
    assert data["n"] == 60
    assert data["ids"][1] == "r01</script>"
    assert data["texts"][2] == "The violin /*DATA*/ concert of 2"
    assert len(set(data["codes"])) > 1


def test_colours_by_category_and_by_number(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "map.html"
    assert run("--out", out, "--method", "pca", "--colour-by", "topic", "--no-texts").status == 0
    data = page_data(out)
    assert sorted(data["names"]) == ["t0", "t1", "t2"]
    assert data["codes"][0] == -1
    assert data["texts"] is None
    assert run("--out", out, "--saved", "--color-by", "size").status == 0
    assert page_data(out)["values"][7] == 49
    nothing = run("--out", out, "--saved", "--colour-by", "nobody has it")
    assert nothing.status != 0
    assert "No row on the map has a value" in nothing.err


def test_parquet(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "map.parquet"
    done = run("--out", out, "--json")
    table = pq.read_table(BytesIO(out.read_bytes()))
    assert table.column_names == [
        "id", "x", "y", "label", "cluster", "kept", "is_new", "neighbours", "distances", "text"
    ]  # fmt: skip
    ids = table["id"].to_pylist()
    assert len(ids) == 60
    near = table["neighbours"].to_pylist()[4]
    assert len(near) == 15
    assert {int(row_id[1:3]) % 3 for row_id in near} == {1}
    assert done.json["quality"]["k"] == 10
    assert done.json["points"] == 60
    assert done.json["map"] == 1


def test_svg(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "map.svg"
    assert run("--out", out, "--method", "pca", "--colour-by", "size").status == 0
    text = out.read_text("utf-8")
    assert text.count("<circle") == 60
    assert "<script" not in text


def test_kept_and_written_again(run: Run, tmp_path: Path) -> None:
    first = run("--json", "--seed", "4", "--sample", "40", "--name", "mine").json
    assert (first["map"], first["points"], first["rows"], first["name"]) == (1, 40, 60, "mine")
    again = run("--json", "--saved", "--out", tmp_path / "a.parquet").json
    assert again["spec"] == first["spec"]
    assert again["quality"] == first["quality"]


def test_filter_and_no_save(run: Run, tmp_path: Path) -> None:
    done = run(
        "--filter", '{"topic": "t1"}', "--no-save", "--out", tmp_path / "a.svg", "--json"
    ).json
    assert (done["map"], done["points"]) == (None, 20)
    none = run("--saved", "--json")
    assert none.status != 0
    assert "has no map yet" in none.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "map.png"], "cannot be written as 'map.png'"),
        (["--out", "/nowhere/at/all/map.svg", "--method", "pca"], "cannot be written: No such"),
        (["--no-save"], "neither kept nor written"),
        (["--n-neighbors", "1"], "2 to 200"),
        (["--method", "isomap"], "isomap"),
        (["--filter", "{"], "filter"),
        (["--filter", ""], "filter is empty"),
        (["--filter", '{"topic": "none"}'], "with this filter"),
        (["--filter", '{"topic": "none"}'], "Let the filter take more rows"),
    ],
)
def test_misuse_is_told_in_a_sentence(run: Run, arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.status != 0
    assert said in done.err
    assert done.out == ""
