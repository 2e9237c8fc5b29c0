"""Where the app's own files lie, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

from pgvista.errors import NotFound


def app_script(package: Path = Path(__file__).parent) -> Path:
    """Return the absolute path of app.py; `pages/` and `.streamlit/` lie beside it.

    A wheel carries it as `pgvista/_app/app.py`; in a checkout, installed editable, it stands two
    folders above `lib/pgvista`. Raises NotFound when it is in neither place.
    """
    package = package.resolve()
    for script in (package / "_app" / "app.py", package.parent.parent / "app.py"):
        if script.is_file():
            return script
    raise NotFound(
        "The app's own file app.py is missing from this installation.",
        "Install pgvista again.",
    )
