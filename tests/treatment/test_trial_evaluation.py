"""What the evaluation of a trial says counts in its outcome."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from rldoctor.experiments.treatment import trial
from rldoctor.experiments.treatment.reference_comparison import ReferenceComparison
from rldoctor.experiments.treatment.trial import TreatmentAttempt, TrialContext, run_trial
from rldoctor.model import TrialState, Verdict
from rldoctor.recipe import Recipe, recipe_from_mapping
from rldoctor.training.training_callback import Silent
from tests.diagnosis.made_up_runs import run


@pytest.mark.parametrize(
    ("untreated", "outcome"), [(30.0, (TrialState.WELL, "baselines")), (58.0, (TrialState.UNDECIDED, "untreated"))]
)
def test_a_trial_is_diagnosed_with_what_its_evaluation_shows(
    untreated: float, outcome: tuple[TrialState, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = []

    def gate(attempt: object, context: object, numbers: dict[str, float]) -> None:
        evaluated.append(attempt)
        numbers |= {"evaluation_return_over_zero_action": 900.0, "evaluation_return_over_random": 950.0}

    def diagnosed(run: object, context: object) -> SimpleNamespace:
        # As where a hundred episodes of training are mostly from before it learned.
        return SimpleNamespace(verdict=Verdict.HEALTHY if evaluated else Verdict.UNJUDGED, diagnoses=(), summary="")

    trained = run({"episode_return": (5.0, 60.0)}, last_step=8_000)
    sick = run({"episode_return": (5.0, untreated)}, last_step=8_000)
    monkeypatch.setattr(trial, "train_attempt", lambda *_: SimpleNamespace(steps=8_000, given_up=False))
    monkeypatch.setattr(trial, "read_run", lambda _: trained)
    monkeypatch.setattr(trial, "_gate", gate)
    monkeypatch.setattr(trial, "diagnose_run", diagnosed)
    attempt = TreatmentAttempt(
        Recipe("Some-v0", "Some-v0", 8_000), 0, tmp_path / "run", "remedy", 1, "gamma 0 -> 0.99", (), {}, 8_000
    )
    attempt.directory.mkdir()
    context = TrialContext((), lambda _title, _steps: Silent(), None, None)  # type: ignore[arg-type]
    found = run_trial(attempt, ReferenceComparison({}, sick.curves, 8_000), context)
    assert (found.state, found.by) == outcome


@pytest.mark.parametrize(("algorithm", "trained"), [("sac", ["sick", "never"]), ("ppo", ["sick"])])
def test_a_trial_that_still_fills_its_replay_buffer_is_not_given_up(
    algorithm: str, trained: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def train(_attempt: object, _watch: object, _context: object, stop_when: str) -> SimpleNamespace:
        asked.append(stop_when)
        return SimpleNamespace(steps=200 if stop_when == "sick" else 4_000, given_up=stop_when == "sick")

    constant = run({"episode_return": (-50.0, -50.0)}, last_step=200)
    sick = SimpleNamespace(verdict=Verdict.SICK, diagnoses=(), summary="")
    monkeypatch.setattr(trial, "train_attempt", train)
    monkeypatch.setattr(trial, "read_run", lambda _: constant)
    monkeypatch.setattr(trial, "_gate", lambda *_: None)
    monkeypatch.setattr(trial, "diagnose_run", lambda _run, context: sick)
    recipe = recipe_from_mapping(
        {"name": "Some-v0", "env": "Some-v0", "total_steps": 4_000, "n_envs": 1, "algorithm": algorithm}, "a test"
    )
    attempt = TreatmentAttempt(recipe, 0, tmp_path / "run", "remedy", 1, "gamma 0 -> 0.99", (), {}, 4_000)
    attempt.directory.mkdir()
    context = TrialContext((), lambda _title, _steps: Silent(), None, None)  # type: ignore[arg-type]
    run_trial(attempt, ReferenceComparison({}, constant.curves, 4_000), context)
    assert asked == trained
