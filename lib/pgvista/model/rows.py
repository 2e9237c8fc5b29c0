"""Rows on their way into a collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file as read: its values by column name, and the line it began on."""

    values: Mapping[str, Any]
    line: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row to be written. `embedding`, when given, has shape (dimension,)."""

    id: str
    content: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    embedding: NDArray[np.float32] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    """Line of the file, from 1; or position in the list, from 1."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was set aside: where it stood, why, and what it held (cut short)."""

    line: int
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column of a file becomes what.

    Columns in `structured` go to the collection's columns of the given names; columns in
    `metadata` become keys of the metadata; what is in neither is left out. A column that holds
    a JSON object can be `metadata_object`: its keys become the metadata.
    """

    id: str | None = None
    content: str | None = None
    embedding: str | None = None
    metadata: tuple[str, ...] = ()
    metadata_object: str | None = None
    structured: Mapping[str, str] = field(default_factory=dict)
    """File column -> collection column."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What a load did."""

    read: int
    """Rows read from the source."""
    written: int
    """Rows written to the table (chunks counted one by one)."""
    embedded: int
    """Texts sent to the model."""
    unchanged: int
    """Rows whose text and model were the same as before, and so were not embedded again."""
    rejected: int
    bad_rows: tuple[BadRow, ...]
    """The rejected rows, the first 10,000 of them."""
    seconds: float
