"""Measure: each mode on the judged queries, then each query, with what it costs in time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.evaluation import DEFAULT_MEASURES, Evaluation, SettingEvaluation
from pgvista.model.evaluation_grid import GridSetting
from pgvista.model.search import KeywordMatch, Mode, SearchRequest
from pgvista.science.measures.relevance import parse_measure
from pgvista.services.evaluate import evaluate, template
from pgvista.ui import evaluate_state as state
from pgvista.ui.components.panels import milliseconds
from pgvista.ui.errors import plain
from pgvista.ui.evaluate_names import measure_help, show_notes
from pgvista.ui.evaluate_queries import csv_button, query_table
from pgvista.ui.evaluate_state import Chosen
from pgvista.ui.format import plural
from pgvista.ui.search_context import embedder
from pgvista.ui.search_names import RECIPE
from pgvista.ui.theme import palette

KIND = "measure"
PUBLISHED = "published recipe"
_JUDGED = "judged@10"
_JUDGED_GAP = 0.1
"""Settings whose judged@10 differ by more are not compared fairly."""
_EMBEDDED_MS = 0.5
"""What takes less was remembered from before, and says nothing."""
_MORE_MEASURES = ("nDCG@5", "nDCG@20", "R@10", "R@1000", "RR", "P@1", "P@5", "judged@20")


def settings(collection: Collection) -> dict[str, SearchRequest]:
    """Return what can be measured by name: the modes with the collection's defaults, the recipe."""
    base = state.present(collection)
    found = {mode.value: replace(base, mode=mode) for mode in state.modes(collection)}
    if Mode.HYBRID.value in found:
        found[PUBLISHED] = template(**RECIPE)
    return found


def measure_view(db: Database, collection: Collection, chosen: Chosen) -> None:
    """Draw the knobs, the job while it runs, and what it found."""
    if state.is_running(KIND, collection):
        return
    offered = settings(collection)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        picked = st.pills(
            "Settings",
            list(offered),
            selection_mode="multi",
            default=[name for name in offered if name != PUBLISHED],
            key=f"evaluate_settings_{len(offered)}",
            persist_state="session",
            help="The modes search as the collection does by default. The published recipe for "
            "Postgres asks for every word, ranks by ts_rank_cd and fuses by RRF with k 50.",
        )
        with st.popover("Measures", icon=":material/straighten:", key="evaluate_measures_box"):
            measures = st.multiselect(
                "Measures",
                [*DEFAULT_MEASURES, *_MORE_MEASURES],
                default=list(DEFAULT_MEASURES),
                accept_new_options=True,
                key="evaluate_measures",
                persist_state="session",
                help="By the names of ir-measures, such as nDCG@20 or P@3; others can be typed.",
            )
        if st.button(
            "Measure",
            key="evaluate_measure_go",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not picked,
        ):
            chosen_settings = {name: offered[name] for name in offered if name in picked}
            _start(collection, chosen, chosen_settings, measures)
            st.rerun()
    run = state.last_run(KIND, collection, chosen)
    if run is None:
        found = chosen.query_set
        st.markdown(
            f":gray[{plural(len(found.queries), 'query', 'queries')} with "
            f"{plural(found.judged, 'judgment')} are asked in each setting. It takes seconds to "
            "minutes, and goes on when you look at another page.]"
        )
        return
    if run.query_set != chosen.query_set:
        st.info(
            "The set was changed since it was measured. Measure again to count the changes.",
            icon=":material/update:",
        )
    _show(collection, run.found)


def _start(
    collection: Collection,
    chosen: Chosen,
    picked: dict[str, SearchRequest],
    measures: list[str],
) -> None:
    names = tuple(dict.fromkeys((*measures, _JUDGED)))
    for name in names:
        parse_measure(name)
    by_words = all(request.mode is Mode.KEYWORD for request in picked.values())
    model = None if by_words else embedder(collection)
    state.start(
        KIND,
        f"Measuring {collection.name}",
        collection,
        chosen,
        lambda own, reporter: evaluate(
            own,
            collection,
            chosen.query_set,
            picked,
            measures=names,
            reporter=reporter,
            embedder=model,
        ),
        model,
    )


# -- what was found


def _show(collection: Collection, found: Evaluation) -> None:
    embedding = (
        f" Embedding a query took {milliseconds(found.embedding_ms)} on average, which is not in "
        "the latency."
        if found.embedding_ms >= _EMBEDDED_MS
        else ""
    )
    rows = _settings_table(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":small[:gray[Means over {plural(found.queries, 'query', 'queries')} of "
            f"{plain(found.query_set)}. Latency is the time in the database.{embedding}]]",
            width="stretch",
        )
        csv_button(rows, key="evaluate_csv_settings", file_name="settings")
    show_notes((*_warnings(found), *found.notes))
    query_table(collection, found)


def _settings_table(found: Evaluation) -> list[dict[str, Any]]:
    """Draw a row for each setting, the best of each measure in colour; return the rows."""
    names = list(found.settings[0].measures)
    rows = [_row(setting, names) for setting in found.settings]
    frame = pd.DataFrame(rows)
    # what was judged is no merit of a setting
    merits = [name for name in names if not name.startswith("judged")]
    colours = palette()
    style = f"color: {colours.primary}; font-weight: 700"
    shown: Any = frame
    if len(rows) > 1:
        shown = frame.style.apply(
            lambda column: [style if value == column.max() > 0 else "" for value in column],
            subset=pd.Index(merits),
        )
    number = st.column_config.NumberColumn
    st.dataframe(
        shown,
        hide_index=True,
        key="evaluate_table_settings",
        column_config={
            "setting": st.column_config.TextColumn("Setting", pinned=True),
            **{name: number(format="%.3f", help=measure_help(name)) for name in names},
            "p50 ms": number(format="%.1f", help="Half of the searches took less, in ms."),
            "p95 ms": number(format="%.1f", help="Of 20 searches 19 took less, in ms."),
            "how": st.column_config.TextColumn("How", width="medium"),
            "problems": number(
                "Problems",
                help="Queries whose words found nothing, or that could not be asked. Choose the "
                "setting below to see which, and why.",
            ),
        },
        alt="A row for each setting with the mean of each measure and the latency: "
        + "; ".join(f"{row['setting']} {names[0]} {row[names[0]]:.3f}" for row in rows),
    )
    return rows


def _row(setting: SettingEvaluation, names: list[str]) -> dict[str, Any]:
    how = GridSetting.of(setting.request).label
    if setting.request.mode is not Mode.SEMANTIC:
        every = setting.request.keyword_match is KeywordMatch.WEBSEARCH
        how += ", every word" if every else ""
    return {
        "setting": setting.name,
        **{name: setting.measures[name] for name in names},
        "p50 ms": setting.p50_ms,
        "p95 ms": setting.p95_ms,
        "problems": sum(bool(outcome.problem) for outcome in setting.outcomes),
        "how": how,
    }


def _warnings(found: Evaluation) -> list[str]:
    """Return a sentence where settings are judged to a different extent."""
    judged = {
        setting.name: setting.measures[_JUDGED]
        for setting in found.settings
        if _JUDGED in setting.measures
    }
    if len(judged) < 2 or max(judged.values()) - min(judged.values()) <= _JUDGED_GAP:
        return []
    least, most = min(judged, key=judged.__getitem__), max(judged, key=judged.__getitem__)
    return [
        f"Of the first ten hits {judged[least]:.0%} are judged for {least} and {judged[most]:.0%} "
        f"for {most}. Hits nobody judged count as wrong, so {least} may be better than it looks: "
        "judge its hits too."
    ]
