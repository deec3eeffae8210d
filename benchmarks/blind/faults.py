"""What is broken in the blind trainings, beside the faults of rldoctor.experiments.faults, and the causes that are right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np

from rldoctor.experiments import faults as laboratory
from rldoctor.experiments.faults.fault import Env, Tampered


@dataclass(frozen=True)
class Broken:
    """A fault as it is put into a training of Stable-Baselines3.

    Attributes:
        words: What is wrong.
        right: The diagnoses that are right, best first; empty where nothing is.
        settings: Overrides of the algorithm's settings.
        wrap: Around each environment.
        adjust: Changes the model after it is built.
        frozen_statistics: VecNormalize keeps the statistics of its start.
        normalize: Whether VecNormalize may stand between; a scale is no fault behind it.
    """

    words: str
    right: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    wrap: Callable[[Env], Env] = lambda env: env
    adjust: Callable[[Any], None] = lambda model: None
    frozen_statistics: bool = False
    normalize: bool = True


class PaidAtTheEnd(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Pays the rewards of an episode together at its end."""

    def reset(self, **options: Any) -> Any:
        self.owed = 0.0
        return self.env.reset(**options)

    def step(self, action: Any) -> Any:
        seen, reward, over, cut, info = self.env.step(action)
        self.owed += float(reward)
        return seen, self.owed if over or cut else 0.0, over, cut, info


def _flipped_at_random(env: Env) -> Env:
    chance = np.random.default_rng(0)
    if isinstance(env.action_space, gymnasium.spaces.Discrete):
        last = int(env.action_space.n) - 1
        return Tampered(env, action=lambda action: last - int(action) if chance.random() < 0.5 else int(action))
    return Tampered(env, action=lambda action: action * np.float32(chance.choice([-1, 1])))


def _of(name: str, severity: str = "full", **more: Any) -> Broken:
    """Return a fault of the laboratory as one of these."""
    fault = laboratory.find(name)
    knob = fault.knob(severity)
    pairs = [text.split("=") for text in fault.settings(knob)] if fault.settings else []
    settings: dict[str, Any] = {}
    for key, value in pairs:
        if key in ("learning_rate_schedule",):
            continue
        number = {"false": False, "true": True}.get(value)
        number = (
            (int(float(value)) if key in ("n_epochs", "batch_size") else float(value)) if number is None else number
        )
        if key == "log_std_init":
            settings["policy_kwargs"] = {"log_std_init": number}
        else:
            settings[key] = number
    wrap = fault.wrap(knob) if fault.wrap else (lambda env: env)
    adjust = fault.adjust(knob) if fault.adjust else (lambda model: None)
    return Broken(fault.breaks, fault.diagnoses, settings, wrap, adjust, **more)


FAULTS: Mapping[str, Broken] = {
    "healthy": Broken("", ()),
    "learning-rate-high": _of("learning-rate-high", "extreme"),
    "learning-rate-raised": _of("learning-rate-high", "strong"),
    "learning-rate-low": _of("learning-rate-low", "strong"),
    "clip-range-low": _of("clip-range-low", "mild"),
    "clip-range-high": _of("clip-range-high", "strong"),
    "epochs-many": _of("epochs-many", "mild"),
    "batch-small": _of("batch-small", "strong"),
    "gamma-zero": _of("gamma-zero", "strong"),
    "entropy-bonus": _of("entropy-bonus-high", "strong"),
    "critic-frozen": _of("critic-frozen"),
    "critic-not-trained": _of("value-loss-ignored"),
    "gradient-clipped": _of("gradient-clipped-away", "strong"),
    "exploration-dead": _of("exploration-dead", "strong"),
    "exploration-wild": _of("exploration-wild", "strong"),
    "policy-frozen": _of("policy-frozen"),
    "advantage-sign": _of("advantage-sign"),
    "advantages-shuffled": _of("advantages-shuffled"),
    "stale-data": _of("stale-data"),
    "reward-large": Broken(
        "the reward times 1e4",
        ("reward-scale-too-large",),
        wrap=lambda env: Tampered(env, reward=lambda reward, info, steps: reward * 1e4),
        normalize=False,
    ),
    "reward-small": _of("reward-times-small", "strong", normalize=False),
    "reward-sign": _of("reward-sign-flipped"),
    "reward-constant": _of("reward-constant", "minus-one"),
    "reward-noise": _of("reward-noise", "strong"),
    "reward-random": _of("reward-random"),
    "reward-at-the-end": Broken(
        "the rewards of an episode are paid together at its end",
        ("reward-uninformative", "sparse-reward", "plateau-below-target"),
        wrap=PaidAtTheEnd,
    ),
    "goal-hidden": _of("goal-hidden"),
    "observations-frozen": _of("observations-frozen"),
    "observations-shuffled": _of("observations-shuffled"),
    "observations-noisy": _of("observations-noisy", "strong"),
    "observations-delayed": _of("observations-delayed", "strong"),
    "observations-unscaled": _of("observations-unscaled", "strong", normalize=False),
    "statistics-frozen": Broken(
        "observations are in units of 1e3, and VecNormalize keeps the statistics of its start: all is clipped to 10",
        ("observations-unscaled", "observations-uninformative"),
        wrap=lambda env: Tampered(env, observation=lambda key, value, first: value * 1e3),
        frozen_statistics=True,
    ),
    "actions-ignored": _of("actions-ignored"),
    "actions-flipped": Broken(
        "each action is inverted with a probability of one half",
        ("actions-without-effect",),
        wrap=_flipped_at_random,
    ),
    "actions-delayed": _of("actions-delayed", "strong"),
    "actions-tiny": _of("actions-tiny", "strong"),
}
