from __future__ import annotations

import traceback
from typing import Any

import numpy as np
import pytest
from tests.unit.embed.http_service import DIMENSION, Reply, Service, vector_of

from pgvista.config import Secret
from pgvista.embed.huggingface_inference import HuggingFaceInferenceEmbedder
from pgvista.errors import Cancelled, ModelUnavailable

KEY = "hf_very_secret_123"


def embedder(service: Service, **options: Any) -> HuggingFaceInferenceEmbedder:
    options = {"key": Secret(KEY), "max_retries": 0, **options}
    return HuggingFaceInferenceEmbedder("owner/model", endpoint=service.url, **options)


def test_vectors_of_documents_and_queries(service: Service) -> None:
    texts = ["one", "two words", ""]
    asked = embedder(service)
    assert (asked.name, asked.max_tokens, asked.token_spans("a")) == ("hf:owner/model", None, None)
    vectors = asked.embed_documents(texts)
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [vector_of(text) for text in ["one", "two words", " "]]
    assert asked.embed_query("one").tolist() == vector_of("one")
    assert asked.dimension == DIMENSION
    assert service.authorizations == [f"Bearer {KEY}"] * 2


def test_token_vectors_are_averaged_text_by_text(service: Service) -> None:
    service.token_level = True
    texts = ["one", "two words", "and three words", "four and four"]
    asked = embedder(service)
    vectors = asked.embed_documents(texts)
    assert np.allclose(vectors, [vector_of(text) for text in texts])
    assert service.batch_sizes == [4, 1, 1, 1, 1]
    assert np.allclose(asked.embed_query("two words"), vector_of("two words"))


def test_batches_progress_and_stopping(service: Service) -> None:
    told: list[int] = []
    texts = [f"text {n}" for n in range(100)]
    asked = embedder(service)
    assert len(asked.embed_documents(texts, on_progress=told.append)) == 100
    assert told == [64, 100]
    with pytest.raises(Cancelled):
        asked.embed_documents(texts, should_stop=lambda: True)


def test_batches_shrink_to_what_the_service_takes(service: Service) -> None:
    service.max_texts = 32
    texts = [f"text {n}" for n in range(64)]
    assert embedder(service).embed_documents(texts).tolist() == [vector_of(t) for t in texts]
    assert service.batch_sizes == [64, 32, 32]


@pytest.mark.parametrize("status", [429, 503])
def test_passing_failures_are_tried_again(service: Service, status: int) -> None:
    service.replies.append(Reply(status, {"error": "wait"}))
    assert embedder(service, max_retries=1).embed_query("a").tolist() == vector_of("a")
    assert len(service.requests) == 2


ECHO = {"error": f"no, not with {KEY}"}


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(401, ECHO), "refused the key"),
        (Reply(403, ECHO), "refused the key"),
        (Reply(404, ECHO), "knows no model owner/model"),
        (Reply(429, ECHO), "limits the rate"),
        (Reply(413, ECHO), "refused a text"),
        (Reply(422, ECHO), "refused a text"),
        (Reply(500, ECHO), "failed with status 500"),
        (Reply(200, b"[[1, 2"), "something else than embeddings"),
        (Reply(200, {"error": "hm"}), "something else than embeddings"),
        (Reply(200, []), "the shape 0"),
        (Reply(200, 3), "the shape of a single number"),
        (Reply(200, [[1, 2, 3, 4]] * 2), "answered 2 vectors to 1 texts"),
        (Reply(200, [[1, 2]]), "2 dimensions where 4 are expected"),
        (Reply(200, [[1, 2, 3, float("nan")]]), "not finite"),
        (Reply(200, [["a", 2, 3, 4]]), "something else than embeddings"),
        (Reply(200, [[[[1.0]]]]), "the shape 1 x 1 x 1 x 1"),
        (Reply(200, [[]]), "the shape 1 x 0"),
    ],
)
def test_failures_are_told_without_the_key(service: Service, reply: Reply, message: str) -> None:
    asked = embedder(service)
    asked.load()
    service.replies.append(reply)
    with pytest.raises(ModelUnavailable, match=message) as caught:
        asked.embed_query("a")
    assert caught.value.hint
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in repr(asked)


def test_a_slow_service_is_given_up(service: Service) -> None:
    service.replies.append(Reply(delay_s=60.0, body=[[1.0] * DIMENSION]))
    with pytest.raises(ModelUnavailable, match=r"did not answer within 0\.3 s"):
        embedder(service, timeout_s=0.3).embed_query("a")


def test_nobody_listening() -> None:
    asked = HuggingFaceInferenceEmbedder("m", endpoint="http://127.0.0.1:9", max_retries=0)
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        asked.load()


def test_the_environment_key_goes_to_no_endpoint(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", KEY)
    embedder(service, key=None).load()
    assert service.authorizations == [None]
