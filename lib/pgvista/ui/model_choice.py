"""Choosing the model that makes a collection's vectors."""

from __future__ import annotations

import streamlit as st

from pgvista.embed import DEFAULT_MODEL, canonical_name, get_embedder, known_dimension
from pgvista.errors import InvalidInput
from pgvista.ui.state import settings

SUGGESTED = (
    DEFAULT_MODEL,
    "openai:text-embedding-3-small",
    "openai:text-embedding-3-large",
    "hf:BAAI/bge-small-en-v1.5",
)
_HELP = (
    "all-MiniLM-L6-v2 comes with pgvista and needs no net. Also: a folder, a model of the Hugging "
    "Face hub that runs here, openai:… for an OpenAI-compatible service, hf:… for Hugging Face "
    "Inference. Type a name that is not in the list."
)


def model_choice(label: str, *, key: str, current: str | None = DEFAULT_MODEL) -> str | None:
    """Draw the field, which takes any name; return the model's name, or None when left empty."""
    options = [*SUGGESTED, *([current] if current and current not in SUGGESTED else [])]
    chosen = st.selectbox(
        label, options, index=options.index(current) if current else None, key=key, help=_HELP,
        accept_new_options=True, placeholder="none, or unknown",
    )  # fmt: skip
    return chosen.strip() if chosen and chosen.strip() else None


def dimension_of(model: str, *, ask: bool) -> int | None:
    """Return the length of the model's vectors; None when only the model itself can tell.

    With `ask` it is loaded, or its service asked. Raises InvalidInput and ModelUnavailable.
    """
    known = known_dimension(canonical_name(model))
    return get_embedder(model, settings()).dimension if known is None and ask else known


def check_fits(model: str, dimension: int | None, name: str) -> None:
    """Refuse a model whose vectors are known to have another length than the collection's."""
    made = dimension_of(model, ask=False)
    if None not in (made, dimension) and made != dimension:
        raise InvalidInput(
            f"{model} makes vectors of {made} numbers, but {name} holds {dimension}.",
            "Name the model that made the vectors.",
        )
