"""Files of queries and of judgments: TREC qrels, BEIR's JSONL and TSV, CSV and Parquet; TREC runs."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from pgvista.errors import InvalidInput
from pgvista.io.formats import FileFormat
from pgvista.io.readers import ReadOptions, Source, open_source
from pgvista.model.evaluation import (
    MAX_GRADE,
    EvaluationQuery,
    FileJudgments,
    FileQueries,
    Judgments,
)
from pgvista.model.rows import BadRow

Readable = str | os.PathLike[str] | bytes | BinaryIO
"""A path, the bytes themselves, or a binary file."""

_QUERY_ID = ("query_id", "qid", "query", "topic", "topic_id", "q_id", "q")
_DOCUMENT = (
    *("corpus_id", "doc_id", "docid", "document_id", "document", "doc", "docno"),
    *("passage_id", "pid", "did", "id"),
)
_GRADE = ("score", "grade", "relevance", "rel", "label", "judgment", "rating", "relevancy")
_OWN_ID = ("id", "query_id", "qid", "topic_id", "topic", "q_id", "number", "num")
_TEXT = ("text", "query", "question", "query_text", "title", "words")

_RECORDS = (FileFormat.JSONL, FileFormat.JSON, FileFormat.PARQUET)
_REASONS_TOLD = 3

_Row = tuple[int, Sequence[Any] | Mapping[str, Any]]
"""Line of the file, and its fields in order or by name."""


def read_queries(source: Readable, *, name: str | None = None) -> FileQueries:
    """Read queries: records with an id and a text, or two columns with or without a header.

    Ids may be called id, _id, query_id or qid, texts text, query or question. A later query of
    the same id counts; duplicates and lines set aside are told in the notes. Raises InvalidInput
    when there is nothing to read, NotFound and PermissionDenied for files.
    """
    problems = _Problems("query", "queries")
    queries: dict[str, str] = {}
    for line, values in _named(source, name, {"id": _OWN_ID, "text": _TEXT}, problems, "queries"):
        query_id, text = _identifier(values["id"]), values["text"]
        if query_id is None:
            problems.add(line, "has no id")
        elif text is not None and not isinstance(text, str | int | float):
            problems.add(line, "has something that is no text for a query")
        else:
            if query_id in queries:
                problems.repeated += 1
            queries[query_id] = "" if text is None else str(text).strip()
    problems.refuse_nothing(queries)
    found = tuple(EvaluationQuery(query_id, text) for query_id, text in queries.items())
    return FileQueries(found, problems.notes())


def read_judgments(source: Readable, *, name: str | None = None) -> FileJudgments:
    """Read judgments: TREC's four columns (query, iteration, document, grade), or three.

    With a header or in JSON, columns may be called as BEIR does (query-id, corpus-id, score) or
    query_id, doc_id, grade and the like. Grades are whole numbers up to MAX_GRADE; those below 0
    count as 0, as in trec_eval. When a document is judged twice, the last grade counts. All this
    is told in the notes. Raises as `read_queries` does.
    """
    problems = _Problems("judgment", "judgments")
    judgments: dict[str, dict[str, int]] = {}
    wanted = {"query": _QUERY_ID, "document": _DOCUMENT, "grade": _GRADE}
    for line, values in _named(source, name, wanted, problems, "judgments"):
        query_id, document = _identifier(values["query"]), _identifier(values["document"])
        if query_id is None or document is None:
            problems.add(line, "has no query id" if query_id is None else "has no document id")
            continue
        grade = _grade(values["grade"])
        if isinstance(grade, str):
            problems.add(line, grade)
            continue
        if grade < 0:
            problems.negative += 1
        known = judgments.setdefault(query_id, {})
        if document in known:
            problems.repeated += 1
            problems.contradicted += known[document] != max(0, grade)
        known[document] = max(0, grade)
    problems.refuse_nothing(judgments)
    return FileJudgments(judgments, problems.notes())


def queries_jsonl(queries: Iterable[EvaluationQuery]) -> bytes:
    """Return queries as `read_queries` takes them."""
    import json

    return "".join(
        json.dumps({"id": query.id, "text": query.text}, ensure_ascii=False) + "\n"
        for query in queries
    ).encode(errors="replace")


def trec_qrels(judgments: Judgments) -> bytes:
    """Return judgments in TREC's four columns."""
    return "".join(
        f"{_one_word(query)} 0 {_one_word(document)} {grade}\n"
        for query, grades in judgments.items()
        for document, grade in grades.items()
    ).encode(errors="replace")


def trec_run(rankings: Iterable[tuple[str, Sequence[str]]], tag: str) -> bytes:
    """Return rankings, (query id, document ids), in TREC's six columns.

    The score of rank r of n is n + 1 - r: it falls strictly, so that no reader breaks ties anew.
    """
    return "".join(
        f"{_one_word(query)} Q0 {_one_word(document)} {rank} {len(documents) + 1 - rank} "
        f"{_one_word(tag)}\n"
        for query, documents in rankings
        for rank, document in enumerate(documents, 1)
    ).encode(errors="replace")


def _one_word(text: str) -> str:
    """Columns are divided by white space: within an id it becomes an underscore."""
    return re.sub(r"\s+", "_", text) or "_"


# -- rows by name


def _named(
    source: Readable,
    name: str | None,
    wanted: Mapping[str, Sequence[str]],
    problems: _Problems,
    what: str,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, value by the keys of `wanted`), whatever the format of the file."""
    if not isinstance(source, str | os.PathLike | bytes):
        name = name or os.path.basename(str(getattr(source, "name", "")))
        source = source.read()
    columns: dict[str, Any] | None = None
    for line, row in _rows(source, name, problems):
        if isinstance(row, Mapping):
            by_name = {_plain(key): value for key, value in row.items()}
            if columns is None:
                columns = _columns_by_name(list(by_name), wanted, what)
            yield line, {key: by_name.get(column) for key, column in columns.items()}
            continue
        if columns is None:
            columns = _header(row, wanted) or _columns_by_place(row, wanted, what)
            if _header(row, wanted) is not None:
                continue
        if max(columns.values()) >= len(row):
            problems.add(line, f"has {len(row)} of {max(columns.values()) + 1} columns")
            continue
        yield line, {key: row[place] for key, place in columns.items()}


def _rows(source: str | os.PathLike[str] | bytes, name: str | None, problems: _Problems) -> Any:
    """Yield the rows of a file: by name from JSON and Parquet, as lists of fields from the rest."""
    with open_source(source, name=name) as opened:
        if opened.format in _RECORDS:
            yield from _read(opened, problems)
            return
        tabs = opened.format is FileFormat.TSV
        table = tabs or opened.format is FileFormat.CSV
        options = (
            ReadOptions(opened.format, delimiter="\t" if tabs else None, header=False)
            if table
            else ReadOptions(FileFormat.TXT)
        )
    with open_source(source, name=name, options=options) as opened:
        for line, values in _read(opened, problems):
            fields = list(values.values())
            yield line, str(fields[0]).split() if len(fields) == 1 else fields


def _read(opened: Source, problems: _Problems) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for record in opened.records():
        if isinstance(record, BadRow):
            problems.add(record.line, f"cannot be read: {record.reason}")
        else:
            yield record.line, record.values


def _plain(name: str) -> str:
    """``Corpus-ID``, ``_corpus id`` and ``corpus_id`` are one name."""
    return re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_")


def _columns_by_name(
    names: list[str], wanted: Mapping[str, Sequence[str]], what: str
) -> dict[str, str]:
    found = _matched(names, wanted)
    if found is None:
        raise InvalidInput(
            f"The file of {what} has the columns {', '.join(names[:12]) or 'of no name'}; "
            f"{' and '.join(wanted)} cannot be told from them.",
            f"Call them {', '.join(options[0] for options in wanted.values())}.",
        )
    return found


def _matched(names: list[str], wanted: Mapping[str, Sequence[str]]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for key, options in wanted.items():
        match = next((o for o in options if o in names and o not in found.values()), None)
        if match is None:
            return None
        found[key] = match
    return found


def _header(row: Sequence[Any], wanted: Mapping[str, Sequence[str]]) -> dict[str, int] | None:
    """Return the place of each column when `row` is a header."""
    names = [_plain(str(field)) for field in row]
    found = _matched(names, wanted)
    return None if found is None else {key: names.index(name) for key, name in found.items()}


def _columns_by_place(
    row: Sequence[Any], wanted: Mapping[str, Sequence[str]], what: str
) -> dict[str, int]:
    if "grade" not in wanted:
        if len(row) == 2:
            return {"id": 0, "text": 1}
    elif len(row) == 4:
        return {"query": 0, "document": 2, "grade": 3}
    elif len(row) == 3:
        return {"query": 0, "document": 1, "grade": 2}
    needed = (
        "It takes query, document and grade, or TREC's four columns: query, 0, document, grade."
        if "grade" in wanted
        else "It takes JSONL with id and text, or two columns: id and text."
    )
    raise InvalidInput(
        f"The first line of the file of {what} has {len(row)} "
        f"{'column' if len(row) == 1 else 'columns'}.",
        needed,
    )


# -- values


def _identifier(value: Any) -> str | None:
    """Return an id as text; None when there is none that Postgres could hold."""
    if value is None or isinstance(value, bool | dict | list):
        return None
    if isinstance(value, float):
        if not value.is_integer():
            return None
        value = int(value)
    text = str(value).strip()
    return None if not text or "\0" in text or not _is_text(text) else text


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _grade(value: Any) -> int | str:
    """Return a grade, or what is wrong with it."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return f"has {str(value)[:40]!r} for a grade"
    if math.isnan(number) or not number.is_integer():
        return f"has the grade {str(value)[:40]}, which is no whole number"
    if number > MAX_GRADE:
        return f"has the grade {str(value)[:40]}, above {MAX_GRADE}"
    return int(number)


class _Problems:
    """Counts what was wrong in a file, and says it."""

    def __init__(self, one: str, many: str) -> None:
        self._one, self._many = one, many
        self._bad: list[str] = []
        self._n_bad = 0
        self.repeated = 0
        self.contradicted = 0
        self.negative = 0

    def add(self, line: int, reason: str) -> None:
        """Count a line that was set aside."""
        self._n_bad += 1
        if len(self._bad) < _REASONS_TOLD:
            self._bad.append(f"line {line} {reason.rstrip('.')}")

    def refuse_nothing(self, found: Mapping[str, object]) -> None:
        """Raise InvalidInput when no line was any good."""
        if not found:
            why = f": {self._bad[0]}" if self._bad else ""
            raise InvalidInput(
                f"The file holds no {self._one}{why}.",
                "Choose another file, or mend this one.",
            )

    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each kind of problem."""
        notes = []
        if self._n_bad:
            more = f", and {self._n_bad - len(self._bad):,} more" * (self._n_bad > len(self._bad))
            lines = "1 line was" if self._n_bad == 1 else f"{self._n_bad:,} lines were"
            notes.append(
                f"{lines} set aside in the file of {self._many}: {'; '.join(self._bad)}{more}."
            )
        if self.repeated:
            times = "once" if self.repeated == 1 else f"{self.repeated:,} times"
            other = f", {self.contradicted:,} of them with another grade" * bool(self.contradicted)
            notes.append(f"A {self._one} was given again {times}{other}; the last one counts.")
        if self.negative:
            grades = "1 grade" if self.negative == 1 else f"{self.negative:,} grades"
            notes.append(f"{grades} below 0 {'counts' if self.negative == 1 else 'count'} as 0.")
        return tuple(notes)
