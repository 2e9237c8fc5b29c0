"""From the columns of a file to the parts of a row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.errors import InvalidInput
from pgvista.io.columns import ColumnKind, SourceColumn, is_missing, typed
from pgvista.io.lines import cut_raw
from pgvista.io.values import column_parser, content_text, id_text, json_safe
from pgvista.io.vectors import parse_vector
from pgvista.model.collection import Collection
from pgvista.model.metric import VectorType
from pgvista.model.rows import BadRow, ColumnMapping, Record, Row

ID_NAMES = (
    *("id", "_id", "doc_id", "docid", "document_id", "uuid", "guid", "key", "_key", "pk"),
    *("slug", "node_id", "langchain_id", "chunk_id", "article_id", "item_id", "uid", "url"),
)
CONTENT_NAMES = (
    *("content", "text", "body", "document", "page_content", "passage", "abstract", "chunk"),
    *("description", "summary", "article", "message", "comment", "review", "question", "sentence"),
)
EMBEDDING_NAMES = (
    *("embedding", "embeddings", "vector", "vec", "emb", "embed", "values", "features"),
    *("dense_vector", "content_embedding", "text_embedding", "content_vector", "text_vector"),
)
METADATA_NAMES = ("metadata", "meta", "metadata_", "cmetadata", "langchain_metadata", "payload")
_MIN_UNNAMED_DIMENSION = 8
_MIN_TEXT_CHARS = 20


def guess_mapping(
    columns: Sequence[SourceColumn],
    preview: Sequence[Record],
    collection: Collection | None = None,
) -> ColumnMapping:
    """Guess what each column of a file is, from names, kinds and the first rows.

    The id is a column with a telling name whose values are there and unique in `preview`; the
    content one with a telling name, else the longest texts; the embedding one that holds vectors,
    of the collection's dimension where that is fixed. Columns called like the collection's
    structured columns go there, a column of objects called metadata becomes the metadata, and the
    rest are metadata too. Vectors that are not the embedding are left out.
    """
    roles = collection.roles if collection is not None else None
    kinds = {column.name: column.kind for column in columns}
    structured = _structured(kinds, collection)
    free = [name for name in kinds if name not in structured and not name.startswith("__index_")]

    embedding = _pick_embedding(
        [column for column in columns if column.name in free],
        roles.embedding if roles is not None else None,
        collection.dimension if collection is not None else None,
    )
    metadata_object = _first(
        _order(free, (roles.metadata if roles else None, *METADATA_NAMES)),
        lambda name: kinds[name] in (ColumnKind.OBJECT, ColumnKind.EMPTY) and name != embedding,
    )
    identifier = _first(
        _order(free, (roles.id if roles else None, *ID_NAMES)),
        lambda name: name not in (embedding, metadata_object) and _identifies(name, preview),
    )
    taken = {embedding, metadata_object, identifier}
    content = None
    if collection is None or roles is None or roles.content is not None or collection.model:
        texts = [name for name in free if name not in taken]
        content = _pick_content(texts, kinds, preview, roles.content if roles else None)
    taken.add(content)
    keeps_metadata = roles is None or roles.metadata is not None
    return ColumnMapping(
        id=identifier,
        content=content,
        embedding=embedding,
        metadata=tuple(
            name
            for name in free
            if keeps_metadata and name not in taken and kinds[name] is not ColumnKind.VECTOR
        ),
        metadata_object=metadata_object if keeps_metadata else None,
        structured=structured,
    )


def _structured(kinds: Mapping[str, ColumnKind], collection: Collection | None) -> dict[str, str]:
    if collection is None:
        return {}
    by_lower = {column.name.lower(): column.name for column in collection.columns}
    exact = {column.name for column in collection.columns}
    found: dict[str, str] = {}
    for name in kinds:
        target = name if name in exact else by_lower.get(name.strip().lower())
        if target is not None and target not in found.values():
            found[name] = target
    return found


def _order(names: Iterable[str], wanted: Iterable[str | None]) -> list[str]:
    """Return those of `names` that are `wanted`, in the order of wanting; case does not matter."""
    by_lower: dict[str, str] = {}
    for name in names:
        by_lower.setdefault(name.strip().lower().replace(" ", "_").replace("-", "_"), name)
    return [by_lower[want.lower()] for want in wanted if want and want.lower() in by_lower]


def _first(names: Iterable[str], fits: Callable[[str], bool]) -> str | None:
    return next((name for name in names if fits(name)), None)


def _identifies(name: str, preview: Sequence[Record]) -> bool:
    """Whether a column's values can be ids: most are there, and no two are alike.

    In a column called plainly ``id`` a few may be alike: they are the file's mistake.
    """
    ids: list[str] = []
    for record in preview:
        value = record.values.get(name)
        if is_missing(value):
            continue
        try:
            ids.append(id_text(value))
        except InvalidInput:
            return False
    share = 0.9 if name.lower() in ("id", "_id") else 1.0
    return 2 * len(ids) >= len(preview) and len(set(ids)) >= share * len(ids)


def _pick_embedding(
    columns: Sequence[SourceColumn], role: str | None, dimension: int | None
) -> str | None:
    vectors = {column.name: column.dimension or 0 for column in columns if column.dimension}
    if dimension is not None:
        fitting = [name for name, length in vectors.items() if length == dimension]
        named = _order(fitting, (role, *EMBEDDING_NAMES))
        # A vector of another dimension still is the embedding: each row then says what is wrong.
        return next(iter([*named, *fitting, *_order(vectors, (role, *EMBEDDING_NAMES))]), None)
    named = _order(vectors, (role, *EMBEDDING_NAMES))
    unnamed = [
        name
        for name, length in vectors.items()
        if length >= _MIN_UNNAMED_DIMENSION
        or name.lower().endswith(("embedding", "vector", "_vec", "_emb"))
    ]
    return next(iter([*named, *unnamed]), None)


def _pick_content(
    names: Sequence[str],
    kinds: Mapping[str, ColumnKind],
    preview: Sequence[Record],
    role: str | None,
) -> str | None:
    texts = [name for name in names if kinds[name] in (ColumnKind.TEXT, ColumnKind.EMPTY)]
    named = _order(texts, (role, *CONTENT_NAMES))
    if named:
        filled = {
            name: sum(not is_missing(record.values.get(name)) for record in preview)
            for name in named
        }
        most = max(filled.values())
        return next(name for name in named if 2 * filled[name] >= most)
    lengths = {
        name: sum(len(str(record.values.get(name) or "")) for record in preview)
        / max(len(preview), 1)
        for name in texts
    }
    longest = max(lengths, key=lengths.__getitem__, default=None)
    if longest is None:
        return None
    titled = _order(texts, ("title", "name", "headline", "subject"))
    if lengths[longest] >= _MIN_TEXT_CHARS or len(texts) == 1:
        return longest
    return titled[0] if titled else longest


def map_records(
    records: Iterable[Record | BadRow | Mapping[str, Any]],
    mapping: ColumnMapping,
    *,
    collection: Collection | None = None,
    dimension: int | None = None,
    kinds: Mapping[str, ColumnKind] | None = None,
) -> Iterator[Row | BadRow]:
    """Yield a Row for each record, or a BadRow that says why it cannot be stored.

    Records that are plain mappings are counted from 1; a BadRow is passed on. A record needs an id
    (or, where the mapping names no id column, gets a hash of its content, the same each time) and
    content or a vector; a missing vector is left for the model. `dimension` is the collection's
    unless given; None takes any. `kinds` (`Source.kinds`) turns the texts of a CSV file into
    numbers, booleans and JSON values where they become metadata.
    """
    mapper = _Mapper(mapping, collection, dimension, kinds or {})
    for number, record in enumerate(records, start=1):
        if isinstance(record, Record):
            values, line = record.values, record.line
        elif isinstance(record, BadRow):
            yield record
            continue
        else:
            values, line = record, number
        try:
            row = mapper.row(values, line)
        except InvalidInput as error:
            yield BadRow(line, error.message, _raw(values))
        else:
            yield row


class _Mapper:
    """A mapping, made ready once for many records."""

    def __init__(
        self,
        mapping: ColumnMapping,
        collection: Collection | None,
        dimension: int | None,
        kinds: Mapping[str, ColumnKind],
    ) -> None:
        self._id = mapping.id
        self._content = mapping.content
        self._embedding = mapping.embedding
        self._object = mapping.metadata_object
        self._metadata = [
            (name, f"metadata '{name}'", kinds.get(name)) for name in mapping.metadata
        ]
        self._columns = []
        for source, target in mapping.structured.items():
            column = collection.column(target) if collection is not None else None
            parse = column_parser(target, column.type if column is not None else "text")
            self._columns.append((source, target, parse))
        self._dimension = dimension
        self._vector_type = VectorType.VECTOR
        if collection is not None:
            self._vector_type = collection.vector_type
            self._dimension = dimension if dimension is not None else collection.dimension

    def row(self, values: Mapping[str, Any], line: int) -> Row:
        get = values.get
        content = content_text(get(self._content)) if self._content is not None else None
        vector = None
        if self._embedding is not None:
            given = get(self._embedding)
            if given is not None and not _is_blank(given):
                vector = parse_vector(given, self._dimension, vector_type=self._vector_type)
        if content is None and vector is None:
            raise InvalidInput("The row has no content and no vector.")
        key = id_text(get(self._id)) if self._id is not None else stable_id(content, vector)
        metadata = self._of_object(get(self._object)) if self._object is not None else {}
        for name, what, kind in self._metadata:
            if name in values:
                value = values[name]
                if kind is not None and type(value) is str:
                    value = typed(value, kind)
                metadata[name] = json_safe(value, what)
        columns = {target: parse(get(source)) for source, target, parse in self._columns}
        return Row(key, content, metadata, vector, columns, line)

    def _of_object(self, value: Any) -> dict[str, Any]:
        if isinstance(value, str) and value.strip():
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise InvalidInput("The metadata is a text that is not JSON.") from None
        if is_missing(value) or isinstance(value, str):
            return {}
        if not isinstance(value, Mapping):
            raise InvalidInput("The metadata is not an object of names and values.")
        safe: dict[str, Any] = json_safe(value, "metadata")
        return safe


def stable_id(content: str | None, vector: NDArray[np.float32] | None = None) -> str:
    """Return the id of a row that has none: 16 hex digits of the SHA-256 of its content.

    Without content they are those of the vector's bytes. Loaded again, the row has the same id.
    """
    data = content.encode() if content is not None else b""
    if content is None and vector is not None:
        data = np.ascontiguousarray(vector, dtype="<f4").tobytes()
    return hashlib.sha256(data).hexdigest()[:16]


def _is_blank(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return isinstance(value, float) and value != value


def _raw(values: Mapping[str, Any]) -> str:
    """Write a record down as one line, long values cut short."""
    parts = []
    for name, value in values.items():
        if isinstance(value, list | tuple | np.ndarray) and len(value) > 8:
            shown = ", ".join(str(item)[:40] for item in value[:8])
            shown = f"[{shown}, ... {len(value)} items]"
        else:
            shown = str(value)[:200]
        parts.append(f"{name}: {shown}")
    return cut_raw(" | ".join(parts))
