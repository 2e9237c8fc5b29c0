"""Lesson: Keyword search."""

from __future__ import annotations

from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.learn.frame import show_lesson
from pgvista.ui.learn.keyword import keyword_steps

with guarded(stop=True):
    show_lesson("keyword", keyword_steps(database()))
