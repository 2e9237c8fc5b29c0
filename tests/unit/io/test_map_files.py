"""Maps as files: each category has a colour and a shape of its own, the smallest share one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from pgvista.io.map_files import NAMED, SYMBOLS, by_cluster, by_values, map_html, map_svg
from pgvista.model.map import ClusterLabel, MapInfo, SavedMap, empty_points, no_quality
from pgvista.model.map_spec import MapSpec
from pgvista.model.metric import Metric
from pgvista.model.series import LIGHT_OTHER


def saved(clusters: int) -> SavedMap:
    """Return a map of two points in each cluster, and one in none."""
    cluster = np.append(np.repeat(np.arange(clusters), 2), -1).astype(np.int32)
    count = len(cluster)
    points = replace(
        empty_points(),
        ids=tuple(map(str, range(count))),
        xy=np.stack([np.arange(count), np.arange(count) % 7], axis=1).astype(np.float32),
        kept=np.ones(count, np.float32),
        cluster=cluster,
        is_new=np.zeros(count, np.bool_),
    )
    info = MapInfo(
        number=1,
        spec=MapSpec(),
        metric=Metric.COSINE,
        model=None,
        points=count,
        rows=count,
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=1.0,
        quality=no_quality(),
        clusters=tuple(
            ClusterLabel(number, 2, (f"<word {number}>",), (0.0, 0.0)) for number in range(clusters)
        ),
    )
    return SavedMap(info, points)


def drawn(svg: str) -> list[tuple[str, ...]]:
    """Return the shape and the colour of each point."""
    dots = svg.split('fill-opacity="0.75">')[1].split("</g>")[0]
    found = re.findall(r"<(circle|rect)[^>]*? fill=\"(#\w+)\"( transform)?", dots)
    return [tuple(item) for item in found]


@pytest.mark.parametrize("clusters", [1, 9, 10, NAMED])
def test_each_cluster_has_its_own_sign(clusters: int) -> None:
    signs = drawn(map_svg(saved(clusters), "map"))
    assert len(signs) == 2 * clusters + 1
    assert len(set(signs[:-1])) == clusters
    assert signs[-1] == ("circle", LIGHT_OTHER, "")


def test_the_smallest_of_many_clusters_are_told_as_others() -> None:
    found = saved(NAMED + 6)
    coloured = by_cluster(found)
    assert coloured.names[NAMED:] == ("6 others",)
    assert coloured.codes is not None
    assert coloured.codes.max() == NAMED
    signs = drawn(map_svg(found, "map"))
    assert len(set(signs)) == NAMED + 1
    assert {sign[1] for sign in signs[2 * NAMED :]} == {LIGHT_OTHER}
    page = map_html(found, "map", ())
    (data,) = re.findall(r'<script[^>]*id="data"[^>]*>(.*?)</script>', page, re.DOTALL)
    told = json.loads(data)
    assert max(told["codes"]) == NAMED
    assert told["symbols"] == list(SYMBOLS)
    assert "<word" not in data


def test_the_most_frequent_values_have_their_own_sign() -> None:
    values = [f"v{n}" for n in range(NAMED + 3) for _ in range(2 if n < NAMED else 1)]
    found = by_values("kind", [*values, None])
    assert len(found.names) == NAMED
    assert found.codes is not None
    assert (found.codes == -1).sum() == 4
