"""Query sets of a collection: saved, judged by people, read, listed and deleted."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.errors import InvalidInput, NotFound, PermissionDenied, PgvistaError, ReadOnly
from pgvista.io.samples import help_centre_judgments, help_centre_queries
from pgvista.model.collection import Collection
from pgvista.model.evaluation import (
    EvaluationQuery,
    FileJudgments,
    FileQueries,
    Judgments,
    PooledHit,
    QuerySet,
    SavedQuerySet,
    check_grade,
)
from pgvista.model.progress import Reporter, SilentReporter
from pgvista.model.search import Mode, SearchRequest
from pgvista.services.evaluate import document_id
from pgvista.services.search import search
from pgvista.sql import judgments as judgment_sql
from pgvista.sql.query import Query

SAMPLE_SET = "Help centre"
POOL_DEPTH = 20
"""Documents that each mode puts into the pool of a query."""
_MAX_NAME = 200


def sample_query_set() -> QuerySet:
    """Return the judged queries that come with the help centre."""
    return QuerySet(
        SAMPLE_SET,
        tuple(EvaluationQuery(query.id, query.text) for query in help_centre_queries()),
        help_centre_judgments(),
    )


def uploaded_query_set(name: str, queries: FileQueries, judgments: FileJudgments) -> QuerySet:
    """Make a set of two files; what was wrong with them stands in its notes."""
    return QuerySet(name, queries.queries, judgments.judgments, (*queries.notes, *judgments.notes))


# -- in the database


def list_query_sets(db: Database, collection: Collection | None = None) -> list[SavedQuerySet]:
    """Return the saved sets, those of one collection or all; none where nothing was ever saved."""

    def work(connection: Connection[Any]) -> list[SavedQuerySet]:
        if not _exist(connection):
            return []
        rows = _run(connection, judgment_sql.list_sets(collection))
        return [
            SavedQuerySet(key, name, f"{schema}.{table}", queries, judged, updated)
            for key, name, schema, table, queries, judged, updated in rows
        ]

    return db.read(work)


def read_query_set(db: Database, set_id: int) -> QuerySet:
    """Return a saved set as it stands now. Raises NotFound."""

    def work(connection: Connection[Any]) -> QuerySet | None:
        named = _run(connection, judgment_sql.name_of(set_id)) if _exist(connection) else []
        if not named:
            return None
        judgments: dict[str, dict[str, int]] = {}
        for query, document, grade in _run(connection, judgment_sql.read_judgments(set_id)):
            judgments.setdefault(query, {})[document] = grade
        queries = _run(connection, judgment_sql.read_queries(set_id))
        return QuerySet(named[0][0], tuple(EvaluationQuery(*row) for row in queries), judgments)

    found = db.read(work, settings={"transaction_isolation": "repeatable read"})
    if found is None:
        raise _gone()
    return found


def find_query_set(db: Database, collection: Collection, name: str) -> QuerySet:
    """Return the collection's set called `name`. Raises NotFound, with the names there are."""
    saved = list_query_sets(db, collection)
    for item in saved:
        if item.name == name:
            return read_query_set(db, item.id)
    names = ", ".join(item.name for item in saved[:10])
    raise NotFound(
        f"There is no query set {name!r} for {collection.name}.",
        f"There are: {names}." if names else "None was saved yet.",
    )


def save_query_set(
    db: Database, collection: Collection, query_set: QuerySet, *, replace_existing: bool = False
) -> int:
    """Save a set under its name and return its id.

    Into a set of that name queries and grades are merged, those given here winning; with
    `replace_existing` it holds nothing else afterwards. Raises PermissionDenied where the role
    may not make the tables, InvalidInput for a name or a text that Postgres cannot keep.
    """
    name = _checked_name(query_set.name)
    _check_texts(query_set)
    _ensure_tables(db)
    with _writing(db) as connection:
        set_id = int(_run(connection, judgment_sql.insert_set(collection, name))[0][0])
        if replace_existing:
            for query in judgment_sql.clear_set(set_id):
                connection.execute(query.sql, query.params)
        _add_queries(connection, set_id, query_set.queries)
        _add_judgments(connection, set_id, query_set.judgments)
    return set_id


def add_query(db: Database, set_id: int, query: EvaluationQuery) -> None:
    """Add one query to a set, or give the one of that id a new text. Raises NotFound."""
    _check_texts(QuerySet("", (query,), {}))
    with _writing(db) as connection:
        _touch(connection, set_id)
        _add_queries(connection, set_id, (query,))


def judge(db: Database, set_id: int, query_id: str, document: str, grade: int | None) -> None:
    """Save one grade, 0 to 3; None takes it back.

    When two people judge at once every grade is kept, and for one document the last. Raises
    InvalidInput for another grade, NotFound when the set was deleted meanwhile.
    """
    value = None if grade is None else check_grade(grade)
    with _writing(db) as connection:
        _touch(connection, set_id)
        if value is None:
            query = judgment_sql.remove_judgment(set_id, query_id, document)
            connection.execute(query.sql, query.params)
        else:
            _add_judgments(connection, set_id, {query_id: {document: value}})


def delete_query_set(db: Database, set_id: int) -> str:
    """Delete a set with its judgments and return its name. Raises NotFound."""
    with _writing(db) as connection:
        deleted = _run(connection, judgment_sql.delete_set(set_id)) if _exist(connection) else []
    if not deleted:
        raise _gone()
    return str(deleted[0][0])


# -- judging


def pool(
    db: Database,
    collection: Collection,
    text: str,
    *,
    requests: Sequence[SearchRequest] | None = None,
    depth: int = POOL_DEPTH,
    seed: int = 0,
    grades: Mapping[str, int] | None = None,
    embedder: Embedder | None = None,
    reporter: Reporter | None = None,
) -> tuple[PooledHit, ...]:
    """Return what all modes find for a query, `depth` each, in an order that tells nothing.

    `requests` are templates to pool instead of the three modes, for a collection that has not all
    of them. Chunks of a text are one document, shown by the chunk that was found first. The order
    is shuffled, the same for the same text, seed and documents; `grades` are those given before.
    """
    reporter = reporter or SilentReporter()
    templates = requests or [SearchRequest(mode=mode, text=text) for mode in _modes(collection)]
    found: dict[str, PooledHit] = {}
    for request in templates:
        reporter.check()
        asked = replace(request, text=text, vector=None, limit=depth)
        for hit in search(db, collection, asked, embedder=embedder).hits:
            key = document_id(hit)
            found.setdefault(key, PooledHit(key, hit, (grades or {}).get(key)))
    ordered = [found[key] for key in sorted(found)]  # else the shuffle would begin with a ranking
    random.Random(f"{seed}\0{text}").shuffle(ordered)  # noqa: S311 - no secret hangs on it
    return tuple(ordered)


def _modes(collection: Collection) -> list[Mode]:
    """Return the modes that a collection can be asked in."""
    semantic = [Mode.SEMANTIC] if collection.model is not None else []
    words = collection.roles.fts is not None or collection.roles.content is not None
    keyword = [Mode.KEYWORD] if words else []
    both = [Mode.HYBRID] if semantic and keyword else []
    return [*semantic, *keyword, *both] or [Mode.SEMANTIC]


# -- parts


def _exist(connection: Connection[Any]) -> bool:
    return bool(_run(connection, judgment_sql.tables_exist())[0][0])


@contextmanager
def _writing(db: Database) -> Iterator[Connection[Any]]:
    """Open a transaction; a role that may not write the tables is told whom to ask."""
    try:
        with db.transaction() as connection:
            yield connection
    except ReadOnly:
        raise
    except PermissionDenied:
        raise PermissionDenied(
            "This role may not write to the tables of judgments, which another role made.",
            "Ask their owner to grant select, insert, update and delete on "
            "pgvista.judgment_sets, pgvista.judgment_queries and pgvista.judgment_grades.",
        ) from None


def _ensure_tables(db: Database) -> None:
    if db.read(_exist):
        return
    query = judgment_sql.create_tables()
    try:
        with db.transaction() as connection:
            connection.execute(query.sql, query.params)
    except PermissionDenied:
        raise PermissionDenied(
            "This role may not create tables in the schema pgvista, so judgments cannot be saved.",
            "Evaluate with files of queries and judgments, or ask for the right to create.",
        ) from None
    except PgvistaError:
        if not db.read(_exist):  # two processes may create them at the same moment
            raise


def _touch(connection: Connection[Any], set_id: int) -> None:
    """Lock the set against deletion, and note the change."""
    if not _exist(connection) or not _run(connection, judgment_sql.touch(set_id)):
        raise _gone()


def _add_queries(
    connection: Connection[Any], set_id: int, queries: Sequence[EvaluationQuery]
) -> None:
    if queries:
        distinct = {query.id: query.text for query in queries}
        query = judgment_sql.add_queries(set_id, list(distinct), list(distinct.values()))
        connection.execute(query.sql, query.params)


def _add_judgments(connection: Connection[Any], set_id: int, judgments: Judgments) -> None:
    rows = [
        (query, document, grade)
        for query, grades in judgments.items()
        for document, grade in grades.items()
    ]
    if rows:
        query = judgment_sql.add_judgments(set_id, *map(list, zip(*rows, strict=True)))
        connection.execute(query.sql, query.params)


def _run(connection: Connection[Any], query: Query) -> list[tuple[Any, ...]]:
    return connection.execute(query.sql, query.params).fetchall()


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        raise InvalidInput(
            f"The name of a query set has 1 to {_MAX_NAME} printable characters.",
            "Choose another name.",
        )
    return name


def _check_texts(query_set: QuerySet) -> None:
    texts = [text for query in query_set.queries for text in (query.id, query.text)]
    texts += [document for grades in query_set.judgments.values() for document in grades]
    for text in (*texts, *query_set.judgments):
        if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
            raise InvalidInput(
                f"{text[:40]!r} holds a NUL byte or half of a surrogate pair, which Postgres "
                "cannot store.",
                "Remove it.",
            )
    if any(not query.id.strip() for query in query_set.queries):
        raise InvalidInput("A query has no id.", "Give each query an id of its own.")


def _gone() -> NotFound:
    return NotFound("This query set is gone.", "Somebody may have deleted it; save it anew.")
