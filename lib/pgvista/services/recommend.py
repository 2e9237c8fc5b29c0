"""The cheapest setting that reaches a target, with the reasons for it."""

from __future__ import annotations

from collections.abc import Sequence

from pgvista.model.search import IterativeScan
from pgvista.model.sweep import (
    ALL_ROWS,
    Recommendation,
    Setting,
    SweepPoint,
    SweepResult,
)
from pgvista.model.tuning import Target
from pgvista.science.pareto import pareto_front, saturated_from

NOISE = 1.1
"""Settings whose p95 is within a tenth of each other count as equally fast."""


def front(points: Sequence[SweepPoint]) -> tuple[SweepPoint, ...]:
    """Return the points that none beats in recall and p95, by ascending p95."""
    places = pareto_front([item.recall for item in points], [item.p95_ms for item in points])
    return tuple(points[place] for place in places)


def recommend(result: SweepResult, target: Target, case: str = ALL_ROWS) -> Recommendation:
    """Return the setting with the lowest p95 of those that reach `target` under one filter.

    The exact scan takes part as any other: where it is the fastest that reaches the target, no
    index is needed. Where none does, the point nearest to it is named, and what to change.
    """
    points = [item for item in result.of_case(case) if item.recall == item.recall]  # no NaN
    if not points:
        return Recommendation(case, None, False, "Nothing was measured.", {}, "", ())
    fit = [item for item in points if _reaches(item, target)]
    scan = next((item for item in points if item.setting.exact), None)
    if fit:
        least = min(item.p95_ms for item in fit)
        alike = [item for item in fit if item.p95_ms <= NOISE * least]
        best = min(alike, key=lambda item: (*_plainness(item.setting), item.p50_ms, -item.recall))
        return _told(result, target, case, best, scan, meets=True)
    in_time = [item for item in points if target.p95_ms is None or item.p95_ms <= target.p95_ms]
    if in_time:
        nearest = max(in_time, key=lambda item: (item.recall, -item.p95_ms))
    else:
        nearest = min(points, key=lambda item: item.p95_ms)
    return _told(result, target, case, nearest, scan, meets=False)


def _plainness(setting: Setting) -> tuple[bool, bool]:
    """Return what comes first among settings that are as fast: no index, no iterative scan."""
    return not setting.exact, setting.iterative_scan is not IterativeScan.OFF


def settings_of(setting: Setting) -> dict[str, str]:
    """Return what to set for a setting; nothing for the exact scan."""
    if setting.exact:
        return {}
    found = dict(setting.request((0.0,) * max(1, setting.leading or 1), 1).settings())
    mine = f"{setting.method}."
    return {name: value for name, value in found.items() if name.startswith(mine)}


def _reaches(point: SweepPoint, target: Target) -> bool:
    return point.recall >= target.recall and (
        target.p95_ms is None or point.p95_ms <= target.p95_ms
    )


def _told(
    result: SweepResult,
    target: Target,
    case: str,
    point: SweepPoint,
    scan: SweepPoint | None,
    *,
    meets: bool,
) -> Recommendation:
    setting = point.setting
    values = settings_of(setting)
    where = "" if case == ALL_ROWS else f" with {case}"
    figures = f"recall {point.recall:.3f}, p95 {point.p95_ms:.1f} ms"
    if not meets:
        sentence = f"Nothing measured reaches {_goal(target)}{where}; the nearest is {_name(setting)}: {figures}."
    elif point.used is None and not setting.exact:
        sentence = f"No index is needed{where}: even with one, Postgres compares every row, with {figures}."
    elif setting.exact:
        sentence = f"No index is needed{where}: the exact scan has {figures}."
    else:
        sentence = f"Set {_words(setting)}{where}: {figures}."
    return Recommendation(
        case=case,
        point=point,
        meets=meets,
        sentence=sentence,
        settings=values,
        sql="".join(f"set local {name} = {value};\n" for name, value in values.items()),
        reasons=tuple(_reasons(result, target, case, point, scan, meets=meets)),
    )


def _goal(target: Target) -> str:
    time = "" if target.p95_ms is None else f" within {target.p95_ms:g} ms"
    return f"recall {target.recall:g}{time}"


def _name(setting: Setting) -> str:
    return "the exact scan" if setting.exact else _words(setting)


def _words(setting: Setting) -> str:
    parts = [f"{name} to {value}" for name, value in settings_of(setting).items()]
    if setting.oversample > 1:
        parts.append(f"re-rank {setting.oversample:g} times the rows wanted")
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _reasons(
    result: SweepResult,
    target: Target,
    case: str,
    point: SweepPoint,
    scan: SweepPoint | None,
    *,
    meets: bool,
) -> list[str]:
    reasons = []
    points = result.of_case(case)
    setting = point.setting
    if meets and not setting.exact:
        fit = sum(_reaches(item, target) for item in points)
        reasons.append(
            f"Of {fit} settings that reach {_goal(target)} none is faster by more than a tenth."
            if fit > 1
            else f"It is the only setting measured that reaches {_goal(target)}."
        )
        if point.recall_low < target.recall:
            reasons.append(
                f"The 95 % interval of its recall, {point.recall_low:.3f} to {point.recall_high:.3f}, "
                f"reaches below {target.recall:g}: take more queries, or the next setting."
            )
    if scan is not None and not setting.exact:
        times = scan.p95_ms / point.p95_ms
        if times >= 1.05:
            reasons.append(
                f"The exact scan takes {scan.p95_ms:.1f} ms at p95, {times:.1f} times as long."
            )
        else:
            reasons.append(f"The exact scan takes no longer: {scan.p95_ms:.1f} ms at p95.")
        if target.p95_ms is not None and scan.p95_ms <= target.p95_ms and meets:
            reasons.append("It would reach the target as well, with recall 1.")
    if setting.exact and meets:
        others = [item for item in points if not item.setting.exact]
        fastest = min(others, key=lambda item: item.p95_ms, default=None)
        reasons.append(
            "There is no index to compare with."
            if fastest is None
            else f"No index setting that reaches {_goal(target)} is faster."
        )
    if point.fewer:
        reasons.append(
            f"{point.fewer} of {point.queries} queries got fewer rows than asked."
            + (" Try an iterative scan." if setting.iterative_scan is IterativeScan.OFF else "")
        )
    reasons += _saturation(points, point, target, meets=meets)
    if not meets:
        reasons += _advice(points, target)
    return reasons


def _saturation(
    points: Sequence[SweepPoint], point: SweepPoint, target: Target, *, meets: bool
) -> list[str]:
    mine = [
        item
        for item in points
        if item.setting.index == point.setting.index
        and not item.setting.exact
        and item.setting.iterative_scan is point.setting.iterative_scan
        and item.setting.oversample == point.setting.oversample
    ]
    flat = saturated_from([item.setting.strength for item in mine], [item.recall for item in mine])
    if flat is None:
        return []
    knob = "ef_search" if point.setting.ef_search is not None else "probes"
    top = max(item.recall for item in mine)
    found = [f"Recall is saturated from {knob} {flat:g} on, at {top:.3f}."]
    if not meets and top < target.recall:
        found.append(
            "What is missed then is missing from the index: build it anew with larger m and "
            "ef_construction."
            if point.setting.method == "hnsw"
            else "Visit more lists, or build HNSW."
        )
    return found


def _advice(points: Sequence[SweepPoint], target: Target) -> list[str]:
    reached = [item for item in points if item.recall >= target.recall]
    if reached:
        cheapest = min(reached, key=lambda item: item.p95_ms)
        return [
            f"Recall {target.recall:g} costs at least {cheapest.p95_ms:.1f} ms at p95, by "
            f"{_name(cheapest.setting)}."
        ]
    return [f"No setting measured has recall {target.recall:g}: measure larger ones."]
