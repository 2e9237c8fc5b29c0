"""Models that Hugging Face runs, or an Inference Endpoint at an address of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from pgvista.config import Secret
from pgvista.embed.remote import (
    TIMEOUT_S,
    RemoteEmbedder,
    RequestFailed,
    checked_address,
    shown_address,
)

if TYPE_CHECKING:
    from huggingface_hub import InferenceClient

NAME_PREFIX = "hf:"
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


class HuggingFaceInferenceEmbedder(RemoteEmbedder):
    """A model of the hub, by the feature-extraction task of Hugging Face Inference.

    `model` is ``owner/name``; `endpoint`, if given, is the address that runs it. A model that
    answers with one vector for each token is averaged over the tokens. Failures worth another try
    are tried again `max_retries` times, with growing pauses. `timeout_s` limits each try. Raises
    InvalidInput when `endpoint` is no address.
    """

    def __init__(
        self,
        model: str,
        *,
        endpoint: str | None = None,
        key: Secret | None = None,
        dimension: int | None = None,
        max_retries: int = 3,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        address = checked_address(endpoint) if endpoint else ""
        super().__init__(NAME_PREFIX + model, model, address=address, key=key, dimension=dimension)
        self._max_retries = max_retries
        self._timeout_s = timeout_s
        self._connecting = threading.Lock()
        self._client: InferenceClient | None = None
        self._tokens_answered = False

    @property
    def _service(self) -> str:
        at = f" at {shown_address(self._address)}" if self._address else ""
        return f"Hugging Face Inference{at}"

    @property
    def _key_variable(self) -> str:
        return "HF_TOKEN"

    def _connected(self) -> InferenceClient:
        with self._connecting:
            if self._client is None:
                from huggingface_hub import InferenceClient

                # Without a key the client takes one from the environment or an earlier login. That
                # one is for the hub, and is kept from an endpoint that somebody typed in.
                keep_to_ours: Any = (
                    {"authorization": None} if self._address and not self._key else None
                )
                self._client = InferenceClient(
                    model=self._address or self._model,
                    provider="hf-inference",
                    token=self._key.reveal() if self._key else None,
                    timeout=self._timeout_s,
                    headers=keep_to_ours,
                )
            return self._client

    def _request(self, texts: list[str]) -> Any:
        if self._tokens_answered and len(texts) > 1:
            return np.stack([self._request([text])[0] for text in texts])
        answer = self._with_retries(texts)
        if answer is None or answer.ndim == 3:
            # One vector a token. Several texts are padded to one length, or ragged, so that a mean
            # would be wrong: each text is asked for alone, now and from now on.
            self._tokens_answered = True
            if len(texts) > 1:
                return self._request(texts)
        if answer is not None and answer.ndim == 3:
            return answer.mean(axis=1)
        return answer

    def _with_retries(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]] | None:
        retrying = Retrying(
            stop=stop_after_attempt(self._max_retries + 1),
            wait=wait_exponential(multiplier=0.5, max=20) + wait_random(0, 0.5),
            retry=retry_if_exception(
                lambda e: isinstance(e, RequestFailed) and e.status in _TRANSIENT
            ),
            reraise=True,
        )
        return retrying(self._ask, texts)

    def _ask(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]] | None:
        """One request; None stands for an answer of lists of unequal lengths."""
        from huggingface_hub.errors import (
            HfHubHTTPError,
            InferenceTimeoutError,
            RepositoryNotFoundError,
        )

        unreadable = f"{self._service} answered with something else than embeddings."
        try:
            return self._connected().feature_extraction(texts)
        except InferenceTimeoutError:
            detail = f"{self._service} did not answer within {self._timeout_s:g} s."
            raise RequestFailed(None, detail) from None
        except RepositoryNotFoundError:
            # Without a key the hub answers 401 to an unknown name.
            raise RequestFailed(404) from None
        except HfHubHTTPError as error:
            raise RequestFailed(error.response.status_code, _reason(error)) from None
        except (ValueError, TypeError) as error:
            if "inhomogeneous" in str(error) and len(texts) > 1:
                return None
            if "support task" in str(error):
                detail = f"{self._service} does not run {self._model} for feature extraction."
                raise RequestFailed(None, detail) from None
            raise RequestFailed(None, unreadable) from None
        # The classes of a failed connection belong to the HTTP library of the client's version.
        except Exception:  # noqa: BLE001
            raise RequestFailed(None, f"{self._service} cannot be reached.") from None


def _reason(error: Any) -> str:
    """The service's own words, from ``{"error": ...}``."""
    try:
        body = error.response.json()
    except Exception:  # noqa: BLE001  (a stream that is gone, or no JSON: no reason then)
        return ""
    reason = body.get("error") or body.get("message") if isinstance(body, dict) else None
    return reason if isinstance(reason, str) else ""
