"""OpenAI's embeddings, and every service that speaks the same protocol (Ollama, vLLM, TEI, ...)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from pgvista.config import Secret
from pgvista.embed.remote import (
    CONNECT_TIMEOUT_S,
    TIMEOUT_S,
    RemoteEmbedder,
    RequestFailed,
    checked_address,
    shown_address,
)
from pgvista.errors import ModelUnavailable

if TYPE_CHECKING:
    from openai import OpenAI

OPENAI_ADDRESS = "https://api.openai.com/v1"
NAME_PREFIX = "openai:"


class OpenAICompatibleEmbedder(RemoteEmbedder):
    """A model behind ``POST <base_url>/embeddings``.

    `model` is the service's name for it; `dimension`, if given, is what its vectors must have.
    Failures worth another try are tried again `max_retries` times by OpenAI's client, with growing
    pauses. `timeout_s` limits each try. Raises InvalidInput when `base_url` is no address,
    ModelUnavailable when OpenAI's own service is meant and there is no key.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        key: Secret | None = None,
        dimension: int | None = None,
        max_retries: int = 3,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        address = checked_address(base_url) if base_url else OPENAI_ADDRESS
        super().__init__(NAME_PREFIX + model, model, address=address, key=key, dimension=dimension)
        if not key and address == OPENAI_ADDRESS:
            raise ModelUnavailable(
                f"OpenAI's service asks for a key, and none is set for the model {model}.",
                "Set OPENAI_API_KEY, or set PGVISTA_OPENAI_BASE_URL to a service without keys.",
            )
        self._max_retries = max_retries
        self._timeout_s = timeout_s
        self._connecting = threading.Lock()
        self._client: OpenAI | None = None

    @property
    def _service(self) -> str:
        return f"The embedding service at {shown_address(self._address)}"

    @property
    def _key_variable(self) -> str:
        return "OPENAI_API_KEY"

    def _connected(self) -> OpenAI:
        with self._connecting:
            if self._client is None:
                from openai import OpenAI, Timeout

                self._client = OpenAI(
                    # The client insists on a key, and would take the environment's for any address.
                    api_key=self._key.reveal() if self._key else "none",
                    base_url=self._address,
                    max_retries=self._max_retries,
                    timeout=Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S),
                )
            return self._client

    def _request(self, texts: list[str]) -> Any:
        import openai

        try:
            # As numbers, not in base64: not every service knows the latter.
            answer = self._connected().embeddings.create(
                model=self._model, input=texts, encoding_format="float"
            )
            return _in_order(answer)
        except openai.APIStatusError as error:
            raise RequestFailed(error.status_code, _reason(error)) from None
        except openai.APITimeoutError:
            detail = f"{self._service} did not answer within {self._timeout_s:g} s."
            raise RequestFailed(None, detail) from None
        except openai.APIConnectionError:
            raise RequestFailed(None, f"{self._service} cannot be reached.") from None
        except (openai.OpenAIError, ValueError, TypeError, AttributeError):
            detail = f"{self._service} answered with something else than embeddings."
            raise RequestFailed(None, detail) from None


def _in_order(answer: Any) -> list[Any]:
    """The vectors of an answer, by their index where the service gives one."""
    items = list(answer.data)
    indexes = [item.index for item in items]
    if sorted(i for i in indexes if isinstance(i, int)) == list(range(len(items))):
        items.sort(key=lambda item: item.index)
    return [item.embedding for item in items]


def _reason(error: Any) -> str:
    """The service's own words, from ``{"message": ...}`` or ``{"error": ...}``."""
    body = error.body
    if isinstance(body, dict):
        body = body.get("message") or body.get("error") or body.get("detail")
    return body if isinstance(body, str) else ""
