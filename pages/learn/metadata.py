"""Lesson: structured and unstructured metadata."""

from __future__ import annotations

from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.learn.frame import show_lesson
from pgvista.ui.learn.metadata import metadata_steps

with guarded(stop=True):
    show_lesson("metadata", metadata_steps(database()))
