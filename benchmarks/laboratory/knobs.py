"""What an environment may have wrong with it, as numbers; and how large its observations and rewards are."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from benchmarks.laboratory.environments.world import World

_NEVER = float("inf")
# What each knob means, and its value where nothing is changed. Probabilities are those of a step of one environment;
# times are shares of the training; noise is in standard deviations under random actions.
KNOBS: dict[str, float] = {
    "obs_factor": 1.0,
    "obs_noise": 0.0,
    # Steps late; the first observation of the episode until then.
    "obs_delay": 0.0,
    # Share of the entries that are always 0 (at least one).
    "obs_hidden": 0.0,
    "goal_hidden": 0.0,
    # The goal of the first episode is shown for ever.
    "goal_stale": 0.0,
    # Probability that the entries change places.
    "obs_shuffled": 0.0,
    # Probability that the first observation of all is shown.
    "obs_frozen": 0.0,
    # Probability that the observation of another environment is shown.
    "obs_crossed": 0.0,
    # Probability that the last observation is shown again.
    "obs_repeated": 0.0,
    # Entries are clipped at so many standard deviations from 0.
    "obs_clip": _NEVER,
    # NaN from this share of the training on.
    "obs_nan_from": _NEVER,
    # Probability that a zero (discrete: random) action is done instead.
    "act_ignored": 0.0,
    "act_factor": 1.0,
    "act_shuffled": 0.0,
    "act_delay": 0.0,
    "act_inverted": 0.0,
    # Share of the entries that do nothing (at least one).
    "act_dead": 0.0,
    "act_noise": 0.0,
    # Probability that the last action is done again, that another environment's is done.
    "act_repeated": 0.0,
    "act_crossed": 0.0,
    "rew_factor": 1.0,
    # The reward is rew_value in so many steps.
    "rew_constant": 0.0,
    "rew_value": 0.0,
    "rew_noise": 0.0,
    # Probability that the reward is noise and nothing else.
    "rew_random": 0.0,
    "rew_delay": 0.0,
    # Bounds, in standard deviations of the reward.
    "rew_low": -_NEVER,
    "rew_high": _NEVER,
    # Minus one until success.
    "rew_sparse": 0.0,
    # The sign changes at this share of the training.
    "rew_flips_at": _NEVER,
    # Probability that the reward of another environment is given.
    "rew_crossed": 0.0,
    # Share of the ends of episodes whose reward is lost.
    "rew_end_lost": 0.0,
    # Added at each step, paid for the size of the action; in standard deviations of the reward.
    "rew_bonus": 0.0,
    "rew_for_effort": 0.0,
    "success_dead": 0.0,
    "success_always": 0.0,
    # Out of reach by so many times the half of the box.
    "goal_shift": 0.0,
    "limit": _NEVER,
}


@cache
def spread(kind: type[World]) -> tuple[Tensor, float]:
    """Return the standard deviation of each observation entry, and of the reward, under random actions."""
    world = kind(1, 64)
    generator = torch.Generator().manual_seed(0)
    seen, rewards = [world.reset(generator)], []
    for _ in range(100):
        if world.discrete:
            actions = torch.randint(0, world.action_size, world.shape, generator=generator)
        else:
            actions = torch.rand(*world.shape, world.action_size, generator=generator) * 2 - 1
        step = world.step(actions)
        seen.append(step.obs)
        rewards.append(step.reward)
    observed = torch.stack(seen).flatten(0, 2).std(0)
    # Entries that never change get a little noise like any other; a constant reward of 1 counts as a spread of 1.
    rewarded = torch.stack(rewards)
    typical = float(rewarded.std()) or float(rewarded.abs().mean())
    return observed.clamp(min=float(observed.max()) * 1e-2), typical or 1.0
