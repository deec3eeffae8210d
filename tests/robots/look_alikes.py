"""Twelve healthy trainings of legged robots that look like one of the faults of tests/robots/stories.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rldoctor.model import Run
from tests.robots.robot import pay, ramp, robot, run_of


def zero_weight(seed: int) -> Run:
    """Costs that are 0 throughout."""
    made = robot(seed)
    made.terms["undesired_contacts"] = np.zeros(made.n)
    made.terms["stand_still_penalty"] = np.zeros(made.n)
    return made.run()


def alive_outweighs(seed: int) -> Run:
    """Being alive is most of the reward while the tracking is learned."""
    made = robot(seed)
    made.terms["alive"] = 1.5 * made.up
    return made.run()


def air_time_rises(seed: int) -> Run:
    """Air time rises with the tracking."""
    made = robot(seed)
    made.terms["feet_air_time"] = made.up * 0.5 * made.skill * (1 + made.noise(0.05))
    return made.run()


def falls_at_first(seed: int) -> Run:
    """Every episode ends on the ground in the first third; some still do at the end."""
    made = robot(seed, skill=(0.3, 0.9))
    made.up = 0.02 + 0.75 * ramp(made.n, 0.25, 0.8)
    return pay(made).run()


def level_dips(seed: int) -> Run:
    """A short run: the level of terrain has fallen and begins to rise."""
    made = robot(seed, skill=(0.1, 0.95), n=300)
    start = float(made.rng.uniform(2.5, 3.5))
    made.level = np.clip(
        start * (1 - ramp(made.n, 0, 0.3)) + 0.3 + 0.4 * ramp(made.n, 0.7, 1) + made.noise(0.03), 0, None
    )
    return made.run()


def harder_and_harder(seed: int) -> Run:
    """The return gives way a little as the level rises."""
    made = robot(seed, skill=(0.02, 0.4))
    made.level = 0.2 + 5.5 * ramp(made.n, 0.2, 1.0) + made.noise(0.05)
    made.skill *= 1 - 0.12 * ramp(made.n, 0.4, 1.0)
    return pay(made).run()


def gentle_walker(seed: int) -> Run:
    """Small costs and full episodes, and it walks."""
    made = robot(seed)
    for name, value in made.terms.items():
        if name.endswith("_l2"):
            made.terms[name] = 0.25 * value
    return made.run()


def curious_and_learning(seed: int) -> Run:
    """Intrinsic reward beside a task that is learned."""
    made = robot(seed)
    tags = made.tags()
    raw = tags["Train/mean_reward"]
    wonder = 10 * (1 - 0.8 * ramp(made.n, 0, 1)) + made.noise(0.3)
    return run_of(
        {
            **tags,
            "Train/mean_reward": raw + wonder,
            "Rnd/mean_extrinsic_reward": raw,
            "Rnd/mean_intrinsic_reward": wonder,
        }
    )


def heavier_costs(seed: int) -> Run:
    """A curriculum raises the weight of a small cost twentyfold."""
    made = robot(seed)
    made.terms["action_rate_l2"] = 0.05 * made.terms["action_rate_l2"] * (1 + 19 * ramp(made.n, 0.5, 0.52))
    tags = made.tags()
    tags["Curriculum/action_rate_weight"] = -0.001 * (1 + 19 * ramp(made.n, 0.5, 0.52))
    return run_of(tags)


def std_bounces(seed: int) -> Run:
    """The standard deviation rises at first, and settles."""
    made = robot(seed)
    made.std = 0.9 + 0.25 * ramp(made.n, 0, 0.1) - 0.6 * ramp(made.n, 0.2, 1) + made.noise(0.02)
    return made.run()


def fixed_rate(seed: int) -> Run:
    """A constant learning rate, flat ground."""
    made = robot(seed, level=False)
    made.rate = np.full(made.n, 1e-3)
    return made.run()


def long_and_settled(seed: int) -> Run:
    """Has learned all in its first third."""
    made = robot(seed, skill=(0.02, 0.3), n=1500)
    return made.run()


LOOK_ALIKES: Mapping[str, Callable[[int], Run]] = {
    "zero-weight": zero_weight,
    "alive-outweighs": alive_outweighs,
    "air-time-rises": air_time_rises,
    "falls-at-first": falls_at_first,
    "level-dips": level_dips,
    "harder-and-harder": harder_and_harder,
    "gentle-walker": gentle_walker,
    "curious-and-learning": curious_and_learning,
    "heavier-costs": heavier_costs,
    "std-bounces": std_bounces,
    "fixed-rate": fixed_rate,
    "long-and-settled": long_and_settled,
}
