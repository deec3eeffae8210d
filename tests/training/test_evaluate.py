"""The evaluation of a really trained policy, recomputed from its own rows."""

from __future__ import annotations

import json
import shutil

import gymnasium
import numpy as np
import pytest

from rldoctor import run_directory
from rldoctor.environments import registry
from rldoctor.errors import CannotJudge, TrainingFailed, UsageError
from rldoctor.gate import judge_run
from rldoctor.model import Verdict
from rldoctor.references import load_recipe
from rldoctor.training.evaluate import evaluate
from rldoctor.training.train import train


@pytest.fixture(scope="module")
def evaluation(evaluated_once):
    return json.loads((evaluated_once / run_directory.EVALUATION_FILE).read_text())


def test_episodes_are_those_of_seeds_0_to_n(evaluation, small):
    episodes = evaluation["episodes"]
    assert [episode["seed"] for episode in episodes] == list(range(small.evaluation_episodes))
    assert all(episode["length"] == 50 and not episode["terminated"] for episode in episodes)
    assert evaluation["deterministic"] is True
    assert evaluation["env"] == "FetchReachDense-v4"
    assert evaluation["rldoctor_evaluation"] == 1


def test_the_aggregate_is_that_of_the_rows(evaluation):
    rows, aggregate = evaluation["episodes"], evaluation["aggregate"]
    returns = [row["episode_return"] for row in rows]
    distances = [row["final_distance"] for row in rows]
    mean = sum(returns) / len(rows)
    expected = {
        "n_episodes": len(rows),
        "success_rate": sum(row["success"] for row in rows) / len(rows),
        "return_mean": mean,
        "return_std": (sum((r - mean) ** 2 for r in returns) / len(rows)) ** 0.5,
        "final_distance_mean": sum(distances) / len(rows),
        "final_distance_std": float(np.std(distances)),
        "episode_length_mean": 50.0,
        "return_over_zero_action": mean - evaluation["baselines"]["zero_action"]["return_mean"],
        "return_over_random": mean - evaluation["baselines"]["random"]["return_mean"],
    }
    assert aggregate == pytest.approx(expected)


def test_success_is_the_environments_own_word(evaluation):
    for row in evaluation["episodes"]:
        assert row["success"] == (row["final_distance"] < 0.05)
        # The reward is minus the distance at each of 50 steps, the last of which is the final one.
        assert row["episode_return"] < -row["final_distance"]


def test_an_episode_replayed_by_hand(evaluated_once, evaluation, small):
    from stable_baselines3 import PPO

    policy = PPO.load(evaluated_once / run_directory.POLICY_FILE, device="cpu")
    env = registry.make(small.env)
    for row in evaluation["episodes"][:3]:
        observation, _ = env.reset(seed=row["seed"])
        total = 0.0
        for _ in range(50):
            observation, reward, _, _, info = env.step(policy.predict(observation, deterministic=True)[0])
            total += reward
        # In batches of another size the network's sums round otherwise.
        assert total == pytest.approx(row["episode_return"], rel=1e-3)
        assert bool(info["is_success"]) == row["success"]
        distance = np.linalg.norm(observation["achieved_goal"] - observation["desired_goal"])
        assert distance == pytest.approx(row["final_distance"], abs=1e-3)
    env.close()


def test_baselines_are_where_they_were_measured(evaluation):
    """facts of the environment: doing nothing scores -7.0, acting at random -9.7 (100 episodes each)."""
    zero, random = evaluation["baselines"]["zero_action"], evaluation["baselines"]["random"]
    assert -8.5 < zero["return_mean"] < -5.5
    assert -12 < random["return_mean"] < -8
    assert zero["success_rate"] <= 0.15
    assert random["success_rate"] <= 0.15
    assert zero["n_episodes"] == random["n_episodes"] == 20


def test_the_policy_is_named_by_its_hash(evaluated_once, evaluation):
    policy = evaluation["policy"]
    assert policy["file"] == "policy.zip"
    assert policy["sha256"] == run_directory.file_hash(evaluated_once / "policy.zip")
    assert policy["steps"] == 1536
    assert evaluation["versions"]["mujoco"]


def test_the_same_numbers_twice(trained, evaluation):
    again = evaluate(trained, baselines=lambda: evaluation["baselines"])
    assert again["episodes"] == evaluation["episodes"]
    assert again["aggregate"] == evaluation["aggregate"]
    assert again["baselines"] == evaluation["baselines"]
    assert json.loads((trained / run_directory.EVALUATION_FILE).read_text()) == again


def test_fewer_episodes_are_the_first_ones(trained, evaluation):
    watched = []
    short = evaluate(trained, episodes=3, watcher=lambda policy, done: watched.append((policy, done)))
    assert short["aggregate"]["n_episodes"] == len(short["episodes"]) == 3
    assert [row["seed"] for row in short["episodes"]] == [0, 1, 2]
    returns = [row["episode_return"] for row in evaluation["episodes"][:3]]
    assert [row["episode_return"] for row in short["episodes"]] == pytest.approx(returns, rel=1e-3)
    assert [done for policy, done in watched if policy == "policy"] == [1, 2, 3]
    assert watched[-1] == ("baselines", 3)


def test_an_unfinished_run_is_judged_by_its_newest_checkpoint(trained, evaluation):
    (trained / run_directory.POLICY_FILE).unlink()
    for path in run_directory.checkpoints(trained)[-2:]:
        path.unlink()
    content = evaluate(trained, episodes=1, baselines=lambda: evaluation["baselines"])
    assert content["policy"]["file"] == "checkpoints/step-000000001024.zip"
    assert content["policy"]["steps"] == 1024
    assert judge_run(trained).verdict is Verdict.SICK


def test_the_gate_fails_a_policy_that_has_hardly_learned(evaluated_once, evaluation):
    subject = judge_run(evaluated_once)
    assert subject.verdict is Verdict.SICK
    failed = {result.name: result.observed for result in subject.criteria if not result.passed}
    assert {"success_rate", "final_distance_mean", "return_over_zero_action"} <= set(failed)
    assert failed["success_rate"] == evaluation["aggregate"]["success_rate"]


def test_a_run_of_cartpole_has_no_success_and_no_distance(tmp_path):
    recipe = load_recipe("cartpole/zoo").with_overrides(["total_steps=256", "n_epochs=1"])
    train(recipe, tmp_path, 0)
    content = evaluate(tmp_path, episodes=3)
    assert content["aggregate"]["success_rate"] is None
    assert content["aggregate"]["final_distance_mean"] is None
    assert content["aggregate"]["return_mean"] == content["aggregate"]["episode_length_mean"] >= 8
    assert judge_run(tmp_path).verdict is Verdict.SICK
    reach = judge_run(tmp_path, recipe=load_recipe("quick"))
    assert reach.verdict is Verdict.UNJUDGED
    assert "does not measure success_rate, final_distance_mean" in reach.unjudged[0].reason


@pytest.mark.parametrize("episodes", [0, -1])
def test_no_episodes(trained, episodes):
    with pytest.raises(UsageError, match="cannot be played"):
        evaluate(trained, episodes=episodes)
    assert not (trained / run_directory.EVALUATION_FILE).exists()


def test_no_run(tmp_path, trained):
    with pytest.raises(UsageError, match="There is no file or directory"):
        evaluate(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CannotJudge, match=r"has no run\.json"):
        evaluate(tmp_path / "empty")
    shutil.rmtree(trained / run_directory.CHECKPOINTS)
    (trained / run_directory.POLICY_FILE).unlink()
    with pytest.raises(CannotJudge, match="There is no policy"):
        evaluate(trained)
    (trained / run_directory.RUN_FILE).write_text("{}")
    with pytest.raises(CannotJudge, match="holds no recipe"):
        evaluate(trained)


def test_an_environment_that_raises_while_being_played(trained, monkeypatch):
    class Breaks(gymnasium.Wrapper):
        def step(self, action):
            raise ZeroDivisionError("by zero")

    make = registry.make
    monkeypatch.setattr(registry, "make", lambda env_id: Breaks(make(env_id)))
    with pytest.raises(TrainingFailed, match="broke off with ZeroDivisionError: by zero"):
        evaluate(trained)
    assert not (trained / run_directory.EVALUATION_FILE).exists()


def test_what_is_not_finite_is_null_and_does_not_pass(trained, monkeypatch):
    class Gone(gymnasium.RewardWrapper):
        def reward(self, reward):
            return float("nan")

    make = registry.make
    monkeypatch.setattr(registry, "make", lambda env_id: Gone(make(env_id)))
    content = evaluate(trained, episodes=2)
    assert content["baselines"]["random"]["return_mean"] is None
    assert evaluate(trained, episodes=2, baselines=lambda: content["baselines"])["aggregate"]["return_mean"] is None
    aggregate = json.loads((trained / run_directory.EVALUATION_FILE).read_text())["aggregate"]
    assert aggregate["return_mean"] is None
    assert aggregate.get("return_over_random") is None
    assert judge_run(trained).verdict is Verdict.UNJUDGED
