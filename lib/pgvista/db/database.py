"""A database: reads, transactions and connections of one's own, each with its limits.

A read costs three round trips: one for BEGIN and all settings, the statement, and COMMIT.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
import tenacity
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from pgvista.db.capabilities import Capabilities, fetch_capabilities
from pgvista.db.errors import is_lost, is_transient, translated
from pgvista.db.pool import Pool
from pgvista.db.target import Target
from pgvista.db.vector_types import introduce
from pgvista.errors import QueryFailed, ReadOnly, ServerUnavailable

T = TypeVar("T")

# What fails is raised; that the rest of the pipeline could not run then is no news to anybody.
logging.getLogger("psycopg").addFilter(
    lambda record: not str(record.msg).startswith("error ignored terminating")
)

DEFAULT_STATEMENT_TIMEOUT_MS = 60_000
CONNECT_TIMEOUT_S = 5
APPLICATION_NAME = "pgvista"

_TRIES = 5
_FIRST_WAIT_S = 0.3
_LONGEST_WAIT_S = 3.0
_JITTER_S = 0.2


_PLAN_ANEW = {"plan_cache_mode": "force_custom_plan"}
"""A statement that psycopg has prepared is planned anew for its values and for the settings of its
transaction: the plan that Postgres would keep takes no notice of enable_indexscan, and so an exact
search would be answered from the index, or the other way round."""


class Database:
    """One server and database, reached as one role. Cheap to make: it connects when first used.

    Safe to share between threads. `statement_timeout_ms` limits every statement (0: no limit);
    at most `max_size` connections are open for reads and transactions, besides dedicated ones.
    `revive`, when given, is called before each repeated attempt to reach a server that went away:
    it may start the server again, as `EmbeddedServer.ensure_running` does.
    """

    def __init__(
        self,
        target: Target,
        *,
        statement_timeout_ms: int = DEFAULT_STATEMENT_TIMEOUT_MS,
        max_size: int = 8,
        revive: Callable[[], object] | None = None,
    ) -> None:
        self._target = target
        self._statement_timeout_ms = statement_timeout_ms
        self._revive = revive
        self._pool = Pool(self._connect, label=target.label, max_size=max_size)
        self._lock = threading.Lock()
        self._capabilities: Capabilities | None = None
        self._pooled = False
        self._reached = False
        self._set_configs: dict[tuple[object, ...], bytes] = {}

    def __repr__(self) -> str:
        return f"Database({self.label!r}{', read_only=True' if self.read_only else ''})"

    @property
    def target(self) -> Target:
        """Where this database is, and as whom it is reached."""
        return self._target

    @property
    def label(self) -> str:
        """Short name for people."""
        return self._target.label

    @property
    def read_only(self) -> bool:
        """Whether Postgres refuses all writes on this connection."""
        return self._target.read_only

    @property
    def statement_timeout_ms(self) -> int:
        """Limit of one statement in milliseconds, where none is given; 0 is none."""
        return self._statement_timeout_ms

    @property
    def capabilities(self) -> Capabilities:
        """What the server can do; asked once, on first use. Raises when it cannot be reached."""
        with self._lock:
            known = self._capabilities
        return known if known is not None else self._fetch_capabilities()

    def refresh(self) -> Capabilities:
        """Ask the server again, e.g. after `create extension`, and open connections anew."""
        self._pool.renew()
        return self._fetch_capabilities()

    def read(
        self,
        work: Callable[[Connection[Any]], T],
        *,
        settings: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> T:
        """Return what `work` returns, run in a READ ONLY transaction with `settings`, SET LOCAL.

        `timeout_ms` limits each statement (None: the database's limit, 0: none). When the server
        goes away, or has a deadlock, `work` is run again, up to 6 times in about 5 s: it must be
        repeatable, and must fetch its rows before it returns. Raises PgvistaError.
        """
        prologue = self._prologue(True, settings, timeout_ms)

        def once() -> T:
            connection = self._begin(prologue)
            try:
                result = work(connection)
                connection.execute("commit", prepare=False)
                return result
            finally:
                self._pool.release(connection)

        with translated(self.label):
            return self._persist(once)

    def query(
        self,
        statement: sql.Composed | bytes,
        values: Mapping[str, Any],
        *,
        settings: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> list[tuple[Any, ...]]:
        """Return the rows of one statement, run as `read` would, in one round trip.

        BEGIN, the settings, the statement and COMMIT are sent together: a statement that takes a
        millisecond would spend a quarter more on waiting for each of them.
        """
        set_config = self._set_config(settings, timeout_ms)

        def once() -> list[tuple[Any, ...]]:
            while True:
                connection, new = self._pool.acquire()
                try:
                    with connection.pipeline():
                        connection.execute(b"begin read only")
                        connection.execute(set_config)
                        cursor = connection.execute(statement, values)
                        connection.execute(b"commit")
                    return cursor.fetchall()
                except (psycopg.Error, UnicodeEncodeError) as error:
                    # psycopg takes for prepared what was sent behind the statement that failed
                    if connection.info.transaction_status is not TransactionStatus.ACTIVE:
                        connection.close()
                    if new or not (isinstance(error, psycopg.Error) and is_lost(error)):
                        raise
                finally:
                    self._pool.release(connection)

        with translated(self.label):
            return self._persist(once)

    @contextmanager
    def transaction(
        self, *, settings: Mapping[str, str] | None = None, timeout_ms: int | None = None
    ) -> Iterator[Connection[Any]]:
        """Give a connection in a transaction, committed at the end and undone by any exception.

        On a read-only target the transaction is READ ONLY, and Postgres refuses writes. Opening
        it is tried again when the server is away; what is done inside never is. When the session
        is lost during the commit itself, the error says that the outcome is not known.
        """
        prologue = self._prologue(self.read_only, settings, timeout_ms)
        with translated(self.label):
            connection = self._retrying()(lambda: self._begin(prologue))
            try:
                yield connection
                self._commit(connection)
            finally:
                self._pool.release(connection)

    @contextmanager
    def dedicated(
        self, *, autocommit: bool = False, timeout_ms: int | None = None
    ) -> Iterator[Connection[Any]]:
        """Give a connection of one's own, outside the pool: for jobs, and for statements that no
        transaction can hold (``autocommit=True``). It is closed at the end.

        Without autocommit, what is not committed at a normal end is committed, and an exception
        undoes it. `timeout_ms` limits each statement (None: the database's limit, 0: none); behind
        a pooler, which must not keep session settings, the server's own limit holds instead.
        Raises ReadOnly for autocommit on a read-only target.
        """
        if autocommit and self.read_only:
            raise ReadOnly(
                f"The connection to {self.label} is read-only.",
                "Open the connection without read-only to change data.",
            )
        with translated(self.label):
            connection = self._retrying()(self._connect)
            try:
                if not self._pooled:
                    self._limit_session(connection, timeout_ms)
                if self.read_only:
                    connection.read_only = True
                connection.autocommit = autocommit
                yield connection
                if not autocommit:
                    connection.commit()
            finally:
                _hang_up(connection)

    def close(self) -> None:
        """Close the connections; those in use are closed when they are done. May be repeated."""
        self._pool.close()

    def _fetch_capabilities(self) -> Capabilities:
        found = self.read(lambda connection: fetch_capabilities(connection, pooled=self._pooled))
        with self._lock:
            self._capabilities = found
        return found

    def _begin(self, prologue: sql.Composed) -> Connection[Any]:
        """Return a pooled connection in a transaction; replaces one whose server hung up."""
        while True:
            connection, new = self._pool.acquire()
            try:
                connection.execute(prologue, prepare=False)
            except psycopg.Error as error:
                self._pool.release(connection)
                if new or not is_lost(error):
                    raise
            except BaseException:
                self._pool.release(connection)
                raise
            else:
                return connection

    def _commit(self, connection: Connection[Any]) -> None:
        try:
            cursor = connection.execute("commit", prepare=False)
        except psycopg.Error as error:
            if is_lost(error):
                raise ServerUnavailable(
                    f"The connection to {self.label} was lost while the changes were being committed, so it is not known whether they were kept.",
                    "Look at the data before you do it again.",
                ) from None
            raise
        if cursor.statusmessage == "ROLLBACK":
            raise QueryFailed(
                "A statement of the transaction had failed, so all of it was undone.", "Try again."
            )

    def _connect(self) -> Connection[Any]:
        """Open an autocommit connection that knows pgvector's types."""
        text = self._target.conninfo.reveal()
        given = conninfo_to_dict(text)
        extra: dict[str, Any] = {}
        if "connect_timeout" not in given and "PGCONNECT_TIMEOUT" not in os.environ:
            extra["connect_timeout"] = CONNECT_TIMEOUT_S
        if "fallback_application_name" not in given:
            extra["fallback_application_name"] = APPLICATION_NAME
        connection = Connection.connect(text, autocommit=True, client_encoding="utf8", **extra)
        try:
            self._pooled = introduce(connection).pooled
            if self._pooled:
                connection.prepare_threshold = None
            elif self.read_only:
                connection.execute("set default_transaction_read_only = on", prepare=False)
        except BaseException:
            connection.close()
            raise
        self._reached = True
        return connection

    def _limit_session(self, connection: Connection[Any], timeout_ms: int | None) -> None:
        limit = self._statement_timeout_ms if timeout_ms is None else timeout_ms
        connection.execute(
            sql.SQL("set statement_timeout = {}").format(sql.Literal(limit)), prepare=False
        )

    def _prologue(
        self, read_only: bool, settings: Mapping[str, str] | None, timeout_ms: int | None
    ) -> sql.Composed:
        """Return BEGIN and every SET LOCAL as one text, sent in one round trip."""
        local = self._local(settings, timeout_ms)
        parts: list[sql.Composable] = [
            sql.SQL("begin read only" if read_only else "begin read write"),
            *(_set_local(name, value) for name, value in local.items()),
        ]
        if read_only:  # the first query binds: from now on, SET TRANSACTION READ WRITE is refused
            parts.append(sql.SQL("select 1"))
        return sql.SQL("; ").join(parts)

    def _set_config(self, settings: Mapping[str, str] | None, timeout_ms: int | None) -> bytes:
        """Return one statement that does what SET LOCAL does for every setting."""
        local = self._local(settings, timeout_ms)
        key = tuple(local.items())
        if (known := self._set_configs.get(key)) is not None:
            return known
        calls = [
            sql.SQL("pg_catalog.set_config({}, {}, true)").format(
                sql.Literal(name), sql.Literal(value)
            )
            for name, value in local.items()
        ]
        made = sql.SQL("select {}").format(sql.SQL(", ").join(calls)).as_bytes(None)
        if len(self._set_configs) > 256:
            self._set_configs.clear()
        self._set_configs[key] = made
        return made

    def _local(self, settings: Mapping[str, str] | None, timeout_ms: int | None) -> dict[str, str]:
        limit = self._statement_timeout_ms if timeout_ms is None else timeout_ms
        return {"statement_timeout": str(limit), **_PLAN_ANEW, **(settings or {})}

    def _persist(self, once: Callable[[], T]) -> T:
        """Call `once`, and when that fails in passing, again and again with growing pauses."""
        try:
            return once()
        except Exception as error:
            if not self._worth_a_retry(error):
                raise
        self._before_another_try()
        return self._retrying()(once)

    def _retrying(self) -> tenacity.Retrying:
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._worth_a_retry),
            stop=tenacity.stop_after_attempt(_TRIES),
            wait=tenacity.wait_exponential(multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S)
            + tenacity.wait_random(0, _JITTER_S),
            before_sleep=lambda _: self._before_another_try(),
            reraise=True,
        )

    def _before_another_try(self) -> None:
        if self._revive is not None:
            self._revive()

    def _worth_a_retry(self, error: BaseException) -> bool:
        """A server that never answered is more likely a wrong address than one that went away."""
        if self._pool.closed or not is_transient(error):
            return False
        return (
            self._reached
            or self._revive is not None
            or (isinstance(error, psycopg.Error) and "starting up" in str(error))
        )


def _set_local(name: str, value: str) -> sql.Composed:
    """Return the statement; SET would take the schemas of a search_path in quotes for one name."""
    if name == "search_path":
        return sql.SQL("select pg_catalog.set_config('search_path', {}, true)").format(
            sql.Literal(value)
        )
    return sql.SQL("set local {} = {}").format(sql.Identifier(*name.split(".")), sql.Literal(value))


def _hang_up(connection: Connection[Any]) -> None:
    """Close; a statement still running on the server is cancelled first."""
    if connection.info.transaction_status is psycopg.pq.TransactionStatus.ACTIVE:
        with suppress(psycopg.Error):
            connection.cancel_safe(timeout=2.0)
    connection.close()
