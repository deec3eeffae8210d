"""What ``DoctorCallback`` costs: the same training with and without it, rollout by rollout in turn.

Run with ``python -m benchmarks.watch callback`` (twenty minutes), or for some references and steps with
``python -m benchmarks.watch.callback_cost [steps] [reference ...]``. Two trainings of one seed in one process take turns at every
rollout, so that whatever else the machine does slows down both alike. Processor time is compared, and the curves must be identical.
Both write TensorBoard files, so the cost of writing the callback's scalars is included, as is loading the rules.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure

from rldoctor import DoctorCallback, references
from rldoctor.environments.vec_envs import make_training_envs, training_seed
from rldoctor.logs import read_run
from rldoctor.training import algorithm

# The budget: half a minute of training each.
STEPS = 60_000


class Turns:
    """Lets one training run at a time, and counts the processor time of each."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.seconds = dict.fromkeys(names, 0.0)
        self._left = [*names]
        self._whose = names[0]
        self._change = threading.Condition()
        self._begun = 0.0
        self._random: dict[str, Any] = {}

    def wait(self, name: str) -> None:
        with self._change:
            self._change.wait_for(lambda: self._whose == name)
        if name in self._random:
            torch.set_rng_state(self._random[name][0])
            np.random.set_state(self._random[name][1])  # SB3 draws from it
        self._begun = time.process_time()

    def give(self, name: str, ended: bool = False) -> None:
        self.seconds[name] += time.process_time() - self._begun
        self._random[name] = torch.get_rng_state(), np.random.get_state()
        with self._change:
            place = self._left.index(name)
            others = self._left[place + 1 :] + self._left[:place]
            self._left = [other for other in self._left if other != name or not ended]
            self._whose = others[0] if others else name
            self._change.notify_all()


class _Turn(BaseCallback):
    def __init__(self, turns: Turns, name: str) -> None:
        super().__init__()
        self._turns, self._name = turns, name

    def _on_rollout_start(self) -> None:
        self._turns.give(self._name)
        self._turns.wait(self._name)

    def _on_step(self) -> bool:
        return True


def train(reference: str, steps: int, directory: Path, turns: Turns, name: str, doctor: DoctorCallback | None) -> None:
    turns.wait(name)
    recipe = references.load_recipe(reference)
    envs = make_training_envs(recipe)
    model = algorithm.build(recipe, envs, seed=0)
    envs.seed(training_seed(0))
    model.set_logger(configure(str(directory), ["tensorboard"]))
    model.learn(steps, callback=[*([doctor] if doctor else []), _Turn(turns, name)], log_interval=recipe.log_interval)
    model.logger.close()
    envs.close()
    turns.give(name, ended=True)


def compare(reference: str, steps: int = STEPS) -> tuple[float, float, float]:
    """Return the additional processor time as a fraction, the seconds without, and the callback's own share of time."""
    with tempfile.TemporaryDirectory() as folder, algorithm.one_thread():
        # What is loaded with the first update of a process is charged to neither.
        warm = Turns(("warm",))
        train(reference, 2 * 1024, Path(folder), warm, "warm", None)
    doctor = DoctorCallback(stop_when="sick", last_line=False)
    turns = Turns(("without", "with"))
    with tempfile.TemporaryDirectory() as folder, algorithm.one_thread():
        places = {name: Path(folder) / name for name in turns.seconds}
        threads = [
            threading.Thread(
                target=train, args=(reference, steps, place, turns, name, doctor if name == "with" else None)
            )
            for name, place in places.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        one, other = (read_run(places[name]).curves for name in ("with", "without"))
        assert all(
            np.array_equal(one[metric].values, curve.values, equal_nan=True)
            for metric, curve in other.items()
            if metric != "throughput"
        ), "the callback changed the training"
    return turns.seconds["with"] / turns.seconds["without"] - 1, turns.seconds["without"], sum(doctor.seconds)


def tables(names: Sequence[str] = (), steps: int = STEPS) -> Iterator[str]:
    """Yield the lines of the section of docs/watch.md."""
    yield "| reference | steps | processor time without | more with the callback | of it in its own methods, by the clock |"
    yield "|---|---|---|---|---|"
    # Off-policy trainings take ten times as long; they are measured by name.
    on_policy = (name for name in references.names() if not references.load_recipe(name).is_off_policy)
    for name in names or on_policy:
        more, seconds, own = compare(name, steps)
        yield f"| {name} | {steps:,} | {seconds:.1f} s | {more:+.1%} | {own:.2f} s |"


def main() -> None:
    words = sys.argv[1:]
    steps = int(words.pop(0)) if words and words[0].isdigit() else STEPS
    for line in tables(words, steps):
        print(line, flush=True)


if __name__ == "__main__":
    main()
