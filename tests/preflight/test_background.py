"""Preflight in another process: what arrives, and what happens when that process dies."""

from __future__ import annotations

import os
from types import SimpleNamespace

import gymnasium
import pytest

from rldoctor import machine
from rldoctor.errors import RldoctorError
from rldoctor.model import Verdict
from rldoctor.preflight import background as processes
from rldoctor.preflight.background import BackgroundPreflight, _baselines, _theirs, environment_checks
from rldoctor.preflight.check import Group
from rldoctor.preflight.runner import available_checks, run_preflight
from rldoctor.recipe import Recipe
from rldoctor.references import load_recipe


def ignore(done: int, total: int, name: str) -> None: ...


def test_a_process_that_dies_is_an_error_for_those_who_wait(tmp_path):
    with BackgroundPreflight(load_recipe("quick"), tmp_path, ignore) as background:
        background._process.kill()
        with pytest.raises(RldoctorError, match="ended before it was done"):
            background.result()
        with pytest.raises(RldoctorError, match="ended before it was done"):
            background.baselines()
    assert not background.failed.is_set()


@pytest.mark.slow
def test_findings_and_baselines_arrive(tmp_path):
    progress = []
    recipe = Recipe("small", "CartPole-v1", total_steps=1_024, n_envs=1, evaluation_episodes=100)
    with BackgroundPreflight(recipe, tmp_path, lambda *values: progress.append(values)) as background:
        result = background.result()
        assert result.verdict is not Verdict.SICK
        assert background.baselines() == result.facts["baselines"], "nothing is played twice"
    assert progress[-1][:2] == (len(result.checks), len(result.checks))
    assert "baseline-policies" in {name for _, _, name in progress}


def test_baselines_that_preflight_played_too_few_episodes_of_are_played_again():
    recipe = Recipe("small", "CartPole-v1", total_steps=1_024, n_envs=1, evaluation_episodes=25)
    for episodes, expected in ((20, 20), (5, 25), (None, 25)):
        found = {name: {"n_episodes": episodes} for name in ("zero_action", "random")} if episodes else None
        assert _baselines(recipe, found)["random"]["n_episodes"] == expected


def test_baselines_are_played_in_full_for_whoever_uses_the_numbers():
    episodes = {"zero_action": 5, "random": 5}
    for measured, expected in ((None, episodes), ({}, {"zero_action": 20, "random": 20})):
        result = run_preflight("CartPole-v1", select=["ENV601"], measured=measured)
        assert {name: found["n_episodes"] for name, found in result.facts["baselines"].items()} == expected


@pytest.fixture
def started(monkeypatch):
    """The processes that were started for checks, on a machine with two cores where PyTorch is not imported."""
    monkeypatch.setattr(processes, "sys", SimpleNamespace(modules={}))
    monkeypatch.setattr(machine, "cores", lambda: 2)
    spawn, found = processes.multiprocessing.get_context("spawn"), []

    def process(**arguments):
        found.append(spawn.Process(**arguments))
        return found[-1]

    context = SimpleNamespace(Pipe=spawn.Pipe, Process=process)
    monkeypatch.setattr(processes, "multiprocessing", SimpleNamespace(get_context=lambda name: context))
    return found


def told(result):
    """What does not depend on the speed of the machine."""
    slow = ("SYS103", "SYS301")
    outcomes = [(c.code, c.outcome) for c in result.checks if c.code not in slow]
    return outcomes, [(f.code, f.name, f.severity) for f in result.findings if f.code not in slow]


def test_two_processes_find_what_one_finds(started):
    alone = run_preflight("CartPole-v1", ignore=["ENV116"])
    assert not started
    both = run_preflight("CartPole-v1", ignore=["ENV116"], beside=environment_checks)
    assert len(started) == 1
    assert not started[0].is_alive()
    assert told(both) == told(alone)
    assert both.facts.keys() == alone.facts.keys()
    assert both.facts["baselines"] == alone.facts["baselines"]


def test_what_the_other_process_does_not_bring_is_done_here(started):
    def dies(context, checks):
        class Killed:
            def __enter__(self):
                self.inner = environment_checks(context, checks)
                elsewhere = self.inner.__enter__()
                started[0].kill()
                return elsewhere

            def __exit__(self, *_):
                self.inner.__exit__(None, None, None)

        return Killed()

    result = run_preflight("CartPole-v1", select=["ENV102", "ENV501", "ENV601"], beside=dies)
    assert len(started) == 1
    assert result.verdict is Verdict.HEALTHY
    assert all(check.outcome.value == "passed" for check in result.checks)


def test_an_environment_of_ones_own_is_made_in_one_process_only(started):
    made = []

    class Own(gymnasium.Env):
        observation_space = action_space = gymnasium.spaces.Discrete(2)

        def __init__(self):
            made.append(os.getpid())

    gymnasium.register("OwnBeside-v0", entry_point=Own)
    run_preflight("OwnBeside-v0", select=["ENV102", "ENV501"], beside=environment_checks)
    assert not started
    assert made


def test_a_second_process_is_started_only_where_it_saves_time(started, monkeypatch):
    run_preflight("CartPole-v1", select=["ENV102"], beside=environment_checks)
    assert not started, "nothing here needs PyTorch"
    monkeypatch.setattr(machine, "cores", lambda: 1)
    run_preflight("CartPole-v1", select=["ENV102", "SYS102"], beside=environment_checks)
    assert not started, "two processes would share one core"


def test_the_checks_of_the_other_process_need_none_of_this_one():
    checks = {check.code: check for check in available_checks()}
    theirs = [checks[code] for code in _theirs(list(checks.values()))]
    assert not any(check.heavy or check.origin or check.group is Group.LEARNING for check in theirs)
    assert {code for check in theirs for code in check.requires} <= {check.code for check in theirs}
    assert "ENV601" in {check.code for check in theirs}
