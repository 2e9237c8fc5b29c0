"""UMAP's machine code made ahead of need: by a process of low priority, once for a machine.

numba compiles UMAP's kernel for some seconds, and keeps the machine code on disk. A first map need
not wait for it: the app starts `python -m pgvista.services.map_warm` when it has shown its first
page. The process ends with the app that started it, however that ends, since its standard input
ends then; of several apps one compiles. PGVISTA_WARM_UP=0 leaves it out.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path

import platformdirs
import psutil

from pgvista.config import load_settings
from pgvista.db.file_lock import FileLock
from pgvista.science import umap_kernel, umap_layout

_SOURCE = Path(umap_kernel.__file__)
_LOCK = "umap.compile.lock"
_GONE = 3

_guard = threading.Lock()
_child: subprocess.Popen[bytes] | None = None
_asked = False
_known_kept = False


def is_kept() -> bool:
    """Tell whether machine code of UMAP's kernel as it is, by this numba, is on disk.

    Another processor than the one it was made for is not noticed: then the first map compiles.
    """
    global _known_kept
    _known_kept = _known_kept or _look()
    return _known_kept


def is_compiling() -> bool:
    """Tell whether the process that `start` began is at work."""
    with _guard:
        return _child is not None and _child.poll() is None


def start() -> bool:
    """Begin to compile in the background, once in this process; return whether it was begun.

    Not when the machine code is kept already, nor where PGVISTA_WARM_UP is 0.
    """
    global _child, _asked
    with _guard:
        if _asked or not load_settings().warm_up or is_kept():
            return False
        _asked = True
        try:
            _child = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,  # ends with this process
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:  # no more processes may be had: the first map compiles
            return False
    atexit.register(stop)
    return True


def stop() -> None:
    """End the process that `start` began, if it is still at work; another may be begun then."""
    global _child, _asked
    with _guard:
        child, _child, _asked = _child, None, False
    if child is None:
        return
    child.terminate()
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(5)
    if child.stdin is not None:
        child.stdin.close()


def main() -> int:
    """Compile, as the process that `start` begins: 0 when the machine code is there, else 3."""
    _be_nice()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    folder = load_settings().data_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    if not lock.try_exclusive():
        return _GONE
    try:
        umap_layout.kernel()
    finally:
        lock.release()
    return 0 if _look() else _GONE


# -- parts


def _look() -> bool:
    try:
        stamp = hashlib.sha256(_SOURCE.read_bytes()).digest()
    except OSError:
        return False
    version = metadata.version("numba").encode()
    name = f"{_SOURCE.stem}.*.py{sys.version_info[0]}{sys.version_info[1]}*.nbi"
    for folder in _folders():
        for index in folder.glob(name):
            try:
                told = index.read_bytes()
            except OSError:
                continue
            if version in told[:64] and stamp in told:
                return True
    return False


def _folders() -> list[Path]:
    """Return where numba keeps machine code of the kernel, the likeliest first."""
    folder = _SOURCE.parent
    hashed = hashlib.sha1(str(folder).encode(), usedforsecurity=False).hexdigest()
    of_source = f"{folder.name}_{hashed}"
    found = [folder / "__pycache__"]
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return [Path(chosen) / of_source]
    found.append(platformdirs.user_cache_path("numba", appauthor=False) / of_source)
    return found


def _be_nice() -> None:
    own = psutil.Process()
    if sys.platform == "win32":
        own.nice(psutil.IDLE_PRIORITY_CLASS)
    else:
        own.nice(19)


def _end_with_parent() -> None:
    os.read(0, 1)  # not by sys.stdin, whose lock the end of the interpreter would wait for
    os._exit(_GONE)


if __name__ == "__main__":
    sys.exit(main())
