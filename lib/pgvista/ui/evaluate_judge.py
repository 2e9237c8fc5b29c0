"""Judge: one hit of a query at a time, graded by key or button, saved as it is given."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.evaluation import EvaluationQuery, PooledHit, QuerySet
from pgvista.services.judgments import POOL_DEPTH, add_query, pool, read_query_set
from pgvista.ui import evaluate_grading as grading
from pgvista.ui import evaluate_state as state
from pgvista.ui.components.grade_keys import grade_keys
from pgvista.ui.components.hits import headline
from pgvista.ui.confirm import READ_ONLY
from pgvista.ui.errors import guarded, plain, show_error
from pgvista.ui.evaluate_sets import query_id, save_copy
from pgvista.ui.evaluate_state import Chosen
from pgvista.ui.format import plural
from pgvista.ui.search_context import embedder

GRADES = {0: "0 no use", 1: "1 a little", 2: "2 useful", 3: "3 the answer"}
_POOLS = "_evaluate_pools"
_KEPT_POOLS = 20
_TEXT_HEIGHT_PX = 250
_MAX_TEXT = 20_000
_MAX_FIELD = 80


@st.fragment
def judge_view(db: Database, collection: Collection, chosen: Chosen) -> None:
    """Draw the query and its next hit without a grade; a grade repaints this part alone."""
    with guarded():
        if chosen.saved is None:
            st.markdown(
                f":gray[Grades are kept in the database. {plain(chosen.query_set.name)} is not in "
                "it yet: save it there, then judge on.]"
            )
            save_copy(db, collection, chosen, key="evaluate_save_to_judge")
            return
        now = read_query_set(db, chosen.saved)  # others judge too
        query = _pick_query(db, chosen.saved, now)
        if query is not None:
            _judge(db, collection, chosen.saved, now, query)


def _pick_query(db: Database, set_id: int, now: QuerySet) -> EvaluationQuery | None:
    """Draw the queries and the way to another; None while there is none."""
    texts = {query.id: query.text for query in now.queries}
    if st.session_state.get(grading.QUERY) not in texts:
        st.session_state[grading.QUERY] = grading.next_query(now, None)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.container(width=520):
            st.selectbox(
                "Query",
                list(texts),
                key=grading.QUERY,
                format_func=lambda key: texts.get(key) or "(empty)",
                persist_state="session",
                placeholder="No query yet",
                on_change=grading.show,
                args=(None,),
            )
        with st.popover("Add a question", icon=":material/add:", key="evaluate_add_box"):
            st.text_input("Question", key="evaluate_add_text", placeholder="As people ask it")
            st.button(
                "Add",
                key="evaluate_add_go",
                type="primary",
                disabled=db.read_only,
                help=READ_ONLY if db.read_only else None,
                on_click=_add,
                args=(db, set_id),
            )
        with st.popover("Pool", icon=":material/tune:", key="evaluate_pool_box"):
            st.number_input(
                "Hits of each mode",
                min_value=1,
                max_value=100,
                value=POOL_DEPTH,
                key="evaluate_pool_depth",
                persist_state="session",
                help="The first hits of each mode are judged together. 1 to 100, default "
                f"{POOL_DEPTH}.",
            )
            st.number_input(
                "Seed",
                min_value=0,
                max_value=2**31,
                value=0,
                key="evaluate_pool_seed",
                persist_state="session",
                help="Decides the order, which tells nothing about the modes. Default: 0.",
            )
    if not texts:
        st.markdown(":gray[This set has no query yet. Add a question to judge its hits.]")
        return None
    chosen = st.session_state[grading.QUERY]
    return EvaluationQuery(chosen, texts[chosen])


def _add(db: Database, set_id: int) -> None:
    text = " ".join(st.session_state.get("evaluate_add_text", "").split())
    if not text:
        return
    with grading.noted():
        add_query(db, set_id, EvaluationQuery(query_id(text), text))
        st.session_state[grading.QUERY] = query_id(text)
        st.session_state["evaluate_add_text"] = ""
        grading.show(None)


def _judge(
    db: Database, collection: Collection, set_id: int, now: QuerySet, query: EvaluationQuery
) -> None:
    error, note = grading.take_messages()
    if error is not None:
        show_error(error)
    if note:
        st.info(note, icon=":material/group:")
    if not query.text.strip():
        st.info("This query is empty, so nothing can be found for it.", icon=":material/info:")
        return
    hits = _pooled(db, collection, set_id, query)
    grades = now.judgments.get(query.id, {})
    done = sum(item.id in grades for item in hits)
    if not hits:
        st.info("No mode finds anything for this question.", icon=":material/search_off:")
        return
    st.progress(done / len(hits))
    current = grading.next_hit(hits, grades)
    desk = grading.Desk(db, set_id, query.id, frozenset(item.id for item in hits))
    if current is None:
        _finished(now, query, hits)
    else:
        with st.container(border=True, height=_TEXT_HEIGHT_PX, key="evaluate_hit"):
            _document(current)
        _buttons(desk, current, grades.get(current.id))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        total = plural(now.judged, "judgment")
        st.markdown(
            f":gray[**{done}** of {len(hits)} judged · {total} in this set]", width="content"
        )
        if not db.read_only:
            with st.container(width="content"):
                grade_keys(
                    "" if current is None else current.id, key="evaluate_keys", pressed=desk.press
                )


def _pooled(
    db: Database, collection: Collection, set_id: int, query: EvaluationQuery
) -> tuple[PooledHit, ...]:
    """Return the query's pool; it is searched once, so that it does not change under one's eyes."""
    depth = int(st.session_state.get("evaluate_pool_depth", POOL_DEPTH))
    seed = int(st.session_state.get("evaluate_pool_seed", 0))
    kept = st.session_state.setdefault(_POOLS, {})
    mark = (state.place(collection), set_id, query, depth, seed)
    if mark not in kept:
        with st.spinner("Asking all modes"):
            model = embedder(collection)
            kept[mark] = pool(db, collection, query.text, depth=depth, seed=seed, embedder=model)
        while len(kept) > _KEPT_POOLS:
            del kept[next(iter(kept))]
    found: tuple[PooledHit, ...] = kept[mark]
    return found


def _document(item: PooledHit) -> None:
    """Draw a hit's title, text and fields; what found it is not told."""
    title = "".join(span.text for span in headline(item.hit)[0])
    st.markdown(f"**{plain(title)}**")
    text = (item.hit.content or "").strip()
    body = text[len(title) :].lstrip(" .:;–—-\n") if text.startswith(title) else text
    cut = f" … {len(body) - _MAX_TEXT:,} more characters" if len(body) > _MAX_TEXT else ""
    if body:
        lines = (plain(line) for line in body[:_MAX_TEXT].splitlines())
        st.markdown("  \n".join(lines) + cut)
    elif not text:
        st.markdown(":gray[This row has no text.]")
    fields = [
        f"{name} {value}"
        for name, value in (*item.hit.columns.items(), *item.hit.metadata.items())
        if not name.startswith("_") and name != "title" and value not in (None, "")
    ]
    short = (field if len(field) <= _MAX_FIELD else field[:_MAX_FIELD] + "…" for field in fields)
    st.markdown(f":small[:gray[{plain(' · '.join((item.id, *short)))}]]")


def _buttons(desk: grading.Desk, current: PooledHit, grade: int | None) -> None:
    off = desk.db.read_only
    with st.container(horizontal=True, gap="small", key="evaluate_grades"):
        for value, label in GRADES.items():
            st.button(
                label,
                key=f"evaluate_grade_{value}",
                type="primary" if value == grade else "secondary",
                disabled=off,
                help=READ_ONLY if off else None,
                on_click=desk.grade,
                args=(current.id, value, grade),
            )
        st.button(
            "Skip", key="evaluate_skip", type="tertiary", icon=":material/skip_next:",
            on_click=desk.skip, args=(current.id,),
        )  # fmt: skip
        _undo_button(desk)


def _undo_button(desk: grading.Desk) -> None:
    st.button(
        "Undo",
        key="evaluate_undo",
        type="tertiary",
        icon=":material/undo:",
        disabled=desk.db.read_only or not grading.can_undo(desk.set_id),
        help="Takes the last grade back and shows its hit again.",
        on_click=desk.undo,
    )


def _finished(now: QuerySet, query: EvaluationQuery, hits: tuple[PooledHit, ...]) -> None:
    """Say what was found, and offer the next query or the measures."""
    grades = now.judgments.get(query.id, {})
    counts = [sum(grades.get(item.id) == value for item in hits) for value in GRADES]
    said = ", ".join(
        f"{count} {label.split(' ', 1)[1]}"
        for count, label in zip(counts, GRADES.values(), strict=True)
        if count
    )
    with st.container(border=True, horizontal_alignment="center", key="evaluate_done"):
        st.space("small")
        st.markdown(
            f":material/check_circle: **All {plural(len(hits), 'hit')} judged** :gray[{said}]",
            width="content",
        )
        following = grading.next_query(now, query.id)
        with st.container(horizontal=True, horizontal_alignment="center"):
            if following is not None:
                st.button(
                    "Next query",
                    key="evaluate_next",
                    type="primary",
                    icon=":material/arrow_forward:",
                    on_click=grading.go_to,
                    args=(following,),
                )
            if st.button(
                "Measure",
                key="evaluate_to_measure",
                type="secondary" if following else "primary",
                on_click=lambda: st.session_state.update({state.PART: state.MEASURE}),
            ):
                st.rerun()
            st.button(
                "Go through them again",
                key="evaluate_again",
                type="tertiary",
                on_click=grading.again,
                args=(hits,),
            )
        st.space("small")
