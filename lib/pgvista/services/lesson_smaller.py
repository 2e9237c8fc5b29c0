"""The lesson on smaller vectors: one vector in each type, bits by hand, re-ranking, leading dimensions."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, NotFound
from pgvista.model.collection import Collection
from pgvista.model.index import IndexTarget
from pgvista.model.metric import Metric
from pgvista.model.quantisation import StoredType, TypesResult, TypesSpec
from pgvista.model.tuning import NearestRequest
from pgvista.science import lesson_smaller as science
from pgvista.services import rows as rows_service
from pgvista.services.types import measure_types
from pgvista.sql import lesson_smaller as sql
from pgvista.sql import nearest as nearest_sql
from pgvista.sql import sweep as sweep_sql
from pgvista.sql import types as types_sql

K = 10
"""Rows wanted: recall@10."""
MAX_OVERSAMPLE = 20
SPEC = TypesSpec(limit=K, queries=20, rows=2_000, oversample=tuple(range(1, MAX_OVERSAMPLE + 1)))
"""What is measured: small, so that it is there within seconds."""
SAMPLED_ROWS = 2_000
"""Rows whose leading dimensions are compared."""
_QUERIES = 50
_SEED = 0

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class OneVector:
    """One row's vector in three types, as Postgres cast it."""

    id: str
    full: Vector
    """Shape (dimension,), as it is stored."""
    half: Vector
    """Rounded to halfvec: shape (dimension,)."""
    bits: str
    """A 0 or 1 for each dimension."""
    value_bytes: tuple[int, int, int]
    """Of each by pg_column_size, headers included."""
    sql: str


@dataclass(frozen=True, slots=True)
class BitPair:
    """The bits of two rows, and in how many they differ."""

    id: str
    """The other row."""
    bits: str
    hamming: int
    """Bits that differ, as Postgres counts them."""
    cosine: float
    """Cosine distance of the full vectors, 0 to 2."""
    expected: float
    """Bits that would differ on average at this angle, were the axes drawn at random."""


@dataclass(frozen=True, slots=True)
class BitPairs:
    """One row beside its nearest and its farthest."""

    bits: str
    near: BitPair
    far: BitPair
    sql: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row among the first after re-ranking."""

    id: str
    distance: float
    """Of the full vectors, in the metric's own unit."""
    coarse_place: int | None
    """Place in the order of the smaller type, from 1; None: behind all that were looked at."""
    true_place: int | None
    """Place in the order of the full vectors, from 1; None: not among the first."""


@dataclass(frozen=True, slots=True)
class Reranked:
    """What one question gets by a smaller type, beside what it is due."""

    rows: tuple[Ranked, ...]
    """After re-ranking, nearest first."""
    missed: tuple[Ranked, ...]
    """Rows of the truth that are not among them, nearest first."""
    due: int
    candidates: int
    took_ms: float
    """Of the statement that re-ranks."""
    sql: str

    @property
    def hits(self) -> int:
        """How many of the rows due were found."""
        return self.due - len(self.missed)


@dataclass(frozen=True, slots=True)
class Orders:
    """The rows of one question by the full vectors, and by the smaller type before re-ranking."""

    stored: StoredType
    truth: tuple[tuple[str, float], ...]
    """(id, distance), nearest first, at most K."""
    coarse: Mapping[str, int]
    """Place of each candidate in the smaller type's order, from 1."""


@dataclass(frozen=True, slots=True)
class Leading:
    """Recall@10 by how many numbers are kept, for three ways to choose them."""

    counts: tuple[int, ...]
    first: Mapping[int, float]
    """The first ones, as ``subvector`` takes them."""
    drawn: Mapping[int, float]
    """As many, drawn at random."""
    principal: Mapping[int, float] | None
    """The first ones after a rotation that puts what says most in front; None: too many dimensions."""
    share: tuple[float, ...]
    """Of the squared length: in the first numbers."""
    principal_share: tuple[float, ...] | None
    rows: int
    queries: int
    sql: str
    """The statement that read the rows; the rest is NumPy's."""


def one_vector(db: Database, collection: Collection, row_id: str) -> OneVector:
    """Read one vector in three types. Raises NotFound when the row is gone or has no vector.

    A number beyond 65,504 is refused by the cast to halfvec: InvalidInput.
    """
    query = sql.one_vector(collection, row_id)
    rows = db.query(query.statement, query.params)
    if not rows:
        raise NotFound(
            f"The row {row_id!r} of {collection.name} is gone, or has no vector.",
            "Draw another row.",
        )
    full, half, bits, *sizes = rows[0]
    return OneVector(
        row_id, full, half, str(bits), (sizes[0], sizes[1], sizes[2]), query.text() + ";"
    )


def draw_row(db: Database, collection: Collection, number: int) -> str:
    """Return the id of a row with a vector; another one for each `number`, the same each time.

    Raises InvalidInput when there is none.
    """
    query = sweep_sql.sample(collection, 1, number)
    rows = db.query(query.statement, query.params)
    if not rows:
        raise InvalidInput(
            f"{collection.name} has no row with a vector that can be found.",
            "Load rows, or choose a collection whose vectors are not all NULL or zero.",
        )
    return str(rows[0][0])


def compare_bits(db: Database, collection: Collection, row_id: str) -> BitPairs:
    """Compare the bits of a row with those of its nearest row and of its farthest, by cosine.

    Raises NotFound when the row is gone, InvalidInput when there are fewer than two others.
    """
    one = _stored(db, collection, row_id)
    near, far = _extremes(db, collection, row_id, one)
    query = sql.bits_beside(collection, row_id, [near, far])
    found = {row[0]: row for row in db.query(query.statement, query.params)}
    if len(found) < 2:
        raise NotFound("A row went away meanwhile.", "Draw another row.")

    def pair(other: str) -> BitPair:
        _, bits, _, hamming, cosine = found[other]
        expected = science.expected_hamming(float(cosine), len(one))
        return BitPair(other, str(bits), int(hamming), float(cosine), expected)

    return BitPairs(str(found[near][2]), pair(near), pair(far), query.text() + ";")


def measure(db: Database, collection: Collection) -> TypesResult:
    """Measure the types as the page Types and sizes does, on fewer rows and queries."""
    return measure_types(db, collection, SPEC)


def measured_sql(
    db: Database, collection: Collection, result: TypesResult, stored: StoredType
) -> str:
    """Return the statement by which `measure` asked the first of its queries of a type.

    Raises InvalidInput when the rows are gone.
    """
    row_id = draw_row(db, collection, SPEC.seed)
    share = None if result.rows <= SPEC.rows else SPEC.rows / result.rows
    vector = _stored(db, collection, row_id)
    query = types_sql.candidates(
        collection, stored, vector, SPEC.depth, share=share, exclude_id=row_id
    )
    return query.text() + ";"


def orders(db: Database, collection: Collection, stored: StoredType, vector: Vector) -> Orders:
    """Find the K nearest rows by the full vectors, and the candidates by the smaller type."""
    request = NearestRequest(vector=tuple(map(float, vector)), limit=K, exact=True)
    asked = nearest_sql.nearest(collection, request)
    truth = db.query(asked.statement, asked.params, settings=types_sql.COMPARED)
    query = types_sql.candidates(
        collection, stored, vector, K * MAX_OVERSAMPLE, share=None, exclude_id=""
    )
    coarse = db.query(query.statement, query.params, settings=types_sql.COMPARED)
    return Orders(
        stored,
        tuple((row[0], float(row[1])) for row in truth),
        {row[0]: place for place, row in enumerate(coarse, 1)},
    )


def rerank(
    db: Database, collection: Collection, vector: Vector, known: Orders, candidates: int
) -> Reranked:
    """Take `candidates` rows, K to 200, by the smaller type, and keep the K nearest by the full vectors.

    By the very statement that an index on the type would serve; every row is compared, so that what
    is lost, is lost by the type.
    """
    if not K <= candidates <= K * MAX_OVERSAMPLE:
        raise InvalidInput(
            f"{candidates} candidates are asked for, but it takes {K} to {K * MAX_OVERSAMPLE}."
        )
    request = NearestRequest(
        vector=tuple(map(float, vector)),
        limit=K,
        target=known.stored.target,
        leading=known.stored.leading,
        oversample=candidates / K,
    )
    asked = nearest_sql.nearest(collection, request)
    start = time.perf_counter()
    rows = db.query(asked.statement, asked.params, settings=types_sql.COMPARED)
    took = (time.perf_counter() - start) * 1000
    true = {row_id: place for place, (row_id, _) in enumerate(known.truth, 1)}
    got = {row[0] for row in rows}

    def ranked(row_id: str, distance: float) -> Ranked:
        return Ranked(row_id, distance, known.coarse.get(row_id), true.get(row_id))

    return Reranked(
        tuple(ranked(row[0], float(row[1])) for row in rows),
        tuple(ranked(*row) for row in known.truth if row[0] not in got),
        len(known.truth),
        candidates,
        took,
        asked.text() + ";",
    )


def rerankable(collection: Collection) -> tuple[StoredType, ...]:
    """Return the types whose order is worth re-ranking: bits, a half and a quarter of the numbers."""
    size = collection.dimension or 0
    bits = [] if collection.metric is Metric.L1 else [StoredType(IndexTarget.BIT)]
    parts = [StoredType(IndexTarget.LEADING, n) for n in (size // 2, size // 4) if 1 <= n < size]
    return (*bits, *parts)


def compare_leading(db: Database, collection: Collection) -> Leading:
    """Measure recall@10 by the first numbers, by as many drawn ones, and after a rotation.

    On at most SAMPLED_ROWS rows, drawn by a hash; the rotation is fitted to the same rows. Raises
    InvalidInput with fewer than three rows.
    """
    query = sweep_sql.sample(collection, SAMPLED_ROWS, _SEED)
    rows = db.query(query.statement, query.params)
    if len(rows) < 3:
        raise InvalidInput(
            f"{collection.name} has {len(rows)} rows with a vector that can be found; three are "
            "needed to ask which of two is nearer.",
            "Choose another collection.",
        )
    vectors = np.stack([row[1] for row in rows])
    size = vectors.shape[1]
    counts = tuple(
        sorted({max(1, math.ceil(size * part / 16)) for part in (1, 2, 4, 6, 8, 12, 16)})
    )
    queries = range(min(_QUERIES, len(vectors)))
    metric = collection.metric
    shuffled = vectors[:, np.random.default_rng(_SEED).permutation(size)]
    rotated = science.principal_axes(vectors) if size <= science.MAX_ROTATED else None
    return Leading(
        counts=counts,
        first=science.leading_recall(vectors, queries, counts, metric, K),
        drawn=science.leading_recall(shuffled, queries, counts, metric, K),
        principal=None
        if rotated is None
        else science.leading_recall(rotated, queries, counts, metric, K),
        share=tuple(science.share_of_length(vectors, counts)),
        principal_share=None
        if rotated is None
        else tuple(science.share_of_length(rotated, counts)),
        rows=len(vectors),
        queries=len(queries),
        sql=query.text() + ";",
    )


def _stored(db: Database, collection: Collection, row_id: str) -> Vector:
    """Return a row's vector as it is stored. Raises NotFound when it is gone."""
    found = rows_service.get(db, collection, [row_id])
    if not found or found[0].embedding is None:
        raise NotFound(
            f"The row {row_id!r} of {collection.name} is gone, or has no vector.",
            "Draw another row.",
        )
    return found[0].embedding


def _extremes(db: Database, collection: Collection, row_id: str, one: Vector) -> tuple[str, str]:
    """Return the ids of the nearest and the farthest other row by cosine, of at most 2,000 rows."""
    query = sweep_sql.sample(collection, SAMPLED_ROWS, _SEED)
    rows = [row for row in db.query(query.statement, query.params) if row[0] != row_id]
    if len(rows) < 2:
        raise InvalidInput(
            f"{collection.name} has {len(rows) + 1} rows with a vector that can be found; three are "
            "needed to set a near one beside a far one.",
            "Choose another collection.",
        )
    vectors = np.stack([row[1] for row in rows]).astype(np.float64)
    wide = one.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(wide)
    cosine = vectors @ wide / np.where(lengths > 0, lengths, 1.0)
    order = np.argsort(-cosine, kind="stable")
    return str(rows[order[0]][0]), str(rows[order[-1]][0])
