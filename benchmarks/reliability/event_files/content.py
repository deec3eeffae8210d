"""Whole records with odd content: growing files, a million tags, odd values, several writers."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import numpy as np
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from benchmarks.reliability.event_files.files import NAME, read, recorded, written
from benchmarks.reliability.fault import Row, here, in_every_format, subjects
from rldoctor.logs import read_run
from tests.logs.conftest import Make


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
