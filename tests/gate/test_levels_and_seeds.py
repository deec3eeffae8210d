"""Criteria that only warn or are off, and several seeds of a recipe judged together."""

from __future__ import annotations

import pytest

from rldoctor.errors import UsageError
from rldoctor.gate import Statistic, judge_run, judge_runs
from rldoctor.model import Severity, Verdict, exit_code_of
from rldoctor.recipe import recipe_from_mapping
from rldoctor.references import load_recipe


def test_a_criterion_that_warns_makes_suspect(hand_made):
    failing = hand_made.measured(final_distance_mean=0.03)
    assert judge_run(failing).verdict is Verdict.SICK
    subject = judge_run(failing, ["final_distance_mean=warn"])
    assert subject.verdict is Verdict.SUSPECT
    (finding,) = [finding for finding in subject.findings if finding.severity is not Severity.NOTE]
    assert (finding.code, finding.severity) == ("EVL103", Severity.WARNING)
    assert exit_code_of([subject.verdict]) == 0
    assert exit_code_of([subject.verdict], Verdict.SUSPECT) == 1
    assert judge_run(failing, ["final_distance_mean=warn", "final_distance_mean=error"]).verdict is Verdict.SICK
    assert judge_run(failing, ["final_distance_mean=warn", "final_distance_mean=0.04"]).verdict is Verdict.HEALTHY


def test_a_criterion_that_is_off_is_not_held(hand_made):
    failing = hand_made.measured(final_distance_mean=0.03)
    subject = judge_run(failing, ["final_distance_mean=off"])
    assert subject.verdict is Verdict.HEALTHY
    assert "final_distance_mean" not in {result.name for result in subject.criteria}
    assert judge_run(failing, ["final_distance_mean=off", "final_distance_mean=error"]).verdict is Verdict.SICK
    all_off = [f"{name}=off" for name in load_recipe("quick").criteria]
    assert judge_run(failing, all_off).verdict is Verdict.UNJUDGED


def test_a_recipe_may_say_that_a_criterion_only_warns(hand_made):
    plain = load_recipe("quick").to_json()
    plain["criteria"]["final_distance_mean"] = {"below": 0.02, "level": "warn"}
    recipe = recipe_from_mapping(plain, "recipe.toml")
    assert recipe_from_mapping(recipe.to_json(), "run.json").criteria == recipe.criteria
    assert judge_run(hand_made.measured(final_distance_mean=0.03), recipe=recipe).verdict is Verdict.SUSPECT
    for level in ("off", "loud", 3, None):
        plain["criteria"]["final_distance_mean"]["level"] = level
        with pytest.raises(UsageError, match=r"criteria\.final_distance_mean\.level = "):
            recipe_from_mapping(plain, "recipe.toml")


@pytest.fixture
def seeds(make_by_hand):
    """A folder of five seeds whose success rates are 1, 1, 1, 0.95 and 0.6."""
    for seed, rate in enumerate((1.0, 0.6, 1.0, 0.95, 1.0)):
        run = make_by_hand(f"seeds/seed-{seed}")
        run.record["seed"] = seed
        run.measured(success_rate=rate)
    return run.directory.parent


@pytest.mark.parametrize(
    ("statistic", "observed", "verdict"),
    [
        (Statistic.WORST, 0.6, Verdict.SICK),
        (Statistic.MEAN, 0.91, Verdict.HEALTHY),
        # Without the lowest and the highest quarter (one of five): (0.95 + 1 + 1) / 3.
        (Statistic.IQM, 2.95 / 3, Verdict.HEALTHY),
    ],
)
def test_several_seeds_are_one_subject(seeds, statistic, observed, verdict):
    (subject,) = judge_runs([seeds], aggregate=statistic)
    assert subject.path == str(seeds)
    assert subject.verdict is verdict
    assert "5 runs" in subject.title
    by_name = {result.name: result for result in subject.criteria}
    assert by_name["success_rate"].observed == pytest.approx(observed)
    assert [run["seed"] for run in subject.facts["runs"]] == [0, 1, 2, 3, 4]
    if verdict is Verdict.SICK:
        assert "success rate (worst of 5 runs) is 0.6" in subject.findings[0].message


def test_worst_of_a_distance_is_the_longest(make_by_hand):
    for seed, distance in enumerate((0.005, 0.03)):
        make_by_hand(f"seeds/{seed}").measured(final_distance_mean=distance)
    (subject,) = judge_runs([make_by_hand("seeds/2").directory.parent], aggregate=Statistic.WORST)
    assert {result.name: result.observed for result in subject.criteria}["final_distance_mean"] == 0.03


def test_without_a_number_for_all_each_run_is_judged(seeds):
    subjects = judge_runs([seeds])
    assert [subject.verdict for subject in subjects].count(Verdict.SICK) == 1
    assert len(subjects) == 5
    assert len(judge_runs([seeds, seeds / "seed-1"])) == 5, "named twice, judged once"


def test_one_seed_without_an_evaluation_leaves_all_unjudged(seeds):
    (seeds / "seed-3" / "evaluation.json").unlink()
    (subject,) = judge_runs([seeds], aggregate=Statistic.MEAN)
    assert subject.verdict is Verdict.UNJUDGED
    assert "seed-3" in subject.unjudged[0].reason


def test_runs_of_different_recipes_are_not_mixed(seeds, make_by_hand):
    other = make_by_hand("seeds/other")
    other.record["recipe"] = load_recipe("quick").with_overrides(["gamma=0.5"]).to_json()
    other.write()
    subjects = judge_runs([seeds], aggregate=Statistic.MEAN)
    assert sorted(len(subject.facts.get("runs", [0])) for subject in subjects) == [1, 5]


def test_a_folder_without_runs_cannot_be_judged(tmp_path):
    (subject,) = judge_runs([tmp_path])
    assert subject.verdict is Verdict.UNJUDGED
    with pytest.raises(UsageError):
        judge_runs([tmp_path / "nowhere"])
