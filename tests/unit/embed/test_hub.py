from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from pgvista.embed import hub
from pgvista.errors import InvalidInput, ModelUnavailable

Answer = Callable[..., dict[str, Any]]


@pytest.fixture
def hub_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Answer]:
    """A hub on this machine, with an empty cache; call the fixture to say what it answers.

    ``hub_answers(status, headers, late=False)`` returns a dict, whose "asked" counts the requests.
    """
    answer: dict[str, Any] = {"asked": 0}
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer["asked"] += 1
            if answer["late"]:
                over.wait(60)
            content = json.dumps({"id": "owner/model"} if answer["status"] == 200 else {}).encode()
            try:
                self.send_response(answer["status"])
                for name, value in answer["headers"].items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # The client has given up waiting, as one test means it to.

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(huggingface_hub, "HfApi", partial(huggingface_hub.HfApi, endpoint=address))
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))

    def say(status: int, headers: dict[str, str], *, late: bool = False) -> dict[str, Any]:
        answer.update(status=status, headers=headers, late=late)
        return answer

    yield say
    over.set()
    server.shutdown()
    server.server_close()


def test_the_hub_has_the_model(hub_answers: Answer) -> None:
    hub_answers(200, {})
    assert hub.is_reachable("owner/model")


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_failing_hub_counts_as_unreachable(hub_answers: Answer, status: int) -> None:
    answer = hub_answers(status, {})
    assert not hub.is_reachable("owner/model")
    assert answer["asked"] == 1  # and not again and again, as the hub's own client does


def test_a_slow_hub_counts_as_unreachable(
    hub_answers: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "ANSWER_WITHIN_S", 0.2)
    answer = hub_answers(200, {}, late=True)  # it says nothing before the test is over
    assert not hub.is_reachable("owner/model")
    assert answer["asked"] == 1


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (404, "RepoNotFound", "has no model owner/model"),
        (401, "RepoNotFound", "has no model owner/model"),
        (403, "GatedRepo", "accepted its terms"),
        (403, "", "refused to give the model owner/model"),
    ],
)
def test_a_refusal_is_model_unavailable(
    hub_answers: Answer, status: int, code: str, message: str
) -> None:
    hub_answers(status, {"X-Error-Code": code} if code else {})
    with pytest.raises(ModelUnavailable, match=message) as caught:
        hub.is_reachable("owner/model")
    assert caught.value.hint


@pytest.mark.parametrize("name", ["a b/c", "a/b/c", "-x", "x" * 200])
def test_impossible_names_are_invalid(name: str) -> None:
    with pytest.raises(InvalidInput):
        hub.is_reachable(name)
    assert not hub.has_complete_copy(name)


@pytest.mark.parametrize(
    ("files", "absent", "complete"),
    [
        ({"config.json", "modules.json"}, set(), True),
        ({"config.json"}, {"modules.json"}, True),
        ({"config.json"}, set(), False),
        ({"modules.json"}, set(), False),
        (set(), set(), False),
    ],
)
def test_complete_copies_in_the_cache(
    files: set[str],
    absent: set[str],
    complete: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    model = tmp_path / "models--owner--model"
    commit = "0" * 40
    for folder, names in (("snapshots", files), (".no_exist", absent)):
        (model / folder / commit).mkdir(parents=True)
        for name in names:
            (model / folder / commit / name).write_text("{}")
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(commit)
    assert hub.has_complete_copy("owner/model") is complete
