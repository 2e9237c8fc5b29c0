"""Lessons: what there is to learn, in order."""

from __future__ import annotations

from pgvista.ui.learn.overview import show_overview

show_overview()
