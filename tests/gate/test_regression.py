"""A run against an earlier one: what is chance stays silent, what is worse fails, and what cannot be told is said."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rldoctor.gate import judge_runs
from rldoctor.model import Verdict

EPISODES = 100
DOING_NOTHING = {"success_rate": 0.02, "return_mean": -7.0, "final_distance_mean": 0.14}


@pytest.fixture
def played(make_by_hand):
    """Make a run whose evaluation has the given episodes: success, return and distance, an array each."""

    def played(name, success, returns, distances, seeds=range(EPISODES)):
        run = make_by_hand(name)
        run.evaluation["episodes"] = [
            {"seed": seed, "success": bool(s), "episode_return": float(r), "final_distance": float(d)}
            for seed, s, r, d in zip(seeds, success, returns, distances, strict=True)
        ]
        run.evaluation["baselines"] = {"zero_action": DOING_NOTHING, "random": {**DOING_NOTHING, "return_mean": -9.7}}
        return run.measured(
            success_rate=float(np.mean(success)),
            return_mean=float(np.mean(returns)),
            final_distance_mean=float(np.mean(distances)),
        )

    return played


def skilled(rng, success=1.0, distance=0.01):
    """Return episodes of a policy whose mean return and distance scatter as FetchReach's do."""
    hard = np.random.default_rng(99).gamma(4, 0.25, EPISODES)
    distances = distance * rng.gamma(4, 0.25, EPISODES)
    return rng.random(EPISODES) < success, -0.6 * hard - 20 * distances, distances


def regressed(subject):
    return sorted(finding.code for finding in subject.findings if finding.code.startswith("EVL3"))


def test_the_same_run_is_no_regression(played):
    run = played("a", *skilled(np.random.default_rng(0)))
    (subject,) = judge_runs([run], baseline=[run])
    assert subject.verdict is Verdict.HEALTHY
    losses = [result for result in subject.criteria if result.code.startswith("EVL3")]
    assert [result.code for result in losses] == ["EVL301", "EVL302", "EVL303"]
    assert all(result.observed <= 0 and result.passed for result in losses)
    assert judge_runs([run], baseline=[run], margin=0.0)[0].verdict is Verdict.HEALTHY
    # A tenth of the way from doing nothing: 0.98 of success, about 6.2 of return, about 130 mm.
    assert losses[0].threshold == pytest.approx(0.098)
    assert subject.facts["compared_with"] == [str(run)]


@pytest.mark.slow
def test_chance_is_no_regression(played):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        before, now = played(f"b{seed}", *skilled(rng)), played(f"n{seed}", *skilled(rng))
        (subject,) = judge_runs([now], baseline=[before])
        assert subject.verdict is Verdict.HEALTHY, seed


def test_a_lower_success_rate_fails_though_it_passes_the_criterion(played):
    rng = np.random.default_rng(1)
    before, now = played("before", *skilled(rng)), played("now", *skilled(rng, success=0.7))
    assert judge_runs([now], require=["success_rate=0.5"])[0].verdict is Verdict.HEALTHY
    (subject,) = judge_runs([now], require=["success_rate=0.5"], baseline=[before])
    assert subject.verdict is Verdict.SICK
    assert regressed(subject) == ["EVL301"]
    (finding,) = [finding for finding in subject.findings if finding.code == "EVL301"]
    assert "success rate went from 1 to 0." in finding.message
    assert "1 run against 1, 100 episodes each" in finding.message
    assert "Each side is one run" in finding.remedy
    assert finding.evidence["may_lose"] < finding.evidence["loss_at_least"] < finding.evidence["loss"]
    assert finding.evidence["loss"] == pytest.approx(1 - finding.evidence["observed"])


def test_a_small_loss_is_no_regression_however_sure(played):
    rng = np.random.default_rng(2)
    success, returns, distances = skilled(rng)
    before = played("before", success, returns, distances)
    # Every single episode is worse by 0.3: certain, and half of the margin of about 0.6.
    now = played("now", success, returns - 0.3, distances)
    assert judge_runs([now], baseline=[before])[0].verdict is Verdict.HEALTHY
    assert regressed(judge_runs([now], baseline=[before], margin=0.02)[0]) == ["EVL302"]
    far = played("far", success, returns - 1.0, distances)
    assert regressed(judge_runs([far], baseline=[before])[0]) == ["EVL302"]


def test_the_luck_of_trainings_widens_the_bound(played):
    rng = np.random.default_rng(3)

    def group(name, rates):
        return [played(f"{name}{i}", *skilled(rng, success=rate)) for i, rate in enumerate(rates)]

    before, unlucky = group("before", (1.0, 0.7, 1.0, 0.75, 1.0)), group("now", (0.7, 1.0, 0.7, 0.95, 0.75))
    alone = judge_runs([unlucky[0]], require=["success_rate=off"], baseline=[before[0]])[0]
    assert regressed(alone) == ["EVL301"]
    together = judge_runs(unlucky, require=["success_rate=off"], aggregate="mean", baseline=before)[0]
    assert regressed(together) == [], "seeds of either side scatter as much as the sides differ"
    worse = group("worse", (0.5, 0.55, 0.4, 0.5, 0.45))
    assert regressed(judge_runs(worse, require=["success_rate=off"], aggregate="mean", baseline=before)[0]) == [
        "EVL301"
    ]


def test_only_shared_episodes_are_compared(played):
    rng = np.random.default_rng(4)
    before = played("before", *skilled(rng))
    success, returns, distances = skilled(rng)
    for first, shared in ((90, 10), (80, 20)):
        now = played(f"now{first}", success, returns, distances, seeds=range(first, first + EPISODES))
        (subject,) = judge_runs([now], baseline=[before])
        if shared < 20:
            assert subject.verdict is Verdict.UNJUDGED
            assert f"share {shared} episodes" in subject.unjudged[0].reason
        else:
            assert subject.verdict is Verdict.HEALTHY


def test_a_baseline_that_learned_nothing_is_no_measure(played):
    rng = np.random.default_rng(5)
    before = played("before", np.zeros(EPISODES), np.full(EPISODES, -8.0), np.full(EPISODES, 0.2))
    (subject,) = judge_runs([played("now", *skilled(rng))], baseline=[before])
    assert subject.verdict is Verdict.UNJUDGED
    assert "nothing to lose" in subject.unjudged[0].reason


def test_a_baseline_that_does_not_say_what_doing_nothing_scores_is_no_measure(played):
    rng = np.random.default_rng(5)
    now, before = played("now", *skilled(rng)), played("before", *skilled(rng))
    file = before / "evaluation.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"baselines": {}}))
    (subject,) = judge_runs([now], baseline=[before])
    assert subject.verdict is Verdict.UNJUDGED
    assert "the zero-action and the random policy" in subject.unjudged[0].reason


def test_a_metric_in_which_doing_nothing_is_as_good_is_left_out(played):
    rng = np.random.default_rng(6)
    success, returns, distances = skilled(rng)
    before = played("before", np.zeros(EPISODES), returns, distances)
    (subject,) = judge_runs([played("now", success, returns, distances)], baseline=[before])
    assert [result.code for result in subject.criteria if result.code.startswith("EVL3")] == ["EVL302", "EVL303"]


def test_other_environments_are_not_compared(played, make_by_hand):
    other = make_by_hand("other")
    other.record["recipe"] = {**other.record["recipe"], "env": "CartPole-v1"}
    other.evaluation["env"] = "CartPole-v1"
    (subject,) = judge_runs([played("now", *skilled(np.random.default_rng(6)))], baseline=[other.write()])
    assert subject.verdict is Verdict.UNJUDGED
    assert "CartPole-v1" in subject.unjudged[0].reason


def test_an_unusable_baseline_is_never_a_pass(played, make_by_hand):
    now = played("now", *skilled(np.random.default_rng(7)))
    gone = make_by_hand("gone").directory
    (gone / "evaluation.json").unlink()
    (subject,) = judge_runs([now], baseline=[gone])
    assert subject.verdict is Verdict.UNJUDGED
    assert subject.unjudged[0].reason.startswith("The baseline cannot be used: ")
    assert str(gone) in subject.unjudged[0].how_to_log
    assert str(now) not in subject.unjudged[0].how_to_log
