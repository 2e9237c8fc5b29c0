"""A pool of connections that are opened by the thread that asks for one.

`psycopg_pool` opens them in background threads, so that a wrong password is seen as a wait that
ends after seconds without a reason, and after an outage its next attempt may lie minutes ahead.
Here the reason is raised at once where it can be told, and no thread outlives its work.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus

from pgvista.errors import ConnectionFailed, OutOfSpace

MAX_IDLE_S = 600.0


class Pool:
    """At most `max_size` connections, handed out last in first out.

    A connection that nobody used for `MAX_IDLE_S` seconds is closed when another is returned.
    """

    def __init__(
        self,
        connect: Callable[[], Connection[Any]],
        *,
        label: str,
        max_size: int,
        wait_s: float = 10.0,
    ) -> None:
        self._connect = connect
        self._label = label
        self._max_size = max_size
        self._wait_s = wait_s
        self._slots = threading.BoundedSemaphore(max_size)
        self._lock = threading.Lock()
        self._idle: list[tuple[float, int, Connection[Any]]] = []
        self._generation = 0
        self._generations: dict[int, int] = {}
        self._closed = False
        weakref.finalize(self, _close_all, self._idle, os.getpid())

    def acquire(self) -> tuple[Connection[Any], bool]:
        """Return an idle autocommit connection, and whether it was opened just now.

        Raises psycopg's error when none can be opened, OutOfSpace when all have been in use for
        `wait_s` seconds, ConnectionFailed when the pool is closed.
        """
        if not self._slots.acquire(timeout=self._wait_s):
            raise OutOfSpace(
                f"All {self._max_size} connections to {self._label} have been busy for {self._wait_s:g} s.",
                "Wait for a running statement or job to end, or cancel one.",
            )
        try:
            while (connection := self._pop()) is not None:
                if _seems_alive(connection):
                    return connection, False
                self._forget(connection)
            connection = self._connect()
            with self._lock:
                self._generations[id(connection)] = self._generation
            return connection, True
        except BaseException:
            self._slots.release()
            raise

    def release(self, connection: Connection[Any]) -> None:
        """Take `connection` back; an open transaction is rolled back, a broken one closed."""
        try:
            usable = _make_idle(connection)
            with self._lock:
                keep = (
                    usable
                    and not self._closed
                    and self._generations.get(id(connection)) == self._generation
                )
                if keep:
                    self._idle.append((time.monotonic(), self._generation, connection))
                stale = self._take_stale()
            if not keep:
                self._forget(connection)
            for old in stale:
                self._forget(old)
        finally:
            self._slots.release()

    def renew(self) -> None:
        """Close idle connections now and those in use when they come back."""
        with self._lock:
            self._generation += 1
            idle = self._idle.copy()
            self._idle.clear()
        for _, _, connection in idle:
            self._forget(connection)

    def close(self) -> None:
        """Close idle connections now, those in use when they come back. May be called again."""
        with self._lock:
            self._closed = True
        self.renew()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def _pop(self) -> Connection[Any] | None:
        with self._lock:
            if self._closed:
                raise ConnectionFailed(
                    f"The connection to {self._label} was closed.", "Open it again."
                )
            return self._idle.pop()[2] if self._idle else None

    def _take_stale(self) -> list[Connection[Any]]:
        limit = time.monotonic() - MAX_IDLE_S
        stale = [entry for entry in self._idle if entry[0] < limit]
        if stale:
            self._idle[:] = [entry for entry in self._idle if entry[0] >= limit]
        return [connection for _, _, connection in stale]

    def _forget(self, connection: Connection[Any]) -> None:
        with self._lock:
            self._generations.pop(id(connection), None)
        connection.close()


def _close_all(idle: list[tuple[float, int, Connection[Any]]], owner: int) -> None:
    """Close what a forgotten pool, or the process at its end, has left open.

    A forked child must not: it would say goodbye to the server in its parent's name.
    """
    if os.getpid() == owner:
        for _, _, connection in idle:
            connection.close()


def _seems_alive(connection: Connection[Any]) -> bool:
    """Return whether the server has not hung up on an idle connection; asks the socket alone."""
    if connection.closed:
        return False
    try:
        for _ in range(2):  # the first may read a farewell, the second then sees the end
            connection.pgconn.consume_input()
            connection.pgconn.is_busy()
    except psycopg.Error:
        return False
    return not connection.closed


def _make_idle(connection: Connection[Any]) -> bool:
    """Bring `connection` out of any transaction; return whether it can be used again."""
    status = connection.info.transaction_status
    if status is TransactionStatus.IDLE:
        return True
    if status is TransactionStatus.ACTIVE:
        with contextlib.suppress(psycopg.Error):
            connection.cancel_safe(timeout=2.0)
        return False
    if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
        try:
            connection.execute("rollback", prepare=False)
        except psycopg.Error:
            return False
        return connection.info.transaction_status is TransactionStatus.IDLE
    return False
