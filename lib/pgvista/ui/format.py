"""Figures as people read them, each with its unit."""

from __future__ import annotations

from pgvista.model.collection import CollectionStats

_NARROW = "\N{NO-BREAK SPACE}"


def size(count: float) -> str:
    """Write bytes as ``512 B``, ``8.0 kB``, ``3.1 MB``; a kB is 1,024 bytes, as in Postgres."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1024:
            return f"{count:.{0 if unit == 'B' else 1}f}{_NARROW}{unit}"
        count /= 1024
    return f"{count:.1f}{_NARROW}TB"


def rows(stats: CollectionStats) -> str:
    """Write a number of rows; ``≈`` leads one that was estimated."""
    return f"{'' if stats.rows_exact else '≈ '}{stats.rows:,}"


def plural(count: int, one: str, many: str = "") -> str:
    """Write ``1 row``, ``2 rows``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
