"""Trainings that were never run: episodes are drawn one by one, and logged as each library does, without rldoctor.

A training is two functions of its progress in [0, 1]: the mean return of an episode and its length. Episodes end in
environments side by side, so that rows hold what rows of real logs do: short episodes first, means over the last
hundred, values repeated until the next episode ends.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

Floats = NDArray[np.float64]
Progress = Callable[[float], float]
Table = dict[str, tuple[Floats, Floats]]
"""Tag to the steps and values of its points."""


def through(*points: float, at: Sequence[float] = ()) -> Progress:
    """Return a function of progress that passes through the points, evenly placed or ``at`` shares of the training."""
    places = at or np.linspace(0, 1, len(points))
    return lambda share: float(np.interp(share, places, points))


LONG = through(200)


@dataclass(frozen=True)
class Episodes:
    """Episodes in the order in which they ended: step of the end over all environments, return and length."""

    ends: Floats
    returns: Floats
    lengths: Floats


def play(
    returns: Progress,
    *,
    lengths: Progress = LONG,
    steps: int = 200_000,
    environments: int = 4,
    spread: float = 0.1,
    seed: int = 0,
) -> Episodes:
    """Draw the episodes of a training; ``spread`` is their standard deviation as a fraction of the range of returns."""
    rng = np.random.default_rng(seed)
    grid = [returns(share) for share in np.linspace(0, 1, 200)]
    noise = spread * max(max(grid) - min(grid), 0.05 * max(abs(v) for v in grid))
    found = []
    for _ in range(environments):
        at = 0.0
        while at < steps:
            length = max(1.0, round(lengths(at / steps)))
            at += length * environments
            if at <= steps:
                found.append((at + rng.random() * environments, returns(at / steps) + rng.normal(0, noise), length))
    ends, gained, took = np.array(sorted(found)).T
    return Episodes(ends, gained, took)


def rows(steps: int, every: int) -> Floats:
    """Return the steps of the rows of a log."""
    return np.arange(every, steps + 1, every, dtype=float)


def recent(played: Episodes, at: Floats, window: int = 100) -> tuple[Floats, Floats, Floats]:
    """Return rows from the first end on, and the mean return and length of the last episodes by each."""
    counts = np.searchsorted(played.ends, at, "right")
    kept = counts > 0
    parts = [slice(max(0, count - window), count) for count in counts[kept]]
    gained, took = (np.array([values[part].mean() for part in parts]) for values in (played.returns, played.lengths))
    return at[kept], gained, took


def wavering(progress: Progress, at: Floats, size: float, seed: int) -> tuple[Floats, Floats]:
    """Return a metric of updates at rows: the function of progress, times noise of this ``size`` in its logarithm."""
    rng = np.random.default_rng(seed)
    factor = np.exp(rng.normal(0, size, len(at)))
    return at, np.array([progress(step / at[-1]) for step in at]) * factor


# What a PPO that learns logs beside its return, by our names.
LEARNS: Mapping[str, Progress] = {
    "approx_kl": through(0.006, 0.009, 0.008, 0.006),
    "clip_fraction": through(0.05, 0.11, 0.1, 0.07),
    "entropy": through(2.8, 2.4, 2.0, 1.7),
    "explained_variance": through(0.05, 0.5, 0.75, 0.85),
    "value_loss": through(30, 22, 14, 9),
    "learning_rate": through(3e-4),
}
SB3 = {
    "return": "rollout/ep_rew_mean",
    "length": "rollout/ep_len_mean",
    "approx_kl": "train/approx_kl",
    "clip_fraction": "train/clip_fraction",
    "entropy": "train/entropy_loss",
    "explained_variance": "train/explained_variance",
    "value_loss": "train/value_loss",
    "learning_rate": "train/learning_rate",
    "std": "train/std",
    "loss": "train/loss",
    "critic_loss": "train/critic_loss",
    "actor_loss": "train/actor_loss",
    "ent_coef": "train/ent_coef",
    "exploration_rate": "rollout/exploration_rate",
    "clip_range": "train/clip_range",
}
RSL_RL = {
    "return": "Train/mean_reward",
    "length": "Train/mean_episode_length",
    "entropy": "Loss/entropy",
    "value_loss": "Loss/value_function",
    "learning_rate": "Loss/learning_rate",
    "std": "Policy/mean_noise_std",
    "policy_loss": "Loss/surrogate",
}
RL_GAMES = {
    "return": "rewards/step",
    "length": "episode_lengths/step",
    "approx_kl": "info/kl",
    "entropy": "losses/entropy",
    "value_loss": "losses/c_loss",
    "learning_rate": "info/last_lr",
    "clip_range": "info/e_clip",
    "policy_loss": "losses/a_loss",
}
SKRL = {
    "return": "Reward / Total reward (mean)",
    "length": "Episode / Total timesteps (mean)",
    "value_loss": "Loss / Value loss",
    "policy_loss": "Loss / Policy loss",
    "std": "Policy / Standard deviation",
    "learning_rate": "Learning / Learning rate",
}
CLEANRL = {
    "return": "charts/episodic_return",
    "length": "charts/episodic_length",
    "approx_kl": "losses/approx_kl",
    "clip_fraction": "losses/clipfrac",
    "entropy": "losses/entropy",
    "explained_variance": "losses/explained_variance",
    "value_loss": "losses/value_loss",
    "learning_rate": "charts/learning_rate",
}
TIANSHOU = {
    "return": "training/returns_stat/mean",
    "length": "training/lens_stat/mean",
    "entropy": "update/ent_loss/mean",
    "value_loss": "update/vf_loss/mean",
    "policy_loss": "update/actor_loss/mean",
}


def logged(
    played: Episodes,
    tags: Mapping[str, str],
    metrics: Mapping[str, Progress] = LEARNS,
    *,
    every: int = 2048,
    steps: int = 200_000,
    each_episode: bool = False,
    window: int = 100,
    noise: Mapping[str, float] | float = 0.15,
    seed: int = 0,
) -> Table:
    """Return what a library logs of a training: means over recent episodes, or each episode, and metrics of updates.

    Entropies are negated for the libraries that log them as losses. Tags are left out where the library has none.
    """
    at = rows(steps, every)
    if each_episode:
        when, gained, took = played.ends, played.returns, played.lengths
    else:
        when, gained, took = recent(played, at, window)
    found = {tags["return"]: (when, gained)}
    if "length" in tags:
        found[tags["length"]] = (when, took)
    for place, (name, progress) in enumerate(metrics.items()):
        if name not in tags:
            continue
        size = noise if isinstance(noise, float) else noise.get(name, 0.15)
        still = name in ("learning_rate", "explained_variance", "entropy", "std", "clip_range", "exploration_rate")
        points, values = wavering(progress, at, 0.0 if still else size, seed + place + 1)
        found[tags[name]] = (points, -values if tags[name] == "train/entropy_loss" else values)
    return found


def in_order(table: Table) -> Iterable[tuple[int, str, float]]:
    """Return the points of a table as they are logged: step, tag, value."""
    every = [
        (int(step), tag, float(value))
        for tag, (steps, values) in table.items()
        for step, value in zip(steps, values, strict=True)
    ]
    return sorted(every, key=lambda point: point[0])


def as_events(table: Table, folder: Path, begun: int = 1_700_000_000) -> Path:
    """Write a table as one event file; each point takes a tenth of a second."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"events.out.tfevents.{begun}.somewhere.7.0").open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=begun, file_version="brain.Event:2").SerializeToString())
        for place, (step, tag, value) in enumerate(in_order(table)):
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            writer.write(Event(wall_time=begun + place / 10, step=step, summary=summary).SerializeToString())
    return folder


def as_progress(table: Table, folder: Path, steps: str = "time/total_timesteps") -> Path:
    """Write a table as Stable-Baselines3's progress.csv: one row a step, empty cells where nothing was logged."""
    folder.mkdir(parents=True, exist_ok=True)
    cells: dict[int, dict[str, float]] = {}
    for step, tag, value in in_order(table):
        cells.setdefault(step, {})[tag] = value
    with (folder / "progress.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [steps, *table])
        writer.writeheader()
        for step, row in sorted(cells.items()):
            writer.writerow({steps: step, **row})
    return folder


def as_monitor(
    played: Episodes, path: Path, begun: float = 1_700_000_000.0, seconds: float = 600.0, offset: float = 0.0
) -> Path:
    """Write episodes as one monitor file of Stable-Baselines3, whose t begins ``offset`` seconds after its header's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = offset + seconds * played.ends / played.ends[-1]
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"#{json.dumps({'t_start': begun, 'env_id': 'Own-v0'})}\n")
        file.write("r,l,t\n")
        for gained, took, when in zip(played.returns, played.lengths, t, strict=True):
            file.write(f"{gained:.6f},{took:.0f},{when:.6f}\n")
    return path
