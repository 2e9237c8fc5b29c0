"""`pgvista tune` on a real server: tables, JSON, reports and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pgvista
from pgvista.api import Collection
from pgvista.cli import main

VECTORS = np.random.default_rng(2).standard_normal((800, 8)).astype(np.float32)
QUICK = ("--queries", "20", "--ef-search", "20,80", "--connections", "none")


@pytest.fixture(scope="module")
def docs(module_database_url: str) -> Iterator[Collection]:
    with pgvista.connect(module_database_url) as workbench:
        made = workbench.create_collection("docs", dimension=8)
        made.upsert(
            {"id": f"r{number}", "embedding": vector, "metadata": {"n": number}}
            for number, vector in enumerate(VECTORS)
        )
        made.create_index("hnsw")
        yield made


def call(url: str, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["tune", "docs", "--url", url, *arguments])
    return int(ended.value.code or 0)


def test_json_holds_the_points_and_the_recommendation(
    docs: Collection, module_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(module_database_url, *QUICK, "--limit", "5", "--json", "--selectivity", "0.1") == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["limit"] == 5
    assert [item["rows"] for item in told["recommendations"]] == ["all rows", "10 % of the rows"]
    points = [(item["case"], item["label"]) for item in told["points"]]
    assert points[:3] == [
        ("all rows", "exact scan"), ("all rows", "ef_search 20"), ("all rows", "ef_search 80"),
    ]  # fmt: skip
    assert all(0 <= item["recall"] <= 1 for item in told["points"])
    assert told["versions"]["pgvector"]


def test_table_recommendation_and_reports(
    docs: Collection, module_database_url: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = [tmp_path / f"report{ending}" for ending in (".md", ".csv", ".json")]
    asked = [part for path in files for part in ("--report", str(path))]
    assert call(module_database_url, *QUICK, "--p95", "0", *asked) == 0
    out = capsys.readouterr().out
    assert "exact scan" in out
    assert "95 % interval" in out
    assert "recall" in out.split("\n\n")[1]
    markdown, table, data = (path.read_text("utf-8") for path in files)
    assert markdown.startswith("# Sweep of pgvista.docs")
    assert len(table.splitlines()) == 4
    assert json.loads(data)["target"] == {"recall": 0.95, "p95_ms": None}


def test_sweeps_are_kept_unless_asked_not_to(docs: Collection, module_database_url: str) -> None:
    def kept() -> int:
        query = b"select count(*) from pgvista.tuning_sweeps"
        return int(docs.db.query(query, {})[0][0])

    assert call(module_database_url, *QUICK) == 0
    before = kept()
    assert call(module_database_url, *QUICK, "--no-save") == 0
    assert kept() == before


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--ef-search", "many"), 2, "not a list of numbers"),
        (("--ef-search", "5000"), 2, "1 to 1,000"),
        (("--index", "nothing"), 3, "no vector index 'nothing'"),
        (("--report", "sweep.doc"), 2, "ends in none of"),
        (("--report", "no/such/folder/a.md"), 7, "cannot be written: No such file"),
        (("--selectivity", "50"), 2, "Write 10 % as 0.1"),
        (("--recall", "95"), 2, "0 to 1"),
        (("--p95", "-1"), 2, "above 0"),
        (("--filter", "{"), 2, ""),
        (("--filter", ""), 2, "filter is empty"),
        (("--connections", "0"), 2, "1 to 200"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(
    docs: Collection,
    module_database_url: str,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    status: int,
    said: str,
) -> None:
    assert call(module_database_url, *arguments) == status
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_the_python_face(docs: Collection) -> None:
    found = docs.tune(queries=VECTORS[:10] + 0.1, ef_search=[20, 80], connections=())
    assert found.result.id is not None
    assert found.sentence in found.to_markdown()
    assert list(found.to_pandas()["setting"]) == ["exact scan", "ef_search 20", "ef_search 80"]
    with pytest.raises(pgvista.PgvistaError, match="axes"):
        docs.tune(queries=[1.0, 2.0])
    with pytest.raises(pgvista.PgvistaError, match="one of off"):
        docs.tune(iterative_scans=["sometimes"])
