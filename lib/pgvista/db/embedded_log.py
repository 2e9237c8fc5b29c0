"""The log of the embedded server, and what it says about a start that takes long or fails."""

from __future__ import annotations

import os
from pathlib import Path

from pgvista.errors import ConnectionFailed, OutOfSpace, PermissionDenied, PgvistaError

KEEP_BYTES = 10_000_000
"""A log longer than this is put aside at the next start, over the one before it."""


class ServerLog:
    """The log file `path` of the cluster `pgdata`."""

    def __init__(self, path: Path, pgdata: Path) -> None:
        self.path = path
        self._pgdata = pgdata
        self._offset = 0

    def begin(self) -> None:
        """Mark the beginning of a start: what is logged from now on is about it."""
        self.path.touch(0o600)
        if self.path.stat().st_size > KEEP_BYTES:
            self.path.replace(self.path.with_suffix(".old.log"))
            self.path.touch(0o600)
        self._offset = self.path.stat().st_size

    def follow(self) -> None:
        """Take the newest lines as those of a start that another process began."""
        if self._offset == 0 and self.path.exists():
            self._offset = max(self.path.stat().st_size - 2_000, 1)

    def recent(self) -> str:
        """Return what was logged since the start began, the last 20 kB at most."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._offset, size - 20_000))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def progress(self) -> str:
        """Say what the server is doing, as the beginning of a sentence."""
        text = self.recent()
        recovering = ("automatic recovery in progress", "redo starts", "redo in progress")
        done = text.rfind("ready to accept connections")
        if max(text.rfind(word) for word in recovering) > done:
            return "Postgres is replaying its log after a crash"
        if text.rfind("shutting down") > done:
            return "Postgres is stopping before it can start again"
        if "pre-existing shared memory block" in text:
            return "Postgres is waiting for the last processes of a killed server"
        return "Postgres is starting"

    def worth_another_try(self) -> bool:
        """Whether the start failed for a reason that passes by itself."""
        text = self.recent()
        return "pre-existing shared memory block" in text or "Is another postmaster" in text

    def failure(self, output: str | None = None) -> PgvistaError:
        """Return the error for a start that failed, from `output` or from the log."""
        text = self.recent() if output is None else output
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
        tail = "Postgres says: " + (
            " / ".join(dict.fromkeys([*telling[:1], *lines[-3:]])) or "nothing"
        )
        where = self._pgdata
        if any(
            "shared memory" in line and ("No space left" in line or "Cannot allocate" in line)
            for line in lines
        ):
            return OutOfSpace(
                "Postgres got too little shared memory to start.",
                f"Close other programs, or give the container more memory and --shm-size. {tail}",
            )
        if "No space left on device" in text or "Disk quota exceeded" in text:
            return OutOfSpace(
                f"The disk of {where} is full, so Postgres cannot start.",
                "Make room on it, or set PGVISTA_DATA to a folder on another disk.",
            )
        if "not compatible with this version" in text or "incompatible with server" in text:
            return ConnectionFailed(
                f"The data in {where} were written by another version of Postgres"
                f"{self._version()}.",
                f"Set PGVISTA_DATA to a new folder, and move the data with pg_dump. {tail}",
            )
        if (
            "Permission denied" in text
            or "wrong ownership" in text
            or "invalid permissions" in text
        ):
            return PermissionDenied(
                f"Postgres may not use its folder {where}.",
                f"Give it to the user that runs pgvista, or set PGVISTA_DATA to another. {tail}",
            )
        return ConnectionFailed(
            f"Postgres could not start on {where}.",
            f"If its files are damaged, put back a copy, or set PGVISTA_DATA to a new folder. {tail}",
        )

    def _version(self) -> str:
        try:
            return f" ({(self._pgdata / 'PG_VERSION').read_text('ascii').strip()[:20]})"
        except (OSError, UnicodeError):
            return ""
