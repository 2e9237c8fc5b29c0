"""Files are written whole or not at all, and what was there before stays until then."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pgvista.errors import PermissionDenied
from pgvista.io.out_file import check_place, write_file


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ü; 'x'.md"
    for data in (b"first, longer", b"second"):
        check_place(path)
        write_file(path, data)
        assert path.read_bytes() == data
    assert os.listdir(tmp_path) == [path.name]


def test_to_look_leaves_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "run.trec"
    path.write_text("of yesterday")
    check_place(path)
    assert path.read_text() == "of yesterday"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no/such/folder.md", "No such file or directory"),
        ("folder", "Is a directory"),
        (".", "Is a directory"),
        ("file/below.md", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_place_that_takes_no_file_is_told(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for refused in (check_place, lambda path: write_file(path, b"data")):
        with pytest.raises(PermissionDenied, match=f"cannot be written: {said}"):
            refused(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_link_leads_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    link = tmp_path / "link"
    link.symlink_to("target")
    write_file(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_place(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_file(pipe, b"data")
    reader.join(10)
    assert read == [b"data"]
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_full_disk_leaves_the_file_of_before(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_text("of yesterday")
    unfinished = tmp_path / ".report.md.unfinished"
    unfinished.symlink_to("/dev/full")
    with pytest.raises(PermissionDenied, match="No space left on device"):
        write_file(path, b"data")
    assert path.read_text() == "of yesterday"
    assert os.listdir(tmp_path) == [path.name]
