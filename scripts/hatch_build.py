"""Puts the app itself into the wheel, so that `pgvista run` works from any folder.

A build hook and not `force-include`: an editable install must find the checkout's own files, never
a copy of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

APP_FILES = ("app.py", "pages", ".streamlit")


class AppBuildHook(BuildHookInterface[Any]):
    """Adds `APP_FILES` to a wheel as `pgvista/_app/`; pgvista.paths looks for them there."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to add; an editable wheel gets none."""
        if version == "standard":
            build_data["force_include"].update(
                {str(Path(self.root) / name): f"pgvista/_app/{name}" for name in APP_FILES}
            )
