"""Treatments from end to end: real runs, real trainings."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.errors import UsageError
from rldoctor.experiments.treatment import treat
from rldoctor.experiments.treatment.run import TreatmentOptions
from rldoctor.logs import read_run
from rldoctor.model import TreatmentOutcome, TrialState, Verdict
from rldoctor.references import load_recipe
from rldoctor.training.training_callback import Silent
from tests.treatment.conftest import Treated
from tests.treatment.recorded import RUNS, STANDS_STILL, content_of


def test_a_run_whose_learning_rate_is_zero_is_cured(treated: Treated) -> None:
    treatment = treated.treatment
    assert treatment.outcome is TreatmentOutcome.CURED
    assert (treated.report.exit_code, treated.report.verdict) == (0, Verdict.HEALTHY)
    (trial,) = treatment.trials
    assert trial.changes["learning_rate"] == {"from": 0.0, "to": 0.001}
    assert trial.state is TrialState.WELL
    # Stopped as soon as it was sure.
    assert trial.steps < 0.8 * trial.planned
    assert treatment.steps_spent == trial.steps


def test_it_says_how_sure_it_is_from_the_references_seeds(treated: Treated) -> None:
    treatment = treated.treatment
    # One sick run; the treated one and nineteen of twenty seeds are well: 2 of 22.
    assert treatment.chance == pytest.approx(2 / 22, abs=1e-6)
    assert "19 of 20 seeds" in treatment.sureness
    assert not [trial for trial in treatment.trials if trial.role == "control"]


def test_the_sick_run_stays_byte_for_byte(treated: Treated) -> None:
    assert content_of(treated.run) == treated.before


def test_trials_are_ordinary_runs_beside_the_reports(treated: Treated) -> None:
    directory = Path(treated.treatment.trials[0].path)
    assert directory.is_relative_to(treated.out / "treatments" / "cartpole" / "zoo")
    assert diagnose_run(read_run(directory)).verdict is not Verdict.SICK
    folder = directory.parent
    assert directory.name.startswith("learning_rate+learning_rate_schedule-")
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {
        *(directory.name, "cured.toml", "treatment.txt", "treatment.json", "treatment.html")
    }
    assert "CURED" in (folder / "treatment.txt").read_text(encoding="utf-8")


def test_the_cured_recipe_is_the_runs_own_with_the_change(treated: Treated) -> None:
    cured = load_recipe(treated.treatment.recipe)
    sick = json.loads((treated.run / "run.json").read_text())["recipe"]
    assert cured.setting("learning_rate") == 0.001
    assert cured.setting("learning_rate_schedule") == "linear"
    assert (cured.total_steps, cured.n_envs, cured.env) == (sick["total_steps"], sick["n_envs"], sick["env"])
    assert cured.criteria
    assert "learning_rate 0 -> 0.001" in cured.source


def test_called_again_it_repeats_nothing(treated: Treated) -> None:
    trained = Path(treated.treatment.trials[0].path)
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}

    def nobody(title: str, total: int) -> Silent:
        raise AssertionError(f"{title} was trained again")

    again = treat(treated.run, TreatmentOptions(out=treated.out), watch=nobody)
    assert again.subjects[0].treatment == treated.treatment
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_a_healthy_run_needs_nothing_and_nothing_is_written(tmp_path: Path) -> None:
    report = treat(RUNS / "healthy/cartpole/zoo/as-recorded-20", TreatmentOptions(out=tmp_path))
    assert report.exit_code == 0
    assert report.subjects[0].treatment is not None
    assert report.subjects[0].treatment.outcome is TreatmentOutcome.NOTHING_TO_DO
    assert "Nothing needs to be done" in report.subjects[0].summary
    assert not list(tmp_path.iterdir())


def test_a_cause_outside_the_recipe_is_never_treated(tmp_path: Path) -> None:
    report = treat(
        RUNS / "sick/reward-misaligned/pendulum-reward-sign-flipped-full-100", TreatmentOptions(out=tmp_path)
    )
    treatment = report.subjects[0].treatment
    assert treatment is not None
    assert treatment.outcome is TreatmentOutcome.INSTRUCTED
    assert report.exit_code == 1
    assert not treatment.trials
    assert treatment.instructions[0].diagnosis == "reward-misaligned"
    assert "rldoctor preflight --select ENV404" in report.subjects[0].findings[0].remedy
    assert not list(tmp_path.rglob("run.json"))


def test_a_directory_that_holds_another_training_is_refused(tmp_path: Path) -> None:
    plan = treat(STANDS_STILL, TreatmentOptions(out=tmp_path, steps=5_000, dry_run=True))
    assert plan.subjects[0].treatment is not None
    from rldoctor.experiments.treatment.plan import make_plan
    from rldoctor.experiments.treatment.sick_run import read_sick_run

    made = make_plan(read_sick_run(STANDS_STILL, steps=5_000), tmp_path, 3)
    folder = made.place_of(made.remedies[0].changes, made.sick.seed)
    folder.mkdir(parents=True)
    shutil.copy(STANDS_STILL / "run.json", folder / "run.json")
    with pytest.raises(UsageError, match="other than a training of this recipe"):
        treat(STANDS_STILL, TreatmentOptions(out=tmp_path, steps=5_000), threads=1)
    assert json.loads((folder / "run.json").read_text()) == json.loads((STANDS_STILL / "run.json").read_text())


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    report = treat(STANDS_STILL, TreatmentOptions(out=tmp_path, dry_run=True), say=said.append)
    assert report.exit_code == 0
    assert report.subjects[0].treatment is not None
    assert report.subjects[0].treatment.outcome is TreatmentOutcome.PLANNED
    assert any("Round 1: learning_rate 0 -> 0.001" in line for line in said)
    assert not list(tmp_path.iterdir())


def test_rounds_that_are_none_are_refused() -> None:
    with pytest.raises(UsageError, match="at least one"):
        treat(STANDS_STILL, replace(TreatmentOptions(), rounds=0))
