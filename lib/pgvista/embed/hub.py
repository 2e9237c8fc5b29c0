"""Questions to the Hugging Face hub, answered within seconds.

Asked for a model while the hub is out of reach, the hub's own client retries for more than a
minute. One request with a short limit decides beforehand whether to try at all.
"""

from __future__ import annotations

import os

from pgvista.errors import InvalidInput, ModelUnavailable

ANSWER_WITHIN_S = 5.0


def is_reachable(repository: str) -> bool:
    """Ask the hub whether it has the model `repository` (``owner/name``).

    True when it has it; False when the hub cannot be reached, is switched off (HF_HUB_OFFLINE) or
    fails. Raises InvalidInput when no model can have that name, ModelUnavailable when the hub has
    no such model or does not give it to us.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
    )

    try:
        HfApi().model_info(repository, timeout=ANSWER_WITHIN_S)
    except HFValidationError:
        raise InvalidInput(
            f"{repository!r} cannot be the name of a model, and there is no such folder.",
            "Give a name such as intfloat/e5-small-v2, or the path of a folder.",
        ) from None
    except GatedRepoError as error:
        raise ModelUnavailable(
            f"The model {repository} is given only to people who accepted its terms.",
            "Accept them on its page at huggingface.co and set HF_TOKEN.",
        ) from error
    except RepositoryNotFoundError as error:
        if has_complete_copy(repository):
            return False
        raise ModelUnavailable(
            f"The Hugging Face hub has no model {repository}, or it is a private one.",
            "Check the name; for a private model set HF_TOKEN.",
        ) from error
    except HfHubHTTPError as error:
        if error.response.status_code in (401, 403):
            raise ModelUnavailable(
                f"The Hugging Face hub refused to give the model {repository}.",
                "Check HF_TOKEN, or remove it for public models.",
            ) from error
        return False
    # No name resolution, no route, a proxy, a time limit, TLS: each its own class, and which ones
    # depends on the HTTP library of the client's version. They all mean the same here.
    except Exception:  # noqa: BLE001
        return False
    return True


def has_complete_copy(repository: str) -> bool:
    """Whether the local cache holds the model `repository` as an earlier download left it.

    A model without modules.json loads all the same, but pools its vectors by a guess. So the cache
    must hold that file, or know from the hub that there is none.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    cache = os.environ.get("SENTENCE_TRANSFORMERS_HOME")
    try:
        modules = try_to_load_from_cache(repository, "modules.json", cache_dir=cache)
        config = try_to_load_from_cache(repository, "config.json", cache_dir=cache)
    except HFValidationError:
        return False
    return modules is not None and isinstance(config, str)
