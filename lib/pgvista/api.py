"""The Python face: what notebooks and scripts use.

import pgvista

db = pgvista.connect()
docs = db.create_collection("docs", model="all-MiniLM-L6-v2")
docs.upsert([{"id": "a", "content": "text", "metadata": {"year": 1973}}])
docs.search("words").hits
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.embed.registry import DEFAULT_MODEL, canonical_name, get_embedder, known_dimension
from pgvista.errors import InvalidInput, NotFound
from pgvista.io.vectors import parse_vector
from pgvista.model.by_example import DEFAULT_UNLIKE_WEIGHT, ExampleRequest
from pgvista.model.collection import (
    DEFAULT_SCHEMA,
    DEFAULT_TEXT_CONFIG,
    Column,
    IndexInfo,
    Layout,
    NewCollection,
)
from pgvista.model.collection import Collection as CollectionInfo
from pgvista.model.filters import parse_filter
from pgvista.model.metric import Metric, VectorType
from pgvista.model.rows import IngestReport, Row
from pgvista.model.search import SearchResult
from pgvista.services import by_example as example_service
from pgvista.services import collections as collection_service
from pgvista.services import indexes as index_service
from pgvista.services import rows as row_service
from pgvista.services import search as search_service
from pgvista.services.connect import open_database
from pgvista.services.duplicate_verbs import DuplicateVerbs
from pgvista.services.evaluation_verbs import EvaluationVerbs
from pgvista.services.ingest import Chunking, IngestOptions, upsert
from pgvista.services.map_verbs import MapVerbs
from pgvista.services.request_dicts import choice, request_for
from pgvista.services.row_dicts import row_from_dict
from pgvista.services.rows import StoredRow
from pgvista.services.tune import Tuning, tune

if TYPE_CHECKING:
    import pandas as pd


def connect(url: str | None = None, *, read_only: bool = False) -> Workbench:
    """Connect to `url`, to what PGVISTA_URL names, or else to the embedded server.

    `url` is a ``postgresql://`` address or libpq's key=value text; passwords may come from
    ~/.pgpass or PGPASSWORD. Raises ConnectionFailed when there is no answer.
    """
    return Workbench(open_database(url, read_only=read_only))


class Workbench:
    """A connection, and the collections behind it. Safe to share between threads."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"pgvista.connect({self.db.label!r})"

    @property
    def url(self) -> str:
        """Where this connection leads, as libpq takes it, without a password."""
        return self.db.target.without_password()

    def create_collection(
        self,
        name: str,
        *,
        model: str | None = None,
        dimension: int | None = None,
        metric: str = "cosine",
        vector_type: str = "vector",
        schema: str = DEFAULT_SCHEMA,
        text_config: str = DEFAULT_TEXT_CONFIG,
        columns: Mapping[str, str] | None = None,
        indexed_columns: Iterable[str] = (),
        labels: Mapping[str, str] | None = None,
        unaccent: bool = False,
        layout: str = "pgvista",
    ) -> Collection:
        """Create a collection for texts (`model`) or for vectors of your own (`dimension`).

        `columns` are structured columns, name -> type (text, bigint, double precision, boolean,
        date, timestamptz, text[]). `labels` names those whose words are searched too, column ->
        setweight label A to D; `unaccent` finds words without regard to accents.
        ``layout="vecs"`` makes a table that the vecs client opens, in schema vecs. Raises Conflict when the name is taken.
        """
        if model is None and dimension is None:
            model = DEFAULT_MODEL
        if layout == "vecs" and schema == DEFAULT_SCHEMA:
            schema = "vecs"
        if model is not None:
            model = canonical_name(model)
            own = known_dimension(model) or get_embedder(model).dimension
            if dimension not in (None, own):
                raise InvalidInput(
                    f"{model} makes vectors of {own} numbers, not {dimension}.",
                    "Leave the dimension out.",
                )
            dimension = own
        new = NewCollection(
            table=name,
            schema=schema,
            model=model,
            dimension=dimension,
            metric=choice(Metric, "metric", metric),
            vector_type=choice(VectorType, "vector_type", vector_type),
            text_config=text_config,
            columns=tuple(Column(key, kind) for key, kind in (columns or {}).items()),
            indexed_columns=frozenset(indexed_columns),
            labels=tuple((labels or {}).items()),
            unaccent=unaccent,
            layout=choice(Layout, "layout", layout),
        )
        return Collection(self.db, collection_service.create(self.db, new))

    def collection(self, name: str) -> Collection:
        """Open a collection: bare name in schema pgvista, else ``schema.table``.

        Raises NotFound.
        """
        return Collection(self.db, collection_service.open_collection(self.db, name))

    def collections(self) -> list[Collection]:
        """Return every table, view and materialised view with a vector column."""
        return [
            Collection(self.db, found) for found in collection_service.list_collections(self.db)
        ]

    def load_sample(self, name: str, *, limit: int | None = None) -> Collection:
        """Load a sample into the collection of its name: help_centre, or python_reference.

        At most `limit` rows, spread over its parts. What is there is not embedded anew. Raises
        NotFound, and Conflict when a collection of that name has another model.
        """
        from pgvista.services.samples import load_sample

        return Collection(self.db, load_sample(self.db, name, limit=limit).collection)

    def close(self) -> None:
        """Close the connections."""
        self.db.close()


class Collection(EvaluationVerbs, DuplicateVerbs, MapVerbs):
    """A collection of the workbench; `info` says what it is."""

    def __init__(self, db: Database, info: CollectionInfo) -> None:
        self.db = db
        self.info = info

    def __repr__(self) -> str:
        return f"<collection {self.name!r}, {self.info.dimension} dimensions, {self.info.metric}>"

    @property
    def name(self) -> str:
        """The collection's name: bare in schema pgvista, else ``schema.table``."""
        return self.info.name

    @property
    def dimension(self) -> int | None:
        """Length of the vectors."""
        return self.info.dimension

    @property
    def model(self) -> str | None:
        """Name of the embedding model."""
        return self.info.model

    def upsert(
        self,
        rows: Iterable[Mapping[str, Any]] | pd.DataFrame,
        *,
        chunk: Chunking = "auto",
        embedder: Embedder | None = None,
    ) -> IngestReport:
        """Write rows; one whose id is there already is replaced.

        Each is a dict with `id`, and `content` (embedded by the collection's model) or `embedding`
        or both; `metadata` (a dict) and structured columns as they come. Raises InvalidInput at
        rows that cannot be written; the others are.
        """
        source: Any = rows.to_dict("records") if hasattr(rows, "to_dict") else rows
        return upsert(
            self.db,
            self.info,
            self._rows(source),
            embedder=embedder,
            options=IngestOptions(chunk=chunk),
        )

    def search(
        self,
        query: str | Sequence[float],
        *,
        mode: str | None = None,
        limit: int = 10,
        filters: Mapping[str, Any] | None = None,
        metric: str | None = None,
        max_distance: float | None = None,
        exact: bool = False,
        ef_search: int | None = None,
        probes: int | None = None,
        iterative_scan: str | None = None,
        max_scan_tuples: int | None = None,
        match: str | None = None,
        rank: str | None = None,
        bm25_k1: float | None = None,
        bm25_b: float | None = None,
        rank_normalization: int | None = None,
        label_weights: tuple[float, float, float, float] | None = None,
        text_config: str | None = None,
        fusion: str | None = None,
        rrf_k: float | None = None,
        semantic_weight: float | None = None,
        keyword_weight: float | None = None,
        depth: int | None = None,
        lists: bool = False,
        embedder: Embedder | None = None,
        explain: bool = False,
    ) -> SearchResult:
        """Search by words, or by a vector instead of words; see SearchRequest for the knobs.

        `mode` is semantic, keyword or hybrid; `fusion` is coverage, rrf, minmax, zscore or dbsf.
        A knob that is None is the collection's default, where one was chosen, else that of
        SearchRequest: for words hybrid, any word by BM25, fused by coverage. `filters` is in the
        language of `pgvista.model.filters`, such as ``{"year": {"$gte": 1970}}``. With `lists` a hybrid
        result carries the two lists that were fused, with `explain` the measured plan.
        """
        words = isinstance(query, str)
        vector = None if isinstance(query, str) else parse_vector(query, self.info.dimension)
        request = request_for(self.info, {
            "text": query if words else None,
            "vector": None if vector is None else tuple(vector.tolist()),
            "mode": mode, "limit": limit, "filters": filters,
            "metric": metric, "max_distance": max_distance, "exact": exact, "ef_search": ef_search,
            "probes": probes, "iterative_scan": iterative_scan, "max_scan_tuples": max_scan_tuples,
            "match": match, "rank": rank, "bm25_k1": bm25_k1, "bm25_b": bm25_b,
            "rank_normalization": rank_normalization, "label_weights": label_weights,
            "text_config": text_config, "fusion": fusion, "rrf_k": rrf_k,
            "semantic_weight": semantic_weight, "keyword_weight": keyword_weight,
            "depth": depth, "lists": lists,
        })  # fmt: skip
        return search_service.search(
            self.db, self.info, request, embedder=embedder, plan="analyze" if explain else "none"
        )

    def similar(
        self,
        row_id: str | None = None,
        *,
        ids: Sequence[str] = (),
        unlike: Sequence[str] = (),
        text: str | None = None,
        unlike_weight: float = DEFAULT_UNLIKE_WEIGHT,
        variety: float = 0.0,
        limit: int = 10,
        candidates: int | None = None,
        max_distance: float | None = None,
        group_by: str | None = None,
        filters: Mapping[str, Any] | None = None,
        metric: str | None = None,
        exact: bool = False,
        ef_search: int | None = None,
        embedder: Embedder | None = None,
    ) -> SearchResult:
        """Find rows like one row or several, and unlike others; ExampleRequest tells the knobs."""
        request = ExampleRequest(
            like=ids if row_id is None else (row_id, *ids),
            unlike=unlike,
            text=text,
            unlike_weight=unlike_weight,
            variety=variety,
            limit=limit,
            candidates=candidates,
            max_distance=max_distance,
            group_by=group_by,
            filters=parse_filter(filters),
            metric=None if metric is None else choice(Metric, "metric", metric),
            exact=exact,
            ef_search=ef_search,
        )
        return example_service.by_example(self.db, self.info, request, embedder=embedder)

    def tune(self, **options: Any) -> Tuning:
        """Sweep over the settings of the vector indexes; options are those of `services.tune`."""
        return tune(self.db, self.info, **options)

    def create_index(
        self,
        method: str = "hnsw",
        *,
        metric: str | None = None,
        m: int = 16,
        ef_construction: int = 64,
        lists: int | None = None,
        vector_type: str | None = None,
        target: str | None = None,
        leading: int | None = None,
        filters: Mapping[str, Any] | None = None,
        concurrently: bool = True,
    ) -> IndexInfo:
        """Build an HNSW or IVFFlat index; see IndexSpec for the options, `target` and `filters`."""
        spec = index_service.spec_of(
            self.info, method, metric=metric, m=m, ef_construction=ef_construction, lists=lists,
            vector_type=vector_type, target=target, leading=leading, filters=filters,
            concurrently=concurrently,
        )  # fmt: skip
        made = index_service.create_index(self.db, self.info, spec)
        self._read_again()
        return made

    def drop_index(self, name: str) -> None:
        """Drop an index of the collection, but not that of its key. Raises NotFound, Conflict."""
        known = {index.name: index for index in self.indexes() if not index.primary}
        if name not in known:
            raise NotFound(
                f"{self.name} has no index {name!r}.", f"There are: {', '.join(known) or 'none'}."
            )
        index_service.drop_index(self.db, known[name])
        self._read_again()

    def indexes(self) -> tuple[IndexInfo, ...]:
        """Return the indexes of the collection."""
        return collection_service.indexes(self.db, self.info)

    def get(self, ids: Sequence[str]) -> list[StoredRow]:
        """Read rows by id."""
        return row_service.get(self.db, self.info, ids)

    def rows(
        self, *, filters: Mapping[str, Any] | None = None, limit: int | None = None
    ) -> Iterator[StoredRow]:
        """Read all rows, or the first `limit`, by id; a page at a time, with their vectors."""
        return row_service.every(self.db, self.info, parse_filter(filters), limit=limit)

    def count(self, filters: Mapping[str, Any] | None = None) -> int:
        """Count the rows."""
        return row_service.count(self.db, self.info, parse_filter(filters))

    def delete(
        self, ids: Sequence[str] | None = None, *, filters: Mapping[str, Any] | None = None
    ) -> int:
        """Delete rows by id (with the chunks cut from them) or by filter; return how many.

        `filters` is as in `search`; one without a condition is refused with InvalidInput.
        """
        return row_service.delete(self.db, self.info, ids=ids, filters=parse_filter(filters))

    def drop(self) -> None:
        """Drop the table."""
        collection_service.drop(self.db, self.info)

    def _read_again(self) -> None:
        self.info = collection_service.open_collection(self.db, self.info.table, self.info.schema)

    def _rows(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
        for number, row in enumerate(rows, 1):
            yield row_from_dict(self.info, row, number)
