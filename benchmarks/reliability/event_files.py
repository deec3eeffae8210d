"""Event files that are truncated, damaged, growing, huge, odd, shared, or not event files at all."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import struct
import threading
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from google_crc32c import value as crc32c
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from benchmarks.reliability.fault import HEALTHY, Fault, Row, here, in_every_format, not_root, subjects
from rldoctor.logs import read_run
from rldoctor.logs.formats.checksums import masked
from rldoctor.logs.formats.log_file import LogFile
from rldoctor.logs.formats.tfevents import read_event_file
from rldoctor.logs.formats.tfrecord import MAX_RECORD
from rldoctor.model import Run
from tests.logs.conftest import Make

TITLE = "Event files"
NAME = "events.out.tfevents.1700000000.host.1.0"
# Records of a recorded file that are enough to be cut and damaged in every place.
FEW = 120


@cache
def recorded(most: int = FEW) -> tuple[bytes, tuple[int, ...], tuple[int, ...]]:
    """Return the first records of a recorded event file, where each ends, and how many points there are until then.

    Parsed here and by TensorBoard's own classes, not by the code under test.
    """
    [path] = HEALTHY.glob("events.out.tfevents.*")
    content = path.read_bytes()
    ends, points, at = [0], [0], 0
    while at < len(content) and len(ends) <= most:
        (length,) = struct.unpack_from("<Q", content, at)
        event = Event.FromString(content[at + 12 : at + 12 + length])
        at += length + 16
        ends.append(at)
        points.append(points[-1] + len(event.summary.value))
    return content[:at], tuple(ends), tuple(points)


def written(place: Path, content: bytes, name: str = NAME) -> Path:
    """Return a run directory that holds ``content`` alone."""
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(content)
    return place


def read(place: Path) -> LogFile:
    return read_event_file(place / NAME, lambda tag: True)


def said(run: Run, code: str) -> int:
    """Return the byte that the finding ``code`` names."""
    [finding] = [finding for finding in run.findings if finding.code == code]
    byte = finding.evidence["byte"]
    assert isinstance(byte, int)
    assert f"(byte {byte})" in finding.message
    return byte


def cut(place: Path, often: int) -> Row:
    content, ends, points = recorded()
    whole = read(written(place, content))
    assert len(whole.values) == points[-1] == len(whole.steps)
    cuts = np.unique(np.linspace(0, len(content), often).round().astype(int)).tolist()
    for at in cuts:
        written(place, content[:at])
        before = max(i for i, end in enumerate(ends) if end <= at)
        file = read(place)
        assert np.array_equal(file.values, whole.values[: points[before]], equal_nan=True), at
        assert np.array_equal(file.steps, whole.steps[: points[before]]), at
        run = read_run(place)
        if at not in ends:
            assert said(run, "LOG101") == ends[before], at
    return Row(len(cuts), "every whole record before the cut is read; LOG101 gives the byte", "the incomplete record")


def flipped(place: Path, often: int) -> Row:
    content, ends, points = recorded()
    truth = read(written(place, content))
    known = set(zip(truth.tag_ids.tolist(), truth.steps.tolist(), truth.values.tolist(), strict=True))
    draw = random.Random(9)
    most = max(after - before for before, after in pairwise(points))
    for _ in range(often):
        damaged = bytearray(content)
        at = draw.randrange(len(content))
        damaged[at] ^= 1 << draw.randrange(8)
        file = read(written(place, bytes(damaged)))
        tags = {tag: truth.tags.index(tag) for tag in file.tags}
        ids = [tags[file.tags[i]] for i in file.tag_ids]
        kept = set(zip(ids, file.steps.tolist(), file.values.tolist(), strict=True))
        assert kept <= known, at
        assert len(truth.values) - len(file.values) <= most, at
        record = max(end for end in ends if end <= at)
        issue = file.issues.first[0]
        assert (sum(file.issues.counts.values()), issue.offset) == (1, record), at
        assert said(read_run(place), "LOG101" if issue.kind == "truncated" else "LOG102") == record
    return Row(often, "never a wrong value; LOG102 (or LOG101 at the end) gives the byte", "that one record")


def _head(length: int) -> bytes:
    packed = struct.pack("<Q", length)
    return packed + struct.pack("<I", masked(crc32c(packed)))


def _oddities(record: bytes) -> Iterator[tuple[bytes, str | None]]:
    """Yield bytes to put between two records, and the code of the expected finding; ``None`` where nothing is wrong."""
    yield record[:-4] + bytes(4), "LOG102"  # wrong checksum of the data
    yield record[:8] + bytes(4) + record[12:], "LOG102"  # wrong checksum of the length
    yield Make.record(b""), None  # a record of no bytes is an event of nothing
    yield Make.record(b"\xff" * 50), "LOG102"  # whole, but no event
    yield bytes(12), "LOG102"  # zeros, as file systems leave them
    yield bytes(100_000), "LOG102"
    yield b"\n" * 3, "LOG102"
    yield _head(MAX_RECORD + 1) + bytes(MAX_RECORD + 5), "LOG105"
    yield _head(2**40), "LOG102"  # longer than the file
    yield _head(2**64 - 1), "LOG102"
    yield record[: len(record) // 2], "LOG102"  # two writers, or a lost block


def odd_records(place: Path, often: int) -> Row:
    content, ends, _ = recorded()
    whole = len(read(written(place, content)).values)
    tried = 0
    for middle in np.linspace(2, len(ends) - 3, often).round().astype(int).tolist():
        record = content[ends[middle] : ends[middle + 1]]
        for between, code in _oddities(record):
            tried += 1
            at = ends[middle]
            file = read(written(place, content[:at] + between + content[at:]))
            assert len(file.values) == whole, (between[:20], len(file.values))
            run = read_run(place)
            found = [finding.code for finding in run.findings]
            assert found == ([code] if code else []), (between[:20], found)
            if code:
                assert said(run, code) == at
    return Row(tried, "skipped and reported with its byte; all records around it are read")


def still_being_written(place: Path, often: int) -> Row:
    content, _, points = recorded(10**9)
    reads = 0
    for seed in range(often):
        draw = random.Random(seed)
        directory = written(place / str(seed), b"")
        ended = threading.Event()

        def append(draw: random.Random = draw, path: Path = directory / NAME, ended: threading.Event = ended) -> None:
            at = 0
            with path.open("ab", buffering=0) as file:
                while at < len(content):
                    step = draw.choice((1, 7, 13, 300, 5_000))
                    file.write(content[at : at + step])
                    at += step
            ended.set()

        writer = threading.Thread(target=append)
        writer.start()
        seen = 0
        while not ended.is_set():
            file = read(directory)
            reads += 1
            assert len(file.values) >= seen, "what was read once is read again"
            assert set(file.issues.counts) <= {"truncated", "empty"}
            seen = len(file.values)
        writer.join()
        reads += 1
        assert len(read(directory).values) == points[-1]
    return Row(reads, "all whole records so far, more each time; complete at the end")


def huge_records(place: Path, often: int) -> Row:
    from benchmarks.reliability.fault import rldoctor

    content, _, _ = recorded(10**9)
    peak = 0.0
    for i in range(often):
        directory = written(place / str(i), b"")
        with (directory / NAME).open("wb") as file:
            size = 2 ** (31 - i)
            file.write(content + _head(size))
            file.seek(size + 4, os.SEEK_CUR)  # a hole: nothing is on the disk
            file.write(content)
        done = rldoctor("diagnose", directory, "--format", "json")
        [subject] = subjects(done.out)
        assert "LOG105" in [finding["code"] for finding in subject["findings"]]
        peak = max(peak, done.mebibytes)
        shutil.rmtree(directory)
    assert peak < 300, peak
    return Row(
        often,
        f"records of up to 2 GiB are skipped unread; {peak:.0f} MiB of memory",
        "the contents of the record",
    )


def many_tags(place: Path, often: int) -> Row:
    directory = written(place, b"")
    with (directory / NAME).open("wb") as file:
        file.write(Make.content([Make.scalars(1, {"train/approx_kl": 0.01})]))
        for begin in range(0, often, 10_000):
            tags = range(begin, min(begin + 10_000, often))
            # Every other one means something: whatever is under doctor/ is a metric.
            file.write(Make.content([Make.scalars(2, {f"doctor/t{i}" if i % 2 else f"my/t{i}": 1.0 for i in tags})]))
        file.write(Make.content([Make.scalars(3, {"train/approx_kl": 0.02})]))
    run = read_run(directory)
    assert run.curves["approx_kl"].values.tolist() == np.float32([0.01, 0.02]).tolist()
    told = "LOG106" in [finding.code for finding in run.findings]
    assert told == (often > 100_000)
    assert len(run.unknown_tags) <= 10_000
    lost = "tags after the first 100,000" if told else "nothing"
    return Row(
        often, "known curves are complete; LOG106 says that further tags were not read" if told else "all read", lost
    )


def odd_values(place: Path, often: int) -> Row:
    steps = [
        [-(2**63), -5, 0, 7],
        [0, 2**62, 2**63 - 2, 2**63 - 1],
        [3, 2, 1, 0],
        [5] * 4,
        [2**31, 2**32, 2**33, 2**53 + 1],
    ]
    values = [float("nan"), float("inf"), -float("inf"), -0.0, 3.4e38, 1e-45]
    times = [0.0, -1.0, float("nan"), float("inf"), 1.7e9]
    tags = ("rollout/ep_rew_mean", "train/approx_kl", "train/value_loss", "rollout/success_rate", "train/entropy_loss")
    draw = random.Random(4)
    for i in range(often):
        events = []
        for tag in tags:
            for step in draw.choice(steps) * draw.randint(1, 12):
                events.append(Make.scalars(step, {tag: draw.choice(values)}, draw.choice(times)))
        if i % 2:
            events.sort(key=lambda event: event.step)
        directory = place / str(i)
        Make.file(directory / NAME, events)
        assert len(read(directory).values) == len(events)
        # Some combinations are readable runs; of none may it be said that all is well.
        assert in_every_format(directory) in (0, 1, 3)
        [subject] = subjects(here("diagnose", directory, "--format", "json")[1])
        assert subject["verdict"] != "healthy"
    return Row(often, "all points are read, reports in all formats; never called healthy")


def several_writers(place: Path, often: int) -> Row:
    for i in range(often):
        directory = place / str(i)
        writers = [EventFileWriter(str(directory)) for _ in range(3)]
        for step in range(1, 60):
            for number, writer in enumerate(writers):
                writer.add_event(Make.scalars(step * 1000, {"rollout/ep_rew_mean": float(number + i)}))
        for writer in writers:
            writer.close()
        run = read_run(directory)
        assert [finding.code for finding in run.findings] == ["LOG201"], run.findings
        assert set(run.curves["episode_return"].values.tolist()) == {2.0 + i}, "one run's points, never a mixture"
        [subject] = subjects(here("diagnose", directory, "--format", "json")[1])
        assert subject["verdict"] != "healthy"
    return Row(
        often, "LOG201; the points of one run, never a mixture", "the points of the other runs, which is reported"
    )


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
    from benchmarks.reliability.fault import rldoctor

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
    from benchmarks.reliability.fault import missing

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


FAULTS = (
    Fault("truncated at any byte", cut, often=2_500, briefly=60),
    Fault("one bit flipped", flipped, often=10_000, briefly=150),
    Fault(
        "wrong checksum, empty record, zeros, lengths of up to 2^64 between records", odd_records, often=20, briefly=1
    ),
    Fault("read while it is written", still_being_written, often=40, briefly=1),
    Fault("records of megabytes or gigabytes", huge_records, often=9),
    Fault("a million tags", many_tags, often=1_000_000, briefly=2_000),
    Fault(
        "NaN, infinities, steps that go backwards, are negative or need 64 bits, no wall time",
        odd_values,
        often=40,
        briefly=1,
    ),
    Fault("three simultaneous writers in one directory", several_writers, often=20, briefly=1),
    Fault("gzip, text, noise, zeros or HTML under the name of an event file", no_event_files, often=20, briefly=1),
    Fault("pipes, sockets, directories, loops of links, dangling links", not_to_be_opened, often=20, briefly=1),
    Fault("permission denied", permission_denied, often=3, why_not=_cannot_become_nobody),
    Fault("names with newlines, escape sequences, markup, commands", hostile_names, often=14, briefly=1),
)
