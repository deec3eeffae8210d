"""The fast policy must give SB3's numbers to the last bit, and SB3's errors."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from rldoctor.environments import registry
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.references import load_recipe
from rldoctor.sb3.fast_policy import use_fast_policy
from rldoctor.training import algorithm

FETCH = load_recipe("fetch_reach_dense/quick").with_overrides(["n_envs=2", "n_steps=64"])
PENDULUM = load_recipe("pendulum/zoo").with_overrides(["use_sde=false", "n_envs=2", "n_steps=64", "batch_size=64"])


def learn(recipe, fast, steps=256):
    """Train and return every tensor of the policy and of its optimizer."""
    envs = make_training_envs(recipe, threads=1)
    model = algorithm.build(recipe, envs, seed=3)
    envs.seed(3)
    if fast:
        assert use_fast_policy(model.policy)
    with algorithm.one_thread():
        model.learn(steps)
    envs.close()
    moments = [value for state in model.policy.optimizer.state_dict()["state"].values() for value in state.values()]
    return [*model.policy.state_dict().values(), *moments]


@pytest.mark.parametrize(
    "recipe", [pytest.param(FETCH, id="dictionary", marks=pytest.mark.slow), pytest.param(PENDULUM, id="vector")]
)
def test_a_training_ends_at_the_same_numbers(recipe):
    plain, fast = learn(recipe, False), learn(recipe, True)
    assert len(plain) == len(fast) > 20
    assert all(torch.equal(a, b) for a, b in zip(plain, fast, strict=True))


@pytest.mark.parametrize("seed", range(8))
def test_the_outputs_of_the_policy_are_the_same(seed):
    envs = make_training_envs(FETCH, threads=1)
    envs.seed(seed)
    observations = {key: torch.as_tensor(value) for key, value in envs.reset().items()}
    answers = []
    for fast in (False, True):
        policy = algorithm.build(FETCH, envs, seed=seed).policy
        if fast:
            assert use_fast_policy(policy)
        torch.manual_seed(seed)
        with torch.no_grad():
            chosen = [policy(observations), policy(observations, deterministic=True)]
        judged = policy.evaluate_actions(observations, torch.full((2, 4), 0.3))
        sum(part.sum() for part in judged).backward()
        answers.append([*(t for answer in [*chosen, judged] for t in answer), *(p.grad for p in policy.parameters())])
    assert answers[0][0].shape == (2, 4)
    assert not torch.equal(answers[0][0], answers[0][3]), "drawn and best actions differ"
    assert all(torch.equal(a, b) for a, b in zip(*answers, strict=True))


@pytest.mark.parametrize(("name", "value"), [("action_net.bias", np.nan), ("log_std", np.nan), ("log_std", -np.inf)])
def test_a_policy_that_is_no_longer_finite_fails_with_the_same_message(name, value):
    envs = make_training_envs(FETCH, threads=1)
    observations = {key: torch.as_tensor(part) for key, part in envs.reset().items()}
    messages = []
    for fast in (False, True):
        policy = algorithm.build(FETCH, envs, seed=0).policy
        if fast:
            use_fast_policy(policy)
        with torch.no_grad():
            policy.get_parameter(name).fill_(value)
        with pytest.raises(ValueError, match="distribution Normal") as error:
            policy(observations)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize(
    ("env_id", "settings"),
    [
        ("CartPole-v1", {}),
        ("Pendulum-v1", {"use_sde": True}),
        ("Pendulum-v1", {"policy_kwargs": {"activation_fn": torch.nn.ReLU}}),
        ("Pendulum-v1", {"policy_kwargs": {"share_features_extractor": False}}),
    ],
)
def test_other_policies_are_left_alone(env_id, settings):
    policy = PPO("MlpPolicy", gymnasium.make(env_id), device="cpu", **settings).policy
    assert not use_fast_policy(policy)
    assert "forward" not in vars(policy)


def test_observations_of_more_axes_are_left_alone():
    class Board(gymnasium.ObservationWrapper):
        def __init__(self, env):
            super().__init__(env)
            self.observation_space = gymnasium.spaces.Box(-10, 10, (3, 1))

        def observation(self, observation):
            return observation[:, None]

    envs = DummyVecEnv([lambda: Board(registry.make("Pendulum-v1"))])
    assert not use_fast_policy(PPO("MlpPolicy", envs, device="cpu").policy)
