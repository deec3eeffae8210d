"""Treatments from end to end: real runs, real trainings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from rldoctor import run_directory
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.errors import Stopped, UsageError
from rldoctor.experiments.treatment import treat
from rldoctor.experiments.treatment.run import TreatmentOptions
from rldoctor.logs import read_run
from rldoctor.model import TreatmentOutcome, TrialState, Verdict
from rldoctor.recipe import Recipe
from rldoctor.references import load_recipe
from rldoctor.training.train import train
from rldoctor.training.training_callback import Silent
from tests.treatment.conftest import Treated
from tests.treatment.recorded import RUNS, STANDS_STILL, content_of


class Target(gymnasium.Env):  # type: ignore[type-arg]
    """Go to a place on a line: a task without a reference that PPO learns in some thousand steps."""

    observation_space = gymnasium.spaces.Box(-3, 3, (2,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def]
        super().reset(seed=seed)
        self._place, self._goal = self.np_random.uniform(-1, 1, 2)
        return self._seen(), {}

    def step(self, action):  # type: ignore[no-untyped-def]
        self._place = float(np.clip(self._place + 0.2 * action[0], -1.5, 1.5))
        return self._seen(), -abs(self._place - self._goal), False, False, {}

    def _seen(self):  # type: ignore[no-untyped-def]
        return np.array([self._place, self._goal], np.float32)


gymnasium.register("Target-v0", Target, max_episode_steps=20)
OWN = Recipe(
    "Target-v0",
    "Target-v0",
    16_384,
    4,
    {"n_steps": 64, "batch_size": 64, "learning_rate": 0.0, "n_epochs": 4, "gamma": 0.5},
    evaluation_episodes=10,
)


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


class Killed:
    """A watcher that kills the process after the first checkpoint."""

    def __init__(self, after: int) -> None:
        self.after, self.first = after, 0

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        self.first = self.first or steps
        if steps >= self.after:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_killed_and_called_again_it_resumes(tmp_path: Path) -> None:
    options = TreatmentOptions(out=tmp_path, steps=12_000)
    with pytest.raises(KeyboardInterrupt):
        treat(STANDS_STILL, options, watch=lambda title, total: Killed(3_000), threads=1)
    second = Killed(10**9)
    report = treat(STANDS_STILL, options, watch=lambda title, total: second, threads=1)
    # A checkpoint is saved every tenth of the steps.
    assert second.first >= 1_200
    assert report.subjects[0].treatment is not None
    assert len(report.subjects[0].treatment.trials) >= 1


def test_killed_after_its_last_step_a_trial_is_judged_and_not_trained_again(tmp_path: Path) -> None:
    options = TreatmentOptions(out=tmp_path, steps=2_048, rounds=1)
    first = treat(STANDS_STILL, options, threads=1).subjects[0].treatment
    assert first is not None
    directory = Path(first.trials[0].path)
    assert json.loads((directory / "run.json").read_text())["status"] == "finished"
    (directory / "trial.json").unlink()
    logs = {path: path.read_bytes() for path in directory.glob("events*")}
    again = treat(STANDS_STILL, options, threads=1).subjects[0].treatment
    assert again is not None
    assert again.trials[0].state is first.trials[0].state
    assert {path: path.read_bytes() for path in directory.glob("events*")} == logs


def test_stopped_by_ctrl_c_it_says_how_to_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rldoctor.experiments.treatment import trial

    class Stopping(trial.TrialWatch):
        def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
            if steps > 1_000:
                # What the handler of the signal does.
                self.stop.set()

    monkeypatch.setattr(trial, "TrialWatch", Stopping)
    with pytest.raises(Stopped, match="The treatment was stopped"):
        treat(STANDS_STILL, TreatmentOptions(out=tmp_path, steps=5_000), threads=1)


@pytest.mark.slow
def test_a_run_without_a_reference_is_judged_by_doctor_baselines_and_itself(tmp_path: Path) -> None:
    run = run_directory.create(tmp_path / "own")
    train(OWN, run, 0, threads=1)
    subject = diagnose_run(read_run(run))
    assert subject.verdict in (Verdict.SICK, Verdict.SUSPECT)
    report = treat(run, TreatmentOptions(out=tmp_path / "runs"), threads=1)
    treatment = report.subjects[0].treatment
    assert treatment is not None
    assert treatment.outcome is TreatmentOutcome.CURED, treatment
    remedies = [trial for trial in treatment.trials if trial.role == "remedy"]
    assert remedies[-1].changes["learning_rate"]["to"] == 3e-4  # type: ignore[index,call-overload]
    assert remedies[-1].by == "baselines"
    # Nobody knows how healthy seeds do here: the untreated recipe was trained again.
    (control,) = [trial for trial in treatment.trials if trial.role == "control"]
    assert control.seed == 1
    assert control.state is not TrialState.WELL
    assert control.steps <= remedies[-1].steps
    assert treatment.chance == pytest.approx(1 / 3, abs=1e-6)


def test_a_control_that_gets_well_leaves_the_cure_unproven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rldoctor.experiments.treatment import run as treatment_run

    run = shutil.copytree(STANDS_STILL, tmp_path / "sick")

    def well(attempt, comparison, context):  # type: ignore[no-untyped-def]
        from rldoctor.experiments.treatment.trial import result_of

        return result_of(attempt, {}, 1_000, TrialState.WELL, "band", "It is well.")

    monkeypatch.setattr(treatment_run, "run_trial", well)
    # Without seeds of a reference chance could explain it.
    monkeypatch.setattr(treatment_run, "_reference_of_recipe", lambda plan, trial: None)
    report = treat(run, TreatmentOptions(out=tmp_path / "runs"))
    treatment = report.subjects[0].treatment
    assert treatment is not None
    assert treatment.outcome is TreatmentOutcome.UNPROVEN
    assert report.exit_code == 1
    assert [trial.role for trial in treatment.trials] == ["remedy", "control"]
    assert not treatment.recipe
    assert [finding.code for finding in report.subjects[0].findings] == ["EVL504"]


@pytest.mark.parametrize(
    ("success", "outcome", "code"),
    [(100.0, TreatmentOutcome.IMPROVED, "EVL502"), (20.0, TreatmentOutcome.NOT_CURED, "EVL501")],
)
def test_what_did_not_cure_is_improved_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, success: float, outcome: TreatmentOutcome, code: str
) -> None:
    from rldoctor.experiments.treatment import run as treatment_run

    seeds = []

    def sick(attempt, comparison, context):  # type: ignore[no-untyped-def]
        from rldoctor.experiments.treatment.trial import result_of

        seeds.append(attempt.seed)
        return result_of(attempt, {"episode_return": success}, 29_696, TrialState.SICK, "band", "It is behind.")

    monkeypatch.setattr(treatment_run, "run_trial", sick)
    report = treat(STANDS_STILL, TreatmentOptions(out=tmp_path))
    treatment = report.subjects[0].treatment
    assert treatment is not None
    assert treatment.outcome is outcome
    assert report.exit_code == 1
    assert [finding.code for finding in report.subjects[0].findings] == [code]
    # There is one remedy and there are three rounds: it may have failed by chance.
    assert seeds == [100, 103, 104]
    assert treatment.chance is None
    assert not list(tmp_path.rglob("cured.toml"))


def test_trials_that_show_nothing_without_healthy_runs_are_open_and_want_more_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rldoctor.experiments.treatment import run as treatment_run
    from rldoctor.experiments.treatment.trial import result_of

    def undecided(attempt, comparison, context):  # type: ignore[no-untyped-def]
        return result_of(attempt, {"episode_return": 20.0}, 29_696, TrialState.UNDECIDED, "end", "Too short.")

    monkeypatch.setattr(treatment_run, "run_trial", undecided)
    report = treat(STANDS_STILL, TreatmentOptions(out=tmp_path))
    (finding,) = report.subjects[0].findings
    assert report.exit_code == 1
    assert finding.remedy == f"Give the trials more steps: rldoctor treat {STANDS_STILL} --steps 60000"
    treatment = report.subjects[0].treatment
    assert treatment is not None
    assert treatment.sureness.startswith("Whether learning_rate")
    assert "is open" in treatment.sureness


def test_the_remedy_that_came_furthest_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rldoctor.experiments.treatment import run as treatment_run
    from rldoctor.experiments.treatment.trial import result_of

    tried = []

    def second_is_better(attempt, comparison, context):  # type: ignore[no-untyped-def]
        tried.append(attempt.changes)
        return result_of(attempt, {"episode_return": 20.0 * len(tried)}, 29_696, TrialState.SICK, "band", "Behind.")

    monkeypatch.setattr(treatment_run, "run_trial", second_is_better)
    run = shutil.copytree(STANDS_STILL, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    record["recipe"]["hyperparameters"]["gamma"] = 0.5
    (run / "run.json").write_text(json.dumps(record))
    treat(run, TreatmentOptions(out=tmp_path / "runs", rounds=3))
    assert len(tried) == 3
    assert tried[2] == tried[1] != tried[0]


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
