"""Lesson: filters and recall."""

from __future__ import annotations

from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.learn.filtering import filtering_steps
from pgvista.ui.learn.frame import show_lesson

with guarded(stop=True):
    show_lesson("filtering", filtering_steps(database()))
