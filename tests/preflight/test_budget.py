"""Preflight ends in time whatever the environment costs, and says what it did not run."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from rldoctor.model import Outcome, Verdict
from rldoctor.preflight import budget, measurements
from rldoctor.preflight.budget import Budget, OutOfTime
from rldoctor.preflight.checks.learning import baseline_policies
from rldoctor.preflight.checks.repeatability import fresh_and_used
from rldoctor.preflight.probes import long_play, metered, transcript
from rldoctor.preflight.runner import HANGS, OUT_OF_TIME, run_preflight


class Clock:
    """A clock that only the environment moves."""

    now = 0.0

    def monotonic(self):
        return self.now

    perf_counter = process_time = monotonic


class Slow(gymnasium.Env):
    """Walk on a line to 3; making, resetting and stepping take as long as they are told."""

    observation_space = gymnasium.spaces.Box(-9.0, 9.0, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)
    make_seconds = reset_seconds = step_seconds = 0.0
    clock = Clock()

    def __init__(self):
        self.clock.now += self.make_seconds

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.clock.now += self.reset_seconds
        self.x = float(self.np_random.uniform(-1, 1))
        return np.array([self.x], np.float32), {}

    def step(self, action):
        self.clock.now += self.step_seconds
        self.x = float(np.clip(self.x + (0.2 if action else -0.2), -9, 9))
        return np.array([self.x], np.float32), -abs(self.x - 3), False, False, {}


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    for module in (budget, measurements, metered, transcript, baseline_policies, fresh_and_used, long_play):
        monkeypatch.setattr(module, "time", found)
    monkeypatch.setattr(Slow, "clock", found)
    gymnasium.register("Slow-v0", entry_point=Slow, max_episode_steps=50)
    yield found
    gymnasium.registry.pop("Slow-v0")


@pytest.mark.parametrize(
    ("costs", "left_out"),
    [
        ({"step_seconds": 1e-4}, False),
        ({"step_seconds": 0.02}, False),
        ({"step_seconds": 0.03}, False),
        ({"step_seconds": 1.0}, True),
        ({"make_seconds": 8.0}, True),
        ({"reset_seconds": 1.5}, True),
        ({"make_seconds": 1.0, "reset_seconds": 0.5, "step_seconds": 0.1}, True),
    ],
)
def test_the_budget_holds(monkeypatch, clock, costs, left_out):
    for name, seconds in costs.items():
        monkeypatch.setattr(Slow, name, seconds)
    # The check in another process measures real time, which a busy machine stretches.
    result = run_preflight("Slow-v0", ignore=["SYS", "ENV113"])
    # The last call may end late; where signals can interrupt it, it does not.
    assert clock.now <= 20.0 + max(costs.values())
    missed = [check for check in result.checks if check.outcome is Outcome.NOT_RUN]
    assert bool(missed) == left_out
    assert {check.note for check in missed} <= {OUT_OF_TIME}
    # What was not examined is not called healthy.
    assert result.verdict is (Verdict.UNJUDGED if left_out else Verdict.HEALTHY)
    if left_out:
        assert next(check for check in result.checks if check.code == "ENV102").outcome is Outcome.PASSED


def test_slow_environments_play_fewer_baseline_episodes(monkeypatch, clock):
    played = []
    for seconds in (1e-3, 0.02, 0.2):
        monkeypatch.setattr(Slow, "step_seconds", seconds)
        baselines = run_preflight("Slow-v0", select=["ENV601"], measured={}).facts.get("baselines", {})
        played.append({name: found["n_episodes"] for name, found in baselines.items()})
    assert played == [{"zero_action": 20, "random": 20}, {"zero_action": 5, "random": 5}, {}]


def test_a_larger_budget_runs_more(monkeypatch, clock):
    monkeypatch.setattr(Slow, "step_seconds", 1.0)
    assert all(
        check.outcome is not Outcome.NOT_RUN for check in run_preflight("Slow-v0", ignore=["SYS"], budget=5_000).checks
    )


def test_a_step_that_hangs_is_interrupted(monkeypatch):
    def step(self, action):
        while True:
            pass

    monkeypatch.setattr(Slow, "step", step)
    gymnasium.register("Slow-v0", entry_point=Slow, max_episode_steps=50)
    result = run_preflight("Slow-v0", ignore=["SYS"], budget=0.3)
    gymnasium.registry.pop("Slow-v0")
    finding = next(found for found in result.findings if found.name == HANGS)
    assert finding.message.startswith("Step did not return within")
    assert result.verdict is Verdict.SICK


def test_shares_of_the_budget(clock):
    plenty = Budget(20.0)
    plenty.step_seconds = 0.01
    assert plenty.steps(50) == 50
    assert plenty.steps(500, plays=2) == 50
    assert Budget().steps(10**9) == 10**9
    clock.now = 19.99
    with pytest.raises(OutOfTime):
        plenty.steps(50, least=2)
    with pytest.raises(OutOfTime):
        plenty.require(1.0)
