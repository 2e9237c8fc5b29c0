"""The frame of a lesson: its steps one at a time, predictions, notes, and presenter's mode.

Which step is shown, and whether it is presented, stand in the address; so do the knobs that a step
gives to `keep_in_address`. A link to a lesson is a link to what is seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pgvista.ui.components.lesson_keys import LessonKey, lesson_keys
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.errors import guarded, plain
from pgvista.ui.learn.lessons import OVERVIEW, Lesson, lessons
from pgvista.ui.state import PARAMETER, link

STEP, PRESENT = "step", "present"
"""Names in the address."""

_LESSON = "_learn_lesson"
_PENDING = "_learn_pending"
_ADDRESS = "_learn_address"
_NOTES = "learn_notes"
_DATA_PLACE, _DATA_WIDTH = "_learn_data_place", 240

_LARGE = """<style>
:root:root { font-size: clamp(15px, 1.5vw, 26px); }
.stMain .stMainBlockContainer { padding: 1.2rem 3rem 1rem; max-width: 90rem; }
</style>"""


@dataclass(frozen=True, slots=True)
class Step:
    """One screen of a lesson."""

    name: str
    """Short and unique in the lesson: it stands in the address and on the step's button."""
    title: str
    """A sentence that says what is seen."""
    body: Callable[[], None]
    """Draws it; called for the step that is shown and for no other."""
    notes: str
    """What a teacher says here, as Markdown."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What the reader said before the answer was shown."""

    choice: str | None
    """None when the answer was asked for without a guess."""
    shown: str = ""
    """The session's key that says that the answer is shown."""


def presenting() -> bool:
    """Tell whether the page is presented: large type, no sidebar, one step by a key."""
    return st.query_params.get(PRESENT) == "1"


def data_place() -> DeltaGenerator:
    """Return where a step puts the choice of its data: in the lesson's head.

    It is there while a lesson is read, and not while it is presented.
    """
    place: DeltaGenerator = st.session_state[_DATA_PLACE]
    return place


def show_lesson(key: str, steps: Sequence[Step]) -> None:
    """Draw the lesson `key`: its head, the step that the address names, and the way on."""
    found = lessons()
    lesson = next(item for item in found if item.key == key)
    st.session_state[_LESSON] = key
    st.session_state.pop(_PENDING, None)
    at = _step_shown(steps)
    if presenting():
        _present(lesson, steps, at)
    else:
        _read(lesson, found, steps, at)


def predict(name: str, question: str, options: Sequence[str]) -> Guess | None:
    """Ask before the answer is shown; return None until the reader wants to see it.

    Draw no answer while it returns None. A guess, once revealed, stays until it is asked again.

    Args:
        name: Unique in the lesson.
        question: One sentence.
        options: What can be answered, two to five of them.
    """
    prefix = f"{_prefix()}{name}"
    choice, shown = f"{prefix}_guess", f"{prefix}_shown"
    state = st.session_state
    if state.get(shown):
        return Guess(state.get(f"{choice}_kept"), shown)
    state[_PENDING] = (choice, shown, tuple(options))
    with st.container(border=True, key=f"{prefix}_box"):
        st.markdown(f":material/help: **{question}**")
        with st.container(horizontal=True, vertical_alignment="center"):
            guess = st.pills(
                "Your prediction",
                options,
                key=choice,
                format_func=plain,
                label_visibility="collapsed",
            )
            st.button(
                "Reveal",
                key=f"{prefix}_reveal",
                type="primary" if guess is not None else "secondary",
                on_click=_reveal,
                args=(choice, shown),
            )
    return None


def verdict(guess: Guess, answer: str, why: str) -> None:
    """Say what is right, beside what was said; `why` is a sentence, as Markdown."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        with st.container():  # shares the line with the button, as a message of its own would not
            if guess.choice is None:
                st.info(f"**{plain(answer)}.** {why}", icon=":material/lightbulb:")
            elif guess.choice == answer:
                right = f"**{plain(answer)}: as you said.** {why}"
                st.success(right, icon=":material/check_circle:")
            else:
                said = f"You said {plain(guess.choice)}; it is **{plain(answer)}**."
                st.warning(f"{said} {why}", icon=":material/lightbulb:")
        if guess.shown and not presenting():
            st.button(
                "Predict again",
                key=f"{guess.shown}_again",
                type="tertiary",
                icon=":material/replay:",
                on_click=_hide,
                args=(guess.shown,),
            )


def sql_behind(sql: str | Sequence[str], *, name: str = "sql") -> None:
    """Put the SQL as it was run beneath what it showed, closed at first."""
    with st.expander("The SQL behind it", icon=":material/database:"):
        for number, text in enumerate([sql] if isinstance(sql, str) else sql):
            sql_panel(text, key=f"{_prefix()}{name}_{number}")


def try_it(label: str, page: str, **params: str) -> None:
    """Draw the link that opens a working page with the same settings.

    Args:
        label: What happens there.
        page: A short name of `ui.state.PAGES`, or a path.
        params: What stands in that page's own permalink, such as ``search_mode="hybrid"``.
    """
    link(page, label, icon=":material/open_in_new:", **params)


def keep_in_address(defaults: Mapping[str, float | int | str | bool]) -> None:
    """Keep the session's values of these keys in the address, and take them from there on arrival.

    Call it before the widgets of these keys are drawn. What stands at its default is left out; a
    value of the address that is not of the default's type is passed over.
    """
    state, prefix = st.session_state, _prefix()
    seen: dict[str, str] = state.setdefault(_ADDRESS, {})
    for key, default in defaults.items():
        name = key.removeprefix(prefix)
        given = st.query_params.get(name)
        if given is not None and given != seen.get(key):
            value = _parsed(given, default)
            if value is not None:
                state[key] = value
        value = state.get(key, default)
        text = _written(value)
        seen[key] = text
        if value == default or value is None:
            if name in st.query_params:
                del st.query_params[name]
        elif given != text:
            st.query_params[name] = text


def lesson_prefix() -> str:
    """Return what the session's keys of the lesson begin with."""
    return _prefix()


def _read(lesson: Lesson, found: Sequence[Lesson], steps: Sequence[Step], at: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"## {lesson.title}", width="content")
        st.space("stretch")
        st.session_state[_DATA_PLACE] = st.container(width=_DATA_WIDTH)
        st.markdown(f":gray[Lesson {lesson.number} of {len(found)}]", width="content")
        st.button(
            "Present",
            key=f"{_prefix()}present",
            icon=":material/slideshow:",
            type="tertiary",
            help="Large type, no sidebar; arrow keys or a clicker turn the steps. Key P.",
            on_click=_set_present,
            args=(True,),
        )
    st.markdown(f":gray[{lesson.idea}]")
    _outline(steps, at)
    step = steps[at]
    st.markdown(f"### {step.title}")
    with guarded():
        step.body()
    with st.container(horizontal=True, vertical_alignment="center", key=f"{_prefix()}ways"):
        st.button(
            "Back",
            key=f"{_prefix()}back",
            icon=":material/arrow_back:",
            disabled=at == 0,
            on_click=_go_to,
            args=(steps[max(at - 1, 0)].name,),
        )
        if at + 1 < len(steps):
            st.button(
                f"Next: {steps[at + 1].name}",
                key=f"{_prefix()}next",
                icon=":material/arrow_forward:",
                type="primary",
                on_click=_go_to,
                args=(steps[at + 1].name,),
            )
        elif lesson.number < len(found):
            following = found[lesson.number]
            st.page_link(
                following.path,
                label=f"Next lesson: {following.title}",
                icon=":material/arrow_forward:",
                query_params=_carried(),
            )
        else:
            st.page_link(OVERVIEW, label="All lessons", icon=":material/school:")
    with st.expander("Notes for the teacher", icon=":material/school:"):
        st.markdown(step.notes)
    _listen(steps, at)


def _present(lesson: Lesson, steps: Sequence[Step], at: int) -> None:
    st.html(_LARGE)
    step = steps[at]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown(f"## {step.title}", width="content")
        st.space("stretch")
        st.markdown(f":gray[{lesson.title} · {at + 1} of {len(steps)}]", width="content")
    with guarded():
        step.body()
    if st.session_state.get(_NOTES):
        with st.container(border=True, key=f"{_prefix()}notes"):
            st.markdown(f":material/school: {step.notes}")
    _listen(steps, at)


def _outline(steps: Sequence[Step], at: int) -> None:
    names = [step.name for step in steps]
    key = f"{_prefix()}outline"
    st.session_state[key] = names[at]
    numbers = {name: number for number, name in enumerate(names, 1)}
    st.segmented_control(
        "Step",
        names,
        key=key,
        format_func=lambda name: f"{numbers[name]} · {name}",
        label_visibility="collapsed",
        on_change=_from_outline,
        args=(key,),
    )


def _listen(steps: Sequence[Step], at: int) -> None:
    names = [step.name for step in steps]

    def pressed(key: LessonKey) -> None:
        pending = st.session_state.get(_PENDING)
        if key is LessonKey.NEXT and pending is not None:
            _reveal(pending[0], pending[1])
        elif key is LessonKey.NEXT:
            _go_to(names[min(at + 1, len(names) - 1)])
        elif key is LessonKey.BACK:
            _go_to(names[max(at - 1, 0)])
        elif key is LessonKey.NOTES:
            st.session_state[_NOTES] = not st.session_state.get(_NOTES)
        elif key in (LessonKey.PRESENT, LessonKey.LEAVE):
            _set_present(key is LessonKey.PRESENT)

    lesson_keys(key=f"{_prefix()}keys", presenting=presenting(), pressed=pressed)


def _step_shown(steps: Sequence[Step]) -> int:
    names = [step.name for step in steps]
    asked = st.query_params.get(STEP)
    return names.index(asked) if asked in names else 0


def _go_to(name: str) -> None:
    st.query_params[STEP] = name


def _from_outline(key: str) -> None:
    if (name := st.session_state.get(key)) is not None:
        _go_to(name)


def _set_present(on: bool) -> None:
    if on:
        st.query_params[PRESENT] = "1"
    else:
        st.query_params.pop(PRESENT, None)


def _reveal(choice: str, shown: str) -> None:
    # A widget's own value is gone once it is no longer drawn.
    st.session_state[f"{choice}_kept"] = st.session_state.get(choice)
    st.session_state[shown] = True


def _hide(shown: str) -> None:
    st.session_state[shown] = False


def _carried() -> dict[str, str]:
    """Return what the address of the next lesson takes over."""
    return {name: st.query_params[name] for name in (PARAMETER,) if name in st.query_params}


def _prefix() -> str:
    return f"learn_{st.session_state.get(_LESSON, '')}_"


def _parsed(text: str, default: float | str | bool) -> float | str | bool | None:
    if isinstance(default, bool):
        return text == "1"
    if isinstance(default, str):
        return text
    try:
        number = int(text) if isinstance(default, int) else float(text)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
