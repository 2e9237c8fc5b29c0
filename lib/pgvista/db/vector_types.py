"""pgvector's types on a connection, wherever the extension lives.

In: a NumPy array of shape (dimension,) is sent as `vector`; pgvector's own `Vector`,
`HalfVector`, `SparseVector` and `Bit` as what they are named after. Out: `vector` and `halfvec`
become NumPy arrays of float32 and shape (dimension,), `sparsevec` a `pgvector.SparseVector`,
`bit` a text of 0 and 1. A binary COPY that names its types (`Copy.set_types`) takes NumPy arrays for
`halfvec` too.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg.bit import register_bit_info
from pgvector.psycopg.halfvec import register_halfvec_info
from pgvector.psycopg.sparsevec import register_sparsevec_info
from pgvector.psycopg.vector import register_vector_info
from psycopg import Connection, rows
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from psycopg.types import TypeInfo

_HEADER_BYTES = 4
"""pgvector's binary form begins with the dimension and an unused number, 2 bytes each."""

_REGISTER = {
    "vector": register_vector_info,
    "halfvec": register_halfvec_info,
    "sparsevec": register_sparsevec_info,
}

_WHO_ANSWERS = """
select pg_catalog.pg_backend_pid(), t.typname, t.oid::bigint, t.typarray::bigint,
       t.oid::pg_catalog.regtype::text
from (select 1) as one
left join (pg_catalog.pg_extension e
           join pg_catalog.pg_type t on t.typnamespace = e.extnamespace
                and t.typname in ('vector', 'halfvec', 'sparsevec'))
     on e.extname = 'vector'
"""


class VectorTextLoader(Loader):
    """Loads a `vector` or `halfvec` from its text form."""

    format = Format.TEXT

    def load(self, data: Buffer) -> NDArray[np.float32]:
        """Return an array of float32, shape (dimension,)."""
        text = bytes(data)[1:-1].decode("ascii")
        return np.fromstring(text, dtype=np.float32, sep=",")


class VectorBinaryLoader(Loader):
    """Loads a `vector` from its binary form."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.float32]:
        """Return an array of float32, shape (dimension,)."""
        return np.frombuffer(data, dtype=">f4", offset=_HEADER_BYTES).astype(np.float32)


class HalfVectorBinaryLoader(Loader):
    """Loads a `halfvec` from its binary form."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.float32]:
        """Return an array of float32, shape (dimension,)."""
        return np.frombuffer(data, dtype=">f2", offset=_HEADER_BYTES).astype(np.float32)


class HalfVectorBinaryDumper(Dumper):
    """Sends a `HalfVector`, or an array of shape (dimension,), as `halfvec`.

    Numbers beyond 65,504 become infinite, which Postgres refuses.
    """

    format = Format.BINARY

    def dump(self, obj: HalfVector | NDArray[np.float32]) -> bytes:
        """Return the binary form."""
        if isinstance(obj, HalfVector):
            return bytes(obj.to_binary())
        with np.errstate(over="ignore"):
            values = np.asarray(obj).astype(">f2")
        return struct.pack(">HH", values.size, 0) + values.tobytes()


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a new connection says of itself."""

    pooled: bool
    """Whether another backend answers than the one the connection was opened with."""
    vector: bool
    """Whether pgvector's types were found and registered."""


def introduce(connection: Connection[Any]) -> Introduction:
    """Register pgvector's types on an idle autocommit `connection`, in one round trip.

    Without the extension nothing is registered. A pooler is known by the process id: it tells
    clients one of its own making, while `pg_backend_pid` tells the server's.
    """
    with connection.cursor(row_factory=rows.tuple_row) as cursor:
        found = cursor.execute(_WHO_ANSWERS, prepare=False).fetchall()
    for _, name, oid, array_oid, regtype in found:
        if name is not None:
            _REGISTER[name](connection, TypeInfo(name, oid, array_oid, regtype=regtype))
            if name in ("vector", "halfvec"):
                connection.adapters.register_loader(oid, VectorTextLoader)
            if name == "vector":
                connection.adapters.register_loader(oid, VectorBinaryLoader)
            if name == "halfvec":
                connection.adapters.register_loader(oid, HalfVectorBinaryLoader)
                dumper = type("HalfVectorDumper", (HalfVectorBinaryDumper,), {"oid": oid})
                connection.adapters.register_dumper(HalfVector, dumper)
    register_bit_info(connection, connection.adapters.types["bit"])
    return Introduction(
        pooled=found[0][0] != connection.info.backend_pid,
        vector=any(row[1] is not None for row in found),
    )
