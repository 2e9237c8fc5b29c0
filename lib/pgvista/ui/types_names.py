"""What types of vectors are called on the page Types and sizes."""

from __future__ import annotations

from pgvista.model.index import IndexTarget
from pgvista.model.metric import VectorType
from pgvista.model.quantisation import StoredType


def type_name(stored: StoredType, own: VectorType, dimension: int) -> str:
    """Return e.g. ``vector(384)``, ``halfvec(384)``, ``bit(384)``, ``first 192 dimensions``."""
    if stored.target is IndexTarget.COLUMN:
        return f"{own.value}({dimension})"
    if stored.target is IndexTarget.LEADING:
        return f"first {stored.leading:,} of {dimension:,}"
    return f"{stored.target.value}({dimension})"
