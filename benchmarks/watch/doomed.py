"""Whether ``DoctorCallback(stop_when="sick")`` stops trainings that are doomed, and leaves healthy ones alone.

Run with ``python -m benchmarks.watch doomed``: doomed trainings of Stable-Baselines3 as far as they are let run, one of them once
more beside a busy process, some healthy ones of it to the end, and more healthy ones of the laboratory's trainer, which
is the same algorithm, judged at the steps at which the callback would have examined them. Each result is kept in
``doomed.json`` as soon as it is there, with the rules that it was measured by, and the same command goes on where it was ended:
with what no rules or earlier ones were measured by. ``--kept`` trains no more, and writes the table of what there is.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import gymnasium
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from benchmarks.laboratory.environments import WORLDS
from benchmarks.laboratory.interface import Recipe, Shapes
from benchmarks.laboratory.train import train as train_many
from benchmarks.rates import wilson_interval
from benchmarks.watch.judging import judging_rules
from benchmarks.watch.prefixes import At, course_of_run, until_each_step
from rldoctor import DoctorCallback, datafile
from rldoctor.callback.model_settings import model_settings
from rldoctor.experiments.faults import find
from rldoctor.model import Verdict
from rldoctor.training.algorithm import one_thread

STEPS, SEEDS, ENVS, ROLLOUT = 60_000, 3, 8, 256
# The share of its steps by which a doomed training should have been stopped, and that at which it is given up.
WANTED, LONGEST = 0.25, 0.4
# Healthy trainings of each environment.
HEALTHY = 30
KEPT = Path(__file__).with_name("doomed.json")


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

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return f"{self.env}, {self.words}" if self.words else self.env


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


@dataclass(frozen=True)
class Ended:
    """How one training went.

    Attributes:
        stopped: The share of its steps after which it was stopped; ``None`` if it was not.
        warned: Whether it was ever called suspect or sick.
        cause: The last that was named; empty for none.
    """

    stopped: float | None
    warned: bool
    cause: str


class _Upto(BaseCallback):
    """Ends a training that has gone on for long enough, and sees whether it was warned about."""

    def __init__(self, doctor: DoctorCallback, steps: int) -> None:
        super().__init__()
        self._doctor, self._steps = doctor, steps
        self.warned = False

    def _on_rollout_start(self) -> None:
        self.warned |= self._doctor.verdict in (Verdict.SUSPECT, Verdict.SICK)

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


def trained(setting: Setting, seed: int, longest: float = 1.0) -> Ended:
    """Train with the callback, and return what it did."""
    doctor = DoctorCallback("sick", warn=False, last_line=False)
    upto = _Upto(doctor, round(longest * STEPS))
    with one_thread():
        model_of(setting, seed).learn(STEPS, callback=[doctor, upto])
    share = doctor.num_timesteps / STEPS if doctor.stopped else None
    return Ended(share, upto.warned or doctor.stopped, doctor._live.standing.cause)


def _spin() -> None:
    while True:
        pass


def under_load(setting: Setting) -> Ended:
    """Train as far as a doomed training is let run, beside a busy process of each core."""
    busy = [multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) for _ in range(2)]
    for process in busy:
        process.start()
    try:
        return trained(setting, 0, LONGEST)
    finally:
        for process in busy:
            process.kill()


class Results:
    """What was measured, kept from one call of the command to the next.

    Args:
        path: The file.
        only_kept: Measure nothing more.
    """

    def __init__(self, path: Path, only_kept: bool) -> None:
        self._path, self._only_kept = path, only_kept
        self._rows: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        self.rules: list[str] = []
        """The rules by which each result was measured that was asked for."""

    def get(self, key: str, measure: Callable[[], Sequence[Ended]]) -> Sequence[Ended]:
        """Return what was kept under a name, measured now where nothing was, or by other rules.

        Where nothing more is measured: what was kept, by whatever rules, and nothing where nothing was.
        """
        kept = self._rows.get(key)
        if not self._only_kept and (kept is None or kept["rules"] != judging_rules()):
            kept = {"rules": judging_rules(), "ended": [asdict(one) for one in measure()]}
            self._rows[key] = kept
            datafile.write_json(self._path, dict(sorted(self._rows.items())))
            print(f"{key}: {kept['ended']}", file=sys.stderr, flush=True)
        if kept is None:
            return ()
        self.rules.append(kept["rules"])
        return [Ended(**one) for one in kept["ended"]]

    def of_seed(self, setting: Setting, seed: int, longest: float = 1.0) -> Sequence[Ended]:
        """Return how the training of one seed of a setting went."""
        return self.get(f"{setting.name}, seed {seed}", lambda: [trained(setting, seed, longest)])


def laboratory(setting: Setting, seeds: int) -> list[Ended]:
    """Return how healthy trainings of the laboratory's trainer would have gone."""
    shapes = Shapes(n_steps=ROLLOUT, n_envs=ENVS, total_steps=STEPS)
    recipe = Recipe.of(shapes, seeds, **setting.changed)
    settings = model_settings(model_of(setting, 0), STEPS)
    runs = train_many(WORLDS[_WORLDS[setting.env]](seeds, ENVS), recipe, seed=1)
    # No recipe: the callback sees the logs and the settings of the model.
    kept = (replace(one.run, record={}, settings=settings) for one in runs)
    return [_judged(course_of_run(until_each_step(run), STEPS)) for run in kept]


def _judged(course: Sequence[At]) -> Ended:
    stopped = next((at.share for at in course if at.hopeless), None)
    causes = [at.standing.cause for at in course if at.standing.cause]
    return Ended(stopped, bool(causes), causes[-1] if causes else "")


def rate(hits: int, of: int) -> str:
    low, high = wilson_interval(hits, of)
    return f"{hits} of {of} ({low:.0%} to {high:.0%})"


def in_turns(kept: Results) -> list[list[Ended]]:
    """Return how healthy trainings of each environment went, the environments in turns: any part is of all of them."""
    found: list[list[Ended]] = [[] for _ in LEARNING]
    for seed in range(HEALTHY):
        for setting, ended in zip(LEARNING, found, strict=True):
            ended.extend(kept.of_seed(setting, seed))
    return found


def tables() -> Iterator[str]:
    """Yield the lines of the section of docs/watch.md, as they are measured."""
    kept = Results(KEPT, only_kept="--kept" in sys.argv)
    yield "| doomed training | stopped by 25 % | stopped after | cause named |"
    yield "|---|---|---|---|"
    early = count = 0
    for setting in DOOMED:
        found = [one for seed in range(SEEDS) for one in kept.of_seed(setting, seed, LONGEST)]
        hits = sum(one.stopped is not None and one.stopped <= WANTED for one in found)
        early, count = early + hits, count + len(found)
        when = ", ".join(f"not by {LONGEST:.0%}" if one.stopped is None else f"{one.stopped:.0%}" for one in found)
        causes = ", ".join(dict.fromkeys(one.cause or "none" for one in found))
        yield f"| {setting.name} | {hits} of {len(found)} | {when} | {causes} |"
    yield f"| all | {rate(early, count)} | | |"
    yield ""
    alone = kept.of_seed(DOOMED[0], 0, LONGEST)
    loaded = kept.get(f"{DOOMED[0].name}, under load", lambda: [under_load(DOOMED[0])])
    for one, other in zip(alone, loaded, strict=False):
        same = "the same step" if one.stopped == other.stopped else f"{other.stopped} of its steps, not {one.stopped}"
        yield f"Beside two processes that keep the machine busy, the first one is stopped at {same}."
        yield ""
    yield "| healthy trainings | stopped | ever warned about |"
    yield "|---|---|---|"
    of_many = [kept.get(f"{one.name} of the laboratory", lambda one=one: laboratory(one, HEALTHY)) for one in LEARNING]  # type: ignore[misc]
    for trainer, rows in (("the laboratory's trainer", of_many), ("Stable-Baselines3", in_turns(kept))):
        for setting, ended in zip(LEARNING, rows, strict=True):
            if not ended:
                continue
            stops, warned = sum(one.stopped is not None for one in ended), sum(one.warned for one in ended)
            yield f"| {setting.name} with {trainer} | {rate(stops, len(ended))} | {warned} of {len(ended)} |"
    yield ""
    today = kept.rules.count(judging_rules())
    others = sorted({rules for rules in kept.rules if rules != judging_rules()})
    rest = f" The others are of rules {', '.join(others)}." if others else ""
    yield f"{today} of {len(kept.rules)} results were measured by today's rules ({judging_rules()}).{rest}"
