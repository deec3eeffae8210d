"""Every statistic of the doctor against a second, slow and obvious implementation, and on made-up rollouts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

from rldoctor.callback import metrics as metrics
from rldoctor.callback.rollout import EpisodeEnd, Rollout, StepRecorder

N, E = 64, 4


def made_up(**changes: Any) -> Rollout:
    """A rollout of a point that moves by its action towards a goal; episodes of 16 steps."""
    random = np.random.default_rng(5)
    actions = random.normal(size=(N, E, 2))
    dones = np.zeros((N, E), bool)
    dones[15::16] = True
    goals = np.repeat(random.normal(size=(N // 16, E, 2)), 16, axis=0)
    position = np.zeros((N, E, 2))
    for step in range(1, N):
        position[step] = np.where(dones[step - 1][:, None], 0.0, position[step - 1] + 0.1 * actions[step - 1])
    after = position + 0.1 * actions
    rewards = -np.linalg.norm(after - goals, axis=2)
    rollout = Rollout(
        observations={"achieved_goal": position, "desired_goal": goals},
        actions=actions,
        action_space=gymnasium.spaces.Box(-1.0, 1.0, (2,)),
        values=random.normal(size=(N, E)).astype(np.float32),
        log_probs=random.normal(size=(N, E)),
        advantages=np.zeros((N, E), np.float32),
        returns=np.zeros((N, E), np.float32),
        stored_rewards=rewards,
        rewards=rewards,
        dones=dones,
        last_values=random.normal(size=E),
        gamma=0.97,
        gae_lambda=0.9,
    )
    rollout = replace(rollout, advantages=rollout.true_advantages, returns=rollout.true_advantages + rollout.values)
    return replace(rollout, **changes)


def effect(rollout: Rollout, centre: np.ndarray, noise: np.ndarray) -> float:
    return metrics.action_effect(rollout, centre, noise)["action_observation_effect"]


def slow_gae(rollout: Rollout) -> np.ndarray:
    """GAE as its definition: a sum of discounted temporal differences up to the end of the episode."""
    found = np.zeros((N, E))
    for env in range(E):
        values = [*rollout.values[:, env].astype(float), float(rollout.last_values[env])]
        for start in range(N):
            total, factor = 0.0, 1.0
            for step in range(start, N):
                done = rollout.dones[step, env]
                following = 0.0 if done else rollout.gamma * values[step + 1]
                total += factor * (rollout.stored_rewards[step, env] + following - values[step])
                factor *= rollout.gamma * rollout.gae_lambda
                if done:
                    break
            found[start, env] = total
    return found


def test_advantages_are_those_of_the_definition() -> None:
    rollout = made_up()
    np.testing.assert_allclose(rollout.true_advantages, slow_gae(rollout), atol=1e-9)


@pytest.mark.parametrize(
    ("change", "low", "high"),
    [
        (lambda a: a, 0.0, 1e-9),
        (lambda a: -a, 1.999, 2.001),
        (lambda a: np.random.default_rng(0).permutation(a.ravel()).reshape(a.shape), 1.0, 2.0),
    ],
)
def test_gae_error_shows_what_was_done_to_the_advantages(change: Any, low: float, high: float) -> None:
    rollout = made_up()
    found = metrics.advantages(replace(rollout, advantages=change(rollout.advantages)))
    assert low <= found["gae_error"] <= high
    assert (found["advantage_identity_error"] > 0.1) == (high > 1e-9)


def test_gae_error_finds_ignored_ends_of_episodes() -> None:
    rollout = made_up()
    blind = replace(rollout, dones=np.zeros_like(rollout.dones))
    assert metrics.advantages(replace(rollout, advantages=blind.true_advantages))["gae_error"] > 0.2


def test_actions_that_move_the_observation_have_an_effect_and_others_have_none() -> None:
    rollout = made_up()
    noise = rollout.actions[rollout.pairs]
    centre = np.zeros_like(noise)
    assert effect(rollout, centre, noise) == pytest.approx(1.0, abs=0.1)
    others = np.random.default_rng(9).normal(size=noise.shape)
    assert effect(rollout, centre, others) == pytest.approx(0.0, abs=0.05)


def test_a_policy_that_follows_the_observation_gives_no_effect_by_itself() -> None:
    # Position drifts by itself with its own velocity; the mean action follows it, the chance part does nothing.
    random = np.random.default_rng(3)
    position = np.cumsum(np.cumsum(random.normal(size=(N, E, 1)), axis=0), axis=0)
    rollout = made_up(observations={"": position}, dones=np.zeros((N, E), bool))
    centre = np.tanh(position[rollout.pairs])
    assert effect(rollout, centre, random.normal(size=centre.shape)) == pytest.approx(0.0, abs=0.06)


def test_an_action_among_stronger_forces_has_an_effect_but_a_small_share() -> None:
    random = np.random.default_rng(4)
    drift = np.zeros((N, E, 2))
    drift[..., 1] = random.normal(size=(N, E)) * 10.0
    actions = random.normal(size=(N, E, 1))
    # The first entry changes by what the second shows, plus a tenth of the action.
    drift[1:, :, 0] = np.cumsum(drift[:-1, :, 1] + 0.1 * actions[:-1, :, 0], axis=0)
    rollout = made_up(observations={"": drift}, actions=actions, dones=np.zeros((N, E), bool))
    noise = actions[rollout.pairs]
    found = metrics.action_effect(rollout, np.zeros_like(noise), noise)
    assert found["action_observation_effect"] > 0.8
    assert found["action_change_share"] < 0.03


def test_goal_movement_is_the_step_over_the_distance() -> None:
    rollout = made_up()
    steps, envs = rollout.pairs
    at, goal = rollout.observations["achieved_goal"], rollout.observations["desired_goal"]
    moved = [np.linalg.norm(at[s + 1, e] - at[s, e]) for s, e in zip(steps, envs, strict=True)]
    far = [np.linalg.norm(at[s, e] - goal[s, e]) for s, e in zip(steps, envs, strict=True)]
    assert metrics.goals(rollout)["goal_movement"] == pytest.approx(np.mean(moved) / np.mean(far))


def test_frozen_observations_are_constant_and_actions_have_no_effect_on_them() -> None:
    # Each environment is frozen at another observation.
    rollout = made_up(observations={"": np.ones((N, E, 3)) * np.arange(1, E + 1)[:, None]})
    found = metrics.observations(rollout)
    assert found["observation_constant_fraction"] == 1.0
    assert found["observation_abs_max"] == E
    noise = rollout.actions[rollout.pairs]
    assert effect(rollout, np.zeros_like(noise), noise) == 0.0


def test_observation_scale_is_the_median_root_mean_square() -> None:
    seen = np.random.default_rng(0).normal(size=(N, E, 3)) * [1.0, 5.0, 100.0] + 1.0
    rollout = made_up(observations={"": seen})
    rows = seen[rollout.sample]
    expected = sorted(float(np.mean(rows[:, i] ** 2)) ** 0.5 for i in range(3))[1]
    assert metrics.observations(rollout)["observation_scale"] == pytest.approx(expected)
    assert metrics.observations(rollout)["observation_autocorrelation"] == pytest.approx(0.0, abs=0.2)


def test_entries_that_are_not_finite_are_counted_and_left_out_of_the_rest() -> None:
    seen = np.ones((N, E, 2))
    seen[..., 1] = np.nan
    found = metrics.observations(made_up(observations={"": seen}))
    assert found["observation_nonfinite"] == 0.5
    assert found["observation_abs_max"] == 1.0
    rewards = np.zeros((N, E))
    rewards[0] = np.inf
    found = metrics.rewards(made_up(rewards=rewards))
    assert found["reward_nonfinite"] == pytest.approx(1 / N)
    assert found["reward_max"] == 0.0


def test_rewards_that_follow_the_distance_correlate_and_their_negation_does_not() -> None:
    rollout = made_up()
    assert metrics.goals(rollout)["reward_goal_correlation"] == pytest.approx(1.0)
    assert metrics.goals(replace(rollout, rewards=-rollout.rewards))["reward_goal_correlation"] == pytest.approx(-1.0)
    assert metrics.goals(replace(rollout, rewards=np.ones((N, E))))["reward_goal_correlation"] == 0.0


def test_the_goal_is_constant_only_after_more_than_one_episode() -> None:
    rollout = made_up()
    assert metrics.goals(rollout)["goal_constant"] == 0.0
    same = {**rollout.observations, "desired_goal": np.ones((N, E, 2))}
    assert metrics.goals(replace(rollout, observations=same))["goal_constant"] == 1.0
    one = {key: value[:, :1] for key, value in same.items()}
    lone = replace(rollout, observations=one, actions=rollout.actions[:, :1], dones=np.zeros((N, 1), bool))
    assert "goal_constant" not in metrics.goals(replace(lone, rewards=rollout.rewards[:, :1]))


def test_success_is_compared_with_the_distance_only_where_the_threshold_is_known() -> None:
    ends = (EpisodeEnd(True, True, 0.01), EpisodeEnd(True, False, 0.02), EpisodeEnd(False, False, 0.3))
    found = metrics.goals(made_up(ends=ends, distance_threshold=0.05))
    assert found["success_distance_mismatch"] == pytest.approx(1 / 3)
    assert found["goal_distance"] == pytest.approx(0.11)
    assert "success_distance_mismatch" not in metrics.goals(made_up(ends=ends))
    assert metrics.episodes(made_up(ends=ends)) == {"timeout_fraction": pytest.approx(2 / 3)}


def test_actions_at_the_bounds_are_counted_and_unbounded_ones_are_not_judged() -> None:
    rollout = made_up()
    expected = np.mean(np.abs(rollout.actions[rollout.sample]) >= 1.0)
    assert metrics.actions(rollout)["action_saturated_fraction"] == pytest.approx(expected)
    endless = gymnasium.spaces.Box(-np.inf, np.inf, (2,))
    assert metrics.actions(replace(rollout, action_space=endless)) == {}
    assert metrics.actions(replace(rollout, action_space=gymnasium.spaces.Discrete(2))) == {}


def test_repetition_needs_every_stored_number_to_be_the_same() -> None:
    repetition, rollout = metrics.Repetition(), made_up()
    assert repetition.measure(rollout) == {}
    assert repetition.measure(rollout) == {"stored_data_repeated": 1.0}
    assert repetition.measure(replace(rollout, log_probs=rollout.log_probs + 1)) == {"stored_data_repeated": 0.0}


def test_images_are_looked_at_in_a_few_dimensions() -> None:
    seen = np.zeros((N, E, 84, 84, 4), np.uint8)
    assert made_up(observations={"": seen}).flat_sample.shape[1] <= 64


def test_the_recorder_keeps_rewards_as_they_were() -> None:
    recorder = StepRecorder()
    rewards = np.array([1.0, 2.0])
    infos = [{}, {"TimeLimit.truncated": True, "is_success": 0.0, "terminal_observation": np.zeros(3)}]
    recorder.add(rewards, np.array([False, True]), infos)
    rewards += 100.0
    assert recorder.rewards[0].tolist() == [1.0, 2.0]
    assert recorder.ends == [EpisodeEnd(True, False, None)]
