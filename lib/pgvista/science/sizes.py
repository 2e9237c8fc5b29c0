"""Bytes of rows and tables with vectors, by Postgres's layout on pages of 8 kB.

Sources: htup_details.h (tuple header, 23 bytes), bufpage.h (page header 24, pointer 4),
heaptoast.h (TOAST_TUPLE_THRESHOLD 2,032, TOAST_MAX_CHUNK_SIZE 1,996), nbtree.h (fill of 90 %).
vector and halfvec have storage EXTERNAL: they are moved out, and never compressed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PAGE_BYTES = 8192
USABLE_BYTES = PAGE_BYTES - 24
POINTER_BYTES = 4
HEADER_BYTES = 24
"""Header of a tuple, aligned; room for NULLs of up to 8 columns."""
TOAST_THRESHOLD_BYTES = 2032
"""A longer row has its longest values moved out of the table."""
TOAST_POINTER_BYTES = 18
TOAST_CHUNK_BYTES = 1996
_TOAST_KEYS_BYTES = 12
"""chunk_id, chunk_seq, and the length of the chunk."""
_TOAST_INDEX_BYTES = PAGE_BYTES / ((USABLE_BYTES - 16) * 0.9 // (16 + POINTER_BYTES))
"""Of the index of a TOAST table, for each chunk."""
_PACKED = 64
"""Values that are laid out to learn how full pages get."""


@dataclass(frozen=True, slots=True)
class RowSize:
    """Where the bytes of a row are, headers and pointers included."""

    table_bytes: int
    """In the table itself."""
    toast_bytes: float
    """In its TOAST table and that one's index; 0: the vector stays in the row."""

    @property
    def total_bytes(self) -> float:
        """All of it."""
        return self.table_bytes + self.toast_bytes


def row_size(vector_bytes: int, other_bytes: int) -> RowSize:
    """Return the size of a row.

    Args:
        vector_bytes: Of the stored vector with its header, 0 and up; vector: 8 + 4 d.
        other_bytes: Of the other columns, 0 and up, compressed where Postgres does so.
    """
    kept = [vector_bytes, other_bytes]
    moved = 0.0
    while HEADER_BYTES + sum(kept) > TOAST_THRESHOLD_BYTES and max(kept) > TOAST_POINTER_BYTES:
        longest = kept.index(max(kept))
        moved += _toast_bytes(kept[longest])
        kept[longest] = TOAST_POINTER_BYTES
    return RowSize(_aligned(HEADER_BYTES + sum(kept)) + POINTER_BYTES, moved)


def table_size(rows: int, vector_bytes: int, other_bytes: int) -> int:
    """Return the bytes of a table with its TOAST, without indexes, as ``pg_table_size`` counts.

    Rows never span pages, so the rest of each page is empty. The maps of free space and visibility
    are not counted: 40 kB.
    """
    if rows <= 0:
        return 0
    size = row_size(vector_bytes, other_bytes)
    a_page = max(1, USABLE_BYTES // size.table_bytes)
    return PAGE_BYTES * math.ceil(rows / a_page) + math.ceil(rows * size.toast_bytes)


def _toast_bytes(value_bytes: int) -> float:
    """Return what a value takes in a TOAST table and its index, when many of its size are written.

    Chunks go to the last page until one does not fit; what is left of that page stays empty.
    """
    whole, rest = divmod(value_bytes - 4, TOAST_CHUNK_BYTES)  # its length is in the pointer
    chunks = [TOAST_CHUNK_BYTES] * whole + ([rest] if rest else [])
    pages, free = 1, USABLE_BYTES
    for _ in range(_PACKED):
        for chunk in chunks:
            taken = _aligned(HEADER_BYTES + _TOAST_KEYS_BYTES + chunk) + POINTER_BYTES
            if free < taken:
                pages, free = pages + 1, USABLE_BYTES
            free -= taken
    return (pages - free / USABLE_BYTES) * PAGE_BYTES / _PACKED + len(chunks) * _TOAST_INDEX_BYTES


def _aligned(size: float) -> int:
    return math.ceil(size / 8) * 8
