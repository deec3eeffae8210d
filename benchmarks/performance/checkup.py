"""The checkup, compared with the chapter's own job."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

from benchmarks.performance.ratios import middle
from benchmarks.performance.training import CHAPTER, plain
from rldoctor.environments import registry
from rldoctor.environments.engine import Engine

TITLE = "Checkup"
SEEDS = range(5)
JOB, EPISODES = 500_000, 100
TARGET = 20.0


def chapters_job() -> float:
    """Return the seconds of 500,000 steps and 100 evaluation episodes with plain SB3, from measured rates."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        rate = plain(Path(place), 3 * 8_192)
    registry.resolve(CHAPTER.env)
    envs = make_vec_env(CHAPTER.env, n_envs=1, seed=0)
    model = PPO("MultiInputPolicy", envs, device="cpu")
    begun = time.perf_counter()
    evaluate_policy(model, envs, n_eval_episodes=EPISODES // 4)
    return JOB / rate + 4 * (time.perf_counter() - begun)


def one(seed: int, engine: Engine, place: Path) -> tuple[float, bool, bool]:
    """Return the seconds from process start to printed verdict, whether the gate passed, and whether diagnosis is healthy."""
    command = [sys.executable, "-m", "rldoctor", "checkup", "--seed", str(seed), "--engine", engine.value]
    begun = time.perf_counter()
    done = subprocess.run(
        [*command, "--runs", str(place / engine.value), "--format", "json"], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begun
    run = next(subject for subject in json.loads(done.stdout)["subjects"] if subject["kind"] == "run")
    return seconds, done.returncode == 0, run["verdict"] == "healthy"


def measure() -> list[str]:
    job = chapters_job()
    lines = [
        "| engine | seeds | median | fastest | slowest | gate passed | curves healthy | times as fast as the chapter's job | target |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        for engine in Engine:
            found = [one(seed, engine, Path(name)) for seed in SEEDS]
            seconds = [s for s, _, _ in found]
            passed, healthy = (sum(flags) for flags in ([p for _, p, _ in found], [h for _, _, h in found]))
            lines.append(
                f"| {engine} | {len(found)} | {middle(seconds):.1f} s | {min(seconds):.1f} s | {max(seconds):.1f} s | {passed} of {len(found)} | "
                f"{healthy} of {len(found)} | {job / middle(seconds):.0f} | {TARGET:.0f} s |"
            )
    return [
        "`rldoctor checkup` from process start to printed verdict: preflight, training, 100 evaluation episodes, diagnosis, gate.",
        "",
        *lines,
        "",
        f"The chapter's job, {JOB:,} steps and {EPISODES} evaluation episodes with plain Stable-Baselines3, takes {job:.0f} s on this machine",
        "(extrapolated from 24,576 steps and 25 episodes). Forty seeds with the gymnasium engine: [quick-recipe.md](quick-recipe.md).",
    ]
