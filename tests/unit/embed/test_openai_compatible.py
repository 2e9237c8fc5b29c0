from __future__ import annotations

import traceback
from typing import Any

import numpy as np
import pytest
from tests.unit.embed.http_service import DIMENSION, Reply, Service, openai_body, vector_of

from pgvista.config import Secret
from pgvista.embed.openai_compatible import OpenAICompatibleEmbedder
from pgvista.errors import Cancelled, InvalidInput, ModelUnavailable

KEY = "sk-very-secret-123"


def embedder(service: Service, **options: Any) -> OpenAICompatibleEmbedder:
    options = {"key": Secret(KEY), "max_retries": 0, **options}
    return OpenAICompatibleEmbedder("some-model", base_url=service.url, **options)


def test_vectors_of_documents_and_queries(service: Service) -> None:
    texts = ["one", "two words", "drei"]
    asked = embedder(service)
    vectors = asked.embed_documents(texts)
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [vector_of(text) for text in texts]
    assert asked.embed_query("two words").tolist() == vector_of("two words")
    assert service.authorizations == [f"Bearer {KEY}"] * 2
    assert service.requests[0]["model"] == "some-model"


def test_dimension_is_found_by_one_request(service: Service) -> None:
    asked = embedder(service)
    assert (asked.name, asked.is_loaded, asked.max_tokens) == ("openai:some-model", False, None)
    assert asked.token_spans("a text") is None
    assert [asked.dimension, asked.dimension] == [DIMENSION, DIMENSION]
    assert asked.is_loaded
    assert asked.loading_state == "ready"
    assert len(service.requests) == 1
    assert asked.embed_documents([]).shape == (0, DIMENSION)


def test_a_given_dimension_needs_no_request(service: Service) -> None:
    assert embedder(service, dimension=7).dimension == 7
    assert not service.requests


def test_answers_are_ordered_by_their_index(service: Service) -> None:
    service.shuffled = True
    texts = [f"text number {n}" * (n + 1) for n in range(10)]
    assert embedder(service).embed_documents(texts).tolist() == [vector_of(t) for t in texts]


def test_many_texts_are_sent_in_batches_with_progress(service: Service) -> None:
    texts = [f"text {n}" for n in range(150)]
    told: list[int] = []
    vectors = embedder(service).embed_documents(texts, on_progress=told.append)
    assert vectors.tolist() == [vector_of(text) for text in texts]
    assert service.batch_sizes == [64, 64, 22]
    assert told == [64, 128, 150]


def test_long_texts_make_small_batches(service: Service) -> None:
    embedder(service).embed_documents(["x" * 90_000] * 5)
    assert service.batch_sizes == [2, 2, 1]


def test_batches_shrink_to_what_the_service_takes(service: Service) -> None:
    service.max_texts = 20
    texts = [f"text {n}" for n in range(100)]
    asked = embedder(service)
    assert asked.embed_documents(texts).tolist() == [vector_of(text) for text in texts]
    assert service.batch_sizes == [64, 32, 16, 16, 32, 16, 16, 16, 16, 4]


def test_empty_and_unencodable_texts_are_sent_as_something(service: Service) -> None:
    assert embedder(service).embed_documents(["", "a\0b\ud800"]).shape == (2, DIMENSION)
    assert service.requests[0]["input"] == [" ", "a\ufffdb\ufffd"]


def test_stopping_ends_with_cancelled(service: Service) -> None:
    with pytest.raises(Cancelled):
        embedder(service).embed_documents(
            ["x"] * 200, should_stop=lambda: len(service.requests) == 2
        )
    assert len(service.requests) == 2


def test_too_many_requests_are_tried_again(service: Service) -> None:
    service.replies.append(Reply(429, {"error": {"message": "slow"}}, {"retry-after-ms": "20"}))
    vectors = embedder(service, max_retries=2).embed_documents(["a"])
    assert vectors.tolist() == [vector_of("a")]
    assert len(service.requests) == 2


ECHO = {"error": {"message": f"Incorrect key {KEY}, says the model", "code": "x"}}


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(401, ECHO), "refused the key"),
        (Reply(403, ECHO), "refused the key"),
        (Reply(404, ECHO), "knows no model some-model"),
        (Reply(429, ECHO), "limits the rate"),
        (Reply(400, ECHO), r"refused a text. It says: Incorrect key \*\*\*, says the model"),
        (Reply(500, ECHO), "failed with status 500"),
        (Reply(503, b"<html>busy</html>"), "failed with status 503"),
        (Reply(200, b'{"data": ['), "something else than embeddings"),
        (Reply(200, b"<html>a page</html>"), "something else than embeddings"),
        (Reply(200, {"hello": "world"}), "something else than embeddings"),
        (Reply(200, openai_body([])), "something else than embeddings|0 vectors|shape"),
        (Reply(200, openai_body([[1, 2], [3, 4]])), "answered 2 vectors to 1 texts"),
        (Reply(200, openai_body([[1, 2, 3]])), "3 dimensions where 4 are expected"),
        (Reply(200, openai_body([[1, 2, float("nan"), 3]])), "not finite"),
        (Reply(200, openai_body([[1, 2, float("inf"), 3]])), "not finite"),
        (Reply(200, openai_body([[1, 2, None, 3]])), "not finite|numbers"),
        (Reply(200, openai_body([["a", "b", "c", "d"]])), "not a list of vectors"),
        (Reply(200, openai_body([[[1], [2]]])), "the shape 1 x 2 x 1"),
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
    assert KEY not in repr(asked) + str(asked) + str(vars(asked)["_key"])


def test_without_a_key_a_refusal_asks_for_one(service: Service) -> None:
    service.replies.append(Reply(401, ECHO))
    with pytest.raises(ModelUnavailable, match="asks for a key") as caught:
        embedder(service, key=None).load()
    assert "OPENAI_API_KEY" in caught.value.hint


def test_a_batch_of_another_dimension_is_refused(service: Service) -> None:
    service.replies += [
        Reply(200, openai_body([[1.0, 2.0]] * 64)),
        Reply(200, openai_body([[1.0]] * 6)),
    ]
    with pytest.raises(ModelUnavailable, match="1 dimensions where 2 are expected"):
        embedder(service).embed_documents(["x"] * 70)


def test_a_slow_service_is_given_up(service: Service) -> None:
    service.replies.append(Reply(delay_s=60.0, body=openai_body([[1.0] * DIMENSION])))
    with pytest.raises(ModelUnavailable, match=r"did not answer within 0\.3 s"):
        embedder(service, timeout_s=0.3).embed_query("a")
    assert len(service.requests) == 1


def test_nobody_listening() -> None:
    asked = OpenAICompatibleEmbedder("m", base_url="http://127.0.0.1:9/v1", max_retries=0)
    with pytest.raises(ModelUnavailable, match=r"at http://127\.0\.0\.1:9/v1 cannot be reached"):
        asked.load()
    assert asked.loading_state.startswith("failed: ")


def test_the_environment_key_goes_to_no_other_address(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    embedder(service, key=None).load()
    assert service.authorizations == ["Bearer none"]


def test_openai_itself_asks_for_a_key() -> None:
    with pytest.raises(ModelUnavailable, match="asks for a key"):
        OpenAICompatibleEmbedder("text-embedding-3-small")


@pytest.mark.parametrize(
    "address", ["localhost:1234", "ftp://host/v1", "http://", "http://host:port/v1"]
)
def test_bad_addresses_are_invalid(address: str) -> None:
    with pytest.raises(InvalidInput, match="not one of http"):
        OpenAICompatibleEmbedder("m", base_url=address)


def test_an_address_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidInput) as caught:
        OpenAICompatibleEmbedder("m", base_url=f"http://me:{KEY}@host/v1")
    assert KEY not in str(caught.value)


def test_bad_dimensions_and_names_are_invalid(service: Service) -> None:
    with pytest.raises(InvalidInput, match="0 dimensions"):
        embedder(service, dimension=0)
    with pytest.raises(InvalidInput, match="no model"):
        OpenAICompatibleEmbedder("", base_url=service.url)
