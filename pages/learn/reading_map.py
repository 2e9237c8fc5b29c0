"""Lesson: reading a map."""

from __future__ import annotations

from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.learn.frame import show_lesson
from pgvista.ui.learn.reading_map import reading_map_steps

with guarded(stop=True):
    show_lesson("reading_map", reading_map_steps(database()))
