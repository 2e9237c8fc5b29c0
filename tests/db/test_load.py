"""Loading files into real tables: what is wrong with rows, files, names, servers and disks."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import psycopg
import pytest
from tests.db.loading import DIMENSION, WordEmbedder, guessed, jsonl

from pgvista.db.database import Database
from pgvista.db.embedded import start_embedded
from pgvista.db.target import target_from_url
from pgvista.errors import (
    Cancelled,
    Conflict,
    InvalidInput,
    OutOfSpace,
    PgvistaError,
    ReadOnly,
    ServerUnavailable,
)
from pgvista.io.readers import open_source
from pgvista.jobs import JobRunner, JobState
from pgvista.model.collection import Collection, Column, NewCollection
from pgvista.model.progress import Progress
from pgvista.model.rows import ColumnMapping, IngestReport
from pgvista.services import collections, rows
from pgvista.services.ingest import IngestOptions
from pgvista.services.load import bad_rows_csv, load_file
from pgvista.sql.rows import PageRequest

TEXTS = ColumnMapping(id="id", content="text")
VECTORS = ColumnMapping(id="id", embedding="v")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(target_from_url(database_url))
    yield database
    database.close()


@pytest.fixture
def texts(db: Database) -> Collection:
    return collections.create(db, NewCollection("texts", model="words", dimension=DIMENSION))


@pytest.fixture
def vectors(db: Database) -> Collection:
    return collections.create(db, NewCollection("vectors", dimension=3))


@pytest.fixture
def words() -> WordEmbedder:
    return WordEmbedder()


def load(
    db: Database,
    collection: Collection | NewCollection,
    items: Sequence[Mapping[str, Any]],
    mapping: ColumnMapping = TEXTS,
    **more: Any,
) -> IngestReport:
    return load_file(db, jsonl(items), mapping, collection=collection, **more)


def ids(db: Database, collection: Collection) -> list[str]:
    return [row.id for row in rows.page(db, collection, PageRequest(limit=1000)).rows]


def reasons(report: IngestReport) -> dict[int, str]:
    return {bad.line: bad.reason for bad in report.bad_rows}


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            'a"b',
            "a'b; drop table x; --",
            "Ünïcødé ☃",
            "x" * 63,
            "é" * 31,
            "select",
            "a.b",
            "a%sb{}",
        ],
    )
    def test_any_name_is_created_loaded_and_read(self, db: Database, name: str) -> None:
        new = NewCollection(name, dimension=3, columns=(Column(name[:40], "text"),))
        mapping = ColumnMapping(id="id", embedding="v", structured={"c": name[:40]})
        report = load(db, new, [{"id": name, "v": [1, 2, 3], "c": name}], mapping)
        assert (report.written, report.rejected) == (1, 0)
        [row] = rows.get(db, collections.open_collection(db, name), [name])
        assert row.columns == {name[:40]: name}

    def test_longer_than_63_bytes_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="64 bytes long, and Postgres keeps 63"):
            NewCollection("é" * 32, dimension=3)

    def test_taken(self, db: Database, vectors: Collection) -> None:
        with pytest.raises(Conflict, match="The name is taken"):
            load(db, NewCollection("vectors", dimension=3), [{"id": 1, "v": [1, 2, 3]}], VECTORS)


class TestBadRows:
    def test_nul_in_text_id_and_metadata(
        self, db: Database, texts: Collection, words: WordEmbedder
    ) -> None:
        lines = [
            {"id": "a", "text": "fine", "tag": "x"},
            {"id": "b", "text": "half\0way", "tag": "x"},
            {"id": "c\0", "text": "an id", "tag": "x"},
            {"id": "d", "text": "metadata", "tag": "x\0"},
            {"id": "e", "text": "fine too", "tag": "x"},
        ]
        mapping = ColumnMapping(id="id", content="text", metadata=("tag",))
        report = load(db, texts, lines, mapping, embedder=words)
        assert ids(db, texts) == ["a", "e"]
        assert sorted(reasons(report)) == [2, 3, 4]
        assert all("NUL" in reason for reason in reasons(report).values())

    def test_nan_infinity_and_wrong_dimension(self, db: Database, vectors: Collection) -> None:
        file = open_source(
            b'{"id":"a","v":[1,2,3]}\n{"id":"b","v":[1,NaN,3]}\n{"id":"c","v":[1,2,Infinity]}\n'
            b'{"id":"d","v":[1,2]}\n{"id":"e","v":"[4, 5, 6]"}\n{"id":"f","v":[1,"x",3]}\n'
            b'{"id":"g","v":[0,0,0]}\n{"id":"h","v":null}\n{"id":"i","v":[1,2,1e39]}\n',
            name="v.jsonl",
        )
        report = load_file(db, file, VECTORS, collection=vectors)
        assert ids(db, vectors) == ["a", "e", "g"]  # a zero vector is stored
        told = reasons(report)
        assert told[2] == "The vector holds NaN at place 2."
        assert told[3] == "The vector holds infinity at place 3."
        assert told[4] == "The vector has 2 numbers, but the dimension is 3."
        assert "'x'" in told[6]
        assert told[8] == "The row has no content and no vector."
        assert "outside the range" in told[9]
        [zero] = rows.get(db, vectors, ["g"])
        assert zero.embedding is not None
        assert not np.any(zero.embedding)

    def test_line_numbers_count_lines_within_quotes(
        self, db: Database, texts: Collection, words: WordEmbedder
    ) -> None:
        file = open_source(b'id,text\na,"one\ntwo"\n,no id\nb,fine\nc\n', name="a.csv")
        report = load_file(db, file, TEXTS, collection=texts, embedder=words)
        assert ids(db, texts) == ["a", "b"]
        assert sorted(reasons(report)) == [4, 6]
        table = list(csv.reader(io.StringIO(bad_rows_csv(report).decode("utf-8-sig"))))
        assert table[0] == ["line", "reason", "raw"]
        assert table[1][0] == "4"
        assert "no id" in table[1][2]

    def test_text_without_a_vector_where_there_is_no_model(
        self, db: Database, vectors: Collection
    ) -> None:
        mapping = ColumnMapping(id="id", content="text", embedding="v")
        items: list[dict[str, Any]] = [
            {"id": "a", "text": "t", "v": [1, 2, 3]},
            {"id": "b", "text": "t", "v": None},
        ]
        report = load(db, vectors, items, mapping)
        assert ids(db, vectors) == ["a"]
        assert "no model" in reasons(report)[2]

    def test_column_values_that_do_not_fit(self, db: Database) -> None:
        columns = (Column("n", "bigint"), Column("d", "date"), Column("tags", "text[]"))
        new = NewCollection("typed", dimension=3, columns=columns)
        mapping = ColumnMapping(
            id="id", embedding="v", structured={"n": "n", "d": "d", "tags": "tags"}
        )
        vector = [1, 2, 3]
        items: list[dict[str, Any]] = [
            {"id": "a", "v": vector, "n": 1, "d": "2024-02-29", "tags": ['a"b', "c,d", "\\", "{}"]},
            {"id": "b", "v": vector, "n": "many", "d": None, "tags": None},
            {"id": "c", "v": vector, "n": 2**63, "d": None, "tags": None},
            {"id": "d", "v": vector, "n": 2, "d": "2023-02-29", "tags": []},
            {"id": "e", "v": vector, "n": None, "d": None, "tags": []},
        ]
        report = load(db, new, items, mapping)
        opened = collections.open_collection(db, "typed")
        assert ids(db, opened) == ["a", "e"]
        assert sorted(reasons(report)) == [2, 3, 4]
        assert rows.get(db, opened, ["a"])[0].columns["tags"] == ['a"b', "c,d", "\\", "{}"]

    def test_postgres_refuses_one_row_of_many(self, db: Database, vectors: Collection) -> None:
        """A check constraint that no client knows of: the one row is found by halving."""
        with db.transaction() as connection:
            connection.execute(
                "alter table pgvista.vectors add constraint no_13 check (id <> '13')"
            )
        report = load(db, vectors, [{"id": n, "v": [n, 1, 1]} for n in range(100)], VECTORS)
        assert (report.read, report.written, report.rejected) == (100, 99, 1)
        assert "no_13" in reasons(report)[14]

    def test_all_rows_bad(self, db: Database, vectors: Collection) -> None:
        report = load(db, vectors, [{"id": n, "v": [1]} for n in range(2000)], VECTORS)
        assert (report.read, report.written, report.rejected) == (2000, 0, 2000)


class TestDuplicates:
    def test_in_one_batch_and_across_the_last_wins(
        self, db: Database, texts: Collection, words: WordEmbedder
    ) -> None:
        items = [{"id": n % 7, "text": f"text {n}"} for n in range(50)]
        options = IngestOptions(text_batch=10)
        report = load(db, texts, items, embedder=words, options=options)
        assert report.read == 50
        stored = rows.get(db, texts, [str(n) for n in range(7)])
        assert [row.content for row in stored] == [
            f"text {n}" for n in (49, 43, 44, 45, 46, 47, 48)
        ]
        for row in stored:
            assert row.embedding is not None
            assert np.array_equal(row.embedding, words.embed_query(row.content or ""))

    def test_without_ids_the_same_text_is_one_row(
        self, db: Database, texts: Collection, words: WordEmbedder
    ) -> None:
        file = open_source(b"one\ntwo\none\n", name="lines.txt")
        for _ in range(2):
            load_file(db, file, guessed(file, texts), collection=texts, embedder=words)
        assert words.texts.count("two") == 1


class TestFiles:
    @pytest.mark.parametrize(
        ("data", "name", "sentence"),
        [
            (b"", "a.csv", "is empty"),
            (bytes(range(256)) * 8, "a.csv", "a.csv"),
            (b"\x7fELF\x02\x01\x01\x00" + bytes(500), "a.txt", "executable program"),
            (b"%PDF-1.7\n", "a.txt", "a PDF"),
            (b"PK\x03\x04" + bytes(100), "a.csv", "ZIP archive"),
        ],
    )
    def test_not_a_file_that_loads(self, data: bytes, name: str, sentence: str) -> None:
        with pytest.raises(InvalidInput, match=sentence):
            open_source(data, name=name)

    def test_broken_json_line(self, db: Database, texts: Collection, words: WordEmbedder) -> None:
        file = open_source(
            b'{"id":"a","text":"fine"}\n{"id":"b","text":\n\n[1]\n{"id":"c","text":"too"}\n',
            name="a.jsonl",
        )
        report = load_file(db, file, TEXTS, collection=texts, embedder=words)
        assert ids(db, texts) == ["a", "c"]
        assert sorted(reasons(report)) == [2, 4]

    def test_mixed_encodings(self, db: Database, texts: Collection, words: WordEmbedder) -> None:
        good = "".join(f"{n},größer als {n}\n" for n in range(20)).encode()
        file = open_source(
            b"id,text\n" + good + "x,größer".encode("latin-1") + b"\nz,fine\n", name="mixed.csv"
        )
        report = load_file(db, file, TEXTS, collection=texts, embedder=words)
        assert report.written == 21
        assert "UTF-8" in reasons(report)[22]
        assert rows.get(db, texts, ["3"])[0].content == "größer als 3"

    def test_mapping_that_cannot_fit(
        self, db: Database, texts: Collection, vectors: Collection
    ) -> None:
        items = [{"id": 1, "text": "t"}]
        with pytest.raises(InvalidInput, match="There is no column 'body'"):
            load(db, texts, items, ColumnMapping(id="id", content="body"))
        with pytest.raises(InvalidInput, match="No column is chosen"):
            load(db, texts, items, ColumnMapping(id="id"))
        with pytest.raises(InvalidInput, match="vectors has no model"):
            load(db, vectors, items)
        new = NewCollection("never", dimension=3)
        with pytest.raises(InvalidInput, match="never has no model"):
            load(db, new, items)
        assert [item.name for item in collections.list_collections(db)] == ["texts", "vectors"]

    def test_read_only(self, database_url: str, texts: Collection, words: WordEmbedder) -> None:
        locked = Database(target_from_url(database_url, read_only=True))
        with pytest.raises(ReadOnly):
            load(locked, texts, [{"id": 1, "text": "t"}], embedder=words)
        locked.close()


class TestAgain:
    def test_unchanged_file_embeds_nothing(
        self, db: Database, texts: Collection, words: WordEmbedder
    ) -> None:
        items = [{"id": n, "text": f"text {n}"} for n in range(30)]
        first = load(db, texts, items, embedder=words)
        assert (first.written, first.embedded, first.unchanged) == (30, 30, 0)
        items[3]["text"] = "another text"
        again = load(db, texts, items, embedder=words)
        assert (again.written, again.embedded, again.unchanged) == (30, 1, 29)
        assert len(words.texts) == 31

    def test_changed_metadata_of_an_unchanged_text_is_written(
        self, db: Database, texts: Collection, words: WordEmbedder
    ) -> None:
        mapping = ColumnMapping(id="id", content="text", metadata=("year",))
        load(db, texts, [{"id": 1, "text": "t", "year": 1999}], mapping, embedder=words)
        again = load(db, texts, [{"id": 1, "text": "t", "year": 2001}], mapping, embedder=words)
        assert again.embedded == 0
        assert rows.get(db, texts, ["1"])[0].metadata == {"year": 2001}

    def test_shorter_text_leaves_no_stale_chunks(
        self, db: Database, texts: Collection, words: WordEmbedder
    ) -> None:
        def sentence(count: int) -> str:
            return " ".join(f"w{n}" for n in range(count))

        load(db, texts, [{"id": "a", "text": sentence(60)}], embedder=words)
        long = ids(db, texts)
        assert long == [f"a#{n}" for n in range(1, len(long) + 1)]
        assert len(long) > 3
        load(db, texts, [{"id": "a", "text": sentence(25)}], embedder=words)
        assert ids(db, texts) == ["a#1", "a#2"]
        load(db, texts, [{"id": "a", "text": sentence(5)}], embedder=words)
        assert ids(db, texts) == ["a"]
        load(db, texts, [{"id": "a", "text": sentence(25)}], embedder=words)
        assert ids(db, texts) == ["a#1", "a#2"]

    def test_stale_chunks_go_after_a_rename(
        self, db: Database, texts: Collection, words: WordEmbedder
    ) -> None:
        words_60 = " ".join(f"w{n}" for n in range(60))
        load(db, texts, [{"id": "a", "text": words_60}], embedder=words)
        renamed = collections.rename(db, texts, "renamed")
        load(db, renamed, [{"id": "a", "text": "short"}], embedder=words)
        assert ids(db, renamed) == ["a"]

    def test_delete_of_a_text_takes_its_chunks(
        self, db: Database, texts: Collection, words: WordEmbedder
    ) -> None:
        words_60 = " ".join(f"w{n}" for n in range(60))
        items = [{"id": "a", "text": words_60}, {"id": "a#x", "text": "not a chunk of it"}]
        load(db, texts, items, embedder=words)
        before = len(ids(db, texts))
        assert rows.delete(db, texts, ids=["a"]) == before - 1
        assert ids(db, texts) == ["a#x"]


class _StopAfter:
    """A reporter that does something once so many rows are done."""

    def __init__(self, rows_done: int, act: Callable[[], None]) -> None:
        self.rows_done = rows_done
        self.act: Callable[[], None] | None = act
        self.seen: list[Progress] = []

    def report(self, progress: Progress) -> None:
        self.seen.append(progress)
        if progress.done >= self.rows_done and self.act is not None:
            act, self.act = self.act, None
            act()

    def check(self) -> None:
        """Never stop."""


class TestProgress:
    def test_rows_are_told_with_their_total(
        self, db: Database, texts: Collection, words: WordEmbedder
    ) -> None:
        items = [{"id": n, "text": f"text {n:05}"} for n in range(1000)]
        reporter = _StopAfter(10**9, lambda: None)
        options = IngestOptions(text_batch=100)
        load(db, texts, items, embedder=words, options=options, reporter=reporter)
        told = [item for item in reporter.seen if item.stage == "loading"]
        assert [item.done for item in told] == sorted(item.done for item in told)
        assert all(item.total is not None and 900 <= item.total <= 1100 for item in told)
        assert (told[-1].done, told[-1].total) == (1000, 1000)
        assert {item.stage for item in told} == {"loading"}

    def test_cancelled_job_keeps_its_batches(
        self, db: Database, texts: Collection, words: WordEmbedder
    ) -> None:
        runner = JobRunner()
        items = [{"id": n, "text": f"text {n}"} for n in range(1000)]
        gate, started = threading.Event(), threading.Event()

        class Slow(WordEmbedder):
            def embed_documents(self, texts: Any, **more: Any) -> Any:
                if self.texts:  # the second batch waits until the job is cancelled
                    started.set()
                    assert gate.wait(30)
                return super().embed_documents(texts, **more)

        job = runner.submit(
            "Load",
            lambda reporter: load(
                db,
                texts,
                items,
                embedder=Slow(),
                options=IngestOptions(text_batch=100),
                reporter=reporter,
            ),
            owner="me",
        )
        assert started.wait(30)
        runner.cancel(job.id, owner="me")
        gate.set()
        over = runner.wait(job.id, owner="me", timeout_s=30)
        runner.close()
        assert over.state is JobState.CANCELLED
        assert isinstance(over.error, Cancelled)
        assert rows.count(db, texts) == 100
        again = load(db, texts, items, embedder=words)
        assert (again.unchanged, again.embedded) == (100, 900)


class TestTogether:
    def test_two_loads_at_once(self, db: Database, texts: Collection) -> None:
        """The same ids in opposite orders, in many small batches, with chunks: no deadlock."""
        items = [{"id": n, "text": f"text {n} " + "word " * (n % 40)} for n in range(400)]
        other = items[::-1] + [{"id": f"x{n}", "text": f"more {n}"} for n in range(200)]
        options = IngestOptions(text_batch=20)
        reports: list[IngestReport] = []
        failures: list[PgvistaError] = []

        def work(mine: list[dict[str, Any]]) -> None:
            try:
                reports.append(load(db, texts, mine, embedder=WordEmbedder(), options=options))
            except PgvistaError as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(mine,)) for mine in (items, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert not failures
        assert [report.rejected for report in reports] == [0, 0]
        parents = {row_id.split("#")[0] for row_id in ids(db, texts)}
        assert parents == {str(n) for n in range(400)} | {f"x{n}" for n in range(200)}
        assert all(
            row.embedding is not None for row in rows.page(db, texts, PageRequest(limit=1000)).rows
        )


class TestServerKilled:
    def test_batches_stay_and_a_second_load_finishes(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="pgv-"))
        server = start_embedded(folder)
        db = Database(target_from_url(server.url))
        words = WordEmbedder()
        items = [{"id": n, "text": f"text {n}"} for n in range(1000)]
        options = IngestOptions(text_batch=100)
        try:
            new = NewCollection("texts", model="words", dimension=DIMENSION)
            texts = collections.create(db, new)
            reporter = _StopAfter(300, lambda: _kill(folder))
            with pytest.raises(ServerUnavailable) as failed:
                load(db, texts, items, embedder=words, options=options, reporter=reporter)
            assert failed.value.hint
            assert "Traceback" not in str(failed.value)
            server.ensure_running()
            kept = rows.count(db, texts)
            assert kept in (200, 300)
            again = load(db, texts, items, embedder=words, options=options)
            assert again.unchanged == kept
            assert again.embedded == 1000 - kept
            assert rows.count(db, texts) == 1000
        finally:
            db.close()
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)


def _kill(folder: Path) -> None:
    """Kill the server of `folder` outright, and wait until its sessions have ended with it."""
    pid = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
    sessions = psutil.Process(pid).children()
    os.kill(pid, signal.SIGKILL)
    give_up = time.monotonic() + 60
    while any(_is_at_work(session) for session in sessions):
        assert time.monotonic() < give_up
        time.sleep(0.05)


def _is_at_work(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def small_disk(embedded_url: str) -> Iterator[Path]:
    """A folder on a file system of 24 MB that the server may write to."""
    folder = Path(tempfile.mkdtemp(prefix="pgv-small-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"a small disk needs the right to mount: {mounted.stderr.strip()}")
    try:
        with psycopg.connect(embedded_url) as session:
            row = session.execute("select current_setting('data_directory')").fetchone()
        assert row is not None
        owner = Path(row[0]).stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=False, capture_output=True)
        folder.rmdir()


class TestDiskFull:
    def test_said_as_such_and_nothing_half_written(
        self, embedded_url: str, small_disk: Path
    ) -> None:
        place = small_disk / "space"
        place.mkdir()
        owner = small_disk.stat()
        os.chown(place, owner.st_uid, owner.st_gid)
        with psycopg.connect(embedded_url, autocommit=True) as session:
            session.execute(f"create tablespace small location '{place}'")
            session.execute("create database small_disk template template0 tablespace small")
        base = psycopg.conninfo.make_conninfo(embedded_url, dbname="small_disk")
        db = Database(target_from_url(base))
        try:
            with psycopg.connect(base) as session:
                session.execute("create extension vector")
            new = collections.create(db, NewCollection("big", dimension=1000))
            rng = np.random.default_rng(7)
            items = [
                {"id": n, "v": rng.standard_normal(1000).astype(np.float32).round(4).tolist()}
                for n in range(5000)
            ]
            options = IngestOptions(vector_batch=250)
            with pytest.raises(OutOfSpace) as failed:
                load(db, new, items, VECTORS, options=options)
            assert "space" in failed.value.message or "disk" in failed.value.message
            assert failed.value.hint
            kept = rows.count(db, new)
            assert kept % 250 == 0
            assert 0 < kept < 5000
            whole = {str(n) for n in range(kept)}  # batch by batch, in the file's order
            assert {row.id for row in rows.get(db, new, sorted(whole))} == whole
        finally:
            db.close()
            with psycopg.connect(embedded_url, autocommit=True) as session:
                session.execute("drop database if exists small_disk with (force)")
                session.execute("drop tablespace if exists small")


def test_report_is_what_stands_in_the_table(
    db: Database, texts: Collection, words: WordEmbedder
) -> None:
    """Guessed mapping, metadata, structured values and the job's numbers, end to end."""
    lines = [
        json.dumps({"doc_id": n, "body": f"A text about {n}.", "year": 1970 + n, "tags": ["a"]})
        for n in range(40)
    ]
    file = open_source("\n".join([*lines[:20], "{broken", *lines[20:]]).encode(), name="a.jsonl")
    mapping = guessed(file, texts)
    assert (mapping.id, mapping.content) == ("doc_id", "body")
    report = load_file(db, file, mapping, collection=texts, embedder=words)
    assert (report.read, report.written, report.embedded, report.rejected) == (41, 40, 40, 1)
    assert rows.get(db, texts, ["7"])[0].metadata == {"year": 1977, "tags": ["a"]}
