"""Grades given on the page Evaluate: which hit is next, what was given, and how it is taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.evaluation import PooledHit, QuerySet
from pgvista.services.judgments import judge, read_query_set
from pgvista.ui.components.grade_keys import UNDO, GradeKey

QUERY = "evaluate_query"
"""Where the id of the query that is judged is kept."""
_SHOWN, _SKIPPED, _AGAIN = "_evaluate_shown", "_evaluate_skipped", "_evaluate_again"
_HISTORY, _ERROR, _NOTE = "_evaluate_history", "_evaluate_error", "_evaluate_note"


@dataclass(frozen=True, slots=True)
class Step:
    """A grade that was given, and the one that it replaced."""

    set_id: int
    query_id: str
    document: str
    before: int | None
    grade: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Where grades of one query go; its methods are callbacks, which run before the script."""

    db: Database
    set_id: int
    query_id: str
    documents: frozenset[str]
    """Ids of the pool: nothing else is graded."""

    def press(self, key: GradeKey) -> None:
        """Do what a key says."""
        if key.action == UNDO:
            self.undo()
        elif key.document not in self.documents:
            return
        elif key.grade is None:
            self.skip(key.document)
        else:
            self.grade(key.document, key.grade, None)

    def grade(self, document: str, grade: int, seen: int | None) -> None:
        """Save a grade; `seen` is the one that was shown with the hit."""
        if self.db.read_only or document not in self.documents:
            return
        with noted():
            before = self._grade_of(document)
            judge(self.db, self.set_id, self.query_id, document, grade)
            step = Step(self.set_id, self.query_id, document, before, grade)
            st.session_state.setdefault(_HISTORY, []).append(step)
            again = st.session_state.get(_AGAIN, ())
            if before not in (None, seen, grade) and document not in again:
                st.session_state[_NOTE] = (
                    f"Somebody gave this hit {before} in the meantime; now it has {grade}. Undo "
                    f"brings the {before} back."
                )
            self._leave(document)

    def skip(self, document: str) -> None:
        """Go on without a grade; the hit comes again at the end."""
        skipped: dict[str, None] = st.session_state.setdefault(_SKIPPED, {})
        skipped.pop(document, None)
        skipped[document] = None
        self._leave(document)

    def undo(self) -> None:
        """Take the last grade of this set back, and show its hit again."""
        history: list[Step] = st.session_state.setdefault(_HISTORY, [])
        mine = [step for step in history if step.set_id == self.set_id]
        if not mine or self.db.read_only:
            return
        step = mine[-1]
        with noted():
            there = Desk(self.db, step.set_id, step.query_id, frozenset({step.document}))
            if there._grade_of(step.document) == step.grade:
                judge(self.db, step.set_id, step.query_id, step.document, step.before)
            else:
                st.session_state[_NOTE] = (
                    "Somebody graded this hit after you; their grade was left as it is."
                )
            history.remove(step)
            st.session_state[QUERY] = step.query_id
            show(step.document)

    def _grade_of(self, document: str) -> int | None:
        found = read_query_set(self.db, self.set_id).judgments
        return found.get(self.query_id, {}).get(document)

    def _leave(self, document: str) -> None:
        rest = [item for item in st.session_state.get(_AGAIN, ()) if item != document]
        show(None)
        st.session_state[_AGAIN] = rest


@contextmanager
def noted() -> Iterator[None]:
    """Keep an error of a callback for the script that runs next, and shows it."""
    try:
        yield
    except PgvistaError as error:
        st.session_state[_ERROR] = error


def take_messages() -> tuple[PgvistaError | None, str]:
    """Return what went wrong and what is to be told since the page was drawn, once."""
    return st.session_state.pop(_ERROR, None), st.session_state.pop(_NOTE, "")


def show(document: str | None) -> None:
    """Show one hit next; None for the first without a grade."""
    st.session_state[_SHOWN] = document
    st.session_state[_AGAIN] = ()


def go_to(query_id: str) -> None:
    """Judge another query."""
    st.session_state[QUERY] = query_id
    st.session_state[_SKIPPED] = {}
    show(None)


def again(hits: Sequence[PooledHit]) -> None:
    """Show all hits of a query once more."""
    show(None)
    st.session_state[_AGAIN] = [item.id for item in hits]


def can_undo(set_id: int) -> bool:
    """Tell whether a grade was given to this set in this session."""
    return any(step.set_id == set_id for step in st.session_state.get(_HISTORY, ()))


def next_hit(hits: Sequence[PooledHit], grades: Mapping[str, int]) -> PooledHit | None:
    """Return the hit to judge: the one asked for, else the first without a grade; skipped last."""
    by_id = {item.id: item for item in hits}
    if (shown := st.session_state.get(_SHOWN)) in by_id:
        return by_id[shown]
    if repeated := [item for item in st.session_state.get(_AGAIN, ()) if item in by_id]:
        return by_id[repeated[0]]
    left = [item for item in hits if item.id not in grades]
    skipped = list(st.session_state.get(_SKIPPED, {}))
    left.sort(key=lambda item: skipped.index(item.id) if item.id in skipped else -1)
    return left[0] if left else None


def next_query(now: QuerySet, after: str | None) -> str | None:
    """Return the next query nobody has judged, in the set's order, those behind `after` first.

    At the beginning, when all are judged, the first one; None where there is none.
    """
    ids = [query.id for query in now.queries]
    start = ids.index(after) + 1 if after in ids else 0
    ordered = ids[start:] + ids[: max(0, start - 1)]
    waiting = next((item for item in ordered if not now.judgments.get(item)), None)
    return waiting if waiting is not None or after is not None else next(iter(ids), None)
