"""Whether ``DoctorCallback(stop_when="sick")`` stops trainings that are doomed, and leaves healthy ones alone.

Run with ``python -m benchmarks.watch doomed``: doomed trainings of Stable-Baselines3 as far as they are let run, one of them once
more beside a busy process, some healthy ones of it to the end, and more healthy ones of the laboratory's trainer, which
is the same algorithm, judged at the steps at which the callback would have examined them.
"""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from benchmarks.laboratory.environments import WORLDS
from benchmarks.laboratory.interface import Recipe, Shapes
from benchmarks.laboratory.train import train as train_many
from benchmarks.prefixes import At, course_of_run, until_each_step
from benchmarks.rates import wilson_interval
from rldoctor import DoctorCallback
from rldoctor.callback.model_settings import model_settings
from rldoctor.experiments.faults import find
from rldoctor.training.algorithm import one_thread

STEPS, SEEDS, ENVS, ROLLOUT = 60_000, 3, 8, 256
# The share of its steps by which a doomed training should have been stopped, and that at which it is given up.
WANTED, LONGEST = 0.25, 0.4
# Of each environment: of Stable-Baselines3 itself, and of the laboratory's trainer.
HEALTHY, HEALTHY_MANY = 2, 30


@dataclass(frozen=True)
class Setting:
    """A training with Stable-Baselines3's PPO and its defaults, but for some.

    Attributes:
        env: Gymnasium's id.
        words: What is special, for the table.
        changed: Arguments of PPO.
        fault: Of the fault laboratory, with its severity.
    """

    env: str
    words: str
    changed: Mapping[str, float] = field(default_factory=dict)
    fault: str = ""


DOOMED = (
    Setting("CartPole-v1", "learning_rate 0.3", {"learning_rate": 0.3}),
    Setting("Pendulum-v1", "learning_rate 0.3", {"learning_rate": 0.3}),
    Setting("CartPole-v1", "ent_coef 10", {"ent_coef": 10.0}),
    Setting("CartPole-v1", "learning_rate 1e-7", {"learning_rate": 1e-7}),
    Setting("CartPole-v1", "advantages with the wrong sign", fault="advantage-sign:full"),
    Setting("Pendulum-v1", "a reward of -1 at every step", fault="reward-constant:minus-one"),
    Setting("Pendulum-v1", "every observation the first one", fault="observations-frozen:full"),
)
LEARNING = (
    Setting("CartPole-v1", "", {}),
    Setting("Pendulum-v1", "", {"gamma": 0.9, "learning_rate": 1e-3}),
)
_WORLDS = {"CartPole-v1": "cartpole", "Pendulum-v1": "pendulum"}


class _Upto(BaseCallback):
    """Ends a training that has gone on for long enough."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps = steps

    def _on_step(self) -> bool:
        return self.num_timesteps < self._steps


def model_of(setting: Setting, seed: int) -> PPO:
    fault = find(setting.fault.partition(":")[0]) if setting.fault else None
    knob = fault.knob(setting.fault.partition(":")[2]) if fault else 0.0
    wrap: Callable[[Any], Any] = fault.wrap(knob) if fault and fault.wrap else lambda env: env
    envs = DummyVecEnv([lambda: Monitor(wrap(gymnasium.make(setting.env)))] * ENVS)
    model = PPO("MlpPolicy", envs, n_steps=ROLLOUT, seed=1000 * seed, device="cpu", **setting.changed)  # type: ignore[arg-type]
    if fault and fault.adjust:
        fault.adjust(knob)(model)
    return model


def stopped_at(setting: Setting, seed: int, longest: float = 1.0) -> tuple[float, str]:
    """Return the share of its steps after which the callback stopped a training, infinite if never, and the cause."""
    doctor = DoctorCallback("sick", warn=False, last_line=False)
    with one_thread():
        model_of(setting, seed).learn(STEPS, callback=[doctor, _Upto(round(longest * STEPS))])
    return (doctor.num_timesteps / STEPS if doctor.stopped else math.inf), doctor._live.standing.cause


def _spin() -> None:
    while True:
        pass


def under_load(setting: Setting) -> tuple[float, float]:
    """Return when a training was stopped, in wall seconds and as a share, beside a busy process of each core."""
    busy = [multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) for _ in range(2)]
    for process in busy:
        process.start()
    begun = time.time()
    share, _ = stopped_at(setting, 0, LONGEST)
    for process in busy:
        process.kill()
    return time.time() - begun, share


def laboratory(setting: Setting, seeds: int) -> list[list[At]]:
    """Return how healthy trainings of the laboratory's trainer stood at each examination."""
    shapes = Shapes(n_steps=ROLLOUT, n_envs=ENVS, total_steps=STEPS)
    recipe = Recipe.of(shapes, seeds, **setting.changed)
    settings = model_settings(model_of(setting, 0), STEPS)
    trained = train_many(WORLDS[_WORLDS[setting.env]](seeds, ENVS), recipe, seed=1)
    # No recipe: the callback sees the logs and the settings of the model.
    runs = (replace(one.run, record={}, settings=settings) for one in trained)
    return [course_of_run(until_each_step(run), STEPS) for run in runs]


def _stops(at: At) -> bool:
    return at.hopeless


def _warned(at: At) -> bool:
    return bool(at.standing.cause)


def rate(hits: int, of: int) -> str:
    low, high = wilson_interval(hits, of)
    return f"{hits} of {of} ({low:.0%} to {high:.0%})"


def tables() -> Iterator[str]:
    """Yield the lines of the section of docs/watch.md, as they are measured."""
    yield "| doomed training | stopped by 25 % | stopped after | cause named |"
    yield "|---|---|---|---|"
    early = 0
    for setting in DOOMED:
        found = [stopped_at(setting, seed, LONGEST) for seed in range(SEEDS)]
        hits = sum(share <= WANTED for share, _ in found)
        early += hits
        when = ", ".join(f"{share:.0%}" if math.isfinite(share) else f"not by {LONGEST:.0%}" for share, _ in found)
        causes = ", ".join(dict.fromkeys(cause or "none" for _, cause in found))
        yield f"| {setting.env}, {setting.words} | {hits} of {SEEDS} | {when} | {causes} |"
    yield f"| all | {rate(early, SEEDS * len(DOOMED))} | | |"
    yield ""
    alone, (seconds, loaded) = stopped_at(DOOMED[0], 0, LONGEST)[0], under_load(DOOMED[0])
    same = "the same step" if alone == loaded else f"{loaded:.1%}, not {alone:.1%}"
    yield f"Beside two processes that keep the machine busy ({seconds:.0f} s), the first one is stopped at {same}."
    yield ""
    yield "| healthy trainings | stopped | ever warned about |"
    yield "|---|---|---|"
    for setting in LEARNING:
        stops = sum(math.isfinite(stopped_at(setting, seed)[0]) for seed in range(HEALTHY))
        yield f"| {setting.env} with Stable-Baselines3 | {rate(stops, HEALTHY)} | |"
    for setting in LEARNING:
        courses = laboratory(setting, HEALTHY_MANY)
        stops, warned = (sum(any(is_so(at) for at in one) for one in courses) for is_so in (_stops, _warned))
        yield f"| {setting.env} with the laboratory's trainer | {rate(stops, HEALTHY_MANY)} | {warned} of {HEALTHY_MANY} |"
