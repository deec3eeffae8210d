"""A whole training against Stable-Baselines3's, number by number: same first weights, noise, orders and environment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sb3_weights import rows_of
from small_env import Walk
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize
from torch import Tensor

from benchmarks.laboratory.collect import Collector
from benchmarks.laboratory.interface import Faults, Recipe, Shapes
from benchmarks.laboratory.train import Training
from benchmarks.laboratory.twins import GymEnv, Points
from rldoctor.callback.doctor_callback import DoctorCallback

ENVS, STEPS, ROLLOUTS, EPOCHS = 2, 48, 3, 2


class Steady(Walk):
    """A walk whose places and goals follow from the environment's number and the episode's, not from chance."""

    def __init__(self, n: int, envs: int, first: int = 0) -> None:
        super().__init__(n, envs)
        self._number = torch.arange(first, first + envs).float()[None, :, None]
        self._episode = torch.zeros(n, envs, 1)
        self._calls = 0

    def reset(self, generator: torch.Generator) -> Tensor:
        self._begun = torch.zeros(self.shape, dtype=torch.bool)
        return super().reset(generator)

    def _draw(self) -> Tensor:
        # Drawn at each step and used where an episode ended: a function of the episode, so of the place in the run.
        self._calls += 1
        phase = 1.7 * self._number + 2.3 * self._calls
        return torch.cat([torch.sin(phase), torch.cos(1.3 * phase)], 2).expand(*self.shape, 2)


@pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
@pytest.mark.parametrize("normalize", [pytest.param(False, marks=pytest.mark.slow), True])
def test_every_scalar_is_that_of_stable_baselines(normalize: bool, monkeypatch: Any) -> None:
    random = torch.Generator().manual_seed(1)
    total = ENVS * STEPS * ROLLOUTS
    noise = torch.randn(STEPS * ROLLOUTS, ENVS, 2, generator=random)
    orders = [torch.randperm(ENVS * STEPS, generator=random) for _ in range(ROLLOUTS * EPOCHS)]
    extra: dict[str, Any] = {"gamma": 0.9, "ent_coef": 0.01, "learning_rate": 5e-3, "n_epochs": EPOCHS}

    envs: VecEnv = DummyVecEnv([lambda i=i: Monitor(GymEnv(Steady(1, 1, i))) for i in range(ENVS)])  # type: ignore[misc]
    if normalize:
        envs = VecNormalize(envs, gamma=0.9)
    net = {"net_arch": [8, 8]}
    extra |= {"n_steps": STEPS, "batch_size": 30}
    model = PPO("MultiInputPolicy", envs, device="cpu", policy_kwargs=net, **extra)  # type: ignore[arg-type]
    settings = {name: extra[name] for name in ("gamma", "ent_coef", "learning_rate", "n_epochs")}
    first_rows = rows_of(model)
    points = Points()
    model.set_logger(Logger(None, [points]))
    drawn, given = iter(noise), iter(orders)
    monkeypatch.setattr("torch.distributions.normal._standard_normal", lambda *_, **__: next(drawn))
    monkeypatch.setattr(np.random, "permutation", lambda _: next(given).numpy())
    model.learn(total, callback=DoctorCallback(warn=False, budget=float("inf"), last_line=False))

    shapes = Shapes(STEPS, ENVS, 30, (8, 8), total)
    flags = float(normalize)
    recipe = Recipe.of(shapes, 1, normalize_observation=flags, normalize_reward=flags, **settings)
    training = Training(Steady(1, ENVS), recipe, Faults(1), 0, doctor=True)
    training.learner.rows.copy_(first_rows)

    noise_again, order_again = iter(noise), iter(orders)

    def draw(_: Any, out: Tensor, parts: Any) -> Tensor:
        return out + parts.log_std.exp()[:, None] * next(noise_again)

    monkeypatch.setattr(Collector, "_draw", draw)
    monkeypatch.setattr(torch, "randperm", lambda *_, **__: next(order_again))
    for _ in range(ROLLOUTS):
        training.iterate()
    (mine,) = training.results(0)

    expected = points.curves()
    assert set(mine.run.curves) == set(expected)
    assert len(mine.episodes.returns) > 10
    for name, curve in expected.items():
        np.testing.assert_array_equal(mine.run.curves[name].steps, curve.steps, err_msg=name)
        if name != "throughput":
            # Ranks of float32 differences have ties, which may fall either way, and so may equal rewards.
            close = {"update_alignment": 5e-3, "reward_unique_fraction": 0.03}.get(name, 1e-4)
            found = mine.run.curves[name].values
            np.testing.assert_allclose(found, curve.values, rtol=2e-3, atol=close, err_msg=name)
    torch.testing.assert_close(training.learner.rows, rows_of(model), rtol=1e-3, atol=1e-4)
