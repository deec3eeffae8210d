# ruff: noqa: E501
"""Environments of the kinds that Gymnasium's and Stable-Baselines3's tests of their own checkers use.

Each broken one has a single fault, and the names of findings of which one must name it. Healthy ones have none: no
finding of theirs may be an error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

MINUS_ONE_TO_ONE = spaces.Box(-1, 1, (2,), np.float32)


class Stub(gymnasium.Env):
    """A walk that answers to its actions, for any pair of spaces; parts of it can be replaced.

    The observation is drawn from its space by a generator that the seed and the actions drive.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, seen=MINUS_ONE_TO_ONE, taken=MINUS_ONE_TO_ONE, length=20, **replaced):
        self.observation_space, self.action_space, self.length = seen, taken, length
        self.replaced = replaced
        for name in ("metadata", "render_mode", "observation_space", "action_space", "seed", "close", "compute_reward"):
            if name in replaced:
                setattr(self, name, replaced[name])

    def look(self):
        sampled = self._copy
        sampled.seed(int(self.np_random.integers(2**31)) + self.moved)
        return sampled.sample()

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        from copy import deepcopy

        self._copy, self.count, self.moved = deepcopy(self.observation_space), 0, 0
        observation = self.look()
        return self.replaced["reset"](self, observation) if "reset" in self.replaced else (observation, {})

    def step(self, action):
        self.count += 1
        numbers = np.ravel(spaces.flatten(self.action_space, action)).astype(float)
        self.moved = int(1000 * abs(numbers @ np.arange(1.0, 1.0 + len(numbers)))) % 977
        result = (self.look(), float(self.moved) / 977, False, self.count >= self.length, {})
        return self.replaced["step"](self, *result) if "step" in self.replaced else result


def changed(space, **values):
    """Return a space whose attributes were changed after it was made, past what its constructor refuses."""
    for name, value in values.items():
        setattr(space, name, value)
    return space


def box(low, high, shape=(3,), dtype=np.float32):
    return spaces.Box(low, high, shape, dtype)


def raw_box(low, high):
    """A Box whose bounds its constructor might refuse."""
    return changed(box(-10, 10, np.shape(low)), low=np.asarray(low, np.float32), high=np.asarray(high, np.float32))


DICT = spaces.Dict({"a": box(-1, 1, (2,)), "b": spaces.Discrete(3)})
GRAPH = spaces.Graph(box(0, 1, (2,)), box(0, 1, (3,)))
SEQUENCE = spaces.Sequence(box(-1, 1, (1,)))
PICTURE = spaces.Box(0, 255, (40, 40, 3), np.uint8)


@dataclass(frozen=True)
class Case:
    make: Callable[[], Any]
    named: frozenset[str] = field(default_factory=frozenset)


def case(named: str, **replaced: Any) -> Case:
    return Case(partial(Stub, **replaced), frozenset(named.split()))


def _raises(*_):
    raise ZeroDivisionError("my own")


def _method(function):
    """A case with another signature of reset."""

    class Other(Stub):
        reset = function

    return Other


def _seeded_with_one(self, *, seed=None, options=None):
    return Stub.reset(self, seed=1)


def _never_seeded(self, *, seed=None, options=None):
    self._np_random = np.random.default_rng(0)
    return Stub.reset(self)


def _no_seed(self, options=None):
    return Stub.reset(self)


def _no_options(self, seed=None):
    return Stub.reset(self, seed=seed)


def _default_seed(self, *, seed=23, options=None):
    return Stub.reset(self, seed=seed)


def _old(self):
    return Stub.reset(self)[0]


def _return_info(self, seed=None, options=None, return_info=False):
    return Stub.reset(self, seed=seed)


def _global_random(self, observation, reward, terminated, truncated, info):
    return observation + 1e-3 * np.float32(np.random.normal()), reward, terminated, truncated, info


UNSUPPORTED = "observation-space-unsupported"
NO_ACTIONS = "action-space-unsupported"
INVALID = "observation-space-invalid"
NO_ACTION = "action-space-invalid"
UNUSUAL = "observation-space-unusual"
OUTSIDE = "observation-outside-space"
SHAPE = "observation-shape-wrong"
TYPE = "observation-type-wrong"
RESET = "reset-signature-wrong"
STEP = "step-signature-wrong"


def observed(place: str, value: Any, seen: Any = MINUS_ONE_TO_ONE) -> dict[str, Any]:
    """Replace the observation of every reset or step."""

    def reset(self, observation):
        return (value(observation) if callable(value) else value), {}

    def step(self, observation, *rest):
        return ((value(observation) if callable(value) else value), *rest)

    return {"seen": seen, place: reset if place == "reset" else step}


def without(key):
    return lambda observation: {name: value for name, value in observation.items() if name != key}


def stepping(place: int, value: Any) -> Callable[..., Any]:
    """Replace one of the five values of step."""
    return lambda self, *result: tuple(value if i == place else part for i, part in enumerate(result))


BROKEN: dict[str, Case] = {
    # Spaces that are none.
    "no observation space": case(INVALID, observation_space=None),
    "no action space": case(NO_ACTION, action_space=None),
    "observation space is a text": case(INVALID, seen="error"),
    "action space is a text": case(NO_ACTION, taken="error"),
    "observation low of another shape": case(INVALID, seen=changed(box(0, 1, (2,)), low=np.zeros(3, np.float32))),
    "observation high of another shape": case(INVALID, seen=changed(box(0, 1, (2,)), high=np.ones(3, np.float32))),
    "action low of another shape": case(NO_ACTION, taken=changed(box(0, 1, (2,)), low=np.zeros(3, np.float32))),
    "action high of another shape": case(NO_ACTION, taken=changed(box(0, 1, (2,)), high=np.ones(3, np.float32))),
    "observation Discrete below one": case(INVALID, seen=changed(spaces.Discrete(5), n=-1)),
    "action Discrete below one": case(NO_ACTION, taken=changed(spaces.Discrete(5), n=0)),
    "observation nvec negative": case(INVALID, seen=changed(spaces.MultiDiscrete([2, 2]), nvec=np.array([2, -1]))),
    "observation nvec shape": case(INVALID, seen=changed(spaces.MultiDiscrete([2, 2]), _shape=(2, 1, 2))),
    "action nvec shape": case(NO_ACTION, taken=changed(spaces.MultiDiscrete([2, 2]), _shape=(2, -1))),
    "observation MultiBinary shape": case(INVALID, seen=changed(spaces.MultiBinary((2, 2)), _shape=(2, -1))),
    "action MultiBinary shape": case(NO_ACTION, taken=changed(spaces.MultiBinary((2, 2)), _shape=(2, -1))),
    "empty observation Tuple": case(INVALID, seen=spaces.Tuple([])),
    "empty observation Dict": case(INVALID, seen=spaces.Dict()),
    "empty action Tuple": case(NO_ACTION, taken=spaces.Tuple([])),
    "empty action Dict": case(NO_ACTION, taken=spaces.Dict()),
    "observation bounds reversed": case(INVALID, seen=raw_box([1, 1], [0, 0])),
    "observation bounds equal": case(UNUSUAL, seen=box(0, 0)),
    # Spaces that SB3 does not take.
    "observation Tuple": case(UNSUPPORTED, seen=spaces.Tuple([spaces.Discrete(5), spaces.Discrete(10)])),
    "observation Tuple of unlike parts": case(UNSUPPORTED, seen=spaces.Tuple([spaces.Discrete(5), box(0, 1, (2,))])),
    "observation Dict in Dict": case(UNSUPPORTED, seen=spaces.Dict({"p": spaces.Dict({"x": spaces.Discrete(5)})})),
    "observation Tuple in Dict": case(UNSUPPORTED, seen=spaces.Dict({"p": spaces.Tuple([spaces.Discrete(5), PICTURE])})),
    "observation Graph": case(UNSUPPORTED, seen=GRAPH),
    "observation Graph in Dict": case(UNSUPPORTED, seen=spaces.Dict({"g": GRAPH})),
    "observation Sequence": case(UNSUPPORTED, seen=SEQUENCE),
    "observation Sequence in Dict": case(UNSUPPORTED, seen=spaces.Dict({"s": SEQUENCE})),
    "observation Sequence in Tuple": case(UNSUPPORTED, seen=spaces.Tuple([SEQUENCE])),
    "observation without dimensions": case(UNSUPPORTED, seen=spaces.Box(-1, 1, (), np.float32)),
    "observation OneOf": case(UNSUPPORTED, seen=spaces.OneOf([SEQUENCE, spaces.Discrete(3)])),
    "observation Text": case(UNSUPPORTED, seen=spaces.Text(5)),
    "observation MultiDiscrete of two dimensions": case(UNSUPPORTED, seen=spaces.MultiDiscrete([[4, 4], [2, 3]])),
    "observation Discrete from -1": case(UNSUPPORTED, seen=spaces.Discrete(3, start=-1)),
    "observation MultiDiscrete from 1": case(UNSUPPORTED, seen=spaces.MultiDiscrete([4, 4], start=[1, 0])),
    "observation Discrete from 1 in Dict": case(UNSUPPORTED, seen=spaces.Dict({"obs": spaces.Discrete(3, start=1)})),
    "small picture in Dict": case(UNSUPPORTED, seen=spaces.Dict({"img": spaces.Box(0, 255, (32, 32, 3), np.uint8)})),
    "action Dict": case(NO_ACTIONS, taken=spaces.Dict({"p": spaces.Discrete(2), "v": spaces.Discrete(2)})),
    "action Tuple": case(NO_ACTIONS, taken=spaces.Tuple([spaces.Discrete(2), spaces.Discrete(2)])),
    "action Sequence": case(NO_ACTIONS, taken=SEQUENCE),
    "action MultiDiscrete of two dimensions": case(NO_ACTIONS, taken=spaces.MultiDiscrete([[2], [2]])),
    "action MultiBinary of two dimensions": case(NO_ACTIONS, taken=spaces.MultiBinary([2, 3])),
    "action Discrete from -1": case(NO_ACTIONS, taken=spaces.Discrete(3, start=-1)),
    "action MultiDiscrete from 1": case(NO_ACTIONS, taken=spaces.MultiDiscrete([4, 4], start=[1, 0])),
    # Bounds of actions.
    "action bounds far apart": case("action-bounds-far-from-unit", taken=box(-1000, 1000)),
    "action bounds close": case("action-bounds-far-from-unit", taken=box(-0.01, 0.01)),
    "action bounds reversed": case("action-bounds-reversed", taken=raw_box([1, 1], [-1, -1])),
    "action bounds equal": case("action-bounds-equal", taken=box(1, 1)),
    "action bounds infinite": case("action-bounds-infinite", taken=box(-np.inf, 1)),
    "action bounds from 0": case("action-bounds-asymmetric", taken=box(0, 1)),
    # Pictures.
    "picture of int32": case(UNUSUAL, seen=spaces.Box(0, 255, (40, 40, 1), np.int32)),
    "picture of float32": case(UNUSUAL, seen=spaces.Box(0, 255, (40, 40, 3), np.float32)),
    "picture from 1": case(UNUSUAL, seen=spaces.Box(1, 255, (40, 40, 1), np.uint8)),
    "picture to 1": case(UNUSUAL, seen=spaces.Box(0, 1, (40, 40, 3), np.uint8)),
    "small picture": case(UNUSUAL, seen=spaces.Box(0, 255, (20, 20, 3), np.uint8)),
    "matrix": case(UNUSUAL, seen=box(0, 1, (5, 5))),
    # reset.
    "reset without seed": Case(_method(_no_seed), frozenset({RESET})),
    "reset without options": Case(_method(_no_options), frozenset({"reset-options-missing"})),
    "reset with a default seed": Case(_method(_default_seed), frozenset({"reset-seed-default"})),
    "reset of old gym": Case(_method(_old), frozenset({RESET})),
    "reset with return_info": Case(_method(_return_info), frozenset({"return-info-deprecated"})),
    "reset always with seed 1": Case(_method(_seeded_with_one), frozenset({"seed-replaced"})),
    "reset never seeds": Case(_method(_never_seeded), frozenset({"seed-ignored"})),
    "reset returns a list": case(RESET, reset=lambda self, seen: [seen, {}]),
    "reset returns three": case(RESET, reset=lambda self, seen: (1, 2, 3)),
    "reset returns the observation": case(RESET, reset=lambda self, seen: seen),
    "reset info is a list": case(RESET, reset=lambda self, seen: (seen, ["key", "value"])),
    "reset info is a set": case(RESET, reset=lambda self, seen: (seen, {1, 2})),
    "reset raises": case("reset-raises", reset=_raises),
    "a method seed": case("seed-method-unused", seed=lambda seed: None),
    # Observations of reset and of step.
    **{
        f"{what} in {place}": case(named, **observed(place, value, seen))
        for place in ("reset", "step")
        for what, named, value, seen in (
            ("observation above", OUTSIDE, lambda seen: seen + np.float32(3), MINUS_ONE_TO_ONE),
            ("observation below", OUTSIDE, lambda seen: seen - np.float32(3), MINUS_ONE_TO_ONE),
            ("observation of many dimensions above", OUTSIDE, lambda seen: seen + np.float32(4), box(-1, 2, (2, 3, 3, 1))),
            ("observation of float64", "observation-dtype-wrong", lambda seen: seen.astype(np.float64), MINUS_ONE_TO_ONE),
            ("observation of whole numbers", "observation-dtype-wrong", lambda seen: seen.astype(np.int64), MINUS_ONE_TO_ONE),
            ("observation of another shape", SHAPE, lambda seen: np.stack([seen, seen]), MINUS_ONE_TO_ONE),
            ("observation of another length", SHAPE, np.ones(3, np.float32), MINUS_ONE_TO_ONE),
            ("observation is a number", SHAPE, 1, MINUS_ONE_TO_ONE),
            ("observation is a list", TYPE, lambda seen: seen.tolist(), MINUS_ONE_TO_ONE),
            ("observation is None", TYPE, None, MINUS_ONE_TO_ONE),
            ("observation is a tuple", TYPE, lambda seen: (seen, False), MINUS_ONE_TO_ONE),
            ("MultiDiscrete of another shape", SHAPE, np.array([[2, 0]]), spaces.MultiDiscrete([3, 3])),
            ("MultiBinary of another shape", SHAPE, np.array([[1, 0, 0]], np.int8), spaces.MultiBinary(3)),
            ("Discrete beyond n", OUTSIDE, lambda seen: seen + 3, spaces.Discrete(2)),
            ("MultiDiscrete beyond nvec", OUTSIDE, lambda seen: seen + 3, spaces.MultiDiscrete([3, 3])),
            ("Dict without a key", "observation-key-missing", without("b"), DICT),
            ("Dict with one more key", "observation-key-undeclared", lambda seen: {**seen, "extra": None}, DICT),
            ("Dict with another key", "observation-key-missing", lambda seen: {"a": seen["a"], "c": 2}, DICT),
            ("Dict with another shape", SHAPE, lambda seen: {**seen, "a": np.ones((2, 2), np.float32)}, DICT),
            ("Dict is a set", TYPE, {1, 2, 3}, DICT),
            ("Dict is an array", TYPE, np.zeros(2, np.float32), DICT),
        )
    },
    # step.
    "step returns a text": case(STEP, step=lambda self, *result: "error"),
    "step returns three": case(STEP, step=lambda self, *result: (1, 2, 3)),
    "step returns four": case("four-value-step", step=lambda self, seen, reward, end, cut, info: (seen, reward, end, info)),
    "step without info": case("four-value-step", step=lambda self, *result: result[:4]),
    "step returns a list": case(STEP, step=lambda self, *result: list(result)),
    "step raises": case("step-raises", step=_raises),
    "step calls sys.exit": case("step-raises", step=lambda *_: sys.exit(3)),
    "step calls os._exit": case("step-raises", step=lambda *_: os._exit(3)),
    "reset calls sys.exit": case("reset-raises", reset=lambda *_: sys.exit("stop")),
    "step raises later": case("environment-raises", step=lambda self, *r: _raises() if self.count > 12 else r),
    "the constructor raises": Case(_raises, frozenset({"environment-broken"})),
    "reward is a text": case(STEP, step=stepping(1, "error")),
    "reward is None": case(STEP, step=stepping(1, None)),
    "reward is an array": case("reward-not-scalar", step=stepping(1, np.ones(1))),
    "reward is two numbers": case(STEP, step=stepping(1, np.ones(2))),
    "reward is NaN": case("reward-not-finite", step=stepping(1, np.nan)),
    "reward is infinite": case("reward-not-finite", step=stepping(1, np.inf)),
    "terminated is a text": case(STEP, step=stepping(2, "error")),
    "terminated is 3.0": case(STEP, step=stepping(2, 3.0)),
    "terminated is 1": case("flag-not-boolean", step=stepping(2, 1)),
    "truncated is a text": case(STEP, step=stepping(3, "error")),
    "truncated is 1.0": case("flag-not-boolean", step=stepping(3, 1.0)),
    "info is a text": case(STEP, step=stepping(4, "error")),
    "info is None": case(STEP, step=stepping(4, None)),
    "observation from global random numbers": case(
        "generator-not-seeded", step=_global_random, seen=box(-9, 9, (2,))
    ),
    "reward from global random numbers": case(
        "generator-not-seeded", step=lambda self, *r: (r[0], np.random.normal(), *r[2:])
    ),
    # The rest.
    "close raises": case("close-raises", close=_raises),
    "render modes are None": case("render-modes-wrong", metadata={"render_modes": None}),
    "render modes are a text": case("render-modes-wrong", metadata={"render_modes": "Testing mode"}),
    "a render mode is a number": case("render-modes-wrong", metadata={"render_modes": ["human", 1], "render_fps": 1}),
    "metadata is None": case("render-modes-wrong", metadata=None),
    "no render fps": case("render-fps-wrong", metadata={"render_modes": ["human"], "render_fps": None}),
    "render fps is a text": case("render-fps-wrong", metadata={"render_modes": ["human"], "render_fps": "fps"}),
    "render mode and no modes": case("render-mode-undeclared", metadata={"render_modes": []}, render_mode="Test"),
    "render mode of others": case(
        "render-mode-undeclared", metadata={"render_modes": ["human"], "render_fps": 30}, render_mode="ansi"
    ),
    "not an environment": Case(lambda: "Error", frozenset({"environment-broken"})),  # type: ignore[arg-type,return-value]
    "a vector environment": Case(lambda: gymnasium.vector.SyncVectorEnv([Stub, Stub]), frozenset({"environment-broken"})),
}  # fmt: skip


TRAINABLE: dict[str, tuple[Any, Any]] = {
    "Box": (box(-1, 1), MINUS_ONE_TO_ONE),
    "Box of float64": (spaces.Box(-1, 1, (2,), np.float64), spaces.Box(-1, 1, (2,), np.float64)),
    "Box of whole numbers": (spaces.Box(-5, 5, (2,), np.int32), spaces.Box(-2, 2, (2,), np.int32)),
    "actions without dimensions": (box(-1, 1), spaces.Box(-1, 1, (), np.float32)),
    "Box of many dimensions": (box(-1, 1, (2, 3)), box(-1, 1, (2, 2))),
    "Discrete": (spaces.Discrete(7), spaces.Discrete(3)),
    "Discrete of one": (spaces.Discrete(4), spaces.Discrete(2)),
    "MultiDiscrete": (spaces.MultiDiscrete([3, 4]), spaces.MultiDiscrete([2, 3])),
    "MultiBinary": (spaces.MultiBinary(5), spaces.MultiBinary(3)),
    "MultiBinary of two dimensions": (spaces.MultiBinary((3, 2)), MINUS_ONE_TO_ONE),
    "picture, channels last": (PICTURE, spaces.Discrete(3)),
    "picture, channels first": (spaces.Box(0, 255, (3, 40, 40), np.uint8), spaces.Discrete(3)),
    "picture of one channel": (spaces.Box(0, 255, (40, 40, 1), np.uint8), MINUS_ONE_TO_ONE),
    "small picture": (spaces.Box(0, 255, (8, 8, 3), np.uint8), spaces.Discrete(3)),
    "Dict": (DICT, spaces.Discrete(3)),
    "Dict with a picture": (spaces.Dict({"img": PICTURE, "vec": box(-1, 1)}), spaces.MultiDiscrete([2, 2])),
    "Dict of discrete parts": (
        spaces.Dict({"m": spaces.MultiDiscrete([3, 2]), "b": spaces.MultiBinary(3), "d": spaces.Discrete(4)}),
        spaces.MultiBinary(2),
    ),
    "bounds that nearly agree": (box(-1, 1), spaces.Box(np.float32([-1, -1]), np.float32([1, 0.99]))),
}
"""Pairs of spaces for observations and actions that SB3 trains on."""


def _library(name: str, **arguments: Any) -> Callable[[], Any]:
    def make() -> Any:
        from stable_baselines3.common import envs

        return getattr(envs, name)(**arguments)

    return make


HEALTHY: dict[str, Callable[[], Any]] = {
    **{f"spaces: {name}": partial(Stub, seen, taken) for name, (seen, taken) in TRAINABLE.items()},
    "flags of NumPy": partial(Stub, step=lambda self, *r: (r[0], r[1], np.bool_(r[2]), np.bool_(r[3]), r[4])),
    "reward of NumPy": partial(Stub, step=lambda self, *r: (r[0], np.float32(r[1]), *r[2:])),
    "reward is a whole number": partial(Stub, step=lambda self, *r: (r[0], int(10 * r[1]), *r[2:])),
    "reset with kwargs": _method(lambda self, **options: Stub.reset(self, seed=options.get("seed"))),
    "prints": partial(Stub, step=lambda self, *r: (print("hello"), r)[1]),
    "episodes of one step": partial(Stub, length=1),
    "identity": _library("IdentityEnv", dim=2),
    "identity of a Box": _library("IdentityEnvBox"),
    "identity of MultiBinary": _library("IdentityEnvMultiBinary", dim=2),
    "identity of MultiDiscrete": _library("IdentityEnvMultiDiscrete", dim=2),
    "noise pictures": _library("FakeImageEnv"),
    "noise pictures for a Box": _library("FakeImageEnv", discrete=False),
    "several observations": _library("SimpleMultiObsEnv"),
    "several observations, random start": _library("SimpleMultiObsEnv", random_start=True, discrete_actions=False),
    "bit flipping": _library("BitFlippingEnv"),
    "bit flipping, continuous": _library("BitFlippingEnv", continuous=True),
    "bit flipping, discrete observations": _library("BitFlippingEnv", discrete_obs_space=True),
    "bit flipping, pictures": _library("BitFlippingEnv", image_obs_space=True, channel_first=True),
    "bit flipping, pictures, channels last": _library("BitFlippingEnv", image_obs_space=True, channel_first=False),
}
