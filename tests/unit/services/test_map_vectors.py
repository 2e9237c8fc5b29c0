"""How many vectors memory holds, on a machine and in a container."""

from __future__ import annotations

import psutil
import pytest

from pgvista.services import map_vectors


def test_a_container_leaves_less_than_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = map_vectors.fitting(384)
    room = 1_000_000_000
    used = psutil.Process().memory_info().rss
    monkeypatch.setattr(map_vectors, "container_memory_bytes", lambda: used + room)
    share = room * map_vectors.MEMORY_SHARE / (4 * 384 * map_vectors.COPIES)
    assert map_vectors.fitting(384) == pytest.approx(min(machine, share), rel=0.1)
    monkeypatch.setattr(map_vectors, "container_memory_bytes", lambda: 1)
    assert map_vectors.fitting(384) == 1_000
