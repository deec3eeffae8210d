"""What can be seen of an environment's own attributes, without knowing its class."""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray

if TYPE_CHECKING:
    import gymnasium

    from rldoctor.environments.rollouts import Env

# Wrappers whose own state is in order: counters of Gymnasium and SB3, and ours.
_TRUSTED = ("gymnasium.", "stable_baselines3.", "rldoctor.")
# Larger arrays are pictures or buffers; comparing them says nothing that a name would help to understand.
_LARGEST = 64
# Four stacked pictures of 84 x 84 in colour.
_FRAMES = 100_000
_STATISTICS = {"NormalizeObservation", "NormalizeReward"}
# Kept by Gymnasium itself.
_OWN = {"_np_random", "_np_random_seed", "np_random"}


def layers(env: Env) -> Iterator[Env]:
    """Yield the environment's wrappers from the outermost inwards, and the environment itself last."""
    layer = env
    while True:
        yield layer
        inner = vars(layer).get("env") if hasattr(layer, "__dict__") else None
        if inner is None or layer is env.unwrapped:
            return
        layer = inner


def normalises_rewards(env: Env) -> bool:
    """Return whether a wrapper, of the environment or of the vec env that it is taken from, normalises rewards."""
    from rldoctor.environments.first_of_vec_env import FirstOfVecEnv, vec_env_wrappers

    for layer in layers(env):
        if type(layer).__name__ == "NormalizeReward":
            return True
        if isinstance(layer, FirstOfVecEnv) and any(
            type(wrapper).__name__ == "VecNormalize" and getattr(wrapper, "norm_reward", False)
            for wrapper in vec_env_wrappers(layer.vec_env)
        ):
            return True
    return False


def user_wrappers(env: gymnasium.Env[Any, Any]) -> list[object]:
    """Return the wrappers of an environment, outermost first, without those that ``gymnasium.make`` adds by itself.

    Those of the vec env that it is taken from, and those of the environment inside, are both among them.
    """
    # Late, as in the next function: rules are listed and explained without gymnasium.
    import gymnasium

    from rldoctor.environments.first_of_vec_env import FirstOfVecEnv, vec_env_wrappers

    found: list[object] = []
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, FirstOfVecEnv):
            found.extend(vec_env_wrappers(env.vec_env))
        elif not is_standard(env):
            found.append(env)
        env = env.env
    return found


def is_standard(env: gymnasium.Wrapper[Any, Any, Any, Any]) -> bool:
    """Return whether ``gymnasium.make`` or preflight added a wrapper by itself."""
    from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit

    # gymnasium.make puts its own time limit upon OrderEnforcing; one elsewhere is the user's.
    limit = isinstance(env, TimeLimit) and isinstance(env.env, OrderEnforcing)
    ours = type(env).__module__.startswith("rldoctor.preflight.")
    return limit or ours or isinstance(env, (OrderEnforcing, PassiveEnvChecker))


def time_limit(env: Env) -> int | None:
    """Return the limit of a ``TimeLimit`` among the environment's wrappers, in steps; ``None`` without one."""
    limits = (getattr(layer, "_max_episode_steps", None) for layer in layers(env))
    return next((limit for limit in limits if isinstance(limit, int)), None)


def has_running_statistics(env: Env) -> bool:
    """Return whether a wrapper normalises by statistics that go on from episode to episode, as it should."""
    return any(type(layer).__name__ in _STATISTICS for layer in layers(env))


def _attributes(env: Env) -> Iterator[tuple[str, Any]]:
    for layer in layers(env):
        trusted = type(layer).__module__.startswith(_TRUSTED)
        if hasattr(layer, "__dict__") and (layer is env.unwrapped or not trusted):
            yield from ((name, value) for name, value in vars(layer).items() if name not in {*_OWN, "env"})


def numbers(value: Any) -> FloatArray | None:
    """Return a number, or a small array or list of numbers, as an array; ``None`` for anything else."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number, np.ndarray, list, tuple)):
        return None
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    if array.dtype.kind not in "iuf" or not 0 < array.size <= _LARGEST:
        return None
    return np.array(array, dtype=float)


def state_of(env: Env) -> dict[str, FloatArray]:
    """Return the numeric attributes of an environment and its wrappers, as copies, by name."""
    found = ((name, numbers(value)) for name, value in _attributes(env))
    return {name: array for name, array in found if array is not None}


def memory_of(env: Env) -> dict[str, FloatArray]:
    """Return what :func:`state_of` does, and deques and larger arrays and lists, such as frames that are stacked."""
    found = state_of(env)
    for name, value in _attributes(env):
        if name not in found and isinstance(value, (deque, list, tuple, np.ndarray)):
            try:
                array = np.asarray(list(value) if isinstance(value, deque) else value)
            except ValueError:
                continue
            if array.dtype.kind in "biuf" and 0 < array.size <= _FRAMES:
                found[name] = np.array(array, dtype=float)
    return found


def sizes_of(env: Env) -> dict[str, int]:
    """Return how many entries the lists and dictionaries among an environment's attributes hold, by name."""
    unlimited = {name: value for name, value in _attributes(env) if getattr(value, "maxlen", None) is None}
    return {name: len(value) for name, value in unlimited.items() if isinstance(value, (list, dict, set))}


def bytes_of(env: Env, name: str) -> float:
    """Return about how many bytes the entries of a list, dictionary or set among the attributes take.

    Arrays count in full, texts and plain values as they are, and what other objects hold does not.
    """
    value = next((value for one, value in _attributes(env) if one == name), ())
    entries: Any = value.values() if isinstance(value, dict) else value
    return float(sum(map(_bytes, entries)))


def _bytes(entry: Any, level: int = 2) -> float:
    if isinstance(entry, np.ndarray):
        return float(entry.nbytes)
    inner = entry.values() if isinstance(entry, Mapping) else entry if isinstance(entry, (list, tuple)) else ()
    return sys.getsizeof(entry) + (sum(_bytes(one, level - 1) for one in inner) if level else 0)


def generators_of(env: Env) -> tuple[str, ...]:
    """Return the names of the random generators that an environment keeps beside Gymnasium's ``np_random``."""
    kinds = (np.random.Generator, np.random.RandomState, random.Random)
    return tuple(dict.fromkeys(name for name, value in _attributes(env) if isinstance(value, kinds)))


def copy_generators(source: Env, target: Env) -> bool:
    """Give ``target`` the random generators that ``source`` keeps beside ``np_random``; return if there are any."""
    found = generators_of(source)
    for one, other in zip(layers(source), layers(target), strict=False):
        for name in found:
            if name in vars(one) and name in vars(other):
                setattr(other, name, deepcopy(vars(one)[name]))
    return bool(found)


def global_random_state() -> tuple[Any, Any]:
    """Return the states of NumPy's and Python's global random generators, to be compared with ``==``."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    return (kind, keys.tobytes() if isinstance(keys, np.ndarray) else keys, *rest), random.getstate()


def shown(value: FloatArray) -> str:
    """Return a number or the first numbers of an array as text."""
    texts = [f"{number:.4g}" for number in value.ravel()[:3]]
    return texts[0] if value.size == 1 else f"[{', '.join(texts)}{', ...' if value.size > 3 else ''}]"


def differing(first: Mapping[str, FloatArray], second: Mapping[str, FloatArray]) -> tuple[str, ...]:
    """Return the names of the attributes that differ."""
    shared = [name for name in first if name in second]
    return tuple(name for name in shared if not np.array_equal(first[name], second[name], equal_nan=True))
