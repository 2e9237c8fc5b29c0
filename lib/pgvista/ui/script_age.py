"""Lets the browser keep a component's script that names its version, rather than fetch it each time.

Streamlit serves a component's files without an age, so Plotly's script, of 1.5 MB as it is sent, was
fetched at every visit. An address with `?v=` is that of one version and never holds
another, so it may be kept for good.
"""

from __future__ import annotations

from typing import Any

from streamlit.web.server.starlette import starlette_app

_KEPT = b"public, max-age=31536000, immutable"
_middleware = starlette_app.create_streamlit_middleware


def let_versions_be_kept() -> None:
    """Have files of components be answered with an age where their address names a version."""
    starlette_app.create_streamlit_middleware = _with_age


def _with_age() -> list[Any]:
    own: list[Any] = list(_middleware())
    return [*own, type(own[0])(VersionAge)]  # Starlette's, which comes with Streamlit


class VersionAge:
    """Sets the age of what is answered to ``/component/…?v=…``; all else passes as it is."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""

        async def with_age(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                kept = [pair for pair in message["headers"] if pair[0].lower() != b"cache-control"]
                message = {**message, "headers": [*kept, (b"cache-control", _KEPT)]}
            await send(message)

        named = scope["type"] == "http" and scope.get("query_string", b"").startswith(b"v=")
        ours = named and "/component/" in scope["path"]
        await self._app(scope, receive, with_age if ours else send)
