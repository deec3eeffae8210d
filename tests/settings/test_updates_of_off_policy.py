"""How often an off-policy method is updated, and how much it explores, as its files say it."""

from __future__ import annotations

import numpy as np
import pytest
from stable_baselines3 import DQN, TD3
from stable_baselines3.common.noise import NormalActionNoise

from rldoctor.settings import read_settings
from rldoctor.settings.in_memory import settings_in_memory


@pytest.mark.parametrize(
    ("stated", "updates"),
    [
        ({}, 1.0),
        ({"train_freq": 4}, 0.25),
        ({"train_freq": [200, "step"]}, 0.005),
        ({"train_freq": 8, "gradient_steps": 4, "n_envs": 2}, 0.25),
        ({"train_freq": [1, "episode"], "gradient_steps": -1}, 1.0),
        # How long an episode is, is not known.
        ({"train_freq": [1, "episode"], "gradient_steps": 64}, None),
    ],
)
def test_gradient_steps_for_each_environment_step(stated, updates):
    found = settings_in_memory("sb3", {"algorithm": "sac", **stated}, "SAC(...)")
    assert found.updates_per_step == updates


def test_a_saved_model_says_them(tmp_path):
    DQN("MlpPolicy", "CartPole-v1", train_freq=16, gradient_steps=8, buffer_size=100).save(tmp_path / "model.zip")
    found = read_settings(tmp_path)
    assert (found.updates_per_step, found.target_update_interval) == (0.5, 10_000)


def test_a_saved_model_says_its_noise(tmp_path):
    noise = NormalActionNoise(np.zeros(1), np.full(1, 0.3))
    TD3("MlpPolicy", "Pendulum-v1", action_noise=noise, buffer_size=100).save(tmp_path / "model.zip")
    assert read_settings(tmp_path).action_noise_std == pytest.approx(0.3)
