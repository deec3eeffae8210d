"""Unusual load: many runs, long files, growing folders, narrow terminals, one core, no UTF-8."""

from __future__ import annotations

import os
import shutil
import threading
from itertools import pairwise
from pathlib import Path

from benchmarks.reliability import big_file
from benchmarks.reliability.event_files.files import NAME, recorded, written
from benchmarks.reliability.fault import FORMATS, HEALTHY, SICK, Fault, Row, here, missing, rldoctor, subjects
from rldoctor.logs import discover

TITLE = "Load"


def many_runs(place: Path, often: int) -> Row:
    content, _, _ = recorded()
    original = written(place / "original", content) / NAME
    for i in range(often):
        directory = place / "runs" / f"{i % 100}" / f"run-{i}"
        directory.mkdir(parents=True)
        os.link(original, directory / NAME)
    done = rldoctor("diagnose", place / "runs", "--format", "json", "-o", place / "report.json", limit=1500)
    assert done.code in (0, 1, 3)
    found = subjects((place / "report.json").read_text())
    assert len(found) == often
    assert len({subject["path"] for subject in found}) == often
    return Row(often, f"each gets its verdict; {done.seconds:.0f} s, {done.mebibytes:.0f} MiB in the largest process")


def two_gigabytes(place: Path, often: int) -> Row:
    """Repeat the records of a recorded file until the file has this many bytes."""
    content, ends, points = recorded(10**9)
    directory = written(place, b"")
    with (directory / NAME).open("wb") as file:
        times = -(-often // len(content))
        for begin, end in pairwise(ends):
            file.write(content[begin:end] * times)
    size = (directory / NAME).stat().st_size
    done = rldoctor("diagnose", directory, "--format", "json", limit=1500)
    [subject] = subjects(done.out)
    whole = rldoctor("diagnose", HEALTHY, "--format", "json")
    assert (subject["verdict"], subject["steps"]) == ("healthy", subjects(whole.out)[0]["steps"])
    assert done.mebibytes < 4 * size / 2**20
    return Row(
        1,
        f"{size / 2**30:.2f} GiB, {times * points[-1]:,} points: {done.seconds:.0f} s, {done.mebibytes:,.0f} MiB of memory",
    )


def long_curves(place: Path, often: int) -> Row:
    directory = written(place, b"")
    points = big_file.write(directory / NAME, often)
    done = rldoctor("diagnose", directory, "--format", "json")
    [subject] = subjects(done.out)
    assert len(subject["table"]) > 5
    assert done.mebibytes < 1_000, done.mebibytes
    return Row(
        1,
        f"{points // len(big_file.TAGS):,} points in each of {len(big_file.TAGS)} curves: {done.seconds:.0f} s, {done.mebibytes:.0f} MiB",
    )


def growing_folder(place: Path, often: int) -> Row:
    """Create and remove runs and folders while their parent is read."""
    content, _, _ = recorded()
    ended = threading.Event()

    def change() -> None:
        i = 0
        while not ended.is_set():
            written(place / "runs" / f"{i % 50}" / f"run-{i}", content)
            if i >= 50:
                shutil.rmtree(place / "runs" / f"{i % 50}" / f"run-{i - 50}", ignore_errors=True)
            i += 1

    written(place / "runs" / "first", content)
    thread = threading.Thread(target=change)
    thread.start()
    found = 0
    try:
        for _ in range(often):
            code, text = here("diagnose", place / "runs", "--format", "json")
            assert code in (0, 1, 3), text
            found += len(subjects(text))
            assert place / "runs" / "first" in discover([place / "runs"])
    finally:
        ended.set()
        thread.join()
    return Row(
        often,
        f"{found / often:.0f} runs each time; a run that disappears meanwhile is unjudged or left out",
        "runs that disappeared",
    )


def narrow(place: Path, often: int) -> Row:
    from rich.cells import cell_len

    tried = 0
    for width in (20, 1, 10, 33)[:often]:
        for words in (
            ("diagnose", SICK),
            ("diagnose", HEALTHY, SICK, "--verbose"),
            ("gate", HEALTHY),
            ("explain", "UPD101"),
            ("rules",),
            ("diagnose", "nowhere"),
        ):
            tried += 1
            done = rldoctor(*words, env={"COLUMNS": str(width), "TERM": "dumb"})
            assert done.code in (0, 1, 2, 3)
            if width >= 20 and words[0] in ("diagnose", "gate") and words[1] != "nowhere":
                wide = [line for line in done.out.splitlines() if cell_len(line.rstrip()) > width]
                assert not wide, (words, width, wide[:3])
                assert any(word in done.out for word in ("SICK", "HEALTHY", "UNJUDGED")), done.out
    return Row(tried, "from 20 columns on, no line is wider than the terminal, and the verdict is visible")


def one_core(place: Path, often: int) -> Row:
    content, _, _ = recorded()
    for i in range(250):
        written(place / "runs" / str(i), content)
    core = str(min(os.sched_getaffinity(0)))
    for _ in range(often):
        done = rldoctor("diagnose", place / "runs", "--format", "json", prefix=("taskset", "-c", core))
        assert len(subjects(done.out)) == 250
        words = (
            "train",
            "--reference",
            "quick",
            "--set",
            "n_envs=2,n_steps=64,batch_size=64,n_epochs=1,total_steps=256",
        )
        done = rldoctor(*words, "--runs", place / "out", prefix=("taskset", "-c", core))
        assert done.code == 0, done.err
    return Row(2 * often, "250 runs diagnosed, one training completed")


def no_utf8(place: Path, often: int) -> Row:
    content, _, _ = recorded(10**9)
    directory = written(place / "é 漢 run", content)
    tried = 0
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    settings = [
        plain,
        {**plain, "PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "cp1252"},
    ]
    for env in settings[:often]:
        for name in FORMATS:
            tried += 1
            done = rldoctor("diagnose", directory, "--format", name, env=env)
            assert done.code == 0, done.err
            done = rldoctor("diagnose", directory, "--format", name, "-o", place / "report", env=env)
            assert done.code == 0, done.err
            assert "漢" in (place / "report").read_text(encoding="utf-8") or name in ("json", "sarif", "github")
    return Row(
        2 * tried, "reports in all formats; characters that the terminal cannot show are escaped, files are UTF-8"
    )


def no_taskset() -> str:
    return missing("taskset")


FAULTS = (
    Fault("10,000 run directories", many_runs, often=10_000, briefly=120),
    Fault("an event file of 2 GB", two_gigabytes, often=2 * 10**9),
    Fault("curves of many points", long_curves, often=60_000_000),
    Fault("a folder that grows and shrinks while it is read", growing_folder, often=20, briefly=1),
    Fault("a terminal of 20 columns, and narrower", narrow, often=4),
    Fault("one core", one_core, often=1, why_not=no_taskset),
    Fault("a locale without UTF-8", no_utf8, often=4),
)
