"""What the lesson on embeddings asks Postgres: distances of typed phrases, and their lexemes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric, VectorType
from pgvista.sql.names import distance_operator, vector_type
from pgvista.sql.query import Query, compose, join, param


def pair_distances(
    phrases: Sequence[str], vectors: NDArray[np.float32], extension_schema: str | None
) -> Query:
    """Measure the cosine distance of each two phrases: place and place, from 1, and distance.

    Nearest first. `vectors` has shape (n, dimension), a row for each of `phrases`; two at least.
    """
    kind = vector_type(VectorType.VECTOR, extension_schema)
    values: dict[str, Any] = {}
    rows = []
    for place, (phrase, vector) in enumerate(zip(phrases, vectors, strict=True), 1):
        values |= {f"phrase_{place}": phrase, f"vector_{place}": vector, f"place_{place}": place}
        rows.append(
            compose(
                "({place}, {phrase}, {vector}::{kind})",
                place=param(f"place_{place}"),
                phrase=param(f"phrase_{place}"),
                vector=param(f"vector_{place}"),
                kind=kind,
            )
        )
    statement = compose(
        """with phrases (place, phrase, embedding) as (values
  {rows}
)
select a.place, b.place, a.phrase, b.phrase, a.embedding {operator} b.embedding as distance
from phrases as a
join phrases as b on a.place < b.place
order by distance, a.place, b.place""",
        rows=join(",\n  ", rows),
        operator=distance_operator(Metric.COSINE, extension_schema),
    )
    return Query(statement, values)


def lexemes(phrases: Sequence[str], config: str) -> Query:
    """Count the lexemes of each phrase: place from 1, lexeme, how often it occurs."""
    return Query(
        compose(
            """select p.place, l.lexeme, cardinality(l.positions) as occurrences
from unnest({phrases}::text[]) with ordinality as p (phrase, place)
cross join unnest(to_tsvector({config}::regconfig, p.phrase)) as l
order by p.place, l.positions""",
            phrases=param("phrases"),
            config=param("config"),
        ),
        {"phrases": list(phrases), "config": config},
    )
