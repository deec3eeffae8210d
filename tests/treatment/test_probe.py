"""Tied remedies and the short trainings that tell them apart: real ones, but for what cannot be waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rldoctor.errors import TrainingFailed
from rldoctor.model import Remedy, TreatmentOutcome, TreatmentTrial, TrialState
from rldoctor.references import load_recipe
from rldoctor.training.callback import Silent, Watcher
from rldoctor.treatment import conduct, probe, treat
from rldoctor.treatment.admission import admit
from rldoctor.treatment.conduct import Wishes
from rldoctor.treatment.plan import Plan, make_plan
from rldoctor.treatment.probe import in_order, length, tied
from rldoctor.treatment.remedies import in_words
from rldoctor.treatment.trial import Attempt, Means, result_of
from tests.treatment.recorded import RUNS, STANDS_STILL

# Its clip range is 10, and its learning rate, 0.003 instead of 0.002, does no harm.
CLIPPED_LATE = RUNS / "sick/updates-too-aggressive/fetch_reach_dense-clip-range-high-strong-100"


def plan_of(run: Path, out: Path) -> Plan:
    return make_plan(admit(run), out, 3)


def means(onlook: Callable[[str, int], Watcher] = lambda title, total: Silent()) -> Means:
    return Means((), onlook, 1, {})


def nobody(title: str, total: int) -> Silent:
    raise AssertionError(f"{title} was trained")


def test_remedies_that_are_nearly_as_likely_are_tied() -> None:
    likely, next_, rare = (Remedy((name,), p, {}) for name, p in (("a", 0.6), ("b", 0.3), ("c", 0.1)))
    everything = Remedy((), 0.6, {})
    assert tied((likely, next_, rare, everything)) == (likely, next_)
    assert tied((likely, rare, everything)) == ()
    assert tied((everything,)) == ()
    assert tied(()) == ()


def test_a_probe_is_as_long_as_signs_need() -> None:
    # 64 x 8 steps a rollout, 32 x 8 with a point after every fourth, and 1,024 x 4.
    assert length(load_recipe("quick")) == 5 * 512
    assert length(load_recipe("cartpole/zoo")) == 5 * 4 * 256
    assert length(load_recipe("pendulum/zoo")) == 5 * 4096


def test_the_remedy_with_which_the_signs_go_is_tried_first(tmp_path: Path) -> None:
    plan = plan_of(CLIPPED_LATE, tmp_path)
    clip, rate, everything = plan.remedies
    assert in_words(clip.changes) == "clip_range 10 -> 0.2"
    # As if the harmless setting had been thought likelier.
    wrong = replace(plan, remedies=(rate, clip, everything))
    said: list[str] = []
    right, probes = in_order(wrong, means(), said.append)
    assert right.remedies == (clip, rate, everything)
    assert [(one.role, one.round, one.state, one.steps) for one in probes] == [
        ("probe", 1, TrialState.SICK, 2_560),
        ("probe", 2, TrialState.WELL, 2_560),
    ]
    assert "UPD101" in probes[0].why
    assert "UPD101" not in probes[1].why
    assert "the signs go that accuse the run" in said[0]
    # Called again it trains nobody.
    assert in_order(wrong, means(nobody), said.append) == (right, probes)


def test_where_the_signs_go_with_the_first_its_rivals_are_not_probed(tmp_path: Path) -> None:
    plan = plan_of(CLIPPED_LATE, tmp_path)
    same, probes = in_order(plan, means(), lambda line: None)
    assert same.remedies == plan.remedies
    assert [one.name for one in probes] == ["clip_range 10 -> 0.2"]


def test_where_the_signs_stay_with_all_the_likeliest_stays_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(attempt: Attempt, *others: object) -> None:
        attempt.directory.mkdir(parents=True)
        raise TrainingFailed("The training broke off after 64 steps.")

    monkeypatch.setattr(probe, "trained", breaks)
    plan = plan_of(CLIPPED_LATE, tmp_path)
    same, probes = in_order(plan, means(), lambda line: None)
    assert same.remedies == plan.remedies
    assert [(one.state, one.why) for one in probes] == 2 * [
        (TrialState.SICK, "The training broke off after 64 steps."),
    ]


def test_what_is_not_tied_is_not_probed(tmp_path: Path) -> None:
    plan = plan_of(STANDS_STILL, tmp_path)
    assert in_order(plan, means(nobody), lambda line: None) == (plan, ())


def test_what_would_take_as_long_as_a_trial_is_not_probed(tmp_path: Path) -> None:
    plan = plan_of(RUNS / "sick/updates-too-aggressive/pendulum-clip-range-high-strong-100", tmp_path)
    assert len(tied(plan.remedies)) == 2
    assert in_order(plan, means(nobody), lambda line: None) == (plan, ())


def test_where_no_sign_shows_that_early_nothing_is_probed(tmp_path: Path) -> None:
    plan = plan_of(CLIPPED_LATE, tmp_path)
    run = plan.patient.run
    silent = replace(run, curves={"episode_return": run.curves["episode_return"]})
    plan = replace(plan, patient=replace(plan.patient, run=silent))
    assert len(tied(plan.remedies)) == 2
    assert in_order(plan, means(nobody), lambda line: None) == (plan, ())


def test_a_treatment_counts_its_probes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(attempt: Attempt, judged: Callable[[], TreatmentTrial]) -> TreatmentTrial:
        # Of the two the second is right.
        well = "learning_rate" in attempt.changes
        state = TrialState.WELL if well else TrialState.SICK
        return result_of(attempt, {"signs_left": 0.0 if well else 1.0}, 2_560, state, "signs", "As it may be.")

    def lucky(attempt: Attempt, yard: object, means: object) -> TreatmentTrial:
        return result_of(attempt, {}, 1_000, TrialState.WELL, "band", "It is well.")

    monkeypatch.setattr(probe, "keep", kept)
    monkeypatch.setattr(conduct, "do", lucky)
    monkeypatch.setattr(conduct, "_chance", lambda plan, trial, controls: 0.01)
    treatment = treat(CLIPPED_LATE, Wishes(out=tmp_path)).subjects[0].treatment
    assert treatment is not None
    assert treatment.outcome is TreatmentOutcome.CURED
    assert [trial.role for trial in treatment.trials] == ["probe", "probe", "remedy"]
    assert in_words(treatment.remedies[0].changes) == treatment.trials[-1].name == "learning_rate 0.003 -> 0.002"
    assert treatment.steps_spent == 2 * 2_560 + 1_000
