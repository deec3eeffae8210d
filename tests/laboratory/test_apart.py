"""How far trainings lie from healthy ones, and which part of what is not found that explains."""

import numpy as np
import pytest

from benchmarks.laboratory import apart, explained
from benchmarks.laboratory.answers import Said
from benchmarks.laboratory.healthy import healthy_trainings, learned
from benchmarks.laboratory.kept import Kept
from benchmarks.laboratory.table import Table
from rldoctor.model import Curve, Run, Verdict


def test_what_lies_far_out_is_told_from_what_healthy_rows_show():
    random = np.random.default_rng(0)
    table = random.normal(5.0, 1.0, (60, 3))
    table[50:] = [5.0, 5.0, 60.0]
    table[59] = [5.0, np.nan, np.inf]
    found = apart.shares(table, np.arange(60) < 50)
    assert (found[50:] == 0.0).all()
    # A healthy row is compared with the others: one in twenty is among the farthest twentieth.
    assert (found[:50] <= explained.LEVEL).mean() == pytest.approx(0.05, abs=0.02)


def test_a_metric_that_few_healthy_rows_have_says_nothing():
    table = np.array([[1.0, np.nan]] * 20 + [[1.0, 99.0]])
    assert apart.shares(table, np.arange(21) < 20)[20] == 1.0


def test_metrics_are_taken_in_thirds_of_the_plan():
    steps = np.arange(100, 700, 100)
    run = Run("", "sb3", {"loss": Curve("loss", steps, np.array([1.0, 1.0, 3.0, np.nan, np.nan, np.inf]))})
    assert apart.features(run, 600) == {("loss", 0): 1.0, ("loss", 1): 3.0, ("loss", 2): float("inf")}


def test_the_outcome_is_told_apart_from_other_metrics():
    def training(number, entropy, gain):
        steps = np.arange(0, 90, 10)
        noise = 0.01 * np.sin(number + np.arange(9))
        curves = {
            "entropy": Curve("entropy", steps, entropy + noise),
            "episode_return": Curve("episode_return", steps, gain * steps + noise),
        }
        return Kept(Run("", "sb3", curves), {"environment": "wind", "steps": 90})

    healthy = [training(number, 1.0, 1.0) for number in range(20)]
    found = apart.of_all([*healthy, training(20, 1.0, -9.0), training(21, 9.0, 1.0)], [True] * 20 + [False] * 2)
    blind, plain = found[20]["plain"], found[21]["plain"]
    assert blind is not None and blind.anywhere <= 0.05 < blind.beside_outcome
    assert plain is not None and plain.anywhere <= 0.05 and plain.beside_outcome <= 0.05
    assert apart.of_all(healthy[:3], [True] * 3)[0]["plain"] is None


def test_harmed_trainings_are_counted_by_what_is_known_of_them():
    count = 6
    table = Table(
        (),
        np.zeros((count, 0), np.float32),
        np.arange(count),
        np.array(["wind"] * count),
        np.array(["plain"] * count),
        np.ones(count, np.float32),
        (("reward-noise",),) * 5 + ((),),
        (("reward-uninformative",),) * 5 + (("healthy",),),
        np.array([True] * 5 + [False]),
        np.array([False] * 5 + [True]),
    )
    told = Said(Verdict.SICK, ("reward-uninformative",), (0.9,), ())
    missed = Said(Verdict.HEALTHY, ("healthy",), (0.9,), ())
    known = {
        i: explained.Facts(lost, {"plain": anywhere}, {"plain": beside})
        for i, (lost, anywhere, beside) in enumerate(
            [(0.2, 0.5, 0.5), (0.4, 0.01, 0.5), (0.6, 0.0, 0.0), (2.0, 0.0, 0.0), (float("nan"), 0.0, 0.0), (0, 1, 1)]
        )
    }
    lines = explained.report(table, [missed, told, told, told, told, missed], known, "plain", "plain logs").splitlines()
    rows = dict(line.strip("| ").split(" | ", 1) for line in lines[2:])
    assert rows["all"] == "5 | 80.0% | 80.0% | 80.0%"
    assert rows["no metric stands out"] == "1 | 0.0% | 0.0% | 0.0%"
    assert rows["the outcome alone stands out"] == "1 | 100.0% | 100.0% | 100.0%"
    assert rows["a metric beside the outcome stands out"].startswith("3 | 100.0%")
    assert rows["harm that the outcome does not show"].startswith("1 | 100.0%")


def test_healthy_trainings_are_those_that_learned():
    def training(number, end):
        label = {
            "environment": "wind",
            "steps": 90,
            "failed": False,
            "returns": [0.0] * 5 + [end],
            "successes": [None] * 6,
        }
        return Kept(Run(str(number), "sb3", {}), label)

    made = [training(number, 1.0) for number in range(9)] + [training(9, 0.1)]
    assert [one.run.path for one in learned(made)] == [str(number) for number in range(9)]


def test_folder_without_batches_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="holds no batch"):
        healthy_trainings(tmp_path)
