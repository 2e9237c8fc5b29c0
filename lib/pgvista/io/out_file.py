"""Files that are written for a person: whole or not at all, and known beforehand to be possible."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pgvista.errors import PermissionDenied


def check_place(path: Path) -> None:
    """See that a file can be written there, before what it shall hold takes its time.

    What is there already stays as it is. Raises PermissionDenied.
    """
    with _told(path):
        if not _is_stream(path):
            unfinished = _unfinished(path)
            unfinished.touch()
            unfinished.unlink()


def write_file(path: Path, data: bytes) -> None:
    """Write a file, in place of one that is there, whole or not at all. Raises PermissionDenied."""
    with _told(path):
        if _is_stream(path):
            path.write_bytes(data)
            return
        unfinished = _unfinished(path)
        try:
            unfinished.write_bytes(data)
            unfinished.replace(path.resolve())
        except OSError:
            with suppress(OSError):
                unfinished.unlink()
            raise


def _is_stream(path: Path) -> bool:
    """Tell whether it is a device or a pipe, such as /dev/stdout: written into, never replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _unfinished(path: Path) -> Path:
    """Return the name beside the file, or beside what a link leads to, until it is whole."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    target = path.resolve()
    return target.with_name(f".{target.name}.unfinished")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PermissionDenied(
            f"{path} cannot be written: {error.strerror or error}.", "Choose another place."
        ) from None
