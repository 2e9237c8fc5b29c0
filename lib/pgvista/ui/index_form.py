"""A new index: what of a row, by which method and options, with its cost and its SQL beside it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection, CollectionStats, IndexInfo
from pgvista.model.index import (
    DEFAULT_EF_CONSTRUCTION,
    DEFAULT_M,
    MAX_LISTS,
    AnyIndexSpec,
    BitMetric,
    FieldIndexSpec,
    IndexMethod,
    IndexSpec,
    IndexTarget,
    advised_lists,
    targets,
)
from pgvista.model.index_build import BuildServer
from pgvista.model.metric import Metric
from pgvista.services.collections import indexes
from pgvista.services.index_build import build_index
from pgvista.sql import index as index_sql
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.confirm import write_button
from pgvista.ui.errors import plain, show_error
from pgvista.ui.filter_builder import filter_bar
from pgvista.ui.index_actions import begun, exclusive_key
from pgvista.ui.index_cost import cost, memory_choice
from pgvista.ui.index_table import can_be_indexed
from pgvista.ui.jobs import start_job
from pgvista.ui.table_roles import plain_name

KINDS = ("HNSW", "IVFFlat", "Words and filters")
_TARGETS = {
    IndexTarget.COLUMN: "the column",
    IndexTarget.HALFVEC: "halfvec",
    IndexTarget.BIT: "bits",
    IndexTarget.LEADING: "leading dimensions",
}
_TARGET_HELP = (
    "**The column** as it is. **halfvec**: a cast, half the bytes, to 4,000 dimensions. **bits**: the "
    "signs alone (binary\\_quantize), 1/32 of the bytes. **Leading dimensions** (subvector): for "
    "models trained so that the first ones say most. The last two want re-ranking by the whole "
    "vectors."
)


@st.fragment
def index_form(db: Database, stats: CollectionStats, server: BuildServer) -> None:
    """Draw the form; moving a knob repaints it and its estimate alone."""
    collection = stats.collection
    with st.container(border=True, key="indexes_card_new", gap="small"):
        st.markdown("**New index**")
        if not can_be_indexed(collection):
            st.markdown(
                f":gray[{collection.name} is a {collection.kind.value}: indexes belong on the "
                "tables beneath it.]"
            )
            return
        kind = st.segmented_control(
            "Method", KINDS, default=KINDS[0], required=True, key="indexes.method",
            label_visibility="collapsed",
            help="HNSW: better recall for the time of a query, slower to build. IVFFlat: built "
            "quickly, from rows that are there already. GIN and btree serve words and filters.",
        )  # fmt: skip
        try:
            items = indexes(db, collection)
            if kind == KINDS[2]:
                _field(db, stats, items)
            else:
                method = IndexMethod.HNSW if kind == KINDS[0] else IndexMethod.IVFFLAT
                _vector(db, stats, items, server, method)
        except PgvistaError as error:
            show_error(error)


def _vector(
    db: Database,
    stats: CollectionStats,
    items: Sequence[IndexInfo],
    server: BuildServer,
    method: IndexMethod,
) -> None:
    collection = stats.collection
    if collection.dimension is None:
        st.markdown(
            ":gray[The vectors have no fixed dimension, so no index can be built. Alter the column "
            "to a type such as vector(384).]"
        )
        return
    if not stats.rows and method is IndexMethod.HNSW:
        st.markdown(
            ":small[:gray[:material/info: The table is empty: the index grows as rows come, which "
            "makes a large load many times slower. Load first.]]"
        )
    spec = _spec(db, stats, method)
    memory = memory_choice(server)
    cost(db, stats, spec, server, memory)
    name, query = index_sql.create(collection, spec, rows=max(1, stats.rows))
    before = (
        [index_sql.maintenance_work_mem(memory).text()]
        if memory != server.maintenance_work_mem_bytes
        else []
    )
    _build(db, stats, items, spec, name, [*before, query.text()], memory if before else None)


def _spec(db: Database, stats: CollectionStats, method: IndexMethod) -> IndexSpec:
    collection = stats.collection
    dimension = collection.dimension or 1
    offered = targets(dimension, collection.vector_type)
    if IndexTarget.COLUMN not in offered:
        limit = collection.vector_type.max_index_dimension
        st.markdown(
            f":small[:gray[:material/info: {dimension:,} dimensions are beyond the {limit:,} that an "
            f"index on {collection.vector_type.value} takes.]]"
        )
    first, second = st.columns(2, gap="small")
    target = first.selectbox(
        "Of the vector", offered, key=f"indexes.target.{collection.name}",
        format_func=lambda item: _TARGETS[item], help=_TARGET_HELP,
    )  # fmt: skip
    metric = _metric(second, collection, method, target)
    leading = None
    if target is IndexTarget.LEADING:
        most = min(dimension - 1, collection.vector_type.max_index_dimension)
        leading = st.number_input(
            "Leading dimensions", 1, most, max(1, min(most, dimension // 4)),
            key=f"indexes.leading.{collection.name}",
            help="How many from the first on. Take a number that the model was trained for.",
        )  # fmt: skip
    options = _options(stats, method)
    first, second = st.columns(2, gap="small", vertical_alignment="center")
    with first:
        filters = filter_bar(db, collection, key=f"indexes.filter.{collection.name}")
    quietly = second.toggle(
        "Concurrently", value=True, key="indexes.concurrently",
        help="Rows can be written meanwhile; it takes longer. Without it, writes wait for the build.",
    )  # fmt: skip
    if filters is not None:
        st.markdown(
            ":small[:gray[A partial index: it serves searches whose filter implies this one.]]"
        )
    return IndexSpec(
        method=method,
        metric=metric,
        m=options.get("m", DEFAULT_M),
        ef_construction=options.get("ef_construction", DEFAULT_EF_CONSTRUCTION),
        lists=options.get("lists"),
        target=target,
        leading=leading,
        filters=filters,
        concurrently=quietly,
    )


def _metric(
    place: st.delta_generator.DeltaGenerator,
    collection: Collection,
    method: IndexMethod,
    target: IndexTarget,
) -> Metric | BitMetric:
    offered: list[Metric | BitMetric] = list(Metric)
    if target is IndexTarget.BIT:
        offered = list(BitMetric)
    if method is IndexMethod.IVFFLAT:
        offered = [item for item in offered if item not in (Metric.L1, BitMetric.JACCARD)]
    own = collection.metric
    chosen: Metric | BitMetric = place.selectbox(
        "Metric", offered, index=offered.index(own) if own in offered else 0,
        key=f"indexes.metric.{method}.{target is IndexTarget.BIT}.{collection.name}",
        format_func=lambda item: f"{item.label.partition(' (')[0]}  {item.operator}",
        help="An index serves searches in its own metric alone.",
    )  # fmt: skip
    return chosen


def _options(stats: CollectionStats, method: IndexMethod) -> dict[str, int]:
    first, second = st.columns(2, gap="small", vertical_alignment="bottom")
    if method is IndexMethod.HNSW:
        m = first.number_input(
            "m", 2, 100, DEFAULT_M, key="indexes.m",
            help="Links of a row in each layer, 2 to 100; 16. More: better recall, a larger index.",
        )  # fmt: skip
        ef = second.number_input(
            "ef_construction", 4, 1000, DEFAULT_EF_CONSTRUCTION, key="indexes.ef",
            help="Candidates looked at while building, 4 to 1,000 and at least 2 m; 64. More: "
            "better recall, slower to build.",
        )  # fmt: skip
        return {"m": int(m), "ef_construction": int(ef)}
    advised = advised_lists(stats.rows)
    lists = first.number_input(
        "lists", 1, MAX_LISTS, advised, key=f"indexes.lists.{stats.collection.name}",
        help="Cells of the k-means, 1 to 32,768. Advised: rows / 1,000, from a million rows on "
        "the square root of the rows.",
    )  # fmt: skip
    second.markdown(f":small[:gray[Advised for {stats.rows:,} rows: **{advised:,}**]]")
    if stats.rows < 1000:
        st.markdown(
            ":small[:orange[:material/warning: IVFFlat learns its cells from the rows that are there: "
            "load them first.]]"
        )
    return {} if int(lists) == advised else {"lists": int(lists)}


def _field(db: Database, stats: CollectionStats, items: Sequence[IndexInfo]) -> None:
    collection = stats.collection
    roles = collection.roles
    names = [roles.fts or roles.content, roles.metadata, *(c.name for c in collection.columns)]
    offered = [name for name in names if name is not None]
    if not offered:
        st.markdown(":gray[No column with words, metadata or values to filter by.]")
        return
    has = {column for item in items for column in item.columns[:1] if item.valid}
    missing = next((i for i, name in enumerate(offered) if name not in has), 0)
    column = st.selectbox(
        "Column", offered, index=missing, key=f"indexes.column.{collection.name}",
        format_func=lambda name: f"{name} (indexed)" if name in has else name,
    )  # fmt: skip
    quietly = st.toggle("Concurrently", value=True, key="indexes.concurrently.field")
    spec = FieldIndexSpec(column, concurrently=quietly)
    name, query = index_sql.create_field(collection, spec)
    st.markdown(":small[:gray[GIN for words, JSON and lists, a btree for any other value.]]")
    _build(db, stats, items, spec, name, [query.text()], None)


def _build(
    db: Database,
    stats: CollectionStats,
    items: Sequence[IndexInfo],
    spec: AnyIndexSpec,
    name: str,
    statements: list[str],
    memory: int | None,
) -> None:
    """Draw the statements and the button that runs them."""
    collection = stats.collection
    analyze = index_sql.analyze(collection).text()
    sql_panel("".join(f"{text};\n" for text in [*statements, analyze]), key="indexes.sql")
    there = any(item.name == name and item.valid for item in items)
    if there:
        st.markdown(f":small[:orange[There is the index {plain(name)} already: drop it first.]]")
    if write_button("Build", key="indexes.build", read_only=db.read_only, disabled=there):
        job = start_job(
            f"Index on {plain_name(collection)}",
            lambda own, reporter: build_index(
                own, collection, spec, reporter=reporter, maintenance_work_mem_bytes=memory
            ),
            exclusive=exclusive_key(collection),
        )
        begun(collection, job.id)
