"""Threads and the joint lookup make a training faster and must not change a number in it."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from rldoctor.environments import registry
from rldoctor.environments.robot_joints import read_joints_at_once
from rldoctor.environments.step_threads import has_mujoco_physics
from rldoctor.environments.threaded_vec_env import ThreadedVecEnv
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.references import load_recipe

FETCH = load_recipe("fetch_reach_dense/quick")
STEPS = 120


def play(envs, steps=STEPS):
    """Return everything that a training sees of ``envs`` in two episodes and more, for random actions."""
    envs.seed(7)
    draw = np.random.default_rng(0)
    seen = [envs.reset()]
    for _ in range(steps):
        actions = draw.uniform(-1, 1, (envs.num_envs, *envs.action_space.shape)).astype(np.float32)
        seen.append(envs.step(actions))
    envs.close()
    return seen


def assert_same(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one.keys() - {"t"}:
            assert_same(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_number(threads):
    def plain():
        return Monitor(registry.make(FETCH.env))

    expected = play(DummyVecEnv([plain] * FETCH.n_envs))
    envs = make_training_envs(FETCH, threads=threads)
    assert isinstance(envs, ThreadedVecEnv)
    seen = play(envs)
    assert_same(seen, expected)
    infos = [info for _, _, _, infos in seen[1:] for info in infos]
    assert sum("terminal_observation" in info for info in infos) == 2 * FETCH.n_envs


@pytest.mark.parametrize("env_id", ["FetchReachDense-v4", "FetchPickAndPlaceDense-v4", "HandReachDense-v3"])
def test_joints_read_at_once_are_the_same(env_id):
    plain, fast = registry.make(env_id), registry.make(env_id)
    assert read_joints_at_once(fast)
    fast.action_space.seed(0)
    assert_same(fast.reset(seed=0)[0], plain.reset(seed=0)[0])
    for _ in range(30):
        action = fast.action_space.sample()
        assert_same(fast.step(action), plain.step(action))
    assert not read_joints_at_once(fast), "already done"


def test_other_environments_are_left_alone():
    cartpole = gymnasium.make("CartPole-v1")
    assert not has_mujoco_physics(cartpole)
    assert not read_joints_at_once(cartpole)
    assert type(make_training_envs(load_recipe("cartpole/zoo"))) is DummyVecEnv
    assert type(make_training_envs(FETCH, wrap=lambda env: env)) is DummyVecEnv
    assert has_mujoco_physics(gymnasium.make("InvertedPendulum-v5"))
    assert has_mujoco_physics(registry.make(FETCH.env))


def test_an_error_in_an_environment_is_raised_from_any_thread():
    class Breaks(gymnasium.Wrapper):
        def step(self, action):
            raise RuntimeError("the arm fell off")

    def make(broken):
        env = registry.make(FETCH.env)
        return Monitor(Breaks(env) if broken else env)

    for broken in (0, 3):
        makers = [lambda is_broken=place == broken: make(is_broken) for place in range(4)]
        envs = ThreadedVecEnv(makers, threads=2)
        envs.reset()
        with pytest.raises(RuntimeError, match="arm fell off"):
            envs.step(np.zeros((4, 4), np.float32))
        envs.close()
