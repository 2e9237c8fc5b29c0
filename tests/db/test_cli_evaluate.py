"""`pgvista evaluate` on a real server: what it prints where, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.db.command import Outcome, Run, run_command
from tests.db.judged import make_fruit

from pgvista.cli import main
from pgvista.services.collections import open_collection
from pgvista.services.connect import open_database
from pgvista.services.judgments import list_query_sets
from pgvista.services.search_defaults import default_request, set_search_defaults


@pytest.fixture
def run(
    database_url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run `pgvista evaluate fruit` in this process, on a fresh database."""
    monkeypatch.setenv("PGVISTA_URL", database_url)
    make_fruit(database_url)

    def call(*arguments: str | Path, collection: str = "fruit") -> Outcome:
        return run_command(capfd, "evaluate", collection, *arguments)

    return call


@pytest.fixture
def files(tmp_path: Path) -> list[str | Path]:
    """Two queries that words answer, as BEIR has them."""
    queries, qrels = tmp_path / "queries.jsonl", tmp_path / "qrels.tsv"
    queries.write_text('{"_id": "p", "text": "pear"}\n{"_id": "s", "text": "sand"}\n')
    qrels.write_text("query-id\tcorpus-id\tscore\np\tc\t1\np\td\t1\ns\tf\t1\n")
    return ["--queries", queries, "--qrels", qrels]


def test_json_of_one_mode_has_its_figures_at_the_top(run: Run, files: list[str | Path]) -> None:
    done = run(*files, "--mode", "keyword", "--json")
    assert done.status == 0
    found = done.json
    assert found["mode"] == "keyword"
    assert found["measures"] == {
        "nDCG@10": 1.0,
        "R@100": 1.0,
        "RR@10": 1.0,
        "AP": 1.0,
        "P@10": 0.15,
        "judged@10": 1.0,
    }
    assert found["queries"] == 2
    assert found["latency_ms"]["p50"] <= found["latency_ms"]["p95"]
    assert done.err == ""


def test_every_mode_is_a_line_of_the_table(run: Run, files: list[str | Path]) -> None:
    done = run(*files, "--mode", "all", "--per-query")
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[0].split()[:2] == ["mode", "nDCG@10"]
    assert [line.split()[0] for line in lines[1:4]] == ["semantic", "keyword", "hybrid"]
    assert lines[2].split()[1:7] == ["1.0000", "1.0000", "1.0000", "1.0000", "0.1500", "1.0000"]
    assert {line.split()[-1] for line in lines[6:8]} == {"pear", "sand"}
    assert "2 queries measured on queries" in done.err


def test_json_of_several_modes_and_each_query(run: Run, files: list[str | Path]) -> None:
    arguments = ("--mode", "keyword", "--mode", "semantic", "--measure", "RR@1", "--per-query")
    modes = run(*files, *arguments, "--json").json["modes"]
    assert list(modes) == ["keyword", "semantic"]
    assert modes["keyword"]["measures"] == {"RR@1": 1.0}
    assert [item["id"] for item in modes["semantic"]["by_query"]] == ["p", "s"]


def test_the_knobs_of_a_search_are_knobs_of_an_evaluation(
    run: Run, files: list[str | Path]
) -> None:
    none = run(*files, "--mode", "keyword", "--filter", '{"year": {"$gte": 1}}', "--json")
    assert none.json["measures"]["R@100"] == 0
    assert none.json["problems"] == 2
    bad = run(*files, "--rrf-k", "0")
    assert (bad.status, bad.out) == (2, "")
    assert "rrf_k is 0.0" in bad.err
    assert run(*files, "--fusion", "best").status == 2


def test_runs_are_written_as_trec_has_them(
    run: Run, files: list[str | Path], tmp_path: Path
) -> None:
    assert run(*files, "--mode", "keyword", "--run", tmp_path / "run.trec").status == 0
    lines = (tmp_path / "run.trec").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["p", "p", "s"]
    assert lines[-1] == "s Q0 f 1 1 pgvista-keyword"
    modes = ("--mode", "keyword", "--mode", "semantic")
    assert run(*files, *modes, "--run", tmp_path / "run.trec").status == 0
    assert (tmp_path / "run.keyword.trec").read_text().splitlines() == lines
    assert len((tmp_path / "run.semantic.trec").read_text().splitlines()) == 12
    refused = run(*files, "--run", tmp_path / "no" / "run.trec")
    assert (refused.status, refused.out) == (7, "")
    assert "cannot be written" in refused.err


def test_what_is_wrong_with_the_files_is_told(
    run: Run, files: list[str | Path], tmp_path: Path
) -> None:
    (tmp_path / "qrels.tsv").write_text("p\tc\t1\np\tc\t2\np\tgone\t1\nx\ta\t1\np\td\thigh\n")
    done = run(*files, "--mode", "keyword")
    assert done.status == 0
    for words in (
        "1 line was set aside in the file of judgments: line 5 has 'high' for a grade.",
        "A judgment was given again once",
        "1 query was left out: it has no judgments.",
        "1 judged query was not asked",
        "1 of 3 judged documents is not in fruit, such as 'gone'",
    ):
        assert words in done.err


@pytest.mark.parametrize(
    ("queries", "qrels", "message"),
    [
        ("", "p\tc\t1\n", "queries.jsonl' is empty"),
        ('{"_id": "p", "text": "pear"}', "", "qrels.tsv' is empty"),
        ('{"_id": "p", "text": "pear"}', "p\tc\t0\n", "nothing to measure"),
        ('{"_id": "p", "text": "pear"}', "1\tc\t1\n", "call the queries alike"),
        ('{"a": 1}', "p\tc\t1\n", "id and text cannot be told"),
    ],
)
def test_files_with_nothing_to_measure_end_in_a_sentence(
    run: Run, files: list[str | Path], tmp_path: Path, queries: str, qrels: str, message: str
) -> None:
    (tmp_path / "queries.jsonl").write_text(queries)
    (tmp_path / "qrels.tsv").write_text(qrels)
    done = run(*files, "--mode", "keyword", "--json")
    assert (done.status, done.out) == (2, "")
    assert message in done.err


def test_misuse_ends_with_a_sentence(run: Run, files: list[str | Path], tmp_path: Path) -> None:
    for arguments, status, message in (
        ((), 2, "--queries is missing"),
        (files[:2], 2, "--qrels is missing"),
        ((*files, "--set", "mine"), 2, "does not go with"),
        (("--set", "mine"), 3, "no query set 'mine'"),
        (("--set", "mine", "--save", "x"), 2, "saved already"),
        ((*files, "--measure", "speed", "--mode", "keyword"), 2, "'speed' is not known"),
        ((*files, "--set-default"), 2, "needs --grid"),
        ((*files, "--grid", "--mode", "all"), 2, "Give --mode once"),
        ((*files, "--seed", "-1"), 2, "seed is -1"),
        (("--queries", tmp_path / "none", "--qrels", tmp_path / "none"), 3, "no file"),
    ):
        done = run(*arguments)
        assert (done.status, done.out) == (status, ""), arguments
        assert message in done.err
    assert run(*files, collection="nobody").status == 3


def test_a_set_is_saved_and_used_again(
    run: Run, files: list[str | Path], database_url: str
) -> None:
    saved = run(*files, "--mode", "keyword", "--save", "fruit questions", "--json")
    again = run("--set", "fruit questions", "--mode", "keyword", "--json")
    assert saved.json["measures"] == again.json["measures"]
    assert again.json["query_set"] == "fruit questions"
    with_db = open_database(database_url)
    assert [item.judgments for item in list_query_sets(with_db)] == [3]
    with_db.close()


def test_a_grid_ends_in_a_sentence_and_its_winner_becomes_the_default(
    run: Run, tmp_path: Path, database_url: str
) -> None:
    queries, qrels = tmp_path / "q.tsv", tmp_path / "r.tsv"
    # no order by meaning can begin with f for one half and with c and d for the other
    asked = [("sand", "f") if n % 2 else ("pear", "c") for n in range(30)]
    queries.write_text("".join(f"q{n}\t{text}\n" for n, (text, _) in enumerate(asked)))
    qrels.write_text("".join(f"q{n}\t{document}\t1\n" for n, (_, document) in enumerate(asked)))
    files = ("--queries", queries, "--qrels", qrels)
    kept = run(*files, "--grid", "--mode", "keyword", "--set-default")
    assert kept.status == 0
    assert kept.out.splitlines()[-1].startswith("Keep what you have: ")
    assert "left as it is" in kept.err
    taken = run(*files, "--grid", "--mode", "semantic", "--set-default", "--json")
    assert taken.json["default_set"] is True
    assert taken.json["sentence"].startswith("Take ")
    db = open_database(database_url)
    assert default_request(open_collection(db, "fruit"))["mode"] == "keyword"
    db.close()
    assert run(*files, "--json").json["mode"] == "keyword"
    assert run(*files, "--mode", "semantic", "--json").json["mode"] == "semantic"


def test_search_begins_with_the_defaults_and_options_win(
    run: Run, database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    db = open_database(database_url)
    set_search_defaults(db, open_collection(db, "fruit"), {"mode": "keyword"})
    db.close()

    def mode(*arguments: str) -> Any:
        capfd.readouterr()
        with pytest.raises(SystemExit):
            main(["search", "fruit", "pear", "--json", *arguments])
        return json.loads(capfd.readouterr().out)["mode"]

    assert mode() == "keyword"
    assert mode("--mode", "semantic") == "semantic"
