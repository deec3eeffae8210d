"""Runs whose files are torn, damaged, empty, unreadable or of another kind: told in a finding, and never a crash."""

from __future__ import annotations

import json
import os

import pytest

from rldoctor.logs import discover, read_run
from rldoctor.model import Severity
from tests.logs.found import codes, only


def cut(path, count=5):
    path.write_bytes(path.read_bytes()[:-count])


@pytest.mark.parametrize(
    ("status", "severity"), [("finished", Severity.WARNING), ("running", Severity.NOTE), (None, Severity.WARNING)]
)
def test_a_torn_end(tmp_path, make, status, severity):
    path = make.curve(tmp_path, range(5))
    cut(path)
    if status:
        (tmp_path / "run.json").write_text(json.dumps({"status": status}))
    run = read_run(tmp_path)
    finding = only(run, "LOG101")
    assert finding.severity is severity
    assert 0 < finding.evidence["byte"] < path.stat().st_size
    assert len(run.curves["approx_kl"]) == 4


def test_a_torn_end_that_a_later_file_goes_on_from_is_a_note(tmp_path, make):
    cut(make.curve(tmp_path, range(5), begun=1000))
    make.curve(tmp_path, range(5, 9), begun=2000)
    assert only(read_run(tmp_path), "LOG101").severity is Severity.NOTE


def test_damage_is_told_with_its_byte(tmp_path, make):
    for begun in (1000, 2000):
        path = make.curve(tmp_path, range(begun, begun + 9), begun=begun)
        content = bytearray(path.read_bytes())
        content[200] ^= 1
        content[500] ^= 1
        path.write_bytes(content)
    run = read_run(tmp_path)
    assert codes(run) == ["LOG102", "LOG212"]
    finding = run.findings[0]
    assert finding.severity is Severity.WARNING
    assert finding.evidence["count"] == 4
    assert finding.message.endswith("What is whole was read. 1 more of the files is like that.")
    assert finding.evidence["byte"] <= 200
    assert len(finding.evidence["files"]) == 2
    assert len(run.curves["approx_kl"]) == 14


def test_a_file_that_only_has_the_name_of_an_event_file(tmp_path):
    (tmp_path / "events.out.tfevents.1.host").write_text("step,reward\n1,2\n")
    finding = only(read_run(tmp_path), "LOG102")
    assert "16 bytes could not be read (byte 0). It does not look like a TensorBoard event file." in finding.message


def test_empty_files_and_unreadable_ones(tmp_path, make):
    make.curve(tmp_path, range(5))
    (tmp_path / "events.out.tfevents.1").touch()
    make.file(tmp_path / "events.out.tfevents.2", [])
    (tmp_path / "events.out.tfevents.3").symlink_to(tmp_path / "events.out.tfevents.3")
    run = read_run(tmp_path)
    assert [(f.code, f.severity) for f in run.findings] == [
        ("LOG103", Severity.NOTE),
        ("LOG104", Severity.WARNING),
    ]
    assert len(run.curves["approx_kl"]) == 5


def test_no_directory_at_all_is_a_finding(tmp_path):
    run = read_run(tmp_path / "none")
    assert only(run, "LOG104").message == "none cannot be listed: no such file or directory."


@pytest.mark.parametrize(
    "content",
    [b"{", b"[1]", b"\xff", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"],
    ids=["half", "list", "bytes", "deep", "digits"],
)
def test_a_run_record_that_is_none(tmp_path, make, content):
    make.curve(tmp_path, range(5))
    (tmp_path / "run.json").write_bytes(content)
    run = read_run(tmp_path)
    assert run.record == {}
    assert only(run, "LOG302").severity is Severity.WARNING


def test_a_run_record_too_large_or_no_file_is_not_read(tmp_path, make):
    make.curve(tmp_path, range(5))
    record = tmp_path / "run.json"
    with record.open("wb") as file:
        file.truncate(65 * 2**20)
    assert codes(read_run(tmp_path)) == ["LOG302"]
    record.unlink()
    os.mkfifo(record)
    assert codes(read_run(tmp_path)) == ["LOG302"]


def test_hostile_directory_and_file_names(tmp_path, make):
    directory = tmp_path / "a\n\x1b[31m[red]"
    make.curve(directory, range(5))
    cut(next(directory.iterdir()))
    os.rename(  # noqa: PTH104  # bytes that are no UTF-8
        next(directory.iterdir()), os.fsencode(directory) + b"/tfevents\xff\n"
    )
    (found,) = discover([tmp_path])
    run = read_run(found)
    assert len(run.curves["approx_kl"]) == 4
    assert codes(run) == ["LOG101"]
