"""The examination in a process of its own: what the one who waits for it hears."""

from __future__ import annotations

import pytest

from rldoctor.errors import RldoctorError
from rldoctor.model import Verdict
from rldoctor.preflight.beside import Beside
from rldoctor.recipe import Recipe
from rldoctor.references import load_recipe


def ignore(what: str, done: int, total: int, note: str) -> None: ...


def test_a_process_that_dies_is_heard_and_nobody_waits_for_ever(tmp_path):
    with Beside(load_recipe("quick"), tmp_path, ignore) as beside:
        beside._process.kill()
        with pytest.raises(RldoctorError, match="ended before it was done"):
            beside.subject()
        with pytest.raises(RldoctorError, match="ended before it was done"):
            beside.baselines()
    assert not beside.sick.is_set()


def test_findings_and_baselines_arrive(tmp_path):
    told = []
    recipe = Recipe("small", "CartPole-v1", total_steps=1_024, n_envs=1, evaluation_episodes=2)
    with Beside(recipe, tmp_path, lambda *progress: told.append(progress)) as beside:
        assert beside.subject().verdict is not Verdict.SICK
        assert beside.baselines()["random"]["n_episodes"] == 2
    assert {what for what, *_ in told} == {"preflight", "baselines"}
