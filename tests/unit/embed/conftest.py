from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.embed.http_service import Service, running_service

from pgvista.embed import get_embedder
from pgvista.embed.local import SentenceTransformerEmbedder


@pytest.fixture(scope="session")
def packaged() -> SentenceTransformerEmbedder:
    """The packaged model, loaded once for all tests."""
    embedder = get_embedder("all-MiniLM-L6-v2")
    assert isinstance(embedder, SentenceTransformerEmbedder)
    embedder.load()
    return embedder


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as running:
        yield running
