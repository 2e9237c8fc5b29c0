"""What is chosen about a map, before any row is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

from pgvista.errors import InvalidInput
from pgvista.model.filters import Filter, parse_filter, to_object

DEFAULT_SAMPLE = 20_000
MAX_SAMPLE = 1_000_000
DEFAULT_NEIGHBORS = 15
DEFAULT_MIN_DIST = 0.1


class MapMethod(StrEnum):
    """How vectors become points."""

    UMAP = "umap"
    """McInnes, Healy and Melville (2018): keeps neighbourhoods; sizes and gaps mean little."""
    TSNE = "tsne"
    """van der Maaten and Hinton (2008): keeps the very nearest; slower."""
    PCA = "pca"
    """The two directions of largest variance: at once, linear, and blind to the others."""

    @property
    def label(self) -> str:
        """The method's name for people."""
        return {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA"}[self.value]


@dataclass(frozen=True, slots=True)
class MapSpec:
    """Everything that is chosen about a map. Limits are checked here, in one place."""

    method: MapMethod = MapMethod.UMAP
    sample: int | None = DEFAULT_SAMPLE
    """At most so many rows, drawn at random by the seed, 1 to 1,000,000; None: all."""
    filters: Filter | None = None
    """Only rows that meet it."""
    n_neighbors: int = DEFAULT_NEIGHBORS
    """UMAP: neighbours that a point is held by, itself among them, 2 to 200. t-SNE: its perplexity."""
    min_dist: float = DEFAULT_MIN_DIST
    """UMAP: how near points may lie to each other, 0 to 0.99."""
    seed: int = 0
    """0 to 2,147,483,647: the same seed and rows make the same map."""
    name: str = ""
    """What people call the map; empty: its method and size do."""

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        _whole("The number of rows", self.sample, 1, MAX_SAMPLE)
        _whole("n_neighbors", self.n_neighbors, 2, 200)
        _whole("seed", self.seed, 0, 2_147_483_647)
        if not (isinstance(self.min_dist, int | float) and 0 <= self.min_dist <= 0.99):
            raise InvalidInput(f"min_dist is {self.min_dist!r}, but it takes 0 to 0.99.")
        if "\0" in self.name or len(self.name) > 200:
            raise InvalidInput(
                "The map's name is longer than 200 characters, or holds a NUL byte.",
                "Choose a shorter name.",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as JSON takes it."""
        told = asdict(replace(self, filters=None)) | {"method": self.method.value}
        return told | {"filters": None if self.filters is None else to_object(self.filters)}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        known = {key: told[key] for key in cls.__slots__ if key in told}
        return cls(
            **known
            | {"method": MapMethod(told["method"]), "filters": parse_filter(told.get("filters"))}
        )


def _whole(name: str, value: int | None, low: int, high: int) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInput(
            f"{name} is {value!r}, but it takes a whole number from {low:,} to {high:,}."
        )
