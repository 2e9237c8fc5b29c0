"""A search that begins with rows: like these, unlike those."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pgvista.errors import InvalidInput
from pgvista.model.filters import Filter
from pgvista.model.metric import Metric
from pgvista.model.search import MAX_LIMIT, MAX_QUERY_BYTES

MAX_EXAMPLES = 1_000
DEFAULT_CANDIDATES = 100
DEFAULT_UNLIKE_WEIGHT = 0.5
MAX_UNLIKE_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class ExampleRequest:
    """Rows to be like and unlike, and how the hits are chosen. Limits are checked here."""

    like: Sequence[str] = ()
    """Ids of rows that hits shall be similar to."""
    unlike: Sequence[str] = ()
    """Ids of rows that hits shall not be similar to."""
    text: str | None = None
    """Words, which count as one row to be like."""
    unlike_weight: float = DEFAULT_UNLIKE_WEIGHT
    """How far the query moves away from the unlike, 0 (not at all) to 2; see `rocchio`."""
    variety: float = 0.0
    """1 - lambda of maximal marginal relevance: 0 (nearest first) to 1 (each unlike the others)."""
    limit: int = 10
    """Hits wanted, 1 to 10,000."""
    candidates: int | None = None
    """Nearest rows that variety and groups choose from, 1 to 10,000. None: 100, or 5 x the limit."""
    max_distance: float | None = None
    """Threshold: rows farther than this from the query are dropped. In the metric's own unit."""
    group_by: str | None = None
    """A column or metadata key (dotted): of each of its values the best row alone is a hit."""
    filters: Filter | None = None
    metric: Metric | None = None
    """None: the collection's."""
    exact: bool = False
    """True: compare with every row and use no vector index."""
    ef_search: int | None = None
    """HNSW's candidate list, 1 to 1,000. None: as many as the rows asked for, at least 40."""

    def __post_init__(self) -> None:
        """Refuse what is out of range, and a row that is both liked and unliked."""
        for name in ("like", "unlike"):
            given = getattr(self, name)
            if isinstance(given, str):
                raise InvalidInput(
                    f"{name} is a text, but it takes a list of ids.", f"Write [{given!r}]."
                )
            ids = tuple(dict.fromkeys(map(str, given)))
            if any("\0" in row_id for row_id in ids):
                raise InvalidInput("An id holds a NUL byte, which Postgres cannot store.")
            object.__setattr__(self, name, ids)
        if not self.like and not (self.text and self.text.strip()):
            raise InvalidInput(
                "There is nothing to be similar to.",
                "Choose at least one row to be like, or type words.",
            )
        if both := set(self.like) & set(self.unlike):
            raise InvalidInput(
                f"The row {min(both)!r} is both liked and unliked.",
                "Take it out of one of the two.",
            )
        if len(self.like) + len(self.unlike) > MAX_EXAMPLES:
            raise InvalidInput(
                f"{len(self.like) + len(self.unlike):,} rows are given as examples; "
                f"at most {MAX_EXAMPLES:,} are taken.",
                "A few tell as much as many.",
            )
        if self.text is not None and len(self.text.encode(errors="replace")) > MAX_QUERY_BYTES:
            raise InvalidInput(f"The words are longer than {MAX_QUERY_BYTES:,} bytes.")
        if self.group_by is not None and not self.group_by.strip():
            raise InvalidInput("The key to group by is empty.", "Name a column or a metadata key.")
        if self.group_by is not None and "\0" in self.group_by:
            raise InvalidInput("The key to group by holds a NUL byte.", "Remove it.")
        _within("unlike_weight", self.unlike_weight, 0, MAX_UNLIKE_WEIGHT)
        _within("variety", self.variety, 0, 1)
        _within("limit", self.limit, 1, MAX_LIMIT, whole=True)
        _within("candidates", self.candidates, 1, MAX_LIMIT, whole=True)
        _within("max_distance", self.max_distance, -math.inf, math.inf)
        _within("ef_search", self.ef_search, 1, 1000, whole=True)

    @property
    def chooses(self) -> bool:
        """Whether hits are chosen among more candidates than are shown."""
        return self.variety > 0 or self.group_by is not None

    @property
    def looked_at(self) -> int:
        """Nearest rows that hits are chosen from."""
        if not self.chooses:
            return self.limit
        wanted = self.candidates or max(DEFAULT_CANDIDATES, 5 * self.limit)
        return min(MAX_LIMIT, max(self.limit, wanted))


def _within(
    name: str, value: float | None, low: float, high: float, *, whole: bool = False
) -> None:
    if value is None:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if (
        not number
        or math.isnan(value)
        or not low <= value <= high
        or (whole and value != int(value))
    ):
        kind = "a whole number" if whole else "a number"
        bounds = f" from {low:g} to {high:,g}" if math.isfinite(low) else ""
        raise InvalidInput(f"{name} is {value!r}, but it takes {kind}{bounds}.")
