"""Disks that are full, fill up, or cannot be written."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.reliability.fault import Row, missing, not_root, rldoctor
from benchmarks.reliability.training.attempts import (
    DEADLINE,
    SETTINGS,
    TRAINED_AGAIN,
    child,
    ends_the_same,
    fresh,
    go,
    is_whole,
    uninterrupted,
)
from rldoctor import run_directory
from rldoctor.errors import RldoctorError


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
        TRAINED_AGAIN,
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
            process.join(DEADLINE)
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
        TRAINED_AGAIN,
    )


def full_checkpoints(place: Path, often: int) -> Row:
    full(place, often, lambda directory: directory / run_directory.CHECKPOINTS)
    return Row(
        often,
        "the same; the curves reach to the point of failure",
        TRAINED_AGAIN,
    )


def read_only(place: Path, often: int) -> Row:
    for i in range(often):
        with mounted(place / str(i), "4m") as volume:
            subprocess.run(["mount", "-o", "remount,ro", volume], check=True)
            done = rldoctor("train", "--reference", "quick", "--set", ",".join(SETTINGS), "--runs", volume / "runs")
            assert (done.code, list(volume.iterdir())) == (2, []), done
            assert "Read-only file system" in done.err
    return Row(often, "exit code 2 with one sentence, nothing written")
