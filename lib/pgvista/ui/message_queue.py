"""Keeps what a run of the whole page drew until it has gone to the browser.

When a fragment begins to run, Streamlit drops what the same fragment drew before and is not sent
yet. It drops that of a finished run of the whole page too, but keeps the message that says that run
has finished; so the browser removes the fragment as one that is not there any more. The fragments
that follow then have no place: the browser stops at "Bad delta path index", and the page is white.
It is seen where fragments that look after a job run the page anew while the machine is busy.
"""

from __future__ import annotations

from collections.abc import Sequence

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

_clear = ForwardMsgQueue.clear


def keep_finished_runs() -> None:
    """Have a fragment's run drop only what was drawn since the whole page was last run to its end."""
    ForwardMsgQueue.clear = _clear_since_finished  # type: ignore[method-assign]


def _clear_since_finished(
    self: ForwardMsgQueue,
    retain_lifecycle_msgs: bool = False,
    fragment_ids_this_run: list[str] | None = None,
) -> None:
    count = _finished(self._queue) if fragment_ids_this_run else 0
    drawn, self._queue = self._queue[:count], self._queue[count:]
    _clear(self, retain_lifecycle_msgs, fragment_ids_this_run)
    self._queue[:0] = drawn


def _finished(messages: Sequence[ForwardMsg]) -> int:
    """Return how many messages there are up to the end of the last run of the whole page."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if (
            message.WhichOneof("type") == "script_finished"
            and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        ):
            return place + 1
    return 0
