"""Observations that do not show what the agent needs to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rldoctor.experiments.faults.fault import Env, Fault, Tampered


class _Remembered:
    """Keeps earlier arrays of each key."""

    def __init__(self, delay: int) -> None:
        self._delay = delay
        self._past: dict[str, list[Any]] = {}

    def frozen(self, key: str, value: Any, _first: bool) -> Any:
        """Return the first observation of the very first episode for ever."""
        return self._past.setdefault(key, [np.array(value)])[0]

    def delayed(self, key: str, value: Any, first: bool) -> Any:
        """Return what was seen ``delay`` steps ago; the episode's first observation until then."""
        if first:
            self._past[key] = []
        past = self._past[key]
        past.append(np.array(value))
        return past[max(0, len(past) - 1 - self._delay)]


def _goal_hidden(env: Env) -> Env:
    return Tampered(env, observation=lambda key, value, first: np.zeros_like(value) if key == "desired_goal" else value)


def _shuffled(env: Env) -> Env:
    random = np.random.default_rng(0)
    return Tampered(env, observation=lambda key, value, first: random.permutation(value))


def _noisy(scale: float) -> Callable[[Env], Env]:
    def wrap(env: Env) -> Env:
        random = np.random.default_rng(0)
        return Tampered(env, observation=lambda key, value, first: value + random.normal(0.0, scale, np.shape(value)))

    return wrap


def _nan_from(step: float) -> Callable[[Env], Env]:
    def wrap(env: Env) -> Env:
        seen = {"steps": 0}

        def change(key: str, value: Any, _first: bool) -> Any:
            seen["steps"] += key in ("", "observation")
            return np.full_like(value, np.nan) if seen["steps"] > step and key in ("", "observation") else value

        return Tampered(env, observation=change)

    return wrap


FAULTS = (
    Fault(
        "goal-hidden",
        "The policy does not see the goal.",
        ("goal-not-observed",),
        wrap=lambda _: _goal_hidden,
        only=("FetchReachDense-v4",),
    ),
    Fault(
        "observations-frozen",
        "Every observation is the first one.",
        ("observations-uninformative",),
        wrap=lambda _: lambda env: Tampered(env, observation=_Remembered(0).frozen),
    ),
    Fault(
        "observations-delayed",
        "Observations arrive late; the knob is the delay in steps.",
        # A delay between action and observation looks the same on either side.
        ("observations-uninformative", "actions-without-effect", "plateau-below-target"),
        {"mild": 5.0, "strong": 30.0},
        wrap=lambda k: lambda env: Tampered(env, observation=_Remembered(int(k)).delayed),
    ),
    Fault(
        "observations-shuffled",
        "The entries of each observation change places at every step.",
        ("observations-uninformative",),
        wrap=lambda _: _shuffled,
    ),
    Fault(
        "observations-noisy",
        "Noise drowns the observations; the knob is its standard deviation.",
        ("observations-uninformative", "plateau-below-target"),
        {"mild": 0.3, "strong": 10.0},
        wrap=_noisy,
    ),
    Fault(
        "observations-unscaled",
        "Observations come in a unit that makes them huge; the knob is the factor.",
        ("observations-unscaled",),
        {"mild": 100.0, "strong": 10_000.0},
        wrap=lambda k: lambda env: Tampered(env, observation=lambda key, value, first: value * k),
    ),
    Fault(
        "observations-tiny",
        "Observations come in a unit that makes them vanish; the knob is the factor.",
        ("observations-unscaled", "observations-uninformative"),
        {"mild": 1e-2, "strong": 1e-5},
        wrap=lambda k: lambda env: Tampered(env, observation=lambda key, value, first: value * k),
    ),
    Fault(
        "observations-nan",
        "From some step of each environment on (the knob) the observation is NaN.",
        ("non-finite-values",),
        {"early": 600.0, "late": 1_500.0},
        wrap=_nan_from,
    ),
)
