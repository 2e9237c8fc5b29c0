"""What searches of a collection begin with, where somebody chose it, e.g. by a grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.search import (
    Fusion,
    IterativeScan,
    KeywordMatch,
    KeywordRank,
    Mode,
    SearchRequest,
)
from pgvista.services import catalog

_ENUMS: Mapping[str, type[StrEnum]] = {
    "mode": Mode,
    "fusion": Fusion,
    "keyword_rank": KeywordRank,
    "keyword_match": KeywordMatch,
    "iterative_scan": IterativeScan,
}
_MAY_BE_NONE = ("depth", "text_config", "ef_search", "probes")
DEFAULT_FIELDS = (
    *_ENUMS,
    *("rrf_k", "semantic_weight", "keyword_weight", "depth", "bm25_k1", "bm25_b"),
    *("rank_normalization", "text_config", "ef_search", "probes"),
)
"""Fields of a SearchRequest that can be a collection's default."""


def default_request(collection: Collection) -> dict[str, Any]:
    """Return the collection's search defaults as fields of a SearchRequest; empty without any.

    What no search would take, since somebody wrote it into the catalog by hand, is left out.
    """
    fields: dict[str, Any] = {}
    for name, value in collection.search_defaults:
        try:
            fields |= _checked({name: value})
        except InvalidInput:
            continue
    return fields


def set_search_defaults(
    db: Database, collection: Collection, fields: Mapping[str, Any]
) -> Collection:
    """Remember fields of a SearchRequest as the collection's defaults, instead of those before.

    An empty mapping goes back to pgvista's own. Returns the collection with them. Raises
    InvalidInput for a field that can be no default, or a value that no search takes. Where the
    role may not write the catalog, they live with the connection.
    """
    checked = _checked(fields)
    pairs = tuple(
        (name, value.value if isinstance(value, StrEnum) else value)
        for name, value in sorted(checked.items())
    )
    changed = replace(collection, search_defaults=pairs)
    catalog.remember_search_defaults(db, changed)
    return changed


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with enums in place of their names."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in DEFAULT_FIELDS:
            raise InvalidInput(
                f"{name!r} cannot be a default of a collection.",
                f"Choose among: {', '.join(DEFAULT_FIELDS)}.",
            )
        if (value is None and name not in _MAY_BE_NONE) or (
            name == "text_config" and not isinstance(value, str | None)
        ):
            raise InvalidInput(f"{name} cannot be {value!r}.")
        kind: Callable[[Any], Any] | None = _ENUMS.get(name)
        try:
            found[name] = value if kind is None else kind(value)
        except ValueError:
            raise InvalidInput(f"{name} cannot be {value!r}.") from None
    given: dict[str, Any] = {"text": "words"} | found
    SearchRequest(**given)
    return found
