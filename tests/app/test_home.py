"""The first screen: samples a click away, the collections there are, and what is not possible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, finish_jobs, texts

from pgvista import embed
from pgvista.api import Workbench
from pgvista.embed.local import SentenceTransformerEmbedder
from pgvista.jobs import JobState
from pgvista.services import samples


class _Quick:
    """Stands in for the packaged model: this is about the page."""

    name = embed.DEFAULT_MODEL
    dimension = 384
    max_tokens = None

    def embed_documents(self, texts: list[str], **_: Any) -> Any:
        return np.ones((len(texts), 384), np.float32)

    def token_spans(self, text: str) -> None:
        return None


@pytest.fixture(autouse=True)
def quick_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "get_embedder", lambda _: _Quick())
    monkeypatch.setattr(SentenceTransformerEmbedder, "loading_state", "ready")


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def test_nothing_there_yet(open_page: OpenPage) -> None:
    app = open_page("home")
    said = texts(app)
    assert "by meaning, by words and by both" in said
    assert "model ready" in said
    for title in ("Help centre", "Python reference", "Your own file"):
        assert title in said
    assert app.button(key="home_load_help_centre").label == "Load 233 rows"
    assert app.button(key="home_load_python_reference").label == "Load 2,000 rows"
    assert app.button(key="home_all_python_reference").label.startswith("all 15,000 · about")
    assert "Collections" not in [item.value for item in app.markdown]


def test_a_sample_is_loaded_and_searched(open_page: OpenPage, workbench: Workbench) -> None:
    app = press(open_page("home"), "home_load_help_centre")
    assert finish_jobs(app) == [JobState.DONE]
    app.run()
    assert workbench.collection("help_centre").count() == 233
    said = texts(app)
    assert "233 rows written" in said
    assert "**help_centre**" in said
    query = app.button(key="home_try_help_centre_1").label.strip("“”")
    press(app, "home_try_help_centre_1")
    assert app.query_params["search_text"] == query
    assert app.query_params["collection"] == "help_centre"


def test_loaded_again_embeds_nothing(open_page: OpenPage, workbench: Workbench) -> None:
    first = samples.load_sample(workbench.db, "help_centre")
    again = samples.load_sample(workbench.db, "help_centre")
    assert (first.report.embedded, first.report.rejected) == (233, 0)
    assert (again.report.embedded, again.report.unchanged) == (0, 233)


def test_part_of_a_large_sample_is_spread(workbench: Workbench) -> None:
    loaded = samples.load_sample(workbench.db, "python_reference", limit=60)
    found = workbench.collection("python_reference")
    assert loaded.report.written == 60
    packages = {row.metadata["package"] for row in found.get(_ids(workbench))}
    assert len(packages) >= 8


def _ids(workbench: Workbench) -> list[str]:
    with workbench.db.transaction() as connection:
        rows = connection.execute("select id from pgvista.python_reference").fetchall()
    return [row[0] for row in rows]


def test_name_taken_by_another_model(open_page: OpenPage, workbench: Workbench) -> None:
    workbench.create_collection("help_centre", dimension=3)
    app = press(open_page("home"), "home_load_help_centre")
    assert finish_jobs(app) == [JobState.FAILED]
    assert "There is a collection help_centre already" in texts(app)


def test_collections_are_linked(open_page: OpenPage, workbench: Workbench) -> None:
    for n in range(10):
        workbench.create_collection(f"c{n}", dimension=3)
    app = open_page("home")
    assert "**c0**" in texts(app)
    assert "**c9**" not in texts(app)
    press(app, "home_browse_c3")
    assert app.title[0].value == "Browse"
    assert app.query_params["collection"] == "c3"
