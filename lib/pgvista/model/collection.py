"""A collection: a table whose columns have roles."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pgvista.errors import InvalidInput
from pgvista.model.index import BitMetric, IndexTarget
from pgvista.model.metric import MAX_DIMENSION, Metric, VectorType

DEFAULT_SCHEMA = "pgvista"
DEFAULT_TEXT_CONFIG = "english"
MAX_NAME_BYTES = 63
LABELS = ("A", "B", "C", "D")
"""setweight's labels; words without one count as D."""

PARENT_KEY = "_parent"
"""Metadata key that holds the id of the text a chunk was cut from."""
CHUNK_KEY = "_chunk"
"""Metadata key that holds a chunk's number within its parent, from 1."""


class Layout(StrEnum):
    """Who laid the table out."""

    PGVISTA = "pgvista"
    VECS = "vecs"
    """``(id varchar primary key, vec vector(n), metadata jsonb)``, which the vecs client opens."""
    ADOPTED = "adopted"
    """A table made by others, opened by giving its columns roles."""


class RelationKind(StrEnum):
    """What the relation is; only tables are written to."""

    TABLE = "table"
    PARTITIONED = "partitioned table"
    MATVIEW = "materialised view"
    VIEW = "view"
    FOREIGN = "foreign table"


class ColumnType(StrEnum):
    """Types offered for structured columns of a new collection."""

    TEXT = "text"
    INTEGER = "bigint"
    NUMBER = "double precision"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamptz"
    TEXTS = "text[]"


@dataclass(frozen=True, slots=True)
class Column:
    """A structured column: its name and its type as Postgres writes it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column plays which part; None where the table has no such column."""

    embedding: str
    id: str | None = None
    content: str | None = None
    metadata: str | None = None
    fts: str | None = None
    content_hash: str | None = None


PGVISTA_ROLES = Roles("embedding", "id", "content", "metadata", "fts", "content_hash")
VECS_ROLES = Roles("vec", "id", None, "metadata", None, None)


@dataclass(frozen=True, slots=True)
class Bm25:
    """The side tables from which a collection's keyword search ranks by BM25."""

    number: int
    """Tells the side tables of collections apart."""
    labelled: bool = False
    """Whether words carry setweight labels, A to D."""
    kept: bool = True
    """Whether triggers keep them in step; else they are as they were when built."""
    trigram_schema: str | None = None
    """Schema of pg_trgm, with which words spelled alike are found; None: it is not installed."""


@dataclass(frozen=True, slots=True)
class Bm25Index:
    """An index by which an extension ranks the collection's text by BM25."""

    extension: str
    """pg_textsearch, pg_search or vchord_bm25."""
    schema: str
    name: str
    extension_schema: str
    """Where the extension's types, functions and operators are."""
    version: str = ""
    """Of the extension, as installed."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A table, view or materialised view that can be searched by vector."""

    schema: str
    table: str
    roles: Roles
    dimension: int | None
    """Length of the vectors; None when the column takes any length."""
    metric: Metric = Metric.COSINE
    vector_type: VectorType = VectorType.VECTOR
    model: str | None = None
    """Name of the embedding model; None when the vectors come from elsewhere."""
    text_config: str = DEFAULT_TEXT_CONFIG
    columns: tuple[Column, ...] = ()
    kind: RelationKind = RelationKind.TABLE
    layout: Layout = Layout.PGVISTA
    key_type: str = "text"
    """Type of the id column as Postgres writes it."""
    metadata_type: str = "jsonb"
    """Type of the metadata column: jsonb or json."""
    index_cast: VectorType | None = None
    """The type that the only index for this metric casts the vectors to; None: none is needed."""
    bm25: Bm25 | None = None
    """None: there are no statistics for BM25, or the role may not read them."""
    bm25_index: Bm25Index | None = None
    """The index of an extension for BM25; None: there is none on the text that a search can use."""
    row_security: bool = False
    """Whether policies keep rows of it from the role that asks."""
    titled: bool = False
    """Whether the stored words are those of titles too: of a column or key of metadata ``title``."""
    search_defaults: tuple[tuple[str, str | float | bool | None], ...] = ()
    """Fields of a SearchRequest that searches of this collection begin with, by name."""
    extension_schema: str | None = None
    """Schema of pgvector when it is not on the search path, so that operators must be qualified."""

    @property
    def name(self) -> str:
        """The name people use: bare in schema pgvista, else ``schema.table``."""
        return self.table if self.schema == DEFAULT_SCHEMA else f"{self.schema}.{self.table}"

    @property
    def writable(self) -> bool:
        """Whether rows can be written: a table with a key."""
        return (
            self.kind in (RelationKind.TABLE, RelationKind.PARTITIONED)
            and self.roles.id is not None
        )

    def column(self, name: str) -> Column | None:
        """Return the structured column called `name`, or None."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class NewCollection:
    """What is asked for when a collection is created."""

    table: str
    schema: str = DEFAULT_SCHEMA
    model: str | None = None
    dimension: int | None = None
    metric: Metric = Metric.COSINE
    vector_type: VectorType = VectorType.VECTOR
    text_config: str = DEFAULT_TEXT_CONFIG
    columns: tuple[Column, ...] = ()
    indexed_columns: frozenset[str] = frozenset()
    """Structured columns that get a btree (text[]: GIN) index."""
    labels: tuple[tuple[str, str], ...] = ()
    """(column, label): structured columns whose words are searched too, A to D, and count by it."""
    unaccent: bool = False
    """Whether words are found without regard to accents; needs the extension unaccent."""
    layout: Layout = Layout.PGVISTA

    def __post_init__(self) -> None:
        """Refuse what Postgres would cut short or take for something else."""
        check_name(self.table, "collection")
        check_name(self.schema, "schema")
        if self.dimension is None or not 1 <= self.dimension <= MAX_DIMENSION:
            raise InvalidInput(
                f"The dimension is {self.dimension}, but a vector has 1 to {MAX_DIMENSION:,} numbers.",
                "Choose a model, or give the dimension of your own vectors.",
            )
        taken = {"id", "content", "metadata", "content_hash", "fts", "embedding"}
        for column in self.columns:
            check_name(column.name, "column")
            if column.name in taken:
                raise InvalidInput(
                    f"The column name {column.name!r} is used twice or is one that every collection has.",
                    "Choose another name for it.",
                )
            taken.add(column.name)
            if column.type not in set(ColumnType):
                raise InvalidInput(
                    f"The column {column.name!r} has type {column.type!r}, which is not offered.",
                    f"Choose one of: {', '.join(ColumnType)}.",
                )
        texts = {column.name for column in self.columns if column.type == ColumnType.TEXT}
        for name, label in self.labels:
            if name not in texts:
                raise InvalidInput(
                    f"{name!r} is not a structured column of texts, so it has no words to search.",
                    "Give a weight to text columns only.",
                )
            if label not in LABELS:
                raise InvalidInput(
                    f"The label of {name!r} is {label!r}.", "Labels are A, B, C and D."
                )


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """An index as the catalog has it."""

    schema: str
    name: str
    method: str
    """Access method: hnsw, ivfflat, gin, btree ..."""
    definition: str
    size_bytes: int
    valid: bool
    columns: tuple[str, ...]
    opclasses: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    primary: bool = False
    target: IndexTarget | None = None
    """What of the vector is indexed; None: not a vector index, or on something else."""
    metric: Metric | BitMetric | None = None
    """What distance a vector index serves."""
    leading: int | None = None
    """Target leading: how many dimensions."""
    predicate: str | None = None
    """SQL of the condition that rows in a partial index meet; None: every row is in it."""
    scans: int = 0
    """Searches that used it since the server's statistics began."""
    last_scan: datetime | None = None
    """When it was used last; None: never, or the server is older than Postgres 16."""
    build: str | None = None
    """Phase of the build that is at work on it; None: none is."""

    @property
    def in_full(self) -> bool:
        """Whether it holds vectors with all their dimensions, so that a plain search can use it."""
        return self.target in (IndexTarget.COLUMN, IndexTarget.HALFVEC)


@dataclass(frozen=True, slots=True)
class CollectionStats:
    """What a list of collections shows beside the name."""

    collection: Collection
    rows: int
    rows_exact: bool
    """False when `rows` is the planner's estimate."""
    unembedded: int | None
    """Rows with text and no vector; None when not counted."""
    table_bytes: int
    """The table with its TOAST, without indexes."""
    index_bytes: int
    indexes: tuple[IndexInfo, ...] = ()


def check_name(name: str, what: str) -> str:
    """Return `name` when Postgres can hold it whole as an identifier; else raise InvalidInput.

    Any characters are allowed but NUL; the length is 1 to 63 bytes in UTF-8, since Postgres cuts
    longer names silently.
    """
    if not name or not name.strip():
        raise InvalidInput(f"The {what} name is empty.", "Type a name.")
    if "\0" in name:
        raise InvalidInput(
            f"The {what} name holds a NUL byte, which Postgres cannot store.", "Remove it."
        )
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise InvalidInput(
            f"The {what} name holds half of a surrogate pair, which is not text.", "Retype it."
        ) from None
    if length > MAX_NAME_BYTES:
        raise InvalidInput(
            f"The {what} name is {length} bytes long, and Postgres keeps {MAX_NAME_BYTES}.",
            "Choose a shorter name.",
        )
    return name
