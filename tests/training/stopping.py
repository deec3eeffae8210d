"""What stops a training, and what is compared of it once it went on."""

from __future__ import annotations

import json
import os
import signal

import gymnasium
import numpy as np
import torch

from rldoctor import run_directory
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.logs import read_run
from rldoctor.training import algorithm


class Interrupts:
    """A watcher that presses Ctrl-C once so many steps are done."""

    def __init__(self, at, times=1, number=signal.SIGINT):
        self.at, self.times, self.number = at, times, number

    def progressed(self, steps, numbers):
        if steps >= self.at:
            self.at = 2**62
            for _ in range(self.times):
                os.kill(os.getpid(), self.number)


class Seeds(gymnasium.Wrapper):
    """Writes down the seeds that it is reset with."""

    def __init__(self, env, seen):
        super().__init__(env)
        self.seen = seen

    def reset(self, *, seed=None, options=None):
        self.seen.append(seed)
        return self.env.reset(seed=seed, options=options)


def record_of(directory):
    return json.loads((directory / run_directory.RUN_FILE).read_text())


def state_of(recipe, path):
    """Return what a saved policy says, and the steps of its Adam."""
    envs = make_training_envs(recipe)
    model = algorithm.build(recipe, envs, 0)
    envs.close()
    state = algorithm.load_weights(model, path)
    return state, {int(entry["step"]) for entry in model.policy.optimizer.state_dict()["state"].values()}


def assert_same_curves(whole, again):
    """Everything but the clock is the same, to the last bit."""
    assert again.curves.keys() == whole.curves.keys()
    assert len(whole.curves) > 40
    for name, curve in whole.curves.items():
        np.testing.assert_array_equal(again.curves[name].steps, curve.steps, name)
        if name != "throughput":
            np.testing.assert_array_equal(again.curves[name].values, curve.values, name)


def assert_same_weights(recipe, one, other):
    envs = make_training_envs(recipe)
    models = [algorithm.build(recipe, envs, seed) for seed in (1, 2)]
    envs.close()
    for model, directory in zip(models, (one, other), strict=True):
        algorithm.load_weights(model, directory / run_directory.POLICY_FILE)
    first, second = (model.policy.state_dict() for model in models)
    assert all(torch.equal(first[name], second[name]) for name in first)


def points(directory):
    curve = read_run(directory).curves["learning_rate"]
    return curve.steps.tolist(), curve.values.tolist()
