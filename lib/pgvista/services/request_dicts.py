"""Search requests from the words of the Python face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.filters import parse_filter
from pgvista.model.metric import Metric
from pgvista.model.search import (
    Fusion,
    IterativeScan,
    KeywordMatch,
    KeywordRank,
    Mode,
    SearchRequest,
)
from pgvista.services.search_defaults import default_request

Choice = TypeVar("Choice", bound=StrEnum)

_FIELD_OF = {"match": "keyword_match", "rank": "keyword_rank"}
_CHOICES: Mapping[str, type[StrEnum]] = {
    "mode": Mode,
    "metric": Metric,
    "iterative_scan": IterativeScan,
    "match": KeywordMatch,
    "rank": KeywordRank,
    "fusion": Fusion,
}


def request_from_dict(knobs: Mapping[str, Any]) -> SearchRequest:
    """Return the request that knobs ask for, by the names that `Collection.search` has for them.

    `text` and `vector` are what is asked. Raises InvalidInput for a knob that is not there, a
    choice that is not offered, or a value out of range.
    """
    fields: dict[str, Any] = {}
    for name, value in knobs.items():
        field = _FIELD_OF.get(name, name)
        if name in _FIELD_OF.values() or field not in SearchRequest.__slots__:
            known = {*SearchRequest.__slots__, *_FIELD_OF} - set(_FIELD_OF.values())
            raise InvalidInput(
                f"A search has no knob {name!r}.", f"There are: {', '.join(sorted(known))}."
            )
        if name == "filters":
            fields[field] = parse_filter(value)
        elif name in _CHOICES and not (value is None and name == "metric"):
            fields[field] = choice(_CHOICES[name], name, value)
        else:
            fields[field] = value
    return SearchRequest(**fields)


def request_for(collection: Collection, knobs: Mapping[str, Any]) -> SearchRequest:
    """Return the request that knobs ask of a collection, as `request_from_dict` does.

    A knob that is left out or None is the collection's default, where somebody chose one, else
    pgvista's own: by meaning alone for a vector, hybrid for words.
    """
    given = {name: value for name, value in knobs.items() if value is not None}
    words = "text" in given
    defaults = default_request(collection)
    mode = given.get("mode") or (defaults.get("mode", Mode.HYBRID) if words else Mode.SEMANTIC)
    request = request_from_dict(given | {"mode": mode})
    left = defaults.keys() - {_FIELD_OF.get(name, name) for name in given} - {"mode"}
    return replace(request, **{name: defaults[name] for name in left})


def choice(kind: type[Choice], name: str, value: str) -> Choice:
    """Return the member of an enumeration. Raises InvalidInput that names what is offered."""
    try:
        return kind(value)
    except ValueError:
        offered = ", ".join(item.value for item in kind)
        raise InvalidInput(f"{name} is {value!r}, but it takes: {offered}.") from None
