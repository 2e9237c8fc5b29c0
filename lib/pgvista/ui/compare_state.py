"""The compared settings: read from the session, put into a link, and chosen by a preset.

A setting is a `SearchRequest` that stands for its knobs alone; question, filter and number of hits
are shared by all. Every knob lives in ``st.session_state`` under a key such as ``compare_a_k``; a
permalink carries it under the same name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.filters import Filter, parse_filter
from pgvista.model.label_weights import parse_label_weights, written_label_weights
from pgvista.model.metric import Metric
from pgvista.model.search import Fusion, KeywordMatch, Mode, SearchRequest
from pgvista.services.search_defaults import default_request
from pgvista.ui import search_request
from pgvista.ui.search_knobs import Context
from pgvista.ui.search_names import RECIPE
from pgvista.ui.search_request import AUTO, Knob

LETTERS = ("a", "b", "c")
PREFIX = "compare_"
TEXT = f"{PREFIX}text"
FILTER = f"{PREFIX}filter"
COUNT = f"{PREFIX}columns"
SIMILAR = f"{PREFIX}similar"
"""Where the row is kept that others shall be similar to: (the collection's name, its id)."""
LIMIT = replace(search_request.LIMIT, key=f"{PREFIX}limit")

DEFAULT = SearchRequest(text="words")
"""pgvista's defaults; the text is a placeholder."""

FIELDS: Mapping[str, str] = {
    "mode": "mode",
    "match": "keyword_match",
    "rank": "keyword_rank",
    "norm": "rank_normalization",
    "labels": "label_weights",
    "k1": "bm25_k1",
    "b": "bm25_b",
    "fusion": "fusion",
    "k": "rrf_k",
    "ws": "semantic_weight",
    "wk": "keyword_weight",
    "depth": "depth",
    "exact": "exact",
    "ef": "ef_search",
    "probes": "probes",
    "scan": "iterative_scan",
    "metric": "metric",
    "language": "text_config",
    "threshold": "max_distance",
}
"""The knobs of a setting by the end of their keys, and the fields of the request they move."""

SLIDERS: Mapping[str, Knob] = {
    "k": search_request.RRF_K,
    "ws": search_request.SEMANTIC_WEIGHT,
    "wk": search_request.KEYWORD_WEIGHT,
    "depth": search_request.DEPTH,
    "ef": search_request.EF_SEARCH,
    "probes": search_request.PROBES,
    "k1": search_request.BM25_K1,
    "b": search_request.BM25_B,
}
_WHOLE = ("depth", "ef", "probes", "norm")


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings worth comparing, a click away."""

    label: str
    help: str
    settings: tuple[SearchRequest, ...]


_SEMANTIC = replace(DEFAULT, mode=Mode.SEMANTIC)
_KEYWORD = replace(DEFAULT, mode=Mode.KEYWORD)
_RRF = replace(DEFAULT, fusion=Fusion.RRF)

PRESETS: Mapping[str, Preset] = {
    "modes": Preset(
        "Three modes",
        "Semantic and keyword search, and between them what fusion makes of the two lists",
        (_SEMANTIC, DEFAULT, _KEYWORD),
    ),
    "index": Preset(
        "Index / exact",
        "What the vector index finds, and the true nearest rows",
        (_SEMANTIC, replace(_SEMANTIC, exact=True)),
    ),
    "recipe": Preset(
        "Recipe / pgvista",
        "The published recipe for hybrid search (every word, ts_rank_cd, RRF k 50, depth 20), and "
        "pgvista's defaults",
        (replace(DEFAULT, **RECIPE), DEFAULT),
    ),
    "k": Preset(
        "k 1 / 60",
        "RRF where the first places decide, and where both lists shall agree",
        (replace(_RRF, rrf_k=1), _RRF),
    ),
    "coverage": Preset(
        "RRF / by coverage",
        "A hit by words counts alike, and by how much of the query it covers",
        (_RRF, DEFAULT),
    ),
    "words": Preset(
        "Any / every word",
        "Keyword search that matches any of the words, and every one",
        (_KEYWORD, replace(_KEYWORD, keyword_match=KeywordMatch.WEBSEARCH)),
    ),
}


def key(letter: str, name: str) -> str:
    """Return where a setting's knob is kept, e.g. ``compare_a_k``."""
    return f"{PREFIX}{letter}_{name}"


def knob(letter: str, name: str) -> Knob:
    """Return a slider of one setting."""
    return replace(SLIDERS[name], key=key(letter, name))


def impossible(setting: SearchRequest, context: Context) -> str:
    """Say why a question cannot be asked with `setting`; an empty text when it can."""
    name = context.collection.name
    if setting.mode is not Mode.KEYWORD and context.collection.model is None:
        return (
            f"The vectors of {name} come from elsewhere, so a question cannot be turned into one. "
            "Choose keyword, or take a row's own vector."
        )
    if setting.mode is not Mode.SEMANTIC and not context.has_words:
        return f"{name} has no text to find words in. Choose semantic."
    return ""


def offered(context: Context) -> dict[str, Preset]:
    """Return the presets that the collection can answer; near a row, those by vectors alone."""
    by_row = similar_to(context.collection) is not None
    presets = dict(PRESETS)
    if (own := own_default(context.collection)) != DEFAULT:
        presets["own"] = Preset(
            "Own default / pgvista",
            f"What searches of {context.collection.name} begin with, and pgvista's defaults",
            (own, DEFAULT),
        )
    possible = {
        name: preset
        for name, preset in presets.items()
        if not any(
            setting.mode is not Mode.SEMANTIC if by_row else impossible(setting, context)
            for setting in preset.settings
        )
    }
    return possible or {"index": PRESETS["index"]}


def own_default(collection: Collection) -> SearchRequest:
    """Return the collection's own default as a setting; pgvista's where it has none."""
    found = default_request(collection)
    moved = {name: found[name] for name in FIELDS.values() if found.get(name) is not None}
    return replace(DEFAULT, **moved)


def letters() -> tuple[str, ...]:
    """Return the letters of the settings shown: two or three."""
    return LETTERS[: 3 if st.session_state.get(COUNT) == 3 else 2]


def settings() -> tuple[SearchRequest, ...]:
    """Return the settings shown."""
    return tuple(read(letter) for letter in letters())


def read(letter: str) -> SearchRequest:
    """Return a setting, whether or not its knobs are drawn."""
    values = {
        attribute: _typed(letter, name, st.session_state.get(key(letter, name)))
        for name, attribute in FIELDS.items()
    }
    return replace(DEFAULT, **values)


def write(letter: str, setting: SearchRequest) -> None:
    """Set the knobs of one setting; call it before they are drawn."""
    for name, attribute in FIELDS.items():
        found, place = getattr(setting, attribute), key(letter, name)
        if name == "labels":
            st.session_state[place] = written_label_weights(found)
        elif name == "metric":
            st.session_state[place] = AUTO if found is None else found.value
        elif found is None or (name in SLIDERS and found == getattr(DEFAULT, attribute)):
            st.session_state.pop(place, None)
        else:
            st.session_state[place] = found.value if isinstance(found, StrEnum) else found


def use(preset: Preset) -> None:
    """Set as many settings as the preset has."""
    st.session_state[COUNT] = len(preset.settings)
    for letter, setting in zip(LETTERS, preset.settings, strict=False):
        write(letter, setting)


def chosen_preset(context: Context) -> str | None:
    """Return the name of the preset that the settings are, or None."""
    now = settings()
    return next((name for name, item in offered(context).items() if item.settings == now), None)


def begin(context: Context) -> None:
    """Set the first preset that the collection can answer, on the first visit."""
    if st.session_state.get(COUNT) not in (2, 3):
        use(next(iter(offered(context).values())))


def _typed(letter: str, name: str, found: Any) -> Any:
    """Return a knob's value as its field takes it; the default for what was never set."""
    default = getattr(DEFAULT, FIELDS[name])
    if found is None or (name == "ef" and found == st.session_state.get(followed(letter))):
        return default
    if name in SLIDERS:
        slider = SLIDERS[name]
        number = min(max(float(found), slider.minimum), slider.maximum)
        if number == slider.default and name != "ef":
            return default
        return int(number) if name in _WHOLE else number
    if name == "labels":  # what cannot be read is said beside its knob
        with suppress(InvalidInput):
            return parse_label_weights(str(found))
        return None
    if name == "metric":
        return None if found == AUTO else Metric(found)
    if name == "language":
        return None if found == AUTO else str(found)
    return float(found) if name == "threshold" else type(default)(found)


def followed(letter: str) -> str:
    """Return where the ef_search is kept that the rows asked for give by themselves."""
    return f"_{PREFIX}{letter}_ef_followed"


def follow_depth(letter: str, rows_asked: int) -> Knob:
    """Let ef_search follow the rows asked for, until a person moves it; return the knob."""
    slider, state = knob(letter, "ef"), st.session_state
    automatic = min(slider.maximum, max(slider.default, rows_asked))
    if state.get(slider.key) in (None, state.get(followed(letter))):
        state[slider.key] = automatic
    state[followed(letter)] = automatic
    return replace(slider, default=automatic)


def limit() -> int:
    """Return the number of hits wanted of each setting."""
    found = st.session_state.get(LIMIT.key, LIMIT.default)
    return int(min(max(found, LIMIT.minimum), LIMIT.maximum))


def filters() -> Filter | None:
    """Return the shared filter as typed. Raises InvalidInput."""
    return parse_filter(st.session_state.get(FILTER) or "")


def similar_to(collection: Collection) -> str | None:
    """Return the id of the row of `collection` whose neighbours are asked for, or None."""
    found = st.session_state.get(SIMILAR)
    return found[1] if found is not None and found[0] == collection.name else None


def ask_similar(collection: Collection, row_id: str | None) -> None:
    """Ask for the neighbours of a row; with None, go back to the question."""
    st.session_state[SIMILAR] = None if not row_id else (collection.name, row_id)


# -- the address


def named(setting: SearchRequest, prefix: str) -> dict[str, str]:
    """Return the knobs that are not at their defaults, each under `prefix` and its short name."""
    parts = {}
    for name, attribute in FIELDS.items():
        found = getattr(setting, attribute)
        if found == getattr(DEFAULT, attribute):
            continue
        if isinstance(found, bool):
            parts[prefix + name] = str(int(found))
        elif isinstance(found, StrEnum):
            parts[prefix + name] = found.value
        elif isinstance(found, tuple):
            parts[prefix + name] = written_label_weights(found)
        else:
            parts[prefix + name] = found if isinstance(found, str) else f"{found:g}"
    return parts


def permalink(collection: Collection, *, with_text: bool) -> str:
    """Return the query part of an address that opens the page with these settings.

    The question, or the row whose neighbours are shown, is in it only when asked for.
    """
    parts = {"collection": collection.name, COUNT: str(len(letters()))}
    for letter in letters():
        parts |= named(read(letter), key(letter, ""))
    if limit() != LIMIT.default:
        parts[LIMIT.key] = str(limit())
    if text := st.session_state.get(FILTER):
        parts[FILTER] = text
    if with_text:
        if text := st.session_state.get(TEXT):
            parts[TEXT] = text
        if (row_id := similar_to(collection)) is not None:
            parts[SIMILAR] = row_id
    return "?" + urlencode(parts)


def restore(*, arrived: bool) -> None:
    """Take the settings from the address: when the page is come to, and when a link is opened.

    What does not fit a knob is passed over, and its default holds.
    """
    given = {name: text for name, text in st.query_params.items() if name.startswith(PREFIX)}
    state = st.session_state
    if not given or (not arrived and state.get("_compare_link") == given):
        return
    state["_compare_link"] = given
    if set(given) - {TEXT, SIMILAR}:
        state[COUNT] = 3 if given.get(COUNT) == "3" else 2
        state[FILTER] = given.get(FILTER, "")
        number = _number(given.get(LIMIT.key))
        state[LIMIT.key] = LIMIT.default if number is None else number
        state[LIMIT.key] = limit()
        for letter in LETTERS:
            setting = DEFAULT
            for name, attribute in FIELDS.items():
                if (text := given.get(key(letter, name))) is not None:
                    with suppress(InvalidInput, ValueError):
                        setting = replace(setting, **{attribute: _parsed(name, text)})
            write(letter, setting)
    if TEXT in given:
        state[TEXT] = given[TEXT]
    row_id, collection = given.get(SIMILAR), st.query_params.get("collection")
    state[SIMILAR] = (collection, row_id) if row_id and collection else None


def _parsed(name: str, text: str) -> Any:
    """Return a knob's value from the address. Raises ValueError for what it cannot be."""
    default = getattr(DEFAULT, FIELDS[name])
    if name == "labels":
        return parse_label_weights(text)
    if name == "metric":
        return Metric(text)
    if name == "language":
        return text
    if isinstance(default, bool):
        return text == "1"
    if isinstance(default, StrEnum):
        return type(default)(text)
    number = _number(text)
    if number is None:
        raise ValueError(text)
    if name in SLIDERS:
        number = min(max(number, SLIDERS[name].minimum), SLIDERS[name].maximum)
    return int(number) if name in _WHOLE else number


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None
