"""How fast rldoctor is, beside what else would do the job: python -m tests.benchmarks.performance [PAIRS]

Start-up of the commands, reading of event files, and training by the chapter's recipe beside plain Stable-Baselines3.
Writes docs/performance.md. Some five minutes on an idle machine; on a busy one the numbers mean little.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv

from rldoctor import machine
from rldoctor.preflight import environment
from rldoctor.preflight.learner import ppo_arguments
from rldoctor.references import load_recipe
from rldoctor.training.train import train
from tests.benchmarks import read_speed

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
RECORDED = Path(__file__).resolve().parents[1] / "runs/healthy/fetch_reach_dense/quick/as-recorded-20"
COMMANDS = (["--help"], ["explain", "UPD101"], ["rules"], ["gate", "--help"], ["diagnose", str(RECORDED)])
STARTS = 9
STEPS = 16_384


def start_up() -> list[str]:
    lines = ["| command | median of cold processes | fastest | slowest |", "|---|---|---|---|"]
    for command in COMMANDS:
        seconds = []
        for _ in range(STARTS):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-m", "rldoctor", *command], stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.perf_counter() - begun)
        shown = " ".join("RUN" if word == str(RECORDED) else word for word in command)
        numbers = " | ".join(f"{f(seconds):.2f} s" for f in (statistics.median, min, max))
        lines.append(f"| `rldoctor {shown}` | {numbers} |")
    return lines


def reading(runs: int = 500, points: int = 61) -> list[str]:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "runs"
        read_speed.write_runs(root, runs, points)
        ours, count = read_speed.best_of(3, read_speed.read_ours, root)
        theirs, same = read_speed.best_of(1, read_speed.read_theirs, root)
        assert count == same
        begun = time.perf_counter()
        command = [sys.executable, "-m", "rldoctor", "diagnose", str(root), "--format", "json"]
        # The runs are random numbers: whatever is said of them, saying it is what is timed.
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        whole = time.perf_counter() - begun
    return [
        f"{runs} runs of {points} points and 14 tags, {count:,} scalars.",
        "",
        "| what | seconds | scalars a second |",
        "|---|---|---|",
        f"| rldoctor reads, one core | {ours:.2f} | {count / ours:,.0f} |",
        f"| TensorBoard's EventAccumulator | {theirs:.2f} | {count / theirs:,.0f} |",
        f"| `rldoctor diagnose` of all of them, from process start | {whole:.2f} | {count / whole:,.0f} |",
        "",
        f"Reading is {theirs / ours:.1f} times as fast as EventAccumulator.",
    ]


def plain(directory: Path) -> float:
    """Train the chapter's recipe with Stable-Baselines3 alone; return environment steps a second."""
    recipe = load_recipe("chapter")
    environment.resolve(recipe.env)
    envs = make_vec_env(recipe.env, n_envs=recipe.n_envs, seed=0, vec_env_cls=DummyVecEnv)
    model = PPO("MultiInputPolicy", envs, seed=0, device="cpu", tensorboard_log=str(directory), **ppo_arguments(recipe))
    torch.set_num_threads(1)
    begun = time.perf_counter()
    model.learn(STEPS)
    seconds = time.perf_counter() - begun
    envs.close()
    return model.num_timesteps / seconds


def ours(directory: Path) -> float:
    directory.mkdir()
    return train(load_recipe("chapter").with_overrides([f"total_steps={STEPS}"]), directory, 0).steps_per_second


def training(pairs: int) -> list[str]:
    ratios: list[float] = []
    rates: dict[str, list[float]] = {"plain": [], "ours": []}
    with tempfile.TemporaryDirectory() as place:
        for pair in range(pairs):
            for name, run in (("plain", plain), ("ours", ours)) if pair % 2 else (("ours", ours), ("plain", plain)):
                rates[name].append(run(Path(place) / f"{name}-{pair}"))
            ratios.append(rates["ours"][-1] / rates["plain"][-1])
    return [
        f"{STEPS:,} steps of the chapter's recipe, {pairs} pairs in turns. Ours measures what DoctorCallback logs as well.",
        "",
        "| what | steps a second, median |",
        "|---|---|",
        f"| plain Stable-Baselines3, DummyVecEnv | {statistics.median(rates['plain']):,.0f} |",
        f"| `rldoctor train` | {statistics.median(rates['ours']):,.0f} |",
        "",
        f"Ratio {statistics.median(ratios):.2f} (lowest {min(ratios):.2f}, highest {max(ratios):.2f}).",
    ]


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    about = machine.describe()
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions().items() if number)
    load = f"load before the first measurement: {os.getloadavg()[0]:.1f}"
    parts = {"Start-up": start_up(), "Reading": reading(), "Training": training(pairs)}
    text = ["# How fast it is", "", "Remade by `python -m tests.benchmarks.performance` on an idle machine.", ""]
    for title, lines in parts.items():
        text += [f"## {title}", "", *lines, ""]
    text.append(
        f"Machine: {about['cores']} cores of {about['processor']}, {about['system']}; {load}. Versions: {versions}."
    )
    DOCUMENT.write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
