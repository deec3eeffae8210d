"""Made-up patients: curves drawn through a few points, as Stable-Baselines3 would have logged them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rldoctor.model import Curve, Json, Run, RunDiagnosis

# The chapter's own run, seed 0, as measured with plain Stable-Baselines3: steps, then each metric at those steps.
CHAPTER_STEPS = (16_384, 49_152, 81_920, 114_688, 180_224, 245_760, 311_296, 376_832, 409_600, 507_904)
CHAPTER: Mapping[str, Sequence[float]] = {
    "success_rate": (0.03, 0.11, 0.44, 0.74, 0.84, 1.0, 1.0, 1.0, 1.0, 1.0),
    "episode_return": (-10.2, -5.6, -3.2, -2.3, -1.8, -1.4, -1.2, -1.0, -0.95, -0.84),
    "approx_kl": (0.0045, 0.016, 0.015, 0.011, 0.015, 0.017, 0.026, 0.025, 0.060, 0.080),
    "clip_fraction": (0.03, 0.12, 0.12, 0.12, 0.20, 0.23, 0.29, 0.33, 0.36, 0.41),
    "entropy": (5.67, 5.54, 5.31, 5.03, 4.58, 3.93, 3.24, 2.52, 2.16, 1.27),
    "std": (0.998, 0.962, 0.908, 0.850, 0.767, 0.663, 0.577, 0.506, 0.477, 0.414),
    "value_loss": (2.19, 0.36, 0.048, 0.025, 0.012, 0.0051, 0.0025, 0.0021, 0.0029, 0.0027),
    "explained_variance": (0.0, 0.08, 0.47, 0.66, 0.75, 0.60, 0.54, -0.02, 0.16, 0.72),
}


def run(
    curves: Mapping[str, Sequence[float]],
    *,
    points: int = 60,
    last_step: int = 500_000,
    steps: Sequence[int] = (),
    record: Mapping[str, Json] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Run:
    """Return a run whose curves pass through the given points; ``steps`` places them, evenly by default."""
    grid = np.linspace(last_step / points, last_step, points).astype(np.int64)
    drawn = {}
    for metric, values in {**curves, **{k: (v, v) for k, v in (constants or {}).items()}}.items():
        at = steps if len(steps) == len(values) else np.linspace(grid[0], grid[-1], len(values))
        drawn[metric] = Curve(metric, grid, np.interp(grid, at, values), tag=metric)
    return Run("somewhere/run", "sb3", drawn, record=record or {})


def chapter_run(**kwargs: object) -> Run:
    """Return the chapter's own healthy run."""
    constants = {"episode_length": 50.0, "learning_rate": 3e-4, "clip_range": 0.2, "throughput": 1300.0}
    return run(CHAPTER, steps=CHAPTER_STEPS, constants=constants)


CALM = {"approx_kl": (0.01, 0.012, 0.01), "clip_fraction": (0.1, 0.12, 0.1)}


def noisy(drawn: Run, sizes: Mapping[str, float], seed: int = 0) -> Run:
    """Return the run with noise of these standard deviations on its curves."""
    rng = np.random.default_rng(seed)
    curves = {
        name: Curve(name, c.steps, c.values + rng.normal(0, sizes.get(name, 0.0), len(c)), c.tag)
        for name, c in drawn.curves.items()
    }
    return replace(drawn, curves=curves)


def thinned(drawn: Run, every: int) -> Run:
    curves = {name: replace(c, steps=c.steps[::every], values=c.values[::every]) for name, c in drawn.curves.items()}
    return replace(drawn, curves=curves)


def first(subject: RunDiagnosis) -> str:
    return subject.diagnoses[0].name
