"""The settings of a model that trains are those that its saved file states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stable_baselines3 import PPO, SAC

from rldoctor.callback.model_settings import model_settings
from rldoctor.model.settings import SETTINGS
from rldoctor.settings import judge_settings, read_settings


@pytest.mark.parametrize(
    ("algorithm", "env", "settings"),
    [
        (PPO, "CartPole-v1", {"ent_coef": 10.0, "n_steps": 64, "policy_kwargs": {"net_arch": [32, 32]}}),
        (PPO, "Pendulum-v1", {"learning_rate": lambda left: 0.3 * left, "policy_kwargs": {"log_std_init": 1.0}}),
        (SAC, "Pendulum-v1", {"buffer_size": 1000, "gamma": 0.9}),
    ],
)
def test_it_is_what_a_saved_model_states(algorithm: Any, env: str, settings: dict[str, Any], tmp_path: Path) -> None:
    model = algorithm("MlpPolicy", env, device="cpu", seed=3, **settings)
    model._total_timesteps = 5000
    model.save(tmp_path / "model.zip")
    saved, found = read_settings(tmp_path), model_settings(model, 5000)
    assert saved is not None
    # A saved model does not state a function of the user's own.
    unknown = ("learning_rate", "learning_rate_schedule") if callable(settings.get("learning_rate")) else ()
    for name in set(SETTINGS) - set(unknown):
        assert getattr(found, name) == getattr(saved, name), name


def test_a_schedule_is_judged_by_its_start() -> None:
    model = PPO("MlpPolicy", "CartPole-v1", device="cpu", learning_rate=lambda left: 0.3 * left)
    found = model_settings(model, 1000)
    assert (found.learning_rate, found.learning_rate_schedule) == (0.3, "linear")
    (rate,) = (item for item in judge_settings(found) if item.code == "SET101")
    assert rate.remedy == "Set learning_rate to 0.0003 in PPO(...) (was 0.3)."


def test_a_schedule_that_raises_is_unknown() -> None:
    def schedule(left: float) -> float:
        return {1.0: 1e-3}[left]

    found = model_settings(PPO("MlpPolicy", "CartPole-v1", device="cpu", learning_rate=schedule), 1000)
    assert (found.learning_rate, found.learning_rate_schedule) == (None, "other")
