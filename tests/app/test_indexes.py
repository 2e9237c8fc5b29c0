"""The page Indexes: what there is, a new one with its cost, and what can be done to one."""

from __future__ import annotations

import json
import time

import psycopg
import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, finish_jobs, texts

from pgvista.api import Collection, Workbench
from pgvista.jobs import JobState
from pgvista.model.index import BitMetric, IndexTarget
from pgvista.services.index_overview import overview
from pgvista.ui.index_actions import in_lines

ROWS = 60


def fill(workbench: Workbench, name: str = "docs", dimension: int = 8) -> Collection:
    made = workbench.create_collection(name, dimension=dimension, columns={"year": "bigint"})
    made.upsert(
        {
            "id": str(n),
            "content": f"text {n}",
            "year": 1990 + n % 20,
            "embedding": [float((n * i) % 7 - 3) for i in range(1, dimension + 1)],
        }
        for n in range(1, ROWS + 1)
    )
    return made


def press(app: AppTest, label: str) -> AppTest:
    next(item for item in app.button if item.label == label).click().run()
    assert not app.exception, app.exception
    return app


def vector_indexes(docs: Collection) -> list[tuple[str, IndexTarget | None, bool]]:
    return [(i.method, i.target, i.valid) for i in docs.indexes() if i.metric is not None]


def mark(app: AppTest, docs: Collection, name: str) -> AppTest:
    """Mark the row of an index in the table, as a click does."""
    names = [item.info.name for item in overview(docs.db, docs.info)]
    key = f"indexes.list.{hash((docs.info.name, tuple(names)))}"
    app.session_state[key] = {"selection": {"rows": [names.index(name)], "columns": []}}
    app.run()
    assert not app.exception, app.exception
    return app


def test_no_collection(open_page: OpenPage) -> None:
    assert "No collection here yet" in texts(open_page("indexes"))


def test_the_table_tells_of_every_index(open_page: OpenPage, workbench: Workbench) -> None:
    docs = fill(workbench)
    app = open_page("indexes", collection="docs")
    assert "No index on the vectors" in texts(app)
    docs.create_index("hnsw", filters={"year": {"$gte": 2000}})
    docs.create_index("ivfflat", target="bit", lists=2)
    app = open_page("indexes", collection="docs")
    table = {row["Method"]: row for row in app.dataframe[0].value.to_dict("records")}
    assert table["HNSW m 16, ef 64"]["On"] == "embedding <=>"
    assert list(table["HNSW m 16, ef 64"]["State"]) == ["valid", "partial"]
    assert table["IVFFlat lists 2"]["On"] == "bits <~>"
    assert table["btree"]["Last use"]
    assert "No index on the vectors" not in texts(app)


def test_built_as_asked_for_in_the_background(open_page: OpenPage, workbench: Workbench) -> None:
    docs = fill(workbench)
    app = open_page("indexes", collection="docs")
    app.number_input(key="indexes.m").set_value(8).run()
    app.selectbox(key="indexes.target.docs").set_value(IndexTarget.BIT).run()
    app.selectbox(key="indexes.metric.hnsw.True.docs").set_value(BitMetric.JACCARD).run()
    press(app, "Build")
    assert finish_jobs(app) == [JobState.DONE]
    assert f"{ROWS} rows in it · table analysed" in texts(app)
    [made] = [index for index in docs.indexes() if index.method == "hnsw"]
    assert (made.options["m"], made.target, made.metric) == (
        "8",
        IndexTarget.BIT,
        BitMetric.JACCARD,
    )
    assert "is dropped" not in texts(app)
    assert next(item for item in app.button if item.label == "Build").disabled


def test_a_partial_index_by_the_filter(open_page: OpenPage, workbench: Workbench) -> None:
    docs = fill(workbench)
    app = open_page("indexes", collection="docs")
    app.session_state["indexes.filter.docs"] = json.dumps({"year": {"$gte": 2000}})
    app.run()
    assert "A partial index" in texts(app)
    press(app, "Build")
    assert finish_jobs(app) == [JobState.DONE]
    [made] = [index for index in docs.indexes() if index.method == "hnsw"]
    assert made.predicate == "year >= '2000'::bigint"


def test_the_cost_follows_the_knobs(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    app = open_page("indexes", collection="docs")
    assert "The graph fits maintenance_work_mem" in texts(app)
    app.number_input(key="indexes.memory").set_value(1).run()
    app.segmented_control(key="indexes.method").set_value("IVFFlat").run()
    app.number_input(key="indexes.lists.docs").set_value(2000).run()
    assert "k-means wants" in texts(app)
    assert "IVFFlat learns its cells from the rows that are there" in texts(app)
    app.segmented_control(key="indexes.method").set_value("HNSW").run()
    press(app, "Measure the time")
    assert f"By {ROWS} rows, built here in" in texts(app)


def test_options_that_contradict_are_a_sentence(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    app = open_page("indexes", collection="docs")
    app.number_input(key="indexes.m").set_value(100).run()
    assert "at least 2 * m" in texts(app)


def test_beyond_the_limit_other_targets_are_offered(
    open_page: OpenPage, workbench: Workbench
) -> None:
    fill(workbench, "wide", 2_001)
    app = open_page("indexes", collection="wide")
    assert "2,001 dimensions are beyond the 2,000" in texts(app)
    offered = app.selectbox(key="indexes.target.wide").options
    assert offered == ["halfvec", "bits", "leading dimensions"]
    app.selectbox(key="indexes.target.wide").set_value(IndexTarget.LEADING).run()
    assert app.number_input(key="indexes.leading.wide").value == 500


def test_words_and_filters(open_page: OpenPage, workbench: Workbench) -> None:
    docs = fill(workbench)
    app = open_page("indexes", collection="docs")
    app.segmented_control(key="indexes.method").set_value("Words and filters").run()
    assert app.selectbox(key="indexes.column.docs").value == "year"
    press(app, "Build")
    assert finish_jobs(app) == [JobState.DONE]
    assert "docs_year_idx" in {index.name for index in docs.indexes()}


def test_dropped_by_its_name(open_page: OpenPage, workbench: Workbench) -> None:
    docs = fill(workbench)
    made = docs.create_index("hnsw")
    app = mark(open_page("indexes", collection="docs"), docs, made.name)
    assert "serves <=>" in texts(app)
    app.segmented_control(key=f"indexes.do.{made.name}").set_value("Drop").run()
    app.text_input(key=f"indexes.drop.{made.name}.name").input(made.name).run()
    press(app, "Drop the index")
    assert vector_indexes(docs) == []
    assert "is dropped" in texts(app)


def test_rebuilt_and_prewarmed(open_page: OpenPage, workbench: Workbench) -> None:
    docs = fill(workbench)
    made = docs.create_index("hnsw")
    app = mark(open_page("indexes", collection="docs"), docs, made.name)
    app.segmented_control(key=f"indexes.do.{made.name}").set_value("Rebuild").run()
    press(app, "Rebuild")
    assert finish_jobs(app) == [JobState.DONE]
    assert vector_indexes(docs) == [("hnsw", IndexTarget.COLUMN, True)]
    mark(app, docs, made.name)
    app.segmented_control(key=f"indexes.do.{made.name}").set_value("Prewarm").run()
    press(app, "Show what is cached")
    assert "Cached" in app.dataframe[0].value
    mark(app, docs, made.name)
    press(app, "Prewarm")
    assert "pages of docs_embedding_hnsw_cosine_idx read into memory" in texts(app)


def wait_for_builds(url: str, count: int) -> None:
    """Wait until so many builds of an index are at work in the database."""
    give_up = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as session:
        while session.execute(
            "select count(*) from pg_stat_activity where datname = current_database() "
            "and state = 'active' and query ilike 'create index%'"
        ).fetchone() != (count,):
            assert time.monotonic() < give_up
            time.sleep(0.05)


def test_cancelled_and_two_at_once(
    open_page: OpenPage, workbench: Workbench, database_url: str
) -> None:
    """Another session holds the table, so that the build waits: long enough to stop it."""
    docs = fill(workbench)
    app = open_page("indexes", collection="docs")
    with psycopg.connect(database_url) as other:
        other.execute("update pgvista.docs set content = 'x' where id = '1'")
        press(app, "Build")
        app.number_input(key="indexes.m").set_value(8).run()
        press(app, "Build")
        assert "is at work there" in texts(app)
        wait_for_builds(database_url, 1)
        press(app, "Cancel")
        wait_for_builds(database_url, 0)
        other.rollback()
    assert finish_jobs(app) == [JobState.CANCELLED]
    assert vector_indexes(docs) == []


def test_read_only_looks_and_does_not_build(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(workbench)
    monkeypatch.setattr("pgvista.db.database.Database.read_only", property(lambda _: True))
    app = open_page("indexes", collection="docs")
    assert next(item for item in app.button if item.label == "Build (read-only)").disabled


def test_a_view_says_where_indexes_belong(open_page: OpenPage, workbench: Workbench) -> None:
    fill(workbench)
    with workbench.db.transaction() as connection:
        connection.execute(
            "create view public.seen as select id, content, embedding from pgvista.docs"
        )
    app = open_page("indexes", collection="public.seen")
    assert "indexes belong on the tables beneath it" in texts(app)


@pytest.mark.parametrize("name", ["docs_idx", '" ON x USING y"', '"a ""b"" c"'])
def test_definitions_break_outside_of_names(name: str) -> None:
    definition = f"CREATE INDEX {name} ON public.{name} USING hnsw (e vector_l2_ops) WITH (m='4')"
    assert in_lines(definition).split("\n") == [
        f"CREATE INDEX {name}",
        f"  ON public.{name}",
        "  USING hnsw (e vector_l2_ops) WITH (m='4')",
    ]
    assert in_lines("something else") == "something else"
