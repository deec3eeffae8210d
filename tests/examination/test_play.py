"""A saved model is played on its environment, and the gap between training and evaluation is told."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rldoctor.errors import CannotJudge
from rldoctor.examination.play import Played, gap_to_training, play_model


class Balance(gymnasium.Env):
    """The observation is 1000 + x; the reward is 1 for an action of the sign of x, for 20 steps."""

    observation_space = Box(-np.inf, np.inf, (1,), np.float32)
    action_space = Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return self._seen(), {}

    def step(self, action):
        reward = float(np.sign(action[0]) == np.sign(self.x))
        self.count += 1
        return self._seen(), reward, False, self.count >= 20, {}

    def _seen(self):
        self.x = self.np_random.choice([-1.0, 1.0])
        return np.array([1000 + self.x], np.float32)


class Shifted(Balance):
    """The same in other units."""

    def _seen(self):
        return super()._seen() * 100


NAME = f"{__file__}:Balance"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A model that acts by the sign of what it sees, with the statistics that make zero of 1000."""
    folder = tmp_path_factory.mktemp("model")
    envs = VecNormalize(DummyVecEnv([Balance]), norm_reward=False)
    model = PPO("MlpPolicy", envs, n_steps=8, batch_size=8, policy_kwargs={"net_arch": []}, device="cpu")
    for name, weight in model.policy.named_parameters():
        weight.data[:] = 2.0 if name == "action_net.weight" else 0.0
    envs.obs_rms.mean[:], envs.obs_rms.var[:] = 1000.0, 1.0
    model.save(folder / "model.zip")
    envs.save(str(folder / "vecnormalize.pkl"))
    return folder / "model.zip"


def test_without_the_normalisation_of_the_training_the_policy_fails(model: Path) -> None:
    played = play_model(model, NAME, {}, floor=10.0)
    found = {item.code: item for item in played.observations}
    assert found["MDL202"].strength == 1.0
    assert "vecnormalize.pkl" in found["MDL202"].remedy
    assert "20 episodes: mean return 20 deterministic" in played.words
    assert "without its normalisation" in played.words
    # With drawn actions it is sometimes wrong, and that is how it was trained.
    assert "MDL201" not in found and "MDL204" not in found


def test_an_environment_in_other_units_is_not_that_of_the_training(model: Path) -> None:
    played = play_model(model, f"{__file__}:Shifted", {}, floor=10.0)
    found = {item.code: item for item in played.observations}
    assert found["MDL204"].causes == ("environment-misconfigured",)
    assert found["MDL203"].strength == 1.0


def test_a_model_of_other_spaces_is_refused(model: Path) -> None:
    with pytest.raises(CannotJudge, match="trained with other"):
        play_model(model, "CartPole-v1", {}, floor=None)


@pytest.mark.parametrize(
    ("returns", "logged", "floor", "strength"),
    [
        ((20.0, 21.0, 19.0, 20.0), 195.0, 20.0, 1.0),
        ((190.0, 200.0, 195.0, 193.0), 195.0, 20.0, None),
        ((20.0, 300.0, 100.0), 195.0, 20.0, None),
        ((5.0, 5.0), None, 20.0, None),
        ((5.0, 5.1), 195.0, None, None),
        ((5.0, 5.1), 15.0, 20.0, None),
    ],
)
def test_the_gap_to_the_training_counts_beyond_chance(returns, logged, floor, strength) -> None:
    found = gap_to_training(Played("", (), returns), logged, floor)
    assert (found.strength if found else None) == strength
