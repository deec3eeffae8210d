"""Episodes in which an attribute of the environment is replaced: what of it do observations and rewards show?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import flatten
from rldoctor.preflight.probes.inspection import differing, layers, state_of

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env

# Correlation with some number of the observation beyond which an attribute counts as visible.
_VISIBLE = 0.9
# Joints of a simulation count as attributes; of a crowd of bodies there are too many to try.
_JOINT, _JOINTS = "data.qpos[", 40


@dataclass(frozen=True)
class Interference:
    """One short episode.

    Attributes:
        seen: Flattened observations, ``(steps + 1, d)``.
        rewards: ``(steps + 1,)``, 0 at the start.
        state: The numeric attributes after reset, before anything was replaced.
        fixed: Names of those that no step changed.
        set: Whether the attribute was replaced.
        value: What it was replaced by.
        gap: Largest difference of a reward from that of the episode it is compared with.
    """

    seen: FloatArray
    rewards: FloatArray
    state: dict[str, FloatArray]
    fixed: frozenset[str]
    set: bool = False
    value: FloatArray = field(default_factory=lambda: np.zeros(0))
    gap: float = 0.0

    def against(self, base: Interference, value: FloatArray) -> Interference:
        """Return this with what was replaced and how far rewards are from those of ``base``."""
        shared = min(len(self.rewards), len(base.rewards))
        gap = float(np.abs(self.rewards[:shared] - base.rewards[:shared]).max())
        return replace(self, value=value, gap=gap)


def play_with(
    env: Env,
    seed: int,
    actions: Sequence[Any],
    replaced: tuple[str, FloatArray] | None = None,
    restored: int | None = None,
) -> Interference:
    """Reset to ``seed``, replace one numeric attribute of the environment or a wrapper, and take ``actions``.

    Args:
        env: The environment.
        seed: Of the reset.
        actions: One a step.
        replaced: The attribute and its value.
        restored: After how many steps it gets back what it was; never by default.
    """
    observation, _ = env.reset(seed=seed)
    state = _state_of(env)
    done = replaced is not None and _replace(env, *replaced)
    rows, rewards = [flatten(observation)], [0.0]
    before = _state_of(env)
    for number, action in enumerate(actions):
        if done and replaced and number == restored:
            _replace(env, replaced[0], state[replaced[0]])
        try:
            observation, reward, terminated, truncated, _ = env.step(action)
        except Exception:
            if not done:
                raise
            # It may not be set from outside, such as cards that lie in two places.
            return Interference(np.stack(rows), np.array(rewards), state, frozenset())
        rows.append(flatten(observation))
        rewards.append(float(np.asarray(reward).reshape(-1)[0]))
        if terminated or truncated:
            break
    moved = differing(before, _state_of(env))
    return Interference(np.stack(rows), np.array(rewards), state, frozenset(before) - set(moved), done)


def _positions(env: Env) -> Any:
    """Return MuJoCo's positions of joints, a target's among them; ``None`` where there are none."""
    found = getattr(getattr(env.unwrapped, "data", None), "qpos", None)
    return found if isinstance(found, np.ndarray) and found.size <= _JOINTS else None


def _state_of(env: Env) -> dict[str, FloatArray]:
    positions = _positions(env)
    joints = {} if positions is None else {f"{_JOINT}{i}]": np.array([x], float) for i, x in enumerate(positions)}
    return {**state_of(env), **joints}


def _replace(env: Env, name: str, value: FloatArray) -> bool:
    if name.startswith(_JOINT):
        _positions(env)[int(name[len(_JOINT) : -1])] = value.item()
        return True
    found = (layer for layer in layers(env) if name in getattr(layer, "__dict__", {}))
    holder: Any = next(found, env.unwrapped)
    old = getattr(holder, name, None)
    if old is None:
        return False
    if isinstance(old, np.ndarray):
        new: Any = value.astype(old.dtype).reshape(old.shape)
    elif isinstance(old, (list, tuple)):
        # Whole numbers may be places in a list.
        new = type(old)(value.astype(np.asarray(old).dtype).tolist())
    else:
        new = type(old)(value.item())
    try:
        setattr(holder, name, new)
    except AttributeError:
        return False
    return True


def candidates(plays: Sequence[Interference]) -> list[str]:
    """Return the attributes that resets set to other values and that no step changes, such as a target."""
    first, *others = plays
    names = [name for name in first.state if all(name in play.fixed for play in plays)]
    return [name for name in names if any(name in differing(first.state, other.state) for other in others)]


def visible(name: str, plays: Sequence[Interference]) -> bool:
    """Return whether some number of the first observation follows each number of an attribute."""
    values = [play.state[name].ravel() for play in plays]
    if len({value.shape for value in values}) > 1:
        return True
    wanted, seen = np.stack(values), np.stack([play.seen[0] for play in plays])
    varying = wanted[:, wanted.std(axis=0) > 1e-12]
    numbers = seen[:, seen.std(axis=0) > 1e-12]
    if not numbers.shape[1]:
        return False
    if numbers.shape[1] > 64:
        # A picture has so many numbers that one of them follows anything.
        return False
    for column in varying.T:
        fits = np.abs([np.corrcoef(column, number)[0, 1] for number in numbers.T])
        if fits.max() > _VISIBLE or _is_difference(column, numbers):
            return True
    return False


def _is_difference(column: FloatArray, numbers: FloatArray) -> bool:
    """Return whether a number is the sum or the difference of two that are seen."""
    for i in range(numbers.shape[1]):
        for j in range(i):
            for sign in (-1.0, 1.0):
                pair = numbers[:, i] + sign * numbers[:, j]
                if pair.std() > 1e-12 and abs(np.corrcoef(column, pair)[0, 1]) > 1 - 1e-6:
                    return True
    return False
