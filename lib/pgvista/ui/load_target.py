"""Where the rows go: a collection there is, or a new one; and which column becomes what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import streamlit as st

from pgvista.embed import DEFAULT_MODEL
from pgvista.embed.registry import canonical_name, known_dimension
from pgvista.errors import Conflict
from pgvista.io.columns import ColumnKind, SourceColumn
from pgvista.io.mapping import guess_mapping
from pgvista.io.readers import Source
from pgvista.model.collection import (
    DEFAULT_TEXT_CONFIG,
    Collection,
    Column,
    ColumnType,
    NewCollection,
)
from pgvista.model.metric import Metric, VectorType
from pgvista.model.rows import ColumnMapping
from pgvista.services.ingest import Chunking

Target = Collection | NewCollection

NO_COLUMN = "—"
MADE_ID = "made from the text"
UNKNOWN_DIMENSION = 1
"""Stands in a new collection until its job has asked the model."""

_TYPES = {
    ColumnKind.INTEGER: ColumnType.INTEGER,
    ColumnKind.NUMBER: ColumnType.NUMBER,
    ColumnKind.BOOLEAN: ColumnType.BOOLEAN,
    ColumnKind.DATE: ColumnType.DATE,
    ColumnKind.TIMESTAMP: ColumnType.TIMESTAMP,
    ColumnKind.LIST: ColumnType.TEXTS,
}
_MODEL_HELP = (
    "What turns texts into vectors: the packaged model, a name on the Hugging Face hub, a folder, "
    "openai:MODEL or hf:OWNER/MODEL. Own vectors: the file brings them."
)


def choose_target(
    source: Source, existing: Sequence[Collection], languages: Sequence[str]
) -> Target | None:
    """Draw where the rows go. Returns None while there is no name; raises InvalidInput, Conflict."""
    writable = [item for item in existing if item.writable]
    kinds = ["New collection", "Existing one"] if writable else ["New collection"]
    kind = st.segmented_control(
        "Into",
        kinds,
        key="load_into",
        required=True,
        default=None if st.session_state.get("load_into") in kinds else kinds[0],
        label_visibility="collapsed",
    )
    if kind == "Existing one":
        return _existing(writable)
    return _new(source, existing, languages)


def _existing(writable: Sequence[Collection]) -> Collection:
    by_name = {item.name: item for item in writable}
    name = st.selectbox("Collection", list(by_name), key="load_existing")
    found = by_name[name]
    model = found.model or "own vectors"
    st.markdown(
        f":gray[{model} · {found.dimension or 'any number of'} dimensions. A row whose id is there "
        "already is replaced.]"
    )
    return found


def _new(
    source: Source, existing: Sequence[Collection], languages: Sequence[str]
) -> NewCollection | None:
    dimension = _vector_dimension(source.columns)
    own = f"own vectors · {dimension:,} numbers" if dimension else None
    models = [own, DEFAULT_MODEL] if own else [DEFAULT_MODEL]
    left, right = st.columns(2)
    name = left.text_input(
        "Name", value=_name_for(source.name), key=f"load_name_{source.name}", max_chars=63
    )
    model = right.selectbox(
        "Model",
        models,
        key=f"load_model_{own}",
        accept_new_options=True,
        help=_MODEL_HELP,
    )
    with st.expander("Metric, type and language", key="load_more"):
        places = st.columns(3)
        metric = places[0].selectbox(
            "Metric",
            list(Metric),
            format_func=lambda item: item.label,
            key="load_metric",
            help="How the distance of two vectors is measured. Default: cosine.",
        )
        kind = places[1].selectbox(
            "Vector type",
            [VectorType.VECTOR, VectorType.HALFVEC],
            key="load_vector_type",
            help="vector: 4 bytes a number. halfvec: 2 bytes, half the size, three digits.",
        )
        language = places[2].selectbox(
            "Language of the texts",
            languages,
            index=list(languages).index(DEFAULT_TEXT_CONFIG)
            if DEFAULT_TEXT_CONFIG in languages
            else 0,
            key="load_language",
            help="How words are cut to their stems for keyword search.",
        )
    if not name or not name.strip():
        return None
    if any(item.table == name and item.schema == "pgvista" for item in existing):
        raise Conflict(
            f"There is a collection {name} already.",
            "Choose another name, or load into the one there is.",
        )
    uses_model = model is not None and model != own
    named = canonical_name(model) if uses_model and model is not None else None
    length = (known_dimension(named) or UNKNOWN_DIMENSION) if named else dimension
    return NewCollection(
        name,
        model=named,
        dimension=length,
        metric=metric or Metric.COSINE,
        vector_type=kind,
        text_config=language or DEFAULT_TEXT_CONFIG,
    )


def choose_columns(source: Source, target: Target) -> tuple[ColumnMapping, Target]:
    """Draw which column becomes what; return it, with the columns a new collection gets."""
    known = target if isinstance(target, Collection) else None
    guess = guess_mapping(source.columns, source.preview(200), known)
    if known is None and target.model is not None:
        guess = replace(guess, embedding=None)  # vectors of unknown origin are not the model's
    names = [column.name for column in source.columns]
    scope = (
        f"{source.name}_{source.format}_{source.size_bytes}_{target.model}_{known and known.name}"
    )
    first, second, third = st.columns(3)
    identifier = _one(first, "Id", names, guess.id, f"load_id_{scope}", MADE_ID)
    content = _one(second, "Text", names, guess.content, f"load_content_{scope}", NO_COLUMN)
    vectors = [column.name for column in source.columns if column.dimension] or names
    wanted = target.model is None or any(column.dimension for column in source.columns)
    embedding = None
    if wanted:
        embedding = _one(
            third, "Vector", vectors, guess.embedding, f"load_vector_{scope}", NO_COLUMN
        )
    taken = {identifier, content, embedding}
    free = [name for name in names if name not in taken]
    structured, columns = _structured(source, known, free, guess, scope)
    metadata = _metadata(source.columns, free, structured, guess, scope)
    whole = guess.metadata_object if guess.metadata_object in metadata else None
    mapping = ColumnMapping(
        id=identifier,
        content=content,
        embedding=embedding,
        metadata=tuple(name for name in metadata if name != whole),
        metadata_object=whole,
        structured=structured,
    )
    if isinstance(target, NewCollection):
        target = replace(target, columns=columns, indexed_columns=frozenset(structured.values()))
    return mapping, target


def _one(
    place: st.delta_generator.DeltaGenerator,
    label: str,
    names: list[str],
    guess: str | None,
    key: str,
    none: str,
) -> str | None:
    offered: list[str | None] = [None, *names]
    return place.selectbox(
        label,
        offered,
        index=offered.index(guess) if guess in offered else 0,
        format_func=lambda name: none if name is None else name,
        key=key,
    )


def _structured(
    source: Source,
    known: Collection | None,
    free: list[str],
    guess: ColumnMapping,
    scope: str,
) -> tuple[dict[str, str], tuple[Column, ...]]:
    """Return file column -> collection column, and the columns of a new collection."""
    if known is not None:
        return {name: to for name, to in guess.structured.items() if name in free}, ()
    kinds = {column.name: column.kind for column in source.columns}
    types = {name: _TYPES.get(kinds[name], ColumnType.TEXT) for name in free}
    chosen = st.multiselect(
        "Columns of their own",
        [name for name in free if kinds[name] not in (ColumnKind.VECTOR, ColumnKind.OBJECT)],
        format_func=lambda name: f"{name} · {types[name].value}",
        key=f"load_columns_{scope}",
        placeholder="none: all of it is metadata",
        help="Typed and indexed: quicker to filter and sort by than metadata. They can be empty.",
    )
    structured = {name: name for name in chosen}
    return structured, tuple(Column(name, types[name].value) for name in chosen)


def _metadata(
    columns: Sequence[SourceColumn],
    free: list[str],
    structured: dict[str, str],
    guess: ColumnMapping,
    scope: str,
) -> list[str]:
    """Return the columns that become keys of the metadata, ticked as guessed."""
    del columns
    offered = [name for name in free if name not in structured]
    if not offered:
        return []
    proposed = {*guess.metadata, guess.metadata_object}
    return st.multiselect(
        "Metadata",
        offered,
        default=[name for name in offered if name in proposed],
        key=f"load_metadata_{scope}_{sorted(structured)}",
        placeholder="none is kept",
        help="Kept with each row as JSON, to filter by. What is in no list is left out.",
    )


def choose_chunking(target: Target) -> Chunking:
    """Draw how long texts are cut."""
    if target.model is None:
        return "none"
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    way = left.segmented_control(
        "Long texts",
        ["auto", "none", "tokens"],
        format_func=lambda item: {
            "auto": "automatic",
            "none": "whole",
            "tokens": "by tokens",
        }[item],
        key="load_chunking",
        required=True,
        default=None if "load_chunking" in st.session_state else "auto",
        help="A model reads so many tokens and no more. Automatic: cut where it stops reading. By "
        "tokens: cut at that many. A cut text becomes chunks, id#1, id#2 and so "
        "on, that overlap by 15 % and know the text they come from.",
    )
    if way == "tokens":
        return int(
            right.number_input(
                "Tokens", min_value=8, max_value=100_000, value=200, step=10, key="load_tokens"
            )
        )
    return "none" if way == "none" else "auto"


def _vector_dimension(columns: Sequence[SourceColumn]) -> int | None:
    """Return the length of the vectors that the file brings; None when it brings none."""
    guess = guess_mapping(columns, [])
    return next((item.dimension for item in columns if item.name == guess.embedding), None)


def _name_for(file: str) -> str:
    """Return a table name made from a file's name."""
    stem = re.sub(r"\W+", "_", Path(file).stem.lower()).strip("_")
    return stem.encode()[:63].decode(errors="ignore") or "pasted"
