"""Where a filter is kept in the session, and the place in it that the builder's form works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pgvista.errors import InvalidInput
from pgvista.ui.filter_outline import Group, Path, text_of


@dataclass(frozen=True, slots=True)
class Place:
    """The group that a condition is added to, or the condition that is changed."""

    text: str = ""
    """The filter that `path` leads into; in another one it leads nowhere."""
    path: Path = ()
    changing: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A filter's place: the key of its text in the session, and what to do when it changes."""

    key: str
    on_change: Callable[[], None] | None = None

    @property
    def text(self) -> str:
        """The filter's JSON as it stands; empty for none."""
        return st.session_state.get(self.key) or ""

    @property
    def place(self) -> Place:
        """What the form works on: the outermost group, unless another place was chosen."""
        kept: Place | None = st.session_state.get(self.part("place"))
        return kept if kept is not None and kept.text == self.text else Place(self.text)

    def write(self, text: str) -> None:
        """Put another filter in its place."""
        if text != self.text:
            st.session_state[self.key] = text
            if self.on_change is not None:
                self.on_change()

    def go(self, path: Path = (), *, changing: bool = False) -> None:
        """Let the form work on what is at `path`."""
        st.session_state[self.part("place")] = Place(self.text, path, changing)

    def change(self, root: Group, path: Path = ()) -> None:
        """Write the filter `root`, and let conditions be added to its group at `path`.

        It says why beneath the form, and changes nothing, when that is no filter: nested too deep.
        """
        self.put(root, path)

    def put(self, root: Group, path: Path) -> bool:
        """Do as `change` does, and return whether it was done."""
        try:
            made = text_of(root)
        except InvalidInput as error:
            self.say(error.message)
            return False
        self.write(made)
        self.go(path)
        return True

    def say(self, problem: str) -> None:
        """Show a sentence beneath the form, once."""
        st.session_state[self.part("problem")] = problem

    def part(self, name: str) -> str:
        """Return the key of a widget, or of something to remember."""
        return f"{self.key}_{name}"
