"""Has the timer of a fragment change nothing that the page itself has set.

The browser's timer runs a fragment of `run_every` with what every widget and the address held when
it went off. Where the page has just set some of them, and the browser does not know yet, Streamlit
takes the values of before for somebody's answer: it calls `on_change`, and the step, the knob or
the address goes back to what it was. A timer has nobody's answer, so its runs are given what the
session holds, and what was asked before a run begins stands above it.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequests,
    ScriptRequestType,
)

_request = ScriptRequests._request_rerun_locked
_run = ScriptRunner._run_script


def keep_what_was_set() -> None:
    """Have a run that a timer asks for bring no values of widgets and no address of its own."""
    ScriptRequests._request_rerun_locked = _request_of_timer  # type: ignore[method-assign]
    ScriptRunner._run_script = _run_of_timer  # type: ignore[method-assign]


def _request_of_timer(self: ScriptRequests, new_data: RerunData) -> bool:
    """Ask for a run; a timer adds its fragment to what is asked for already, and no more."""
    if new_data.is_auto_rerun:
        asked = self._rerun_data if self._state is ScriptRequestType.RERUN else new_data
        new_data = replace(
            asked,
            fragment_id=new_data.fragment_id,
            fragment_id_queue=[],
            widget_states=None,
            cached_message_hashes=new_data.cached_message_hashes,
        )
    return _request(self, new_data)


def _run_of_timer(self: ScriptRunner, rerun_data: RerunData) -> None:
    """Run the script; where only a timer asked for it, with the session's own address."""
    if rerun_data.is_auto_rerun:
        with self._session_state.query_params() as now:
            address = urlencode(now._query_params, doseq=True)
        # States without a widget: none has changed, and what was set by code counts as set.
        rerun_data = replace(rerun_data, query_string=address, widget_states=WidgetStates())
    _run(self, rerun_data)
