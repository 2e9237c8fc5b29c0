"""Tuning in one call: sweep, keep what was found, recommend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, PermissionDenied
from pgvista.model.collection import Collection
from pgvista.model.filters import parse_filter
from pgvista.model.progress import Reporter
from pgvista.model.search import IterativeScan
from pgvista.model.sweep import (
    DEFAULT_CONNECTIONS,
    Recommendation,
    SweepResult,
    SweepSpec,
)
from pgvista.model.tuning import Target
from pgvista.services.sweep import sweep
from pgvista.services.sweep_report import (
    point_rows,
    recommendations,
    report_dict,
    to_csv,
    to_markdown,
)
from pgvista.services.sweep_store import save_sweep

if TYPE_CHECKING:
    import pandas as pd

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Tuning:
    """A sweep, and what is recommended for a target."""

    result: SweepResult
    target: Target
    recommendations: tuple[Recommendation, ...]
    """The first is for all rows, the others for each filter measured."""
    notes: tuple[str, ...] = ()
    """Sentences beside those of the sweep, e.g. that it was not kept."""

    @property
    def sentence(self) -> str:
        """The recommendation for all rows in one sentence."""
        return self.recommendations[0].sentence if self.recommendations else "Nothing was measured."

    @property
    def sql(self) -> str:
        """What to set for it; empty when no index is needed."""
        return self.recommendations[0].sql if self.recommendations else ""

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as a dict that json.dumps takes."""
        return report_dict(self.result, self.target)

    def to_markdown(self) -> str:
        """Return the report for people."""
        return to_markdown(self.result, self.target)

    def to_csv(self) -> str:
        """Return a row a point, with a header."""
        return to_csv(self.result)

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame with a row a point."""
        import pandas as pd

        return pd.DataFrame(point_rows(self.result))


def tune(
    db: Database,
    collection: Collection,
    *,
    limit: int = 10,
    queries: int | ArrayLike = 200,
    recall: float = 0.95,
    p95_ms: float | None = 20.0,
    indexes: Iterable[str] | None = None,
    ef_search: Iterable[int] | None = None,
    probes: Iterable[int] | None = None,
    iterative_scans: Iterable[str] | None = None,
    max_scan_tuples: int | None = None,
    oversample: Iterable[float] | None = None,
    selectivities: Iterable[float] = (),
    filters: Iterable[Mapping[str, Any] | str] = (),
    connections: Iterable[int] = DEFAULT_CONNECTIONS,
    throughput_s: float = 0.5,
    rounds: int = 1,
    seed: int = 0,
    truth: str = "auto",
    save: bool = True,
    reporter: Reporter | None = None,
) -> Tuning:
    """Sweep over the settings of a collection's vector indexes and recommend one.

    `queries` is how many rows are drawn as queries, or an array of query vectors, shape
    (n_queries, dimension). `recall` and `p95_ms` are the target. `selectivities` are shares of
    rows, e.g. 0.1; `filters` are filters of one's own. With `save` the sweep is kept in the
    database where the role may; else a note says so. Raises what `sweep` raises.
    """
    count = isinstance(queries, int) and not isinstance(queries, bool)
    spec = SweepSpec(
        limit=limit,
        queries=int(queries) if count else 200,  # type: ignore[arg-type]
        vectors=None if count else _vectors(queries),
        rounds=rounds,
        seed=seed,
        indexes=_listed(indexes),
        ef_search=_listed(ef_search),
        probes=_listed(probes),
        iterative_scans=None
        if iterative_scans is None
        else tuple(_choice(IterativeScan, item) for item in iterative_scans),
        max_scan_tuples=max_scan_tuples,
        oversample=_listed(oversample),
        selectivities=tuple(selectivities),
        filters=tuple(tree for item in filters if (tree := parse_filter(item)) is not None),
        connections=tuple(connections),
        throughput_s=throughput_s,
        truth=truth,  # type: ignore[arg-type]
    )
    target = Target(recall, p95_ms)
    result = sweep(db, collection, spec, reporter=reporter)
    notes: tuple[str, ...] = ()
    if save:
        result, notes = keep(db, collection, result)
    return Tuning(result, target, recommendations(result, target), notes)


def keep(
    db: Database, collection: Collection, result: SweepResult
) -> tuple[SweepResult, tuple[str, ...]]:
    """Keep a sweep in the database where the role may; return it, and a note where it may not."""
    try:
        return save_sweep(db, collection, result), ()
    except PermissionDenied as error:
        return result, (f"The sweep was not kept in the database: {error.message}",)


def _vectors(given: Any) -> Any:
    try:
        found = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError):
        raise InvalidInput(
            "The queries are neither a number nor an array of vectors of one length.",
            "Give a whole number, or an array of shape (queries, dimension).",
        ) from None
    if found.ndim != 2:
        raise InvalidInput(
            f"The queries have {found.ndim} axes, but an array of vectors has two.",
            "Give a whole number, or an array of shape (queries, dimension).",
        )
    return found


def _listed(values: Iterable[Any] | None) -> tuple[Any, ...] | None:
    found: Sequence[Any] | None = None if values is None else tuple(values)
    return tuple(found) if found else None


def _choice(kind: type[Choice], value: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise InvalidInput(
            f"{value!r} is not one of {', '.join(kind)}.", "Choose one of them."
        ) from None
