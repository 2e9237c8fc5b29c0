"""The frame of a lesson: steps by address, predictions, notes, presenter's mode, data to run on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Workbench
from pgvista.ui.learn import data, frame
from pgvista.ui.learn.lessons import OVERVIEW, lessons


def script() -> None:
    """Three steps: a knob in the address, a prediction, the end."""
    import streamlit as st

    from pgvista.ui.learn import frame

    def knob() -> None:
        frame.keep_in_address({"learn_fusion_k": 60.0, "learn_fusion_word": "cat"})
        st.markdown(f"k is {st.session_state.get('learn_fusion_k', 60.0):g}")
        st.markdown(f"word is {st.session_state.get('learn_fusion_word', 'cat')}")

    def guess() -> None:
        said = frame.predict("first", "Which comes first?", ("this", "that"))
        if said is None:
            return
        frame.verdict(said, "that", "Because it does.")

    def end() -> None:
        st.markdown("the end")

    frame.show_lesson(
        "fusion",
        (
            frame.Step("knob", "A knob", knob, "say knob"),
            frame.Step("guess", "A guess", guess, "say guess"),
            frame.Step("end", "An end", end, "say end"),
        ),
    )


def opened(**params: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=30)
    for key, value in params.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def address(app: AppTest) -> Mapping[str, str]:
    found = dict(app.query_params)
    return {name: text if isinstance(text, str) else text[0] for name, text in found.items()}


def test_steps_go_on_and_back_by_the_address() -> None:
    app = opened()
    assert "A knob" in texts(app)
    app.button(key="learn_fusion_next").click().run()
    assert "A guess" in texts(app)
    assert address(app) == {"step": "guess"}
    app.button(key="learn_fusion_back").click().run()
    assert address(app) == {"step": "knob"}
    assert app.button(key="learn_fusion_back").disabled
    app.segmented_control(key="learn_fusion_outline").set_value("end").run()
    assert "the end" in texts(app)


def test_a_step_that_is_not_there_is_the_first() -> None:
    assert "A knob" in texts(opened(step="'; drop table"))


def test_nothing_is_answered_before_it_is_asked_for() -> None:
    app = opened(step="guess")
    assert "Because" not in texts(app)
    app.button_group(key="learn_fusion_first_guess").select("this").run()
    assert "Because" not in texts(app)
    app.button(key="learn_fusion_first_reveal").click().run()
    assert "You said this; it is **that**. Because it does." in texts(app)
    app.button(key="learn_fusion_first_shown_again").click().run()
    assert "Because" not in texts(app)


def test_the_answer_without_a_guess_and_as_guessed() -> None:
    app = opened(step="guess")
    app.button(key="learn_fusion_first_reveal").click().run()
    assert [item.value for item in app.info] == ["**that.** Because it does."]
    app.button(key="learn_fusion_first_shown_again").click().run()
    app.button_group(key="learn_fusion_first_guess").select("that").run()
    app.button(key="learn_fusion_first_reveal").click().run()
    assert "as you said" in texts(app)


def test_knobs_come_from_the_address_and_stand_in_it() -> None:
    app = opened(k="7", word="dog; --")
    assert "k is 7" in texts(app)
    assert "word is dog; --" in texts(app)
    app.session_state["learn_fusion_k"] = 60.0
    app.run()
    assert address(app) == {"word": "dog; --"}
    app.session_state["learn_fusion_k"] = 0.5
    app.run()
    assert address(app) == {"word": "dog; --", "k": "0.5"}


@pytest.mark.parametrize("text", ["much", "", "1e999999", "nan"])
def test_what_is_no_number_is_passed_over(text: str) -> None:
    assert "k is 60" in texts(opened(k=text))


def test_presented_it_has_neither_head_nor_ways() -> None:
    app = opened(present="1", step="guess")
    assert "A guess" in texts(app)
    assert "Lesson " not in texts(app)
    assert not [
        item for item in app.button if item.key in ("learn_fusion_next", "learn_fusion_back")
    ]
    assert "say guess" not in texts(app)
    app.session_state["learn_notes"] = True
    app.run()
    assert "say guess" in texts(app)


def test_present_is_in_the_address() -> None:
    app = opened()
    app.button(key="learn_fusion_present").click().run()
    assert address(app) == {"present": "1"}


def test_every_lesson_is_numbered_and_has_its_page(open_page: OpenPage) -> None:
    found = lessons()
    assert [item.number for item in found] == list(range(1, 12))
    said = texts(open_page(OVERVIEW))
    for item in found:
        assert item.idea in said


def test_where_nothing_fits_the_sample_is_offered(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Callable[..., object]] = []

    def start_job(name: str, work: Callable[..., object], *, exclusive: str | None) -> object:
        started.append(work)
        raise frame.st.runtime.scriptrunner.StopException  # type: ignore[attr-defined]

    workbench.create_collection("points", dimension=3)  # no texts
    app = open_page("pages/learn/fusion.py")
    assert "This lesson runs on real rows" in texts(app)
    monkeypatch.setattr(data, "start_job", start_job)
    app.button(key="learn_no_data.load").click().run()
    assert len(started) == 1
