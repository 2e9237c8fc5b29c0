"""Keeps the collection of garbage short, which Streamlit asks for at the end of every run.

A full collection looks at every object there is. With a model's libraries loaded these are more
than a million, it takes about 200 ms, and until it ends no message reaches the browser: the hits of
a moved knob would wait for it. Modules and models stay for as long as the process: they are set
aside, so that only what came later is looked at.
"""

from __future__ import annotations

import gc
import sys
import threading

_lock = threading.Lock()
_known_modules = 0


def set_aside() -> None:
    """Set everything that is loaded aside, when modules were imported since the last time."""
    global _known_modules
    count = len(sys.modules)
    if count == _known_modules or not _lock.acquire(blocking=False):
        return
    try:
        _known_modules = count
        gc.collect()
        gc.freeze()
    finally:
        _lock.release()
