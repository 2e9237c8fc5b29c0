"""Files of queries and of judgments, good and bad."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgvista.errors import InvalidInput, NotFound
from pgvista.io.judgments import (
    queries_jsonl,
    read_judgments,
    read_queries,
    trec_qrels,
    trec_run,
)
from pgvista.model.evaluation import EvaluationQuery

GRADED = {"1": {"a": 2, "b": 0}, "2": {"c": 1}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("trec.qrels", "1 0 a 2\n1 0 b 0\n2 0 c 1\n"),
        ("trec.txt", "1  Q0  a  2\n\n1  Q0  b  0\n2  Q0  c  1"),
        ("trec.tsv", "1\t0\ta\t2\n1\t0\tb\t0\n2\t0\tc\t1\n"),
        ("spaces.tsv", "1 0 a 2\n1 0 b 0\n2 0 c 1\n"),
        ("bare.tsv", "1\ta\t2\n1\tb\t0\n2\tc\t1\n"),
        ("beir.tsv", "query-id\tcorpus-id\tscore\n1\ta\t2\n1\tb\t0\n2\tc\t1\n"),
        ("header.csv", "Grade,Doc_ID,Query ID\n2,a,1\n0,b,1\n1,c,2\n"),
        ("semicolons.csv", "1;a;2\n1;b;0\n2;c;1.0\n"),
        (
            "records.jsonl",
            '{"query_id": 1, "doc_id": "a", "relevance": 2}\n'
            '{"query_id": 1.0, "doc_id": "b", "relevance": 0}\n'
            '{"query_id": "2", "doc_id": "c", "relevance": true}\n',
        ),
    ],
)
def test_judgments_in_every_format(name: str, text: str) -> None:
    found = read_judgments(text.encode(), name=name)
    assert found.judgments == GRADED
    assert found.notes == ()


def test_what_is_wrong_with_judgments_is_told() -> None:
    text = "1\ta\t1\n1\ta\t1\n1\tb\t3\n1\tb\t2\n1\tc\t-2\n1\td\thigh\n1\te\t0.5\n1\tf\t1000\n2\n"
    found = read_judgments((text + "1\t\t1\n1\tg\tnan\n").encode(), name="q.tsv")
    assert found.judgments == {"1": {"a": 1, "b": 2, "c": 0}}
    assert found.notes == (
        "6 lines were set aside in the file of judgments: line 6 has 'high' for a grade; "
        "line 7 has the grade 0.5, which is no whole number; line 8 has the grade 1000, above 100, "
        "and 3 more.",
        "A judgment was given again 2 times, 1 of them with another grade; the last one counts.",
        "1 grade below 0 counts as 0.",
    )


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.tsv", b"", "is empty"),
        ("a.tsv", b"query-id\tcorpus-id\tscore\n", "holds no judgment"),
        ("a.tsv", b"1\ta\tx\n", "holds no judgment: line 1 has 'x' for a grade"),
        ("a.tsv", b"1\ta\n", "has 2 columns"),
        ("a.jsonl", b'{"query": "q", "grade": 1}\n', "document and grade cannot be told"),
        ("a.jsonl", b"\x00\x01\xff\xfe\x00", "binary"),
        ("a.pdf", b"%PDF-1.7", "a PDF"),
    ],
)
def test_files_that_hold_no_judgments_are_refused(name: str, data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_judgments(data, name=name)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no file"):
        read_queries(tmp_path / "queries.jsonl")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("q.jsonl", '{"id": "1", "text": "what, \\"now\\""}\n{"id": 2, "text": "größe"}\n'),
        (
            "q.jsonl",
            '{"_id": "1", "text": "what, \\"now\\"", "metadata": {}}\n{"_id": "2", "text": "größe"}',
        ),
        (
            "q.jsonl",
            '{"query_id": "1", "query": "what, \\"now\\""}\n{"query_id": "2", "query": "größe"}',
        ),
        ("q.tsv", '1\twhat, "now"\n2\tgröße\n'),
        ("q.csv", 'qid,query\n1,"what, ""now"""\n2,größe\n'),
    ],
)
def test_queries_in_every_format(name: str, text: str) -> None:
    found = read_queries(text.encode(), name=name)
    assert found.queries == (EvaluationQuery("1", 'what, "now"'), EvaluationQuery("2", "größe"))
    assert found.notes == ()


def test_what_is_wrong_with_queries_is_told_and_empty_ones_are_kept() -> None:
    lines = ['{"id": "1", "text": ""}', '{"text": "x"}', '{"id": "2", "text": "a"}', "{"]
    lines += ['{"id": "2", "text": "b"}', '{"id": "3", "text": ["c"]}', '{"id": "4\\u0000"}']
    found = read_queries("\n".join(lines).encode(), name="q.jsonl")
    assert found.queries == (EvaluationQuery("1", ""), EvaluationQuery("2", "b"))
    assert found.notes[0].startswith("4 lines were set aside in the file of queries: line 2 has no")
    assert found.notes[1] == "A query was given again once; the last one counts."


def test_a_long_query_is_read_whole() -> None:
    text = "word " * 20_000
    found = read_queries(queries_jsonl([EvaluationQuery("1", text.strip())]), name="q.jsonl")
    assert found.queries[0].text == text.strip()


def test_what_is_written_is_read_again() -> None:
    assert read_judgments(trec_qrels(GRADED), name="q.qrels").judgments == GRADED


def test_a_run_has_six_columns_and_falling_scores() -> None:
    run = trec_run([("1", ["a", "b c"]), ("2", [])], "pgvista hybrid")
    assert run == b"1 Q0 a 1 2 pgvista_hybrid\n1 Q0 b_c 2 1 pgvista_hybrid\n"
