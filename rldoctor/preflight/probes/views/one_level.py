"""Observations that are tuples, or dictionaries within dictionaries, as one dictionary that checks can look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium.spaces import Dict, Tuple

from rldoctor.environments.rollouts import Env
from rldoctor.preflight.probes.spaces import untrainable_observation


class OneLevel(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Gives each part of an observation a name of its own, such as ``0`` or ``arm/joints``.

    Args:
        env: Its observations are a ``Tuple``, or a ``Dict`` that holds a ``Dict`` or a ``Tuple``.
    """

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.observation_space = Dict(_parts(env.observation_space, env.observation_space))

    def reset(self, **kwargs: Any) -> Any:
        """Reset."""
        return self._named(self.env.reset(**kwargs))

    def step(self, action: Any) -> Any:
        """Step."""
        return self._named(self.env.step(action))

    def _named(self, result: Any) -> Any:
        # What is of another form is handed on as it is, for the checks of the interface.
        if not isinstance(result, tuple) or not result:
            return result
        try:
            return (_parts(self.env.observation_space, result[0]), *result[1:])
        except (KeyError, TypeError, ValueError):
            return result


def one_level(env: Env) -> Env:
    """Return ``env`` with observations of one level, where that makes them such as can be trained on; else itself."""
    space = getattr(env, "observation_space", None)
    inner = space.spaces.values() if isinstance(space, Dict) else ()
    if not isinstance(space, Tuple) and not any(isinstance(part, (Dict, Tuple)) for part in inner):
        return env
    named = _parts(space, space)
    return env if not named or untrainable_observation(Dict(named)) else OneLevel(env)


def _parts(space: Any, value: Any, key: str = "") -> dict[str, Any]:
    """Return the parts of a value, or of the space itself, by name."""
    if isinstance(space, Dict):
        if isinstance(value, Mapping) and set(value) != set(space.spaces):
            raise KeyError(key)
        inner = {str(name): (part, value[name]) for name, part in space.spaces.items()}
    elif isinstance(space, Tuple):
        if isinstance(value, tuple) and len(value) != len(space.spaces):
            raise ValueError(key)
        inner = {str(place): (part, value[place]) for place, part in enumerate(space.spaces)}
    else:
        return {key: value}
    found: dict[str, Any] = {}
    for name, (part, one) in inner.items():
        found.update(_parts(part, one, f"{key}/{name}" if key else name))
    return found
