"""A map's file in a real browser: nothing from outside, the theme's colours, labels with room."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import until

from pgvista.io.map_files import map_html
from pgvista.model import series
from pgvista.model.map import ClusterLabel, MapInfo, SavedMap, empty_points, no_quality
from pgvista.model.map_spec import MapSpec
from pgvista.model.metric import Metric

PLACES = np.array([[0, 0], [0.4, 0.1], [10, 10]], dtype=np.float32)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Three clusters, two of which lie so near to each other that one label alone has room."""
    points = replace(
        empty_points(),
        ids=("a", "b", "c"),
        xy=PLACES,
        kept=np.ones(3, np.float32),
        cluster=np.arange(3, dtype=np.int32),
        is_new=np.zeros(3, np.bool_),
    )
    info = MapInfo(
        number=1,
        spec=MapSpec(),
        metric=Metric.COSINE,
        model=None,
        points=3,
        rows=3,
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=1.0,
        quality=no_quality(),
        clusters=tuple(
            ClusterLabel(number, 3 - number, (f"cluster called {number}",), (float(x), float(y)))
            for number, (x, y) in enumerate(PLACES)
        ),
    )
    out = tmp_path / "map.html"
    out.write_text(map_html(SavedMap(info, points), "three", ()), "utf-8")
    return out.as_uri()


def colours(page: Page) -> list[str]:
    found: list[str] = page.evaluate("map.data.slice(0, 3).map((trace) => trace.marker.color)")
    return found


def test_labels_come_with_room_and_colours_with_the_theme(browser_page: Page, file: str) -> None:
    page = browser_page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file)
    labels = page.locator(".annotation-text")
    expect(labels).to_have_text(["cluster called 0", "cluster called 2"])
    assert colours(page) == list(series.LIGHT[:3])
    page.evaluate("Plotly.relayout(map, {'xaxis.range': [-1, 1], 'yaxis.range': [-1, 1]})")
    expect(labels.filter(has_text="cluster called 1")).to_be_visible()
    near = page.evaluate("map._fullLayout.xaxis.range")
    page.emulate_media(color_scheme="dark")
    until(page, lambda: colours(page) == list(series.DARK[:3]))
    assert page.evaluate("map._fullLayout.xaxis.range") == near
    assert asked == [file]
