"""Kinds of trainings that were once judged wrongly, drawn again: few points, few rows, and logs without an outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Run, Verdict
from tests.diagnosis.made_up_runs import CALM, first, noisy, run


@pytest.mark.parametrize(
    "curves", [{"approx_kl": (0.5, 5, 50, 300), "clip_fraction": (0.6, 0.8, 0.9)}, {"value_loss": (1, 1, 1e4, 1e9)}]
)
def test_logs_without_an_outcome_do_not_show_that_training_failed(curves: Mapping[str, Sequence[float]]) -> None:
    subject = diagnose_run(run(curves, points=30))
    assert subject.verdict is Verdict.SICK
    assert subject.summary.startswith("Errors, and no return is logged. Most likely cause:")


@pytest.mark.parametrize(("points", "words"), [(1, "1 logged point,"), (3, "3 logged points,")])
def test_a_single_point_is_one_point(points: int, words: str) -> None:
    assert words in diagnose_run(run({"episode_return": (10, 11)}, points=points)).summary


@pytest.mark.parametrize(("returns", "entropy"), [((17, 21, 19, 20), (0.693, 0.692)), ((-9, -11, -10), (0.69, 0.69))])
def test_a_handful_of_points_shows_nothing_yet(returns: Sequence[float], entropy: Sequence[float]) -> None:
    """A2C for 640 steps."""
    drawn = run({"episode_return": returns, "entropy": entropy, "value_loss": (9, 8)}, points=5, last_step=640)
    subject = diagnose_run(replace(drawn, algorithm="a2c"))
    assert (subject.verdict, first(subject)) == (Verdict.UNJUDGED, "too-short-to-judge")


@pytest.mark.parametrize("points", [6, 9])
def test_a_handful_of_points_shows_what_is_plain(points: int) -> None:
    curves = {"episode_return": (10, 12, 9, 11), "approx_kl": (0.0, 0.0), "clip_fraction": (0, 0)}
    assert diagnose_run(run(curves, points=points, last_step=640)).verdict is Verdict.SICK
    well = {"episode_return": (-300, -100, 150, 240), **CALM}
    assert diagnose_run(run(well, points=points, last_step=100_000)).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("count", [1, 3])
def test_a_return_of_too_few_points_is_not_said_to_be_missing(count: int) -> None:
    drawn = run({"approx_kl": (0.5, 5, 50, 300), "clip_fraction": (0.6, 0.8, 0.9)}, points=30)
    rare = run({"episode_return": (20, 21, 20)}, points=30).curves["episode_return"]
    cut = replace(rare, steps=rare.steps[:count], values=rare.values[:count])
    subject = diagnose_run(replace(drawn, curves={**drawn.curves, "episode_return": cut}))
    assert subject.summary.startswith("Errors, and too few points of the return to judge it. Most likely cause:")


def of_few_rows(plateau: float, start: float, reached: float, seed: int, rows: int = 12) -> Run:
    """Return a run that is at its level from the second row on, and on its way there, as a fraction, in the first."""
    returns = plateau + np.random.default_rng(seed).normal(0, 0.02 * abs(plateau - start), rows)
    returns[0] = start + reached * (plateau - start)
    converged = {
        "episode_return": returns.tolist(),
        "explained_variance": (0.85, 0.93, 0.95),
        "entropy": (0.5, 0.3, 0.2),
        "value_loss": (5, 4, 6, 5),
        "approx_kl": (0.006, 0.005, 0.004),
        "clip_fraction": (0.06, 0.05, 0.04),
    }
    drawn = run(converged, points=rows, last_step=1_000_000)
    return noisy(drawn, {"explained_variance": 0.02, "value_loss": 0.5}, seed)


@pytest.mark.parametrize("reached", [0.0, 0.3, 0.5, 0.7])
@pytest.mark.parametrize(("plateau", "start"), [(499, 20), (250, -180), (-150, -1200), (0.95, 0.05), (3000, 100)])
def test_what_is_learned_before_the_second_of_a_dozen_rows_is_no_fault(
    plateau: float, start: float, reached: float
) -> None:
    said = [diagnose_run(of_few_rows(plateau, start, reached, seed)) for seed in range(2)]
    assert {one.verdict for one in said} <= {Verdict.HEALTHY, Verdict.UNJUDGED}, said[0].summary
    assert reached > 0.3 or {one.verdict for one in said} == {Verdict.HEALTHY}


@pytest.mark.parametrize("level", [9.4, -500.0, -1200.0, 0.1])
@pytest.mark.parametrize("rows", [12, 20])
def test_a_dozen_rows_that_never_rose_are_not_healthy(level: float, rows: int) -> None:
    for seed in range(2):
        flat = of_few_rows(level, level * 1.001, 0.0, seed, rows)
        noise = np.random.default_rng(seed).normal(0, 0.02 * abs(level), rows)
        logged = flat.curves["episode_return"]
        drawn = replace(flat, curves={**flat.curves, "episode_return": replace(logged, values=level + noise)})
        assert diagnose_run(drawn).verdict in (Verdict.SICK, Verdict.SUSPECT)


@pytest.mark.parametrize("returns", [(-1.8, -1.7, -1.8, -1.75), (-20, -21, -20), (0.97, 0.96, 0.98)])
def test_a_flat_return_is_no_fault_where_the_task_is_solved(returns: Sequence[float]) -> None:
    curves = {
        "episode_return": returns,
        "success_rate": (0.97, 0.98, 0.97),
        "explained_variance": (0.85, 0.9, 0.92),
        "value_loss": (3, 2, 1.5),
        **CALM,
    }
    subject = diagnose_run(noisy(run(curves, points=12), {"success_rate": 0.01}))
    assert subject.verdict is Verdict.HEALTHY
    assert subject.summary == "The policy does what the task asks for."
