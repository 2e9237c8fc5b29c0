"""A small embedding service over real HTTP that answers as a test tells it to."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DIMENSION = 4


def vector_of(text: str) -> list[float]:
    """A vector that tells which text it belongs to."""
    return [float(len(text)), float(sum(map(ord, text)) % 997), 1.0, -1.0]


@dataclass(frozen=True)
class Reply:
    """What to answer to one request instead of vectors."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


@dataclass
class Service:
    """The running service: its address, what it was asked, and what it shall answer next."""

    url: str
    replies: deque[Reply] = field(default_factory=deque)
    """Answers to the next requests; when there are none left, vectors are answered."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    max_texts: int = 1000
    token_level: bool = False
    shuffled: bool = False

    @property
    def batch_sizes(self) -> list[int]:
        return [len(_texts(request)) for request in self.requests]


@contextmanager
def running_service() -> Iterator[Service]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    service = Service(f"http://127.0.0.1:{server.server_port}/v1")
    server.service = service  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        service: Service = self.server.service  # type: ignore[attr-defined]
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service.requests.append(request)
        service.authorizations.append(self.headers["Authorization"])
        texts = _texts(request)
        if service.replies:
            reply = service.replies.popleft()
        elif len(texts) > service.max_texts:
            reply = Reply(422, {"error": "batch size is above the maximum"})
        elif "input" in request:
            reply = Reply(body=_openai_answer(texts, service.shuffled))
        elif service.token_level:
            # One vector for each word, which is the text's vector times 0, 2 for two words.
            reply = Reply(body=[_token_vectors(text) for text in texts])
        else:
            reply = Reply(body=[vector_of(text) for text in texts])
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        time.sleep(reply.delay_s)
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        try:
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            pass  # The client has given up waiting, as some tests mean it to.

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _texts(request: dict[str, Any]) -> list[str]:
    texts: list[str] = request["input"] if "input" in request else request["inputs"]
    return texts


def openai_body(vectors: list[Any]) -> dict[str, Any]:
    """An answer of OpenAI's protocol with `vectors`."""
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(vectors)
    ]
    return {
        "object": "list",
        "data": data,
        "model": "m",
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }


def _openai_answer(texts: list[str], shuffled: bool) -> dict[str, Any]:
    body = openai_body([vector_of(text) for text in texts])
    if shuffled:
        body["data"].reverse()
    return body


def _token_vectors(text: str) -> list[list[float]]:
    words = text.split() or [text]
    n = len(words)
    return [[2.0 * i / (n - 1) * x if n > 1 else x for x in vector_of(text)] for i in range(n)]
