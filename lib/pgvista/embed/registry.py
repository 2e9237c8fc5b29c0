"""From the name of a model to its embedder; each is made and loaded once in the process.

| name                              | embedder                                                        |
|-----------------------------------|-----------------------------------------------------------------|
| ``all-MiniLM-L6-v2``              | the packaged model, which needs no network                      |
| ``openai:<model>``                | a service that speaks OpenAI's protocol                         |
| ``hf:<owner>/<model>``            | Hugging Face Inference                                          |
| any other                         | a folder, or a model of the Hugging Face hub, run here          |
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from pgvista.config import Secret, Settings, load_settings
from pgvista.embed import huggingface_inference, openai_compatible
from pgvista.embed.huggingface_inference import HuggingFaceInferenceEmbedder
from pgvista.embed.local import (
    PACKAGED_DIMENSION,
    PACKAGED_MODEL,
    SentenceTransformerEmbedder,
    canonical_local_name,
)
from pgvista.embed.openai_compatible import OPENAI_ADDRESS, OpenAICompatibleEmbedder
from pgvista.embed.remote import checked_address
from pgvista.errors import InvalidInput

DEFAULT_MODEL = PACKAGED_MODEL
"""The model of new collections."""

ModelEmbedder = (
    SentenceTransformerEmbedder | OpenAICompatibleEmbedder | HuggingFaceInferenceEmbedder
)

_PREFIXES = (openai_compatible.NAME_PREFIX, huggingface_inference.NAME_PREFIX)
_KEPT_SERVICES = 64


@dataclass(frozen=True)
class _Identity:
    """What makes two embedders the same. The key is part of it: who has none gets no other's."""

    name: str
    base_url: str | None = None
    key: Secret | None = None


_lock = threading.Lock()
_local: dict[_Identity, SentenceTransformerEmbedder] = {}
_remote: OrderedDict[_Identity, OpenAICompatibleEmbedder | HuggingFaceInferenceEmbedder] = (
    OrderedDict()
)


def canonical_name(name: str) -> str:
    """Return the one name under which the model `name` is remembered.

    ``sentence-transformers/all-MiniLM-L6-v2`` becomes ``all-MiniLM-L6-v2``, a folder its absolute
    path. Raises InvalidInput when `name` names no model.
    """
    name = name.strip()
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            model = name.removeprefix(prefix).strip()
            if not model:
                raise InvalidInput(
                    f"{name!r} names a service, but no model of it.",
                    "Put the model behind the colon, such as openai:text-embedding-3-small.",
                )
            return prefix + model
    return canonical_local_name(name)


def get_embedder(
    name: str = DEFAULT_MODEL,
    settings: Settings | None = None,
    *,
    base_url: str | None = None,
    key: Secret | None = None,
) -> ModelEmbedder:
    """Return the embedder of the model `name`, the same one for the same arguments.

    This is quick: nothing is imported, read or asked until the embedder is used, or its `load()`
    or `warm()` is called. `base_url` and `key` belong to services, and come from `settings`
    (default: the environment) when they are not given; a key from the settings is sent to the
    settings' address alone. Raises InvalidInput when a name or an address cannot be one,
    ModelUnavailable when OpenAI's own service is meant and there is no key.
    """
    identity = _identify(canonical_name(name), settings, base_url, key)
    with _lock:
        if not identity.name.startswith(_PREFIXES):
            return _local.setdefault(identity, SentenceTransformerEmbedder(identity.name))
        service = _remote.get(identity)
        if service is None:
            service = _remote[identity] = _service(identity)
        _remote.move_to_end(identity)
        while len(_remote) > _KEPT_SERVICES:
            _remote.popitem(last=False)
        return service


def known_dimension(name: str) -> int | None:
    """Length of the model's vectors, if that is known without loading it or asking a service."""
    name = canonical_name(name)
    if name == PACKAGED_MODEL:
        return PACKAGED_DIMENSION
    with _lock:
        local = _local.get(_Identity(name))
        return local.dimension if local is not None and local.is_loaded else None


def is_loaded(name: str = DEFAULT_MODEL, settings: Settings | None = None) -> bool:
    """Whether the model can embed at once; a service can when it has answered before."""
    return get_embedder(name, settings).is_loaded


def loading_state(name: str = DEFAULT_MODEL, settings: Settings | None = None) -> str:
    """``not loaded``, ``loading``, ``ready``, or ``failed: `` and the reason."""
    return get_embedder(name, settings).loading_state


def warm(name: str = DEFAULT_MODEL, settings: Settings | None = None) -> None:
    """Begin to load the model in the background and return at once; see `loading_state`."""
    get_embedder(name, settings).warm()


def _identify(
    name: str, settings: Settings | None, base_url: str | None, key: Secret | None
) -> _Identity:
    if not name.startswith(_PREFIXES):
        if base_url or key:
            raise InvalidInput(
                f"The model {name} runs here: it takes no address and no key.",
                "Leave them out, or put openai: or hf: before the name of a service's model.",
            )
        return _Identity(name)
    settings = settings or load_settings()
    address = checked_address(base_url) if base_url else None
    if name.startswith(huggingface_inference.NAME_PREFIX):
        return _Identity(name, address, key or (None if address else settings.hf_token))
    ours = checked_address(settings.openai_base_url or OPENAI_ADDRESS)
    address = address or ours
    return _Identity(name, address, key or (settings.openai_api_key if address == ours else None))


def _service(identity: _Identity) -> OpenAICompatibleEmbedder | HuggingFaceInferenceEmbedder:
    if identity.name.startswith(openai_compatible.NAME_PREFIX):
        model = identity.name.removeprefix(openai_compatible.NAME_PREFIX)
        return OpenAICompatibleEmbedder(model, base_url=identity.base_url, key=identity.key)
    model = identity.name.removeprefix(huggingface_inference.NAME_PREFIX)
    return HuggingFaceInferenceEmbedder(model, endpoint=identity.base_url, key=identity.key)
