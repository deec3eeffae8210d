"""Search for the recipe that reaches the goals soonest: python -m benchmarks.recipe_search RESULTS [--cost STEPS] ...

Candidates of equal cost, a time in steps of FetchReach, are screened on a linear model of the arm, many at a time: first
drawn at random, then changed from the best; the best get more seeds. Then the best few are trained by the function behind
`rldoctor train`, on the environment itself, with 2 seeds, the better of them with 4, and the best with 10. What counts is
the distance at the end of the training, a standard deviation above the mean over seeds, not that of a lucky one.

Each result is a line of RESULTS, to which the next call adds: stop it and go on when you like. One core is enough.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import torch

from benchmarks.recipe_search.arm import Arm
from benchmarks.recipe_search.batched_ppo import Shape, train
from benchmarks.recipe_search.candidates import Pool, Trial, as_json, changes, halving, score, shape_of
from rldoctor.references import load_recipe
from rldoctor.training.evaluate import evaluate
from rldoctor.training.train import train as train_on_environment

ARM, ENVIRONMENT = "arm", "environment"
# At a time: settings of one shape, their seeds, and those that the best get besides.
SETTINGS, SEEDS, MORE_SEEDS = 6, 2, 6
FIRST, BEST = 36, 12
RUNGS = (2, 4, 10)


class Results:
    """The lines of a file: the last one of a candidate counts."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._trials: dict[str, Trial] = {}
        lines = file.read_bytes().splitlines() if file.is_file() else []
        for line in lines:
            self._keep(msgspec.json.decode(line, type=Trial))

    def _keep(self, trial: Trial) -> None:
        self._trials[msgspec.json.encode([trial.where, trial.shape, trial.settings]).decode()] = trial

    def add(self, trial: Trial) -> None:
        self._keep(trial)
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode(trial) + b"\n")

    def best(self, where: str) -> list[Trial]:
        found = [trial for trial in self._trials.values() if trial.where == where]
        return sorted(found, key=lambda trial: score(trial.distances))

    def of(self, trial: Trial, where: str) -> Trial:
        """Return what is known of a candidate there, without any distance where nothing is."""
        fresh = Trial(trial.shape, trial.settings, [], where)
        return self._trials.get(msgspec.json.encode([where, trial.shape, trial.settings]).decode(), fresh)


def _on_arm(arm: Arm, shape: Shape, settings: Sequence[dict[str, float]], seeds: int, seed: int) -> list[list[float]]:
    varied = {key: [each[key] for each in settings for _ in range(seeds)] for key in settings[0]}
    found = train(arm, shape, varied, seed).reshape(len(settings), seeds).round(2)
    return [list(map(float, row)) for row in found]


def screen(results: Results, pool: Pool, seconds: float) -> None:
    arm, until, turn = Arm(), time.monotonic() + seconds, 0
    torch.set_num_threads(1)
    while time.monotonic() < until:
        known, turn, seed = results.best(ARM), turn + 1, pool.random.randrange(10**6)
        if len(known) >= FIRST and turn % 4 == 0:
            least = min(known[:BEST], key=lambda trial: len(trial.distances))
            same = [least, *(trial for trial in known[: 3 * BEST] if trial.shape == least.shape and trial is not least)]
            same = same[:4]
            found = _on_arm(arm, shape_of(least), [trial.settings for trial in same], MORE_SEEDS, seed)
            for trial, distances in zip(same, found, strict=True):
                results.add(Trial(trial.shape, trial.settings, [*trial.distances, *distances]))
            continue
        if len(known) < FIRST:
            shape, settings = pool.new_shape(), [pool.settings() for _ in range(SETTINGS)]
        else:
            parent = known[int(BEST * pool.random.random() ** 1.5)]
            shape = pool.near_shape(shape_of(parent))
            settings = [parent.settings, *(pool.settings(parent.settings) for _ in range(SETTINGS - 1))]
        for each, distances in zip(settings, _on_arm(arm, shape, settings, SEEDS, seed), strict=True):
            results.add(Trial(as_json(shape), each, distances))
        print(turn, *(f"{score(trial.distances):.1f}" for trial in results.best(ARM)[:3]), flush=True)


def confirm(results: Results, count: int) -> None:
    """Train the best ``count`` on the environment, by successive halving."""
    base = load_recipe("quick")
    chosen = [trial for trial in results.best(ARM) if len(trial.distances) > SEEDS][:count]
    for kept, seeds in halving(len(chosen), RUNGS):
        chosen = sorted(chosen, key=lambda trial: score(results.of(trial, ENVIRONMENT).distances or trial.distances))
        for trial in chosen[:kept]:
            recipe = base.with_overrides(changes(trial))
            for seed in range(len(results.of(trial, ENVIRONMENT).distances), seeds):
                with tempfile.TemporaryDirectory() as place:
                    train_on_environment(recipe, Path(place), seed, threads=1)
                    reached = evaluate(Path(place), baselines=dict, threads=1)["aggregate"]
                assert isinstance(reached, dict)
                distances = results.of(trial, ENVIRONMENT).distances
                distances = [*distances, round(1000 * float(str(reached["final_distance_mean"])), 2)]
                results.add(Trial(trial.shape, trial.settings, distances, ENVIRONMENT))
            print(results.of(trial, ENVIRONMENT).distances, *changes(trial), flush=True)
        chosen = chosen[:kept]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="file of results, outside the repository")
    parser.add_argument("--cost", type=float, default=9_000, help="of a training, in steps of FetchReach")
    parser.add_argument("--screen", type=float, default=1_800, metavar="SECONDS", help="on the model of the arm")
    parser.add_argument("--train", type=int, default=9, metavar="COUNT", help="candidates to train on the environment")
    parser.add_argument("--seed", type=int, default=0, help="of the search")
    asked = parser.parse_args()
    results = Results(asked.results)
    screen(results, Pool(asked.cost, random.Random(asked.seed)), asked.screen)
    confirm(results, asked.train)


if __name__ == "__main__":
    main()
