"""A slider whose value arrives while it is dragged, not when it is let go."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from pgvista.ui.components._mount import component

_slider = component("live_slider")
_FORMAT = re.compile(r"(?P<prefix>[^{}]*)\{:(?P<group>,?)\.(?P<decimals>\d+)f\}(?P<suffix>[^{}]*)")


def live_slider(
    label: str,
    *,
    key: str,
    minimum: float,
    maximum: float,
    value: float,
    step: float | None = None,
    log: bool = False,
    format: str = "{:.0f}",
    help: str | None = None,
    note: str | None = None,
    disabled: bool = False,
    on_change: Callable[[], None] | None = None,
) -> float:
    """Draw the slider and return its value, always within ``[minimum, maximum]`` and on the grid.

    The value lives in ``st.session_state[key]`` as a plain float: it can be read before the slider
    is drawn (hits left, knobs right), outlives a change of page, and may be set at any time before
    this call, by a permalink or a reset button.

    Args:
        label: Stands on the left; the value stands on the right.
        key: Where the value is kept; the app's own, so begin it with the page's name.
        minimum: Smallest value; above 0 with `log`.
        maximum: Largest value.
        value: The default: what is returned at first, and what a double click goes back to.
        step: Distance of two values, counted from `minimum` (with `log`: from 0). None: the last
            decimal that `format` shows, so that the value shown is the value used.
        log: Logarithmic scale.
        format: ``{:.0f}``, ``{:.2f}``, ``{:,.0f} rows``: digits, thousands and words around them.
        help: What it does, its range and default: shown at a question mark.
        note: What the value costs or gives, shown beneath the middle ("recall@10 0.98"). It may
            change at every rerun.
        disabled: Shown, but not to be moved.
        on_change: Called when a value has come, before the script runs, like that of a widget. What
            it has drawn anew must hold the slider: its next value waits for the answer.
    """
    scale = _scale(label, minimum, maximum, step, log, format)
    step = scale["step"]
    clean = partial(_clean, minimum=minimum, maximum=maximum, step=step, log=log)
    default = clean(value, default=minimum)

    state: Any = st.session_state
    inner, known, marks = f"_{key}.input", f"_{key}.known", f"_{key}.marks"
    current = clean(state.get(key, default), default=default)
    # `known` is what the browser was last told or last said: another value was set from Python.
    seq, set_count = state.get(marks, (0, 0))
    if state.get(known) != current:
        set_count += 1
    state[key] = state[known] = current
    state[marks] = (seq, set_count)

    def take() -> None:
        """Keep what the browser sent, before the script runs."""
        sent = state[inner].get("sent")
        if isinstance(sent, dict) and not disabled:
            state[key] = state[known] = clean(sent.get("value"), default=current)
            number = sent.get("seq")
            state[marks] = (number if isinstance(number, int) else 0, state[marks][1])
        if on_change is not None:
            on_change()

    _slider(
        key=inner,
        data={
            **scale,
            "help": help or "",
            "note": note if note is not None else ("log" if log else ""),
            "disabled": disabled,
            "default": default,
            "value": current,
            "seq": seq,
            "set": set_count,
        },
        on_sent_change=take,
    )
    return current


def page_slider(
    label: str,
    *,
    key: str,
    heard: str,
    minimum: float,
    maximum: float,
    unset: tuple[str, float],
    step: float,
    format: str,
    help: str | None = None,
) -> None:
    """Draw a slider whose value stays in the browser: nothing is sent, and what hears it moves at once.

    Other parts of the page hear of a value by the event `heard` of the window, as its `detail`, and
    read the last one from ``window.pgvistaHeard[heard]``, which holds until the page is loaded anew.
    Until it is moved, and after a double click, there is none (``null``): `unset` says what is
    shown then, and where the thumb stands. The other arguments are those of `live_slider`.
    """
    shown, place = unset
    scale = _scale(label, minimum, maximum, step, False, format)
    own = {"heard": heard, "unset": shown, "value": None, "default": place, "help": help or ""}
    _slider(key=key, data={**scale, **own, "note": "", "disabled": False, "seq": 0, "set": 0})


def _scale(
    label: str, minimum: float, maximum: float, step: float | None, log: bool, format: str
) -> dict[str, Any]:
    """Return the range as the browser takes it; an empty one and a wrong format are refused."""
    if not (math.isfinite(minimum) and math.isfinite(maximum) and minimum < maximum):
        raise ValueError(f"{label}: the range {minimum} to {maximum} is empty.")
    if log and minimum <= 0:
        raise ValueError(f"{label}: a logarithmic scale begins above 0, not at {minimum}.")
    if not (parts := _FORMAT.fullmatch(format)):
        raise ValueError(f"{label}: {format!r} is not of the form '{{:.0f}}' or '{{:,.2f}} unit'.")
    decimals = int(parts["decimals"])
    return {
        "label": label,
        "min": minimum,
        "max": maximum,
        "step": step or 10.0**-decimals,
        "log": log,
        "decimals": decimals,
        "grouping": bool(parts["group"]),
        "prefix": parts["prefix"],
        "suffix": parts["suffix"],
    }


def _clean(
    value: object, *, minimum: float, maximum: float, step: float, log: bool, default: float
) -> float:
    """Return `value` on the grid and within the range, or `default` where it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    origin = 0.0 if log else minimum
    inside = min(max(float(value), minimum), maximum)
    on_grid = origin + round((inside - origin) / step) * step
    return float(f"{min(max(on_grid, minimum), maximum):.12g}")
