"""Actions that do not do what the policy thinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from rldoctor.experiments.faults.fault import Env, Fault, Tampered

_CONTINUOUS = ("FetchReachDense-v4", "Pendulum-v1")


def _ignored(env: Env) -> Env:
    if isinstance(env.action_space, gymnasium.spaces.Box):
        return Tampered(env, action=np.zeros_like)
    space = env.action_space
    space.seed(0)
    return Tampered(env, action=lambda action: space.sample())


def _shuffled(env: Env) -> Env:
    random = np.random.default_rng(0)
    return Tampered(env, action=lambda action: random.permutation(action))


def _delayed(steps: float) -> Callable[[Env], Env]:
    def wrap(env: Env) -> Env:
        waiting: list[Any] = []

        def change(action: Any) -> Any:
            waiting.append(action)
            return waiting.pop(0) if len(waiting) > steps else waiting[0]

        return Tampered(env, action=change)

    return wrap


def _one_axis_inverted(action: Any) -> Any:
    changed = np.array(action)
    changed[0] = -changed[0]
    return changed


FAULTS = (
    Fault(
        "actions-ignored",
        "The environment ignores the policy's actions.",
        ("actions-without-effect",),
        wrap=lambda _: _ignored,
    ),
    Fault(
        "actions-tiny",
        "Actions reach the environment scaled down; the knob is the factor.",
        ("actions-without-effect",),
        {"mild": 0.1, "strong": 0.01},
        wrap=lambda k: lambda env: Tampered(env, action=lambda action: action * np.float32(k)),
        only=_CONTINUOUS,
    ),
    Fault(
        "actions-shuffled",
        "The entries of each action change places at every step.",
        ("actions-without-effect",),
        wrap=lambda _: _shuffled,
        only=("FetchReachDense-v4",),
    ),
    Fault(
        "actions-delayed",
        "Actions take effect late; the knob is the delay in steps.",
        # A delay between action and observation looks the same on either side.
        ("actions-without-effect", "observations-uninformative", "plateau-below-target"),
        {"mild": 3.0, "strong": 20.0},
        wrap=_delayed,
    ),
    Fault(
        "actions-saturated",
        "Actions are scaled up so that nearly all of them are at the bound.",
        ("plateau-below-target", "actions-without-effect"),
        {"full": 1000.0},
        wrap=lambda k: lambda env: Tampered(env, action=lambda action: np.clip(action * k, -1, 1).astype(np.float32)),
        only=("FetchReachDense-v4",),
    ),
    Fault(
        "action-axis-inverted",
        "The first action entry has its sign flipped; PPO learns it anyway.",
        (),
        wrap=lambda _: lambda env: Tampered(env, action=_one_axis_inverted),
        only=_CONTINUOUS,
    ),
)
