"""Every way of breaking the real environment gives the finding that names it; the healthy one gives none of them."""

from __future__ import annotations

import warnings

import broken_environments as broken
import peers_suites
import pytest
import test_replay
from msgspec import structs
from stable_baselines3.common.monitor import Monitor

from benchmarks.broken.faults import KINDS
from rldoctor import references
from rldoctor.environments import registry
from rldoctor.model import Outcome, PreflightResult, Severity, Verdict
from rldoctor.preflight.checks import all_checks
from rldoctor.preflight.runner import run_preflight

ENV = "FetchReachDense-v4"
# wrapper, the check that looks for it, the finding, its severity
TABLE = [
    (broken.FourValues, "ENV102", "four-value-step", "error"),
    (broken.StepRaises, "ENV102", "step-raises", "error"),
    (broken.ResetWithoutInfo, "ENV102", "reset-signature-wrong", "error"),
    (broken.ResetWithoutSeed, "ENV102", "reset-signature-wrong", "error"),
    (broken.ResetWithoutOptions, "ENV102", "reset-options-missing", "warning"),
    (broken.NaNObservation, "ENV202", "observation-not-finite", "error"),
    (broken.ActionsDouble, "ENV104", "stable-baselines-complaint", "note"),
    (broken.NotReproducible, "ENV105", "trajectory-not-reproducible", "error"),
    (broken.SeedIgnored, "ENV106", "seed-replaced", "error"),
    (broken.OneEpisode, "ENV106", "seed-without-effect", "warning"),
    (broken.SeedIgnored, "ENV107", "parallel-environments-alike", "error"),
    (broken.TimeLimitTerminates, "ENV108", "time-limit-terminates", "warning"),
    (broken.ShortEpisodes, "ENV108", "horizon-unexpected", "warning"),
    (broken.SuccessMissing, "ENV109", "success-signal-missing", "warning"),
    (broken.GoalRemoved, "ENV201", "observation-key-missing", "error"),
    (broken.SinglePrecision, "ENV201", "observation-dtype-wrong", "warning"),
    (broken.WholeNumbers, "ENV201", "observation-dtype-wrong", "error"),
    (broken.OutsideTheSpace, "ENV203", "observation-outside-space", "error"),
    (broken.HugeObservations, "ENV204", "observations-too-large", "warning"),
    (broken.ObservationsFrozen, "ENV205", "observations-frozen", "error"),
    (broken.GoalHidden, "ENV206", "goal-not-observed", "error"),
    (broken.GoalRemoved, "ENV206", "goal-not-observed", "error"),
    (broken.GoalNeverChanges, "ENV206", "goal-never-changes", "warning"),
    (broken.ActionsAsymmetric, "ENV301", "action-bounds-asymmetric", "note"),
    (broken.ActionsUnbounded, "ENV301", "action-bounds-infinite", "error"),
    (broken.ActionsWide, "ENV301", "action-bounds-far-from-unit", "warning"),
    (broken.ActionsReversed, "ENV301", "action-bounds-reversed", "error"),
    (broken.ActionsIgnored, "ENV302", "actions-without-effect", "error"),
    (broken.OneActionDead, "ENV302", "action-dimension-dead", "warning"),
    (broken.ActionsShuffled, "ENV303", "same-action-other-effect", "error"),
    (broken.ActionsShuffled, "ENV304", "actions-shuffled", "error"),
    (broken.ActionsReordered, "ENV304", "actions-shuffled", "error"),
    (broken.ActionsScaledDown, "ENV304", "actions-scaled", "error"),
    (broken.RewardConstant, "ENV401", "reward-constant", "error"),
    (broken.RewardTimes1000, "ENV401", "reward-out-of-range", "error"),
    (broken.RewardTimes1e4th, "ENV401", "reward-scale-unexpected", "error"),
    (broken.RewardNaN, "ENV401", "reward-not-finite", "error"),
    (broken.RewardTimes1000, "ENV403", "reward-differs-from-compute-reward", "error"),
    (broken.BatchedRewardFails, "ENV403", "compute-reward-not-vectorised", "warning"),
    (broken.RewardFlipped, "ENV404", "reward-sign-flipped", "error"),
    (broken.RewardUnrelated, "ENV404", "reward-unrelated-to-distance", "warning"),
    (broken.SuccessAlwaysFalse, "ENV405", "success-signal-wrong", "error"),
    (broken.SuccessAlwaysTrue, "ENV405", "success-signal-wrong", "error"),
    (broken.GoalUnreachable, "ENV406", "goal-unreachable", "error"),
    (broken.RewardNaN, "ENV501", "update-not-finite", "error"),
    (broken.SuccessAlwaysTrue, "ENV601", "baseline-succeeds", "warning"),
]


def names(result: PreflightResult) -> dict[str, Severity]:
    return {finding.name: finding.severity for finding in result.findings}


def each_fault():
    """Yield rows of the table; slow is every second of a check's others, and of what small environments show."""
    elsewhere = {finding for kind in KINDS for finding in kind.findings}
    looked_for = {"ENV601", *(check.code for check in all_checks() if elsewhere.intersection(check.faults))}
    for place, row in enumerate(TABLE):
        slow = row[1] in looked_for
        if not slow or place % 2:
            yield pytest.param(*row, id=f"{row[0].__name__}-{row[1]}", marks=pytest.mark.slow if slow else ())
        looked_for.add(row[1])


@pytest.mark.parametrize(("wrapper", "code", "finding", "severity"), list(each_fault()))
def test_names_the_fault(wrapper, code, finding, severity):
    result = run_preflight(ENV, wrap=wrapper, select=[code])
    assert names(result).get(finding) == severity
    assert next(found for found in result.findings if found.name == finding).remedy
    assert "check-crashed" not in names(result)


def test_table_covers_every_environment_check():
    """A check that never fires on a broken environment is worth nothing. Some have tests of their own."""
    covered = {row[1] for row in TABLE} | {
        "ENV101",
        "ENV103",
        "ENV119",
        "ENV122",
        "ENV123",
        "ENV124",
        "ENV125",
        "ENV214",
        "ENV215",
        "ENV216",
        "ENV217",
        "ENV314",
        "ENV315",
        "ENV316",
        "ENV317",
        "ENV402",
        "ENV414",
        "ENV415",
        "ENV416",
        "ENV417",
        "ENV418",
        "ENV419",
        "ENV420",
        "ENV126",
        "ENV218",
        "ENV318",
        "ENV421",
        "ENV127",
        "ENV407",
        "ENV422",
        *test_replay.CODES,
    }
    named = {finding for kind in KINDS for finding in kind.findings}
    named |= {finding for case in peers_suites.BROKEN.values() for finding in case.named}
    covered |= {check.code for check in all_checks() if named.intersection(check.faults)}
    assert {check.code for check in all_checks() if check.code.startswith("ENV")} == covered


@pytest.mark.parametrize(("env", "recipe"), [(ENV, "quick"), ("CartPole-v1", None), ("Pendulum-v1", "pendulum/zoo")])
def test_healthy_environment_gives_no_warning(env, recipe):
    # With time for all episodes, however busy the machine is.
    result = run_preflight(env, recipe=references.load_recipe(recipe) if recipe else None, budget=600.0)
    # Cores, disk and speed are those of the machine that the tests run on.
    spoken = [f for f in result.findings if f.code not in ("SYS102", "SYS103", "SYS301")]
    assert [f for f in spoken if f.severity is not Severity.NOTE] == []
    assert not any(e.outcome is Outcome.NOT_RUN for e in result.checks)
    # Nobody else needs the numbers, so that five without a success are enough.
    assert 5 <= result.facts["baselines"]["random"]["n_episodes"] <= 20
    if env == ENV:
        assert result.facts["baselines"]["zero_action"]["return_mean"] == pytest.approx(-7.0, abs=1.0)
        assert "action-dimension-dead-as-known" in names(result)


@pytest.mark.slow
def test_every_fault_of_a_broken_environment_in_one_run():
    """Faults do not hide each other: three at once, three findings, in one run with everything else."""

    def wrap(env):
        return broken.SuccessAlwaysFalse(broken.RewardFlipped(broken.NotReproducible(env)))

    result = run_preflight(ENV, wrap=wrap, ignore=["SYS", "ENV501", "ENV601"])
    assert {"success-signal-wrong", "reward-sign-flipped", "trajectory-not-reproducible"} <= names(result).keys()
    assert result.verdict is Verdict.SICK
    ranks = [finding.severity.rank for finding in result.findings]
    assert ranks == sorted(ranks, reverse=True)


def test_a_sparse_task_is_sound_and_its_dense_sister_is_named():
    """A recipe of another environment, such as the default one, says nothing about this one."""
    for recipe in (None, references.load_recipe("quick")):
        result = run_preflight("FetchReach-v4", recipe=recipe, select=["ENV402"])
        (finding,) = result.findings
        assert (finding.name, finding.severity) == ("reward-sparse", Severity.NOTE)
        assert "FetchReachDense-v4" in finding.remedy
        assert result.verdict is Verdict.HEALTHY


def test_a_dense_task_made_sparse_is_no_longer_that_task():
    found = names(run_preflight(ENV, wrap=broken.RewardSparse, select=["ENV402"]))
    assert found["reward-not-dense"] is Severity.ERROR


def test_a_complaint_that_no_check_of_ours_knows_is_quoted(monkeypatch):
    def check_env(env, **options):
        warnings.warn("A rule of a later version is broken.", stacklevel=1)

    monkeypatch.setattr("gymnasium.utils.env_checker.check_env", check_env)
    (finding,) = run_preflight("CartPole-v1", select=["ENV103"]).findings
    assert finding.message == "Gymnasium's check_env: A rule of a later version is broken."


def test_parallel_environments_with_one_seed():
    def make_vec_env(count):
        return broken.OneSeedForAll([lambda: Monitor(registry.make(ENV))] * count)

    result = run_preflight(ENV, make_vec_env=make_vec_env, select=["ENV107"])
    assert names(result)["parallel-environments-alike"] is Severity.ERROR


def test_four_value_step_of_the_environment_itself(monkeypatch):
    """Gymnasium's wrappers fail on four values before they can be counted; the finding still names them."""
    from gymnasium.envs.classic_control.cartpole import CartPoleEnv

    step = CartPoleEnv.step
    monkeypatch.setattr(CartPoleEnv, "step", lambda self, action: (*step(self, action)[:2], False, {}))
    assert "four-value-step" in names(run_preflight("CartPole-v1", select=["ENV102"]))


@pytest.mark.parametrize("env", ["FrozenLake-v1", "MountainCar-v0", "CliffWalking-v1", "Reacher-v5"])
def test_no_alarm_on_environments_with_other_habits(env):
    """One start for all seeds, one reward for every step, no goals, discrete observations: none of it is a fault."""
    result = run_preflight(env, ignore=["SYS", "ENV601"])
    assert [f for f in result.findings if f.severity is not Severity.NOTE] == []


def test_observations_that_ppo_cannot_take():
    """The fault has a name; a tuple is looked at part by part, and what cannot be is not run rather than crashing."""
    result = run_preflight("Blackjack-v1", ignore=["SYS", "ENV601"])
    assert {f.name: f.severity for f in result.findings if f.severity is not Severity.NOTE} == {
        "observation-space-unsupported": Severity.WARNING
    }
    assert {check.outcome.value for check in result.checks} <= {"passed", "fired", "skipped"}


def test_learning_rate_of_zero_moves_nothing():
    recipe = references.load_recipe("quick")
    still = structs.replace(recipe, hyperparameters={**recipe.hyperparameters, "learning_rate": 0.0})
    assert "weights-unmoved" in names(run_preflight(ENV, recipe=still, select=["ENV501"]))
