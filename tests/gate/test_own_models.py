"""Models of the user's own: evaluated beside their zip, gated by their baselines or by criteria of the project."""

from __future__ import annotations

import json
import shutil

import gymnasium
import pytest
from msgspec import structs
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import rldoctor
from rldoctor import run_directory
from rldoctor.cli.app import run as rldoctor_command
from rldoctor.config import read_config
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.gate import Statistic, judge_run, judge_runs
from rldoctor.model import Verdict
from rldoctor.recipe import Criterion


def aggregate(mean, std=1.0):
    return {"return_mean": mean, "return_std": std}


@pytest.fixture
def write(tmp_path):
    """Write a model's file, and an evaluation of it with these returns."""

    def written(name, mean, zero, random, std=1.0, episodes=100):
        model = tmp_path / f"{name}.zip"
        model.write_bytes(name.encode())
        over = {"return_over_zero_action": mean - zero, "return_over_random": mean - random}
        content = {
            "rldoctor_evaluation": 1,
            "env": "My-v0",
            "aggregate": {**aggregate(mean, std), **over},
            "baselines": {"zero_action": aggregate(zero, std), "random": aggregate(random, std)},
            "episodes": [{"seed": seed, "episode_return": mean} for seed in range(episodes)],
            "policy": {"file": model.name, "sha256": run_directory.file_hash(model)},
        }
        (tmp_path / f"{name}.evaluation.json").write_text(json.dumps(content))
        return model

    return written


@pytest.mark.parametrize(
    ("mean", "std", "episodes", "passes"),
    [
        (10.0, 1.0, 100, True),
        # Half a standard deviation is not enough, however many episodes there are.
        (0.4, 1.0, 10_000, False),
        (0.6, 1.0, 10_000, True),
        # With ten episodes chance alone reaches more than one standard deviation.
        (1.2, 1.0, 10, False),
        (1.5, 1.0, 10, True),
        # An environment without chance: better is better, and equal is not.
        (0.001, 0.0, 50, True),
        (0.0, 0.0, 50, False),
    ],
)
def test_a_model_must_be_better_than_its_baselines_by_a_margin(write, mean, std, episodes, passes):
    result = judge_run(write("model", mean, 0.0, 0.0, std, episodes))
    assert [one.name for one in result.criteria] == ["return_over_zero_action", "return_over_random"]
    assert (result.verdict is Verdict.HEALTHY) == passes


def test_criteria_of_the_project_add_and_replace(write, tmp_path):
    (tmp_path / "rldoctor.toml").write_text(
        "[criteria]\nreturn_mean = { above = 50 }\nreturn_over_random = { above = 1, level = 'warn' }\n"
    )
    criteria = read_config(tmp_path / "rldoctor.toml").criteria
    (result,) = judge_runs([write("model", 10.0, 0.0, 9.5)], criteria=criteria)
    assert {one.name: (one.threshold, one.passed) for one in result.criteria} == {
        "return_over_zero_action": (0.5, True),
        "return_over_random": (1.0, False),
        "return_mean": (50.0, False),
    }
    assert any("return_mean > 50 is required as well" in words for words in result.adjusted)
    (result,) = judge_runs([write("model", 10.0, 0.0, 9.5)], criteria=criteria, require=["return_mean=5"])
    assert result.verdict is Verdict.SUSPECT


def test_a_criterion_that_there_is_not_is_refused(write, tmp_path):
    with pytest.raises(UsageError, match="Did you mean return_mean"):
        judge_run(write("model", 1.0, 0.0, 0.0), ["return_men=3"])
    (tmp_path / "rldoctor.toml").write_text("[criteria]\nreturn_men = { above = 50 }\n")
    with pytest.raises(UsageError, match=r"criteria\.return_men"):
        read_config(tmp_path / "rldoctor.toml")


def test_what_cannot_be_judged(write, tmp_path):
    model = write("model", 1.0, 0.0, 0.0)
    model.write_bytes(b"other")
    assert "stale" in judge_run(model).unjudged[0].reason
    (tmp_path / "model.evaluation.json").unlink()
    result = judge_run(model)
    assert "has not been evaluated" in result.unjudged[0].reason
    assert "rldoctor evaluate" in result.unjudged[0].how_to_log
    assert "no model" in judge_run(tmp_path / "gone.zip").unjudged[0].reason


def test_models_are_compared_with_an_earlier_one(write):
    before, now = write("before", 10.0, 0.0, 0.0), write("now", 5.0, 0.0, 0.0)
    (result,) = judge_runs([now], baseline=[before])
    assert [one.name for one in result.findings] == ["return-mean-regressed"]
    assert judge_runs([before], baseline=[before])[0].verdict is Verdict.HEALTHY


def test_another_environment_has_none_of_the_recipes_criteria(hand_made, small):
    recipe = small.with_overrides(["env=Pendulum-v1"])
    assert not recipe.criteria
    # Runs of earlier versions state the criteria of another environment.
    recipe = structs.replace(recipe, criteria={"success_rate": Criterion(above=0.9)})
    hand_made.record["recipe"] = recipe.to_json()
    hand_made.evaluation["env"] = "Pendulum-v1"
    hand_made.evaluation["baselines"] = {"zero_action": aggregate(-9.0), "random": aggregate(-12.0)}
    hand_made.evaluation["aggregate"]["return_std"] = 1.0
    hand_made.write()
    assert {one.name for one in judge_run(hand_made.directory).criteria} == {
        "return_over_zero_action",
        "return_over_random",
    }


def test_each_run_is_pooled_once_and_no_trial_of_a_treatment(make_by_hand, tmp_path):
    first, again, other = (make_by_hand(f"runs/{name}") for name in ("seed-0", "seed-0-2", "seed-1"))
    for run, seed, day in ((first, 0, 1), (again, 0, 2), (other, 1, 1)):
        run.record |= {"seed": seed, "started": f"2026-01-0{day}T00:00:00+00:00"}
        run.write()
    folder = first.directory.parent
    trial = folder / "treatments" / "x" / "trial-1"
    shutil.copytree(first.directory, trial)
    (result,) = judge_runs([folder], aggregate=Statistic.WORST)
    assert [run["path"] for run in result.facts["runs"]] == [str(again.directory), str(other.directory)]
    assert {one["path"]: one["why"] for one in result.facts["left_out"]} == {
        str(first.directory): "seed 0 was trained again later",
        str(trial): "a trial of a treatment",
    }
    assert "Pooled 2 runs: seed-0-2, seed-1." in result.summary
    assert "a trial of a treatment" in result.summary
    each = judge_runs([folder])
    assert [one.path for one in each] == [str(run.directory) for run in (first, again, other)]
    assert "a trial of a treatment" in each[0].summary
    assert judge_runs([trial])[0].path == str(trial)


@pytest.fixture(scope="module")
def pendulum(tmp_path_factory):
    """A model that was trained for some steps with VecNormalize, and its folder."""
    folder = tmp_path_factory.mktemp("pendulum")
    vec_env = VecNormalize(DummyVecEnv([lambda: gymnasium.make("Pendulum-v1")] * 2))
    model = PPO("MlpPolicy", vec_env, n_steps=64, seed=0).learn(128)
    model.save(folder / "model.zip")
    vec_env.save(folder / "vecnormalize.pkl")
    return folder, model, vec_env


def test_an_evaluation_gets_what_stable_baselines_gets(pendulum):
    folder, model, vec_env = pendulum
    content = rldoctor.evaluate(folder / "model.zip", "Pendulum-v1", episodes=2)
    assert content["normalised_by"] == "vecnormalize.pkl"
    vec_env.training, vec_env.norm_reward = False, False
    vec_env.seed(0)
    # DummyVecEnv gives its second environment the seed 1.
    returns, _ = evaluate_policy(model, vec_env, 2, return_episode_rewards=True, warn=False)
    assert [one["episode_return"] for one in content["episodes"]] == pytest.approx(returns, rel=1e-4)
    raw = rldoctor.evaluate(folder / "model.zip", "Pendulum-v1", episodes=2, vec_normalize="none")
    assert "normalised_by" not in raw
    assert raw["aggregate"]["return_mean"] != content["aggregate"]["return_mean"]
    loaded = rldoctor.evaluate(model, "Pendulum-v1", episodes=2)["aggregate"]
    assert loaded["return_mean"] == pytest.approx(content["aggregate"]["return_mean"], rel=1e-4)


def test_the_commands_take_a_model(pendulum, capsys, tmp_path, monkeypatch):
    shutil.copytree(pendulum[0], tmp_path / "own", ignore=shutil.ignore_patterns("*.json"))
    monkeypatch.chdir(tmp_path / "own")
    assert rldoctor_command(["evaluate", "model.zip"]) == 2
    assert "--env" in capsys.readouterr().err
    assert rldoctor_command(["gate", "model.zip"]) == 3
    assert rldoctor_command(["evaluate", "model.zip", "--env", "Pendulum-v1", "-n", "2"]) == 0
    assert "normalised by vecnormalize.pkl" in capsys.readouterr().out
    assert rldoctor_command(["gate", "model.zip", "--require", "return_mean=0"]) == 1
    assert "mean return" in capsys.readouterr().out
    assert rldoctor_command(["evaluate", "model.zip", "--env", "CartPole-v1"]) == 3
    assert "other actions" in capsys.readouterr().err
    assert rldoctor_command(["evaluate", ".", "--env", "Pendulum-v1"]) == 2
    assert rldoctor_command(["evaluate", "model.zip", "--env", "Pendulum-v1", "--vec-normalize", "gone"]) == 2


def test_a_model_in_python_needs_no_more_than_predict():
    class Still:
        def predict(self, observation, deterministic=True):
            return [0.0]

    content = rldoctor.evaluate(Still(), lambda: gymnasium.make("Pendulum-v1"), episodes=2)
    assert content["aggregate"]["return_over_zero_action"] == pytest.approx(0.0)
    with pytest.raises(UsageError, match="has no predict"):
        rldoctor.evaluate(object(), "Pendulum-v1")


def test_a_policy_of_ones_own_is_told_why(tmp_path):
    (tmp_path / "model.zip").write_bytes(b"PK")
    with pytest.raises(CannotJudge, match="damaged"):
        rldoctor.evaluate(tmp_path / "model.zip", "Pendulum-v1")
