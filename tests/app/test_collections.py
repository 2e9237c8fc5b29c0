"""The page Collections: the list, a new one, tables made elsewhere, and every change to one."""

from __future__ import annotations

import os

import numpy as np
import psycopg
import pytest
from psycopg import sql
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, finish_jobs, texts

import pgvista
from pgvista.api import Workbench
from pgvista.db.database import Database
from pgvista.errors import ReadOnly
from pgvista.jobs import JobState
from pgvista.model.metric import Metric, VectorType
from pgvista.services import bm25, bm25_extensions, collections

ODD_NAME = 'Bücher; drop table "docs" --'


def press(app: AppTest, label: str) -> AppTest:
    next(item for item in app.button if item.label == label).click()
    app.run()
    assert not app.exception, app.exception
    return app


def view(app: AppTest, name: str) -> AppTest:
    app.segmented_control(key="collections.view").set_value(name)
    return app.run()


def act(app: AppTest, collection: str, action: str) -> AppTest:
    app.segmented_control(key=f"collections.action.{collection}").set_value(action)
    return app.run()


def listed(app: AppTest) -> list[str]:
    return [str(name) for name in app.dataframe[0].value["Collection"]]


def words(app: AppTest, collection: str, action: str) -> AppTest:
    app.segmented_control(key=f"words.action.{collection}").set_value(action)
    app.run()
    assert not app.exception, app.exception
    return app


def connect(app: AppTest, url: str, name: str) -> AppTest:
    for item in app.text_input:
        if item.label == "URL":
            item.input(url)
        if item.label == "Name":
            item.input(name)
    return press(app, "Connect")


def with_rows(workbench: Workbench, name: str = "docs", count: int = 20) -> pgvista.api.Collection:
    made = workbench.create_collection(name, dimension=4)
    rng = np.random.default_rng(1)
    made.upsert(
        {"id": str(i), "content": f"text {i}", "embedding": rng.normal(size=4)}
        for i in range(count)
    )
    return made


class TestList:
    def test_without_any_it_says_what_to_do(self, open_page: OpenPage) -> None:
        app = open_page("collections")
        assert "No collection here yet" in texts(app)
        press(app, "Create one")
        assert app.segmented_control(key="collections.view").value == "New"

    def test_rows_sizes_and_indexes(self, open_page: OpenPage, workbench: Workbench) -> None:
        docs = with_rows(workbench)
        docs.create_index("hnsw")
        workbench.create_collection("empty one", model="all-MiniLM-L6-v2")
        app = open_page("collections", collection="docs")
        table = {row["Collection"]: row for row in app.dataframe[0].value.to_dict("records")}
        assert table["docs"]["Rows"] == 20
        assert table["docs"]["Dimension"] == 4
        assert table["docs"]["Vector index"] == "hnsw"
        assert table["empty one"]["Model"] == "all-MiniLM-L6-v2"
        assert table["docs"]["Size"] > 8192
        assert "### docs" in texts(app)
        assert app.query_params["collection"] == "docs"

    def test_large_tables_are_estimated(
        self, open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        docs = with_rows(workbench)
        with workbench.db.transaction() as connection:
            connection.execute("analyze pgvista.docs")
        monkeypatch.setattr("pgvista.services.collections.EXACT_COUNT_LIMIT", 10)
        app = open_page("collections")
        assert "≈ 20" in texts(app)
        assert docs.count() == 20

    def test_two_hundred_can_be_filtered(self, open_page: OpenPage, database_url: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "do $$ begin for i in 1..200 loop execute format('create table public.%I "
                "(id int primary key, body text, embedding vector(3))', 'shelf ' || i); end loop; "
                "end $$"
            )
        app = open_page("collections")
        assert len(listed(app)) == 200
        app.text_input(key="collections.filter").input("shelf 17").run()
        assert len(listed(app)) == 11
        app.text_input(key="collections.filter").input("nothing like it").run()
        assert not app.dataframe
        assert not app.exception

    def test_an_unknown_name_in_the_address(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        with_rows(workbench)
        app = open_page("collections", collection="gone")
        assert "There is no collection **gone**" in texts(app)
        assert "### docs" in texts(app)

    def test_the_choice_goes_along_to_other_pages(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        with_rows(workbench, "a")
        with_rows(workbench, "b")
        app = open_page("collections", collection="b")
        app.switch_page("pages/data/connect.py").run()
        app.switch_page("pages/data/collections.py").run()
        assert "### b" in texts(app)


class TestNew:
    @pytest.mark.parametrize("name", ["docs", ODD_NAME, "100 % 日本語 {x} %s", "x" * 63])
    def test_names_of_any_characters(
        self, open_page: OpenPage, workbench: Workbench, name: str
    ) -> None:
        app = view(open_page("collections"), "New")
        app.text_input(key="new.name").input(name).run()
        press(app, "Create")
        assert not app.error, app.error[0].value
        assert listed(app) == [name]
        made = workbench.collection(name)
        assert (made.model, made.dimension) == ("all-MiniLM-L6-v2", 384)

    @pytest.mark.parametrize(
        ("name", "said"), [("ü" * 32, "64 bytes"), ("", "empty"), ("   ", "empty")]
    )
    def test_names_that_postgres_cannot_keep(
        self, open_page: OpenPage, workbench: Workbench, name: str, said: str
    ) -> None:
        app = view(open_page("collections"), "New")
        app.text_input(key="new.name").input(name).run()
        press(app, "Create")
        assert said in app.error[0].value.replace("\\", "")
        assert workbench.collections() == []

    def test_a_taken_name_is_refused(self, open_page: OpenPage, workbench: Workbench) -> None:
        with_rows(workbench)
        app = view(open_page("collections"), "New")
        app.text_input(key="new.name").input("docs").run()
        press(app, "Create")
        assert "already" in app.error[0].value
        assert workbench.collection("docs").count() == 20

    def test_vectors_of_ones_own_with_columns(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        app = view(open_page("collections"), "New")
        app.text_input(key="new.name").input("mine")
        app.segmented_control(key="new.kind").set_value("Vectors of my own").run()
        app.number_input(key="new.dimension").set_value(12)
        app.selectbox(key="new.type").set_value(VectorType.HALFVEC)
        app.selectbox(key="new.metric").set_value(Metric.L2)
        app.session_state["new.columns"] = {
            "edited_rows": {},
            "added_rows": [
                {"Column": "year", "Type": "whole number", "Index": True},
                {"Column": "tags", "Type": "list of texts", "Index": False},
            ],
            "deleted_rows": [],
        }
        press(app, "Create")
        assert not app.error, app.error[0].value
        info = workbench.collection("mine").info
        assert (info.dimension, info.vector_type, info.metric) == (12, "halfvec", "l2")
        assert [(column.name, column.type) for column in info.columns] == [
            ("year", "bigint"),
            ("tags", "text[]"),
        ]
        names = {index.name for index in workbench.collection("mine").indexes()}
        assert "mine_year_idx" in names
        assert "mine_tags_idx" not in names

    def test_words_of_other_columns_without_accents(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        app = view(open_page("collections"), "New")
        app.text_input(key="new.name").input("books")
        app.segmented_control(key="new.kind").set_value("Vectors of my own").run()
        app.number_input(key="new.dimension").set_value(1)
        app.toggle(key="new.unaccent").set_value(True)
        app.session_state["new.columns"] = {
            "edited_rows": {},
            "added_rows": [
                {"Column": "title", "Type": "text", "Index": False, "Words": "A"},
                {"Column": "shelf", "Type": "text", "Index": True, "Words": "none"},
            ],
            "deleted_rows": [],
        }
        app.run()
        assert "pgvista.english_unaccent" in texts(app)
        press(app, "Create")
        assert not app.error, app.error[0].value
        books = workbench.collection("books")
        books.upsert([{"id": "1", "title": "Crème", "content": "a dish", "embedding": [1]}])
        assert [hit.id for hit in books.search("creme", mode="keyword").hits] == ["1"]
        assert books.info.bm25 is not None
        assert books.info.bm25.labelled
        view(app, "New")
        app.selectbox(key="new.language").set_value("pgvista.english_unaccent").run()
        assert app.toggle(key="new.unaccent").disabled

    def test_only_texts_have_words(self, open_page: OpenPage, workbench: Workbench) -> None:
        app = view(open_page("collections"), "New")
        app.text_input(key="new.name").input("books")
        app.session_state["new.columns"] = {
            "edited_rows": {},
            "added_rows": [{"Column": "year", "Type": "whole number", "Index": True, "Words": "B"}],
            "deleted_rows": [],
        }
        app.run()
        assert "not a structured column of texts" in app.error[0].value
        press(app, "Create")
        assert workbench.collections() == []


class TestTablesMadeElsewhere:
    def test_roles_are_guessed_and_can_be_mended(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        with workbench.db.transaction() as connection:
            connection.execute(
                "create table public.talks (nr int primary key, title text, body text, "
                "info jsonb, vec vector(3)); create materialized view public.seen as "
                "select nr, body, vec from public.talks; create view public.looked as "
                "select * from public.talks"
            )
        app = open_page("collections")
        assert {"public.talks", "public.seen", "public.looked"} <= set(listed(app))
        view(app, "Open a table")
        app.selectbox(key="open.table").set_value("public.talks").run()
        prefix = "open.public.talks"
        assert app.selectbox(key=f"{prefix}.id").value == "nr"
        assert app.selectbox(key=f"{prefix}.embedding").value == "vec"
        app.selectbox(key=f"{prefix}.content").set_value("title")
        app.selectbox(key=f"{prefix}.metric").set_value(Metric.L2)
        press(app, "Keep these roles")
        assert not app.error, app.error[0].value
        info = workbench.collection("public.talks").info
        assert (info.roles.content, info.metric) == ("title", "l2")
        view(app, "Open a table")
        app.selectbox(key="open.table").set_value("public.seen").run()
        assert "materialised view" in texts(app)
        assert "No key column" in texts(app)

    def test_a_model_of_another_length_is_refused(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        with_rows(workbench)
        app = act(open_page("collections"), "docs", "Columns and model")
        app.selectbox(key="roles.docs.model").set_value("all-MiniLM-L6-v2")
        press(app, "Keep these roles")
        assert "384 numbers" in app.error[0].value

    def test_a_view_says_what_works(self, open_page: OpenPage, workbench: Workbench) -> None:
        with_rows(workbench)
        with workbench.db.transaction() as connection:
            connection.execute("create view public.looked as select embedding from pgvista.docs")
        app = open_page("collections", collection="public.looked")
        said = texts(app)
        assert "A view: it can be searched" in said
        assert "No text column" in said
        actions = app.segmented_control(key="collections.action.public.looked").options
        assert actions == ["Columns and model", "Drop"]

    def test_a_text_table_gets_vectors(self, open_page: OpenPage, workbench: Workbench) -> None:
        with workbench.db.transaction() as connection:
            connection.execute(
                "create table public.notes (id int primary key, body text); "
                "insert into public.notes values (1, 'The cat chases the mouse'), (2, 'Ham'), "
                "(3, null)"
            )
        app = view(open_page("collections"), "Add vectors to a table")
        press(app, "Add the column and embed")
        assert not app.error, app.error[0].value
        assert finish_jobs(app, timeout_s=120) == [JobState.DONE]
        assert "2 texts embedded" in texts(app)
        notes = workbench.collection("public.notes")
        assert notes.search("a kitten and rodents", mode="semantic").hits[0].id == "1"


class TestChanges:
    def test_rename(self, open_page: OpenPage, workbench: Workbench) -> None:
        with_rows(workbench)
        app = act(open_page("collections"), "docs", "Rename")
        app.text_input(key="rename.docs").input(ODD_NAME).run()
        press(app, "Rename")
        assert listed(app) == [ODD_NAME]
        assert workbench.collection(ODD_NAME).count() == 20

    @pytest.mark.parametrize(("action", "left"), [("Empty", [0]), ("Drop", [])])
    def test_what_is_lost_is_shown_and_the_name_asked_for(
        self, open_page: OpenPage, workbench: Workbench, action: str, left: list[int]
    ) -> None:
        with_rows(workbench)
        app = act(open_page("collections"), "docs", action)
        assert "20 rows" in texts(app)
        key = f"{action.lower()}.docs"
        assert app.button(key=f"{key}.go").disabled
        app.text_input(key=f"{key}.name").input("doc").run()
        assert app.button(key=f"{key}.go").disabled
        app.text_input(key=f"{key}.name").input("docs").run()
        app.button(key=f"{key}.go").click().run()
        assert not app.exception
        assert [item.count() for item in workbench.collections()] == left

    def test_what_others_depend_on_is_kept(self, open_page: OpenPage, workbench: Workbench) -> None:
        with_rows(workbench)
        with workbench.db.transaction() as connection:
            connection.execute("create view public.looked as select id from pgvista.docs")
        app = act(open_page("collections"), "docs", "Drop")
        app.text_input(key="drop.docs.name").input("docs").run()
        app.button(key="drop.docs.go").click().run()
        assert "depend" in app.error[0].value
        assert workbench.collection("docs").count() == 20


class TestWords:
    def test_the_figures_of_a_small_collection(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        with_rows(workbench)
        said = texts(open_page("collections", collection="docs"))
        assert "**Words** &nbsp; :green-badge[in step]" in said
        assert "Triggers count every row" in said

    def test_statistics_are_dropped_and_built(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        with_rows(workbench)
        app = words(open_page("collections"), "docs", "Drop statistics")
        assert app.button(key="words.drop.docs.go").disabled
        app.text_input(key="words.drop.docs.name").input("docs").run()
        app.button(key="words.drop.docs.go").click().run()
        assert workbench.collection("docs").info.bm25 is None
        assert "no statistics" in texts(app)
        assert app.segmented_control(key="words.action.docs").options == [
            "Build statistics",
            "Extensions for BM25",
        ]
        words(app, "docs", "Build statistics")
        assert "Writers wait meanwhile" in texts(app)
        press(app, "Build")
        assert finish_jobs(app) == [JobState.DONE]
        assert "20 documents" in texts(app)
        assert ":green-badge[in step]" in texts(app)
        assert workbench.collection("docs").info.bm25 is not None

    def test_what_was_written_past_the_triggers_is_told_and_mended(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        with_rows(workbench)
        with workbench.db.transaction() as connection:
            connection.execute("alter table pgvista.docs disable trigger pgvista_bm25_insert")
            connection.execute("insert into pgvista.docs (id, content) values ('x', 'zebra')")
        app = open_page("collections", collection="docs")
        assert ":orange-badge[stale]" in texts(app)
        assert "21 rows have words, and 20 are counted" in texts(app)
        words(app, "docs", "Refresh")
        assert "counted anew" in texts(app)
        press(app, "Refresh")
        assert finish_jobs(app) == [JobState.DONE]
        assert ":green-badge[in step]" in texts(app)

    def test_a_trigger_that_is_off_is_told_of_large_tables_too(
        self, open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with_rows(workbench)
        monkeypatch.setattr("pgvista.services.collections.EXACT_COUNT_LIMIT", 10)
        with workbench.db.transaction() as connection:
            connection.execute("alter table pgvista.docs disable trigger pgvista_bm25_insert")
        app = open_page("collections", collection="docs")
        assert ":orange-badge[stale]" in texts(app)
        assert "A trigger that counts words is off" in texts(app)

    def test_large_tables_are_read_on_demand(
        self, open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with_rows(workbench)
        monkeypatch.setattr("pgvista.services.collections.EXACT_COUNT_LIMIT", 10)
        app = open_page("collections", collection="docs")
        assert ":gray-badge[by triggers]" in texts(app)
        press(app, "Check")
        assert ":green-badge[in step]" in texts(app)
        assert "Checked at" in texts(app)
        words(app, "docs", "Refresh")
        assert ":green-badge[in step]" in texts(app)

    def test_many_words_are_compared_one_by_one_on_demand(
        self, open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with_rows(workbench)
        monkeypatch.setattr("pgvista.services.bm25_state.WORD_FOR_WORD", 3)
        with workbench.db.transaction() as connection:
            connection.execute("set local session_replication_role = replica")
            connection.execute(
                """update pgvista.docs set content = reverse(content)
where id = (select min(id) from pgvista.docs)"""
            )
        app = open_page("collections", collection="docs")
        assert ":green-badge[in step]" in texts(app)
        assert "Rows and words are as many as are counted" in texts(app)
        press(app, "Check")
        assert ":orange-badge[stale]" in texts(app)
        assert "1 row has other words than are counted" in texts(app)
        words(app, "docs", "Refresh")
        assert "counted anew" in texts(app)
        press(app, "Refresh")
        assert finish_jobs(app) == [JobState.DONE]
        assert ":green-badge[in step]" in texts(app)

    def test_a_view_of_many_words_is_compared_on_demand(
        self, open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with_rows(workbench)
        with workbench.db.transaction() as connection:
            connection.execute("create view pgvista.seen as select * from pgvista.docs")
        seen = workbench.collection("seen")
        bm25.build(workbench.db, seen.info)
        monkeypatch.setattr("pgvista.services.bm25_state.WORD_FOR_WORD", 3)
        app = open_page("collections", collection="seen")
        assert ":gray-badge[as built]" in texts(app)
        press(app, "Check")
        assert ":green-badge[in step]" in texts(app)
        assert "Every word was compared" in texts(app)

    def test_names_of_any_characters_and_no_rows(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        name = "*_`" + ODD_NAME + "` 100 %"
        workbench.create_collection(name, dimension=1)
        app = open_page("collections")
        assert ":green-badge[in step]" in texts(app)
        for action in ("Refresh", "Allow near spelling", "Extensions for BM25"):
            words(app, name, action)
            assert not app.error, app.error[0].value
        words(app, name, "Build anew")
        press(app, "Build")
        assert finish_jobs(app) == [JobState.DONE]
        assert "0 documents, 0 lexemes" in texts(app)
        words(app, name, "Drop statistics")
        app.text_input(key=f"words.drop.{name}.name").input(name).run()
        app.button(key=f"words.drop.{name}.go").click().run()
        assert not app.error
        assert "no statistics" in texts(app)

    def test_near_spelling_is_allowed(self, open_page: OpenPage, workbench: Workbench) -> None:
        docs = with_rows(workbench)
        docs.upsert([{"id": "odd", "content": "particular", "embedding": [1, 2, 3, 4]}])
        app = words(open_page("collections"), "docs", "Allow near spelling")
        press(app, "Allow near spelling")
        assert not app.error, app.error[0].value
        hits = workbench.collection("docs").search("partikular", mode="keyword", match="near").hits
        assert [hit.id for hit in hits] == ["odd"]
        words(app, "docs", "Near spelling")
        assert "is installed" in texts(app)

    def test_near_spelling_says_who_may_allow_it(
        self, open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with_rows(workbench)
        for version, sentence in ((None, "no files of pg_trgm"), ("1.6", "may not install it")):
            extension = bm25_extensions.Extension("pg_trgm", version, None, may_install=False)
            monkeypatch.setattr(bm25_extensions, "near_spelling", lambda _, it=extension: it)
            app = words(open_page("collections"), "docs", "Allow near spelling")
            assert sentence in texts(app)
            assert not [item for item in app.button if item.key == "words.spelling"]

    def test_extensions_are_offered_with_their_sql(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        with_rows(workbench)
        app = words(open_page("collections"), "docs", "Extensions for BM25")
        said = texts(app)
        for name in ("pg_textsearch", "pg_search", "vchord_bm25"):
            assert name in said
        assert said.count("not on this server") == 3
        assert "pgvista ranks by its own BM25" in said
        for name in ("pg_search", "vchord_bm25"):
            app.segmented_control(key="words.extension").set_value(name).run()
            assert not app.exception

    @pytest.mark.parametrize(
        ("statement", "sentence"),
        [
            ("create table public.it (id int primary key, vec vector(3))", "no words to search"),
            ("create table public.it (body text, vec vector(3))", "No key column, by which words"),
            (
                "create view public.it as select id, content, embedding from pgvista.docs",
                "no statistics",
            ),
            (
                "create materialized view public.it as select * from pgvista.docs; "
                "create unique index on public.it (id)",
                "no statistics",
            ),
        ],
    )
    def test_every_kind_of_relation_has_its_sentence(
        self, open_page: OpenPage, workbench: Workbench, statement: str, sentence: str
    ) -> None:
        with_rows(workbench)
        with workbench.db.transaction() as connection:
            for part in statement.split("; "):
                connection.execute(part.encode())
        app = open_page("collections", collection="public.it")
        assert sentence in texts(app)
        if sentence != "no statistics":
            return
        words(app, "public.it", "Build statistics")
        assert "refresh them then" in texts(app)
        press(app, "Build")
        assert finish_jobs(app) == [JobState.DONE]
        assert "20 documents" in texts(app)
        words(app, "public.it", "Refresh")
        words(app, "public.it", "Extensions for BM25")
        assert "tables beneath" in texts(app)

    def test_a_table_opened_here_is_offered_statistics(
        self, open_page: OpenPage, workbench: Workbench
    ) -> None:
        with workbench.db.transaction() as connection:
            connection.execute(
                "create table public.talks (nr int primary key, body text, vec vector(3))"
            )
        app = view(open_page("collections"), "Open a table")
        press(app, "Keep these roles")
        assert "### public.talks" in texts(app)
        assert "no statistics" in texts(app)
        assert "Build statistics" in app.segmented_control(key="words.action.public.talks").options

    def test_a_table_of_somebody_else(
        self,
        open_page: OpenPage,
        workbench: Workbench,
        database_url: str,
    ) -> None:
        made = with_rows(workbench)
        bm25.drop(made.db, made.info)
        role = f"words_reader_{os.getpid()}"
        name = sql.Identifier(role)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(sql.SQL("create role {} login").format(name))
            try:
                connection.execute(sql.SQL("grant usage on schema pgvista to {}").format(name))
                grant = "grant select on pgvista.docs, pgvista.collections to {}"
                connection.execute(sql.SQL(grant).format(name))
                mine = psycopg.conninfo.make_conninfo(database_url, user=role)
                app = connect(open_page("connect"), mine, "reader")
                app.switch_page("pages/data/collections.py").run()
                words(app, "docs", "Build statistics")
                press(app, "Build")
                assert finish_jobs(app) == [JobState.FAILED]
                assert "may not count the words of docs" in texts(app)
            finally:
                connection.execute(sql.SQL("drop owned by {}").format(name))
                connection.execute(sql.SQL("drop role {}").format(name))


class TestReadOnly:
    def test_buttons_say_so_and_postgres_refuses(
        self, open_page: OpenPage, workbench: Workbench, database_url: str
    ) -> None:
        with_rows(workbench)
        app = open_page("connect")
        for item in app.text_input:
            if item.label == "URL":
                item.input(database_url)
            if item.label == "Name":
                item.input("locked")
        next(item for item in app.checkbox if item.label == "Read-only").check()
        press(app, "Connect")
        assert not app.error, app.error[0].value
        app.switch_page("pages/data/collections.py").run()
        assert "read-only" in app.sidebar.markdown[0].value
        act(app, "docs", "Drop")
        drop = app.button(key="drop.docs.go")
        assert drop.disabled
        assert "read-only" in drop.label
        words(app, "docs", "Refresh")
        refresh = app.button(key="words.refresh")
        assert (refresh.disabled, refresh.label) == (True, "Refresh (read-only)")
        assert ":green-badge[in step]" in texts(app)
        # What gets past the page is refused by Postgres itself.
        target = app.session_state["pgvista.connections"].targets["locked"]
        database = Database(target)
        with pytest.raises(ReadOnly, match="Postgres refused to write"):
            collections.drop(database, workbench.collection("docs").info)
        database.close()
        assert workbench.collection("docs").count() == 20
