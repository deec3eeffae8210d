"""Probes: what they see of policies whose faults are known, the part that they name, and algorithms that misbehave."""

from __future__ import annotations

import numpy as np
import pytest

from rldoctor.cli.app import run
from rldoctor.errors import TrainingFailed, UsageError
from rldoctor.model import Verdict
from rldoctor.probes.adapters import find, solution_of, trainer_of
from rldoctor.probes.base import Record
from rldoctor.probes.catalogue import FAMILIES, Expected, expected, probes
from rldoctor.probes.environments import PROBES
from rldoctor.probes.judge import rank, signs, value_range
from rldoctor.probes.play import Measured
from rldoctor.probes.run import probe


def knowing(gamma=0.8, value=True):
    """Return a trainer that plays a little and returns the answers."""

    def train(make_env, num_envs, steps, seed, gamma=gamma):
        env = make_env()
        obs, _ = env.reset(seed=seed)
        right = {tuple(np.float32(obs)): answer for obs, answer in env.policy}
        worth = {tuple(np.float32(obs)): of(gamma) for obs, of in env.values}

        def policy(obs):
            answer = right.get(tuple(obs), 1.0)
            return np.array([env.high * (2 * answer - 1)], np.float32) if env.continuous else int(answer)

        for step in range(steps):
            action = policy(obs) if right else policy(obs) * (1 if step % 2 else 0)
            obs, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                obs, _ = env.reset()
        return (policy, lambda obs: worth[tuple(obs)]) if value else policy

    return train


@pytest.mark.parametrize("family", FAMILIES)
def test_what_knows_the_answers_passes(family):
    result = probe(trainer_of(knowing()), algorithm=family, steps=200)
    assert result.verdict is Verdict.HEALTHY, result.findings
    assert all(check.outcome == "passed" for check in result.checks)
    assert result.diagnoses == ()


def test_without_a_value_only_the_policy_is_judged_and_that_is_said():
    result = probe(trainer_of(knowing(value=False)), steps=200)
    assert result.verdict is Verdict.HEALTHY
    assert "Only the policy was judged" in result.summary
    assert {item.code for item in result.unjudged} == {"PRB101", "PRB102", "PRB103"}


def test_the_best_policy_of_each_probe_is_worth_more_than_the_other_for_the_discount_factor_that_is_asked_for():
    """By playing: the discounted return of always right against always wrong, a time limit going on for ever."""
    for name, kind in PROBES.items():
        if not kind.policy:
            continue
        worth = []
        for right in (True, False):
            env = kind(Record(10**6), continuous=False)
            env.reset(seed=0)
            total, episodes = 0.0, 200
            for _ in range(episodes):
                env.reset()
                discount = 1.0
                for _ in range(40):
                    answer = env.context > 0
                    _, reward, terminated, _, _ = env.step(int(answer if right else not answer))
                    total += discount * reward / episodes
                    discount *= probes().gamma
                    if terminated:
                        break
            worth.append(total)
        if name == "next-episode":
            # What the next episode pays is not this one's: it is the difference of 0.3 that counts.
            worth = [worth[0] + 1, worth[1]]
        assert worth[0] > worth[1] + 0.1, name


@pytest.mark.parametrize("name", PROBES)
def test_the_values_are_those_of_the_best_policy(name):
    for obs, of in PROBES[name].values:
        low, high = value_range(name, None)[[o for o, _ in PROBES[name].values].index(obs)]
        assert low <= of(0.95) <= high


def measured(scores=(), values=(), late=1.0, spread=0.5):
    return Measured(scores, values, late, spread, 100, 0.0)


@pytest.mark.parametrize(
    ("probe", "given", "aspect", "word"),
    [
        ("action-matters", measured((1.0,)), "policy", "passed"),
        ("action-matters", measured((0.0,), late=0.0), "policy", "reversed"),
        ("action-matters", measured((0.5,), late=0.5), "policy", "failed"),
        ("action-matters", measured((1.0,), late=0.5), "behaviour", "random"),
        ("both-matter", measured((0.0, 1.0), late=0.5), "policy", "one-action"),
        ("normalisation", measured((0.0, 1.0), late=0.95), "policy", "differs"),
        ("both-matter", measured((float("nan"), 1.0), late=0.5), "policy", "not-finite"),
        ("indifferent", measured(spread=0.0), "behaviour", "collapsed"),
        ("constant-reward", measured(values=(0.0,)), "value", "too-low"),
        ("constant-reward", measured(values=(4.0,)), "value", "too-high"),
        ("observation-reward", measured(values=(0.0, 0.0)), "value", "flat"),
        ("observation-reward", measured(values=(1.0, -1.0)), "value", "reversed"),
        ("delayed-reward", measured(values=(1.0, 1.0)), "value", "too-high"),
        ("delayed-reward", measured(values=(0.0, 1.0)), "value", "too-low"),
        ("delayed-reward", measured(values=(0.8, 1.0)), "value", "passed"),
        ("delayed-reward", measured(values=(0.8, float("inf"))), "value", "not-finite"),
    ],
)
def test_what_a_measurement_shows(probe, given, aspect, word):
    tight = Expected(value_tolerance=0.15)
    assert signs(probe, given, tight, 0.8)[aspect] == word


def test_a_discount_factor_of_its_own_is_not_a_fault():
    assert signs("delayed-reward", measured(values=(0.99, 1.0)), Expected(), None)["value"] == "passed"


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("update-sign", ["action-matters.policy.reversed", "both-matter.policy.reversed"]),
        ("time-limits", ["time-limit.policy.reversed", "episode-end.policy.passed", "action-matters.policy.passed"]),
        ("normalisation", ["normalisation.policy.differs", "both-matter.policy.passed"]),
        ("environment-order", ["parallel.policy.one-action", "both-matter.policy.passed"]),
        ("value-target", ["delayed-reward.value.too-low", "constant-reward.value.passed"]),
        ("entropy", ["indifferent.behaviour.collapsed", "action-matters.policy.passed"]),
    ],
)  # fmt: skip
def test_the_part_that_the_signs_point_to(part, found):
    ranked = rank(found)
    assert ranked[0].name == part
    assert sum(one.probability for one in ranked) == pytest.approx(1.0)


def test_every_weight_is_of_a_sign_that_can_show():
    aspects = {"policy", "value", "behaviour"}
    for part in probes().part.values():
        for sign in part.weights:
            name, aspect, *_ = sign.split(".")
            assert name in probes().probe, sign
            assert aspect in aspects, sign
    assert list(probes().probe) == list(PROBES)
    for family in FAMILIES:
        assert expected(family, "action-matters").least_score > 0.5


def test_a_wrong_sign_is_named():
    def train(env, steps, seed):
        env.reset(seed=seed)
        for _ in range(steps):
            env.step(0)
            env.reset()
        return lambda obs: 0

    result = probe(trainer_of(train), select=("action-matters",))
    assert result.verdict is Verdict.SICK
    assert result.diagnoses[0].name == "update-sign"
    assert result.findings[0].code == "PRB104"


def plays(env):
    env.reset()
    env.step(1)


def test_forms_of_a_function_and_of_a_policy():
    import torch

    assert trainer_of(lambda env, steps, seed: None).roles == {"env": "env", "steps": "steps", "seed": "seed"}
    assert trainer_of(lambda environment, budget, seed: None).roles["budget"] == "steps"
    assert trainer_of(lambda a, b, c: None).roles == {"a": "env", "b": "steps", "c": "seed"}
    with pytest.raises(UsageError, match="cannot fill"):
        trainer_of(lambda env, steps, seed, rate: None)
    module = torch.nn.Linear(1, 2)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        module.bias.zero_()
    assert [solution_of(module).policy(np.array([x], np.float32)) for x in (1.0, -1.0)] == [0, 1]
    with pytest.raises(UsageError, match="not a policy"):
        solution_of(5)
    with pytest.raises(UsageError, match="no algorithm"):
        find("sb3:PPP")


@pytest.mark.parametrize(
    ("train", "error", "said"),
    [
        (lambda env, steps, seed: 1 / 0, TrainingFailed, "ZeroDivisionError"),
        (lambda env, steps, seed: [plays(env) for _ in range(10**6)], TrainingFailed, "its budget was"),
        (lambda env, steps, seed: plays(env), UsageError, "not a policy"),
        (lambda env, steps, seed: lambda obs: 1, UsageError, "took no step"),
        (lambda env, steps, seed: plays(env) or (lambda obs: "left"), UsageError, "no action of Discrete"),
        (lambda env, steps, seed: plays(env) or (lambda obs: [1, 0]), UsageError, "no action of Discrete"),
        (lambda env, steps, seed: plays(env) or (lambda obs: obs / "a"), TrainingFailed, "The policy failed"),
    ],
)
def test_an_algorithm_that_misbehaves(train, error, said):
    with pytest.raises(error, match=said):
        probe(trainer_of(train), select=("action-matters",))


def test_the_command_without_an_algorithm_and_its_list(capsys):
    assert run(["probe"]) == 2
    assert "sb3:PPO" in capsys.readouterr().err
    assert run(["probe", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(PROBES)
    assert run(["probe", "nowhere.py:train"]) == 2


@pytest.mark.slow
def test_a_training_that_hangs_is_stopped(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text("import time\ndef train(env, steps, seed):\n    time.sleep(1000)\n", "utf-8")
    assert run(["probe", f"{file}:train", "--timeout", "1", "--select", "action-matters"]) == 4
    assert "did not end within 1 s" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["PPO", "SAC"])
def test_stable_baselines3_passes(name):
    result = probe(f"sb3:{name}", select=("observation-reward", "both-matter", "time-limit"))
    assert result.verdict is Verdict.HEALTHY, result.findings
