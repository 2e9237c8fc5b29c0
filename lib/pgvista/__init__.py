"""The workbench for vectors in Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pgvista.errors import PgvistaError

if TYPE_CHECKING:
    from pgvista.api import Collection, Workbench, connect

__version__ = "0.1.0"
__all__ = ["Collection", "PgvistaError", "Workbench", "__version__", "connect"]


def __getattr__(name: str) -> Any:
    """Import the Python face when it is first used, so that the first paint does not wait for it."""
    if name in ("Collection", "Workbench", "connect"):
        from pgvista import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
