from __future__ import annotations

import os
from pathlib import Path

import pytest

from rldoctor.errors import UsageError
from rldoctor.logs import discover


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_every_directory_with_event_files_once_and_sorted(tmp_path):
    touch(tmp_path / "b" / "events.out.tfevents.1.host")
    touch(tmp_path / "b" / "events.out.tfevents.2.host")
    touch(tmp_path / "a" / "deep" / "x.tfevents")
    touch(tmp_path / "events.out.tfevents.1.host")
    touch(tmp_path / "none" / "notes.txt")
    touch(tmp_path / "profile" / "events.out.tfevents.1.host.profile-empty")
    expected = [tmp_path, tmp_path / "a" / "deep", tmp_path / "b"]
    assert discover([tmp_path]) == expected
    assert discover([tmp_path / "b", tmp_path, tmp_path / "a" / ".." / "b"]) != []
    assert len(discover([tmp_path / "b", tmp_path, tmp_path])) == 3


def test_nothing_found(tmp_path):
    assert discover([tmp_path]) == []
    assert discover([]) == []


def test_an_event_file_stands_for_its_directory(tmp_path):
    assert discover([touch(tmp_path / "run" / "events.out.tfevents.1.host")]) == [tmp_path / "run"]


def test_symbolic_links_are_followed_where_given_only(tmp_path):
    touch(tmp_path / "real" / "run" / "tfevents")
    (tmp_path / "real" / "run" / "loop").symlink_to(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert discover([tmp_path / "real"]) == [tmp_path / "real" / "run"]
    assert discover([tmp_path / "link"]) == [tmp_path / "link" / "run"]
    assert len(discover([tmp_path])) == 1


def test_what_is_no_place_to_search(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    binary = touch(tmp_path / "notes.pdf")
    binary.write_bytes(b"%PDF\0")
    for path, words in (
        (tmp_path / "none", "There is no file or directory"),
        (binary, "is a file, not a directory"),
        (loop, "There is no file or directory"),
        (Path("a\0b"), "There is no file or directory"),
    ):
        with pytest.raises(UsageError, match=words):
            discover([path])


def test_a_given_directory_that_may_not_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match="permission denied"):
        discover([tmp_path])


def test_a_directory_below_that_may_not_be_read_is_reported_later(tmp_path, monkeypatch):
    locked = tmp_path / "locked"
    locked.mkdir()
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: denied(path) if Path(path) == locked else scandir(path))
    assert discover([tmp_path]) == [locked]


def denied(path: object) -> None:
    raise PermissionError(13, "Permission denied", str(path))
