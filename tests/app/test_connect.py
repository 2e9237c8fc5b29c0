"""The page Connect: tests, opens, switches and saves connections, and says why one fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import ROOT, OpenPage, texts
from tests.db.foreign_server import ForeignServer, foreign_server, free_port

from pgvista.api import Workbench
from pgvista.db.profiles import FILE_NAME

PASSWORD = "pa:ss@w/ord %?#"


@pytest.fixture(scope="module")
def server() -> Iterator[ForeignServer]:
    """A server that asks for passwords, with two roles that see different rows."""
    with foreign_server() as found:
        found.execute(
            f"create role anna login password '{PASSWORD}'",
            "create role bert login password 'other'",
            "create database docs owner anna",
        )
        found.execute(
            "create extension vector",
            "create schema anna authorization anna",
            "create schema bert authorization bert",
            "create table anna.mine (id int primary key, body text, embedding vector(3))",
            "alter table anna.mine owner to anna",
            "create table bert.his (id int primary key, body text, embedding vector(3))",
            "alter table bert.his owner to bert",
            dbname="docs",
        )
        yield found


def url(server: ForeignServer, user: str = "anna", *, port: int = 0, database: str = "docs") -> str:
    return f"postgresql://{user}@127.0.0.1:{port or server.port}/{database}"


def connect_page() -> AppTest:
    """Return the page in a new session that stands on the embedded server."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    return app.switch_page("pages/data/connect.py").run()


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return app.run()


def fill(app: AppTest, **values: str) -> None:
    for label, value in values.items():
        next(item for item in app.text_input if item.label == label).input(value)


def connect(app: AppTest, address: str, password: str = "", name: str = "") -> AppTest:
    fill(app, URL=address, Password=password, Name=name)
    return press(app, "Connect")


def names(app: AppTest) -> list[str]:
    return list(app.session_state["pgvista.connections"].targets)


def current(app: AppTest) -> str:
    return str(app.session_state["pgvista.connections"].current)


class TestEmbedded:
    def test_the_first_page_stands_on_the_embedded_server(self, data_dir: Path) -> None:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        assert not app.exception
        line = app.sidebar.markdown[0].value.replace("\\", "")
        assert "embedded · PG 18." in line
        assert "pgvector 0." in line
        app.switch_page("pages/data/connect.py").run()
        assert str(data_dir) in texts(app)

    def test_read_only_shows_a_lock_and_is_enforced(self, data_dir: Path) -> None:
        app = connect_page()
        app.toggle(key="connect.embedded.read_only").set_value(True).run()
        assert "read-only" in app.sidebar.markdown[0].value
        press(app, "Test")
        assert "refused by Postgres" in str(app.table[0].value)


class TestReport:
    def test_a_test_tells_versions_rights_and_extensions(self, open_page: OpenPage) -> None:
        app = open_page("connect")
        app.button(key="connect.test.1").click().run()
        said = str(app.table[0].value.to_dict())
        for expected in (
            "PostgreSQL 18",
            "superuser",
            "ms",
            "none seen",
            "pg_trgm",
            "local socket",
        ):
            assert expected in said.replace("\\\\", "").replace("\\", "")

    def test_the_extension_is_created_after_its_sql_was_shown(self, server: ForeignServer) -> None:
        server.execute("create database bare")
        app = connect_page()
        fill(app, URL=url(server, "admin", database="bare"), Password="Adm1n's @:/?#% pass")
        app.button(key="FormSubmitter:connect.0.form-Test").click().run()
        assert "not in this database" in str(app.table[0].value)
        press(app, "Create the extension")
        assert not app.exception
        assert "0." in str(app.table[0].value.to_dict())
        assert "not in this database" not in str(app.table[0].value)


class TestConnecting:
    def test_with_url_and_password(self, server: ForeignServer, data_dir: Path) -> None:
        app = connect_page()
        connect(app, url(server), PASSWORD, "anna's")
        assert not app.error
        assert current(app) == "anna's"
        assert names(app) == ["embedded", "anna's"]
        assert "anna's · PG" in app.sidebar.markdown[0].value.replace("\\", "")
        app.switch_page("pages/data/collections.py").run()
        assert "anna.mine" in texts(app)
        assert "bert.his" not in str(app.dataframe[0].value)

    def test_no_password_stays_in_the_session_but_as_a_secret(self, server: ForeignServer) -> None:
        app = connect_page()
        connect(app, f"postgresql://anna:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}/docs")
        assert not app.error
        app.run()
        shown = repr(app.session_state) + repr(app.main) + repr(app.sidebar)
        assert PASSWORD not in shown
        assert quote(PASSWORD, safe="") not in shown

    @pytest.mark.parametrize(
        ("address", "password", "said"),
        [
            ("postgresql://anna@127.0.0.1:{port}/docs", "wrong", "password"),
            ("postgresql://anna@127.0.0.1:{port}/docs", "", "password"),
            (
                "postgresql://anna@127.0.0.1:{port}/nowhere",
                PASSWORD,
                "does not exist on that server",
            ),
            ("postgresql://anna@127.0.0.1:{closed}/docs", PASSWORD, "127.0.0.1"),
            ("postgresql://anna@no-such-host.invalid/docs", PASSWORD, "no-such-host.invalid"),
            ("postgresql://anna@127.0.0.1:{port}/docs?sslmode=require", PASSWORD, "TLS"),
            ("mysql://root@127.0.0.1/docs", "", "not the address of a Postgres server"),
            ("", "", "empty"),
        ],
    )
    def test_each_failure_is_a_sentence(
        self, server: ForeignServer, address: str, password: str, said: str
    ) -> None:
        app = connect_page()
        connect(app, address.format(port=server.port, closed=free_port()), password)
        [error] = app.error
        message = error.value.replace("\\", "")
        assert said.lower() in message.lower()
        assert "Traceback" not in message
        assert not password or password not in message
        assert names(app) == ["embedded"]
        assert not app.exception

    def test_switching_keeps_the_others_and_disconnecting_forgets(
        self, server: ForeignServer
    ) -> None:
        app = connect_page()
        connect(app, url(server), PASSWORD, "anna")
        app.button(key="connect.use.0").click().run()
        assert current(app) == "embedded"
        assert names(app) == ["embedded", "anna"]
        app.button(key="connect.use.1").click().run()
        assert current(app) == "anna"
        app.button(key="connect.remove.1").click().run()
        assert names(app) == ["embedded"]
        assert current(app) == "embedded"

    def test_a_taken_name_is_refused(self, server: ForeignServer) -> None:
        app = connect_page()
        connect(app, url(server), PASSWORD, "embedded")
        assert "already" in app.error[0].value


class TestProfiles:
    def test_a_saved_connection_holds_no_password_and_asks_for_it(
        self, server: ForeignServer, data_dir: Path
    ) -> None:
        app = connect_page()
        next(box for box in app.checkbox if box.label == "Save for later").check()
        connect(app, url(server), PASSWORD, "kept")
        saved = (data_dir / FILE_NAME).read_text("utf-8")
        assert "kept" in saved
        assert PASSWORD not in saved

        later = connect_page()
        assert names(later) == ["embedded"]
        press(later, "Open")
        later.text_input(key="connect.profile.password.0").input("wrong")
        later.button(key="FormSubmitter:connect.profile.0-Open").click().run()
        assert "password" in later.error[0].value.lower()
        later.text_input(key="connect.profile.password.0").input(PASSWORD)
        later.button(key="FormSubmitter:connect.profile.0-Open").click().run()
        assert current(later) == "kept"
        later.button(key="connect.remove.1").click().run()
        press(later, "Forget")
        assert "kept" not in (data_dir / FILE_NAME).read_text("utf-8")


class TestTwoSessions:
    def test_neither_sees_the_other(self, server: ForeignServer) -> None:
        anna, bert = connect_page(), connect_page()
        connect(anna, url(server), PASSWORD, "annas secret place")
        connect(bert, url(server, "bert"), "other", "berts")
        for app, own, other in (
            (anna, "anna.mine", "bert.his"),
            (bert, "bert.his", "anna.mine"),
        ):
            app.switch_page("pages/data/collections.py").run()
            seen = str(app.dataframe[0].value) + texts(app)
            assert own in seen
            assert other not in seen
        bert.switch_page("pages/data/connect.py").run()
        assert "annas secret place" not in texts(bert)
        assert names(bert) == ["embedded", "berts"]

    def test_the_wrong_password_does_not_borrow_the_others_pool(
        self, server: ForeignServer
    ) -> None:
        anna = connect_page()
        connect(anna, url(server), PASSWORD)
        assert not anna.error
        eve = connect_page()
        connect(eve, url(server), "guess")
        assert "password" in eve.error[0].value.lower()


class TestFailingConnection:
    def test_other_pages_say_why_and_offer_another_try(
        self, monkeypatch: pytest.MonkeyPatch, data_dir: Path
    ) -> None:
        monkeypatch.setenv("PGVISTA_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/docs")
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        app.switch_page("pages/data/collections.py").run()
        assert not app.exception
        assert "127.0.0.1" in app.error[0].value.replace("\\", "")
        assert [button.label for button in app.button if button.label == "Try again"]
        assert "not connected" in app.sidebar.markdown[0].value
        app.switch_page("pages/data/connect.py").run()
        app.button(key="connect.use.0").click().run()
        assert "PG 18" in app.sidebar.markdown[0].value

    def test_without_pgvector_it_says_how_to_get_it(
        self, server: ForeignServer, workbench: Workbench
    ) -> None:
        app = connect_page()
        connect(app, url(server, database="postgres"), PASSWORD)
        app.switch_page("pages/data/collections.py").run()
        assert "create extension vector" in app.error[0].value
        assert "no pgvector" in app.sidebar.markdown[0].value


class TestEmbeddingServices:
    def test_keys_stay_in_their_session(
        self, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        app = open_page("connect")
        app.text_input(key="connect.openai.key").input("sk-mine")
        app.button(key="FormSubmitter:connect.openai-Keep").click().run()
        app.run()
        assert "key of this session" in texts(app)
        assert "sk-mine" not in texts(app)
        other = open_page("connect")
        assert "key of this session" not in texts(other)

    def test_a_service_that_is_not_there_is_named(self, open_page: OpenPage) -> None:
        app = open_page("connect")
        app.text_input(key="connect.openai.url").input(f"http://127.0.0.1:{free_port()}/v1")
        app.text_input(key="connect.openai.key").input("sk-mine")
        app.button(key="FormSubmitter:connect.openai-Test").click().run()
        assert "127.0.0.1" in app.error[0].value.replace("\\", "")
        assert "sk-mine" not in app.error[0].value
