"""Kinds of broken environments are named, healthy ones left in peace; docs/preflight-accuracy.md has them all."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from benchmarks.broken.bases import BASES, Point
from benchmarks.broken.faults import KINDS, Kind
from benchmarks.preflight_accuracy import HEALTHY, alarms, available, examine, examine_healthy, names_it
from rldoctor.model import Outcome, Severity, Verdict
from rldoctor.preflight.runner import run_preflight

# One or two of each theme; every second one of the others is slow. The command of docs/preflight-accuracy.md runs all
# of them, on their other bases too, and all public environments.
QUICK = {
    *("counter-not-reset", "generator-of-the-constructor", "reward-of-the-step", "reward-flipped-without-info"),
    *("success-where-it-is-far", "target-hidden", "observation-before-the-step", "actions-rounded"),
    "simulation-reset-in-mid-episode",
}
# Of the public environments of each package one in so many.
EVERY = 16


def case(kind: Kind):
    return pytest.param(kind, id=kind.name, marks=() if kind.name in QUICK else pytest.mark.slow)


@pytest.mark.parametrize("kind", [case(kind) for place, kind in enumerate(KINDS) if kind.name in QUICK or place % 2])
def test_the_fault_is_named(kind):
    result = examine(kind, kind.bases[0])
    assert names_it(kind, result), [(found.code, found.name, found.message) for found in result.findings]
    assert all(found.remedy for found in alarms(result))


def test_there_are_enough_kinds():
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 60
    assert {base for kind in KINDS for base in kind.bases} == BASES.keys()
    assert {kind.name for kind in KINDS} >= QUICK


@pytest.mark.parametrize("base", BASES)
def test_the_bases_are_healthy(base):
    result = examine(Kind("healthy", lambda healthy: healthy, (), (base,)), base)
    assert alarms(result) == []
    assert all(check.outcome is not Outcome.NOT_RUN for check in result.checks)


@pytest.mark.slow
@pytest.mark.parametrize("env_id", [env_id for ids in HEALTHY.values() for env_id in ids[::EVERY]])
def test_healthy_public_environments_are_left_in_peace(env_id):
    if not list(available((env_id,))):
        pytest.skip("its package is not installed")
    assert alarms(examine_healthy(env_id)) == []


def found_in(monkeypatch, env: type, **options):
    name = "rldoctor/Own-v0"
    monkeypatch.delitem(gymnasium.registry, name, raising=False)
    gymnasium.register(name, entry_point=env, max_episode_steps=options.pop("horizon", 50))
    return run_preflight(name, ignore=["SYS", "ENV113", "ENV601", "ENV501"], **options)


def test_what_outlives_the_episode_is_told_once_and_by_name(monkeypatch):
    """Not its consequences: that seeds differ, that all start alike, that an action has no effect."""

    class Slots(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(0, 5, (1,), np.float32)
        action_space = gymnasium.spaces.Discrete(3)

        def __init__(self):
            self.slots = 0

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return np.array([self.slots], np.float32), {}

        def step(self, action):
            self.slots = int(np.clip(self.slots + (0, 1, -1)[int(action)], 0, 5))
            return np.array([self.slots], np.float32), 100.0 * self.slots, True, False, {}

    result = found_in(monkeypatch, Slots)
    (finding,) = alarms(result)
    assert (finding.name, finding.severity) == ("state-outlives-episode", Severity.ERROR)
    assert "slots is" in finding.message
    assert "self.slots" in finding.remedy


def test_a_hidden_target_is_named_although_starts_differ(monkeypatch):
    """Starts are drawn at random, too, so that no two episodes look the same: the attribute is replaced to find out."""

    class Hidden(Point):
        observation_space = gymnasium.spaces.Box(-2.0, 2.0, (4,), np.float32)

        def look(self):
            return super().look()[:4]

    (finding,) = alarms(found_in(monkeypatch, Hidden))
    assert finding.name == "reward-needs-what-is-hidden"
    assert "self.target" in finding.message


def test_a_target_that_is_shown_in_other_words_is_not_hidden(monkeypatch):
    """As a difference, in other units, or cached at reset."""

    class Relative(Point):
        observation_space = gymnasium.spaces.Box(-4.0, 4.0, (6,), np.float32)

        def reset(self, **options):
            super().reset(**options)
            self.cached = 0.5 * self.target
            return self.look(), {}

        def look(self):
            shown = getattr(self, "cached", self.target)
            return np.concatenate([self.position, self.velocity, shown]).astype(np.float32)

    assert alarms(found_in(monkeypatch, Relative)) == []


def test_running_statistics_outlive_episodes_on_purpose(monkeypatch):
    result = found_in(monkeypatch, Point, wrap=gymnasium.wrappers.NormalizeObservation)
    assert not {"state-outlives-episode", "trajectory-not-reproducible"} & {found.name for found in result.findings}


def test_a_fixed_end_that_the_observation_shows_is_part_of_the_task(monkeypatch):
    class Rounds(Point):
        observation_space = gymnasium.spaces.Box(-2.0, 2.0, (7,), np.float32)

        def reset(self, **options):
            self.round = 0
            return super().reset(**options)

        def look(self):
            return np.append(super().look(), np.float32(self.round / 20))

        def step(self, action):
            self.round += 1
            observation, reward, _, truncated, info = super().step(action)
            return observation, reward, self.round == 20, truncated, info

    assert alarms(found_in(monkeypatch, Rounds, horizon=None)) == []


def test_distances_that_are_to_grow_and_parts_of_the_reward_are_no_errors(monkeypatch):
    class Runner(Point):
        def reward(self):
            return float(np.linalg.norm(self.position))

        def info(self):
            far = float(np.linalg.norm(self.position))
            return {"distance_from_origin": far, "reward_dist": -far, "distance_travelled": far}

    result = found_in(monkeypatch, Runner)
    assert "reward-rises-with-distance" not in {found.name for found in result.findings}
    assert result.verdict is Verdict.HEALTHY
