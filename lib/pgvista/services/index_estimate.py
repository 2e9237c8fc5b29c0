"""What an index will cost, before it is built: size, memory and time.

Sizes follow the layouts in pgvector's own source (0.8: src/hnsw.h, src/hnswbuild.c, src/ivfflat.h,
src/ivfkmeans.c) on Postgres's pages of 8 kB. They hold for vectors that differ: rows with equal
vectors share an element of the graph, up to ten.
"""

from __future__ import annotations

import math
import random

from pgvista.model.collection import Collection
from pgvista.model.index import IndexMethod, IndexSpec, IndexTarget, advised_lists
from pgvista.model.index_build import BuildServer, IndexEstimate
from pgvista.model.metric import VectorType

PAGE_BYTES = 8192
USABLE_BYTES = PAGE_BYTES - 24 - 8
"""A page without its header and pgvector's 8 bytes at its end."""
ITEM_BYTES = 4
"""The pointer to each tuple of a page."""
MARGIN_BYTES = 1024**2
"""A parallel build leaves this much of its area unused (hnswbuild.c, memoryMargin)."""
PARALLEL_RESERVE_BYTES = 3 * 1024**2
"""What a parallel build takes off maintenance_work_mem for other things (estother)."""
SAMPLES_A_LIST = 50
MIN_SAMPLES = 10_000
MAX_ROWS_A_PAGE = 291
"""MaxHeapTuplesPerPage of Postgres."""
MIN_WORK_MEM_A_WORKER = 32 * 1024**2
"""Postgres gives a build no helper unless each process has this much (plan_create_index_workers)."""

_PACKED = 2_000


def value_bytes(dimension: int, kind: VectorType | None) -> int:
    """Return the bytes of one stored vector; `kind` None: of bits.

    vector: 8 + 4 d, halfvec: 8 + 2 d, bit: 8 + ceil(d / 8).
    """
    if kind is None:
        return 8 + math.ceil(dimension / 8)
    return 8 + (4 if kind is VectorType.VECTOR else 2) * dimension


def indexed_bytes(collection: Collection, spec: IndexSpec) -> int:
    """Return the bytes of one vector as the index holds it."""
    kind = VectorType.HALFVEC if spec.target is IndexTarget.HALFVEC else collection.vector_type
    dimension = spec.leading or collection.dimension or 0
    return value_bytes(dimension, None if spec.target is IndexTarget.BIT else kind)


def hnsw_size_bytes(rows: int, vector_bytes: int, m: int) -> int:
    """Return the size of an HNSW index.

    An element is a tuple of maxalign(72 + vector), 10 places for row ids among the 72; its
    neighbours are one of maxalign(4 + 6 (level + 2) m). Both share a page when they fit. A level is
    reached with probability m**-level (HnswGetMl: 1 / ln m). Source: hnsw.h,
    HNSW_ELEMENT_TUPLE_SIZE and HNSW_NEIGHBOR_TUPLE_SIZE; hnswbuild.c, CreateGraphPages.
    """
    if rows <= 0:
        return 2 * PAGE_BYTES
    element = _align(72 + vector_bytes)
    packed = min(rows, _PACKED)
    levels = random.Random(1)  # noqa: S311  (the same estimate for the same question)
    pages, free = 1, USABLE_BYTES
    for _ in range(packed):
        neighbours = _align(4 + 6 * (_level(levels, m) + 2) * m)
        both = element + ITEM_BYTES + neighbours
        fits_a_page = both + ITEM_BYTES <= USABLE_BYTES
        if free < element + ITEM_BYTES or (fits_a_page and free < both + ITEM_BYTES):
            pages, free = pages + 1, USABLE_BYTES
        free -= element + ITEM_BYTES
        if free < neighbours + ITEM_BYTES:
            pages, free = pages + 1, USABLE_BYTES
        free -= neighbours + ITEM_BYTES
    return PAGE_BYTES * (1 + math.ceil(pages * rows / packed))


def hnsw_memory_bytes(rows: int, vector_bytes: int, m: int) -> int:
    """Return the memory of an HNSW graph while it is built.

    An element takes 128 bytes and its vector; each layer a list of 8 + 16 places bytes, 2 m places
    in layer 0 and m above, and 8 bytes to find it. The mean level is 1 / (m - 1). Source: hnsw.h,
    HnswElementData, HnswNeighborArray, HnswCandidate; each allocation is aligned to 8 bytes.
    """
    layers = 1 / (m - 1)
    neighbours = 8 + 16 * 2 * m + layers * (8 + 16 * m) + 8 * (1 + layers)
    return math.ceil(max(0, rows) * (128 + _align(vector_bytes) + neighbours))


def ivfflat_size_bytes(rows: int, vector_bytes: int, lists: int) -> int:
    """Return the size of an IVFFlat index.

    A row is a tuple of maxalign(8 + vector) and its pointer; each list ends in a page that is half
    empty on average; its centre is 8 bytes and a vector, on pages of their own. A vector below 127
    bytes has a header of 1 byte instead of 4. Source: ivfflat.h, IvfflatListData; ivfbuild.c.
    """
    stored = vector_bytes - 3 if vector_bytes - 3 < 127 else vector_bytes
    a_page = max(1, USABLE_BYTES // (_align(8 + stored) + ITEM_BYTES))
    centres = max(1, USABLE_BYTES // (_align(8 + vector_bytes) + ITEM_BYTES))
    full = rows / a_page
    pages = full + lists * 0.5 if full > lists else lists * (1 - math.exp(-2 * full / lists))
    return PAGE_BYTES * math.ceil(1 + max(pages, lists) + math.ceil(lists / centres))


def ivfflat_memory_bytes(
    rows: int, vector_bytes: int, dimension: int, lists: int, table_bytes: int
) -> int:
    """Return the memory of k-means, by Elkan's algorithm, which pgvector refuses to go without.

    Room for 50 samples a list, at least 10,000, at most 291 a page of the table; of those there are,
    4 bytes for each pair of a sample and a centre, and of two centres. Source: ivfbuild.c,
    ComputeCenters; ivfkmeans.c, ElkanKmeans.
    """
    room = max(SAMPLES_A_LIST * lists, MIN_SAMPLES)
    room = min(room, max(1, table_bytes // PAGE_BYTES * MAX_ROWS_A_PAGE))
    samples = max(1, min(room, rows))
    vectors = _align(vector_bytes) * (room + 2 * lists)
    bounds = 4 * (samples * lists + 2 * samples + lists * lists + 3 * lists + lists * dimension)
    return vectors + bounds


def build_workers(server: BuildServer, table_bytes: int) -> int:
    """Return how many processes will help. Source: hnswbuild.c, ComputeParallelWorkers."""
    enough = server.maintenance_work_mem_bytes >= 2 * MIN_WORK_MEM_A_WORKER
    large = table_bytes >= server.min_parallel_table_scan_bytes
    return server.max_parallel_maintenance_workers if enough and large else 0


def estimate(
    collection: Collection,
    spec: IndexSpec,
    server: BuildServer,
    *,
    rows: int,
    table_bytes: int,
    maintenance_work_mem_bytes: int | None = None,
    seconds: float | None = None,
) -> IndexEstimate:
    """Return what the build of `spec` over `rows` vectors is expected to take.

    `maintenance_work_mem_bytes` is given where the build is to have its own. Raises nothing: a
    dimension beyond the limits has an estimate too, which nobody can build.
    """
    size = indexed_bytes(collection, spec)
    memory_limit = maintenance_work_mem_bytes or server.maintenance_work_mem_bytes
    workers = build_workers(_with_memory(server, memory_limit), table_bytes)
    if spec.method is IndexMethod.IVFFLAT:
        lists = spec.lists or advised_lists(rows)
        dimension = spec.leading or collection.dimension or 0
        disk = ivfflat_size_bytes(rows, size, lists)
        memory = ivfflat_memory_bytes(rows, size, dimension, lists, table_bytes)
    else:
        disk = hnsw_size_bytes(rows, size, spec.m)
        memory = hnsw_memory_bytes(rows, size, spec.m)
        if workers:
            memory += MARGIN_BYTES + PARALLEL_RESERVE_BYTES
    return IndexEstimate(
        rows=rows,
        size_bytes=disk,
        memory_bytes=memory,
        workers=workers,
        maintenance_work_mem_bytes=memory_limit,
        shared_buffers_bytes=server.shared_buffers_bytes,
        seconds=seconds,
    )


def scaled_seconds(method: IndexMethod, seconds: float, sample: int, rows: int) -> float:
    """Return the time for `rows` from that for a sample: n log n for HNSW, n for IVFFlat.

    Each insertion into a graph walks about log n steps; a row goes to the nearest of the lists.
    """
    if sample <= 0 or rows <= 0:
        return 0.0
    factor = rows / sample
    if method is IndexMethod.HNSW:
        factor *= math.log(max(rows, 2)) / math.log(max(sample, 2))
    return seconds * factor


def _with_memory(server: BuildServer, memory: int) -> BuildServer:
    return BuildServer(
        memory,
        server.shared_buffers_bytes,
        server.max_parallel_maintenance_workers,
        server.min_parallel_table_scan_bytes,
    )


def _level(levels: random.Random, m: int) -> int:
    return int(-math.log(1 - levels.random()) / math.log(m))


def _align(size: float) -> int:
    return math.ceil(size / 8) * 8
