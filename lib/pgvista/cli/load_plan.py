"""What the options of `pgvista load` ask for, made into a collection and a column mapping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pgvista.errors import InvalidInput, NotFound
from pgvista.model.collection import (
    DEFAULT_SCHEMA,
    DEFAULT_TEXT_CONFIG,
    Collection,
    Column,
    ColumnType,
    NewCollection,
)
from pgvista.model.metric import Metric, VectorType

if TYPE_CHECKING:
    from pgvista.db.database import Database
    from pgvista.io.readers import Source
    from pgvista.model.rows import ColumnMapping


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the collection; None where nothing is."""

    name: str
    schema: str | None = None
    model: str | None = None
    dimension: int | None = None
    metric: str | None = None
    vector_type: str | None = None
    text_config: str | None = None
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class Parts:
    """Which columns of the file are named by the options; None where none is."""

    id: str | None = None
    content: str | None = None
    embedding: str | None = None
    metadata: tuple[str, ...] = field(default=())


def parse_column(text: str) -> Column:
    """Read ``name:type``. Raises InvalidInput; a type that is not offered is refused later."""
    name, colon, kind = text.rpartition(":")
    if not colon or not name or not kind:
        raise InvalidInput(
            f"--column {text!r} is not NAME:TYPE.",
            f"Types: {', '.join(item.value for item in ColumnType)}.",
        )
    return Column(name, kind.strip())


def find(db: Database, wanted: Wanted) -> Collection | None:
    """Return the collection that is there already; None when it is to be created.

    Raises InvalidInput when what is asked for is not what it is.
    """
    from pgvista.services.collections import open_collection

    try:
        found = open_collection(db, wanted.name, wanted.schema)
    except NotFound:
        if wanted.schema is None and "." in wanted.name:
            schema, _, table = wanted.name.partition(".")
            raise InvalidInput(
                f"There is no collection {wanted.name!r}, and a new one is named by two options.",
                f"Write --schema {schema} --collection {table}.",
            ) from None
        return None
    _check_same(found, wanted)
    return found


def plan_new(wanted: Wanted, *, source_dimension: int | None = None) -> NewCollection:
    """Return the collection to create; `source_dimension` is that of vectors found in the file."""
    from pgvista.embed.registry import DEFAULT_MODEL, canonical_name, get_embedder, known_dimension

    model, dimension = wanted.model, wanted.dimension
    if model is None and dimension is None:
        dimension = source_dimension
        model = DEFAULT_MODEL if dimension is None else None
    if model is not None:
        model = canonical_name(model)
        own = known_dimension(model) or get_embedder(model).dimension
        if dimension not in (None, own):
            raise InvalidInput(
                f"{model} makes vectors of {own} numbers, not {dimension}.",
                "Leave --dimension out.",
            )
        dimension = own
    return NewCollection(
        table=wanted.name,
        schema=wanted.schema or DEFAULT_SCHEMA,
        model=model,
        dimension=dimension,
        metric=Metric(wanted.metric or Metric.COSINE),
        vector_type=VectorType(wanted.vector_type or VectorType.VECTOR),
        text_config=wanted.text_config or DEFAULT_TEXT_CONFIG,
        columns=wanted.columns,
    )


def plan_file(
    db: Database, wanted: Wanted, source: Source, parts: Parts
) -> tuple[Collection | NewCollection, ColumnMapping]:
    """Return where the rows of `source` go, and which column becomes what."""
    from pgvista.io.mapping import guess_mapping

    found = find(db, wanted)
    guess = guess_mapping(source.columns, source.preview(), found)
    if found is None and wanted.model is not None and parts.embedding is None:
        # vectors of unknown origin are not taken for the model's: the texts are embedded
        guess = _without_vectors(guess)
    mapping = _mapping(guess, source, parts, wanted)
    if found is not None:
        return found, mapping
    lengths = {column.name: column.dimension for column in source.columns}
    own = lengths.get(mapping.embedding) if mapping.embedding is not None else None
    if mapping.embedding in lengths and own is None and (wanted.model or wanted.dimension) is None:
        raise InvalidInput(
            f"The vectors in the column {mapping.embedding!r} are not all of one length.",
            "Say which one with --dimension; rows with another are set aside.",
        )
    return plan_new(wanted, source_dimension=own), mapping


def mapping_dict(mapping: ColumnMapping) -> dict[str, Any]:
    """Return a mapping as JSON takes it."""
    return {
        "id": mapping.id,
        "content": mapping.content,
        "embedding": mapping.embedding,
        "metadata": list(mapping.metadata),
        "metadata_object": mapping.metadata_object,
        "columns": dict(mapping.structured),
    }


def _without_vectors(guess: ColumnMapping) -> ColumnMapping:
    from dataclasses import replace

    return replace(guess, embedding=None)


def _mapping(guess: ColumnMapping, source: Source, parts: Parts, wanted: Wanted) -> ColumnMapping:
    """Put what the options name in the place of what was guessed."""
    from pgvista.io.columns import ColumnKind
    from pgvista.model.rows import ColumnMapping

    named = {parts.id, parts.content, parts.embedding}
    structured = {
        name: target for name, target in guess.structured.items() if name not in named
    } | {column.name: column.name for column in wanted.columns}

    def part(given: str | None, guessed: str | None) -> str | None:
        free = guessed not in named and guessed not in structured
        return given if given is not None else guessed if free else None

    identifier = part(parts.id, guess.id)
    content = part(parts.content, guess.content)
    embedding = part(parts.embedding, guess.embedding)
    taken = {identifier, content, embedding, *structured}
    whole = guess.metadata_object if guess.metadata_object not in taken else None
    if parts.metadata:
        if whole not in parts.metadata:
            whole = None
        kept = tuple(name for name in parts.metadata if name != whole)
    else:
        kept = tuple(
            column.name
            for column in source.columns
            if column.name not in taken
            and column.name != whole
            and column.kind is not ColumnKind.VECTOR
        )
    return ColumnMapping(
        id=identifier,
        content=content,
        embedding=embedding,
        metadata=kept,
        metadata_object=whole,
        structured=structured,
    )


def _check_same(found: Collection, wanted: Wanted) -> None:
    """Refuse options that contradict a collection that is there."""
    from pgvista.embed.registry import canonical_name

    has: dict[str, tuple[object, object]] = {
        "--model": (
            found.model,
            None if wanted.model is None else canonical_name(wanted.model),
        ),
        "--dimension": (found.dimension, wanted.dimension),
        "--metric": (found.metric.value, wanted.metric),
        "--vector-type": (found.vector_type.value, wanted.vector_type),
        "--text-config": (found.text_config, wanted.text_config),
    }
    for option, (is_now, asked) in has.items():
        if asked is not None and asked != is_now:
            raise InvalidInput(
                f"{found.name} is there already, and its {option[2:].replace('-', ' ')} is "
                f"{'not known' if is_now is None else is_now}, not {asked}.",
                f"Leave {option} out, or load into a new collection.",
            )
    for column in wanted.columns:
        there = found.column(column.name)
        if there is None or there.type.replace(" with time zone", "tz") != column.type:
            raise InvalidInput(
                f"{found.name} is there already, without a column {column.name!r} of type "
                f"{column.type}.",
                "Leave --column out, or load into a new collection.",
            )
