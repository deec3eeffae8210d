"""The simulation stays within its bounds.

What it does: where most of the moving numbers of the observation lie exactly at their declared bounds in the later half
of every random episode, or grow a thousandfold within it, plays on from one start and looks whether a number of the
environment's own state grows without end.

Why it matters: a spring that is stiffer than the step of the integration allows, or a feedback with the wrong sign,
doubles with every step. Once everything is at its bounds, no action has an effect that could be seen, and every
reward is the same.

What to do: take shorter steps of the simulation, several for each action; use a semi-implicit integration (velocity
first, then position with the new velocity), or more damping.
"""

from __future__ import annotations

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, check, error
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, flatten
from rldoctor.preflight.probes.inspection import state_of

# Of the later half of each episode, at the bounds; and of the numbers that move.
_PINNED, _HALF = 0.9, 0.5
# Growth of an observation that is worth a look, and of a state that no simulation in its bounds reaches: a counter of
# steps grows by the length of an episode, money at 10 % a step in 100 steps by 1e4.
_GROWS, _EXPLODES = 1e3, 1e6
_FIRST = 5
_FEWEST, _LONGEST = 20, 250


@check("ENV124", "simulation", requires=("ENV111", "ENV201", "ENV202"), faults=("simulation-explodes",))
def run(context: PreflightContext) -> CheckFindings:
    """Look at observations, then at the state."""
    batch = context.batch
    rows = np.stack([flatten(observation) for observation in batch.raw]) if _is_small(context) else np.zeros((0, 0))
    episodes = [rows[batch.episode == number] for number in range(len(batch.starts))] if rows.size else []
    if not episodes or min(map(len, episodes)) < _FEWEST:
        return "episodes are short, or observations large"
    pinned = _pinned(context, episodes)
    if pinned < _HALF and not all(_growth(episode) > _GROWS for episode in episodes):
        return "observations stay within their bounds"
    steps = context.budget.steps(_LONGEST, least=_FEWEST)
    name, first, last, taken = _explosion(context, steps)
    if name:
        seen = f"{pinned:.0%} of what moves is at its declared bounds" if pinned >= _HALF else "observations grow along"
        yield error(
            "simulation-explodes",
            f"{name} grows from {first:.3g} to {last:.3g} within {taken} random steps; {seen}, in every episode.",
            "Take shorter steps of the simulation, or integrate velocity first and position with the new velocity; "
            "look for a feedback with the wrong sign.",
            observed=last,
            expected=first,
        )
    return "observations leave their bounds, no number of the state grows without end"


def _is_small(context: PreflightContext) -> bool:
    return len({flatten(observation).size for observation in context.batch.raw[:2]}) == 1 and (
        flatten(context.batch.raw[0]).size <= 256
    )


def _growth(episode: FloatArray) -> float:
    """Return how many times larger the largest number is in the last quarter than in the first steps."""
    late = np.abs(episode[-len(episode) // 4 :]).max(initial=0.0)
    return float(late / max(float(np.abs(episode[:_FIRST]).max(initial=0.0)), 1e-12))


def _pinned(context: PreflightContext, episodes: list[FloatArray]) -> float:
    """Return the fraction of the numbers that move which lie at a bound in the later half of every episode."""
    from gymnasium.spaces import Box

    space = context.env.observation_space
    if not isinstance(space, Box) or space.dtype is None or space.dtype.kind != "f":
        return 0.0
    low, high = (np.ravel(bound).astype(float) for bound in (space.low, space.high))
    later = [episode[len(episode) // 2 :] for episode in episodes]
    at = [((part == low) | (part == high)).mean(axis=0) >= _PINNED for part in later]
    moves = np.ptp(np.concatenate(episodes), axis=0) > 0
    free = [((episode[0] != low) & (episode[0] != high)) for episode in episodes]
    stuck = np.all(at, axis=0) & np.any(free, axis=0) & moves
    return float(stuck.sum() / moves.sum()) if moves.any() else 0.0


def _explosion(context: PreflightContext, steps: int) -> tuple[str, float, float, int]:
    """Return what grows without end, from what to what and in how many steps; an empty name where nothing does."""
    env, random = context.env, np.random.default_rng(14)
    observation, _ = env.reset(seed=0)
    sizes: dict[str, list[float]] = {}
    for step in range(steps + 1):
        seen = {f"self.{name}": value for name, value in state_of(env).items()} | {"observation": flatten(observation)}
        for name, value in seen.items():
            sizes.setdefault(name, []).append(float(np.abs(value).max(initial=0.0)))
        if step == steps:
            break
        observation, _, terminated, truncated, _ = env.step(draw(env.action_space, random))
        if terminated or truncated:
            break
    for name, values in sizes.items():
        first, middle, last = max(values[:_FIRST]), values[len(values) // 2], max(values[len(values) // 2 :])
        if not np.isfinite(last) or (last > _EXPLODES * max(first, 1e-3) and last > _GROWS * max(middle, 1e-3)):
            return name, first, last, len(values) - 1
    return "", 0.0, 0.0, 0
