"""Runs of plain Stable-Baselines3 with a method that has a replay buffer: what a trial is trained with."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3 import DDPG, DQN, SAC, TD3, HerReplayBuffer
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise

from rldoctor.experiments.treatment.stated_recipe import not_taken_over, recipe_from_logs
from rldoctor.model import Curve, Run
from rldoctor.settings.read import read_settings


def beside(model: Any, folder: Path, algorithm: str) -> Run:
    with warnings.catch_warnings():
        # It says that it makes the folder.
        warnings.simplefilter("ignore")
        model.save(folder / "model.zip")
    curve = Curve("episode_return", np.array([100]), np.array([0.0]))
    return Run(str(folder), "sb3", {curve.metric: curve}, algorithm=algorithm, settings=read_settings(folder))


def test_hindsight_is_kept_with_its_goals_and_its_temperature(tmp_path: Path) -> None:
    model = SAC(
        "MultiInputPolicy",
        BitFlippingEnv(n_bits=3, continuous=True),
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 8, "goal_selection_strategy": "final"},
        ent_coef="auto_0.1",
        policy_kwargs={"net_arch": [8]},
        buffer_size=100,
    )
    run = beside(model, tmp_path, "sac")
    recipe = recipe_from_logs(run, "BitFlipping")
    assert [recipe.setting(key) for key in ("her", "her_n_sampled_goal", "her_goal_selection_strategy")] == [
        True,
        8,
        "final",
    ]
    assert recipe.setting("ent_coef") == "auto_0.1"
    # SB3 saves the number that "auto" stands for.
    assert recipe.setting("target_entropy") == "auto"
    assert not_taken_over(run) == ()


def test_a_target_entropy_of_ones_own_is_kept(tmp_path: Path) -> None:
    run = beside(SAC("MlpPolicy", "Pendulum-v1", target_entropy=5.0, buffer_size=100), tmp_path, "sac")
    assert recipe_from_logs(run, "Pendulum-v1").setting("target_entropy") == 5.0


def test_settings_of_one_algorithm_alone_are_kept(tmp_path: Path) -> None:
    td3 = TD3("MlpPolicy", "Pendulum-v1", policy_delay=3, target_policy_noise=0.0, n_steps=2, buffer_size=100)
    recipe = recipe_from_logs(beside(td3, tmp_path / "td3", "td3"), "Pendulum-v1")
    assert [recipe.setting(key) for key in ("policy_delay", "target_policy_noise", "n_steps")] == [3, 0.0, 2]
    dqn = DQN("MlpPolicy", "CartPole-v1", exploration_initial_eps=0.3, buffer_size=100)
    recipe = recipe_from_logs(beside(dqn, tmp_path / "dqn", "dqn"), "CartPole-v1")
    assert recipe.setting("exploration_initial_eps") == 0.3


def test_ddpg_is_not_taken_for_td3(tmp_path: Path) -> None:
    noise = NormalActionNoise(np.zeros(1), 0.2 * np.ones(1))
    run = beside(DDPG("MlpPolicy", "Pendulum-v1", action_noise=noise, buffer_size=100), tmp_path, "td3")
    recipe = recipe_from_logs(run, "Pendulum-v1")
    assert (recipe.algorithm, recipe.setting("action_noise_std")) == ("ddpg", 0.2)
    assert not_taken_over(run) == ()


class OwnBuffer(ReplayBuffer):
    """What recipes have no name for."""


def test_what_recipes_have_no_setting_for_is_named(tmp_path: Path) -> None:
    model = TD3(
        "MlpPolicy",
        "Pendulum-v1",
        replay_buffer_class=OwnBuffer,
        action_noise=OrnsteinUhlenbeckActionNoise(np.zeros(1), np.ones(1)),
        policy_kwargs={"n_critics": 3, "net_arch": {"pi": [8], "qf": [16]}},
        train_freq=(1, "episode"),
        buffer_size=100,
    )
    assert not_taken_over(beside(model, tmp_path, "td3")) == (
        "train_freq in episodes",
        "replay_buffer_class OwnBuffer",
        "action_noise OrnsteinUhlenbeckActionNoise",
        "policy_kwargs.n_critics",
        "net_arch of the critic",
    )


def test_a_buffer_smaller_than_a_batch_is_a_fault_to_treat_and_no_error(tmp_path: Path) -> None:
    run = beside(SAC("MlpPolicy", "Pendulum-v1", buffer_size=20, batch_size=256), tmp_path, "sac")
    assert recipe_from_logs(run, "Pendulum-v1").setting("buffer_size") == 20
