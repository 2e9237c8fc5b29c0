"""Lesson: vectors in fewer bytes, what is lost, and how re-ranking brings it back."""

from __future__ import annotations

from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.learn.frame import show_lesson
from pgvista.ui.learn.smaller import smaller_steps

with guarded(stop=True):
    show_lesson("smaller", smaller_steps(database()))
