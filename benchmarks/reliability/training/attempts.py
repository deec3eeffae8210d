"""Trainings in processes of their own, and what must hold of their directories."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rldoctor import run_directory
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.errors import RldoctorError
from rldoctor.logs import read_run
from rldoctor.recipe import Recipe
from rldoctor.references import load_recipe
from rldoctor.training import algorithm
from rldoctor.training.train import resume, train

# 12 rollouts with a point each, and a checkpoint after every second one: some seconds.
SETTINGS = ("n_envs=2", "n_steps=64", "batch_size=64", "n_epochs=1", "total_steps=1536")
# A state that is waited for comes within so many seconds, or never.
DEADLINE = 300
# Of a training that takes long because the machine is busy, no longer a part is waited for.
LONGEST = 20
# What is lost of a training that goes on from its last checkpoint.
TRAINED_AGAIN = "what came after the last checkpoint; it is trained again"


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
    process.join(DEADLINE)
    assert process.exitcode == 0
    begun = time.perf_counter()
    second = child(fresh(place, "again"))
    second.join(DEADLINE)
    return directory, time.perf_counter() - begun
