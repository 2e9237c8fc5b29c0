"""The first page of Learn: the lessons, each with its idea."""

from __future__ import annotations

import streamlit as st

from pgvista.ui.learn.lessons import Lesson, lessons

_PER_ROW = 3


def show_overview() -> None:
    """Draw the lessons as cards, in the order to take them."""
    st.markdown("## Lessons")
    st.markdown(
        ":gray[Each takes some minutes and shows one idea on the real model, the real index and "
        "the real SQL: predict, reveal, turn the knobs, then try it on your own collection.]"
    )
    found = lessons()
    for start in range(0, len(found), _PER_ROW):
        for column, lesson in zip(
            st.columns(_PER_ROW), found[start : start + _PER_ROW], strict=False
        ):
            with column:
                _card(lesson)


def _card(lesson: Lesson) -> None:
    with st.container(border=True, height="stretch"):
        st.page_link(lesson.path, label=f"**{lesson.number} · {lesson.title}**", icon=lesson.icon)
        st.markdown(f":gray[{lesson.idea}]")
