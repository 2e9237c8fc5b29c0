"""Lesson: IVFFlat."""

from __future__ import annotations

from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.learn.frame import show_lesson
from pgvista.ui.learn.ivfflat import ivfflat_steps

with guarded(stop=True):
    show_lesson("ivfflat", ivfflat_steps(database()))
