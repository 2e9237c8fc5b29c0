"""Guess which column of a relation plays which part, from names and types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pgvista.errors import InvalidInput
from pgvista.model.collection import Column, Roles
from pgvista.model.metric import VectorType

_EMBEDDING = ("embedding", "vec", "vector", "embeddings", "emb")
_CONTENT = (
    "content", "text", "document", "page_content", "body", "chunk", "passage", "description",
    "summary", "abstract", "message", "comment", "review", "title", "name",
)  # fmt: skip
_METADATA = ("metadata", "metadata_", "meta", "cmetadata", "langchain_metadata", "attributes")
_ID = ("id", "uuid", "node_id", "langchain_id", "doc_id", "key")
_TEXT_TYPES = {"text", "varchar", "bpchar", "citext", "name"}
_HIDDEN_TYPES = {"vector", "halfvec", "sparsevec", "tsvector", "bytea", "bm25vector"}


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column as the catalog has it."""

    name: str
    type: str
    """As format_type writes it, e.g. ``vector(384)``."""
    base_type: str
    """The type's bare name, e.g. ``vector``."""
    typmod: int = -1
    """For vectors: the dimension, or -1."""
    generated: bool = False
    identity: bool = False
    not_null: bool = False
    has_default: bool = False
    key: Literal["primary", "unique"] | None = None
    config: str | None = None
    """Text-search configuration of a generated tsvector column."""
    titled: bool = False
    """Whether a generated tsvector column is made of titles too."""

    @property
    def is_vector(self) -> bool:
        """Whether the column holds vectors that pgvista searches."""
        return self.base_type in set(VectorType)

    @property
    def is_text(self) -> bool:
        """Whether the column holds text."""
        return self.base_type in _TEXT_TYPES


def guess_roles(columns: Sequence[ColumnInfo]) -> Roles:
    """Give each role the likeliest column. Raises InvalidInput when there is no vector column."""
    vectors = [column for column in columns if column.is_vector]
    embedding = _pick(vectors, _EMBEDDING)
    if embedding is None:
        raise InvalidInput("This table has no vector column.", "Add one, or choose another table.")
    identity = next((column.name for column in columns if column.key == "primary"), None) or _pick(
        [column for column in columns if column.key == "unique"], _ID
    )
    texts = [column for column in columns if column.is_text and column.name != identity]
    objects = [column for column in columns if column.base_type in ("jsonb", "json")]
    searchable = [column for column in columns if column.base_type == "tsvector"]
    hashes = [
        column
        for column in columns
        if column.name == "content_hash" and column.base_type == "bytea"
    ]
    return Roles(
        embedding=embedding,
        id=identity,
        content=_pick(texts, _CONTENT),
        metadata=_pick(objects, _METADATA),
        fts=_pick(searchable, ("fts",)),
        content_hash=hashes[0].name if hashes else None,
    )


def structured_columns(columns: Sequence[ColumnInfo], roles: Roles) -> tuple[Column, ...]:
    """Return the columns without a role that can be shown and filtered."""
    taken = {
        roles.embedding,
        roles.id,
        roles.content,
        roles.metadata,
        roles.fts,
        roles.content_hash,
    }
    return tuple(
        Column(column.name, column.type)
        for column in columns
        if column.name not in taken and column.base_type not in _HIDDEN_TYPES
    )


def check_roles(columns: Sequence[ColumnInfo], roles: Roles) -> None:
    """Raise InvalidInput when a role names a column that is missing or of another type."""
    by_name = {column.name: column for column in columns}
    wanted: dict[str, tuple[str | None, set[str] | None]] = {
        "embedding": (roles.embedding, set(VectorType)),
        "id": (roles.id, None),
        "content": (roles.content, _TEXT_TYPES),
        "metadata": (roles.metadata, {"jsonb", "json"}),
        "full text": (roles.fts, {"tsvector"}),
        "content hash": (roles.content_hash, {"bytea"}),
    }
    for role, (name, types) in wanted.items():
        if name is None:
            continue
        column = by_name.get(name)
        if column is None:
            raise InvalidInput(f"There is no column {name!r} for the role of {role}.")
        if types is not None and column.base_type not in types:
            raise InvalidInput(
                f"The column {name!r} is {column.type}, so it cannot play the role of {role}.",
                f"That role takes: {', '.join(sorted(types))}.",
            )
    names = [name for name, _ in wanted.values() if name is not None]
    if len(names) != len(set(names)):
        raise InvalidInput("One column was given two roles.", "Give each role its own column.")


def _pick(columns: Sequence[ColumnInfo], preferred: Sequence[str]) -> str | None:
    """Return the first of `preferred` that is there, else the first column, else None."""
    names = [column.name for column in columns]
    lowered = {name.lower(): name for name in names}
    return next(
        (lowered[name] for name in preferred if name in lowered), names[0] if names else None
    )
