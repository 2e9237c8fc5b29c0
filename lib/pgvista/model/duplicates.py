"""Near-duplicates of a collection: what a comparison found, its groups, and which rows to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric


class Method(StrEnum):
    """How rows were compared."""

    EXACT = "exact"
    """Every row with every other one."""
    INDEX = "index"
    """Every row with the nearest ones that the vector index finds; some may be missed."""


class Keep(StrEnum):
    """Which row of a group is kept."""

    FIRST = "first"
    """The first by id, in the order of the column's type."""
    LONGEST = "longest"
    """The one with the longest text; among equals the first by id."""
    NEWEST = "newest"
    """The one with the highest value of a column or metadata key; among equals the first by id."""


@dataclass(frozen=True, slots=True, eq=False)
class DuplicateScan:
    """What a comparison of all rows found; groups at any threshold up to `ceiling` come from it."""

    ids: tuple[str, ...]
    nearest: NDArray[np.float64]
    """Each row's distance to its nearest other row, shape (n,); NaN where there is none."""
    left: NDArray[np.int64]
    """Links of the minimum spanning forest, as places in `ids`, shape (m,), the shortest first."""
    right: NDArray[np.int64]
    distance: NDArray[np.float64]
    same_text: NDArray[np.int64]
    """For each row the place of the first row with exactly its text, shape (n,)."""
    metric: Metric
    """Of the distances; never the inner product."""
    ceiling: float
    default_threshold: float
    method: Method
    notes: tuple[str, ...] = ()

    @property
    def compared(self) -> int:
        """Rows that have a nearest one."""
        return int(np.count_nonzero(~np.isnan(self.nearest)))


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Rows that a chain of links joins, none of them longer than the threshold."""

    ids: tuple[str, ...]
    longest_link: float
    """The longest link of the shortest chains; 0 for equal texts or vectors."""
    same_text: int
    """Rows whose very text another row of the group has."""

    @property
    def is_same_text(self) -> bool:
        """Whether all rows have one and the same text."""
        return self.same_text == len(self.ids)


@dataclass(frozen=True, slots=True)
class KeepPlan:
    """One row of each group to keep and the others to delete, as they were seen."""

    keep: tuple[str, ...]
    """The row kept of each group, in the groups' order."""
    delete: tuple[str, ...]
    instead: tuple[str, ...]
    """For each of `delete`, the row of its group that is kept."""
    seen: Mapping[str, str] = field(repr=False)
    """id -> digest of the row: a row that was changed since is not deleted."""
    sql: str = field(repr=False)
    """The transaction as run, for psql."""
