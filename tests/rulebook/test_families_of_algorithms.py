"""Families of algorithms with weights of their own, and what the rules of off-policy methods look at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rldoctor.model import Curve, Run
from rldoctor.model.settings import Settings
from rldoctor.rulebook import Case, load_rulebook
from rldoctor.rulebook.applicable import applicable
from rldoctor.rulebook.detectors import DETECTORS
from rldoctor.rulebook.detectors.detector import Measured
from rldoctor.rulebook.observe import observe_all

STEPS = np.arange(1, 21) * 500


def run(algorithm: str, **curves: list[float]) -> Run:
    found = {}
    for name, values in curves.items():
        line = np.interp(np.linspace(0, 1, 20), np.linspace(0, 1, len(values)), values)
        found[name] = Curve(name, STEPS, line)
    return Run("x", "sb3", found, algorithm=algorithm)


def observed(detector: str, metric: str, case: Case, **keys: object) -> float:
    measured = DETECTORS[detector](metric=metric, thresholds=(0.0, 1.0), **keys).measure(case)
    assert isinstance(measured, Measured)
    return measured.observed


def test_a_family_is_judged_by_its_own_weights_and_others_as_before() -> None:
    book = load_rulebook()
    rules = {name: {rule.name: rule for rule in applicable(book, name).rules} for name in ("ppo", "sac")}
    weights = book.weights_of["off_policy"]
    assert rules["ppo"]["healthy"].weights == book.diagnoses["healthy"].weights
    assert rules["sac"]["healthy"].bias == weights["healthy"]["bias"]
    assert "target-network-frozen" not in rules["ppo"]
    # A fix of PPO's is not told to others.
    assert all("approx_kl" not in f"{rule.next_test}{rule.remedy}" for rule in rules["sac"].values())


def test_values_are_compared_with_what_the_rewards_allow() -> None:
    # 200 steps of -1: at a discount of 0.99 a hundred of them count.
    case = Case(run("td3", actor_loss=[50.0, 50.0], episode_return=[-200.0, -200.0], episode_length=[200.0, 200.0]))
    assert np.allclose(case.curves["value_per_return"].values, 0.5)
    assert "value_per_return" not in Case(run("ppo", actor_loss=[1.0], episode_return=[1.0])).curves


def test_when_a_curve_begins_and_where_it_leaps() -> None:
    late = Curve("loss", STEPS[15:], np.ones(5))
    case = Case(Run("x", "sb3", {"loss": late, "learning_rate": Curve("learning_rate", STEPS, np.ones(20))}))
    assert observed("begins", "loss", case) == STEPS[15] / STEPS[-1]
    rate = np.r_[np.linspace(1e-3, 1e-4, 10), np.full(10, 5e-4)]
    leaping = Case(Run("x", "sb3", {"learning_rate": Curve("learning_rate", STEPS, rate)}))
    # The middle one of the three rates before it is 2e-4.
    assert observed("leaps", "learning_rate", leaping) == rate[10] / rate[8]
    falling = Case(run("sac", learning_rate=[1e-3, 1e-4]))
    assert observed("leaps", "learning_rate", falling) < 1.0


def test_a_training_that_breaks_at_its_first_update_has_not_waited_long_and_states_its_rate_once() -> None:
    steps = np.array([100, 200, 300, 400, 500])
    returns = Curve("episode_return", steps, np.linspace(-600.0, -590.0, 5))
    found = {}
    for factor in (1, 100):
        rate = Curve("learning_rate", factor * steps[4:], np.array([1.0]))
        broken = Run("x", "sb3", {"episode_return": replace(returns, steps=factor * steps), "learning_rate": rate})
        seen = observe_all(load_rulebook(), Case(replace(broken, algorithm="sac")))[0]
        found[factor] = {item.sign.code: item.strength for item in seen}
    assert found[1]["UPD304"] == found[100]["UPD304"] == 1.0
    assert found[1]["UPD303"] == 0.0
    assert found[100]["UPD303"] == 1.0


@pytest.mark.parametrize(("stated", "late"), [(None, True), (6_000, True), (1_000, False), (0, False)])
def test_settings_refute_that_learning_starts_late(stated: int | None, late: bool) -> None:
    """The return and the speed alone: train/ was left out, or no update was made."""
    settings = None if stated is None else Settings(learning_starts=stated)
    silent = replace(run("sac", episode_return=[-600, -590], throughput=[900, 900]), settings=settings)
    found = {item.sign.code: item.strength for item in observe_all(load_rulebook(), Case(silent))[0]}
    assert (found.get("LOG404", 0.0) > 0) is late
