"""Lesson 1: what an embedding is."""

from __future__ import annotations

from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.learn.embedding import embedding_steps
from pgvista.ui.learn.frame import show_lesson

with guarded(stop=True):
    show_lesson("embedding", embedding_steps(database()))
