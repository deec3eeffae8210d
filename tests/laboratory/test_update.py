"""One update of the batched trainer against Stable-Baselines3's own, from the same weights, data and order."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from sb3_weights import rows_of
from stable_baselines3 import PPO
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import DummyVecEnv

from benchmarks.laboratory.collect import advantages_of
from benchmarks.laboratory.interface import Faults, Recipe, Shapes
from benchmarks.laboratory.learner import Batch, Learner, Progress
from benchmarks.laboratory.networks import Layout
from benchmarks.laboratory.update import update

# The last minibatch of an epoch is smaller, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
STEPS, ENVS, SIZE = 20, 3, 16


class Blank(gymnasium.Env[Any, Any]):
    """Spaces without an environment."""

    def __init__(self, discrete: bool) -> None:
        self.observation_space = gymnasium.spaces.Box(-1, 1, (5,), np.float32)
        actions: gymnasium.Space[Any] = gymnasium.spaces.Discrete(3)
        self.action_space = actions if discrete else gymnasium.spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, **_: Any) -> Any:
        return self.observation_space.sample(), {}

    def step(self, _: Any) -> Any:
        return self.observation_space.sample(), 0.0, False, False, {}


def sb3_model(discrete: bool, relu: bool = False, **settings: Any) -> Any:
    activation = torch.nn.ReLU if relu else torch.nn.Tanh
    model = PPO(
        "MlpPolicy",
        DummyVecEnv([lambda: Blank(discrete)] * ENVS),
        n_steps=STEPS,
        batch_size=SIZE,
        policy_kwargs={"net_arch": [8, 8], "activation_fn": activation},
        device="cpu",
        seed=3,
        **settings,
    )
    model.set_logger(configure(None, []))
    model._current_progress_remaining = 1.0
    return model


def fill(model: Any, seed: int) -> Any:
    """Fill the rollout buffer with the policy's own actions on random observations, rewards and ends."""
    random = np.random.default_rng(seed)
    buffer = model.rollout_buffer
    buffer.reset()
    starts = np.zeros(ENVS)
    for _ in range(STEPS):
        observed = random.normal(size=(ENVS, 5)).astype(np.float32)
        with torch.no_grad():
            actions, values, logs = model.policy(torch.as_tensor(observed))
        buffer.add(observed, actions.numpy(), random.normal(size=ENVS), starts, values, logs)
        starts = random.random(ENVS) < 0.1
    buffer.compute_returns_and_advantage(torch.as_tensor(random.normal(size=ENVS)), starts)
    return buffer, starts


def batch_of(buffer: Any) -> Batch:
    def flat(name: str) -> torch.Tensor:
        array = getattr(buffer, name)
        return torch.as_tensor(np.array(buffer.swap_and_flatten(array)), dtype=torch.float32)[None]

    numbers = [flat(name).flatten(1) for name in ("log_probs", "advantages", "returns")]
    return Batch(flat("observations"), flat("actions"), *numbers)


SETTINGS: list[dict[str, Any]] = [
    {},
    {"ent_coef": 0.05, "vf_coef": 0.7, "max_grad_norm": 0.05, "n_epochs": 4, "learning_rate": 3e-3},
    {"normalize_advantage": False, "clip_range": 0.01, "learning_rate": 1e-2, "max_grad_norm": 100.0},
    {"target_kl": 0.003, "learning_rate": 1e-2},
    {"relu": True, "n_epochs": 3},
]


@pytest.mark.parametrize("discrete", [True, pytest.param(False, marks=pytest.mark.slow)])
# The slow ones change one of these, and each is a training of its own.
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(settings, id=name, marks=() if name in ("defaults", "target-kl") else pytest.mark.slow)
        for settings, name in zip(SETTINGS, ("defaults", "entropy", "unnormalised", "target-kl", "relu"), strict=True)
    ],
)
def test_update_is_that_of_stable_baselines(discrete: bool, settings: dict[str, Any], monkeypatch: Any) -> None:
    model = sb3_model(discrete, **settings)
    layout = Layout(5, 3 if discrete else 2, (8, 8), discrete)
    shapes = Shapes(STEPS, ENVS, SIZE, (8, 8))
    # A second training beside the first, whose own settings must not reach it.
    changed = {name: torch.tensor([float(value), 0.1]) for name, value in settings.items()}
    changed["n_epochs"] = torch.tensor([float(settings.get("n_epochs", 10)), 3.0])
    if "relu" in settings:
        changed["relu"] = torch.tensor([1.0, 0.0])
    if "target_kl" in settings:
        changed["target_kl"] = torch.tensor([settings["target_kl"], torch.inf])
    recipe = Recipe.of(shapes, 2, **changed)
    rows = rows_of(model)
    learner = Learner.new(layout, torch.cat([rows[:1], rows[:1], rows[1:], rows[1:]]))
    orders = [torch.randperm(STEPS * ENVS, generator=torch.Generator().manual_seed(i)) for i in range(20)]
    # Two updates: the second begins with Adam's moments.
    for number in range(2):
        buffer, _ = fill(model, number)
        batch = batch_of(buffer)
        both = Batch(*[torch.cat([getattr(batch, name)] * 2) for name in batch.__dataclass_fields__])
        given = iter(orders)
        monkeypatch.setattr(np.random, "permutation", lambda _, given=given: next(given).numpy())
        model.train()
        progress = Progress(recipe.learning_rate, recipe.clip_range)
        alive = torch.ones(2, dtype=torch.bool)
        sums, alive = update(learner, both, recipe, Faults(2), progress, alive, torch.Generator(), orders)
        logged = model.logger.name_to_value
        for tag, values in sums.logged().items():
            assert float(values[0]) == pytest.approx(float(logged[tag]), rel=1e-4, abs=1e-5), tag
        assert alive.all()
        torch.testing.assert_close(learner.rows[[0, 2]], rows_of(model), rtol=1e-4, atol=1e-5)


def test_advantages_are_those_of_stable_baselines() -> None:
    model = sb3_model(True, gamma=0.9, gae_lambda=0.8)
    buffer, dones = fill(model, 0)
    last = np.random.default_rng(0)
    # The critic's last values are the only thing the buffer does not keep: compute once more with known ones.
    values = last.normal(size=ENVS).astype(np.float32)
    buffer.compute_returns_and_advantage(torch.as_tensor(values), dones)
    ends = np.concatenate([buffer.episode_starts[1:], dones[None]]).astype(bool)
    given = [torch.as_tensor(array)[:, None].float() for array in (buffer.rewards, buffer.values)]
    recipe = Recipe.of(Shapes(STEPS, ENVS), 1, gamma=0.9, gae_lambda=0.8)
    found = advantages_of(*given, torch.as_tensor(ends)[:, None], torch.as_tensor(values)[None], recipe)
    torch.testing.assert_close(found[:, 0], torch.as_tensor(buffer.advantages), rtol=1e-5, atol=1e-5)
