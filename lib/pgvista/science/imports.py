"""Importing SciPy and what stands on it while another thread imports torch."""

from __future__ import annotations

import importlib
import sys


def wait_for_torch() -> None:
    """Wait until an import of torch that has begun in another thread is done; call it before SciPy.

    SciPy takes arrays of torch where it finds torch among the modules, and fails on a torch that is
    half imported. A model is loaded in the background, so a map may be asked for in these seconds.
    """
    if "torch" in sys.modules:
        importlib.import_module("torch")  # waits for the module's lock
