"""Tied remedies and the short trainings that tell them apart: real ones, but for what cannot be waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rldoctor.diagnosis.context import shipped_context
from rldoctor.errors import TrainingFailed
from rldoctor.experiments.treatment import pilot_run, treat
from rldoctor.experiments.treatment import run as treatment_run
from rldoctor.experiments.treatment.early_stop import TrialWatch
from rldoctor.experiments.treatment.pilot_run import Tie, best, go_on, in_order, length, signs_of, tie_of, tied, until
from rldoctor.experiments.treatment.plan import Plan, make_plan
from rldoctor.experiments.treatment.remedies import in_words
from rldoctor.experiments.treatment.run import TreatmentOptions
from rldoctor.experiments.treatment.sick_run import read_sick_run
from rldoctor.experiments.treatment.trial import TreatmentAttempt, TrialContext, result_of, train_attempt
from rldoctor.logs import read_run
from rldoctor.model import Remedy, TreatmentOutcome, TreatmentTrial, TrialState
from rldoctor.references import load_recipe
from rldoctor.rulebook import load_rulebook
from rldoctor.training.training_callback import Silent, Watcher
from tests.treatment.recorded import RUNS, STANDS_STILL

# Its clip range is 10, and its learning rate, 0.003 instead of 0.002, does no harm.
CLIPPED_LATE = RUNS / "sick/updates-too-aggressive/fetch_reach_dense-clip-range-high-strong-100"
CAUSES = ("updates-too-aggressive", "learning-rate-too-high")


def plan_of(run: Path, out: Path, rounds: int = 3) -> Plan:
    return make_plan(read_sick_run(run), out, rounds)


def tie_in(plan: Plan) -> Tie:
    tie = tie_of(plan)
    assert tie is not None
    return tie


def context(watch: Callable[[str, int], Watcher] = lambda title, total: Silent()) -> TrialContext:
    return TrialContext((), watch, 1, shipped_context())


def nobody(title: str, total: int) -> Silent:
    raise AssertionError(f"{title} was trained")


def test_remedies_that_are_nearly_as_likely_are_tied() -> None:
    likely, next_, rare = (Remedy((name,), p, {}) for name, p in (("a", 0.6), ("b", 0.3), ("c", 0.1)))
    everything = Remedy((), 0.6, {})
    assert tied((likely, next_, rare, everything)) == (likely, next_)
    assert tied((likely, rare, everything)) == ()
    assert tied((everything,)) == ()
    assert tied(()) == ()


def test_a_pilot_run_is_as_long_as_signs_need() -> None:
    # 64 x 8 steps a rollout, 32 x 8 with a point after every fourth, and 1,024 x 4.
    assert length(load_recipe("quick")) == 5 * 512
    assert length(load_recipe("cartpole/zoo")) == 5 * 4 * 256
    assert length(load_recipe("pendulum/zoo")) == 5 * 4096


@pytest.mark.parametrize(
    ("left", "place"),
    [
        ((0.0,), 0),
        ((0.9, 0.1), 1),
        # Gone is gone, however near the likelier one came.
        ((0.4, 0.2), 1),
        # Of two that cure little the likelier one, unless the other is clearly better.
        ((0.9, 0.7), 0),
        ((0.9, 0.6, 0.65), 1),
        ((1.0, 1.0), 0),
    ],
)
def test_the_best_pilot_run_is_where_the_signs_are_gone_or_clearly_fewer(left: tuple[float, ...], place: int) -> None:
    assert best(left) == place


def test_a_sign_of_the_settings_own_value_does_not_count() -> None:
    run = read_sick_run(RUNS / "sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100").run
    signs = load_rulebook().signs
    found = signs_of(run, None, CAUSES, load_rulebook())
    assert found
    assert all(any(look.metric != "learning_rate" for look in signs[code].when) for code in found)
    alone = replace(run, curves={name: run.curves[name] for name in ("learning_rate", "episode_return")})
    assert signs_of(alone, None, CAUSES, load_rulebook()) == {}


def test_a_beginning_has_what_was_logged_by_then() -> None:
    run = read_sick_run(CLIPPED_LATE).run
    early = until(run, 2_560)
    assert early.curves["episode_return"].steps.tolist() == [512, 1024, 1536, 2048, 2560]
    assert early.curves["episode_return"].values.tolist() == run.curves["episode_return"].values[:5].tolist()
    assert until(run, 100).curves == {}


@pytest.mark.slow
def test_the_remedy_with_which_the_signs_go_is_tried_first(tmp_path: Path) -> None:
    plan = plan_of(CLIPPED_LATE, tmp_path)
    clip, rate, *others = plan.candidates
    assert in_words(clip.changes) == "clip_range 10 -> 0.2"
    # As if the harmless setting had been thought likelier.
    wrong = replace(plan, candidates=(rate, clip, *others))
    said: list[str] = []
    right, pilots = in_order(wrong, tie_in(wrong), context(), said.append)
    assert right.candidates == plan.candidates
    assert [(one.role, one.round, one.state, one.steps) for one in pilots] == [
        ("probe", 1, TrialState.SICK, 2_560),
        ("probe", 2, TrialState.WELL, 2_560),
    ]
    assert "still there: UPD101" in pilots[0].why
    assert "UPD101" not in pilots[1].why
    assert said[0].startswith("Pilot run: learning_rate 0.003 -> 0.002, 2,560 steps. 0 of")
    # Called again it trains nobody.
    assert in_order(wrong, tie_in(wrong), context(nobody), said.append) == (right, pilots)


@pytest.mark.slow
def test_where_the_signs_go_with_the_first_its_rivals_are_not_piloted(tmp_path: Path) -> None:
    plan = plan_of(CLIPPED_LATE, tmp_path)
    same, pilots = in_order(plan, tie_in(plan), context(), lambda line: None)
    assert same.remedies == plan.remedies
    assert [one.name for one in pilots] == ["clip_range 10 -> 0.2"]


@pytest.mark.slow
def test_a_trial_goes_on_from_the_pilot_run_of_its_remedy_as_if_it_had_begun_itself(tmp_path: Path) -> None:
    plan = plan_of(CLIPPED_LATE, tmp_path)
    remedy = plan.remedies[0]

    def until_8_rollouts(directory: Path) -> TreatmentAttempt:
        recipe = plan.recipe_with(remedy.changes)
        return TreatmentAttempt(recipe, plan.sick.seed, directory, "remedy", 1, "", (), remedy.changes, 8 * 512 + 1)

    def trained(attempt: TreatmentAttempt) -> dict[str, list[float]]:
        watch = TrialWatch(plan.comparison, Silent(), attempt.most_steps)
        if attempt.directory.exists():
            watch.recall(read_run(attempt.directory))
        assert train_attempt(attempt, watch, context(), "never").steps == 8 * 512
        curves = read_run(attempt.directory).curves
        return {name: curves[name].values.tolist() for name in ("episode_return", "approx_kl", "value_loss")}

    _, (pilot,) = in_order(plan, tie_in(plan), context(), lambda line: None)
    trial = until_8_rollouts(plan.place_of(remedy.changes, plan.sick.seed))
    go_on(plan, trial)
    assert trained(trial) == trained(until_8_rollouts(tmp_path / "from-the-start"))
    assert (Path(pilot.path) / "trial.json").is_file()
    assert not (trial.directory / "trial.json").exists()
    before = read_run(trial.directory).last_step
    go_on(plan, trial)
    assert read_run(trial.directory).last_step == before


def test_where_the_signs_stay_with_all_the_likeliest_stays_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(attempt: TreatmentAttempt, *others: object) -> None:
        attempt.directory.mkdir(parents=True)
        raise TrainingFailed("The training broke off after 64 steps.")

    monkeypatch.setattr(pilot_run, "train_attempt", breaks)
    plan = plan_of(CLIPPED_LATE, tmp_path)
    same, pilots = in_order(plan, tie_in(plan), context(), lambda line: None)
    assert same.remedies == plan.remedies
    assert [(one.state, one.why) for one in pilots] == 2 * [
        (TrialState.SICK, "The training broke off after 64 steps."),
    ]


def test_what_is_not_tied_is_not_piloted(tmp_path: Path) -> None:
    assert tie_of(plan_of(STANDS_STILL, tmp_path)) is None


def test_a_tie_counts_where_only_one_of_its_rivals_will_be_tried(tmp_path: Path) -> None:
    plan = plan_of(CLIPPED_LATE, tmp_path, rounds=2)
    clip, rate, *_ = plan.candidates
    assert plan.remedies[0] is clip
    assert rate not in plan.remedies
    assert tie_in(plan).rivals == (clip, rate)
    # A single round puts back everything: nothing is left to tell apart.
    assert tie_of(plan_of(CLIPPED_LATE, tmp_path, rounds=1)) is None


def test_what_would_take_as_long_as_a_trial_is_not_piloted(tmp_path: Path) -> None:
    plan = plan_of(RUNS / "sick/updates-too-aggressive/pendulum-clip-range-high-strong-100", tmp_path)
    assert len(tied(plan.candidates)) == 2
    assert tie_of(plan) is None
    # A remedy's own rollouts count.
    plan = plan_of(CLIPPED_LATE, tmp_path)
    longer = replace(plan.candidates[1], changes={"n_steps": {"from": 64, "to": 2048}})
    assert tie_of(replace(plan, candidates=(plan.candidates[0], longer))) is None


@pytest.mark.parametrize("logged", [("episode_return",), ("episode_return", "clip_range", "learning_rate", "std")])
def test_where_no_sign_of_the_updates_shows_nothing_is_piloted(logged: tuple[str, ...], tmp_path: Path) -> None:
    plan = plan_of(CLIPPED_LATE, tmp_path)
    run = plan.sick.run
    # LOG403 shows, that the size of updates is not logged: it would go with any training of ours.
    silent = replace(run, curves={name: run.curves[name] for name in logged})
    assert tie_of(replace(plan, sick=replace(plan.sick, run=silent))) is None


def test_a_treatment_counts_its_pilot_runs_and_says_so_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(attempt: TreatmentAttempt, judged: Callable[[], TreatmentTrial]) -> TreatmentTrial:
        # Of the two the second is right.
        well = "learning_rate" in attempt.changes
        state = TrialState.WELL if well else TrialState.SICK
        return result_of(attempt, {"signs_left": 0.0 if well else 1.0}, 2_560, state, "signs", "As it may be.")

    def well(attempt: TreatmentAttempt, comparison: object, context: object) -> TreatmentTrial:
        return result_of(attempt, {}, 4_000, TrialState.WELL, "band", "It is well.")

    monkeypatch.setattr(pilot_run, "saved_or", kept)
    monkeypatch.setattr(treatment_run, "run_trial", well)
    monkeypatch.setattr(treatment_run, "_probability", lambda plan, trial, controls: 0.01)
    said: list[str] = []
    treatment = treat(CLIPPED_LATE, TreatmentOptions(out=tmp_path), say=said.append).subjects[0].treatment
    assert any("2 remedies are nearly as likely. Pilot runs of 2,560 steps" in line for line in said)
    assert treatment is not None
    assert treatment.outcome is TreatmentOutcome.CURED
    assert [trial.role for trial in treatment.trials] == ["probe", "probe", "remedy"]
    assert in_words(treatment.remedies[0].changes) == treatment.trials[-1].name == "learning_rate 0.003 -> 0.002"
    # The trial went on from the second pilot run.
    assert treatment.steps_spent == 2_560 + 4_000


def test_more_rounds_go_on_where_fewer_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[Path] = []

    def sick(attempt: TreatmentAttempt, comparison: object, context: object) -> TreatmentTrial:
        places.append(attempt.directory)
        return result_of(attempt, {}, 1_000, TrialState.SICK, "band", "It is behind.")

    def gone(attempt: TreatmentAttempt, judged: object) -> TreatmentTrial:
        return result_of(attempt, {"signs_left": 0.0}, 2_560, TrialState.WELL, "signs", "They went.")

    monkeypatch.setattr(treatment_run, "run_trial", sick)
    monkeypatch.setattr(pilot_run, "saved_or", gone)
    treat(CLIPPED_LATE, TreatmentOptions(out=tmp_path, rounds=2))
    treat(CLIPPED_LATE, TreatmentOptions(out=tmp_path, rounds=3))
    # Each remedy has its own directory, in whichever round it comes.
    first, everything, again, rate, last = places
    assert (first, everything) == (again, last)
    assert len({first, everything, rate}) == 3
