"""What a timer asks for takes nothing from what somebody asked for."""

from __future__ import annotations

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from pgvista.ui.timed_runs import keep_what_was_set


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> ScriptRequests:
    """Return requests as the app's; Streamlit's own are restored after the test."""
    for owner, name in ((ScriptRequests, "_request_rerun_locked"), (ScriptRunner, "_run_script")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    keep_what_was_set()
    return ScriptRequests()


def _states(value: str) -> WidgetStates:
    return WidgetStates(widgets=[WidgetState(id="step", string_value=value)])


def _click(value: str, **more: str) -> RerunData:
    return RerunData(f"step={value}", _states(value), page_script_hash="here", **more)  # type: ignore[arg-type]


def _timer(value: str, fragment: str = "watch") -> RerunData:
    """Return what the browser's timer sends, with values of before."""
    return RerunData(
        f"step={value}",
        _states(value),
        page_script_hash="before",
        fragment_id=fragment,
        is_auto_rerun=True,
    )


def _asked(requests: ScriptRequests) -> RerunData:
    found = requests.on_scriptrunner_ready()
    return found.rerun_data


def test_a_timer_brings_no_values(requests: ScriptRequests) -> None:
    requests.request_rerun(_timer("old"))
    asked = _asked(requests)
    assert asked.widget_states is None
    assert asked.fragment_id_queue == ["watch"]
    assert asked.is_auto_rerun


def test_a_click_that_waits_is_not_overtaken(requests: ScriptRequests) -> None:
    requests.request_rerun(_click("new"))
    requests.request_rerun(_timer("old"))
    asked = _asked(requests)
    assert asked.widget_states == _states("new")
    assert (asked.query_string, asked.page_script_hash) == ("step=new", "here")
    assert asked.fragment_id_queue == []  # the whole page, and with it the fragment
    assert not asked.is_auto_rerun


def test_a_click_in_a_fragment_and_a_timer_run_both(requests: ScriptRequests) -> None:
    requests.request_rerun(_click("new", fragment_id="knob"))
    requests.request_rerun(_timer("old"))
    asked = _asked(requests)
    assert asked.widget_states == _states("new")
    assert asked.fragment_id_queue == ["knob", "watch"]


def test_a_click_after_a_timer_is_taken(requests: ScriptRequests) -> None:
    requests.request_rerun(_timer("old"))
    requests.request_rerun(_timer("old", "another"))
    requests.request_rerun(_click("new", fragment_id="knob"))
    asked = _asked(requests)
    assert asked.widget_states == _states("new")
    assert asked.fragment_id_queue == ["watch", "another", "knob"]
    assert not asked.is_auto_rerun


def test_streamlit_alone_takes_the_timers_values() -> None:
    """When this fails, Streamlit has mended it: `ui.timed_runs` can go."""
    requests = ScriptRequests()
    requests.request_rerun(_click("new"))
    requests.request_rerun(_timer("old"))
    asked = _asked(requests)
    assert asked.widget_states == _states("old")
    assert asked.query_string == "step=old"
