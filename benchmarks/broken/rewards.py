"""Rewards that say something else."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.broken.kinds import (
    ALL,
    DISCRETE,
    GOAL,
    PICTURE,
    PLAIN,
    VECTORS,
    Class,
    add,
    kind,
    rewards,
)

add("reward-constant", rewards(lambda env, r: 0.5), "reward-constant", bases=(PLAIN, GOAL))
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
