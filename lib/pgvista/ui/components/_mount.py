"""Loads the browser side of a component from `assets/`.

Every component is one JavaScript module and one style sheet beside the shared `dom.js` and
`base.css`. Text from the database reaches the page through ``textContent`` alone, never as HTML.
"""

from __future__ import annotations

from importlib import resources

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer


def component(name: str) -> ComponentRenderer:
    """Register ``assets/<name>.js`` and ``assets/<name>.css`` as ``pgvista.<name>``."""
    folder = resources.files(__package__).joinpath("assets")
    script, style = (
        "\n".join(folder.joinpath(file).read_text("utf-8") for file in files)
        for files in (("dom.js", f"{name}.js"), ("base.css", f"{name}.css"))
    )
    return st.components.v2.component(f"pgvista.{name}", js=script, css=style)
