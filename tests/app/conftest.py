"""The app in a script runner without a browser, on a fresh database of a real Postgres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import pgvista
from pgvista import embed
from pgvista.api import Workbench
from pgvista.jobs import JobState
from pgvista.ui.jobs import runner
from pgvista.ui.state import PAGES

ROOT = Path(__file__).resolve().parents[2]

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Load no model in the background, and leave no pool of a test open."""
    monkeypatch.setattr(embed, "warm", lambda *_: None)
    yield
    st.cache_resource.clear()


@pytest.fixture
def workbench(database_url: str) -> Iterator[Workbench]:
    """The test's database by the Python face, to prepare and to look."""
    with pgvista.connect(database_url) as opened:
        yield opened


@pytest.fixture
def open_page(database_url: str, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Return what opens a page of the app in a new browser session on the test's database.

    ``open_page("collections", collection="docs")``: the keywords stand in the page's address.
    """
    monkeypatch.setenv("PGVISTA_URL", database_url)

    def opened(name: str, **params: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
        app.run()
        app.switch_page(PAGES.get(name, name))
        for key, value in params.items():
            app.query_params[key] = value
        app.run()
        assert not app.exception, app.exception
        return app

    return opened


def texts(app: AppTest) -> str:
    """Return all that the page says: titles, Markdown, messages and toasts."""
    said = [
        *(item.value for item in app.title),
        *(item.value for item in app.markdown),
        *(item.value for item in app.error),
        *(item.value for item in app.warning),
        *(item.value for item in app.success),
        *(item.value for item in app.toast),
    ]
    return "\n".join(said).replace("\\", "")


def finish_jobs(app: AppTest, *, timeout_s: float = 300) -> list[JobState]:
    """Wait for the session's jobs to end, run the page again, and return how they ended."""
    session = app.session_state["pgvista.connections"].session
    ended = [
        runner().wait(job.id, owner=session, timeout_s=timeout_s).state
        for job in runner().list(session)
    ]
    app.run()
    return ended
