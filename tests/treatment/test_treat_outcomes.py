"""What a treatment says of its trials: cured, improved, not improved, open."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from rldoctor import run_directory
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.experiments.treatment import treat
from rldoctor.experiments.treatment.run import TreatmentOptions
from rldoctor.logs import read_run
from rldoctor.model import TreatmentOutcome, TrialState, Verdict
from rldoctor.recipe import Recipe
from rldoctor.training.train import train
from tests.treatment.recorded import STANDS_STILL


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
