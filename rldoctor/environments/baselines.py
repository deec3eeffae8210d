"""The baseline return: what the zero-action and the random policy score."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rldoctor.environments.rollouts import Env, Episode, random_action, roll_out, zero_action
from rldoctor.model import Json


def aggregate(episodes: Sequence[Episode]) -> dict[str, Json]:
    """Return the numbers of ``evaluation.json``'s ``aggregate``; standard deviations are over episodes (ddof 0).

    ``success_rate`` and ``final_distance_*`` are ``None`` for an environment without them.
    """
    returns = np.array([episode.episode_return for episode in episodes])
    successes = [episode.success for episode in episodes if episode.success is not None]
    distances = np.array([e.final_distance for e in episodes if e.final_distance is not None])
    return {
        "success_rate": float(np.mean(successes)) if successes else None,
        "return_mean": float(returns.mean()),
        "return_std": float(returns.std()),
        "final_distance_mean": float(distances.mean()) if len(distances) else None,
        "final_distance_std": float(distances.std()) if len(distances) else None,
        "episode_length_mean": float(np.mean([episode.length for episode in episodes])),
        "n_episodes": len(episodes),
    }


def measure_baselines(
    make_env: Callable[[], Env], seeds: Sequence[int], watcher: Callable[[int], None] | None = None
) -> dict[str, Json]:
    """Play the episodes ``seeds`` with the zero-action and with the random policy.

    Args:
        make_env: Makes one environment.
        seeds: Episode seeds.
        watcher: Called with the number of finished episodes each time one ends.

    Returns:
        ``{"zero_action": aggregate, "random": aggregate}``, see :func:`aggregate`.
    """
    probe = make_env()
    space = probe.action_space
    probe.close()
    return {
        "zero_action": aggregate(roll_out(make_env, zero_action(space), seeds, watcher, lanes=1)),
        "random": aggregate(roll_out(make_env, random_action(space), seeds, watcher, lanes=1)),
    }
