"""Saved connections: nothing secret in them, nothing lost from them."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from pgvista.config import Secret
from pgvista.db.profiles import FILE_NAME, Profiles, profile_from_target, target_from_profile
from pgvista.db.target import target_from_url
from pgvista.errors import Conflict, InvalidInput, NotFound, OutOfSpace
from pgvista.model.server import Profile

PASSWORD = "s3cr3t-Pa55"


@pytest.fixture
def profiles(tmp_path: Path) -> Profiles:
    return Profiles(tmp_path / "data")


def everything(profiles: Profiles) -> str:
    """Return the text of every file in the folder."""
    return "".join(
        file.read_text() for file in sorted(profiles.path.parent.iterdir()) if file.is_file()
    )


def test_save_list_and_use(profiles: Profiles) -> None:
    assert profiles.list() == []
    target = target_from_url(f"postgresql://ann:{PASSWORD}@h:5433/docs", read_only=True)
    profiles.save(profile_from_target(" staging ", target))
    profiles.save(Profile("Local", "host=localhost"))
    found = Profiles(profiles.path.parent)
    assert [profile.name for profile in found.list()] == ["Local", "staging"]
    again = target_from_profile(found.get("staging"), password=Secret(PASSWORD))
    assert again.identity() == target.identity()
    assert again.read_only
    assert target_from_profile(found.get("Local")).label == "localhost"


@pytest.mark.parametrize(
    "conninfo",
    [
        f"postgresql://ann:{PASSWORD}@h/d",
        f"postgresql://h/d?user=ann&password={PASSWORD}",
        f"host=h password={PASSWORD} sslpassword='{PASSWORD}'",
        f"host=h oauth_client_secret={PASSWORD} scram_client_key={PASSWORD}",
    ],
)
def test_no_password_reaches_the_file(profiles: Profiles, conninfo: str) -> None:
    saved = profiles.save(Profile("p", conninfo))
    assert PASSWORD not in saved.conninfo
    profiles.rename("p", "q")
    profiles.save(Profile("q", conninfo), replace=True)
    assert PASSWORD not in everything(profiles)
    assert "host=h" in everything(profiles)


def test_a_password_written_into_the_file_by_hand_goes_with_the_next_change(
    profiles: Profiles,
) -> None:
    profiles.save(Profile("p", "host=h"))
    text = profiles.path.read_text().replace("host=h", f"host=h password={PASSWORD}")
    profiles.path.write_text(text)
    assert PASSWORD not in profiles.get("p").conninfo
    profiles.save(Profile("q", "host=h"))
    assert PASSWORD not in everything(profiles)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_file_is_for_its_user_alone(profiles: Profiles) -> None:
    old = os.umask(0)
    try:
        profiles.save(Profile("p", "host=h"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(profiles.path.stat().st_mode) == 0o600


def test_rename_and_delete(profiles: Profiles) -> None:
    profiles.save(Profile("a", "host=a", read_only=True))
    profiles.save(Profile("b", "host=b"))
    with pytest.raises(Conflict):
        profiles.rename("a", "b")
    assert profiles.rename("a", "c") == Profile("c", "host=a", read_only=True)
    assert profiles.rename("c", "c").name == "c"
    profiles.delete("b")
    assert profiles.list() == [Profile("c", "host=a", read_only=True)]
    for call in (lambda: profiles.delete("b"), lambda: profiles.rename("b", "x")):
        with pytest.raises(NotFound):
            call()
    with pytest.raises(NotFound):
        profiles.get("b")


def test_a_taken_name_is_replaced_only_on_request(profiles: Profiles) -> None:
    profiles.save(Profile("a", "host=a"))
    with pytest.raises(Conflict):
        profiles.save(Profile("a", "host=b"))
    profiles.save(Profile("a", "host=b"), replace=True)
    assert profiles.get("a").conninfo == "host=b"


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\0", "x" * 101])
def test_names_that_will_not_do(profiles: Profiles, name: str) -> None:
    with pytest.raises(InvalidInput):
        profiles.save(Profile(name, "host=h"))
    assert not profiles.path.exists()


def test_a_text_that_will_not_do(profiles: Profiles) -> None:
    with pytest.raises(InvalidInput) as caught:
        profiles.save(Profile("a", f"mysql://ann:{PASSWORD}@h/d"))
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[]", b"null", b'{"connections": {}}', b"[" * 100_000],
)
def test_a_broken_file_is_told_and_kept(profiles: Profiles, content: bytes) -> None:
    profiles.path.parent.mkdir()
    profiles.path.write_bytes(content)
    assert profiles.list() == []
    assert "damaged" in profiles.notice
    profiles.list()
    backups = list(profiles.path.parent.glob(f"{FILE_NAME}.broken-*"))
    assert [backup.read_bytes() for backup in backups] == [content]
    assert backups[0].name in profiles.notice
    profiles.save(Profile("a", "host=a"))
    assert [profile.name for profile in profiles.list()] == ["a"]
    assert profiles.notice == ""
    assert backups[0].read_bytes() == content


def test_what_can_be_read_of_a_damaged_file_is_listed(profiles: Profiles) -> None:
    profiles.path.parent.mkdir()
    entries = [
        {"name": "good", "conninfo": "host=h", "read_only": True},
        {"name": "good", "conninfo": "host=twice"},
        {"name": "bad"},
        {"name": "worse", "conninfo": "host='"},
        {"name": "worst", "conninfo": "host=h", "read_only": "yes"},
        7,
    ]
    profiles.path.write_text(json.dumps({"connections": entries}))
    assert profiles.list() == [Profile("good", "host=h", read_only=True)]
    assert "5 of 6" in profiles.notice


def test_a_failed_write_leaves_the_old_file(
    profiles: Profiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    profiles.save(Profile("a", "host=a"))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutOfSpace):
        profiles.save(Profile("b", "host=b"))
    monkeypatch.undo()
    assert profiles.list() == [Profile("a", "host=a")]
    assert not list(profiles.path.parent.glob(".*.json.*"))


def test_two_writers_lose_nothing(profiles: Profiles) -> None:
    def save(first: int) -> None:
        own = Profiles(profiles.path.parent)
        for number in range(first, first + 20):
            own.save(Profile(f"p{number}", "host=h"))

    threads = [threading.Thread(target=save, args=(first,)) for first in (0, 20, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(profiles.list()) == 60
