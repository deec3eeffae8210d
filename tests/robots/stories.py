"""Made-up trainings of legged robots, logged as Isaac Lab and rsl_rl do: eleven faults, one each, and a healthy one.

A story is a rough model of such a training (skill, falls, length of episodes, terms of the reward, a level of terrain),
drawn anew for each seed: its length, its noise and the sizes of its terms. None of it is made by the code under test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldoctor.logs.curves import to_curves
from rldoctor.logs.frameworks import identify, shipped_tag_mappings
from rldoctor.logs.read import _suite
from rldoctor.model import Run

Array = NDArray[np.float64]
LONGEST, SECONDS = 1000, 20.0


def ramp(n: int, start: float, stop: float) -> Array:
    """Return 0 until ``start``, 1 after ``stop``, both as fractions of the run, and an S between."""
    x = np.clip((np.linspace(0, 1, n) - start) / max(stop - start, 1e-9), 0, 1)
    return x * x * (3 - 2 * x)


@dataclass
class Robot:
    """A training under way: every array is one value an iteration."""

    rng: np.random.Generator
    n: int
    skill: Array
    """How well the command is tracked, 0 to 1."""
    up: Array
    """Fraction of the longest episode that it stays up."""
    activity: Array
    """How much it moves, 1 for walking."""
    level: Array | None = None
    terms: dict[str, Array] = field(default_factory=dict)
    extra: dict[str, Array] = field(default_factory=dict)
    std: Array = field(default_factory=lambda: np.zeros(0))
    value_loss: Array = field(default_factory=lambda: np.zeros(0))
    rate: Array = field(default_factory=lambda: np.zeros(0))
    shift: Array | None = None

    def noise(self, size: float, slow: float = 0.8) -> Array:
        """Return correlated noise with this standard deviation."""
        white = self.rng.normal(size=self.n)
        out = np.zeros(self.n)
        for i in range(1, self.n):
            out[i] = slow * out[i - 1] + np.sqrt(1 - slow**2) * white[i]
        return size * out

    def tags(self) -> dict[str, Array]:
        up = np.clip(self.up + self.noise(0.015), 0.01, 1.0)
        falls = np.clip(1.05 * (1 - up) ** 0.7 + self.noise(0.01), 0, 1)
        summed: Array = np.sum(list(self.terms.values()), axis=0)
        spread = 0.03 * np.abs(summed).mean() + 1e-6
        return {
            **{f"Episode_Reward/{name}": value for name, value in self.terms.items()},
            "Episode_Termination/time_out": 1 - falls,
            "Episode_Termination/base_contact": falls,
            **({"Curriculum/terrain_levels": self.level} if self.level is not None else {}),
            "Metrics/base_velocity/error_vel_xy": np.clip(1.2 - self.skill + self.noise(0.05), 0, None),
            "Loss/value_function": self.value_loss,
            "Loss/surrogate": -0.005 + self.noise(0.003, 0.0),
            "Loss/entropy": 12 * (1.419 + np.log(np.maximum(self.std, 1e-6))),
            "Loss/learning_rate": self.rate,
            "Policy/mean_noise_std": self.std,
            "Perf/total_fps": 90_000 + self.noise(2_000),
            "Perf/collection time": 1.0 + 0 * up,
            "Train/mean_reward": SECONDS * (summed + spread * self.noise(1.0, 0.5)),
            "Train/mean_episode_length": LONGEST * up,
            **self.extra,
        }

    def run(self) -> Run:
        return run_of(self.tags())


def run_of(tags: Mapping[str, Array], framework: str = "rsl_rl") -> Run:
    """Return the run that has logged these tags, one value an iteration, as reading its files gives it."""
    steps = {tag: np.arange(len(values), dtype=np.int64) for tag, values in tags.items()}
    found = identify(tags, shipped_tag_mappings())
    assert found is not None
    assert found.mapping.framework == framework
    mappings = [m for m in shipped_tag_mappings() if m.supplement or m is found.mapping]
    curves, unknown = to_curves({tag: (steps[tag], np.asarray(v, float)) for tag, v in tags.items()}, mappings)
    algorithm = found.mapping.algorithm(tags)
    return Run(
        *("made-up", framework, curves, tuple(unknown)),
        algorithm=algorithm, step_axis=found.mapping.step_axis, suite=_suite(curves, mappings),
    )  # fmt: skip


def robot(seed: int, skill: tuple[float, float] | None = (0.05, 0.6), level: bool = True, n: int = 0) -> Robot:
    """Return a healthy robot: it learns to stay up, then to walk, and climbs the terrain."""
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(300, 1500))
    jitter = float(rng.uniform(-0.03, 0.06))
    up = 0.02 + 0.95 * ramp(n, 0.0, 0.3 + jitter)
    able = ramp(n, skill[0], skill[1] + jitter) if skill else np.zeros(n)
    made = Robot(rng, n, able, up, 0.15 + 0.85 * able)
    if level:
        start = float(rng.uniform(2.5, 3.5))
        top = float(rng.uniform(4.5, 5.8))
        made.level = np.clip(
            start * (1 - ramp(n, 0, 0.15)) + top * ramp(n, 0.2, 0.85) + 0.2 + made.noise(0.06), 0, None
        )
    made.std = np.clip(1.0 - 0.6 * ramp(n, 0, 1) + made.noise(0.01), 0.05, None)
    made.rate = 10 ** np.clip(-3.2 + made.noise(0.35, 0.7), -5, -2)
    pay(made)
    return made


def pay(made: Robot) -> Robot:
    """Fill in the terms of the reward, and the critic's loss, for what the robot does."""
    rng, up = made.rng, made.up
    scale = float(rng.uniform(0.8, 1.3))
    gentle = 1 + made.noise(0.05)
    made.terms = {
        "track_lin_vel_xy_exp": scale * up * (0.12 + 0.78 * made.skill) * gentle,
        "track_ang_vel_z_exp": 0.5 * scale * up * (0.15 + 0.7 * made.skill) * gentle,
        "lin_vel_z_l2": -up * (0.03 + 0.05 * made.activity) * (1 + made.noise(0.1)),
        "ang_vel_xy_l2": -up * (0.02 + 0.05 * made.activity) * (1 + made.noise(0.1)),
        "dof_torques_l2": -up * (0.01 + 0.05 * made.activity) * (1 + made.noise(0.1)),
        "dof_acc_l2": -up * (0.02 + 0.06 * made.activity) * (1 + made.noise(0.1)),
        "action_rate_l2": -up * (0.01 + 0.06 * made.activity) * (1 + made.noise(0.1)),
        "feet_air_time": up * (-0.01 + 0.06 * made.skill) * (1 + made.noise(0.1)),
        "flat_orientation_l2": np.zeros(made.n),
        "dof_pos_limits": np.zeros(made.n),
    }
    made.value_loss = np.abs(0.02 + 0.3 * ramp(made.n, 0, 0.2) * (1 - 0.7 * ramp(made.n, 0.3, 1))) * np.exp(
        made.noise(0.3)
    )
    return made


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
