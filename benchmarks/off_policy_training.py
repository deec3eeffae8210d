"""Off-policy references, seed by seed, and their speed beside Stable-Baselines3's: python -m benchmarks.off_policy_training RUNS

RUNS is the folder that `rldoctor record REFERENCE --seeds 0-9 --runs RUNS` trained in. Speed is measured in turns, plain
Stable-Baselines3 and rldoctor one after the other, at the same settings. Writes docs/off-policy.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.env_util import make_vec_env

from benchmarks import DOCS
from benchmarks.broken.replay import FAULTS, HEALTHY
from rldoctor import machine, references
from rldoctor.environments import registry
from rldoctor.preflight.runner import run_preflight
from rldoctor.recipe import Recipe
from rldoctor.sb3.arguments import algorithm_arguments, algorithm_class, policy_class
from rldoctor.training.train import train

DOCUMENT = DOCS / "off-policy.md"
MEASURED = Path(__file__).with_suffix(".json")
ROUNDS = 2
# Steps of a training after which it is stopped: long enough that learning is most of it.
STEPS = 1_600
# Before they learn: hindsight replay needs the first episodes of eight environments.
WARM_UP = 400
_REPLAY_CHECKS = ("ENV511", "ENV512", "ENV513", "ENV514", "ENV515")


def shipped() -> list[str]:
    """Return the off-policy references."""
    return [name for name in references.names() if references.load_recipe(name).is_off_policy]


def names() -> list[str]:
    """Return those that have bands."""
    return [name for name in shipped() if references.is_recorded(name)]


def seeds_of(name: str, runs: Path) -> list[str]:
    """Return the rows of one reference: what each seed's policy scores, and what its training took."""
    rows = []
    for directory in sorted((runs / name).glob("seed-*"), key=lambda path: int(path.name.removeprefix("seed-"))):
        if not (directory / "evaluation.json").is_file():
            continue
        numbers = json.loads((directory / "evaluation.json").read_text())["aggregate"]
        record = json.loads((directory / "run.json").read_text())
        passed = subprocess.run(
            [sys.executable, "-m", "rldoctor", "gate", str(directory), "--isolated"], capture_output=True, check=False
        )
        rows.append(
            f"| {name} | {directory.name.removeprefix('seed-')} | {_number(numbers['success_rate'], '.2f')} | "
            f"{numbers['return_mean']:.2f} | {_number(numbers['final_distance_mean'], '.4f')} | {record['steps']:,} | "
            f"{record['train_seconds']:.0f} s | "
            f"{'passed' if passed.returncode == 0 else 'failed'} |"
        )
    return rows


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def plain(recipe: Recipe, directory: Path) -> tuple[float, float]:
    """Train with Stable-Baselines3 alone; return environment steps a second, by the clock and by the processor."""
    registry.resolve(recipe.env)
    envs = make_vec_env(recipe.env, n_envs=recipe.n_envs, seed=0)
    torch.set_num_threads(1)
    model: Any = algorithm_class(recipe.algorithm)(
        policy_class(envs.observation_space),
        envs,
        seed=0,
        device="cpu",
        tensorboard_log=str(directory),
        **algorithm_arguments(recipe, envs.action_space),
    )
    clock, used = time.perf_counter(), _used()
    model.learn(recipe.total_steps, log_interval=recipe.log_interval, callback=lambda *_: model.num_timesteps < STEPS)
    rates = model.num_timesteps / (time.perf_counter() - clock), model.num_timesteps / (_used() - used)
    envs.close()
    return rates


def ours(recipe: Recipe, directory: Path) -> tuple[float, float]:
    """Train as `rldoctor train` does, checkpoints and curves included; return the same."""
    used, watcher = _used(), _StopAt()
    done = train(recipe, directory, 0, watcher=watcher, stop=watcher.stop)
    return done.steps_per_second, done.steps / (_used() - used)


class _StopAt:
    """Stops a training once it has done ``STEPS``; what is measured at fixed shares of its plan is not crowded then."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def progressed(self, steps: int, _numbers: Mapping[str, float]) -> None:
        """Count."""
        if steps >= STEPS:
            self.stop.set()


def _used() -> float:
    mine = resource.getrusage(resource.RUSAGE_SELF)
    return mine.ru_utime + mine.ru_stime


def speed(name: str) -> str:
    """Train one recipe in turns and return its row."""
    recipe = references.load_recipe(name).with_overrides([f"learning_starts={WARM_UP}"])
    found: dict[str, list[tuple[float, float]]] = {"plain": [], "ours": []}
    with tempfile.TemporaryDirectory() as place:
        for turn in range(ROUNDS):
            for what, measure in (("plain", plain), ("ours", ours)):
                directory = Path(place, f"{what}-{turn}")
                directory.mkdir()
                found[what].append(measure(recipe, directory))
    clock = [mine[0] / theirs[0] for theirs, mine in zip(found["plain"], found["ours"], strict=True)]
    processor = [mine[1] / theirs[1] for theirs, mine in zip(found["plain"], found["ours"], strict=True)]
    rates = {what: statistics.median(rate for rate, _ in rates) for what, rates in found.items()}
    row = (
        f"| {name} | {rates['plain']:,.0f} | {rates['ours']:,.0f} | {statistics.median(clock):.2f} "
        f"({min(clock):.2f} to {max(clock):.2f}) | {statistics.median(processor):.2f} |"
    )
    print(row, flush=True)
    return row


def checkup(name: str) -> str:
    """Run one checkup as a user would type it, and return its row."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "rldoctor", "checkup", "--reference", name, "--runs", out, "--isolated"]
        clock, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        code = subprocess.run(command, capture_output=True, check=False).returncode
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall = time.perf_counter() - clock
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    row = f"| {name} | {'passed' if code == 0 else f'exit {code}'} | {wall:.0f} s | {used:.0f} s |"
    print(row, flush=True)
    return row


def faults() -> list[str]:
    """Examine every broken and every correct machinery; return a row each."""
    rows = []
    every: Mapping[str, Any] = {**FAULTS, **{f"correct: {name}": (*made, "") for name, made in HEALTHY.items()}}
    for name, (env, make_model, finding) in every.items():
        result = run_preflight(env, make_model=make_model, select=_REPLAY_CHECKS, budget=120.0)
        found = sorted({item.name for item in result.findings if item.code in _REPLAY_CHECKS})
        right = finding in found if finding else not found
        rows.append(f"| {name} | {', '.join(found) or 'none'} | {'yes' if right else 'NO'} |")
        print(rows[-1], flush=True)
    return rows


PARTS: Mapping[str, Callable[[Path, Sequence[str]], list[str]]] = {
    "seeds": lambda runs, only: [row for name in shipped() if name in only for row in seeds_of(name, runs)],
    "checkups": lambda _, only: [checkup(name) for name in names() if name in only],
    "speed": lambda _, only: [speed(name) for name in names() if name in only],
    "machinery": lambda _, __: faults(),
}
"""What is measured, of which references: each gives the rows of a table."""


def _key(part: str, row: str) -> tuple[str, ...]:
    """Return what a row is of: reference, and seed in the table of seeds."""
    return tuple(cell.strip() for cell in row.split("|")[1 : 3 if part == "seeds" else 2])


def _place(row: str) -> tuple[int, int]:
    """Return where a row belongs: as references are listed, seeds in order; others stay as they were."""
    name, second = (cell.strip() for cell in row.split("|")[1:3])
    return (shipped().index(name) if name in shipped() else -1, int(second) if second.isdigit() else 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS), help="Measure only these anew.")
    parser.add_argument("--only", nargs="+", default=shipped(), help="Measure only these references anew.")
    arguments = parser.parse_args()
    logging.getLogger("rldoctor").setLevel(logging.ERROR)
    rows: dict[str, list[str]] = json.loads(MEASURED.read_text()) if MEASURED.is_file() else {}
    for part in arguments.parts:
        made = PARTS[part](arguments.runs, arguments.only)
        # Rows of trainings that are not measured now stay.
        new = {_key(part, row) for row in made}
        rows[part] = sorted([*(row for row in rows.get(part, []) if _key(part, row) not in new), *made], key=_place)
        MEASURED.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    write({part: "\n".join(rows.get(part, ["not measured yet"])) for part in PARTS})


def write(rows: Mapping[str, str]) -> None:
    """Write the document from the rows of its tables."""
    about = machine.describe()
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions().items() if number)
    missing = ", ".join(name for name in shipped() if name not in names())
    parts = [
        "# Off-policy references",
        "Written by `python -m benchmarks.off_policy_training RUNS`, where RUNS is the folder of `rldoctor record`.",
        "## Seed by seed",
        "The policies that `rldoctor record` trained, on 100 deterministic evaluation episodes. `-` is what the environment does not\n"
        "have.",
        f"Recipes without bands so far: {missing or 'none'}.",
        "| reference | seed | success | mean return | final distance, m | steps | training | gate |\n"
        f"|---|---|---|---|---|---|---|---|\n{rows['seeds']}",
        "## A checkup",
        "`rldoctor checkup --reference NAME` from process start to verdict: preflight, training, evaluation, gate and diagnosis. The\n"
        "second time is what its processes computed, on all cores together.",
        f"| reference | gate | wall time | CPU time |\n|---|---|---|---|\n{rows['checkups']}",
        "## Speed",
        f"Environment steps a second over the first {STEPS:,} steps of a training, learning included, {ROUNDS} rounds in turns: plain Stable-Baselines3 with one\n"
        "thread of PyTorch, and `rldoctor train` with checkpoints and curves. The ratio is the median of the rounds; the last column is\n"
        "the same ratio by CPU time, which other work on the machine disturbs less. A batch and an update are Stable-Baselines3's to\n"
        "rounding (`tests/sb3/test_fast_update.py`).",
        f"| recipe | plain SB3, steps/s | rldoctor, steps/s | ratio | by CPU time |\n|---|---|---|---|---|\n{rows['speed']}",
        "## Machinery that is broken",
        "Small subclasses of Stable-Baselines3's buffers and algorithms with one fault each (`benchmarks/broken/replay.py`), and correct\n"
        "ones; what `rldoctor.preflight(env, make_model=...)` finds before a step is trained.",
        f"| machinery | findings | right |\n|---|---|---|\n{rows['machinery']}",
        f"Machine: {about['cores']} cores of {about['processor']}, {about['system']}. Versions: {versions}.",
    ]
    DOCUMENT.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
