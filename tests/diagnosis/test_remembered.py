"""Diagnoses that are kept: the same as new ones, for as long as nothing that they were made from has changed."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from rldoctor.diagnosis import many
from rldoctor.diagnosis.many import diagnose
from rldoctor.diagnosis.remembered import fingerprint
from rldoctor.diagnosis.remembered.store import NAME
from rldoctor.errors import UsageError

RECORDED = Path(__file__).parents[1] / "runs/healthy/fetch_reach_dense/quick/as-recorded-20"


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("RLDOCTOR_CACHE", str(tmp_path / "cache"))
    # Files that were just written are as good as old ones here.
    monkeypatch.setattr(fingerprint, "_SETTLED", -(10**12))
    for name in ("a", "b"):
        shutil.copytree(RECORDED, tmp_path / "runs" / name)
    return tmp_path / "runs"


@pytest.fixture
def read(monkeypatch):
    """The names of the runs that were read."""
    names = []
    reads = many.read_run
    monkeypatch.setattr(many, "read_run", lambda path, *more: names.append(path.name) or reads(path, *more))
    return names


def test_what_has_not_changed_is_not_read_again(runs, read):
    first = diagnose([runs], remember=True)
    assert read == ["a", "b"]
    assert diagnose([runs], remember=True) == first == diagnose([runs])
    assert read == ["a", "b"] * 2, "the last one was not to be remembered"
    assert not list(runs.rglob("*sqlite*")), "a run's folder is the user's"


def test_a_run_that_grew_is_read_again_and_only_that(runs, read):
    before = {item.path: item for item in diagnose([runs], remember=True)}
    log = next((runs / "b").rglob("*tfevents*"))
    with log.open("rb+") as file:
        file.truncate(log.stat().st_size // 2)
    read.clear()
    after = {item.path: item for item in diagnose([runs], remember=True)}
    assert read == ["b"]
    assert after[str(runs / "a")] == before[str(runs / "a")]
    assert after[str(runs / "b")].steps < before[str(runs / "b")].steps


@pytest.mark.parametrize("place", ["a/config.yaml", ".hydra/config.yaml"])
def test_settings_that_appear_in_or_beside_a_run_count(runs, read, place):
    diagnose([runs], remember=True)
    read.clear()
    (runs / place).parent.mkdir(exist_ok=True)
    (runs / place).write_text("learning_rate: 0.1\n")
    diagnose([runs], remember=True)
    assert "a" in read


def test_what_was_just_written_is_not_kept(runs, read, monkeypatch):
    monkeypatch.setattr(fingerprint, "_SETTLED", 10**15)
    diagnose([runs], remember=True)
    diagnose([runs], remember=True)
    assert read == ["a", "b"] * 2


def test_what_else_is_asked_is_another_diagnosis(runs, read):
    diagnose([runs], remember=True)
    diagnose([runs], reference="fetch_reach_dense/chapter", remember=True)
    diagnose([runs], ignore=["SPD"], remember=True)
    assert read == ["a", "b"] * 3
    # A report calls a run what the user calls it.
    relative = os.path.relpath(runs)
    assert {item.path for item in diagnose([relative], remember=True)} == {str(Path(relative, n)) for n in "ab"}


def test_a_damaged_or_foreign_cache_is_not_believed(runs, read, tmp_path):
    first = diagnose([runs], remember=True)
    file = tmp_path / "cache" / NAME
    file.write_bytes(b"none of ours" * 1000)
    assert diagnose([runs], remember=True) == first
    assert diagnose([runs], remember=True) == first
    assert read == ["a", "b"] * 2, "a new one was begun"
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE runs SET said = ?", (b"\x93no diagnosis",))
    connection.close()
    assert diagnose([runs], remember=True) == first
    assert read == ["a", "b"] * 3


def test_without_a_place_for_it_the_user_is_told(runs, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RLDOCTOR_CACHE", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="cannot be used"):
        diagnose([runs], remember=True)


def test_two_processes_at_once_use_one_cache(runs, tmp_path):
    command = [sys.executable, "-m", "rldoctor", "diagnose", str(runs), "--cache", "--format", "json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert said[0] == said[1]
    assert b"rldoctor_report" in said[0]
    with sqlite3.connect(tmp_path / "cache" / NAME) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
