"""Texts in, vectors out: models on this machine and services over HTTP.

Importing this package loads no model and no machine-learning library.
"""

from pgvista.embed.base import Embedder, Vectors
from pgvista.embed.registry import (
    DEFAULT_MODEL,
    ModelEmbedder,
    canonical_name,
    get_embedder,
    is_loaded,
    known_dimension,
    loading_state,
    warm,
)

__all__ = [
    "DEFAULT_MODEL",
    "Embedder",
    "ModelEmbedder",
    "Vectors",
    "canonical_name",
    "get_embedder",
    "is_loaded",
    "known_dimension",
    "loading_state",
    "warm",
]
