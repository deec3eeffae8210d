"""The examination in a process of its own: what the one who waits for it hears."""

from __future__ import annotations

import pytest

from rldoctor.errors import RldoctorError
from rldoctor.model import Verdict
from rldoctor.preflight.background import BackgroundPreflight, _baselines
from rldoctor.recipe import Recipe
from rldoctor.references import load_recipe


def ignore(done: int, total: int, name: str) -> None: ...


def test_a_process_that_dies_is_heard_and_nobody_waits_for_ever(tmp_path):
    with BackgroundPreflight(load_recipe("quick"), tmp_path, ignore) as beside:
        beside._process.kill()
        with pytest.raises(RldoctorError, match="ended before it was done"):
            beside.subject()
        with pytest.raises(RldoctorError, match="ended before it was done"):
            beside.baselines()
    assert not beside.sick.is_set()


def test_findings_and_baselines_arrive(tmp_path):
    told = []
    recipe = Recipe("small", "CartPole-v1", total_steps=1_024, n_envs=1, evaluation_episodes=100)
    with BackgroundPreflight(recipe, tmp_path, lambda *progress: told.append(progress)) as beside:
        subject = beside.subject()
        assert subject.verdict is not Verdict.SICK
        assert beside.baselines() == subject.facts["baselines"], "nothing is played twice"
    assert told[-1][:2] == (len(subject.checks), len(subject.checks))
    assert "baseline-policies" in {name for _, _, name in told}


def test_baselines_that_preflight_played_too_few_episodes_of_are_played_again():
    recipe = Recipe("small", "CartPole-v1", total_steps=1_024, n_envs=1, evaluation_episodes=25)
    for episodes, expected in ((20, 20), (5, 25), (None, 25)):
        found = {name: {"n_episodes": episodes} for name in ("zero_action", "random")} if episodes else None
        assert _baselines(recipe, found)["random"]["n_episodes"] == expected
