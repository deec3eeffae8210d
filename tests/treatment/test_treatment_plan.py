"""Who is treated, with what, and in which order: on recorded runs, nothing trained."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch.utils.tensorboard import SummaryWriter

from rldoctor.diagnosis.remedy import Move
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.experiments.treatment.plan import (
    Plan,
    describe,
    low_outcome_note,
    make_plan,
    nothing_to_do,
    unevaluated_note,
)
from rldoctor.experiments.treatment.remedies import _with_whole_episodes, changed, in_words, within
from rldoctor.experiments.treatment.sick_run import SickRun, read_sick_run
from rldoctor.model import Curve, Remedy, Verdict
from rldoctor.references import load_recipe
from tests.treatment.recorded import RUNS, STANDS_STILL

SICK = RUNS / "sick"


def plan_of(name: str, rounds: int = 3) -> Plan:
    return make_plan(read_sick_run(SICK / name), Path("out"), rounds)


def changes(plan: Plan) -> list[str]:
    return [in_words(remedy.changes) for remedy in plan.remedies]


@pytest.mark.parametrize("run", sorted((RUNS / "healthy").rglob("run.json")), ids=lambda path: path.parent.name)
def test_no_healthy_run_is_treated(run: Path) -> None:
    assert nothing_to_do(read_sick_run(run.parent)).startswith("The run is healthy")


def test_the_named_setting_goes_back_to_the_references_value_together_with_its_schedule() -> None:
    plan = plan_of("updates-too-small/cartpole-learning-rate-low-zero-100")
    assert changes(plan) == ["learning_rate 0 -> 0.001, learning_rate_schedule constant -> linear"]
    assert plan.remedies[0].diagnoses[0] == "updates-too-small"
    assert not plan.outside


def test_causes_that_ask_for_the_same_change_count_together() -> None:
    plan = plan_of("reward-misaligned/pendulum-gamma-zero-strong-100")
    assert changes(plan)[0] == "gamma 0 -> 0.9"
    assert set(plan.remedies[0].diagnoses) >= {"reward-misaligned", "plateau-below-target"}
    # Each of the two is behind a cause outside the recipe; together they lead.
    assert plan.remedies[0].probability > plan.instructions[0].probability
    assert not plan.outside


def test_the_last_round_puts_back_everything_that_differs() -> None:
    name = "updates-too-aggressive/fetch_reach_dense-clip-range-high-strong-100"
    whole = "learning_rate 0.003 -> 0.002, clip_range 10 -> 0.2"
    assert changes(plan_of(name))[0] == "clip_range 10 -> 0.2"
    assert changes(plan_of(name))[-1] == whole
    assert changes(plan_of(name, rounds=2)) == ["clip_range 10 -> 0.2", whole]
    assert changes(plan_of(name, rounds=1)) == [whole]


def test_rounds_leave_room_for_the_likeliest() -> None:
    likely, next_, rare = (Remedy((name,), p, {}) for name, p in (("a", 0.5), ("b", 0.3), ("c", 0.1)))
    everything = Remedy((), 0.0, {})
    assert within((likely, next_, rare), 2) == (likely, next_)
    assert within((likely, next_, rare, everything), 3) == (likely, next_, everything)
    assert within((likely, everything), 3) == (likely, everything)


@pytest.mark.parametrize(
    ("name", "cause", "check"),
    [
        ("reward-misaligned/pendulum-reward-sign-flipped-full-100", "reward-misaligned", "ENV404"),
        ("goal-not-observed/fetch_reach_dense-goal-hidden-full-100", "goal-not-observed", "ENV206"),
        ("updates-too-small/cartpole-policy-frozen-full-100", "updates-too-small", "ENV501"),
    ],
)
def test_a_cause_outside_the_recipe_becomes_an_instruction(name: str, cause: str, check: str) -> None:
    plan = plan_of(name)
    assert plan.remedies == ()
    assert plan.instructions[0].diagnosis == cause
    assert check in plan.instructions[0].confirmed_by
    assert "There is no setting to try" in "\n".join(describe(plan))


def test_what_lies_in_the_recipe_alone_is_no_cause_where_the_recipe_is_the_references() -> None:
    plan = plan_of("stale-data-reused/fetch_reach_dense-stale-data-full-100")
    only_in_recipes = {"learning-rate-too-high", "updates-too-aggressive", "entropy-too-high", "policy-collapsed"}
    assert only_in_recipes.isdisjoint(one.diagnosis for one in plan.instructions)


def test_an_odd_setting_beside_a_poor_outcome_is_looked_at_twice() -> None:
    """The doctor calls these curves healthy; the outcome is below every healthy seed, and ent_coef is 1."""
    sick = read_sick_run(SICK / "entropy-too-high/cartpole-entropy-bonus-high-strong-100")
    if sick.diagnosis.verdict is Verdict.HEALTHY:
        assert "ent_coef 1" in low_outcome_note(sick)
    assert not nothing_to_do(sick)
    assert changes(make_plan(sick, Path("out"), 3)) == ["ent_coef 1 -> 0"]


@pytest.mark.parametrize("name", ["mixed-runs/cartpole-two-runs-in-one-directory-full-100", "too-short-to-judge"])
def test_what_cannot_be_judged_is_not_treated(name: str) -> None:
    place = SICK / name
    run = place if (place / "run.json").is_file() else next(path.parent for path in place.rglob("run.json"))
    with pytest.raises(CannotJudge):
        read_sick_run(run)


def bare(tmp_path: Path) -> Path:
    """A run as Stable-Baselines3 alone would have left it."""
    return shutil.copytree(STANDS_STILL, tmp_path / "bare", ignore=shutil.ignore_patterns("*.json"))


def test_logs_without_a_record_are_asked_for_their_environment(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="do not say on which environment") as caught:
        read_sick_run(bare(tmp_path))
    assert "--env" in caught.value.cure


def test_what_logs_do_not_tell_is_sb3s_default_or_given(tmp_path: Path) -> None:
    sick = read_sick_run(bare(tmp_path), env="CartPole-v1", settings=["n_envs=8", "n_steps=32", "gamma=0.98"])
    assert sick.recipe.setting("learning_rate") == 0.0
    assert sick.recipe.setting("gamma") == 0.98
    assert sick.recipe.setting("n_epochs") == 10
    assert "defaults" in sick.notes[0]
    assert sick.reference is not None
    assert sick.recipe.criteria == sick.reference.recipe.criteria
    plan = make_plan(sick, Path("out"), 3)
    assert "learning_rate 0 -> 0.001" in changes(plan)[0]


def test_an_environment_that_run_json_contradicts_is_refused() -> None:
    with pytest.raises(UsageError, match="CartPole-v1"):
        read_sick_run(STANDS_STILL, env="Pendulum-v1")


def test_only_what_can_be_trained_is_treated(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        for tag in ("rollout/ep_rew_mean", "train/kl_divergence_loss", "train/is_line_search_success"):
            for step in range(0, 2_000, 100):
                writer.add_scalar(tag, 1.0 / (step + 1), step)
    with pytest.raises(UsageError, match="only PPO, SAC, TD3, DDPG, DQN can be treated"):
        read_sick_run(tmp_path, env="Pendulum-v1")


def test_one_run_at_a_time() -> None:
    with pytest.raises(UsageError, match="treat takes one run"):
        read_sick_run(SICK / "updates-too-small")


def test_the_steps_of_a_trial_can_be_set_and_are_part_of_its_place() -> None:
    short = make_plan(read_sick_run(STANDS_STILL, steps=5_000), Path("out"), 3)
    assert short.sick.recipe.total_steps == 5_000
    assert short.comparison.total_steps == 5_000
    assert short.folder != make_plan(read_sick_run(STANDS_STILL), Path("out"), 3).folder


def test_a_changed_recipe_says_what_still_differs_from_the_reference() -> None:
    reference = load_recipe("quick")
    sick = reference.with_overrides(["learning_rate=0.1", "gamma=0.5"])
    fixed = changed(sick, {"learning_rate": {"from": 0.1, "to": 0.002}}, reference)
    assert fixed.setting("learning_rate") == 0.002
    assert dict(fixed.overrides) == {"gamma": 0.5}
    assert dict(sick.overrides) == {"learning_rate": 0.1, "gamma": 0.5}


def test_a_usual_value_that_does_not_fit_the_rollout_is_made_to_fit() -> None:
    tiny = load_recipe("quick").with_overrides(["n_envs=1", "n_steps=16", "batch_size=4"])
    fixed = changed(tiny, {"batch_size": {"from": 4, "to": 64}}, None)
    assert fixed.setting("batch_size") == 16


def test_a_sick_run_does_not_need_a_reference(tmp_path: Path) -> None:
    run = shutil.copytree(STANDS_STILL, tmp_path / "own")
    record = json.loads((run / "run.json").read_text())
    record["recipe"] |= {"env": "Acrobot-v1", "name": "Acrobot-v1", "criteria": {}}
    (run / "run.json").write_text(json.dumps(record))
    sick: SickRun = read_sick_run(run)
    assert sick.reference is None
    plan = make_plan(sick, Path("out"), 3)
    # The usual values then: SB3's.
    assert "learning_rate 0 -> 0.0003" in changes(plan)[0]


def test_a_suspect_run_that_was_never_evaluated_may_need_no_treatment(tmp_path: Path) -> None:
    run = shutil.copytree(STANDS_STILL, tmp_path / "run")
    sick = read_sick_run(run)
    suspect = replace(sick, diagnosis=replace(sick.diagnosis, verdict=Verdict.SUSPECT))
    assert unevaluated_note(suspect) == ""
    (run / "policy.zip").touch()
    assert unevaluated_note(suspect) in describe(make_plan(suspect, Path("out"), 3))
    assert f"rldoctor evaluate {run}" in unevaluated_note(suspect)
    assert unevaluated_note(sick) == ""
    (run / "evaluation.json").touch()
    assert unevaluated_note(suspect) == ""


@pytest.mark.parametrize(("before", "after"), [(4_000, {"learning_starts": Move(4_000, 408)}), (405, {})])
def test_hindsight_replay_begins_with_whole_episodes(before: int, after: dict[str, Move]) -> None:
    found = read_sick_run(STANDS_STILL)
    lengths = Curve("episode_length", np.array([400, 800]), np.array([50.0, 50.0]))
    recipe = load_recipe("fetch_reach_sparse/her_sac")
    hindsight = replace(found, recipe=recipe, run=replace(found.run, curves={"episode_length": lengths}))
    assert _with_whole_episodes({"learning_starts": Move(before, 250)}, hindsight) == after
    assert _with_whole_episodes({"learning_starts": Move(before, 250)}, found)["learning_starts"].after == 250
