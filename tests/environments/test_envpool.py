"""EnvPool's FetchReach must be gymnasium-robotics's: physics, reward, success, goals, time limit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.same_environment import RECORDED, apart, by_envpool, by_gymnasium
from rldoctor.cli.app import run
from rldoctor.environments import engine as engines
from rldoctor.environments import registry
from rldoctor.environments.engine import Engine, require_engine
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.errors import MissingExtra, UsageError
from rldoctor.references import load_recipe
from rldoctor.training.train import resume, train

FETCH = load_recipe("fetch_reach_dense/quick")
# Metres. The recorded observations are rounded to nine digits.
SAME = 1e-7
# Difference between MuJoCo 3.6.0 and 3.11.0 (docs/performance.md): 0.56 mm and 12 mm.
ANOTHER_MUJOCO = (1e-3, 0.03)


def setup_module():
    pytest.importorskip("envpool", reason="the extra [fast] is not installed")


def pooled(n_envs=4, seed=0):
    envs = make_training_envs(FETCH.with_overrides([f"n_envs={n_envs}"]), threads=1, engine=Engine.ENVPOOL)
    envs.seed(seed)
    return envs


@pytest.mark.slow
def test_physics_is_that_of_gymnasium_with_the_same_mujoco():
    seen = by_envpool()
    recorded = np.array(json.loads(RECORDED.read_text())).reshape(seen.shape)
    assert np.ptp(recorded[0, :, 0]) > 0.05, "the arm moves"
    np.testing.assert_allclose(seen[..., :5], recorded[..., :5], atol=SAME)
    np.testing.assert_allclose(seen[..., 5:], recorded[..., 5:], atol=SAME)


def test_physics_is_close_to_that_of_the_installed_mujoco():
    one_step, episode = apart(by_envpool(), by_gymnasium())
    assert one_step < ANOTHER_MUJOCO[0]
    assert episode < ANOTHER_MUJOCO[1]


def test_reward_and_success_follow_from_the_observation_as_in_gymnasium():
    judge = registry.make(FETCH.env).unwrapped
    envs = pooled(8)
    observation = envs.reset()
    successes = 0
    for _ in range(60):
        # Straight to the goal, so that both kinds of outcome are seen.
        way = observation["desired_goal"] - observation["achieved_goal"]
        actions = np.hstack([np.clip(20 * way, -1, 1), np.zeros((8, 1))]).astype(np.float32)
        observation, rewards, dones, infos = envs.step(actions)
        assert rewards.dtype == np.float32
        for i, info in enumerate(infos):
            last = info["terminal_observation"] if dones[i] else {key: value[i] for key, value in observation.items()}
            reward = judge.compute_reward(last["achieved_goal"], last["desired_goal"], {})
            assert rewards[i] == pytest.approx(reward, abs=1e-6)
            assert info["is_success"] == judge._is_success(last["achieved_goal"], last["desired_goal"])
            successes += info["is_success"]
    envs.close()
    assert 8 < successes < 8 * 60


def test_episodes_end_by_their_time_limit_and_are_counted_as_by_monitor():
    envs = pooled(3)
    first = envs.reset()["desired_goal"].copy()
    total = np.zeros(3)
    for step in range(1, 101):
        observation, rewards, dones, infos = envs.step(np.full((3, 4), 0.3, np.float32))
        total += rewards
        assert dones.tolist() == [step % 50 == 0] * 3
        if step % 50:
            assert not any("episode" in info or info["TimeLimit.truncated"] for info in infos)
            continue
        for i, info in enumerate(infos):
            assert info["TimeLimit.truncated"] is True
            assert info["episode"]["l"] == 50
            assert info["episode"]["r"] == pytest.approx(total[i], abs=1e-4)
            ended = info["terminal_observation"]
            # What ended has moved; what came in its place stands where every episode begins, with a goal of its own.
            assert np.linalg.norm(ended["achieved_goal"] - observation["achieved_goal"][i]) > 0.1
            assert not np.allclose(ended["desired_goal"], observation["desired_goal"][i])
        assert np.ptp(observation["achieved_goal"], axis=0).max() < SAME
        total[:] = 0
    assert not np.allclose(first, observation["desired_goal"])
    envs.close()


def largest_gap(one, other):
    """Return the two-sample Kolmogorov-Smirnov statistic."""
    both = np.sort(np.concatenate([one, other]))
    ranks = [np.searchsorted(np.sort(sample), both, side="right") / len(sample) for sample in (one, other)]
    return np.abs(ranks[0] - ranks[1]).max()


def test_goals_are_drawn_as_in_gymnasium():
    envs, plain = pooled(8), registry.make(FETCH.env)
    one = np.concatenate([envs.reset()["desired_goal"] for _ in range(50)])
    other = np.array([plain.reset(seed=seed)[0]["desired_goal"] for seed in range(400)])
    start = plain.reset(seed=0)[0]["achieved_goal"]
    np.testing.assert_allclose(envs.reset()["achieved_goal"], np.tile(start, (8, 1)), atol=ANOTHER_MUJOCO[0])
    # At the 1 % level, corrected for three axes: sqrt(-ln(0.01 / 6) / 2 * (1/400 + 1/400)) = 0.127.
    for axis in range(3):
        assert largest_gap(one[:, axis], other[:, axis]) < 0.127
    assert largest_gap(one[:, 0], one[:, 1]) > 0.9, "the test can tell distributions apart"
    assert len(np.unique(one.round(9), axis=0)) == 400, "neighbouring seeds are not alike"


def test_a_seed_gives_the_same_goals_again_and_another_seed_others():
    goals = {}
    for name, seed in (("one", 5), ("again", 5), ("other", 6)):
        envs = pooled(2, seed)
        goals[name] = [envs.reset()["desired_goal"], envs.reset()["desired_goal"]]
    np.testing.assert_array_equal(goals["one"], goals["again"])
    assert not np.isclose(goals["one"], goals["other"]).any()
    assert not np.isclose(*goals["one"]).any()


def test_attributes_are_those_of_the_template():
    envs = pooled(2)
    assert envs.get_attr("distance_threshold") == [0.05, 0.05]
    with pytest.raises(AttributeError):
        envs.set_attr("goal", 0)
    with pytest.raises(AttributeError):
        envs.env_method("compute_reward")


@pytest.mark.slow
def test_a_training_records_its_engine_and_resumes_with_it(tmp_path):
    recipe = FETCH.with_overrides(["total_steps=1024", "n_steps=64"])
    first = train(recipe, tmp_path, 0, engine=Engine.ENVPOOL)
    record = json.loads((tmp_path / "run.json").read_text())
    assert (first.status, first.steps, record["engine"]) == ("finished", 1024, "envpool")
    assert record["versions"]["envpool"]
    record["recipe"]["total_steps"] = 2048
    record["status"] = "interrupted"
    (tmp_path / "run.json").write_text(json.dumps(record))
    assert resume(tmp_path).steps == 2048
    record["engine"] = "steam"
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match="steam"):
        resume(tmp_path)


def test_environments_that_were_not_compared_are_refused():
    with pytest.raises(UsageError, match="CartPole-v1"):
        require_engine(Engine.ENVPOOL, "CartPole-v1")
    require_engine(Engine.GYMNASIUM, "CartPole-v1")
    with pytest.raises(UsageError, match="wrapper"):
        make_training_envs(FETCH, wrap=lambda env: env, engine=Engine.ENVPOOL)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"\[fast\]"):
        require_engine(Engine.ENVPOOL, FETCH.env)
    assert run(["train", "--engine", "envpool", "--runs", str(tmp_path)]) == 2
    assert "[fast]" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
