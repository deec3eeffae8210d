"""Trainings that are killed, stopped, or started twice, and a sweep that loses a worker."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.reliability.fault import Row, rldoctor
from benchmarks.reliability.training.attempts import (
    DEADLINE,
    LONGEST,
    SETTINGS,
    TRAINED_AGAIN,
    child,
    ends_the_same,
    fresh,
    go,
    is_whole,
    recipe,
    uninterrupted,
)
from rldoctor import run_directory
from rldoctor.errors import UsageError
from rldoctor.training.train import resume, train


def struck(place: Path, often: int, strikes: tuple[int, ...]) -> tuple[int, int]:
    """Strike trainings with signals at random moments, so often, until each is at its end; return strikes and runs."""
    whole, seconds = uninterrupted(place)
    draw = random.Random(5)
    count = runs = 0
    while count < often:
        directory = fresh(place, f"run-{runs}")
        runs += 1
        while True:
            process = child(directory)
            process.join(draw.uniform(0.05, min(seconds, LONGEST)) if count < often else DEADLINE)
            if process.exitcode is not None:
                assert process.exitcode == 0
                record = directory / run_directory.RUN_FILE
                if record.exists() and json.loads(record.read_bytes())["status"] == "finished":
                    break
                continue
            os.kill(process.pid, draw.choice(strikes))
            count += 1
            process.join(DEADLINE)
            assert process.exitcode is not None, "it ends"
            is_whole(directory)
        ends_the_same(directory, whole)
        shutil.rmtree(directory)
    return count, runs


_SAME = (
    "all files intact after each; resumed, {} runs end with the curves and weights of an uninterrupted run, bit for bit"
)


def killed(place: Path, often: int) -> Row:
    count, runs = struck(place, often, (signal.SIGKILL,))
    return Row(count, _SAME.format(runs), TRAINED_AGAIN)


def stopped(place: Path, often: int) -> Row:
    count, runs = struck(place, often, (signal.SIGTERM, signal.SIGINT))
    return Row(count, _SAME.format(runs), "the rollout in progress; it is collected again")


def locked(place: Path, often: int) -> Row:
    whole, _ = uninterrupted(place)
    for i in range(often):
        directory = fresh(place, f"run-{i}")
        process = child(directory)
        end = time.monotonic() + DEADLINE
        while not run_directory.checkpoints(directory):
            assert time.monotonic() < end
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGSTOP)  # it is at work however long this takes
        for work in (lambda d=directory: resume(d), lambda d=directory: train(recipe(), d, 0)):
            try:
                work()
                raise AssertionError("two processes train into one directory")
            except UsageError as error:
                assert "Another process is training into" in error.problem
        os.kill(process.pid, signal.SIGKILL)
        process.join(DEADLINE)
        assert (directory / run_directory.LOCK_FILE).exists()
        go(directory)
        ends_the_same(directory, whole)
    return Row(2 * often, "the second process is refused (exit code 2); once the first is killed, the lock is free")


def worker_dies(place: Path, often: int) -> Row:
    import psutil

    for i in range(often):
        out = place / str(i)
        words = [
            "sweep",
            "--reference",
            "quick",
            "--seeds",
            "0-1",
            "--jobs",
            "2",
            "--set",
            ",".join(SETTINGS[:4]),
            "--set",
            "total_steps=6400",
            "--runs",
            str(out),
        ]
        with subprocess.Popen(
            [sys.executable, "-m", "rldoctor", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as sweep:
            end = time.monotonic() + DEADLINE
            while not (begun := list(out.rglob("step-*.zip"))):
                assert time.monotonic() < end
                assert sweep.poll() is None
                time.sleep(0.02)
            run = begun[0].parents[1]
            for process in psutil.Process(sweep.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if any(Path(file.path).is_relative_to(run) for file in process.open_files()):
                        process.kill()
            said, _ = sweep.communicate(timeout=DEADLINE)
        assert "Traceback" not in said, said
        done = rldoctor(*words)
        assert done.code in (0, 1), done.err
        records = [json.loads(path.read_bytes()) for path in out.rglob("run.json")]
        assert [(r["status"], r["steps"]) for r in records] == [("finished", 6400)] * 2
    return Row(often, "the sweep continues without it or restarts it; the same command finishes both trials")
