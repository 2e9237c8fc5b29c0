"""Lesson: the walk through an HNSW graph, step by step, and pgvector's own index beside it."""

from __future__ import annotations

from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.learn.frame import show_lesson
from pgvista.ui.learn.hnsw import hnsw_steps

with guarded(stop=True):
    show_lesson("hnsw", hnsw_steps(database()))
