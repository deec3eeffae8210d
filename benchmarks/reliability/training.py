"""Trainings that are killed, stopped, out of disk space or failing from within, and then resumed."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import gymnasium
import numpy as np
import torch

from benchmarks.reliability.fault import Fault, Row, missing, not_root, rldoctor
from rldoctor import run_directory
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.errors import RldoctorError, TrainingFailed, UsageError
from rldoctor.logs import read_run
from rldoctor.recipe import Recipe
from rldoctor.references import load_recipe
from rldoctor.training import algorithm
from rldoctor.training.train import resume, train

TITLE = "Training"
# 12 rollouts with a point each, and a checkpoint after every second one: some seconds.
SETTINGS = ("n_envs=2", "n_steps=64", "batch_size=64", "n_epochs=1", "total_steps=1536")
# A state that is waited for comes within so many seconds, or never.
_DEADLINE = 300
# Of a training that takes long because the machine is busy, no longer a part is waited for.
_LONGEST = 20


def recipe() -> Recipe:
    return load_recipe("quick").with_overrides(SETTINGS)


def go(directory: Path, wrap: Any = None) -> None:
    """Train into ``directory``, going on where an earlier attempt ended, as a sweep does."""
    if run_directory.checkpoints(directory) or (directory / run_directory.POLICY_FILE).is_file():
        resume(directory, threads=1, wrap=wrap)
        return
    for path in directory.iterdir():
        if path.is_dir():
            for inside in path.iterdir():  # the folder itself may be a volume
                inside.unlink()
        elif path.name != run_directory.LOCK_FILE:
            path.unlink()
    train(recipe(), directory, 0, threads=1, wrap=wrap)


def attempt(directory: Path, report: str = "") -> None:
    """Do :func:`go` in a process of its own; an error is written to the file ``report``."""
    sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115  # of those that are stopped before they can listen
    try:
        go(directory)
    except RldoctorError as error:
        if report:
            Path(report).write_text(f"{error.exit_code} {error}")


def child(directory: Path, report: str = "") -> Any:
    """Start :func:`attempt`, forked from a process that has loaded PyTorch and MuJoCo."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rldoctor.experiments.sweep.preload", __name__])
    process = context.Process(target=attempt, args=(directory, report))
    process.start()
    return process


def fresh(place: Path, name: str) -> Path:
    directory = place / name
    directory.mkdir(parents=True)
    return directory


def is_whole(directory: Path) -> None:
    """Assert that whatever stands under a name of its own is whole."""
    envs = make_training_envs(recipe())
    model = algorithm.build(recipe(), envs, 0)
    envs.close()
    if (directory / run_directory.RUN_FILE).exists():
        json.loads((directory / run_directory.RUN_FILE).read_bytes())
    saved = run_directory.checkpoints(directory)
    policy = directory / run_directory.POLICY_FILE
    for path in [*saved, *([policy] if policy.exists() else [])]:
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None, path
        algorithm.load_weights(model, path)
        assert algorithm.is_finite(model), path
    if saved:
        # Points until the newest checkpoint are in the event files.
        steps = int(saved[-1].stem.removeprefix("step-"))
        curve = read_run(directory).curves.get("episode_return")
        # A stop in the first rollout leaves a checkpoint of no steps, and no point.
        logged = set() if curve is None else set(curve.steps.tolist())
        missing_points = set(range(128, steps + 1, 128)) - logged
        assert not missing_points, (directory, missing_points)


def ends_the_same(directory: Path, whole: Path) -> None:
    """Assert that a run has the curves and weights of an uninterrupted one, to the last bit, but for the clock."""
    ours, theirs = read_run(directory), read_run(whole)
    assert ours.record["status"] == "finished"
    assert ours.record["steps"] == recipe().total_steps
    assert ours.curves.keys() == theirs.curves.keys()
    for name, curve in theirs.curves.items():
        assert np.array_equal(ours.curves[name].steps, curve.steps), name
        if name != "throughput":
            assert np.array_equal(ours.curves[name].values, curve.values, equal_nan=True), name
    envs = make_training_envs(recipe())
    models = [algorithm.build(recipe(), envs, seed) for seed in (1, 2)]
    envs.close()
    for model, run in zip(models, (directory, whole), strict=True):
        algorithm.load_weights(model, run / run_directory.POLICY_FILE)
    first, second = (model.policy.state_dict() for model in models)
    assert all(torch.equal(first[name], second[name]) for name in first)


def uninterrupted(place: Path) -> tuple[Path, float]:
    """Return a whole run, trained in a process of its own, and the seconds that it took."""
    directory = fresh(place, "whole")
    begun = time.perf_counter()
    process = child(directory)
    process.join(_DEADLINE)
    assert process.exitcode == 0
    begun = time.perf_counter()
    second = child(fresh(place, "again"))
    second.join(_DEADLINE)
    return directory, time.perf_counter() - begun


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
            process.join(draw.uniform(0.05, min(seconds, _LONGEST)) if count < often else _DEADLINE)
            if process.exitcode is not None:
                assert process.exitcode == 0
                record = directory / run_directory.RUN_FILE
                if record.exists() and json.loads(record.read_bytes())["status"] == "finished":
                    break
                continue
            os.kill(process.pid, draw.choice(strikes))
            count += 1
            process.join(_DEADLINE)
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
    return Row(count, _SAME.format(runs), "what came after the last checkpoint; it is trained again")


def stopped(place: Path, often: int) -> Row:
    count, runs = struck(place, often, (signal.SIGTERM, signal.SIGINT))
    return Row(count, _SAME.format(runs), "the rollout in progress; it is collected again")


def locked(place: Path, often: int) -> Row:
    whole, _ = uninterrupted(place)
    for i in range(often):
        directory = fresh(place, f"run-{i}")
        process = child(directory)
        end = time.monotonic() + _DEADLINE
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
        process.join(_DEADLINE)
        assert (directory / run_directory.LOCK_FILE).exists()
        go(directory)
        ends_the_same(directory, whole)
    return Row(2 * often, "the second process is refused (exit code 2); once the first is killed, the lock is free")


class BreaksOnce(gymnasium.Wrapper):  # type: ignore[type-arg]
    """Breaks in the middle of the training, in one of three ways."""

    how, left = "raise", 700

    def step(self, action: Any) -> Any:
        BreaksOnce.left -= 1
        observation, reward, terminated, truncated, info = self.env.step(action)
        if BreaksOnce.left == 0:
            if self.how == "raise":
                raise RuntimeError("the simulator is gone")
            if self.how == "reward":
                reward = math.nan
            else:
                observation = {key: np.full_like(value, np.nan) for key, value in observation.items()}
        return observation, reward, terminated, truncated, info


def broken_from_within(place: Path, often: int) -> Row:
    whole, _ = uninterrupted(place)
    draw = random.Random(1)
    for i in range(often):
        for how in ("raise", "reward", "observation"):
            directory = fresh(place, f"{how}-{i}")
            BreaksOnce.how, BreaksOnce.left = how, draw.randint(300, 1400)
            try:
                go(directory, BreaksOnce)
                raise AssertionError(f"{how} went unnoticed")
            except TrainingFailed as error:
                assert "broke off after" in error.problem
            record = json.loads((directory / run_directory.RUN_FILE).read_bytes())
            assert (record["status"], bool(record["error"])) == ("failed", True)
            assert not (directory / run_directory.POLICY_FILE).exists()
            is_whole(directory)
            go(directory)
            ends_the_same(directory, whole)
    return Row(
        3 * often,
        "exit code 4 with one sentence, no checkpoint with NaN weights; resumes as if nothing had happened",
        "what came after the last checkpoint; it is trained again",
    )


@contextlib.contextmanager
def no_space_at(write: int) -> Iterator[list[int]]:
    """Make the write number ``write`` fail as on a full disk, whether of a file that is put in place or of events."""
    from tensorboard.compat.tensorflow_stub.io import gfile

    left = [write]
    fsync, put = os.fsync, gfile.LocalFileSystem._write

    def full() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    def failing_fsync(descriptor: int) -> None:
        full()
        fsync(descriptor)

    def failing_put(*arguments: Any) -> Any:
        full()
        return put(*arguments)

    with mock.patch.object(os, "fsync", failing_fsync), mock.patch.object(gfile.LocalFileSystem, "_write", failing_put):
        yield left


def every_write_fails(place: Path, often: int) -> Row:
    whole, _ = uninterrupted(place)
    with no_space_at(10**9) as left:
        go(fresh(place, "counted"))
    writes = 10**9 - left[0]
    chosen = np.unique(np.linspace(1, writes, min(often, writes)).round().astype(int)).tolist()
    for write in chosen:
        directory = fresh(place, f"write-{write}")
        try:
            with no_space_at(write):
                go(directory)
            raise AssertionError(f"write {write} failed unnoticed")
        except RldoctorError as error:
            assert "No space left on device" in error.problem, error
            assert error.exit_code in (2, 4)
        is_whole(directory)
        go(directory)
        ends_the_same(directory, whole)
        shutil.rmtree(directory)
    return Row(
        len(chosen),
        f"of the {writes} writes of a training; one sentence, exit code 4 (2 before the training starts); resumes bit for bit",
        "what came after the last checkpoint; it is trained again",
    )


@contextlib.contextmanager
def mounted(place: Path, size: str) -> Iterator[Path]:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def cannot_mount() -> str:
    if not_root() or missing("mount", "umount"):
        return not_root() or missing("mount", "umount")
    done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "mounting is not allowed"


def full(place: Path, often: int, where: Callable[[Path], Path]) -> None:
    whole, _ = uninterrupted(place)
    # From a page to all but the last checkpoint.
    most = sum(saved.stat().st_size for saved in run_directory.checkpoints(whole)[:-1]) // 1024
    for i in range(often):
        directory = fresh(place, f"run-{i}")
        size = 4 + round(i / max(1, often - 1) * (most - 4))
        with mounted(where(directory), f"{size}k") as volume:
            report = place / "error"
            process = child(directory, str(report))
            process.join(_DEADLINE)
            code, _, words = report.read_text().partition(" ")
            assert "No space left on device" in words or "cannot be written" in words, words
            assert int(code) in (2, 4), words
            report.unlink()
            is_whole(directory)
            subprocess.run(["mount", "-o", "remount,size=20m", volume], check=True)
            go(directory)
            ends_the_same(directory, whole)


def full_disk(place: Path, often: int) -> Row:
    full(place, often, lambda directory: directory)
    return Row(
        often,
        "one sentence, exit code 4 (2 before the training starts), all files intact; resumes bit for bit once there is space",
        "what came after the last checkpoint; it is trained again",
    )


def full_checkpoints(place: Path, often: int) -> Row:
    full(place, often, lambda directory: directory / run_directory.CHECKPOINTS)
    return Row(
        often,
        "the same; the curves reach to the point of failure",
        "what came after the last checkpoint; it is trained again",
    )


def read_only(place: Path, often: int) -> Row:
    for i in range(often):
        with mounted(place / str(i), "4m") as volume:
            subprocess.run(["mount", "-o", "remount,ro", volume], check=True)
            done = rldoctor("train", "--reference", "quick", "--set", ",".join(SETTINGS), "--runs", volume / "runs")
            assert (done.code, list(volume.iterdir())) == (2, []), done
            assert "Read-only file system" in done.err
    return Row(often, "exit code 2 with one sentence, nothing written")


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
            end = time.monotonic() + _DEADLINE
            while not (begun := list(out.rglob("step-*.zip"))):
                assert time.monotonic() < end
                assert sweep.poll() is None
                time.sleep(0.02)
            run = begun[0].parents[1]
            for process in psutil.Process(sweep.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if any(Path(file.path).is_relative_to(run) for file in process.open_files()):
                        process.kill()
            said, _ = sweep.communicate(timeout=_DEADLINE)
        assert "Traceback" not in said, said
        done = rldoctor(*words)
        assert done.code in (0, 1), done.err
        records = [json.loads(path.read_bytes()) for path in out.rglob("run.json")]
        assert [(r["status"], r["steps"]) for r in records] == [("finished", 6400)] * 2
    return Row(often, "the sweep continues without it or restarts it; the same command finishes both trials")


FAULTS = (
    Fault("kill -9 at a random moment", killed, often=52, briefly=1),
    Fault("SIGTERM or SIGINT at a random moment", stopped, often=12),
    Fault("two processes on one directory, the first killed", locked, often=3),
    Fault(
        "an environment that raises an exception, a NaN reward, a NaN observation",
        broken_from_within,
        often=2,
        briefly=1,
    ),
    Fault("every write fails for lack of space", every_write_fails, often=16, briefly=3),
    Fault("a disk that fills up at some point", full_disk, often=6, why_not=cannot_mount),
    Fault("a full volume for checkpoints", full_checkpoints, often=4, why_not=cannot_mount),
    Fault("a read-only file system", read_only, often=2, why_not=cannot_mount),
    Fault("a worker of a sweep that is killed", worker_dies, often=1),
)
