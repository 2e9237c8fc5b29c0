"""Figures that others published, as points of reference beside one's own measurements."""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "Supabase, guide to AI & Vectors, “Choosing your Compute Add-on”"
SOURCE_URL = "https://supabase.com/docs/guides/ai/choosing-compute-addon"
CONDITIONS = (
    "HNSW for the inner product through vecs, accuracy 0.99. Data: DBpedia entities by gte-small "
    "(384), GIST (960), DBpedia entities and Wikipedia by OpenAI (1536)."
)


@dataclass(frozen=True, slots=True)
class PublishedMachine:
    """One line of the table: a machine, the collection it was tried with, and what it gave."""

    dimension: int
    size: str
    """The name of the compute size."""
    rows: int
    m: int
    ef_construction: int
    ef_search: int
    qps: int
    """Queries a second."""
    mean_ms: int
    p95_ms: int
    ram_used_gb: float
    ram_gb: int
    swapped: bool
    """Whether the source marks the memory used as swapping."""


_Line = tuple[str, int, int, int, int, int, int, int, float, int, bool]
_BY_DIMENSION: dict[int, tuple[_Line, ...]] = {
    384: (
        ("Micro", 100_000, 16, 64, 60, 580, 17, 24, 1.2, 1, True),
        ("Small", 250_000, 24, 64, 60, 440, 22, 33, 2, 2, False),
        ("Medium", 500_000, 24, 64, 80, 350, 28, 45, 4, 4, False),
        ("Large", 1_000_000, 32, 80, 100, 270, 73, 108, 7, 8, False),
        ("XL", 1_000_000, 32, 80, 100, 525, 38, 59, 9, 16, False),
        ("2XL", 1_000_000, 32, 80, 100, 790, 25, 37, 9, 32, False),
        ("4XL", 1_000_000, 32, 80, 100, 1650, 15, 18, 11, 64, False),
        ("8XL", 1_000_000, 32, 80, 100, 2690, 15, 16, 13, 128, False),
        ("12XL", 1_000_000, 32, 80, 100, 3900, 14, 16, 13, 192, False),
        ("16XL", 1_000_000, 32, 80, 100, 4200, 14, 16, 20, 256, False),
    ),
    960: (
        ("Micro", 30_000, 16, 64, 65, 430, 24, 34, 1.2, 1, True),
        ("Small", 100_000, 32, 80, 60, 260, 40, 54, 2.2, 2, True),
        ("Medium", 250_000, 32, 80, 90, 120, 83, 106, 4, 4, False),
        ("Large", 500_000, 32, 80, 120, 160, 63, 87, 7, 8, False),
        ("XL", 1_000_000, 32, 80, 200, 200, 49, 72, 13, 16, False),
        ("2XL", 1_000_000, 32, 80, 200, 340, 25, 29, 17, 32, False),
        ("4XL", 1_000_000, 32, 80, 200, 630, 31, 50, 18, 64, False),
        ("8XL", 1_000_000, 32, 80, 200, 1100, 34, 48, 19, 128, False),
        ("12XL", 1_000_000, 32, 80, 200, 1420, 41, 95, 21, 192, False),
        ("16XL", 1_000_000, 32, 80, 200, 1650, 37, 81, 23, 256, False),
    ),
    1536: (
        ("Micro", 15_000, 16, 40, 40, 480, 11, 16, 1.2, 1, True),
        ("Small", 50_000, 32, 64, 100, 175, 31, 51, 2.2, 2, True),
        ("Medium", 100_000, 32, 64, 100, 240, 83, 126, 4, 4, False),
        ("Large", 224_482, 32, 64, 100, 280, 17, 28, 8, 8, False),
        ("XL", 500_000, 24, 56, 100, 360, 55, 135, 13, 16, False),
        ("2XL", 1_000_000, 24, 56, 250, 560, 36, 58, 32, 32, False),
        ("4XL", 1_000_000, 24, 56, 250, 950, 21, 33, 39, 64, False),
        ("8XL", 1_000_000, 24, 56, 250, 1650, 16, 23, 40, 128, False),
        ("12XL", 1_000_000, 24, 56, 250, 1900, 15, 21, 38, 192, False),
        ("16XL", 1_000_000, 24, 56, 250, 2200, 15, 20, 40, 256, False),
    ),
}  # fmt: skip

MACHINES: tuple[PublishedMachine, ...] = tuple(
    PublishedMachine(dimension, *line)
    for dimension, lines in _BY_DIMENSION.items()
    for line in lines
)
DIMENSIONS = tuple(_BY_DIMENSION)


def machines_for(dimension: int) -> tuple[int, tuple[PublishedMachine, ...]]:
    """Return the published dimension to go by, and its machines, the smallest first.

    It is the smallest one that is no smaller than `dimension`, else the largest.
    """
    by = next((known for known in DIMENSIONS if known >= dimension), DIMENSIONS[-1])
    return by, tuple(item for item in MACHINES if item.dimension == by)


def smallest_machine(dimension: int, rows: int) -> PublishedMachine | None:
    """Return the smallest machine that was published with so many rows or more; None: there is none.

    One that swapped does not count as enough.
    """
    return next(
        (item for item in machines_for(dimension)[1] if item.rows >= rows and not item.swapped),
        None,
    )
