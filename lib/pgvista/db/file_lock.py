"""Locks on a file, shared or exclusive, that the system lets go when their process ends.

They order what several processes do with one folder. A process killed outright leaves none behind.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import fasteners

    class FileLock:
        """A lock on the file `path`, which is made when it is missing; of one thread at a time."""

        def __init__(self, path: Path) -> None:
            self._lock = fasteners.InterProcessReaderWriterLock(path)
            self._mode = ""

        def try_shared(self) -> bool:
            """Take the lock beside other sharers; False when somebody has it exclusively."""
            self.release()
            if self._lock.acquire_read_lock(blocking=False):
                self._mode = "read"
            return bool(self._mode)

        def try_exclusive(self) -> bool:
            """Take the lock alone; False when anybody has it. A shared hold is given up either way."""
            self.release()
            if self._lock.acquire_write_lock(blocking=False):
                self._mode = "write"
            return bool(self._mode)

        def release(self) -> None:
            """Let go; harmless when nothing is held."""
            if self._mode == "read":
                self._lock.release_read_lock()
            elif self._mode == "write":
                self._lock.release_write_lock()
            self._mode = ""

        def orphaned(self) -> bool:
            """Whether the file was deleted under the lock, so that others no longer see it."""
            return False

else:
    import fcntl

    class FileLock:
        """A lock on the file `path`, which is made when it is missing; of one thread at a time.

        Raises OSError from the methods that take it when the file cannot be made or opened.
        """

        def __init__(self, path: Path) -> None:
            self._path = path
            self._file: int | None = None

        def try_shared(self) -> bool:
            """Take the lock beside other sharers; False when somebody has it exclusively."""
            return self._try(fcntl.LOCK_SH)

        def try_exclusive(self) -> bool:
            """Take the lock alone; False when anybody has it. A shared hold is given up either way."""
            return self._try(fcntl.LOCK_EX)

        def _try(self, kind: int) -> bool:
            if self._file is None:
                # Read access is enough for flock, so that a file of another user serves as well.
                self._file = os.open(self._path, os.O_RDONLY | os.O_CREAT, 0o644)
            try:
                fcntl.flock(self._file, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                self.release()
                return False
            except OSError:
                self.release()
                raise
            return True

        def release(self) -> None:
            """Let go; harmless when nothing is held.

            The file is closed, not unlocked: a copy that a fork has inherited must not let go of
            its parent's lock.
            """
            if self._file is not None:
                os.close(self._file)
                self._file = None

        def orphaned(self) -> bool:
            """Whether the file was deleted under the lock, so that others no longer see it."""
            return self._file is not None and os.fstat(self._file).st_nlink == 0
