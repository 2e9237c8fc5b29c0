"""What a lesson measured of a collection, kept in the session: it is dear, and the same each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.services.collections import stats
from pgvista.ui.types_state import place

_KEPT = "_learn_kept"
_MOST = 60

T = TypeVar("T")


def once(
    what: object,
    db: Database,
    collection: Collection,
    find: Callable[[Database, Collection], T],
) -> T:
    """Return what `find` finds, found once in the session for `what` of a collection."""
    kept: dict[object, Any] = st.session_state.setdefault(_KEPT, {})
    key = (what, *place(collection))
    if key not in kept:
        if len(kept) >= _MOST:
            kept.clear()
        kept[key] = find(db, collection)
    found: T = kept[key]
    return found


def rows_held(db: Database, collection: Collection) -> int:
    """Return how many rows there are: part of `what`, where more rows change what is found."""
    return stats(db, collection).rows
