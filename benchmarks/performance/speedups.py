"""What each speed-up of a training gains: python -m benchmarks.performance.speedups [--rounds 15]

The quick recipe is trained by several models in turns, a rollout at a time: one with every speed-up, one without the fast
policy, one without the joint lookup, one with EnvPool. CPU time is comparable on a busy machine too, seconds only on an
idle one. The dynamo guard saves an import in each process, so that import is timed in fresh processes. Prints the
figures of docs/decisions/0015-what-speed-is-worth.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from unittest.mock import patch

from stable_baselines3 import PPO

from benchmarks.performance.__main__ import footnote
from rldoctor.environments import vec_envs
from rldoctor.environments.engine import Engine
from rldoctor.references import load_recipe
from rldoctor.sb3.fast_policy import use_fast_policy
from rldoctor.training import algorithm

RECIPE = load_recipe("quick")
STEPS = 2 * RECIPE.n_envs * 64
IMPORT = "import time, torch.optim; t = time.process_time(); import torch._dynamo; print(time.process_time() - t)"


def build(fast: bool = True, joints: bool = True, engine: Engine = Engine.GYMNASIUM) -> PPO:
    unchanged = vec_envs.read_joints_at_once if joints else lambda env: False
    with patch.object(vec_envs, "read_joints_at_once", unchanged):
        envs = vec_envs.make_training_envs(RECIPE, engine=engine)
    model = algorithm.build(RECIPE, envs, 0)
    if fast:
        use_fast_policy(model.policy)
    envs.seed(0)
    return model


def train(model: PPO, steps: int = STEPS) -> tuple[float, float]:
    """Return CPU seconds and seconds of some more training."""
    cpu, begun = time.process_time(), time.perf_counter()
    model.learn(steps, reset_num_timesteps=False)
    return time.process_time() - cpu, time.perf_counter() - begun


def more(other: list[float], ours: list[float]) -> str:
    """Return by how much more the other way takes: the median over the rounds, with the quartiles."""
    low, middle, high = statistics.quantiles([a / b - 1 for a, b in zip(other, ours, strict=True)], n=4)
    return f"{middle:+.0%} ({low:+.0%} to {high:+.0%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    load = os.getloadavg()[0]
    imports = [float(subprocess.check_output([sys.executable, "-c", IMPORT])) for _ in range(5)]
    ways = {
        "every speed-up": build(),
        "without the fast policy": build(fast=False),
        "without the joint lookup": build(joints=False),
        "EnvPool in place of gymnasium": build(engine=Engine.ENVPOOL),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    with algorithm.one_thread():
        for model in ways.values():
            train(model)
        for number in range(rounds):
            for name in [*ways][number % len(ways) :] + [*ways][: number % len(ways)]:
                found[name].append(train(ways[name]))
    columns = {name: [list(column) for column in zip(*pairs, strict=True)] for name, pairs in found.items()}
    ours = columns["every speed-up"]
    print("| way | CPU per step | more CPU | time per step | more time |\n|---|---|---|---|---|")
    for name, (cpu, seconds) in columns.items():
        ratios = ("", "") if cpu is ours[0] else (more(cpu, ours[0]), more(seconds, ours[1]))
        per_step = [f"{1000 * statistics.median(numbers) / STEPS:.2f} ms" for numbers in (cpu, seconds)]
        print(f"| {name} | {per_step[0]} | {ratios[0]} | {per_step[1]} | {ratios[1]} |")
    whole = RECIPE.total_steps * statistics.median(ours[0]) / STEPS
    print(
        f"\nImporting the compiler takes {statistics.median(imports):.1f} s of CPU: {statistics.median(imports) / whole:.0%} of the"
        f" {whole:.0f} s of CPU in which {RECIPE.total_steps:,} steps are trained.\n\n{footnote(load)}"
    )


if __name__ == "__main__":
    main()
