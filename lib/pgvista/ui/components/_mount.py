"""Loads the browser side of a component from `assets/`.

Every component is one JavaScript module and one style sheet beside the shared `dom.js` and
`base.css`, and the parts that several components draw. Text from the database reaches the page through ``textContent`` alone, never as HTML.
"""

from __future__ import annotations

from importlib import resources

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer


def component(name: str, *parts: str) -> ComponentRenderer:
    """Register ``assets/<name>.js`` and ``.css`` as ``pgvista.<name>``, after those of its `parts`.

    What it draws by its parts alone needs no style sheet of its own.
    """
    folder = resources.files(__package__).joinpath("assets")
    script, style = (
        "\n".join(
            file.read_text("utf-8")
            for part in (first, *parts, name)
            if (file := folder.joinpath(f"{part}.{ending}")).is_file()
        )
        for first, ending in (("dom", "js"), ("base", "css"))
    )
    return st.components.v2.component(f"pgvista.{name}", js=script, css=style)
