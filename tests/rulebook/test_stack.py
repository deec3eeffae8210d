"""Signs say the same of a run whether it is looked at alone or together with others."""

from __future__ import annotations

import numpy as np
import pytest

from rldoctor import references
from rldoctor.model import Aggregation, Curve, Run
from rldoctor.rulebook import Case, load_rulebook
from rldoctor.rulebook.detectors.stack import stacked
from rldoctor.rulebook.observe import Evidence, observe_all, observe_many

POINTS = 40
TAGS = {
    "episode_return": (-12.0, 4.0),
    "episode_length": (40.0, 3.0),
    "success_rate": (0.5, 0.2),
    "approx_kl": (0.01, 0.004),
    "clip_fraction": (0.1, 0.05),
    "entropy": (-3.0, 0.5),
    "std": (0.8, 0.1),
    "explained_variance": (0.4, 0.3),
    "value_loss": (2.0, 1.5),
    "policy_loss": (-0.01, 0.01),
    "learning_rate": (3e-4, 0.0),
    "throughput": (900.0, 40.0),
    "term/reach": (0.4, 0.2),
    "term/effort": (-0.2, 0.1),
}
OF_EPISODES = ("episode_return", "episode_length", "success_rate")


def a_run(seed: int, points: int = POINTS, left_out: str = "") -> Run:
    """Return a run of random walks, on each of which other signs fire; every third one has values twice in a row."""
    draw = np.random.default_rng(seed)
    steps = 2048 * np.arange(1, points + 1)
    curves = {}
    for name, (middle, size) in TAGS.items():
        values = middle + size * np.cumsum(draw.normal(size=points)) / 4
        if name == "success_rate":
            values = values.clip(0, 1)
        if not seed % 3:
            values = np.repeat(values, 2)[:points]
        aggregation = Aggregation.WINDOW if name in OF_EPISODES else Aggregation.MEAN
        curves[name] = Curve(name, steps, values, f"tag/{name}", aggregation)
    curves.pop(left_out, None)
    return Run(f"run-{seed}", "sb3", curves, algorithm="ppo")


def cases() -> list[Case]:
    reference = references.load("fetch_reach_dense/quick")
    runs = [a_run(seed) for seed in range(12)]
    runs += [a_run(20, points=25), a_run(21, left_out="std"), a_run(22, left_out="episode_length")]
    return [Case(run, known, known is not None) for run in runs for known in (None, reference)]


def test_together_as_alone() -> None:
    book = load_rulebook()
    alone = [observe_all(book, case) for case in cases()]
    together = observe_many(book, cases())
    assert len({tuple(item.sign.code for item in seen if item.fires) for seen, _ in alone}) > len(alone) / 2
    for (seen, skipped), (seen_alone, skipped_alone) in zip(together, alone, strict=True):
        assert skipped == skipped_alone
        assert [item.sign.code for item in seen] == [item.sign.code for item in seen_alone]
        for item, other in zip(seen, seen_alone, strict=True):
            assert numbers(item) == pytest.approx(numbers(other), rel=1e-12, abs=1e-12, nan_ok=True), item.sign.code
            assert item.measured.subject == other.measured.subject


def numbers(item: Evidence) -> tuple[float, ...]:
    found = item.measured
    return item.strength, found.strength, found.observed, found.first_step, found.last_step


def test_runs_with_the_same_steps_and_the_same_reference_are_looked_at_together() -> None:
    groups = stacked(cases())
    assert sorted(place for group in groups for place in group) == list(range(30))
    # Two references times: most runs, those with repeated values, and three of other points or metrics.
    assert max(map(len, groups)) >= 8
    for group in groups:
        assert len({place % 2 for place in group}) == 1
