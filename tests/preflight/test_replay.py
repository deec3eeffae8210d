"""Preflight of buffers, relabelling, targets and updates: every fault is named, correct machinery is silent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from msgspec import structs

from benchmarks.broken.replay import FAULTS, HEALTHY
from rldoctor.hyperparameters import OFF_POLICY
from rldoctor.model import PreflightResult, Unjudged, Verdict
from rldoctor.preflight.checks.replay.replay_budget import updates_of
from rldoctor.preflight.runner import run_preflight
from rldoctor.recipe import Recipe, recipe_from_mapping
from rldoctor.render.answer import answer

CODES = ("ENV511", "ENV512", "ENV513", "ENV514", "ENV515", "ENV516")


def examine(env: str, make_model: Any = None, recipe: Recipe | None = None) -> PreflightResult:
    return run_preflight(env, make_model=make_model, recipe=recipe, select=CODES, budget=60.0)


def names(result: PreflightResult) -> set[str]:
    return {finding.name for finding in result.findings if finding.code in CODES}


# One of each check runs with every test; the others are slow.
QUICK = {
    *("rewards-clipped", "n-step-discount-of-one-step", "target-frozen", "terminal-states-bootstrapped"),
    *("actor-upside-down", "dqn", "n-steps"),
}


def some(names: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in names]


@pytest.mark.parametrize("fault", some(FAULTS))
def test_every_fault_is_named(fault: str) -> None:
    env, make_model, finding = FAULTS[fault]
    assert finding in names(examine(env, make_model))


@pytest.mark.parametrize("kind", some(HEALTHY))
def test_correct_machinery_is_silent(kind: str) -> None:
    env, make_model = HEALTHY[kind]
    result = examine(env, make_model)
    assert names(result) == set()
    ran = {check.code for check in result.checks if check.outcome.value == "passed"}
    assert {"ENV511", "ENV514", "ENV515"} <= ran
    assert ("ENV513" in ran) == kind.startswith("hindsight")
    assert ("ENV512" in ran) == (kind == "n-steps")


def recipe(algorithm: str, env: str = "Pendulum-v1", **settings: Any) -> Recipe:
    hyperparameters = {"net_arch": [16], "buffer_size": 5_000, **settings}
    data = {"name": env, "env": env, "algorithm": algorithm, "total_steps": 5_000, "n_envs": 2}
    return recipe_from_mapping({**data, "hyperparameters": hyperparameters}, "a test")


@pytest.mark.parametrize("algorithm", some(sorted(OFF_POLICY)))
def test_the_machinery_of_a_recipe_is_examined(algorithm: str) -> None:
    env = "CartPole-v1" if algorithm == "dqn" else "Pendulum-v1"
    made = recipe(algorithm, env, **({"target_update_interval": 100} if algorithm == "dqn" else {}))
    assert names(examine(env, recipe=made)) == set()


@pytest.mark.parametrize("algorithm", some(["sac", "ddpg", "dqn"]))
def test_a_tau_of_zero_freezes_the_target(algorithm: str) -> None:
    env = "CartPole-v1" if algorithm == "dqn" else "Pendulum-v1"
    made = recipe(algorithm, env, tau=0.0, **({"target_update_interval": 100} if algorithm == "dqn" else {}))
    result = examine(env, recipe=made)
    assert names(result) == {"target-frozen"}
    assert any("tau is 0" in finding.message for finding in result.findings)


@pytest.mark.parametrize(
    ("made", "finding"),
    [
        (recipe("sac", learning_starts=5_000), "learning-never-starts"),
        (recipe("sac", learning_starts=3_000), "learning-starts-late"),
        (recipe("sac", train_freq=64), "updates-few"),
        (recipe("dqn", "CartPole-v1"), "target-never-updated"),
        (recipe("sac", buffer_size=10**12), "replay-memory-exceeded"),
        (recipe("sac", "FetchReach-v4", her=True, learning_starts=90), "hindsight-starts-early"),
    ],
)
def test_settings_that_do_not_fit_are_named(made: Recipe, finding: str) -> None:
    result = run_preflight(made.env, recipe=made, select=("ENV516",))
    assert names(result) == {finding}


def test_updates_are_counted_as_stable_baselines3_makes_them() -> None:
    from rldoctor.environments.vec_envs import make_training_envs
    from rldoctor.training import algorithm

    for settings in ({"gradient_steps": 2}, {"gradient_steps": -1, "train_freq": 4}, {"learning_starts": 250}):
        made = structs.replace(recipe("dqn", "CartPole-v1", buffer_size=300, batch_size=4, **settings), total_steps=300)
        envs = make_training_envs(made)
        model: Any = algorithm.build(made, envs, 0)
        with algorithm.one_thread():
            model.learn(made.total_steps)
        envs.close()
        # learning_starts itself is still waited for, and the rollout that passes it is learned from.
        assert abs(model._n_updates - updates_of(made)) <= 8


def test_nothing_is_said_of_ppo_and_the_state_of_the_caller_is_kept() -> None:
    threads = torch.get_num_threads()
    result = examine("CartPole-v1")
    assert torch.get_num_threads() == threads
    assert {check.outcome.value for check in result.checks if check.code in CODES} == {"skipped"}


def broken(_envs: Any) -> Any:
    return 1 / 0


@pytest.mark.parametrize(
    ("make_model", "said"),
    [
        (broken, "make_model raised ZeroDivisionError: division by zero (test_replay.py, line"),
        (lambda: None, "make_model raised TypeError"),
        (lambda _envs: None, "make_model returns nothing (None), and not an off-policy algorithm"),
        (lambda _envs: "SAC", "make_model returns a str, and not an off-policy algorithm"),
    ],
)
def test_a_model_that_cannot_be_made_is_one_sentence(make_model: Any, said: str) -> None:
    result = run_preflight("Pendulum-v1", make_model=make_model, select=CODES[:5], budget=60.0)
    assert result.verdict is Verdict.UNJUDGED
    assert not result.findings
    reasons = {item.reason for item in result.unjudged}
    assert len(reasons) == 1
    assert said in reasons.pop()
    [(label, reason), *_] = answer(result)
    assert (label, said in reason) == ("Reason", True)


def test_the_budget_is_named_where_it_is_the_reason() -> None:
    missed = (Unjudged("ENV102", "not run: budget"), Unjudged("ENV103", "not run: budget"))
    lines = dict(answer(PreflightResult("x", Verdict.UNJUDGED, unjudged=missed)))
    assert lines["Reason"] == "2 checks did not fit into the budget."
    assert "--budget" in lines["Fix"]
