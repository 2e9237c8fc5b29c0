"""A script whose address names its version is kept by the browser; nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.web.server.starlette import starlette_app

from pgvista.ui.script_age import VersionAge, let_versions_be_kept

PATH = "/component/a.plotly/plotly.min.js"


def answered(path: str, query: bytes, status: int = 200) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that had Streamlit's own age."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/javascript"), (b"cache-control", b"public")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"data"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "query_string": query}
    with pytest.raises(StopIteration):  # it ends without waiting: no event loop is needed
        VersionAge(app)(scope, None, send).send(None)
    assert sent[1]["body"] == b"data"
    found: list[tuple[bytes, bytes]] = sent[0]["headers"]
    return found


def test_a_version_is_kept_for_good() -> None:
    headers = dict(answered(PATH, b"v=7.1.0"))
    assert headers[b"cache-control"] == b"public, max-age=31536000, immutable"
    assert headers[b"content-type"] == b"text/javascript"


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [(PATH, b"", 200), ("/search", b"v=1", 200), (PATH, b"v=7.1.0", 404)],
)
def test_all_else_passes_as_it_is(path: str, query: bytes, status: int) -> None:
    assert (b"cache-control", b"public") in answered(path, query, status)


def test_it_stands_in_front_of_streamlits_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = starlette_app.create_streamlit_middleware()
    monkeypatch.setattr(starlette_app, "create_streamlit_middleware", lambda: own)
    let_versions_be_kept()
    made = starlette_app.create_streamlit_middleware()
    assert [item.cls for item in made] == [*(item.cls for item in own), VersionAge]
