"""Files that are no event files, cannot be opened, or have hostile names."""

from __future__ import annotations

import gzip
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.reliability.event_files.files import recorded, written
from benchmarks.reliability.fault import Row, here, missing, not_root, rldoctor, subjects
from rldoctor.logs import read_run
from tests.logs.conftest import Make


def no_event_files(place: Path, often: int) -> Row:
    content, _, _ = recorded()
    draw = random.Random(2)
    tried = 0
    kinds: dict[str, Callable[[], bytes]] = {
        "gzip": lambda: gzip.compress(content),
        "text": lambda: b"step,reward\n" + b"1,2\n" * draw.randint(1, 2_000),
        "noise": lambda: draw.randbytes(draw.randint(1, 20_000)),
        "zeros": lambda: bytes(draw.randint(1, 20_000)),
        "html": lambda: b"<html><script>alert(1)</script>" * draw.randint(1, 99),
        "zip": lambda: b"PK\x03\x04" + draw.randbytes(3_000),
    }
    for i in range(often):
        for kind, make in kinds.items():
            tried += 1
            directory = written(place / f"{kind}-{i}", make())
            code, text = here("diagnose", directory, "--format", "json")
            [subject] = subjects(text)
            assert (code, subject["verdict"]) == (3, "unjudged"), kind
            assert {finding["code"] for finding in subject["findings"]} & {"LOG101", "LOG102"}, kind
    return Row(tried, "unjudged, exit code 3, LOG102 (or LOG101 if there are only a few bytes)")


def not_to_be_opened(place: Path, often: int) -> Row:
    """Put pipes, loops of links, directories and dangling links next to a whole file."""
    content, _, points = recorded()
    tried = 0
    for i in range(often):
        for kind in ("pipe", "loop", "directory", "nowhere", "socket"):
            tried += 1
            directory = written(place / f"{i}-{kind}", content)
            other = directory / "events.out.tfevents.1800000000.other.1.0"
            if kind == "pipe":
                os.mkfifo(other)
            elif kind == "loop":
                other.symlink_to(other)
            elif kind == "directory":
                other.mkdir()
            elif kind == "nowhere":
                other.symlink_to(directory / "nothing")
            else:
                import socket

                with socket.socket(socket.AF_UNIX) as opened:
                    os.chdir(directory)  # a socket's path has a hundred characters at most
                    opened.bind(other.name)
                    os.chdir(place)
            run = read_run(directory)
            assert sum(len(curve) for curve in run.curves.values()) > 0.5 * points[-1]
            assert [f.code for f in run.findings if f.code == "LOG104"] == (["LOG104"] if kind != "directory" else [])
        folder = place / f"{i}-ring"
        written(folder / "run", content)
        (folder / "run" / "again").symlink_to(folder)
        assert len(subjects(here("diagnose", folder, "--format", "json")[1])) == 1
        tried += 1
    return Row(tried, "LOG104 names the file; the other files are read; loops of links are not followed")


def permission_denied(place: Path, often: int) -> Row:
    """Test as another user, because root may read everything."""
    content, _, _ = recorded(10**9)
    place.chmod(0o755)
    for i in range(often):
        closed = written(place / f"{i}", content)
        (closed / "events.out.tfevents.1800000000.other.1.0").write_bytes(content)
        (closed / "events.out.tfevents.1800000000.other.1.0").chmod(0)
        (closed / "run.json").write_text("{}")
        (closed / "run.json").chmod(0)
        done = rldoctor("diagnose", closed, "--format", "json", prefix=_NOBODY)
        codes = [finding["code"] for finding in subjects(done.out)[0]["findings"]]
        assert {"LOG104", "LOG302"} <= set(codes), codes
        closed.chmod(0)
        done = rldoctor("diagnose", place, "--format", "json", prefix=_NOBODY)
        assert done.code == 3, done
        assert "LOG104" in done.out
        assert rldoctor("gate", closed, prefix=_NOBODY).code == 2
        closed.chmod(0o755)
        shutil.rmtree(closed)
    return Row(3 * often, "LOG104 and LOG302, unjudged (exit code 3), or a one-sentence error (2)")


_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def _cannot_become_nobody() -> str:
    return not_root() or missing("setpriv") or ("" if os.access(__file__, os.R_OK) else "the source is hidden")


def hostile_names(place: Path, often: int) -> Row:
    names = (
        "two\nlines",
        "\x1b[2J\x1b]0;title\x07",
        "[red]x [bold link=x]y",
        "=cmd|' -C calc'!A0",
        "<img src=x onerror=alert(1)>",
        "::error::x",
        "##[error]x",
        "\u202egnp.exe",
        "a b é 漢字",
        "%0A::warning::x",
        "-rf",
        "'\"`$(id)",
        "\udcff",
        "x" * 200,
    )
    content, _, _ = recorded(10**9)
    tried = 0
    for name in names[:often]:
        directory = written(place / "runs" / name, content)
        tag = name.encode("utf-8", "replace").decode()  # a file's name need not be UTF-8, a tag must be
        (directory / f"events.out.tfevents.1700000001.{name}.1").write_bytes(
            Make.content([Make.scalars(2**40, {tag: 1.0})])
        )
        for command in (("diagnose",), ("gate",)):
            for form in ("text", "json", "html", "junit", "sarif", "github", "md", "csv"):
                tried += 1
                _, text = here(*command, place / "runs", "--format", form)
                assert "\x1b" not in text, (name, form)
                lines = [line.lstrip() for line in text.splitlines()]
                if form == "text":
                    assert not [line for line in lines if line.startswith(("::", "##["))], (name, form)
                elif form == "github":
                    assert all(" title=" in line for line in lines if line.startswith("::")), (name, form)
        shutil.rmtree(directory)
    return Row(tried, "shown as a name in every format, never as a control character, a command or markup")
