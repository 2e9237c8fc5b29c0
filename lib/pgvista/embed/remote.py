"""What the embedders that ask a service over HTTP have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from pgvista.config import Secret
from pgvista.embed.base import Vectors
from pgvista.embed.loading import LoadedOnce
from pgvista.embed.texts import clean_texts
from pgvista.errors import Cancelled, InvalidInput, ModelUnavailable

BATCH_TEXTS = 64
BATCH_CHARACTERS = 200_000
TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 5.0
_TOO_LARGE = frozenset({400, 413, 422})
"""What services answer to more texts, or a longer text, than they take."""


class RequestFailed(Exception):
    """A service's answer to one request that is not vectors; never leaves this package."""

    def __init__(self, status: int | None, detail: str = "") -> None:
        super().__init__(status, detail)
        self.status = status
        """The HTTP status; None when there was no answer or an unreadable one."""
        self.detail = detail
        """The reason in the service's words, or a whole sentence where `status` is None."""


class RemoteEmbedder(LoadedOnce):
    """Batches, progress, checks of the answers and errors; subclasses send the requests.

    Safe to share between threads. `dimension` is found by one request unless it is given.
    """

    max_tokens: int | None = None
    """Unknown: the service does not say."""

    def __init__(
        self, name: str, model: str, *, address: str, key: Secret | None, dimension: int | None
    ) -> None:
        super().__init__()
        if not model:
            raise InvalidInput(f"{name!r} names a service, but no model of it.")
        if dimension is not None and dimension < 1:
            raise InvalidInput(f"Vectors cannot have {dimension} dimensions.", "Give 1 or more.")
        self._name = name
        self._model = model
        self._address = address
        self._key = key
        self._dimension = dimension
        self._batch_texts = BATCH_TEXTS

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r}, at {shown_address(self._address)!r})"

    @property
    def name(self) -> str:
        """The model's name as a collection remembers it, with the kind of service before it."""
        return self._name

    @property
    def is_loaded(self) -> bool:
        """Whether the dimension is known, by being given or by an answer."""
        return self._dimension is not None

    @property
    def dimension(self) -> int:
        """Length of each vector; the first time it may take one request.

        Raises ModelUnavailable when the service does not answer as it should.
        """
        self.load()
        if self._dimension is None:
            raise AssertionError("load() returns with a dimension or raises")
        return self._dimension

    def _load(self) -> None:
        self._vectors(["dimension"])

    def embed_documents(
        self,
        texts: Sequence[str],
        *,
        on_progress: Callable[[int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> Vectors:
        """Embed stored texts; the result has shape (len(texts), dimension), in the order given.

        Texts without a visible character are sent as one space, since services refuse empty ones.
        `on_progress` is told how many texts are done; `should_stop` is asked between requests and
        ends the work with Cancelled. Raises InvalidInput when an item is not a text,
        ModelUnavailable when the service cannot or does not answer.
        """
        cleaned = [text if text.strip() else " " for text in clean_texts(texts)]
        if not cleaned:
            return np.empty((0, self.dimension), dtype=np.float32)
        parts = []
        done = 0
        for batch in _batches(cleaned, lambda: self._batch_texts):
            if should_stop is not None and should_stop():
                raise Cancelled("Embedding was stopped.")
            parts.append(self._vectors(batch))
            done += len(batch)
            if on_progress is not None:
                on_progress(done)
        return np.concatenate(parts)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed one query; the result has shape (dimension,). Raises as `embed_documents` does."""
        vector: NDArray[np.float32] = self.embed_documents([text])[0]
        return vector

    def token_spans(self, text: str) -> list[tuple[int, int]] | None:
        """None: the service's tokenizer is not at hand."""
        return None

    @abstractmethod
    def _request(self, texts: list[str]) -> Any:
        """Send one request; return something of shape (len(texts), dimension).

        Raises RequestFailed when the answer is another.
        """

    @property
    @abstractmethod
    def _service(self) -> str:
        """How an error names the service, as the start of a sentence."""

    @property
    @abstractmethod
    def _key_variable(self) -> str:
        """The environment variable that holds the key."""

    def _vectors(self, texts: list[str]) -> Vectors:
        """Vectors of one batch, which is halved as long as the service finds it too large."""
        try:
            answer = self._request(texts)
        except RequestFailed as failure:
            if failure.status in _TOO_LARGE and len(texts) > 1:
                half = (len(texts) + 1) // 2
                halves = [self._vectors(texts[:half]), self._vectors(texts[half:])]
                # Both went through, so it was the number of texts that was refused.
                self._batch_texts = min(self._batch_texts, half)
                return np.concatenate(halves)
            self._refuse(failure)
        return self._checked(answer, len(texts))

    def _checked(self, answer: Any, n_texts: int) -> Vectors:
        try:
            vectors = np.asarray(answer, dtype=np.float32)
        except (TypeError, ValueError):
            self._wrong("its answer is not a list of vectors of numbers of one length")
        if vectors.ndim != 2 or vectors.shape[1] == 0:
            shape = " x ".join(str(length) for length in vectors.shape)
            self._wrong(f"its answer has the shape {shape or 'of a single number'}")
        if vectors.shape[0] != n_texts:
            self._wrong(f"it answered {vectors.shape[0]} vectors to {n_texts} texts")
        if self._dimension is None:
            self._dimension = vectors.shape[1]
        if vectors.shape[1] != self._dimension:
            self._wrong(
                f"its vectors have {vectors.shape[1]} dimensions where {self._dimension} are expected"
            )
        if not np.isfinite(vectors).all():
            self._wrong("its vectors contain numbers that are not finite")
        return vectors

    def _wrong(self, what: str) -> NoReturn:
        raise ModelUnavailable(
            f"{self._service} cannot be used with the model {self._model}: {what}.",
            "Check that the address and the name belong to an embedding model.",
        )

    def _refuse(self, failure: RequestFailed) -> NoReturn:
        said = f" It says: {self._without_key(failure.detail)}" if failure.detail else ""
        match failure.status:
            case None:
                message, hint = failure.detail, "Check the address, and that the service runs."
            case 401 | 403:
                what = "refused the key" if self._key else "asks for a key"
                message = f"{self._service} {what}."
                hint = f"Give a valid key, or set {self._key_variable}."
            case 404:
                message = f"{self._service} knows no model {self._model}, or no embeddings there."
                hint = "Check the name of the model and the address."
            case 429:
                message = f"{self._service} limits the rate of requests, or a quota is used up."
                hint = "Wait a while, then start again."
            case status if status in _TOO_LARGE:
                message = f"{self._service} refused a text.{said}"
                hint = "It may be too long for the model: load it in chunks."
            case status:
                message = f"{self._service} failed with status {status}.{said}"
                hint = "Try again later; if it stays so, look into the service's own log."
        # The client's own error may quote the key: it is not chained.
        raise ModelUnavailable(self._without_key(message), hint) from None

    def _without_key(self, text: str) -> str:
        key = self._key.reveal() if self._key else ""
        text = " ".join((text.replace(key, "***") if key else text).split())
        return text if len(text) <= 300 else text[:299] + "…"


def checked_address(address: str) -> str:
    """Return `address`, the base of a service's HTTP interface, without a slash at its end.

    Raises InvalidInput when it is not one of http or https, or carries a password.
    """
    address = address.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        valid = False
    if not valid:
        raise InvalidInput(
            "The address of the embedding service is not one of http or https.",
            "Give one such as http://localhost:11434/v1.",
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(
            "The address of the embedding service carries a user or password.",
            "Leave it out, and give it as the key.",
        )
    return address


def shown_address(address: str) -> str:
    """Return `address` without its query, which may hold a key."""
    return address.partition("?")[0]


def _batches(texts: list[str], limit: Callable[[], int]) -> Iterator[list[str]]:
    """Cut `texts` by number and by characters; `limit` is asked anew for each batch."""
    start = 0
    while start < len(texts):
        end = start + 1
        characters = len(texts[start])
        while end < len(texts) and end - start < limit():
            characters += len(texts[end])
            if characters > BATCH_CHARACTERS:
                break
            end += 1
        yield texts[start:end]
        start = end
