"""Why a vector index was not used, or why rows are missing, and what mends it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Cause(StrEnum):
    """What a finding is about. The first group keeps the index from being used."""

    NO_DISTANCE = "no distance"
    """The statement is not ordered by a distance."""
    COMPUTED_ORDER = "computed order"
    """Ordered by something made from the distance, such as ``1 - distance``, or by a function."""
    DESCENDING = "descending order"
    JOINED_VECTOR = "joined vector"
    """The query vector is a column of another relation in a join."""
    NO_LIMIT = "no LIMIT"
    NO_INDEX = "no index"
    DROPPED = "index dropped"
    INVALID = "index invalid"
    OTHER_OPERATOR = "other operator"
    """The index's operator class serves another operator."""
    OTHER_EXPRESSION = "other expression"
    """The index is on another expression, such as a cast to halfvec, or the other way round."""
    PARTIAL_INDEX = "partial index"
    """The index holds rows of a condition that the statement does not have."""
    SWITCHED_OFF = "switched off"
    """A setting such as enable_indexscan keeps the planner from it."""
    PLANNER = "planner's choice"
    """The index would serve, and another plan was estimated to be cheaper."""

    EF_SEARCH = "LIMIT above ef_search"
    FILTER = "filter"
    """Rows that the index found were thrown away afterwards."""
    PROBES = "probes"
    """The visited lists of an IVFFlat index hold too few rows."""
    TRAINING = "IVFFlat training"
    """The lists were made from too few rows, so that rows are spread badly over them."""
    NULL_VECTORS = "NULL vectors"
    ZERO_VECTORS = "zero vectors"
    """Under cosine they have no direction, and are not in an index."""
    APPROXIMATE = "approximate search"
    """The index returned as many rows as were asked for, and not the nearest ones."""

    @property
    def label(self) -> str:
        """The cause with a capital, as a heading."""
        return self.value[0].upper() + self.value[1:]


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason, in a sentence, and its remedy."""

    cause: Cause
    sentence: str
    remedy: str = ""
    """SQL that mends it; empty where none is needed or known."""


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """A vector index as the planner sees it."""

    schema: str
    name: str
    method: str
    """hnsw or ivfflat."""
    definition: str
    valid: bool
    opclass: str
    operators: tuple[str, ...]
    """The operators it serves: ``("<=>",)``."""
    column: str | None
    """None where an expression is indexed."""
    expression: str | None = None
    predicate: str | None = None
    options: dict[str, str] = field(default_factory=dict)

    @property
    def lists(self) -> int:
        """IVFFlat's lists; pgvector's default is 100."""
        return int(self.options.get("lists", 100))

    @property
    def indexed(self) -> str:
        """What is indexed, as SQL."""
        return self.expression or self.column or ""


@dataclass(frozen=True, slots=True)
class Ordering:
    """What a statement's nearest rows are ordered by, as its plan tells."""

    schema: str
    relation: str
    alias: str
    column: str | None
    """The vector column; None where the expression names none."""
    operand: str
    """What stands beside the operator: the column, or an expression such as a cast of it."""
    operator: str
    """``<=>`` and so on; of a function such as cosine_distance, the operator of the same distance."""
    value: str
    """The query vector as SQL."""
    descending: bool = False
    computed: str | None = None
    """The whole expression, where it is more than the bare operator."""
    limited: bool = True
    limit: int | None = None
    """Rows that the LIMIT lets through, as estimated; None without one."""
    index: str | None = None
    """The vector index that serves it; None where the rows are sorted."""
    conditions: tuple[str, ...] = ()
    """Filters of the scan that reads the rows."""
    full: tuple[str, str] | None = None
    """Operator and query of another distance on the same column, by which a node above ranks anew."""
    other: Ordering | None = None
    """The scan that the query vector comes from, where it is a column of another relation."""
    cost: float = 0.0
    """The planner's estimate up to the LIMIT."""
    scan: str = ""
    """How the rows are read: ``Seq Scan``, ``Index Scan using t_year_idx``."""
    scan_rows: float = 0.0
    """Rows that pass the conditions, as estimated."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What running a search told, where it was run."""

    asked: int
    got: int
    missed: int | None = None
    """Of the nearest rows, so many were not found; None when the truth is not known."""
    left_out: int = 0
    """Rows that the index finds and the statement leaves out: the one that the query is."""
    enough: tuple[str, int] | None = None
    """A setting and its value with which all of them were found, when that was tried."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a statement and its table before a cause is looked for."""

    ordering: Ordering
    indexes: tuple[VectorIndex, ...] = ()
    """Those on the column that is ordered by."""
    rows: int = 0
    """Rows of the table, as estimated."""
    kind: str = "vector"
    """The column's type, as ``vector(384)``."""
    extension_schema: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    """The planner's settings that are not the default, and pgvector's that hold."""
    forced: Ordering | None = None
    """The order when scans and sorts are switched off, so that the index serves it if it can."""
    dropped: tuple[VectorIndex, ...] = ()
    """Indexes that were there a moment ago."""
    measured: Measured | None = None
    unindexed: tuple[int, int] | None = None
    """(rows without a vector, rows with a zero vector); None when not counted."""
    list_rows: float | None = None
    """IVFFlat: rows in the list of a row drawn at random, on average; None when not measured."""

    def setting(self, name: str, default: str) -> str:
        """Return a setting in effect."""
        return self.settings.get(name) or default

    @property
    def used(self) -> VectorIndex | None:
        """The vector index that serves the order."""
        return next((item for item in self.indexes if item.name == self.ordering.index), None)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found out about one statement. Findings stand in the order of their weight."""

    findings: tuple[Finding, ...]
    index_used: str | None
    ordering: Ordering | None
    indexes: tuple[VectorIndex, ...] = ()
    explained: Mapping[str, Any] = field(default_factory=dict)
    """EXPLAIN's answer for the statement."""

    @property
    def plan(self) -> str:
        """EXPLAIN's answer as JSON to read."""
        return json.dumps([self.explained], indent=2, ensure_ascii=False)

    @property
    def summary(self) -> str:
        """One sentence about the index."""
        if self.index_used is not None:
            return f"The vector index {self.index_used} is used."
        if self.ordering is None:
            return "No vector index is used."
        return "No vector index is used: rows are compared one by one and sorted."

    def finding(self, cause: Cause) -> Finding | None:
        """Return the finding of that cause, or None."""
        return next((item for item in self.findings if item.cause is cause), None)
