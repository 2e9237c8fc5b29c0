"""The page Live without a browser: what it says, for tables and indexes in every state."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
from psycopg import sql
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.api import Collection, Workbench
from pgvista.model.diagnosis import Cause

PAGE = "pages/tune/live.py"
ROWS, DIMENSION = 600, 8
VECTORS = np.random.default_rng(4).standard_normal((ROWS, DIMENSION)).astype(np.float32)


def make(workbench: Workbench, name: str = "docs", rows: int = ROWS) -> Collection:
    made = workbench.create_collection(name, dimension=DIMENSION)
    made.upsert(
        {
            "id": f"r{n}",
            "content": f"text {n}",
            "embedding": VECTORS[n].tolist(),
            "metadata": {"n": n},
        }
        for n in range(rows)
    )
    return made


def test_no_query_yet(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench, rows=3)
    app = open_page(PAGE, collection="docs")
    assert "Take a query" in texts(app)


def test_an_empty_collection(open_page: OpenPage, workbench: Workbench) -> None:
    workbench.create_collection("docs", dimension=2)
    app = open_page(PAGE, collection="docs")
    assert "No rows yet" in texts(app)
    assert app.button(key="live_random").disabled


def test_without_an_index_it_says_so(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench)
    app = open_page(PAGE, collection="docs", row="r7")
    assert "No index." in texts(app)
    assert "No valid vector index" in texts(app)


def test_a_row_by_its_link_and_knobs(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench).create_index("hnsw")
    with psycopg.connect(workbench.url, autocommit=True) as session:
        session.execute("alter database " + session.info.dbname + " set enable_seqscan = off")
    workbench.db.close()
    app = open_page(PAGE, collection="docs", row="r7", live_ef="5", live_limit="20")
    assert app.text_input(key="live_text").value == "r7"
    assert "LIMIT above ef_search" in texts(app)


def test_words_for_vectors_without_a_model(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench, rows=5)
    app = open_page(PAGE, collection="docs")
    app.text_input(key="live_text").set_value("no such row").run()
    assert "no row 'no such row'" in texts(app)


def test_a_row_that_was_deleted(open_page: OpenPage, workbench: Workbench) -> None:
    docs = make(workbench, rows=5)
    docs.delete(ids=["r3"])
    app = open_page(PAGE, collection="docs", row="r3")
    assert "is not in docs any more" in texts(app)


def test_a_row_without_a_vector(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench, rows=2)
    with psycopg.connect(workbench.url, autocommit=True) as session:
        session.execute("insert into pgvista.docs (id, content) values ('bare', 'text')")
    app = open_page(PAGE, collection="docs", row="bare")
    assert "has no vector" in texts(app)
    app.text_input(key="live_text").set_value("r0").run()
    assert "NULL vectors" in texts(app)


def test_a_random_row(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench, rows=5)
    app = open_page(PAGE, collection="docs")
    app.button(key="live_random").click().run()
    assert app.text_input(key="live_text").value in {f"r{n}" for n in range(5)}
    assert "Plan" in texts(app)


def test_one_row_alone(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench, rows=1)
    app = open_page(PAGE, collection="docs", row="r0")
    assert "none besides the query" in "".join(item.value for item in app.info)


def test_an_index_dropped_while_the_page_is_open(open_page: OpenPage, workbench: Workbench) -> None:
    index = make(workbench).create_index("hnsw")
    app = open_page(PAGE, collection="docs", row="r7")
    with psycopg.connect(workbench.url, autocommit=True) as session:
        session.execute(sql.SQL("drop index {}").format(sql.Identifier("pgvista", index.name)))
    app.run()
    assert f"{index.name} was dropped meanwhile" in texts(app)


def test_an_index_built_anew_under_its_name(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench)
    build = "create index docs_lists on pgvista.docs using ivfflat (embedding vector_cosine_ops)"
    with psycopg.connect(workbench.url, autocommit=True) as session:
        session.execute("alter database " + session.info.dbname + " set enable_seqscan = off")
        session.execute(build + " with (lists = 4)")
        workbench.db.close()
        app = open_page(PAGE, collection="docs", row="r7")
        assert lists_known(app) == "4"
        session.execute("drop index pgvista.docs_lists")
        session.execute(build + " with (lists = 20)")
    app.run()
    assert lists_known(app) == "20"


def lists_known(app: AppTest) -> str:
    """Return how many lists the page takes the index in use to have."""
    (facts,) = app.session_state["_live_facts"][1].values()
    return str(facts.used.options["lists"])


def test_a_filter_that_is_none(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench, rows=5)
    app = open_page(PAGE, collection="docs", row="r1", live_filter='{"n": ')
    assert "filter" in texts(app).lower()
    assert "Plan" not in texts(app)


def statement(open_page: OpenPage, text: str) -> AppTest:
    app = open_page(PAGE, collection="docs")
    app.session_state["live_view"] = "statement"
    app.run()
    app.text_area(key="live_statement").set_value(text).run()
    return app


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "select id from pgvista.docs order by 1 - (embedding <=> '[1,2,3,4,5,6,7,8]') desc limit 3",
            Cause.COMPUTED_ORDER.label,
        ),
        ("select 1; select 2", "several statements"),
        ("delete from pgvista.docs", "Only a SELECT"),
        ("select from from", "syntax error"),
        ("select * from pgvista.nowhere", "nowhere"),
    ],
)
def test_a_pasted_statement(
    open_page: OpenPage, workbench: Workbench, text: str, said: str
) -> None:
    docs = make(workbench, rows=5)
    assert said in texts(statement(open_page, text))
    assert docs.count() == 5


def test_settings_out_of_range_in_a_link(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench, rows=5)
    app = open_page(
        PAGE, collection="docs", row="r1", live_limit="1e9", live_ef="nan", live_scan="x"
    )
    assert not app.exception
    assert "Plan" in texts(app)


def test_what_is_ordered_by_is_chosen_and_shared(open_page: OpenPage, workbench: Workbench) -> None:
    docs = make(workbench)
    docs.create_index("hnsw")
    docs.create_index("hnsw", target="bit")
    app = open_page(PAGE, collection="docs", row="r1", live_target="bit")
    assert app.selectbox(key="live_target").value == "bit"
    app.session_state["live_explain"] = "Share"
    app.run()
    assert "live_target=bit" in app.code[0].value
    assert "row=r1" in app.code[0].value
