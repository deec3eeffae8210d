"""A robot that learns to walk, and what it logs as Isaac Lab and rsl_rl do: every array is one value an iteration."""

from __future__ import annotations

from collections.abc import Mapping
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
