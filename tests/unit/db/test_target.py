"""Targets: what is read, what is refused, and that no password is ever shown."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgvista.config import Secret
from pgvista.db.target import Target, target_from_fields, target_from_url
from pgvista.errors import InvalidInput

PASSWORD = "s3cr3t-Pa55"


def parameters(target: Target) -> dict[str, object]:
    return dict(conninfo_to_dict(target.conninfo.reveal()))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_url_with_every_part(scheme: str) -> None:
    target = target_from_url(
        f" {scheme}://ann:{PASSWORD}@db.example:5433/docs?sslmode=verify-full&sslrootcert=system\n"
    )
    assert parameters(target) == {
        "user": "ann",
        "password": PASSWORD,
        "host": "db.example",
        "port": "5433",
        "dbname": "docs",
        "sslmode": "verify-full",
        "sslrootcert": "system",
    }
    assert target.label == "docs@db.example:5433"
    assert not target.read_only


def test_percent_encoding() -> None:
    target = target_from_url("postgresql://a%40b:p%40%2F%3F%23%25%20'%5C@h/d%20b")
    assert parameters(target) == {
        "user": "a@b",
        "password": "p@/?#% '\\",
        "host": "h",
        "dbname": "d b",
    }


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("postgresql://u@a:1,b:2/docs", "docs@a:1,b:2"),
        ("postgresql://u@a,b/docs", "docs@a,b"),
        ("postgresql://u@[::1]:5432/docs", "docs@::1:5432"),
        ("postgresql:///docs?host=/var/run/postgresql", "docs@socket"),
        ("postgresql://", "local"),
        ("postgresql:///docs", "docs@local"),
        ("postgresql://ann@h", "ann@h"),
        ("host=h port=5 dbname=docs", "docs@h:5"),
        ("host='h' dbname='my docs' password='a b'", "my docs@h"),
        ("host=a,b port=6", "a:6,b:6"),
        ("service=mine", "mine"),
        ("service=mine dbname=docs", "docs@service mine"),
        ("hostaddr=127.0.0.1 dbname=docs", "docs@127.0.0.1"),
    ],
)
def test_forms_of_an_address(text: str, label: str) -> None:
    assert target_from_url(text).label == label


@pytest.mark.parametrize(
    "text",
    [
        f"mysql://ann:{PASSWORD}@h/d",
        f"POSTGRESQL://ann:{PASSWORD}@h/d",
        f"postgresql+psycopg://ann:{PASSWORD}@h/d",
        f"jdbc:postgresql://h/d?user=ann&password={PASSWORD}",
        f"https://ann:{PASSWORD}@h/d",
        f"postgresql://ann:{PASSWORD}@x@h/d",
        f"postgresql://ann:{PASSWORD}/x@h/d",
        f"postgresql://ann:x/{PASSWORD}@h/d",
        f"postgresql://ann:{PASSWORD}",
        f"postgresql://ann:{PASSWORD}%zz@h/d",
        f"postgresql://ann:{PASSWORD}%00@h/d",
        f"postgresql://ann:{PASSWORD}@h:port/d",
        f"postgresql://ann:{PASSWORD}@h:70000/d",
        f"postgresql://ann:{PASSWORD}@h/d?pgbouncer=true",
        f"postgresql://ann:{PASSWORD}@h/d?{PASSWORD}=1",
        f"postgresql://ann:{PASSWORD}@[::1/d",
        f"host=h password='{PASSWORD}",
        f"host=h password={PASSWORD} more words",
        f"host=h {PASSWORD}=1",
        f"host=h password={PASSWORD}\0",
        f"host=h password={PASSWORD}\ud800",
        f"host=a@{PASSWORD} dbname=d",
        PASSWORD,
        "",
        "   ",
    ],
)
def test_refused_without_repeating_what_was_typed(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        target_from_url(text)
    assert PASSWORD not in str(caught.value)
    assert caught.value.hint
    assert caught.value.__cause__ is None
    context = caught.value.__context__
    assert context is None or caught.value.__suppress_context__ or PASSWORD not in str(context)


def test_other_clients_parameters_are_named() -> None:
    with pytest.raises(InvalidInput, match="'pgbouncer'"):
        target_from_url("postgresql://h/d?pgbouncer=true")


def test_a_password_by_itself_takes_the_place_of_the_one_in_the_url() -> None:
    target = target_from_url("postgresql://u:old@h/d", password=Secret("new @:/"))
    assert parameters(target)["password"] == "new @:/"


def test_fields() -> None:
    target = target_from_fields(
        host=" db.example ",
        port=5433,
        dbname="docs",
        user="ann",
        password=Secret("it's \\ long"),
        sslmode="require",
        read_only=True,
    )
    assert parameters(target) == {
        "host": "db.example",
        "port": "5433",
        "dbname": "docs",
        "user": "ann",
        "password": "it's \\ long",
        "sslmode": "require",
    }
    assert target.read_only
    assert parameters(target_from_fields()) == {}


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "५", "5432 x"])
def test_fields_refuse_a_port(port: str) -> None:
    with pytest.raises(InvalidInput, match="port"):
        target_from_fields(host="h", port=port)


def test_a_field_cannot_smuggle_another_parameter() -> None:
    target = target_from_fields(host="h", dbname="x' host=evil password='y")
    assert parameters(target) == {"host": "h", "dbname": "x' host=evil password='y"}


def test_nothing_shows_a_password() -> None:
    target = target_from_url(f"postgresql://ann:{PASSWORD}@h/d?sslpassword={PASSWORD}")
    for text in (repr(target), str(target), f"{target}", target.label, target.without_password()):
        assert PASSWORD not in text
    assert conninfo_to_dict(target.without_password()) == {
        "user": "ann",
        "host": "h",
        "dbname": "d",
    }
    for keyword in ("oauth_client_secret", "scram_client_key", "scram_server_key"):
        assert PASSWORD not in target_from_url(f"{keyword}={PASSWORD}").without_password()


def test_without_password_is_read_back() -> None:
    target = target_from_url("postgresql://ann:x@h:5433/my%20d'b?options=-c%20geqo%3Doff")
    again = target_from_url(target.without_password(), password=Secret("x"))
    assert again.identity() == target.identity()


def test_identity() -> None:
    target = target_from_url(f"postgresql://ann:{PASSWORD}@h/d")
    assert (
        target.identity()
        == target_from_url(f"dbname=d host=h user=ann password={PASSWORD}").identity()
    )
    others = [
        target_from_url("postgresql://ann:other@h/d"),
        target_from_url("postgresql://ann@h/d"),
        target_from_url(f"postgresql://bob:{PASSWORD}@h/d"),
        replace(target, read_only=True),
    ]
    assert len({target.identity(), *(other.identity() for other in others)}) == 5
    assert PASSWORD not in target.identity()
    assert "ann" not in target.identity()
    assert target.identity() == replace(target, label="other name").identity()


def test_is_frozen_and_travels_between_threads() -> None:
    target = target_from_url("postgresql://ann@h/d")
    assert pickle.loads(pickle.dumps(target)) == target
    with pytest.raises(AttributeError):
        target.label = "x"  # type: ignore[misc]
