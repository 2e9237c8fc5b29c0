"""What pages share: settings with the session's keys, the chosen collection, links between pages."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

import streamlit as st

from pgvista import embed
from pgvista.config import Secret, Settings, load_settings
from pgvista.embed import Embedder, get_embedder
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.model.collection import Collection
from pgvista.services import map_warm
from pgvista.services.collections import list_collections
from pgvista.ui import connection
from pgvista.ui.components.panels import empty_state
from pgvista.ui.errors import plain, show_error

PAGES = {
    "home": "pages/start/home.py",
    "connect": "pages/data/connect.py",
    "collections": "pages/data/collections.py",
    "load": "pages/data/load.py",
    "browse": "pages/data/browse.py",
    "search": "pages/search/search.py",
    "indexes": "pages/tune/indexes.py",
    "map": "pages/explore/map.py",
}
"""Short names of the pages, for `go` and `link`."""

PARAMETER = "collection"
"""The collection's name in the address of every page that shows one."""

NEXT_VIEW = "collections.next"
"""Key of the view that the page Collections shows when it is run next."""

WARM_AFTER_S = 2.5
"""The packaged model is loaded this long after the first page was sent, so that it is painted first."""

_KEYS = "pgvista.keys"
_CHOSEN = "pgvista.collection"
_SEEN = "pgvista.collection.seen"
_MISSING = "pgvista.collection.missing"
"""The name in the address that is none of a collection, until another one is chosen."""

_warming = threading.Lock()
_warm_asked = False


def settings() -> Settings:
    """Return the environment's settings, overlaid with the keys typed into this session."""
    return replace(load_settings(), **_session_keys())


def set_service(
    *,
    openai_base_url: str | None = None,
    openai_api_key: Secret | None = None,
    hf_token: Secret | None = None,
) -> None:
    """Keep addresses and keys of embedding services for this session; None leaves one as it is.

    An empty text or key takes the session's away, and the environment's holds again.
    """
    kept = _session_keys()
    for name, value in (
        ("openai_base_url", openai_base_url),
        ("openai_api_key", openai_api_key),
        ("hf_token", hf_token),
    ):
        if value is None:
            continue
        if value:
            kept[name] = value
        else:
            kept.pop(name, None)
    st.session_state[_KEYS] = kept


def session_has(name: str) -> bool:
    """Tell whether a setting such as ``hf_token`` was entered in this session."""
    return name in _session_keys()


def embedder_for(collection: Collection) -> Embedder:
    """Return the embedder of the collection's model, with this session's keys.

    Raises InvalidInput when it has no model, ModelUnavailable when a key is missing.
    """
    if collection.model is None:
        raise InvalidInput(
            f"{collection.name} has no model: its vectors come from elsewhere.",
            "Search by words, or by a vector; or name its model on the page Collections.",
        )
    return get_embedder(collection.model, settings())


def chosen_name() -> str | None:
    """Return the name of the collection chosen last on the current connection."""
    found = _chosen().get(connection.current().name)
    return found if isinstance(found, str) else None


def choose(name: str | None) -> None:
    """Make `name` the chosen collection of the current connection, on every page."""
    if name is None:
        _chosen().pop(connection.current().name, None)
    else:
        _chosen()[connection.current().name] = name


def pick_collection(label: str = "Collection", key: str = "pick.collection") -> Collection | None:
    """Draw the selector that all pages share, and return the chosen collection.

    The choice is kept over pages and in the address, as ``?collection=``. Without any collection,
    a way to the first one is shown instead, and None is returned.
    """
    try:
        found = list_collections(connection.database())
    except PgvistaError as error:
        show_error(error)
        st.stop()
    if not found:
        no_collection()
        return None
    by_name = {item.name: item for item in reversed(found)}
    names = list(reversed(by_name))
    st.session_state[key] = chosen_among(names)
    name = st.selectbox(
        label, names, key=key, on_change=_on_pick, args=(key,), format_func=_one_line
    )
    choose(name)
    show_in_address(name)
    return by_name[name]


def chosen_among(names: Sequence[str]) -> str:
    """Return the chosen collection of `names`, which are not empty; else the first.

    A person who came with another address, or changed it, chooses by that.
    """
    asked = st.query_params.get(PARAMETER)
    if asked is None:
        st.session_state[_MISSING] = None
    elif asked != st.session_state.get(_SEEN):
        st.session_state[_MISSING] = None if asked in names else asked
        if asked in names:
            choose(asked)
        else:
            st.toast(_no_such(asked), icon=":material/search_off:", duration="long")
    if (missing := st.session_state.get(_MISSING)) is not None:
        st.warning(_no_such(missing), icon=":material/search_off:")
    wanted = chosen_name()
    return wanted if wanted is not None and wanted in names else names[0]


def _no_such(name: str) -> str:
    return f"There is no collection **{plain(name)}** on this connection: here is another one."


def show_in_address(name: str) -> None:
    """Write the chosen collection into the page's address."""
    if st.query_params.get(PARAMETER) != name:
        st.query_params[PARAMETER] = name
    st.session_state[_SEEN] = name


def no_collection() -> None:
    """Say that there is no collection yet, and show the ways to one."""
    pressed = empty_state(
        "No collection here yet",
        "A collection is a table with a vector column. Take a sample to look around, load a file "
        "of your own, or make an empty one.",
        key="state.none",
        icon=":material/database:",
        actions={"home": "Samples", "load": "Load a file", "collections": "Create one"},
    )
    if pressed == "collections":
        st.session_state[NEXT_VIEW] = "New"
    if pressed is not None:
        go(pressed)


def go(page: str, **params: str) -> NoReturn:
    """Go to `page`, a short name of `PAGES` or a path, with `params` in its address."""
    if (name := params.get(PARAMETER)) is not None:
        choose(name)
    st.switch_page(PAGES.get(page, page), query_params=params)


def link(page: str, label: str, *, icon: str | None = None, **params: str) -> None:
    """Draw a link to `page`, with `params` in its address."""
    st.page_link(PAGES.get(page, page), label=label, icon=icon, query_params=params or None)


def warm_model() -> None:
    """Load the packaged model in the background, once in the process and after the first paint.

    Then UMAP is compiled by a process of its own, where no machine code of it is kept.
    """
    global _warm_asked
    with _warming:
        if _warm_asked:
            return
        _warm_asked = True
    timer = threading.Timer(WARM_AFTER_S, _warm)
    timer.daemon = True
    timer.start()


def _warm() -> None:
    embed.warm()
    map_warm.start()


def _session_keys() -> dict[str, Any]:
    kept = st.session_state.get(_KEYS)
    return dict(kept) if isinstance(kept, dict) else {}


def _chosen() -> dict[str, str]:
    found: dict[str, str] = st.session_state.setdefault(_CHOSEN, {})
    return found


def _on_pick(key: str) -> None:
    st.session_state[_MISSING] = None
    choose(st.session_state[key])


def _one_line(name: str) -> str:
    return name.replace("\n", " ").replace("\r", " ")
