"""Going to production: what is known of a collection and its server, and what each check says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pgvista.errors import InvalidInput
from pgvista.model.collection import CollectionStats, IndexInfo
from pgvista.model.tuning import check_whole


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    TODO = "to do"
    """Something is missing or wrong."""
    WARNING = "warning"
    """It works, and should be looked at."""
    UNKNOWN = "unknown"
    """It could not be found out here."""


class Area(StrEnum):
    """What a check is about, in the order in which they are shown."""

    INDEX = "Index"
    MEMORY = "Memory"
    SEARCH = "Filters, words and recall"
    ROWS = "Rows"
    SERVER = "Server and access"


@dataclass(frozen=True, slots=True)
class Check:
    """One item of the checklist."""

    key: str
    """A short name that never changes, e.g. ``index_valid``."""
    area: Area
    title: str
    status: Status
    sentence: str
    """What was found, with its figures."""
    sql: str | None = None
    """What to run, where SQL mends it or shows more."""
    page: str | None = None
    """The page of pgvista that does it: ``Indexes``, ``Sweep``, ``Collections``."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What the collection is to reach in production."""

    scan_ms: float = 20.0
    """An exact scan that takes no longer needs no index; 0.1 to 60,000 ms."""
    recall: float = 0.95
    """Least mean recall of a sweep, 0 to 1."""
    recall_days: int = 30
    """A sweep counts as recent for so many days, 1 to 3,650."""
    filter_keys: tuple[str, ...] | None = None
    """Columns and metadata keys that searches filter by; None: every structured column and metadata."""

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        if not 0.1 <= self.scan_ms <= 60_000:
            raise InvalidInput(f"scan_ms is {self.scan_ms}, but it takes 0.1 to 60,000.")
        if not 0 <= self.recall <= 1:
            raise InvalidInput(f"The recall wanted is {self.recall}, but it takes 0 to 1.")
        check_whole("recall_days", self.recall_days, 1, 3_650)


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the server is set to, and who is connected how."""

    database: str
    role: str
    server_version_num: int
    shared_buffers_bytes: int
    effective_cache_bytes: int
    maintenance_work_mem_bytes: int
    statement_timeout_ms: int
    """What new sessions of this role begin with; 0: none."""
    max_connections: int
    connections: int
    preload_libraries: str | None
    """None where the role may not see it."""
    prewarm_installed: bool
    prewarm_available: bool
    pgvector: tuple[int, ...] | None
    pgvector_available: tuple[int, ...] | None
    in_recovery: bool
    pooled: bool
    encrypted: bool
    host: str
    """``local socket``, or the host's name."""
    local: bool
    """Whether nothing goes over a network."""


@dataclass(frozen=True, slots=True)
class RelationFacts:
    """What the server's catalog and statistics say of the relation."""

    owner: str
    readers: tuple[str, ...]
    """Roles beside the owner that may read it; ``public`` stands for all."""
    row_security: bool
    policies: int
    live_rows: int | None
    """By the statistics; None: there are none of such a relation."""
    dead_rows: int | None
    vacuumed: datetime | None
    analyzed: datetime | None
    changed_rows: int | None
    """Rows written since the last ANALYZE."""


@dataclass(frozen=True, slots=True)
class RecallFacts:
    """The newest sweep of the collection."""

    finished_at: datetime
    best: float
    """The highest mean recall of an index, 0 to 1; NaN where none was measured."""
    settings: str
    """Index and knobs of the cheapest setting that meets the goal, else of the best one."""
    rows: int


@dataclass(frozen=True, slots=True)
class WordsFacts:
    """BM25's statistics."""

    state: str
    """``in step``, ``stale``, ``unknown`` or ``none``."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the checks go by. None where it could not be found out."""

    stats: CollectionStats
    server: ServerFacts
    relation: RelationFacts
    now: datetime
    """The server's clock."""
    zero_vectors: int | None = None
    null_vectors: int | None = None
    lengths: tuple[int, ...] = ()
    """Lengths of vectors, where the column takes any: at most two are told."""
    scan_ms: float | None = None
    """Median of exact searches for ten rows."""
    scan_problem: str | None = None
    """Why that was not measured."""
    serving: IndexInfo | None = None
    """The index that searches of this metric can use; None: there is none."""
    used: bool | None = None
    """Whether Postgres uses it for ten rows."""
    list_rows: float | None = None
    """IVFFlat: how many rows the list of a row holds, mean of 50 drawn."""
    recall: RecallFacts | None = None
    recall_known: bool = True
    """False where the kept sweeps could not be read."""
    words: WordsFacts = field(default_factory=lambda: WordsFacts("none"))


@dataclass(frozen=True, slots=True)
class Checklist:
    """All checks of a collection."""

    facts: Facts
    goal: Goal
    checks: tuple[Check, ...]

    def count(self, status: Status) -> int:
        """Return how many checks came out so."""
        return sum(check.status is status for check in self.checks)

    def check(self, key: str) -> Check | None:
        """Return one check; None where it does not apply."""
        return next((item for item in self.checks if item.key == key), None)
