"""Every diagnosis, provoked on a real server: the tests mend each, and the pictures show each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import psycopg

from pgvista.model.diagnosis import Cause
from pgvista.model.filters import parse_filter
from pgvista.model.index import IndexTarget
from pgvista.model.search import IterativeScan
from pgvista.model.tuning import NearestRequest

Session = psycopg.Connection[Any]

ROWS, DIMENSION = 4_000, 8
_RNG = np.random.default_rng(5)
VECTORS = _RNG.standard_normal((ROWS, DIMENSION)).astype(np.float32)
QUERY = "'[" + ",".join(map(str, _RNG.standard_normal(DIMENSION).round(3))) + "]'"
ROW = 7
"""The row that is the query where knobs are turned."""


def fill(session: Session) -> None:
    """Make the table `items` anew, without an index on its vectors."""
    session.execute("drop table if exists items")
    session.execute(
        f"create table items (id int primary key, content text, embedding vector({DIMENSION}),"
        " year int, kind text)"
    )
    columns = "id, content, embedding, year, kind"
    with session.cursor().copy(f"copy items ({columns}) from stdin") as copy:
        for number, vector in enumerate(VECTORS):
            text = f"Note {number} of the year {1900 + number % 120}"
            copy.write_row((number, text, str(vector.tolist()), number, f"k{number % 50}"))
    session.execute("analyze items")


def nearest(limit: int | None = 10, where: str = "", order: str = "") -> str:
    """Return a statement that asks for the nearest rows."""
    lines = ["select id", "from items", where, f"order by {order or f'embedding <=> {QUERY}'}"]
    lines += [] if limit is None else [f"limit {limit}"]
    return "\n".join(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class Knobs:
    """What is asked by the knobs of the page Live, with the row ROW as the query."""

    limit: int = 10
    ef_search: int | None = None
    probes: int | None = None
    filters: str = ""
    iterative_scan: IterativeScan = IterativeScan.OFF
    max_scan_tuples: int | None = None
    target: IndexTarget = IndexTarget.COLUMN
    oversample: float = 1.0

    def request(self) -> NearestRequest:
        """Return it as Live asks it."""
        return NearestRequest(
            tuple(VECTORS[ROW].tolist()),
            limit=self.limit,
            target=self.target,
            oversample=self.oversample,
            filters=parse_filter(self.filters),
            exclude_id=str(ROW),
            ef_search=self.ef_search,
            probes=self.probes,
            iterative_scan=self.iterative_scan,
            max_scan_tuples=self.max_scan_tuples,
        )

    def address(self) -> dict[str, str]:
        """Return it as the address of Live has it."""
        given = {
            "live_limit": self.limit,
            "live_ef": self.ef_search,
            "live_probes": self.probes,
            "live_filter": self.filters or None,
            "live_scan": self.iterative_scan.value,
            "live_max_scan": self.max_scan_tuples,
            "live_target": self.target.value,
            "live_oversample": self.oversample,
        }
        return {"row": str(ROW), **{k: str(v) for k, v in given.items() if v is not None}}

    def mended(self, settings: Mapping[str, str]) -> Knobs:
        """Return the knobs as a remedy's ``SET LOCAL`` sets them."""
        named = {name.rpartition(".")[2]: value for name, value in settings.items()}
        scan = named.pop("iterative_scan", None)
        changed: dict[str, Any] = {name: int(value) for name, value in named.items()}
        if scan is not None:
            changed["iterative_scan"] = IterativeScan(scan)
        return replace(self, **changed)


@dataclass(frozen=True, slots=True)
class Case:
    """A cause, and what provokes it on the table that `fill` makes."""

    name: str
    cause: Cause
    asked: str | Knobs
    """A person's own statement, or the knobs of Live."""
    provoke: Callable[[Session], None]
    meanwhile: Callable[[Session], None] | None = None
    """What happens after the indexes were seen."""
    database: Mapping[str, str] = field(default_factory=dict)
    """Settings that the database's owner has made the default."""


# -- what provokes


def no_index(session: Session) -> None:
    """Leave the table without an index."""


def cosine(session: Session) -> None:
    """Build the index that serves."""
    session.execute("create index items_hnsw on items using hnsw (embedding vector_cosine_ops)")


def rough(session: Session) -> None:
    """Build a graph with few links, which misses rows."""
    session.execute(
        "create index items_hnsw on items using hnsw (embedding vector_cosine_ops)"
        " with (m = 3, ef_construction = 6)"
    )


def drop(session: Session) -> None:
    """Drop the index."""
    session.execute("drop index items_hnsw")


def cut_off(session: Session) -> None:
    """Cut a concurrent build off while it waits for another's writes."""
    with psycopg.connect(session.info.dsn) as writer:
        writer.execute("lock table items in row exclusive mode")
        session.execute("set statement_timeout = 500")
        try:
            session.execute(
                "create index concurrently items_hnsw on items"
                " using hnsw (embedding vector_cosine_ops)"
            )
        except psycopg.errors.QueryCanceled:
            return
        finally:
            session.execute("reset statement_timeout")
    raise AssertionError("The build was not cut off.")


def other_class(session: Session) -> None:
    """Build the index for L2."""
    session.execute("create index items_hnsw on items using hnsw (embedding vector_l2_ops)")


def on_cast(session: Session) -> None:
    """Build the index on the cast to halfvec."""
    session.execute(
        f"create index items_half on items using hnsw"
        f" ((embedding::halfvec({DIMENSION})) halfvec_cosine_ops)"
    )


def on_bits(session: Session) -> None:
    """Build the index on the signs."""
    session.execute(
        f"create index items_bits on items using hnsw"
        f" ((binary_quantize(embedding)::bit({DIMENSION})) bit_hamming_ops)"
    )


def partial(session: Session) -> None:
    """Build an index of a part of the rows."""
    session.execute(
        "create index items_part on items using hnsw (embedding vector_cosine_ops)"
        " where year < 2000"
    )


def with_years(session: Session) -> None:
    """Build the index that serves, and one that a filter can take."""
    cosine(session)
    session.execute("create index items_year on items (year)")


def lists(session: Session) -> None:
    """Build IVFFlat with many lists."""
    session.execute(
        "create index items_ivf on items using ivfflat (embedding vector_cosine_ops)"
        " with (lists = 100)"
    )


def three_rows(session: Session) -> None:
    """Build IVFFlat while the table holds three rows."""
    session.execute("create temporary table later as select * from items where id >= 3")
    session.execute("delete from items where id >= 3")
    session.execute(
        "create index items_ivf on items using ivfflat (embedding vector_cosine_ops)"
        " with (lists = 40)"
    )
    session.execute("insert into items select * from later")
    session.execute("drop table later")
    session.execute("analyze items")


def without_vectors(session: Session) -> None:
    """Take the vectors of three rows away."""
    session.execute("update items set embedding = null where id < 3")
    cosine(session)


def zeros(session: Session) -> None:
    """Make the vectors of five rows all zeros."""
    zero = str([0] * DIMENSION)
    session.execute("update items set embedding = %s where id between 10 and 14", (zero,))
    cosine(session)


CASES = (
    Case(
        "computed_order",
        Cause.COMPUTED_ORDER,
        nearest(order=f"1 - (embedding <=> {QUERY}) desc"),
        cosine,
    ),
    Case("descending", Cause.DESCENDING, nearest(order=f"embedding <=> {QUERY} desc"), cosine),
    Case(
        "joined_vector",
        Cause.JOINED_VECTOR,
        "with q as (select embedding from items where id = 7)\nselect items.id\nfrom items, q\n"
        "order by items.embedding <=> q.embedding\nlimit 10",
        cosine,
    ),
    Case("no_limit", Cause.NO_LIMIT, nearest(None), cosine),
    Case(
        "no_distance", Cause.NO_DISTANCE, "select id\nfrom items\norder by year\nlimit 10", cosine
    ),
    Case("no_index", Cause.NO_INDEX, Knobs(), no_index),
    Case("dropped", Cause.DROPPED, Knobs(), cosine, drop),
    Case("invalid", Cause.INVALID, Knobs(), cut_off),
    Case("other_operator", Cause.OTHER_OPERATOR, nearest(), other_class),
    Case("other_expression", Cause.OTHER_EXPRESSION, nearest(), on_cast),
    Case("partial_index", Cause.PARTIAL_INDEX, nearest(), partial),
    Case(
        "switched_off",
        Cause.SWITCHED_OFF,
        nearest(),
        cosine,
        database={"enable_indexscan": "off"},
    ),
    Case("planner", Cause.PLANNER, nearest(where="where year between 10 and 20"), with_years),
    Case("ef_search", Cause.EF_SEARCH, Knobs(limit=20, ef_search=10), cosine),
    Case("filter", Cause.FILTER, Knobs(ef_search=20, filters='{"year": {"$gte": 3000}}'), cosine),
    Case("probes", Cause.PROBES, Knobs(limit=60, probes=1), lists),
    Case("training", Cause.TRAINING, Knobs(limit=5, probes=1), three_rows),
    Case("approximate", Cause.APPROXIMATE, Knobs(limit=20, ef_search=21), rough),
    Case("null_vectors", Cause.NULL_VECTORS, Knobs(), without_vectors),
    Case("zero_vectors", Cause.ZERO_VECTORS, Knobs(), zeros),
)
"""One for each cause, as it is met."""

VARIANTS = (
    Case(
        "rounded",
        Cause.COMPUTED_ORDER,
        nearest(order=f"round((embedding <=> {QUERY})::numeric, 3)"),
        cosine,
    ),
    Case(
        "function",
        Cause.COMPUTED_ORDER,
        nearest(order=f"cosine_distance(embedding, {QUERY})"),
        cosine,
    ),
    Case(
        "score",
        Cause.COMPUTED_ORDER,
        f"select id, 1 - (embedding <=> {QUERY}) as score\nfrom items\norder by score desc\nlimit 5",
        cosine,
    ),
    Case(
        "descending_turned",
        Cause.DESCENDING,
        nearest(order=f"{QUERY}::vector <=> embedding desc nulls last"),
        cosine,
    ),
    Case("no_index_statement", Cause.NO_INDEX, nearest(), no_index),
    Case("dropped_statement", Cause.DROPPED, nearest(), cosine, drop),
    Case("invalid_statement", Cause.INVALID, nearest(), cut_off),
    Case("other_operator_on_bits", Cause.OTHER_OPERATOR, nearest(), on_bits),
    Case(
        "column_indexed_and_cast_asked",
        Cause.OTHER_EXPRESSION,
        nearest(order=f"embedding::halfvec({DIMENSION}) <=> {QUERY}"),
        cosine,
    ),
    Case(
        "planner_scan",
        Cause.PLANNER,
        nearest(where="where kind = 'k7' and year < 500"),
        cosine,
    ),
    Case("ef_search_statement", Cause.EF_SEARCH, nearest(60), cosine),
    Case(
        "iterative_scan_gives_up",
        Cause.FILTER,
        # A scan that gives up still returns what it has looked at, up to some hundred rows of any
        # graph: of these a filter that 1 row in 100 passes leaves too few, one of 1 in 10 may not.
        Knobs(
            filters='{"year": {"$gte": 3960}}',
            iterative_scan=IterativeScan.STRICT,
            ef_search=5,
            max_scan_tuples=20,
        ),
        cosine,
    ),
    Case("few_bits", Cause.APPROXIMATE, Knobs(target=IndexTarget.BIT, ef_search=40), on_bits),
)
"""The same causes met otherwise."""
