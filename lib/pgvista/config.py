"""Settings, read from the environment when asked for; nothing is read at import.

| variable               | meaning                                                        | default                |
|------------------------|----------------------------------------------------------------|------------------------|
| PGVISTA_DATA           | folder of the embedded server, of profiles and of caches       | the user's data folder |
| PGVISTA_URL            | connect here instead of to the embedded server                 | the embedded server    |
| PGVISTA_STATEMENT_TIMEOUT | limit of one statement, in milliseconds (0: none)           | 60000                  |
| PGVISTA_OPENAI_BASE_URL | address of an OpenAI-compatible service (else OPENAI_BASE_URL) | the client's own      |
| OPENAI_API_KEY         | key for it                                                     | none                   |
| HF_TOKEN               | key for Hugging Face Inference                                 | none                   |
| PGVISTA_WARM_UP        | 0: compile nothing in the background when the app has started  | 1                      |
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from pgvista.errors import InvalidInput


@dataclass(frozen=True, repr=False)
class Secret:
    """A password, key or URL with one: never shown by repr, str, logs or tracebacks."""

    _value: str

    def reveal(self) -> str:
        """Return the secret itself, for the one place that must send it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


@dataclass(frozen=True)
class Settings:
    """What the environment asks of pgvista; see the table at the top of this module."""

    data_dir: Path
    url: Secret | None
    statement_timeout_ms: int
    openai_base_url: str | None
    openai_api_key: Secret | None
    hf_token: Secret | None
    warm_up: bool = True


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `env` (default: the process's environment).

    Raises InvalidInput when a number is not one.
    """
    env = os.environ if env is None else env
    folder = env.get("PGVISTA_DATA")
    return Settings(
        data_dir=Path(folder).expanduser() if folder else platformdirs.user_data_path("pgvista"),
        url=_secret(env.get("PGVISTA_URL")),
        statement_timeout_ms=_milliseconds(env, "PGVISTA_STATEMENT_TIMEOUT", 60_000),
        openai_base_url=env.get("PGVISTA_OPENAI_BASE_URL") or env.get("OPENAI_BASE_URL") or None,
        openai_api_key=_secret(env.get("OPENAI_API_KEY")),
        hf_token=_secret(env.get("HF_TOKEN")),
        warm_up=env.get("PGVISTA_WARM_UP", "").strip() != "0",
    )


def _secret(value: str | None) -> Secret | None:
    return Secret(value) if value else None


def _milliseconds(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name)
    if not text:
        return default
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 2_147_483_647:
        raise InvalidInput(
            f"{name} is {text!r}, which is not a whole number of milliseconds from 0 to 2147483647.",
            "Set it to a number such as 60000, or remove it.",
        )
    return number
