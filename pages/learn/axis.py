"""Lesson 3: a concept axis."""

from __future__ import annotations

from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.learn.axis import axis_steps
from pgvista.ui.learn.frame import show_lesson

with guarded(stop=True):
    show_lesson("axis", axis_steps(database()))
