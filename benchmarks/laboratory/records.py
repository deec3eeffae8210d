"""What N trainings logged, and how their episodes truly went."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.corpus import without_doctor
from benchmarks.laboratory.interface import Recipe
from rldoctor.logs.curves import to_curves
from rldoctor.logs.frameworks import shipped_tag_mappings
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.model import Json, Run
from rldoctor.recipe import Recipe as ProductRecipe

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NUMBERS = (
    *("learning_rate", "gamma", "gae_lambda", "clip_range", "ent_coef", "vf_coef", "max_grad_norm"),
    *("target_kl", "log_std_init"),
)
# Of SB3's means over recent episodes (stats_window_size).
_WINDOW = 100


@dataclass(frozen=True)
class Episodes:
    """The finished episodes of one training below every fault, in the order in which they ended.

    Attributes:
        steps: Environment steps of the training when each ended, ``(n,)``.
        returns: Sum of its true rewards.
        lengths: In steps.
        successes: 1 or 0, whether its last step was a success; NaN where the environment has none.
    """

    steps: Ints
    returns: Floats
    lengths: Ints
    successes: Floats

    def window(self, begin: float, end: float) -> tuple[float, float, int]:
        """Return mean return, success rate and number of the episodes that ended in steps ``(begin, end]``."""
        inside = (self.steps > begin) & (self.steps <= end)
        return _mean(self.returns[inside]), _mean(self.successes[inside]), int(inside.sum())

    def last(self, episodes: int = _WINDOW) -> tuple[float, float]:
        """Return mean return and success rate of the last episodes; NaN where there is none."""
        return _mean(self.returns[-episodes:]), _mean(self.successes[-episodes:])


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan


@dataclass(frozen=True)
class Trained:
    """One training of a batch.

    Attributes:
        run: Its curves with what DoctorCallback logs, as reading its event files would give them.
        episodes: How it truly went.
        failed: SB3 would have raised: the policy became NaN.
    """

    run: Run
    episodes: Episodes
    failed: bool

    @property
    def plain(self) -> Run:
        """The run as it is without DoctorCallback."""
        return without_doctor(self.run)


class EpisodeLog:
    """Finished episodes of N trainings, collected from rollouts."""

    def __init__(self, n: int, n_envs: int) -> None:
        self._return, self._length = torch.zeros(n, n_envs, dtype=torch.float64), torch.zeros(n, n_envs)
        self._found: list[list[NDArray[np.float64]]] = [[] for _ in range(n)]
        self._tails: list[NDArray[np.float64]] = [np.empty((0, 3)) for _ in range(n)]

    def add(self, rewards: Tensor, dones: Tensor, successes: Tensor | None, begun: int) -> None:
        """Add a rollout ``(T, N, E)`` that began after ``begun`` environment steps."""
        ends, sums, lengths = [], [], []
        for reward, done in zip(rewards, dones, strict=True):
            self._return += reward
            self._length += 1
            if done.any():
                sums.append(self._return.clone())
                lengths.append(self._length.clone())
                self._return.masked_fill_(done, 0.0)
                self._length.masked_fill_(done, 0.0)
                ends.append(True)
            else:
                ends.append(False)
        if not sums:
            return
        chosen = torch.tensor(ends)
        which = dones[chosen].transpose(0, 1)
        n_envs = dones.shape[2]
        at = begun + n_envs * (torch.nonzero(chosen).flatten() + 1)
        reached = torch.full(which.shape, math.nan) if successes is None else successes[chosen].transpose(0, 1).float()
        columns = torch.stack(
            [
                at[None, :, None].expand(which.shape).double(),
                torch.stack(sums, 1),
                torch.stack(lengths, 1).double(),
                reached.double(),
            ],
            3,
        )
        counts = which.sum((1, 2)).tolist()
        for i, rows in enumerate(np.split(columns[which].numpy(), np.cumsum(counts)[:-1])):
            if len(rows):
                self._found[i].append(rows)
                self._tails[i] = np.concatenate([self._tails[i], rows[-_WINDOW:, 1:]])[-_WINDOW:]

    def recent(self) -> Floats:
        """Return mean return, length and success of the last hundred episodes, ``(N, 3)``; NaN without any."""
        # Monitor rounds returns to six places.
        return np.array(
            [tail.round(6).mean(axis=0) if len(tail) else np.full(3, math.nan) for tail in self._tails]
        ).reshape(-1, 3)

    def episodes(self, i: int) -> Episodes:
        """Return all episodes of one training."""
        rows = np.concatenate(self._found[i]) if self._found[i] else np.empty((0, 4))
        return Episodes(rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2].astype(np.int64), rows[:, 3])


@dataclass
class Scalars:
    """The dumps of SB3's logger, all trainings together: at each dump a tag has values ``(N,)``.

    Attributes:
        steps: Environment steps of each dump.
        values: Tag to dumps and values; NaN counts as logged unless the tag is in ``absent_nan``.
        absent_nan: Tags that are not logged where they are NaN.
        alone: Points between dumps by training: tag, step, value.
    """

    steps: list[int] = field(default_factory=list)
    values: dict[str, tuple[list[int], list[Tensor]]] = field(default_factory=dict)
    absent_nan: set[str] = field(default_factory=set)
    alone: dict[int, tuple[str, int, float]] = field(default_factory=dict)

    def dump(self, step: int, always: Mapping[str, Tensor], where_finite: Mapping[str, Tensor]) -> None:
        """Add a dump."""
        index = len(self.steps)
        self.steps.append(step)
        self.absent_nan |= set(where_finite)
        for tag, value in (*always.items(), *where_finite.items()):
            at, values = self.values.setdefault(tag, ([], []))
            at.append(index)
            values.append(value)

    def points(self, dumps: Sequence[int]) -> list[dict[str, tuple[Ints, Floats]]]:
        """Return what each training logged, by tag, in its first ``dumps`` dumps."""
        found: list[dict[str, tuple[Ints, Floats]]] = [{} for _ in dumps]
        steps = np.array(self.steps, np.int64)
        for tag, (at, values) in self.values.items():
            where = np.array(at)
            # Event files hold float32.
            table = torch.stack([value.float() for value in values]).numpy().astype(np.float64)
            for i, last in enumerate(dumps):
                keep = where < last
                if tag in self.absent_nan:
                    keep = keep & np.isfinite(table[:, i])
                if keep.any():
                    found[i][tag] = (steps[where[keep]], table[keep, i])
        for i, (tag, step, value) in self.alone.items():
            before, logged = found[i].get(tag, (np.empty(0, np.int64), np.empty(0)))
            place = int(np.searchsorted(before, step, side="right"))
            found[i][tag] = (np.insert(before, place, step), np.insert(logged, place, value))
        return found


@cache
def _mappings() -> list[TagMapping]:
    return [mapping for mapping in shipped_tag_mappings() if mapping.framework in ("sb3", "doctor")]


def run_of(
    name: str, points: Mapping[str, tuple[Ints, Floats]], recipe: Mapping[str, Json], seed: int, failed: bool
) -> Run:
    """Return a training as reading its directory would: curves and ``run.json``."""
    last = max((int(steps[-1]) for steps, _ in points.values()), default=0)
    record: dict[str, Json] = {"recipe": dict(recipe), "seed": seed, "steps": last}
    record["status"] = "failed" if failed else "finished"
    if failed:
        record["error"] = "ValueError: Expected parameter of distribution to satisfy a constraint, but found nan values"
    known = len(points)
    return Run(
        name, "sb3", to_curves(points, _mappings())[0], record=record, algorithm="ppo", tags_known=(known, known)
    )


def recipe_json(env: str, recipe: Recipe, i: int) -> dict[str, Json]:
    """Return the recipe of one training as ``run.json`` has it."""
    shapes = recipe.shapes
    numbers = {name: float(f"{float(getattr(recipe, name)[i]):.6g}") for name in _NUMBERS}
    settings: dict[str, object] = {
        "n_steps": shapes.n_steps,
        "batch_size": shapes.batch_size,
        "n_epochs": int(recipe.n_epochs[i]),
        "net_arch": list(shapes.net_arch),
        **{name: number for name, number in numbers.items() if math.isfinite(number)},
    }
    for name in ("learning_rate", "clip_range"):
        if getattr(recipe, f"{name}_linear")[i]:
            settings[f"{name}_schedule"] = "linear"
    if not recipe.normalize_advantage[i]:
        settings["normalize_advantage"] = False
    made = ProductRecipe(env, env, shapes.total_steps, shapes.n_envs, settings, log_interval=shapes.log_interval)
    return made.to_json()
