"""Lesson: the four distances of pgvector, in a plane and on real rows."""

from __future__ import annotations

from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.learn.distance import distance_steps
from pgvista.ui.learn.frame import show_lesson

with guarded(stop=True):
    show_lesson("distance", distance_steps(database()))
