from __future__ import annotations

import threading
import time
from collections import OrderedDict
from pathlib import Path

import pytest
from tests.unit.embed.http_service import DIMENSION, Service

from pgvista import embed
from pgvista.config import Secret, Settings, load_settings
from pgvista.embed import local, registry
from pgvista.embed.huggingface_inference import HuggingFaceInferenceEmbedder
from pgvista.embed.local import SentenceTransformerEmbedder
from pgvista.embed.openai_compatible import OpenAICompatibleEmbedder
from pgvista.errors import InvalidInput, ModelUnavailable


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_local", {})
    monkeypatch.setattr(registry, "_remote", OrderedDict())


def settings(**env: str) -> Settings:
    return load_settings(env)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        ("sentence-transformers/all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        (" intfloat/e5-small-v2 ", "intfloat/e5-small-v2"),
        ("openai: text-embedding-3-small", "openai:text-embedding-3-small"),
        ("hf:owner/model", "hf:owner/model"),
    ],
)
def test_canonical_names(name: str, canonical: str) -> None:
    assert embed.canonical_name(name) == canonical
    assert embed.canonical_name(canonical) == canonical


@pytest.mark.parametrize("name", ["", "  ", "openai:", "hf: "])
def test_no_names(name: str) -> None:
    with pytest.raises(InvalidInput):
        embed.canonical_name(name)


def test_names_resolve_to_embedders() -> None:
    env = settings(OPENAI_API_KEY="k", HF_TOKEN="t")
    assert isinstance(embed.get_embedder(), SentenceTransformerEmbedder)
    assert isinstance(embed.get_embedder("intfloat/e5-small-v2"), SentenceTransformerEmbedder)
    assert isinstance(embed.get_embedder("openai:m", env), OpenAICompatibleEmbedder)
    assert isinstance(embed.get_embedder("hf:o/m", env), HuggingFaceInferenceEmbedder)
    assert embed.get_embedder("hf:o/m", env).name == "hf:o/m"


def test_one_embedder_for_all_names_of_a_model() -> None:
    again = embed.get_embedder("sentence-transformers/all-MiniLM-L6-v2")
    assert embed.get_embedder(embed.DEFAULT_MODEL) is again


def test_known_dimension() -> None:
    assert embed.known_dimension("all-MiniLM-L6-v2") == 384
    assert embed.known_dimension("sentence-transformers/all-MiniLM-L6-v2") == 384
    assert embed.known_dimension("intfloat/e5-small-v2") is None
    assert embed.known_dimension("openai:m") is None


def test_keys_are_not_shared() -> None:
    env = settings()
    url = "http://127.0.0.1:9/v1"
    mine = embed.get_embedder("openai:m", env, base_url=url, key=Secret("mine"))
    assert embed.get_embedder("openai:m", env, base_url=url + "/", key=Secret("mine")) is mine
    others = [
        embed.get_embedder("openai:m", env, base_url=url, key=Secret("yours")),
        embed.get_embedder("openai:m", env, base_url=url),
        embed.get_embedder("openai:m", env, base_url="http://127.0.0.1:10/v1", key=Secret("mine")),
        embed.get_embedder("openai:n", env, base_url=url, key=Secret("mine")),
    ]
    assert all(other is not mine for other in others)
    assert len({id(other) for other in others}) == 4
    assert "mine" not in repr(registry._remote)
    assert "yours" not in repr(registry._remote)


def test_the_settings_key_goes_to_the_settings_address_alone(service: Service) -> None:
    env = settings(OPENAI_API_KEY="from-env", HF_TOKEN="hf-env", OPENAI_BASE_URL=service.url)
    embed.get_embedder("openai:m", env).load()
    embed.get_embedder("openai:n", env, base_url=service.url + "/").load()
    embed.get_embedder("hf:o/m", env, base_url=service.url).load()
    assert service.authorizations == ["Bearer from-env", "Bearer from-env", None]
    elsewhere = settings(OPENAI_API_KEY="from-env")
    embed.get_embedder("openai:m", elsewhere, base_url=service.url).load()
    assert service.authorizations[-1] == "Bearer none"


def test_services_without_a_key_or_with_wrong_arguments() -> None:
    with pytest.raises(ModelUnavailable, match="asks for a key"):
        embed.get_embedder("openai:m", settings())
    with pytest.raises(InvalidInput, match="no address and no key"):
        embed.get_embedder("all-MiniLM-L6-v2", key=Secret("k"))
    with pytest.raises(InvalidInput, match="not one of http"):
        embed.get_embedder("openai:m", settings(), base_url="file:///etc/passwd")


def test_services_of_old_sessions_are_forgotten() -> None:
    for number in range(registry._KEPT_SERVICES + 10):
        embed.get_embedder(
            "openai:m", settings(), base_url="http://127.0.0.1:9/v1", key=Secret(f"k{number}")
        )
    assert len(registry._remote) == registry._KEPT_SERVICES


def test_a_service_is_ready_when_it_has_answered(service: Service) -> None:
    env = settings(OPENAI_BASE_URL=service.url)
    assert embed.loading_state("openai:m", env) == "not loaded"
    embed.warm("openai:m", env)
    _wait_until_settled("openai:m", env)
    assert embed.loading_state("openai:m", env) == "ready"
    assert embed.is_loaded("openai:m", env)
    assert embed.get_embedder("openai:m", env).dimension == DIMENSION


def test_a_model_is_loaded_once_by_many_threads(
    monkeypatch: pytest.MonkeyPatch, packaged: SentenceTransformerEmbedder
) -> None:
    loads: list[str] = []
    go_on = threading.Event()

    def slow_load(name: str) -> object:
        loads.append(name)
        assert go_on.wait(60)
        return packaged._model

    monkeypatch.setattr(local, "_load_model", slow_load)
    embed.warm()
    assert embed.loading_state() == "loading"
    embed.warm()
    threads = [threading.Thread(target=embed.get_embedder().load) for _ in range(8)]
    for thread in threads:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert loads == ["all-MiniLM-L6-v2"]
    assert embed.loading_state() == "ready"
    assert embed.is_loaded()


def test_a_failed_load_is_told_and_tried_again(tmp_path: Path) -> None:
    name = str(tmp_path)
    embed.warm(name)
    _wait_until_settled(name)
    assert embed.loading_state(name).startswith("failed: The folder ")
    assert not embed.is_loaded(name)
    with pytest.raises(ModelUnavailable):
        embed.get_embedder(name).load()


def _wait_until_settled(name: str, env: Settings | None = None) -> None:
    deadline = time.monotonic() + 30
    while embed.loading_state(name, env) == "loading" and time.monotonic() < deadline:
        time.sleep(0.01)
