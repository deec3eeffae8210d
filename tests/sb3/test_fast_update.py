"""The fast path through off-policy updates: the same batches and, to rounding, the same weights as SB3's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import SAC

from benchmarks.broken.replay import SMALL, hindsight, make
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.preflight.replay.stand_in import Machinery, collect
from rldoctor.recipe import recipe_from_mapping
from rldoctor.sb3.fast_policy import flattener
from rldoctor.sb3.fast_sampling import sampler
from rldoctor.sb3.fast_update import use_fast_update
from rldoctor.training import algorithm

DATA = {"total_steps": 400, "n_envs": 2}
GOALS = {"her": True, "learning_starts": 100}
CASES = {
    "sac": ("sac", "Pendulum-v1", {"learning_rate_schedule": "linear"}),
    "sac-fixed": ("sac", "Pendulum-v1", {"ent_coef": 0.1, "target_update_interval": 2}),
    "sac-dictionary": ("sac", "FetchReachDense-v4", {}),
    "sac-hindsight": ("sac", "FetchReach-v4", GOALS),
    "td3": ("td3", "Pendulum-v1", {"n_steps": 3}),
    "ddpg": ("ddpg", "Pendulum-v1", {}),
    "dqn": ("dqn", "CartPole-v1", {}),
}


def filled(name: str) -> Any:
    """Return a model with a buffer of 200 steps of its environment, untrained."""
    kind, env, settings = CASES[name]
    hyperparameters = {"net_arch": [32, 32], "buffer_size": 400, "learning_starts": 100, **settings}
    data = {**DATA, "name": env, "env": env, "algorithm": kind, "hyperparameters": hyperparameters}
    recipe = recipe_from_mapping(data, "a test")
    envs = make_training_envs(recipe, threads=1)
    model: Any = algorithm.build(recipe, envs, 0)
    envs.seed(0)
    plain, model.train = model.train, lambda **_: None
    model.learn(200)
    model.train = plain
    return model


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if "Fetch" in CASES[name][1] else []) for name in CASES]
)
def test_updates_are_those_of_stable_baselines3_but_for_rounding(name: str) -> None:
    ended = []
    for fast in (False, True):
        model = filled(name)
        assert not fast or use_fast_update(model)
        np.random.seed(0)
        torch.manual_seed(0)
        with algorithm.one_thread():
            model.train(gradient_steps=6, batch_size=32)
        ended.append((model.policy.state_dict(), model._n_updates, dict(model.logger.name_to_value)))
        model.env.close()
    (weights, updates, logged), (quick_weights, quick_updates, quick_logged) = ended
    assert quick_updates == updates
    for key, value in weights.items():
        # Six steps of Adam at 3e-4 or 1e-3 move weights by some 1e-3.
        torch.testing.assert_close(quick_weights[key], value, atol=2e-6, rtol=1e-4)
    assert quick_logged.keys() == logged.keys()
    for key, value in logged.items():
        assert quick_logged[key] == pytest.approx(value, rel=1e-4, abs=1e-6), key


@pytest.mark.parametrize("made", [make(SAC), make(SAC, n_steps=3)], ids=["one-step", "n-step"])
def test_batches_of_vectors_are_those_of_the_buffer(made: Any) -> None:
    assert_same_batches(collect(made, *spaces_of("Pendulum-v1")))


@pytest.mark.slow
@pytest.mark.parametrize("made", [make(SAC, "MultiInputPolicy"), None], ids=["dictionary", "hindsight"])
def test_batches_of_dictionaries_are_those_of_the_buffer(made: Any) -> None:
    from stable_baselines3 import HerReplayBuffer

    assert_same_batches(collect(made or hindsight(HerReplayBuffer), *spaces_of("FetchReach-v4")))


def spaces_of(env: str) -> tuple[Any, Any]:
    from rldoctor.environments import registry

    made = registry.make(env)
    made.close()
    return made.observation_space, made.action_space


def assert_same_batches(machinery: Machinery) -> None:
    flatten = flattener(machinery.model.observation_space)
    assert flatten is not None
    quick = sampler(machinery.buffer, flatten)
    np.random.seed(0)
    batch = quick(50)
    np.random.seed(0)
    own = machinery.buffer.sample(50)
    torch.testing.assert_close(batch.observations, flatten(own.observations), atol=0, rtol=0)
    torch.testing.assert_close(batch.next_observations, flatten(own.next_observations), atol=0, rtol=0)
    for name in ("actions", "rewards", "dones"):
        torch.testing.assert_close(getattr(batch, name), getattr(own, name), atol=0, rtol=0)
    assert (batch.discounts is None) == (own.discounts is None)


def test_other_models_keep_their_own_update() -> None:
    class Mine(SAC):
        pass

    own = {key: value for key, value in SMALL.items() if key != "policy_kwargs"}
    for model in (
        Mine("MlpPolicy", "Pendulum-v1", **own),
        SAC("MlpPolicy", "Pendulum-v1", use_sde=True, **own),
        SAC("MlpPolicy", "Pendulum-v1", policy_kwargs={"activation_fn": torch.nn.Tanh}, **own),
        SAC("MlpPolicy", "Pendulum-v1", policy_kwargs={"optimizer_class": torch.optim.SGD}, **own),
    ):
        assert not use_fast_update(model)
        assert "train" not in vars(model)


def test_a_policy_that_is_not_finite_is_refused_as_by_stable_baselines3() -> None:
    model = filled("sac")
    assert use_fast_update(model)
    with torch.no_grad():
        model.actor.mu.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match="Expected parameter loc"):
        model.train(gradient_steps=1, batch_size=8)
