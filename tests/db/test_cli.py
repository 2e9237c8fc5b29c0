"""The `pgvista` command on a real server: what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.db.command import Outcome, Run, run_command

from pgvista.cli import progress
from pgvista.cli.output import cells, cut, printable, table, without_passwords
from pgvista.cli.progress import TerminalReporter, duration, progress_text
from pgvista.cli.run import streamlit_arguments
from pgvista.errors import Cancelled
from pgvista.model.progress import Progress

COMMAND = [sys.executable, "-m", "pgvista"]


@pytest.fixture
def run(
    database_url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run the command in this process, on a fresh database."""
    monkeypatch.setenv("PGVISTA_URL", database_url)

    def call(*arguments: str) -> Outcome:
        return run_command(capfd, *arguments)

    return call


@pytest.fixture
def points(tmp_path: Path) -> Path:
    """Five rows with vectors of their own in a plane."""
    rows: list[dict[str, Any]] = [
        {"id": "a", "text": "red apple", "vec": [1, 0], "year": 1970, "title": "Apple"},
        {"id": "b", "text": "green apple", "vec": [0.9, 0.1], "year": 1980, "title": "Pomme"},
        {"id": "c", "text": "yellow pear", "vec": [0.5, 0.5], "year": 1990, "title": "Pear"},
        {"id": "d", "text": "blue plum", "vec": [0, 1], "year": 2000, "title": "Plum"},
        {"id": "e", "text": "black apple pie", "vec": [-1, 0], "year": 2010, "title": "Pie"},
    ]
    file = tmp_path / "points.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def started(url: str, *arguments: str, **more: Any) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    environment = {**os.environ, "PGVISTA_URL": url, **more.pop("env", {})}
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        **more,
    )


# -- help


@pytest.mark.parametrize("arguments", [["--help"], ["load", "--help"], ["search", "-h"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from pgvista.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as ended:\n    assert ended.code == 0, ended.code\n"
        "heavy = {'torch', 'pandas', 'streamlit', 'psycopg', 'numpy', 'transformers',"
        " 'sentence_transformers', 'plotly', 'pyarrow'}\n"
        "print('HEAVY', sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    assert "Usage: " in done.stdout
    assert done.stdout.endswith("HEAVY []\n")


def test_searching_by_words_alone_loads_no_model(run: Run, points: Path, database_url: str) -> None:
    assert run("load", str(points), "--collection", "c").status == 0
    program = (
        "import sys\nfrom pgvista.cli import main\n"
        "try:\n    main(['search', 'c', 'apple', '--mode', 'keyword', '--json'])\n"
        "except SystemExit as ended:\n    assert ended.code == 0, ended.code\n"
        "assert not {'torch', 'pandas', 'streamlit'} & sys.modules.keys()\n"
    )
    environment = {**os.environ, "PGVISTA_URL": database_url}
    subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True
    )


def test_version_and_no_arguments(run: Run) -> None:
    assert re.fullmatch(r"pgvista \d+\.\d+\.\d+\n", run("--version").out)
    nothing = run()
    assert nothing.status == 2
    assert "Commands:" in nothing.out + nothing.err


# -- load


def test_load_keeps_what_is_nothing_else_as_metadata(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "docs.jsonl"
    file.write_text(
        '{"id": "1", "title": "wing", "text": "lift of a wing", "year": 1958}\n'
        '{"id": "2", "title": "heat", "text": "heat of a plate", "year": 1960}\n'
    )
    arguments: tuple[str, ...]
    arguments = ("load", str(file), "--collection", "cran", "--id-column", "id")
    arguments += ("--content-column", "text", "--chunk", "none", "--json")
    loaded = run(*arguments)
    assert loaded.status == 0
    assert loaded.json["created"] is True
    assert loaded.json["mapping"]["metadata"] == ["title", "year"]
    assert {key: loaded.json[key] for key in ("read", "written", "embedded", "rejected")} == {
        "read": 2,
        "written": 2,
        "embedded": 2,
        "rejected": 0,
    }
    again = run(*arguments)
    assert again.json["created"] is False
    assert (again.json["embedded"], again.json["unchanged"]) == (0, 2)

    found = run("search", "cran", "how hot does a plate get", "--fusion", "rrf", "--json").json
    assert found["mode"] == "hybrid"
    first = found["hits"][0]
    assert (first["id"], first["metadata"]) == ("2", {"title": "heat", "year": 1960})
    assert first["score"] == pytest.approx(2 / 61)
    assert "set local" in found["sql"]
    assert set(found["timings_ms"]) == {"embedding", "database", "other", "total"}

    [row] = run("collections", "--json").json
    assert (row["name"], row["rows"], row["model"]) == ("cran", 2, "all-MiniLM-L6-v2")
    assert (row["dimension"], row["metric"], row["unembedded"]) == (384, "cosine", 0)


def test_load_own_vectors_and_typed_columns(run: Run, points: Path) -> None:
    arguments = ("load", str(points), "--collection", "p", "--metric", "l2", "--column")
    loaded = run(*arguments, "year:bigint", "--metadata-column", "title", "--json")
    assert loaded.json["mapping"] == {
        "id": "id",
        "content": "text",
        "embedding": "vec",
        "metadata": ["title"],
        "metadata_object": None,
        "columns": {"year": "year"},
    }
    [row] = run("collections", "--json").json
    assert (row["dimension"], row["metric"], row["model"]) == (2, "l2", None)
    assert row["columns"] == {"year": "bigint"}

    found = run(
        "search", "p", "--vector", "[1, 0]", "--filter", '{"year": {"$gt": 1970}}', "--json"
    )
    assert [hit["id"] for hit in found.json["hits"]] == ["b", "c", "d", "e"]
    assert found.json["mode"] == "semantic"
    assert found.json["hits"][0]["distance"] == pytest.approx(0.02**0.5)


def test_load_with_a_model_does_not_take_unknown_vectors_for_its_own(
    run: Run, points: Path
) -> None:
    loaded = run("load", str(points), "--collection", "p", "--model", "all-MiniLM-L6-v2", "--json")
    assert loaded.json["mapping"]["embedding"] is None
    assert loaded.json["embedded"] == 5


def test_load_from_standard_input(database_url: str) -> None:
    loading = started(
        database_url, "load", "-", "--collection", "c", "--json", stdin=subprocess.PIPE
    )
    out, err = loading.communicate('id,vector,text\n1,"[1,2,3]",one\n2,"[3,2,1]",two\n', 60)
    assert loading.returncode == 0, err
    assert json.loads(out)["written"] == 2


def test_load_in_another_schema(run: Run, points: Path, connection: psycopg.Connection) -> None:
    connection.execute("create schema sales")
    wrong = run("load", str(points), "--collection", "sales.docs")
    assert wrong.status == 2
    assert "--schema sales --collection docs" in wrong.err
    loaded = run("load", str(points), "--collection", "docs", "--schema", "sales")
    assert loaded.status == 0
    assert loaded.out.startswith("Loaded 5 rows into sales.docs in ")
    assert run("load", str(points), "--collection", "sales.docs", "--json").json["created"] is False
    assert run("search", "sales.docs", "apple", "--mode", "keyword", "--json").status == 0


def test_load_a_sample(run: Run) -> None:
    some = run("load", "--sample", "help_centre", "--limit", "20", "--json")
    assert (some.status, some.json["read"]) == (0, 20)
    loaded = run("load", "--sample", "help_centre", "--json")
    assert loaded.status == 0
    assert loaded.json["collection"] == "help_centre"
    assert loaded.json["written"] >= 200
    assert loaded.json["unchanged"] == some.json["written"]
    found = run("search", "help_centre", "increase text size on display", "--limit", "3")
    assert found.status == 0
    assert re.match(r"1  0\.02\d\d  meaning +\d+ words +[\d–]+  hc-\d+  \w", found.out)


def test_bad_rows_are_set_aside(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mixed.jsonl"
    file.write_text(
        '{"id": 1, "vec": [1, 2]}\n{"id": 2, "vec": [1, 2\n{"id": 3, "vec": [1, 2, 3]}\n'
    )
    bad = tmp_path / "bad.csv"
    arguments = ("load", str(file), "--collection", "c", "--embedding-column", "vec")
    unclear = run(*arguments)
    assert unclear.status == 2
    assert "--dimension" in unclear.err
    loaded = run(*arguments, "--dimension", "2", "--bad-rows", str(bad))
    assert loaded.status == 0
    assert loaded.out.startswith("Loaded 1 row into c in ")
    assert "2 rows set aside:\n  line 2: " in loaded.err
    assert "line 3: " in loaded.err
    assert str(bad) in loaded.err
    lines = bad.read_text("utf-8-sig").splitlines()
    assert lines[0] == "line,reason,raw"
    assert [line.split(",")[0] for line in lines[1:]] == ["2", "3"]

    only_bad = tmp_path / "bad.jsonl"
    only_bad.write_text('{"id": 9, "vec": [1, 2, 3]}\n')
    nothing = run("load", str(only_bad), "--collection", "c", "--embedding-column", "vec", "--json")
    assert nothing.status == 2
    assert nothing.json["written"] == 0
    assert nothing.json["bad_rows"][0]["line"] == 1


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["load"], 2, "either a FILE or --sample"),
        (["load", "{file}"], 2, "--collection NAME"),
        (["load", "{file}", "--sample", "help_centre"], 2, "either a FILE or --sample"),
        (["load", "{file}", "--sample", "nope"], 2, "Usage: pgvista load"),
        (["load", "--sample", "help_centre", "--collection", "c"], 2, "--collection does not go"),
        (["load", "{file}", "--collection", "c", "--limit", "5"], 2, "--limit does not go"),
        (["load", "/nowhere/x.csv", "--collection", "c"], 3, "x.csv"),
        (["load", "{file}", "--collection", "c", "--id-column", "x"], 2, "no column 'x'"),
        (["load", "{file}", "--collection", "c", "--chunk", "few"], 2, "auto, none or a number"),
        (["load", "{file}", "--collection", "c", "--chunk", "3"], 2, "out of range"),
        (["load", "{file}", "--collection", "c", "--column", "year"], 2, "NAME:TYPE"),
        (["load", "{file}", "--collection", "c", "--column", "year:int9"], 2, "not offered"),
        (["load", "{file}", "--collection", "x" * 64], 2, "64 bytes"),
        (["load", "{file}", "--collection", "collections"], 4, "catalog"),
        (["load", "{file}", "--collection", "c", "--encoding", "klingon"], 2, "not known"),
        (["load", "{file}", "--collection", "c", "--text-config", "klingon"], 2, "klingon"),
        (["load", "{file}", "--collection", "c", "--bad-rows", "/nowhere/b"], 7, "/nowhere/b"),
        (["load", "{file}", "--collection", "c", "--model", "openai:"], 2, "no model"),
        (
            [
                "load",
                "{file}",
                "--collection",
                "c",
                "--dimension",
                "3",
                "--model",
                "all-MiniLM-L6-v2",
            ],
            2,
            "384",
        ),
        (["search", "nope", "words"], 3, "no collection 'nope'"),
        (["search", "c"], 2, "empty"),
        (["search", "c", " "], 2, "empty"),
        (["search", "c", "x", "--limit", "0"], 2, "limit"),
        (["search", "c", "x", "--limit", "many"], 2, "Usage: pgvista search"),
        (["search", "c", "x", "--mode", "magic"], 2, "Usage: pgvista search"),
        (["search", "c", "x", "--filter", "{"], 2, "not JSON"),
        (["search", "c", "x", "--filter", " "], 2, "filter is empty"),
        (["search", "c", "x", "--filter", '{"a": {"$near": 1}}'], 2, "$near"),
        (["search", "c", "x", "--ef-search", "1001"], 2, "ef_search"),
        (["search", "c", "x", "--rrf-k", "nan"], 2, "rrf_k"),
        (["search", "c", "--mode", "hybrid", "--vector", "[1]"], 2, "needs words"),
        (["explode"], 2, "No such command"),
    ],
)
def test_errors_are_a_sentence_on_standard_error(
    run: Run, points: Path, arguments: list[str], status: int, says: str
) -> None:
    failed = run(*(argument.replace("{file}", str(points)) for argument in arguments))
    assert failed.status == status, failed.err
    assert says in failed.err
    assert "Error: " in failed.err
    assert failed.out == ""


def test_options_that_contradict_a_collection_are_refused(run: Run, points: Path) -> None:
    assert run("load", str(points), "--collection", "c").status == 0
    for option, value in (
        ("--model", "all-MiniLM-L6-v2"),
        ("--dimension", "3"),
        ("--metric", "l1"),
        ("--vector-type", "halfvec"),
        ("--text-config", "german"),
        ("--column", "year:bigint"),
    ):
        refused = run("load", str(points), "--collection", "c", option, value)
        assert (refused.status, refused.out) == (2, "")
        assert f"Leave {option} out" in refused.err
    same = ("--dimension", "2", "--metric", "cosine", "--text-config", "english")
    assert run("load", str(points), "--collection", "c", *same).status == 0


def test_a_file_with_vectors_of_another_dimension(run: Run, points: Path, tmp_path: Path) -> None:
    assert run("load", str(points), "--collection", "c").status == 0
    wide = tmp_path / "wide.jsonl"
    wide.write_text('{"id": "z", "text": "wide", "vec": [1, 2, 3]}\n')
    refused = run("load", str(wide), "--collection", "c")
    assert refused.status == 2
    assert re.search(r"line 1: .*3.*2", refused.err)
    wrong = run("search", "c", "--vector", "[1, 2, 3]")
    assert (wrong.status, wrong.out) == (2, "")


# -- search


def test_search_for_people(run: Run, points: Path) -> None:
    run("load", str(points), "--collection", "c")
    found = run("search", "c", "apple", "--mode", "keyword", "--limit", "2")
    lines = found.out.splitlines()
    assert re.fullmatch(r"1  0\.\d{4}  a  Apple", lines[0])
    assert lines[1:3] == ["   red apple", lines[2]]
    assert re.fullmatch(r"2  0\.\d{4}  b  Pomme", lines[2])
    assert "\x1b" not in found.out
    assert re.fullmatch(r"2 hits in \d+ ms \(.*\)\.\n", found.err)

    nothing = run("search", "c", "zebra", "--mode", "keyword")
    assert (nothing.status, nothing.out) == (0, "")
    assert nothing.err.startswith("Nothing was found.\nNo row holds any of these words.\n")


def test_search_explained(run: Run, points: Path) -> None:
    run("load", str(points), "--collection", "c")
    arguments = ("search", "c", "--vector", "[1, 0]", "--exact", "--explain")
    told = run(*arguments).out
    assert "begin read only;\nset local" in told
    assert "Every row was compared with the query" in told
    plan = run(*arguments, "--json").json["plan"]
    assert plan["vector_index"] is None
    assert plan["execution_ms"] > 0
    assert any("Seq Scan" in node["title"] for node in plan["nodes"])


def test_every_knob_reaches_the_statement(run: Run, points: Path) -> None:
    run("load", str(points), "--collection", "c")
    knobs: tuple[str, ...] = (
        "--ef-search",
        "77",
        "--probes",
        "3",
        "--iterative-scan",
        "relaxed_order",
    )
    knobs += ("--max-scan-tuples", "555", "--metric", "l2", "--max-distance", "1.5")
    statement = run("search", "c", "--vector", "[1, 0]", *knobs, "--json").json["sql"]
    for part in (
        'set local "hnsw"."ef_search" = \'77\'',
        'set local "ivfflat"."probes" = \'3\'',
        'set local "hnsw"."iterative_scan" = \'relaxed_order\'',
        'set local "hnsw"."max_scan_tuples" = \'555\'',
        "<->",
        "1.5",
    ):
        assert part in statement
    words = ("--match", "all", "--rank", "ts_rank_cd", "--text-config", "simple")
    statement = run("search", "c", "red apple", "--mode", "keyword", *words, "--json").json["sql"]
    assert "websearch_to_tsquery('simple'::regconfig" in statement
    assert "ts_rank_cd(" in statement
    labels = ("--rank", "ts_rank", "--label-weights", "1, 0.5, 0.25, 0.125")
    statement = run("search", "c", "apple", "--mode", "keyword", *labels, "--json").json["sql"]
    assert statement.index("0.125") < statement.index("0.25")  # D first
    fused = ("--rrf-k", "50", "--semantic-weight", "2", "--keyword-weight", "0.5", "--depth", "20")
    hybrid = run(
        "search", "c", "red apple", "--mode", "hybrid", "--vector", "[0, 1]", *fused, "--json"
    )
    best = {hit["id"]: hit for hit in hybrid.json["hits"]}
    assert best["d"]["score"] == pytest.approx(2 / 51)
    assert best["a"]["score"] == pytest.approx(2 / (50 + best["a"]["semantic_rank"]) + 0.5 / 51)


def test_matched_words_are_bold_on_a_terminal(run: Run, points: Path, database_url: str) -> None:
    pty = pytest.importorskip("pty", reason="pseudo-terminals are POSIX's")
    run("load", str(points), "--collection", "c")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "search", "c", "apple", "--mode", "keyword"],
        env={**os.environ, "PGVISTA_URL": database_url},
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ) as searching:
        assert searching.wait(60) == 0
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "red \x1b[1mapple\x1b[0m" in shown


def test_what_rows_hold_cannot_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "evil.jsonl"
    row = {
        "id": "\x1b]0;id\x07",
        "vec": [1, 0],
        "title": "\x1b[2Jtitle",
        "text": "apple \x1b[31m‮red",
    }
    file.write_text(json.dumps(row) + "\n")
    assert run("load", str(file), "--collection", "e").status == 0
    shown = run("search", "e", "apple", "--mode", "keyword").out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "‮" not in shown
    assert (
        run("search", "e", "apple", "--mode", "keyword", "--json").json["hits"][0]["id"]
        == row["id"]
    )


# -- collections


def test_collections_as_a_table(run: Run, points: Path) -> None:
    none = run("collections")
    assert (none.status, none.out) == (0, "")
    assert "pgvista load --sample help_centre" in none.err
    assert run("collections", "--json").json == []
    run("load", str(points), "--collection", "größe 日本")
    lines = run("collections").out.splitlines()
    assert lines[0].split() == [
        *("name", "rows", "dimension", "metric", "model", "size", "bm25", "vector", "indexes")
    ]
    assert lines[1].startswith("größe 日本     5          2  cosine  –")
    assert lines[1].endswith("in step  –")


def test_how_statistics_for_bm25_are_kept(
    run: Run, points: Path, connection: psycopg.Connection
) -> None:
    run("load", str(points), "--collection", "p")
    connection.execute("create table pgvista.other (id int primary key, body text, v vector(2))")

    def kept() -> dict[str, str | None]:
        return {row["name"]: row["bm25"] for row in run("collections", "--json").json}

    assert kept() == {"other": None, "p": "in step by triggers"}
    connection.execute("alter table pgvista.p disable trigger pgvista_bm25_delete")
    assert kept()["p"] == "as built"
    assert [line.split()[-2:] for line in run("collections").out.splitlines()[1:]] == [
        ["–", "–"],
        ["built", "–"],
    ]


def test_a_table_that_may_not_be_read_does_not_spoil_the_list(
    run: Run, points: Path, connection: psycopg.Connection, database_url: str
) -> None:
    run("load", str(points), "--collection", "open")
    run("load", str(points), "--collection", "closed")
    role = f"reader_{os.getpid()}"
    connection.execute(f"create role {role} login")
    try:
        connection.execute(f"grant usage on schema pgvista to {role}")
        connection.execute(f"grant select on pgvista.open to {role}")
        connection.execute(f"grant select (id, embedding) on pgvista.closed to {role}")
        address = psycopg.conninfo.make_conninfo(database_url, user=role)
        listed = run("collections", "--url", address, "--json")
        assert listed.status == 0, listed.err
        assert {"closed", "open"} == {row["name"] for row in listed.json}
        denied = run("load", str(points), "--collection", "open", "--url", address)
        assert (denied.status, denied.out) == (7, "")
    finally:
        connection.execute(f"drop owned by {role}")
        connection.execute(f"drop role {role}")


# -- connections and passwords


@pytest.mark.parametrize(
    "arguments",
    [
        ["collections", "--url", "postgresql://ann:sekret@127.0.0.1:1/db"],
        ["collections", "--url", "postgresql://ann:sekret@nowhere.invalid/db"],
        ["collections", "--url", "postgresql://ann:sekret@h:port/db"],
        ["collections", "--url", "postgres+x://ann:sekret@h/db"],
        ["collections", "--url", "host=127.0.0.1 port=1 password=sekret"],
        ["collections", "--url", "host=127.0.0.1 port=x password='sek ret sekret'"],
        ["collections", "postgresql://ann:sekret@h/db"],
        ["collections", "host=h password='it is sekret'"],
        ["collections", "--urll=postgresql://ann:sekret@h/db"],
        ["postgresql://ann:sekret@h/db"],
        ["load", "postgresql://ann:sekret@h/db", "--collection", "c"],
        ["run", "--url", "postgresql://ann:sekret@h:port/db"],
    ],
)
def test_passwords_are_never_printed(run: Run, arguments: list[str]) -> None:
    failed = run(*arguments)
    assert failed.status in (2, 3, 5)
    assert "sekret" not in failed.out + failed.err


def test_passwords_are_hidden_in_any_text() -> None:
    assert without_passwords("no postgresql://a:b@h/d here") == "no postgresql://a:***@h/d here"
    assert without_passwords("password = 'a b' x=1") == "password = *** x=1"
    assert without_passwords("h?sslpassword=x&a=1") == "h?sslpassword=***&a=1"
    assert without_passwords("10:30 a@b.org") == "10:30 a@b.org"


def test_no_extension(run: Run, embedded_url: str) -> None:
    without = embedded_url.replace("/pgvista", "/template1")
    failed = run("collections", "--url", without)
    assert (failed.status, failed.out) == (6, "")


def test_the_embedded_server_is_the_default(data_dir: Path, embedded_url: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "PGVISTA_URL"}
    done = subprocess.run(
        [*COMMAND, "collections", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), list)


# -- interruptions


def test_ctrl_c_leaves_what_was_committed_and_a_second_start_goes_on(
    run: Run, database_url: str, tmp_path: Path
) -> None:
    total = 1200
    file = tmp_path / "many.jsonl"
    file.write_text(
        "".join(f'{{"id": "{n}", "text": "a short text, number {n}"}}\n' for n in range(total))
    )
    arguments = ("load", str(file), "--collection", "many", "--json")
    loading = started(database_url, *arguments)
    deadline = time.monotonic() + 240
    with psycopg.connect(database_url, autocommit=True) as session:
        while time.monotonic() < deadline and loading.poll() is None:
            exists = session.execute("select to_regclass('pgvista.many') is not null").fetchone()
            if exists and exists[0] and session.execute("table pgvista.many limit 1").fetchone():
                break
            time.sleep(0.05)
        loading.send_signal(signal.SIGINT)
        out, err = loading.communicate(timeout=120)
        counted = session.execute("select count(*) from pgvista.many").fetchone()
    assert counted is not None
    assert 0 < counted[0] < total
    assert (loading.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "Ctrl-C again stops at once" in err
    assert f"Stopped. many holds {counted[0]:,} rows." in err
    assert "goes on from there" in err

    again = run(*arguments)
    assert again.status == 0
    assert again.json["unchanged"] == counted[0]
    assert again.json["embedded"] == total - counted[0]


def test_a_reader_that_goes_away_is_no_error(run: Run, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "long.jsonl"
    text = "apple " * 200
    file.write_text(
        "".join(f'{{"id": "{n}", "vec": [1, {n}], "text": "{text}"}}\n' for n in range(1000))
    )
    assert run("load", str(file), "--collection", "long").status == 0
    searching = started(database_url, "search", "long", "--vector", "[1, 0]", "--limit", "1000")
    assert searching.stdout is not None
    assert searching.stderr is not None
    assert searching.stdout.readline().split() == ["1", "1.0000", "0"]
    searching.stdout.close()
    err = searching.stderr.read()
    assert searching.wait(60) == 141
    assert err == ""
    searching.stderr.close()


# -- the app


def test_the_app_is_served(tmp_path: Path, database_url: str) -> None:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    serving = started(
        database_url,
        "run",
        "--port",
        str(port),
        "--no-browser",
        cwd=tmp_path,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        answer = ""
        while answer != "ok" and time.monotonic() < deadline and serving.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as reply:
                    answer = reply.read().decode()
            except OSError:
                time.sleep(0.1)
        assert answer == "ok"
        taken = subprocess.run(
            [*COMMAND, "run", "--port", str(port), "--headless"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert taken.returncode == 4
        assert f"Port {port}" in taken.stderr
    finally:
        serving.send_signal(signal.SIGINT)
        serving.communicate(timeout=30)


def test_the_app_is_started_by_streamlit_itself() -> None:
    script = Path("/somewhere/app.py")
    plain = streamlit_arguments(script, port=None, host="127.0.0.1", browser=None)
    assert plain[1:5] == ["-m", "pgvista.ui.serve", "run", str(script)]
    assert plain[5:] == ["--server.address", "127.0.0.1", "--server.showEmailPrompt", "false"]
    more = streamlit_arguments(script, port=8600, host="::1", browser=False)
    assert more[-4:] == ["--server.port", "8600", "--server.headless", "true"]


def test_the_data_folder_is_checked_before_the_app_starts(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.delenv("PGVISTA_URL")
    monkeypatch.setenv("PGVISTA_DATA", str(file))
    refused = run("run")
    assert refused.status == 2
    assert "PGVISTA_DATA" in refused.err
    monkeypatch.setenv("PGVISTA_DATA", str(file / "below"))
    assert run("run").status == 2


# -- the parts


def test_progress_in_words() -> None:
    assert progress_text(Progress(0, None, "loading the model"), None, None) == "Loading the model…"
    assert progress_text(Progress(10, None, "x"), None, None) == "10 rows"
    told = progress_text(Progress(500, 2000, "loading"), 25.4, 59.9)
    assert told == "500 of 2,000 rows, 25 %, 25/s, 1 min 0 s left"
    assert progress_text(Progress(1, 2, "x", "texts"), 0.25, 4.2) == (
        "1 of 2 texts, 50 %, 0.2/s, 4 s left"
    )
    assert [duration(s) for s in (0.2, 59.4, 61, 3599, 7260)] == [
        *("0 s", "59 s", "1 min 1 s", "59 min 59 s", "2 h 1 min")
    ]


def test_progress_off_a_terminal_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = TerminalReporter(on_terminal=False)
    reporter.report(Progress(1, 100, "loading"))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "FIRST_LINE_S", 0.0)
    reporter = TerminalReporter(on_terminal=False)
    for done in range(100):
        reporter.report(Progress(done, 100, "loading"))
    assert capsys.readouterr().err == "Loading…\n"
    reporter.check()
    reporter.stop()
    with pytest.raises(Cancelled):
        reporter.check()


def test_a_bar_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = TerminalReporter(on_terminal=True)
    reporter.report(Progress(50, 100, "loading"))
    reporter.clear()
    err = capsys.readouterr().err
    assert err.startswith("\r████████████░░░░░░░░░░░░ 50 of 100 rows, 50 %")
    assert err.endswith("\r\x1b[K")


def test_columns_of_a_terminal() -> None:
    assert cells("日本") == 4
    assert cells("e\u0301") == 1
    assert cut("日本語", 5) == "日本…"
    assert cut("plain", 5) == "plain"
    assert printable("a\tb\x1b[0m\nc\u202e") == "a b[0m c"
    text = table(("n", "x"), [("日本", "1"), ("a", "22")], right=frozenset({1}))
    assert text.splitlines()[1:] == ["日本   1", "a     22"]
