"""What ``DoctorCallback`` costs: alternating pairs of the same training with and without it.

Run with ``python -m benchmarks.callback_cost [pairs] [reference ...]``. It compares processor time, which other processes
disturb less than wall time, and the curves of each pair must be identical. Both trainings write TensorBoard files, so the
cost of writing the callback's scalars is included.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from stable_baselines3.common.logger import configure

from rldoctor import DoctorCallback, references
from rldoctor.environments.vec_envs import make_training_envs, training_seed
from rldoctor.logs import read_run
from rldoctor.training import ppo

# About ten seconds each. The callback's budget is a fraction of the time, so longer runs do not cost more.
STEPS = {"fetch_reach_dense/quick": 8_192, "fetch_reach_dense/chapter": 16_384}


def train(name: str, directory: Path, callback: DoctorCallback | None) -> float:
    """Train ``name`` for a while into ``directory`` and return the processor seconds that it took."""
    recipe = references.load_recipe(name)
    envs = make_training_envs(recipe)
    model = ppo.build(recipe, envs, seed=0)
    envs.seed(training_seed(0))
    model.set_logger(configure(str(directory), ["tensorboard"]))
    with ppo.one_thread():
        begun = time.process_time()
        model.learn(STEPS.get(name, 16_384), callback=callback, log_interval=recipe.log_interval)
        seconds = time.process_time() - begun
    model.logger.close()
    envs.close()
    return seconds


def compare(name: str, pairs: int) -> tuple[list[float], list[float]]:
    """Return the additional processor time of each pair, as a fraction, and the callback's own measurement of it."""
    ratios, own = [], []
    with tempfile.TemporaryDirectory() as folder:
        train(name, Path(folder) / "warm", DoctorCallback())
        for pair in range(pairs):
            seconds = {}
            callback = DoctorCallback()
            # Which one goes first alternates, so that a machine that slows down favours neither.
            for which in ("with", "without") if pair % 2 else ("without", "with"):
                place = Path(folder) / f"{pair}-{which}"
                seconds[which] = train(name, place, callback if which == "with" else None)
            ratios.append(seconds["with"] / seconds["without"] - 1)
            own.append(sum(callback.seconds) / seconds["with"])
            one, other = (read_run(Path(folder) / f"{pair}-{which}").curves for which in ("with", "without"))
            assert all(
                np.array_equal(one[metric].values, curve.values, equal_nan=True)
                for metric, curve in other.items()
                if metric != "throughput"
            ), "the callback changed the training"
    return ratios, own


def main() -> None:
    words = sys.argv[1:]
    pairs = int(words.pop(0)) if words and words[0].isdigit() else 3
    for name in words or references.names():
        ratios, own = compare(name, pairs)
        print(
            f"{name}: {pairs} pairs, {np.median(ratios):+.1%} processor time (lowest {min(ratios):+.1%}, "
            f"highest {max(ratios):+.1%}); by the callback's own clock {np.median(own):.1%}"
        )


if __name__ == "__main__":
    main()
