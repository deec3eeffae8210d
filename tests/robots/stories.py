"""Made-up trainings of legged robots, logged as Isaac Lab and rsl_rl do: eleven faults, one each, and a healthy one.

A story is a rough model of such a training (skill, falls, length of episodes, terms of the reward, a level of terrain),
drawn anew for each seed: its length, its noise and the sizes of its terms. None of it is made by the code under test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rldoctor.model import Run
from tests.robots.robot import Array, pay, ramp, robot, run_of

# --- twelve stories ---


def falling(seed: int) -> Run:
    """The base touches the ground in every episode: no tracking, no level."""
    made = robot(seed, skill=None)
    made.up = np.full(made.n, 0.02) + 0.004 * ramp(made.n, 0, 1)
    made.activity = np.ones(made.n)
    pay(made)
    for name in ("track_lin_vel_xy_exp", "track_ang_vel_z_exp"):
        made.terms[name] = 0.0002 + 0.0001 * made.rng.random(made.n)
    made.level = np.zeros(made.n)
    tags = made.tags()
    tags["Episode_Termination/base_contact"] = np.ones(made.n)
    tags["Episode_Termination/time_out"] = np.zeros(made.n)
    return run_of(tags)


def dead_term(seed: int) -> Run:
    """Turning is never paid: its term names a command that does not exist."""
    made = robot(seed)
    dead = ["track_ang_vel_z_exp", "feet_air_time", "track_lin_vel_xy_exp"][seed % 3]
    made.terms[dead] = np.zeros(made.n)
    if dead == "track_lin_vel_xy_exp":
        made.skill *= 0.3
    return made.run()


def dominant_term(seed: int) -> Run:
    """The cost of torques outweighs all else: it saves energy and does not walk."""
    made = robot(seed, skill=None, level=False)
    made.activity = 1 - 0.75 * ramp(made.n, 0.05, 0.6)
    pay(made)
    made.terms["dof_torques_l2"] = -made.up * (0.35 + 1.8 * made.activity) * (1 + made.noise(0.05))
    return made.run()


def hacked_shaping(seed: int) -> Run:
    """Air time of the feet is earned instead of walking."""
    made = robot(seed, skill=(0.02, 0.25), level=False)
    hack = ramp(made.n, 0.25, 0.9)
    made.skill = made.skill * (1 - 0.75 * hack)
    pay(made)
    made.terms["feet_air_time"] = made.up * (0.02 + 2.0 * hack) * (1 + made.noise(0.05))
    return made.run()


def stuck_curriculum(seed: int) -> Run:
    """Sent back to the lowest level and never up again."""
    made = robot(seed, skill=(0.02, 0.35))
    made.skill *= 0.45
    pay(made)
    start = float(made.rng.uniform(2.5, 4))
    made.level = np.clip(start * (1 - ramp(made.n, 0, 0.2)) + 0.25 + made.noise(0.03), 0, None)
    if seed % 2:
        made.level = np.zeros(made.n)
    return made.run()


def outrun_curriculum(seed: int) -> Run:
    """The level rises on a schedule, whatever the robot can do."""
    made = robot(seed, skill=(0.02, 0.3))
    hard = ramp(made.n, 0.3, 1.0)
    made.level = 0.2 + 8.5 * ramp(made.n, 0.05, 1.0) + made.noise(0.05)
    made.skill *= 1 - 0.75 * hard
    made.up *= 1 - 0.6 * hard
    return pay(made).run()


def standing_still(seed: int) -> Run:
    """Stays up to the end of every episode and does nothing."""
    made = robot(seed, skill=None, level=False)
    made.activity = 0.3 * (1 - ramp(made.n, 0.0, 0.5))
    pay(made)
    for name, value in made.terms.items():
        if not name.startswith("track"):
            made.terms[name] = value * (1 - 0.93 * ramp(made.n, 0.05, 0.5))
    made.terms["feet_air_time"] = -0.001 * made.up
    if seed % 2:
        made.terms["alive"] = 0.5 * made.up
    return made.run()


def curiosity(seed: int) -> Run:
    """What rises is the intrinsic reward of random network distillation."""
    made = robot(seed, skill=None, level=False)
    made.up = np.full(made.n, 0.97)
    made.activity = np.full(made.n, 0.8)
    pay(made)
    tags = made.tags()
    raw = tags["Train/mean_reward"]
    wonder = 60 * ramp(made.n, 0, 0.8) + made.noise(1.5)
    return run_of({
        **tags, "Train/mean_reward": raw + wonder,
        "Rnd/mean_extrinsic_reward": raw, "Rnd/mean_intrinsic_reward": wonder,
        "Rnd/weight": np.ones(made.n), "Loss/rnd": 0.1 + 0 * raw,
    })  # fmt: skip


def penalty_explosion(seed: int) -> Run:
    """The action rate runs away, then the critic, then the standard deviation; then all is NaN."""
    made = robot(seed)
    at = int(made.n * made.rng.uniform(0.7, 0.9))
    made.terms["action_rate_l2"] = grown(made.terms["action_rate_l2"], at, 1.6)
    made.value_loss = grown(made.value_loss, at + 3, 2.0)
    made.std = grown(made.std, at + 9, 1.15)
    return run_of(cut(made.tags(), at + 16, at + 14))


def std_nan(seed: int) -> Run:
    """The standard deviation is not a number from one iteration to the next, and all with it."""
    made = robot(seed)
    at = int(made.n * made.rng.uniform(0.5, 0.9))
    tags = made.tags()
    for tag in ("Policy/mean_noise_std", "Loss/entropy", "Loss/surrogate", "Loss/value_function"):
        tags[tag] = np.where(np.arange(made.n) >= at, np.nan, tags[tag])
    return run_of(cut(tags, at + 3, made.n))


def healthy(seed: int) -> Run:
    """A healthy robot."""
    return robot(seed).run()


def adaptive_rate(seed: int) -> Run:
    """A healthy robot whose adaptive learning rate touches 0.01, the highest it may be."""
    made = robot(seed)
    made.rate = 10 ** np.clip(-2.9 + made.noise(0.5, 0.6), -5, -2)
    return made.run()


def grown(values: Array, at: int, factor: float) -> Array:
    """Return values that grow by a factor each iteration from ``at`` on."""
    with np.errstate(over="ignore"):
        return values * factor ** np.clip(np.arange(len(values)) - at, 0, 300).astype(float)


def cut(tags: Mapping[str, Array], end: int, broken: int) -> dict[str, Array]:
    """Return tags that end at ``end``, those of the update not a number from ``broken`` on."""
    return {
        tag: np.where((np.arange(len(v)) >= broken) & tag.startswith(("Loss/value", "Loss/surr", "Policy")), np.nan, v)[
            :end
        ]
        for tag, v in tags.items()
    }


STORIES: Mapping[str, tuple[Callable[[int], Run], tuple[str, ...]]] = {
    "falling": (falling, ("episodes-end-in-failure",)),
    "dead-term": (dead_term, ("reward-term-dead",)),
    "dominant-term": (dominant_term, ("reward-term-dominates",)),
    "hacked-shaping": (hacked_shaping, ("shaping-exploited",)),
    "stuck-curriculum": (stuck_curriculum, ("curriculum-stuck",)),
    "outrun-curriculum": (outrun_curriculum, ("curriculum-outrun",)),
    "standing-still": (standing_still, ("stands-still",)),
    "curiosity": (curiosity, ("bonus-outweighs-task",)),
    "penalty-explosion": (penalty_explosion, ("penalty-explodes",)),
    "std-nan": (std_nan, ("non-finite-values",)),
    "adaptive-rate": (adaptive_rate, ()),
    "healthy": (healthy, ()),
}
"""Name to the story and the causes of which the first must be one; none where the run is healthy."""
