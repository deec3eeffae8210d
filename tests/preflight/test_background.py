"""Preflight in another process: what arrives, and what happens when that process dies."""

from __future__ import annotations

import pytest

from rldoctor.errors import RldoctorError
from rldoctor.model import Verdict
from rldoctor.preflight.background import BackgroundPreflight, _baselines
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
