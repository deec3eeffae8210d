"""What DoctorCallback measures of off-policy trainings, on small real ones and on numbers that can be worked out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, SAC
from stable_baselines3.common.buffers import ReplayBuffer

from rldoctor import DoctorCallback
from rldoctor.callback.q_metrics import returns_got

NET: dict[str, Any] = {"net_arch": [16]}


def test_returns_go_to_the_end_of_the_episode_and_are_cut_where_time_or_the_present_cuts_them() -> None:
    # One environment: two steps that the task ends, two that time ends, and one under way.
    recent: Any = SimpleNamespace(
        rewards=np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]),
        ends=np.array([[False], [True], [False], [True], [False]]),
        terminal=np.array([[False], [True], [False], [False], [False]]),
    )
    after = np.array([[0.0], [99.0], [0.0], [10.0], [20.0]])
    got, share, later = returns_got(recent, 0.5, after)
    assert got[:, 0].tolist() == [1 + 0.5 * 2, 2, 3 + 0.5 * 4 + 0.25 * 10, 4 + 0.5 * 10, 5 + 0.5 * 20]
    assert share[:, 0].tolist() == [0, 0, 0.25, 0.5, 0.5]
    assert later[:, 0].tolist() == [0.5, 0, 0.5, 0, 0]


def trained(algorithm: Any, env: str, steps: int, callback: Any = None, **settings: Any) -> Any:
    torch.set_num_threads(1)
    model = algorithm("MlpPolicy", env, learning_starts=40, policy_kwargs=dict(NET), seed=0, device="cpu", **settings)
    model.learn(steps, callback=callback, log_interval=1)
    return model


@pytest.mark.slow
def test_the_training_is_the_same_with_the_callback_as_without() -> None:
    callback = DoctorCallback(warn=False, last_line=False)
    with_it = trained(SAC, "Pendulum-v1", 120, callback).policy.state_dict()
    without = trained(SAC, "Pendulum-v1", 120).policy.state_dict()
    assert all(torch.equal(with_it[name], without[name]) for name in without)
    assert callback.seconds[0] > 0


def test_a_deep_q_network_is_measured_and_nothing_in_its_replay_is_wrong() -> None:
    callback = DoctorCallback(warn=False, last_line=False)
    trained(DQN, "CartPole-v1", 240, callback, target_update_interval=20)
    values = callback._scalars.memory.values
    assert set(values("doctor/stored_transition_mismatch")) == {0.0}
    assert set(values("doctor/terminal_stored_as_going_on")) == {0.0}
    assert set(values("doctor/buffer_kept_fraction")) == {1.0}
    assert values("doctor/updates_per_step")[-1] == pytest.approx(0.25, abs=0.1)
    assert values("doctor/q_mean")
    # A pole that is pushed earns 1 a step, and at most 10 to 20 steps follow: what was got is known to lie there.
    assert 1 < values("doctor/return_got")[-1] < 60


class Wrong(ReplayBuffer):
    """Stores another reward, and takes every end for a time limit."""

    def add(self, obs: Any, next_obs: Any, action: Any, reward: Any, done: Any, infos: Any) -> None:
        infos = [{**info, "TimeLimit.truncated": True} for info in infos]
        super().add(obs, next_obs, action, reward + 1.0, done, infos)


def test_a_replay_buffer_that_stores_something_else_is_seen() -> None:
    callback = DoctorCallback(warn=False, last_line=False)
    trained(DQN, "CartPole-v1", 240, callback, replay_buffer_class=Wrong)
    values = callback._scalars.memory.values
    assert set(values("doctor/stored_transition_mismatch")) == {1.0}
    assert set(values("doctor/terminal_stored_as_going_on")) == {1.0}
