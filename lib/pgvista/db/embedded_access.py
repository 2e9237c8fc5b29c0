"""The system user that the embedded server runs as, and its way to the files.

Postgres refuses to run as root. An ordinary user runs it as itself. For root a system user is made,
and that user needs to pass through each folder above the data and the programs. It is let through
by name, by an entry in the folder's access control list, so that a private folder such as /root
stays closed to everybody else.
"""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pgvista.errors import PermissionDenied

SYSTEM_USER = "embedded_postgres"
_ACL = "system.posix_acl_access"
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY = 0xFFFFFFFF
_ENTER = 0o1


@dataclass(frozen=True)
class ServerUser:
    """Ids of the system user that the server's programs run as."""

    uid: int
    gid: int


def server_user(pgdata: Path) -> ServerUser | None:
    """Return who must run the server of the cluster `pgdata`; None for this process's own user.

    As root that is the cluster's owner, or for a new cluster a system user, made when missing.
    Raises PermissionDenied when it cannot be made.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    try:
        owner = pgdata.stat()
    except FileNotFoundError:
        owner = None
    if owner is not None and owner.st_uid != 0:
        return ServerUser(owner.st_uid, owner.st_gid)
    return _system_user()


def _system_user() -> ServerUser:
    import pwd

    for _ in range(5):
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            command = ["useradd", "--system", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
            try:
                subprocess.run(command, check=True, capture_output=True)  # noqa: S603
            except FileNotFoundError:
                break
            except (OSError, subprocess.CalledProcessError):
                time.sleep(0.2)  # another process may be making the same user
        else:
            return ServerUser(entry.pw_uid, entry.pw_gid)
    raise PermissionDenied(
        "Postgres does not run as root, and no system user could be made for it.",
        f"Run pgvista as an ordinary user, or add a system user {SYSTEM_USER}.",
    )


def let_pass(folder: Path, user: ServerUser) -> None:
    """Let `user` pass through `folder` and each folder above it; for a process that runs as root.

    Folders that can be passed already are left alone. Raises PermissionDenied when the file system
    has no access control lists.
    """
    for place in (folder, *folder.parents):
        if _may_pass(place, user):
            continue
        try:
            _grant(place, user)
        except (OSError, AttributeError) as error:
            raise PermissionDenied(
                f"Postgres runs as the system user {SYSTEM_USER}, which cannot pass through {place}.",
                "Set PGVISTA_DATA to a folder that every user can pass through, "
                f"or allow it here: chmod o+x '{place}'.",
            ) from error


def _may_pass(place: Path, user: ServerUser) -> bool:
    status = place.stat()
    if status.st_uid == user.uid:
        return bool(status.st_mode & 0o100)
    entries = _entries(place)
    own = entries.get((_USER, user.uid))
    if own is not None:
        return bool(own & entries.get((_MASK, _NOBODY), 0o7) & _ENTER)
    return bool(status.st_mode & 0o001) and status.st_gid != user.gid


def _grant(place: Path, user: ServerUser) -> None:
    """Add the right to pass, and no other, for `user` to the access control list of `place`."""
    mode = place.stat().st_mode
    entries = _entries(place) or {
        (_OWNER, _NOBODY): mode >> 6 & 0o7,
        (_GROUP, _NOBODY): mode >> 3 & 0o7,
        (_OTHER, _NOBODY): mode & 0o7,
    }
    entries[_USER, user.uid] = entries.get((_USER, user.uid), 0) | _ENTER
    mask = entries.get((_MASK, _NOBODY), entries[_GROUP, _NOBODY])
    entries[_MASK, _NOBODY] = mask | _ENTER
    packed = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, rights, who) for (tag, who), rights in sorted(entries.items())
    )
    os.setxattr(place, _ACL, packed)


def _entries(place: Path) -> dict[tuple[int, int], int]:
    """Return the access control list of `place`, rights by (tag, id); empty where it has none."""
    try:
        packed = os.getxattr(place, _ACL)
    except AttributeError:  # no access control lists of this kind on this system
        return {}
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return {}
        raise
    return {(tag, who): rights for tag, rights, who in struct.iter_unpack("<HHI", packed[4:])}
