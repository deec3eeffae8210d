"""Kinds of faults, each made of a healthy environment, and the findings of which one must name it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from benchmarks.broken.bases import BASES

Class = type[Any]
PLAIN, GOAL, DISCRETE, PICTURE = "plain", "goal", "discrete", "picture"
VECTORS = (PLAIN, GOAL)
BOARDS = (DISCRETE, PICTURE)
ALL = (PLAIN, GOAL, DISCRETE, PICTURE)


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Attributes:
        name: In kebab-case.
        make: Makes a broken class of a healthy one.
        findings: Names of the findings of which one must be there.
        bases: Which healthy environments are broken this way.
        horizon: Time limit of the registration; ``None`` for none.
    """

    name: str
    make: Callable[[Class], Class]
    findings: tuple[str, ...]
    bases: tuple[str, ...]
    horizon: int | None = 50


KINDS: list[Kind] = []


def kind(
    *findings: str, bases: tuple[str, ...], horizon: int | None = 50
) -> Callable[[Callable[[Class], Class]], None]:
    """Add the decorated function to ``KINDS``."""

    def add(make: Callable[[Class], Class]) -> None:
        KINDS.append(Kind(make.__name__.replace("_", "-"), make, findings, bases, horizon))

    return add


def each(observation: Any, change: Callable[[Any], Any]) -> Any:
    """Return an observation with every array changed."""
    if isinstance(observation, dict):
        return {key: change(value) for key, value in observation.items()}
    return change(observation)


def looks(change: Callable[[Any, Any], Any]) -> Callable[[Class], Class]:
    """Return what makes a class that shows ``change(env, observation)``."""

    def make(base: Class) -> Class:
        return type("Broken", (base,), {"look": lambda self: change(self, base.look(self))})

    return make


def rewards(change: Callable[[Any, float], Any]) -> Callable[[Class], Class]:
    """Return what makes a class that gives ``change(env, reward)``; ``compute_reward`` does not know of it."""

    def make(base: Class) -> Class:
        def step(self: Any, action: Any) -> Any:
            self.steps = getattr(self, "steps", 0) + 1
            observation, reward, *rest = base.step(self, action)
            return observation, change(self, reward), *rest

        def reset(self: Any, **options: Any) -> Any:
            self.steps = 0
            return base.reset(self, **options)

        return type("Broken", (base,), {"step": step, "reset": reset})

    return make


def acts(change: Callable[[Any, Any], Any]) -> Callable[[Class], Class]:
    """Return what makes a class that moves by ``change(env, action)``."""

    def make(base: Class) -> Class:
        return type("Broken", (base,), {"move": lambda self, action: base.move(self, change(self, action))})

    return make


def ends(change: Callable[[Any, tuple[Any, ...]], tuple[Any, ...]]) -> Callable[[Class], Class]:
    """Return what makes a class whose step returns ``change(env, result)``."""

    def make(base: Class) -> Class:
        def step(self: Any, action: Any) -> Any:
            self.count = getattr(self, "count", 0) + 1
            return change(self, base.step(self, action))

        def reset(self: Any, **options: Any) -> Any:
            self.count = 0
            return base.reset(self, **options)

        return type("Broken", (base,), {"step": step, "reset": reset})

    return make


def add(
    name: str, make: Callable[[Class], Class], *findings: str, bases: tuple[str, ...], horizon: int | None = 50
) -> None:
    """Add a kind that one of the helpers makes."""
    KINDS.append(Kind(name, make, findings, bases, horizon))


# What is kept from episode to episode, or shared.
@kind("state-outlives-episode", bases=ALL)
def counter_not_reset(base: Class) -> Class:
    """Episodes end by a counter that no reset sets back."""

    class Broken(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.t = 0

        def step(self, action: Any) -> Any:
            self.t += 1
            observation, reward, over, _, info = super().step(action)
            return observation, reward, over, self.t >= 40, info

    return Broken


@kind("state-outlives-episode", bases=(PLAIN, DISCRETE))
def fuel_not_refilled(base: Class) -> Class:
    """The reward falls with every step ever made."""

    class Broken(base):  # type: ignore[misc]
        used = 0.0

        def reward(self) -> float:
            self.used += 0.01
            return float(super().reward() - self.used)

    return Broken


@kind("state-outlives-episode", bases=VECTORS)
def velocity_not_reset(base: Class) -> Class:
    """The point keeps its velocity."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            kept = getattr(self, "velocity", np.zeros(2))
            super().reset(**options)
            self.velocity = kept
            return self.look(), {}

    return Broken


@kind("environments-share-state", bases=(PLAIN, DISCRETE))
def attribute_of_the_class(base: Class) -> Class:
    """The position is an attribute of the class."""
    name = "position" if base is BASES[PLAIN] else "here"

    class Broken(base):  # type: ignore[misc]
        shared: Any = None

    def get(self: Any) -> Any:
        return Broken.shared

    def put(self: Any, value: Any) -> None:
        Broken.shared = value

    setattr(Broken, name, property(get, put))
    return Broken


@kind("global-random-state", bases=(PLAIN, DISCRETE))
def seeds_the_global_generator(base: Class) -> Class:
    """Reset seeds NumPy's global random numbers, step draws from them."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            if seed is not None:
                np.random.seed(seed)
            return super().reset(seed=seed)

        def reward(self) -> float:
            return float(super().reward() + 0.1 * np.random.rand())

    return Broken


@kind("trajectory-not-reproducible", bases=ALL)
def global_random_numbers(base: Class) -> Class:
    """Starts come from NumPy's global random numbers."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            super().reset(**options)
            if hasattr(self, "position"):
                self.position = np.random.uniform(-1, 1, 2)
            else:
                self.here = np.random.randint(2, 7, 2)
            return self.look(), {}

    return Broken


@kind("trajectory-not-reproducible", bases=(PLAIN, DISCRETE))
def generator_of_the_constructor(base: Class) -> Class:
    """A generator made once, with a fixed seed, draws the targets."""

    class Broken(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rng = np.random.default_rng(0)

        def reset(self, **options: Any) -> Any:
            super().reset(**options)
            self.target = self.rng.integers(0, 9, 2) if hasattr(self, "here") else self.rng.uniform(-1, 1, 2)
            return self.look(), {}

    return Broken


@kind("environments-differ", bases=(PLAIN, DISCRETE))
def drawn_in_the_constructor(base: Class) -> Class:
    """Every environment has a strength of its own."""

    class Broken(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.bonus = float(np.random.default_rng().uniform(1, 2))

        def reward(self) -> float:
            return float(super().reward() * self.bonus)

    return Broken


@kind("seed-replaced", "seed-without-effect", bases=ALL)
def seed_always_zero(base: Class) -> Class:
    """Reset seeds with 0 whatever it is given."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            return super().reset(seed=0)

    return Broken


add(
    "wall-clock-in-the-reward",
    rewards(lambda env, r: r + 1e-3 * (time.perf_counter() % 1)),
    "trajectory-not-reproducible",
    bases=ALL,
)
add(
    "noise-in-the-observation",
    looks(lambda env, o: each(o, lambda a: (a + np.random.normal(0, 0.01, a.shape)).astype(a.dtype))),
    "trajectory-not-reproducible",
    bases=VECTORS,
)

# Rewards.
add("reward-constant", rewards(lambda env, r: 0.5), "reward-constant", bases=(PICTURE, GOAL))
add("reward-nan", rewards(lambda env, r: float("nan")), "reward-not-finite", bases=ALL)
add(
    "reward-nan-now-and-then",
    rewards(lambda env, r: float("inf") if env.steps == 37 else r),
    "reward-not-finite",
    bases=VECTORS,
)
add(
    "reward-times-10000",
    rewards(lambda env, r: 1e4 * r),
    "reward-scale-too-large",
    "reward-differs-from-compute-reward",
    bases=ALL,
)
add(
    "reward-times-0.00001",
    rewards(lambda env, r: 1e-5 * r),
    "reward-scale-too-small",
    "reward-differs-from-compute-reward",
    bases=ALL,
)
add("reward-of-the-step", rewards(lambda env, r: -0.1 * env.steps), "reward-follows-the-step", bases=(PLAIN, PICTURE))
add(
    "reward-of-a-wave",
    rewards(lambda env, r: float(np.sin(env.steps))),
    "reward-follows-the-step",
    "reward-differs-from-compute-reward",
    bases=VECTORS,
)
add(
    "reward-drawn-at-random",
    rewards(lambda env, r: float(env.np_random.normal())),
    "reward-ignores-actions",
    "reward-noisy",
    bases=(PLAIN, PICTURE),
)
add(
    "reward-noisy",
    rewards(lambda env, r: r + float(env.np_random.normal())),
    "reward-noisy",
    "reward-differs-from-compute-reward",
    bases=(GOAL,),
)
add("reward-flipped", rewards(lambda env, r: -r), "reward-rises-with-distance", "reward-sign-flipped", bases=VECTORS)


@kind("reward-seems-flipped", bases=(PLAIN,))
def reward_flipped_without_info(base: Class) -> Class:
    """Plus the distance, and nothing in info says that it is one."""
    return type("Broken", (base,), {"reward": lambda self: self.distance, "info": lambda self: {}})


@kind("reward-late", bases=(PLAIN,))
def reward_one_step_late(base: Class) -> Class:
    """Each reward comes with the next step."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            self.owed = 0.0
            return super().reset(**options)

        def reward(self) -> float:
            owed, self.owed = self.owed, float(super().reward())
            return owed

    return Broken


@kind("reward-late", bases=(PLAIN, DISCRETE))
def reward_five_steps_late(base: Class) -> Class:
    """Each reward comes five steps later."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            self.owed = [0.0] * 5
            return super().reset(**options)

        def reward(self) -> float:
            self.owed.append(float(super().reward()))
            return float(self.owed.pop(0))

    return Broken


@kind("reward-differs-from-compute-reward", bases=(GOAL,))
def reward_one_step_late_with_goals(base: Class) -> Class:
    """The reward of the goals before the step."""

    class Broken(base):  # type: ignore[misc]
        def step(self, action: Any) -> Any:
            before = super().reward()
            observation, _, *rest = super().step(action)
            return observation, before, *rest

    return Broken


@kind("compute-reward-not-vectorised", bases=(GOAL,))
def compute_reward_of_one_goal(base: Class) -> Class:
    """The norm over everything instead of the last axis."""
    one = lambda self, achieved, desired, info: -float(np.linalg.norm(np.asarray(achieved) - desired))  # noqa: E731
    return type("Broken", (base,), {"compute_reward": one})


@kind("reward-unrelated-to-distance", "reward-differs-from-compute-reward", bases=(GOAL,))
def penalty_outweighs_the_distance(base: Class) -> Class:
    """The speed counts a hundred times as much as the distance."""
    slow = lambda self: base.reward(self) - 100 * float(np.abs(self.velocity).sum())  # noqa: E731
    return type("Broken", (base,), {"reward": slow})


@kind("success-punished", bases=(PLAIN,))
def success_costs(base: Class) -> Class:
    """Near the target the reward falls by 10."""
    near = lambda self: base.reward(self) - 10.0 * (self.distance < 0.8)  # noqa: E731
    return type("Broken", (base,), {"reward": near, "info": lambda self: {"success": self.distance < 0.8}})


@kind("success-far-away", bases=(PLAIN,))
def success_where_it_is_far(base: Class) -> Class:
    """The comparison is the wrong way round."""
    wrong = lambda self: {"distance": self.distance, "is_success": self.distance > NEARLY}  # noqa: E731
    return type("Broken", (base,), {"info": wrong})


NEARLY = 1.2


@kind("success-signal-wrong", bases=(GOAL,))
def success_never(base: Class) -> Class:
    """The flag is never set."""
    return type("Broken", (base,), {"info": lambda self: {"is_success": False}})


@kind("success-signal-wrong", "baseline-succeeds", bases=(GOAL,))
def success_always(base: Class) -> Class:
    """The flag is always set."""
    return type("Broken", (base,), {"info": lambda self: {"is_success": True}})


@kind("success-signal-missing", bases=(GOAL,))
def success_missing(base: Class) -> Class:
    """No flag."""
    return type("Broken", (base,), {"info": lambda self: {}})


@kind("success-signal-misnamed", bases=ALL)
def success_under_another_name(base: Class) -> Class:
    """A flag that Stable-Baselines3 does not know."""
    return type("Broken", (base,), {"info": lambda self: {"goal_achieved": self.distance == 0}})


# Goals.
@kind("reward-needs-what-is-hidden", bases=(PLAIN, DISCRETE, PICTURE))
def target_hidden(base: Class) -> Class:
    """The observation does not show the target."""
    if base is BASES[PLAIN]:
        seen = lambda self: np.concatenate([self.position, self.velocity]).astype(np.float32)  # noqa: E731
        return type("Broken", (base,), {"look": seen, "observation_space": Box(-2.0, 2.0, (4,), np.float32)})
    if base is BASES[PICTURE]:

        def walker(self: Any) -> Any:
            picture = np.zeros((1, 36, 36), np.uint8)
            picture[0, 4 * self.here[0] : 4 * self.here[0] + 4, 4 * self.here[1] : 4 * self.here[1] + 4] = 255
            return picture

        return type("Broken", (base,), {"look": walker})
    space = gymnasium.spaces.MultiDiscrete([9, 9])
    return type("Broken", (base,), {"look": lambda self: self.here.copy(), "observation_space": space})


@kind("goal-not-observed", bases=(GOAL,))
def goal_always_zero(base: Class) -> Class:
    """desired_goal is zero."""

    class Broken(base):  # type: ignore[misc]
        @property
        def goal(self) -> Any:
            return self.target

        def look(self) -> Any:
            return {**super().look(), "desired_goal": np.zeros(2, np.float32)}

        def reward(self) -> float:
            return -self.distance

    return Broken


@kind("goal-never-changes", bases=(GOAL,))
def goal_fixed(base: Class) -> Class:
    """The same target in every episode."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            super().reset(**options)
            self.target = np.array([0.5, 0.5])
            return self.look(), {}

    return Broken


@kind("goal-unreachable", bases=(GOAL,))
def goal_out_of_reach(base: Class) -> Class:
    """Targets behind the wall."""

    class Broken(base):  # type: ignore[misc]
        observation_space = gymnasium.spaces.Dict(
            {key: Box(-9.0, 9.0, space.shape, np.float32) for key, space in base.observation_space.spaces.items()}
        )

        def reset(self, **options: Any) -> Any:
            super().reset(**options)
            self.target = self.target + 6.0
            return self.look(), {}

    return Broken


# Observations.
def _frozen(env: Any, observation: Any) -> Any:
    env.first = getattr(env, "first", observation)
    return env.first


add("observation-frozen", looks(_frozen), "state-outlives-episode", "observations-frozen", bases=ALL)
add(
    "observation-all-zeros",
    looks(lambda env, o: each(o, np.zeros_like)),
    "observations-frozen",
    "goal-not-observed",
    bases=ALL,
)
add(
    "observation-nan",
    looks(lambda env, o: each(o, lambda a: np.full_like(a, np.nan) if env.distance < 0.7 else a)),
    "observation-not-finite",
    bases=VECTORS,
)
add(
    "observation-times-1000",
    looks(lambda env, o: each(o, lambda a: a * np.float32(1000))),
    "observation-outside-space",
    "observations-too-large",
    bases=VECTORS,
)
add(
    "observation-outside-its-bounds",
    looks(lambda env, o: each(o, lambda a: a + np.float32(1.5))),
    "observation-outside-space",
    bases=VECTORS,
)
add(
    "observation-tiny",
    looks(lambda env, o: each(o, lambda a: a * np.float32(1e-5))),
    "observations-too-small",
    bases=VECTORS,
)
add(
    "observation-of-another-dtype",
    looks(lambda env, o: each(o, lambda a: a.astype(np.int64))),
    "observation-dtype-wrong",
    bases=VECTORS,
)
add(
    "observation-of-another-shape",
    looks(lambda env, o: each(o, lambda a: a[:-1])),
    "observation-shape-wrong",
    bases=ALL,
)
add(
    "key-frozen",
    looks(lambda env, o: {**o, "observation": np.ones(4, np.float32)}),
    "observation-part-frozen",
    bases=(GOAL,),
)
add(
    "key-missing",
    looks(lambda env, o: {k: v for k, v in o.items() if k != "observation"}),
    "observation-key-missing",
    bases=(GOAL,),
)
add(
    "velocities-and-target-frozen",
    looks(lambda env, o: np.concatenate([o[:2], np.zeros(4, np.float32)])),
    "observation-part-frozen",
    bases=(PLAIN,),
)
add(
    "picture-divided-by-255", looks(lambda env, o: (o / 255).astype(np.uint8)), "picture-scaled-twice", bases=(PICTURE,)
)
add("picture-black", looks(lambda env, o: o * np.uint8(0)), "observations-frozen", bases=(PICTURE,))


@kind("velocity-not-observed", bases=(PLAIN,))
def velocity_missing(base: Class) -> Class:
    """A heavy point whose velocity is not shown."""

    class Broken(base):  # type: ignore[misc]
        observation_space = Box(-2.0, 2.0, (4,), np.float32)

        def move(self, action: Any) -> None:
            self.velocity = 0.98 * self.velocity + 0.01 * action
            self.position = np.clip(self.position + self.velocity, -2, 2)

        def look(self) -> Any:
            return np.concatenate([self.position, self.target]).astype(np.float32)

    return Broken


@kind("observation-late", bases=(PLAIN, DISCRETE))
def observation_before_the_step(base: Class) -> Class:
    """The observation is taken before the simulation moves."""

    class Broken(base):  # type: ignore[misc]
        def step(self, action: Any) -> Any:
            before = self.look()
            return before, *super().step(action)[1:]

    return Broken


@kind("observation-changed-later", bases=(PLAIN,))
def observation_handed_out_itself(base: Class) -> Class:
    """Always the same array."""

    class Broken(base):  # type: ignore[misc]
        def look(self) -> Any:
            self.buffer = getattr(self, "buffer", np.zeros(6, np.float32))
            self.buffer[:] = super().look()
            return self.buffer

    return Broken


# Actions.
add("actions-ignored", acts(lambda env, a: 0 * a), "actions-without-effect", "nothing-changes", bases=ALL)
add("one-action-dead", acts(lambda env, a: a * np.array([1, 0])), "action-dimension-dead", bases=VECTORS)
add("actions-rounded", acts(lambda env, a: np.trunc(a)), "action-only-at-bounds", "nothing-changes", bases=VECTORS)
add("only-the-sign-counts", acts(lambda env, a: np.sign(a)), "action-saturates-early", bases=VECTORS)
add(
    "actions-shuffled-at-random",
    acts(lambda env, a: np.random.permutation(a)),
    "trajectory-not-reproducible",
    "same-action-other-effect",
    bases=VECTORS,
)
add("discrete-actions-random", acts(lambda env, a: np.random.randint(4)), "trajectory-not-reproducible", bases=BOARDS)


@kind("action-takes-effect-late", bases=(PLAIN, GOAL, DISCRETE))
def action_one_step_late(base: Class) -> Class:
    """Each action waits for the next step."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            self.waiting: Any = None
            return super().reset(**options)

        def move(self, action: Any) -> None:
            waiting, self.waiting = self.waiting, action
            super().move(action * 0 if waiting is None else waiting)

    return Broken


@kind("action-takes-effect-late", bases=(PLAIN, DISCRETE))
def action_three_steps_late(base: Class) -> Class:
    """A queue of three actions."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            self.queue: list[Any] = []
            return super().reset(**options)

        def move(self, action: Any) -> None:
            self.queue.append(action)
            super().move(self.queue.pop(0) if len(self.queue) > 3 else self.queue[0])

    return Broken


def bounds(low: float, high: float) -> Callable[[Class], Class]:
    """Return what makes a class with other bounds of its actions."""
    return lambda base: type("Broken", (base,), {"action_space": Box(low, high, (2,), np.float32)})


add("actions-unbounded", bounds(-np.inf, np.inf), "action-bounds-infinite", bases=VECTORS)
add("actions-to-100", bounds(-100, 100), "action-bounds-far-from-unit", bases=VECTORS)
add("actions-from-0-to-1", bounds(0, 1), "action-bounds-asymmetric", bases=VECTORS)
add(
    "clipped-far-inside",
    lambda base: acts(lambda env, a: np.clip(a, -1, 1))(bounds(-8, 8)(base)),
    "action-saturates-early",
    bases=VECTORS,
)

# Episodes.
add(
    "limit-terminates",
    ends(lambda env, r: (r[0], r[1], env.count >= 30, False, r[4])),
    "time-limit-terminates",
    bases=ALL,
    horizon=None,
)
add(
    "limit-terminates-after-600-steps",
    ends(lambda env, r: (r[0], r[1], env.count >= 600, False, r[4])),
    "time-limit-terminates",
    bases=(PLAIN, DISCRETE),
    horizon=None,
)
add(
    "registered-limit-terminates",
    ends(lambda env, r: (r[0], r[1], env.count >= 50, False, r[4])),
    "time-limit-terminates",
    bases=ALL,
)
add("ends-at-once", ends(lambda env, r: (r[0], r[1], True, False, r[4])), "episodes-of-one-step", bases=ALL)
add(
    "never-ends",
    ends(lambda env, r: (r[0], r[1], False, False, r[4])),
    "never-ends",
    bases=(PLAIN, GOAL, DISCRETE),
    horizon=None,
)
add("four-values", ends(lambda env, r: (r[0], r[1], r[2], r[4])), "four-value-step", bases=ALL)
add("reward-is-none", ends(lambda env, r: (r[0], None, *r[2:])), "step-signature-wrong", bases=ALL)
add("info-is-none", ends(lambda env, r: (*r[:4], None)), "step-signature-wrong", bases=ALL)
add("raises-after-30-steps", ends(lambda env, r: r if env.count < 30 else [][0]), "step-raises", bases=ALL)
add(
    "nan-after-400-steps",
    ends(
        lambda env, r: (
            each(r[0], lambda a: np.full_like(a, np.nan)) if env.count > 400 else r[0],
            r[1],
            False,
            False,
            r[4],
        )
    ),
    "observation-not-finite-later",
    bases=VECTORS,
    horizon=1000,
)
add(
    "reward-nan-after-400-steps",
    ends(lambda env, r: (r[0], float("nan") if env.count > 400 else r[1], False, False, r[4])),
    "reward-not-finite-later",
    bases=(PLAIN, PICTURE),
    horizon=1000,
)
add(
    "raises-after-400-steps",
    ends(lambda env, r: (*r[:2], False, False, r[4]) if env.count < 400 else [][0]),
    "step-raises-later",
    bases=(PLAIN, DISCRETE),
    horizon=1000,
)


@kind("grows-with-every-step", bases=(PLAIN,))
def history_kept(base: Class) -> Class:
    """Every observation is kept."""

    class Broken(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.history: list[Any] = []

        def look(self) -> Any:
            self.history.append(super().look())
            return self.history[-1].copy()

    return Broken


@kind("simulator-resets-itself", bases=(PLAIN,))
def simulation_reset_in_mid_episode(base: Class) -> Class:
    """A simulator with a clock that starts anew when the point is too fast."""

    class Data:
        time = 0.0

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            self.data = Data()
            return super().reset(**options)

        def move(self, action: Any) -> None:
            self.data.time += 0.02
            super().move(action)
            if np.abs(self.velocity).max() > 0.2:
                self.position, self.velocity, self.data.time = np.zeros(2), np.zeros(2), 0.0

    return Broken


SET_ORDER = "benchmarks.broken.faults:SetOrder-v0"
"""Another process can make it by this name; the others are registered where they are examined."""


class SetOrder(BASES[DISCRETE]):  # type: ignore[misc]
    """The first move depends on the order of a set of texts."""

    def move(self, action: int) -> None:
        """Walk in the direction that the set has in this place."""
        names = {"north", "east", "south", "west"}
        super().move(["north", "east", "south", "west"].index(list(names)[action]))


gymnasium.register("SetOrder-v0", entry_point=f"{__name__}:SetOrder", max_episode_steps=50)
KINDS.append(Kind("order-of-a-set", lambda base: SetOrder, ("processes-differ",), (DISCRETE,)))
KINDS[:] = [one for one in KINDS if one.bases]
