"""What a finished run drew is sent, whatever fragment begins to run before it has gone out."""

from __future__ import annotations

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from pgvista.ui.message_queue import keep_finished_runs


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> ForwardMsgQueue:
    """Return a queue as the app's; Streamlit's own is restored after the test."""
    monkeypatch.setattr(ForwardMsgQueue, "clear", ForwardMsgQueue.clear)
    keep_finished_runs()
    return ForwardMsgQueue()


def _drawn(path: list[int], fragment: str = "") -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    message.delta.fragment_id = fragment
    message.delta.add_block.vertical.SetInParent()
    return message


def _finished(status: ForwardMsg.ScriptFinishedStatus.ValueType) -> ForwardMsg:
    return ForwardMsg(script_finished=status)


def _page(queue: ForwardMsgQueue) -> None:
    """Draw a page with two fragments, to its end."""
    for message in (
        _drawn([0, 0]),
        _drawn([0, 1], "watch"),
        _drawn([0, 2]),
        _drawn([0, 3], "again"),
        _finished(ForwardMsg.FINISHED_SUCCESSFULLY),
    ):
        queue.enqueue(message)


def _paths(queue: ForwardMsgQueue) -> list[list[int]]:
    return [list(m.metadata.delta_path) for m in queue.flush() if m.HasField("delta")]


def _fragment_begins(queue: ForwardMsgQueue, *fragments: str) -> None:
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=list(fragments))


def test_a_fragment_leaves_what_the_whole_page_drew(queue: ForwardMsgQueue) -> None:
    _page(queue)
    _fragment_begins(queue, "watch", "again")
    assert _paths(queue) == [[0, 0], [0, 1], [0, 2], [0, 3]]


def test_what_the_fragment_drew_since_is_dropped(queue: ForwardMsgQueue) -> None:
    _page(queue)
    _fragment_begins(queue, "watch")
    queue.enqueue(_drawn([0, 1, 0], "watch"))
    queue.enqueue(_drawn([0, 3, 0], "again"))
    _fragment_begins(queue, "watch")
    assert _paths(queue) == [[0, 0], [0, 1], [0, 2], [0, 3], [0, 3, 0]]


def test_a_run_that_was_stopped_is_dropped_as_before(queue: ForwardMsgQueue) -> None:
    queue.enqueue(_drawn([0, 1], "watch"))
    queue.enqueue(_finished(ForwardMsg.FINISHED_EARLY_FOR_RERUN))
    _fragment_begins(queue, "watch")
    assert _paths(queue) == []


def test_a_run_of_the_whole_page_drops_all_as_before(queue: ForwardMsgQueue) -> None:
    _page(queue)
    queue.clear(retain_lifecycle_msgs=True)
    assert [message.WhichOneof("type") for message in queue.flush()] == ["script_finished"]


def test_streamlit_alone_loses_it() -> None:
    """When this fails, Streamlit has mended it: `ui.message_queue` can go."""
    queue = ForwardMsgQueue()
    _page(queue)
    _fragment_begins(queue, "watch", "again")
    assert _paths(queue) == [[0, 0], [0, 2]]
