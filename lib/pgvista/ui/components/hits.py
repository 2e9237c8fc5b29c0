"""The list of hits: each one explains by itself why it stands where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pgvista.model.search import Hit, Mode, SearchResult, Span
from pgvista.ui.components._mount import component

_hits = component("hits")

ACTIONS: Mapping[str, str] = {"similar": "similar", "map": "on the map", "edit": "edit"}
"""Labels of the actions; another action is shown under its own name."""

MAX_CHIPS = 6
MAX_CHIP_CHARS = 40
MAX_TITLE_CHARS = 90
MAX_PREVIEW_CHARS = 280
MAX_TEXT_CHARS = 20_000
"""Of a hit's text, this much is sent to the page."""

_JOINTS = " \t\r\n.:;,–—-…|"


@dataclass(frozen=True, slots=True)
class HitAction:
    """A button of a hit was pressed."""

    kind: str
    """The action's name, as given in `actions`."""
    id: str
    """The hit's id."""


@dataclass(frozen=True, slots=True)
class Sum:
    """How a fused score came about: a value for the semantic list, and one for the keyword list."""

    raw: tuple[str, str]
    """What each list itself says: ``distance 0.412``, ``BM25 12.3``; empty where it has no row."""
    terms: tuple[float, float]
    shares: tuple[float, float]
    """Of the bar's width, 0 to 1."""
    how: tuple[str, str]
    """Each term as a sum that can be checked: ``1 / (60 + 3) = 0.0159``."""
    tied: int = 0
    """How many other candidates have the same score."""


def hit_list(
    result: SearchResult,
    *,
    key: str,
    mode: Mode,
    actions: Sequence[str] = ("similar",),
    moved: Mapping[str, int] | None = None,
    show_notes: bool = True,
    sums: Mapping[str, Sum] | None = None,
    since: str = "",
    head: str = "",
    on_action: Callable[[HitAction], None] | None = None,
) -> None:
    """Draw all hits.

    Args:
        result: What was found; empty results have a look of their own, with `result.notes`.
        key: Of the component; rows keep their place on the page as long as it stays the same.
        mode: The search's mode: it decides which bars explain a hit.
        actions: Buttons of each hit, by name (see `ACTIONS`).
        moved: Places each id has moved against a former result, upwards positive; an id that is
            not in it is new. None: nothing is said.
        show_notes: Whether `result.notes` stand above the hits.
        sums: How the scores of a hybrid search came about, by id.
        since: The setting that `moved` compares with: ``k 60``.
        head: A line above the hits, such as how many rows each list was asked for.
        on_action: Called when a button was pressed, before the script runs, like that of a widget.
    """
    best = max((hit.score for hit in result.hits), default=0.0)

    def acted() -> None:
        pressed = st.session_state[key].get("action")
        if on_action is None or not isinstance(pressed, dict):
            return
        kind, hit_id = pressed.get("kind"), pressed.get("id")
        if kind in actions and any(hit.id == hit_id for hit in result.hits):
            on_action(HitAction(kind=str(kind), id=str(hit_id)))

    _hits(
        key=key,
        data={
            "mode": mode.value,
            "actions": [[kind, ACTIONS.get(kind, kind)] for kind in actions],
            "head": head,
            "since": since if moved is not None and result.hits else "",
            "notes": list(result.notes) if show_notes or not result.hits else [],
            "hits": [
                {
                    **_row(hit),
                    **explain(hit, mode, best, (sums or {}).get(hit.id)),
                    **_move(hit, moved),
                    "rank": rank,
                }
                for rank, hit in enumerate(result.hits, start=1)
            ],
        },
        on_action_change=acted,
    )


def _move(hit: Hit, moved: Mapping[str, int] | None) -> dict[str, object]:
    if moved is None:
        return {"moved": None}
    return {"moved": moved.get(hit.id, "new")}


def explain(hit: Hit, mode: Mode, best: float, found: Sum | None = None) -> dict[str, object]:
    """Return the bar of a hit (shares of its full width, 0 to 1) and the lines beneath it.

    A line is: its list, the place in it, what the list itself says, the term of the sum, and how
    the term came about. Hybrid: each list's term of the score, relative to the best hit's score.
    Semantic: the similarity. Keyword: the rank score, relative to the best hit's.
    """
    if mode is Mode.HYBRID:
        raw, how = (found.raw, found.how) if found else (("", ""), ("", ""))
        terms = found.terms if found else (hit.semantic_term or 0.0, hit.keyword_term or 0.0)
        shares = found.shares if found else tuple(_share(term, best) for term in terms)
        lines = []
        ranks = (hit.semantic_rank, hit.keyword_rank)
        for i, name in enumerate(("semantic", "keyword")):
            said = "" if ranks[i] is None and not terms[i] else f"{terms[i]:.4f}"
            place = f"{name} –" if ranks[i] is None else f"{name} #{ranks[i]}"
            lines.append([name, place, raw[i], said.replace("-", "−"), how[i]])
        return {
            "bars": [["semantic", shares[0]], ["keyword", shares[1]]],
            "lines": lines,
            "tied": _tied(found.tied if found else 0),
            "total": f"{hit.score:.4f}".replace("-", "−"),
            "total_name": "score",
        }
    if mode is Mode.KEYWORD:
        place = f"keyword #{hit.keyword_rank}" if hit.keyword_rank else "keyword"
        return {
            "bars": [["keyword", _share(hit.score, best)]],
            "lines": [["keyword", place, "", "", ""]],
            "tied": "",
            "total": f"{hit.score:.4f}",
            "total_name": "rank score",
        }
    distance = f"distance {hit.distance:.4f}" if hit.distance is not None else ""
    # Cosine, L2 and L1 have similarities up to 1; inner products have any size.
    return {
        "bars": [["semantic", _share(hit.score, max(best, 1.0))]],
        "lines": [["semantic", distance, "", "", ""]],
        "tied": "",
        "total": f"{hit.score:.4f}",
        "total_name": "similarity",
    }


def _tied(others: int) -> str:
    if not others:
        return ""
    return (
        f"tied with {others:,} {'other' if others == 1 else 'others'}, the nearer by meaning first"
    )


def _share(part: float | None, whole: float) -> float:
    return min(1.0, max(0.0, part / whole)) if part and whole > 0 else 0.0


def _row(hit: Hit) -> dict[str, object]:
    title, snippet = headline(hit)
    content = hit.content or ""
    chips = _chips(hit, title)
    return {
        "id": hit.id,
        "title": _spans(title),
        "snippet": _spans(snippet),
        "content": content[:MAX_TEXT_CHARS],
        "cut": max(0, len(content) - MAX_TEXT_CHARS),
        "chips": [[_cut(text, MAX_CHIP_CHARS), full] for text, full in chips[:MAX_CHIPS]],
        "more": len(chips) - MAX_CHIPS,
        "details": [[name, _text(value)] for name, value in _fields(hit)],
    }


def _spans(spans: Sequence[Span]) -> list[list[object]]:
    return [[span.text, span.marked] for span in spans]


def _fields(hit: Hit) -> list[tuple[str, Any]]:
    return [*hit.columns.items(), *hit.metadata.items()]


def _chips(hit: Hit, title: Sequence[Span]) -> list[tuple[str, str]]:
    """Return (text, full text) of what is known about a hit, its title and empty values left out."""
    chips: list[tuple[str, str]] = []
    if hit.parent_id is not None:
        number = hit.metadata.get("_chunk")
        text = (
            f"chunk of {hit.parent_id}" if number is None else f"chunk {number} of {hit.parent_id}"
        )
        chips.append((text, text))
    shown = _squeeze("".join(span.text for span in title))
    for name, value in _fields(hit):
        text = _text(value)
        if name.startswith("_") or not text or (name == "title" and _squeeze(text) == shown):
            continue
        # A word speaks for itself; numbers, truth values and structures want their name.
        bare = isinstance(value, str) and len(value) > 1 and not value[0].isdigit()
        year = name == "year"
        chips.append((text if bare or year else f"{name} {text}", f"{name}: {text}"))
    return chips


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, bool | dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return f"{value:g}" if isinstance(value, float) else str(value)


def headline(hit: Hit) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Return a hit's title and its snippet without a repetition of the title.

    The title is that of the metadata or columns, else a short first line or sentence of the text,
    else the text's first words. Words are marked in it where titles are searched, or where the
    snippet begins with the title, whose marks it takes then.
    """
    content = (hit.content or "").strip()
    snippet = hit.snippet or ((Span(_cut(content, MAX_PREVIEW_CHARS)),) if content else ())
    named = _text(hit.metadata.get("title") or hit.columns.get("title") or "").strip()
    title = named or _first_words(content)
    if not title:
        return (Span(hit.id),), snippet
    split = _end_of(title.removesuffix("…").rstrip(), snippet)
    if split is None:
        return _cut_spans(_marked_title(hit, title), 2 * MAX_TITLE_CHARS), snippet
    head, rest = _split(snippet, split)
    if title.endswith("…"):
        head = (*head, Span("…"))
    rest_text = "".join(span.text for span in rest)
    trim = len(rest_text) - len(rest_text.lstrip(_JOINTS))
    return _trimmed(head), _split(rest, trim)[1]


def _marked_title(hit: Hit, title: str) -> tuple[Span, ...]:
    same = "".join(span.text for span in hit.title).strip() == title
    return _trimmed(hit.title) if same else (Span(title),)


def _cut_spans(spans: tuple[Span, ...], length: int) -> tuple[Span, ...]:
    text = "".join(span.text for span in spans).rstrip()
    short = _cut(text, length)
    if short == text:
        return _split(spans, len(text))[0]
    return (*_split(spans, len(short) - 1)[0], Span("…"))


def _first_words(content: str) -> str:
    line = content.split("\n", 1)[0].strip()
    if len(line) <= MAX_TITLE_CHARS:
        return line
    sentence = re.match(rf"(.{{8,{MAX_TITLE_CHARS}}}?)(?:[.!?;:]| [–—]) ", line)
    return sentence[1].strip() if sentence else _cut(line, MAX_TITLE_CHARS)


def _end_of(title: str, spans: Sequence[Span]) -> int | None:
    """Return where `title` ends in the text of `spans`, white space and case aside; None: elsewhere."""
    text = "".join(span.text for span in spans)
    position = 0
    for letter in title:
        if letter.isspace():
            continue
        while position < len(text) and text[position].isspace():
            position += 1
        if position >= len(text) or text[position].casefold() != letter.casefold():
            return None
        position += 1
    inside_word = position < len(text) and text[position].isalnum() and title[-1:].isalnum()
    return None if inside_word else position


def _split(spans: Sequence[Span], at: int) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    head: list[Span] = []
    rest: list[Span] = []
    for span in spans:
        first, second = span.text[: max(at, 0)], span.text[max(at, 0) :]
        if first:
            head.append(Span(first, span.marked))
        if second:
            rest.append(Span(second, span.marked))
        at -= len(span.text)
    return tuple(head), tuple(rest)


def _trimmed(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    text = "".join(span.text for span in spans)
    return _split(spans, len(text) - len(text.lstrip()))[1]


def _cut(text: str, length: int) -> str:
    """Shorten at a word's end, with an ellipsis."""
    if len(text) <= length:
        return text
    head = text[: length - 1]
    space = head.rfind(" ")
    return (head[:space] if space > length * 0.6 else head).rstrip(_JOINTS) + "…"


def _squeeze(text: str) -> str:
    return " ".join(text.split()).casefold()
