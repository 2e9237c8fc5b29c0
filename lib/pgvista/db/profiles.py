"""Saved connections: a file of names and addresses, without any password.

`<data folder>/connections.json` belongs to the user alone (mode 600) and is replaced whole by
each change, so that a crash leaves the old file or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from pgvista.config import Secret
from pgvista.db.file_lock import FileLock
from pgvista.db.target import Target, public_parameters, target_from_url
from pgvista.errors import Conflict, InvalidInput, NotFound, OutOfSpace, PgvistaError
from pgvista.model.server import Profile

FILE_NAME = "connections.json"
MAX_NAME_LENGTH = 100
_VERSION = 1
_LOCK_LIMIT_S = 5.0


class Profiles:
    """The saved connections of a data folder, which is made when the first one is saved."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._notice = ""

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def notice(self) -> str:
        """A sentence about a broken file that was set aside by the last call; else empty."""
        return self._notice

    def list(self) -> list[Profile]:
        """Return the saved connections, by name. What cannot be read is told by `notice`."""
        self._notice = ""
        return sorted(self._read().values(), key=lambda profile: profile.name.casefold())

    def get(self, name: str) -> Profile:
        """Return the connection called `name`. Raises NotFound."""
        self._notice = ""
        return _find(self._read(), name)

    def save(self, profile: Profile, *, replace: bool = False) -> Profile:
        """Save `profile` without any password, and return it as saved.

        Raises Conflict when the name is taken and `replace` is false, InvalidInput when name or
        text will not do, OutOfSpace or PgvistaError when the file cannot be written.
        """
        name = _check_name(profile.name)
        clean = Profile(name, _without_secrets(profile.conninfo), profile.read_only)
        with self._change() as profiles:
            if name in profiles and not replace:
                raise _taken(name)
            profiles[name] = clean
        return clean

    def rename(self, old: str, new: str) -> Profile:
        """Give the connection `old` another name. Raises NotFound, Conflict or InvalidInput."""
        new = _check_name(new)
        with self._change() as profiles:
            found = _find(profiles, old)
            if new != old and new in profiles:
                raise _taken(new)
            del profiles[old]
            renamed = profiles[new] = Profile(new, found.conninfo, found.read_only)
        return renamed

    def delete(self, name: str) -> None:
        """Forget the connection called `name`. Raises NotFound."""
        with self._change() as profiles:
            _find(profiles, name)
            del profiles[name]

    @contextmanager
    def _change(self) -> Iterator[dict[str, Profile]]:
        """Give the profiles to be changed, and write them at a normal end, one process at a time."""
        self._notice = ""
        with _file_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self._path.with_suffix(".lock")):
            profiles = self._read()
            yield profiles
            with _file_errors(self._path):
                _replace_file(self._path, _encode(profiles))

    def _read(self) -> dict[str, Profile]:
        """Return the profiles by name; a broken file is copied beside itself before it is used."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise PgvistaError(
                f"The saved connections cannot be read: {error.strerror}.",
                f"Check the rights of {FILE_NAME} in the data folder.",
            ) from None
        profiles, broken = _decode(data)
        if broken:
            backup = self._set_aside(data)
            self._notice = (
                f"The file of saved connections is damaged ({broken}). What could be read is "
                f"listed, and the file as it was is kept as {backup}."
            )
        return profiles

    def _set_aside(self, data: bytes) -> str:
        """Keep a copy of the damaged file; the same damage is copied once. Returns its name."""
        for old in sorted(self._path.parent.glob(f"{FILE_NAME}.broken-*")):
            with contextlib.suppress(OSError):
                if old.read_bytes() == data:
                    return old.name
        stamp = time.strftime("%Y%m%d-%H%M%S")
        backup = self._path.with_name(f"{FILE_NAME}.broken-{stamp}-{time.time_ns() % 10**6:06d}")
        with _file_errors(backup):
            _replace_file(backup, data)
        return backup.name


def profile_from_target(name: str, target: Target) -> Profile:
    """Return what can be saved of `target`: all but its passwords."""
    return Profile(_check_name(name), target.without_password(), target.read_only)


def target_from_profile(profile: Profile, *, password: Secret | None = None) -> Target:
    """Return the target that `profile` names, with `password` where one was typed.

    Without one, libpq looks for it in .pgpass, PGPASSWORD or the service file.
    """
    return target_from_url(profile.conninfo, read_only=profile.read_only, password=password)


def _without_secrets(conninfo: str) -> str:
    """Return key=value text without passwords; a URL is read by libpq's rules first."""
    if not conninfo.strip():
        return ""
    return make_conninfo(
        **public_parameters(target_from_url(conninfo).conninfo.reveal()),
    )


def _decode(data: bytes) -> tuple[dict[str, Profile], str]:
    """Return the profiles that can be read, and what is wrong with the rest ("" when nothing)."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return {}, "it is not JSON"
    entries = document.get("connections") if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        return {}, "it holds no list of connections"
    profiles: dict[str, Profile] = {}
    bad = 0
    for entry in entries:
        profile = _profile(entry)
        if profile is None or profile.name in profiles:
            bad += 1
        else:
            profiles[profile.name] = profile
    return profiles, f"{bad} of {len(entries)} entries cannot be read" if bad else ""


def _profile(entry: Any) -> Profile | None:
    if not isinstance(entry, Mapping):
        return None
    name, conninfo, read_only = (entry.get(key) for key in ("name", "conninfo", "read_only"))
    if not isinstance(name, str) or not isinstance(conninfo, str):
        return None
    if not isinstance(read_only, bool | None):
        return None
    try:
        return Profile(_check_name(name), _without_secrets(conninfo), bool(read_only))
    except InvalidInput:
        return None


def _encode(profiles: Mapping[str, Profile]) -> bytes:
    entries = [
        {"name": profile.name, "conninfo": profile.conninfo, "read_only": profile.read_only}
        for profile in profiles.values()
    ]
    document = {"version": _VERSION, "connections": entries}
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _replace_file(path: Path, data: bytes) -> None:
    """Write `data` to a new file that only its user can read, and put it in the place of `path`."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:  # mkstemp makes it with mode 600
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = FileLock(path)
    limit = time.monotonic() + _LOCK_LIMIT_S
    with _file_errors(path):
        while not lock.try_exclusive():
            if time.monotonic() > limit:
                raise Conflict(
                    "Another process is changing the saved connections.", "Try again in a moment."
                )
            time.sleep(0.02)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = OutOfSpace if error.errno in (errno.ENOSPC, errno.EDQUOT) else PgvistaError
        raise kind(
            f"{path.name} cannot be written: {error.strerror}.",
            "Check the data folder's rights and free space.",
        ) from None


def _check_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InvalidInput(
            f"The connection's name must have 1 to {MAX_NAME_LENGTH} printable characters.",
            "Type a name such as staging.",
        )
    return name


def _find(profiles: Mapping[str, Profile], name: str) -> Profile:
    try:
        return profiles[name]
    except KeyError:
        raise NotFound(
            f"There is no saved connection called {name!r}.", "Choose one of the list."
        ) from None


def _taken(name: str) -> Conflict:
    return Conflict(
        f"There is a saved connection called {name!r} already.",
        "Choose another name, or replace it.",
    )
