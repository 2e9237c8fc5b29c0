"""Names for the clusters of a map: the words that tell their texts from those of the others."""

from __future__ import annotations

from collections import Counter

import numpy as np

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.map import ClusterLabel, MapPoints
from pgvista.science.clusters import c_tf_idf, count_words, label_places
from pgvista.sql import map as map_sql

TEXTS = 200
"""Texts that are read of each cluster, drawn at random."""
LENGTH = 1_500
"""Characters that are read of each."""
WORDS = 6
_CANDIDATES = 24
_LABEL = 3


def name_clusters(
    db: Database, collection: Collection, points: MapPoints, *, seed: int = 0
) -> tuple[ClusterLabel, ...]:
    """Return the clusters of a map, the largest first, each with up to 6 words by c-TF-IDF.

    Stop words are those of the collection's text-search language, and of words with the same stem
    one is taken. Clusters have no words without texts, and where their first three are the same.
    """
    places = label_places(points.xy, points.cluster)
    sizes = np.bincount(points.cluster[points.cluster >= 0], minlength=len(places))
    words = _words(db, collection, points, len(places), seed)
    return tuple(
        ClusterLabel(number, int(sizes[number]), words.get(number, ()), xy)
        for number, xy in enumerate(places)
    )


def _words(
    db: Database, collection: Collection, points: MapPoints, clusters: int, seed: int
) -> dict[int, tuple[str, ...]]:
    if collection.roles.content is None or not clusters:
        return {}
    rng = np.random.default_rng(seed)
    cluster_of: dict[str, int] = {}
    for number in range(clusters):
        members = np.flatnonzero(points.cluster == number)
        drawn = rng.choice(members, min(TEXTS, len(members)), replace=False)
        cluster_of |= {points.ids[place]: number for place in drawn}
    reading = map_sql.texts(collection, list(cluster_of), LENGTH)
    rows = db.query(reading.statement, reading.params, timeout_ms=0)
    counts = count_words(
        (text for _, text in rows), (cluster_of.get(row_id, -1) for row_id, _ in rows)
    )
    found = {
        number: [word for word, _ in weighed]
        for number, weighed in c_tf_idf(counts, _CANDIDATES).items()
    }
    lexemes = _lexemes(db, collection, sorted({word for some in found.values() for word in some}))
    return _telling({number: _distinct(some, lexemes) for number, some in found.items()})


def _telling(words: dict[int, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
    """Leave clusters without words whose label would be that of another one."""
    labels = Counter(some[:_LABEL] for some in words.values())
    return {number: some if labels[some[:_LABEL]] == 1 else () for number, some in words.items()}


def _lexemes(db: Database, collection: Collection, words: list[str]) -> dict[str, str | None]:
    query = map_sql.lexemes(collection.text_config, words)
    try:
        return dict(db.query(query.statement, query.params))
    except PgvistaError:  # the language is not installed here: words stay as they are
        return {word: word for word in words}


def _distinct(words: list[str], lexemes: dict[str, str | None]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for word in words:
        lexeme = lexemes.get(word)
        if lexeme is not None:
            kept.setdefault(lexeme, word)
    return tuple(kept.values())[:WORDS]
