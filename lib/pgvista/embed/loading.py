"""Loading a model once, whoever asks first, and saying how far that is."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from contextlib import suppress

from pgvista.errors import PgvistaError


class LoadedOnce(ABC):
    """Something that takes time to load and is loaded at its first use, by one thread."""

    def __init__(self) -> None:
        self._load_lock = threading.Lock()
        self._warming: threading.Thread | None = None
        self._failure = ""

    @property
    @abstractmethod
    def is_loaded(self) -> bool:
        """Whether it can be used at once."""

    @abstractmethod
    def _load(self) -> None:
        """Load it; afterwards `is_loaded` is true. Called by one thread at a time."""

    @property
    def loading_state(self) -> str:
        """``not loaded``, ``loading``, ``ready``, or ``failed: `` and the reason."""
        if self.is_loaded:
            return "ready"
        if self._load_lock.locked() or (self._warming is not None and self._warming.is_alive()):
            return "loading"
        return f"failed: {self._failure}" if self._failure else "not loaded"

    def load(self) -> None:
        """Load it unless it is loaded; other threads wait for the one that loads.

        A failed load is tried again at the next call. Raises ModelUnavailable when there is no
        such model, or it cannot be fetched, read or reached.
        """
        if self.is_loaded:
            return
        with self._load_lock:
            if self.is_loaded:
                return
            try:
                self._load()
            except PgvistaError as error:
                self._failure = str(error)
                raise
            self._failure = ""

    def warm(self) -> None:
        """Begin to load in the background, and return at once; `loading_state` tells the outcome."""
        if self.loading_state in ("ready", "loading"):
            return
        self._warming = threading.Thread(
            target=self._load_quietly, name="pgvista-warm", daemon=True
        )
        self._warming.start()

    def _load_quietly(self) -> None:
        with suppress(PgvistaError):
            self.load()
