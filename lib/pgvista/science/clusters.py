"""Clusters of points on a map, and the words that tell them from each other."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pgvista.science.imports import wait_for_torch

MOST = 60
"""The largest clusters are kept; points of smaller ones are in none."""
CLUSTERED = 20_000
"""So many points are clustered, drawn at random; the others go with the nearest of these."""
SMALLEST = 5
LARGEST = 0.6
"""The largest share of all points that one cluster may have."""

Floats = NDArray[np.float32]
Places = NDArray[np.int32]

_WORD = re.compile(r"[^\W\d_][\w'’-]*[^\W_]")
_TAG = re.compile(r"<[^<>]{1,300}>|&\w{2,8};|https?://\S+")
_LONGEST = 30


def find_clusters(xy: Floats, *, seed: int = 0) -> Places:
    """Return each point's cluster, numbered from 0 by size, -1 for none: shape (n,).

    HDBSCAN (Campello, Moulavi and Sander 2013) by scikit-learn on the map's positions, the most
    stable groups of its tree. A cluster has at least sqrt(n) / 2 points and no fewer than 5; a group
    of more than `LARGEST` of all points is told apart into those it holds.
    """
    count = len(xy)
    smallest = max(SMALLEST, round(math.sqrt(count) / 2))
    if count < 2 * smallest or bool((xy == xy[0]).all()):
        return np.full(count, -1, np.int32)
    wait_for_torch()
    from sklearn.cluster import HDBSCAN

    chosen = np.arange(count)
    if count > CLUSTERED:
        chosen = np.sort(np.random.default_rng(seed).choice(count, CLUSTERED, replace=False))
        smallest = max(SMALLEST, smallest * CLUSTERED // count)
    found = HDBSCAN(
        min_cluster_size=smallest,
        min_samples=min(5, smallest),
        max_cluster_size=max(smallest + 1, int(LARGEST * len(chosen))),
        copy=True,
    ).fit_predict(xy[chosen].astype(np.float64))
    if count > CLUSTERED:
        wait_for_torch()
        from scipy.spatial import cKDTree

        found = found[cKDTree(xy[chosen]).query(xy)[1]]
    return _by_size(found)


def _by_size(found: NDArray[np.integer]) -> Places:
    sizes = np.bincount(found[found >= 0], minlength=1)
    order = np.argsort(-sizes, kind="stable")[:MOST]
    number = np.full(len(sizes) + 1, -1, np.int32)
    number[order] = np.arange(len(order))
    number[-1] = -1
    return np.asarray(number[found])


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters: letters first, 2 to 30 long, no tags or links."""
    bare = _TAG.sub(" ", text)
    return [word for word in map(str.lower, _WORD.findall(bare)) if len(word) <= _LONGEST]


def count_words(texts: Iterable[str], clusters: Iterable[int]) -> dict[int, Counter[str]]:
    """Count the words of each cluster; -1, no cluster, is left out."""
    counts: dict[int, Counter[str]] = {}
    for text, cluster in zip(texts, clusters, strict=True):
        if cluster >= 0:
            counts.setdefault(int(cluster), Counter()).update(words_of(text))
    return counts


def c_tf_idf(
    counts: Mapping[int, Mapping[str, int]], most: int
) -> dict[int, list[tuple[str, float]]]:
    """Return the `most` words of each cluster with the highest c-TF-IDF, highest first.

    Grootendorst (2022): tf(w, c) * log(1 + A / f(w)), where tf is the share of w among the words of
    the cluster c, f(w) how often w occurs in all of them, and A the mean number of words a cluster.
    0 and up; words of one cluster alone that are frequent in it come first. Ties by the alphabet.
    """
    overall: Counter[str] = Counter()
    for words in counts.values():
        overall.update(words)
    total = sum(overall.values())
    if not total:
        return {cluster: [] for cluster in counts}
    mean = total / len(counts)
    found = {}
    for cluster, words in counts.items():
        size = sum(words.values()) or 1
        weights = [
            (word, n / size * math.log(1 + mean / overall[word])) for word, n in words.items()
        ]
        found[cluster] = sorted(weights, key=lambda item: (-item[1], item[0]))[:most]
    return found


def label_places(xy: Floats, cluster: Places) -> list[tuple[float, float]]:
    """Return where each cluster's label stands, by its number: the median of its points."""
    number = int(cluster.max(initial=-1)) + 1
    found: Sequence[Floats] = [np.median(xy[cluster == item], axis=0) for item in range(number)]
    return [(float(x), float(y)) for x, y in found]
