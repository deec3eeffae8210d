"""Training with the chapter's recipe, compared with plain Stable-Baselines3 and with the bare physics."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import mujoco
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv

from benchmarks import same_environment
from benchmarks.performance.ratios import in_turns, middle, ratio
from rldoctor import machine
from rldoctor.environments import registry
from rldoctor.environments.engine import Engine
from rldoctor.environments.step_threads import keep_to_core
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.references import load_recipe
from rldoctor.sb3.arguments import algorithm_arguments
from rldoctor.sb3.fast_policy import use_fast_policy
from rldoctor.training import algorithm
from rldoctor.training.train import train

TITLE = "Training"
CHAPTER = load_recipe("chapter")
STEPS = 16_384
ROUNDS = 3
COLLECTED = 4_096
_PLACES = count()


def plain(directory: Path, steps: int = STEPS) -> float:
    """Train the chapter's recipe with Stable-Baselines3 alone; return environment steps a second."""
    registry.resolve(CHAPTER.env)
    envs = make_vec_env(CHAPTER.env, n_envs=CHAPTER.n_envs, seed=0, vec_env_cls=DummyVecEnv)
    model = PPO(
        "MultiInputPolicy",
        envs,
        seed=0,
        device="cpu",
        tensorboard_log=str(directory),
        **algorithm_arguments(CHAPTER, envs.action_space),
    )
    torch.set_num_threads(1)
    begun = time.perf_counter()
    model.learn(steps)
    seconds = time.perf_counter() - begun
    envs.close()
    return model.num_timesteps / seconds


def ours(directory: Path, engine: Engine) -> float:
    place = directory / f"{engine}-{next(_PLACES)}"
    place.mkdir()
    return train(CHAPTER.with_overrides([f"total_steps={STEPS}"]), place, 0, engine=engine).steps_per_second


def bare_physics() -> float:
    """Return the steps per second of MuJoCo alone: one thread a core, each with its own FetchReach, 20 substeps a step."""
    robots: list[Any] = [registry.make(CHAPTER.env).unwrapped for _ in range(machine.cores())]
    each = 1_500
    begin = threading.Barrier(len(robots) + 1)

    def work(place: int, robot: Any) -> None:
        keep_to_core(place)
        robot.reset(seed=0)
        begin.wait()
        for _ in range(each):
            mujoco.mj_step(robot.model, robot.data, nstep=robot.n_substeps)

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(robots)]
    for thread in threads:
        thread.start()
    begin.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return each * len(robots) / (time.perf_counter() - begun)


class _Clock(BaseCallback):
    """Adds up where the time of a rollout goes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, float] = {}

    def wrap(self, owner: Any, name: str, label: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any, **words: Any) -> Any:
            begun = time.perf_counter()
            try:
                return original(*arguments, **words)
            finally:
                self.seconds[label] = self.seconds.get(label, 0.0) + time.perf_counter() - begun

        setattr(owner, name, timed)

    def _on_step(self) -> bool:
        return True


def profile(engine: Engine) -> dict[str, float]:
    """Return the share of a training that stepping, the policy, the update and the rest take, and steps/s collecting."""
    envs = make_training_envs(CHAPTER, engine=engine)
    model = algorithm.build(CHAPTER, envs, 0)
    use_fast_policy(model.policy)
    envs.seed(0)
    clock = _Clock()
    clock.wrap(envs, "step_wait", "environments")
    clock.wrap(model.policy, "forward", "policy")
    clock.wrap(model, "train", "update")
    clock.wrap(model, "collect_rollouts", "collecting")
    with algorithm.one_thread():
        model.learn(8_192)
        clock.seconds.clear()
        begun = time.perf_counter()
        model.learn(2 * 8_192, reset_num_timesteps=False)
        whole = time.perf_counter() - begun
    envs.close()
    found = {name: clock.seconds[name] / whole for name in ("environments", "policy", "update")}
    return {**found, "rest": 1 - sum(found.values()), "rate": 2 * 8_192 / clock.seconds["collecting"]}


def measure() -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        # EnvPool and PyTorch import parts of themselves at first use, which does not belong to a training's speed.
        for engine in Engine:
            ours(place, engine)
        ways: dict[str, Callable[[], float]] = {"plain": lambda: plain(place)}
        ways |= {engine.value: lambda engine=engine: ours(place, engine) for engine in Engine}  # type: ignore[misc]
        found = in_turns(ways, ROUNDS)
    limit = statistics.median(bare_physics() for _ in range(ROUNDS))
    profiles = {engine: profile(engine) for engine in Engine}
    names = {"gymnasium": "`rldoctor train`", "envpool": "`rldoctor train --engine envpool`"}
    return [
        f"{STEPS:,} steps of the chapter's recipe, {ROUNDS} rounds. `rldoctor train` also measures and logs the metrics of DoctorCallback.",
        "",
        "| what | steps per second | relative to plain | target |",
        "|---|---|---|---|",
        f"| plain Stable-Baselines3, DummyVecEnv | {middle(found['plain']):,.0f} | 1 | |",
        f"| {names['gymnasium']} | {middle(found['gymnasium']):,.0f} | {ratio(found['gymnasium'], found['plain'])} | 1.4 |",
        f"| {names['envpool']} | {middle(found['envpool']):,.0f} | {ratio(found['envpool'], found['plain'])} | 2.0 |",
        "",
        f"MuJoCo {mujoco.__version__} alone reaches {limit:,.0f} steps/s on {machine.cores()} cores. Collecting rollouts reaches",
        *(
            f"{p['rate']:,.0f} steps/s with {engine} ({p['rate'] / limit:.0%})"
            + ("," if engine is Engine.GYMNASIUM else ".")
            for engine, p in profiles.items()
        ),
        "Where the time of a training goes:",
        "",
        "| engine | environments | policy | update | rest of collecting |",
        "|---|---|---|---|---|",
        *(
            f"| {engine} | "
            + " | ".join(f"{p[key]:.0%}" for key in ("environments", "policy", "update", "rest"))
            + " |"
            for engine, p in profiles.items()
        ),
        "",
        *same_environment.table(),
    ]
