"""What is wrong with a space, which spaces Stable-Baselines3 cannot train on, and where a value leaves its space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import Space
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

# SB3's CNN (NatureCNN, stable_baselines3.common.torch_layers) needs pictures of at least 36 x 36.
SMALLEST_PICTURE = 36
# Rounding of a value that was computed in single precision and compared with a bound in double.
_ROUNDING = 1e-5


class Wrong(NamedTuple):
    """A fault of a space in words, and the cure."""

    problem: str
    cure: str


def parts(space: Space[Any]) -> dict[str, Space[Any]]:
    """Return the named spaces of a Dict, or the space itself under the empty name."""
    return dict(space.spaces) if isinstance(space, Dict) else {"": space}


def invalid(space: object, role: str) -> Wrong | None:
    """Return why no value, or no sensible one, can be in a space.

    Args:
        space: What the environment has as its space.
        role: ``observation`` or ``action``.
    """
    declare = f"Set self.{role}_space to a gymnasium.spaces.Space in __init__."
    if space is None:
        return Wrong(f"The environment has no {role}_space.", declare)
    if not isinstance(space, Space):
        return Wrong(f"{role}_space is of type {type(space).__name__}, not a gymnasium.spaces.Space.", declare)
    for key, part in _leaves(space):
        problem = _invalid_leaf(part)
        if not problem and role == "observation" and isinstance(part, Box) and (part.low > part.high).any():
            # Of actions this is a finding of its own, which leaves room for others.
            problem = f"the lower bound is above the upper one in {int((part.low > part.high).sum())} dimensions"
        if problem:
            name = f"{role}_space" + (f"[{key!r}]" if key else "")
            return Wrong(f"{name}: {problem}.", f"Correct the declaration of {name}.")
    return None


def _leaves(space: Space[Any], key: str = "") -> Iterator[tuple[str, Space[Any]]]:
    if isinstance(space, Dict) and space.spaces:
        for name, part in space.spaces.items():
            yield from _leaves(part, f"{key}.{name}" if key else str(name))
    elif isinstance(space, Tuple) and space.spaces:
        for place, part in enumerate(space.spaces):
            yield from _leaves(part, f"{key}.{place}" if key else str(place))
    else:
        yield key, space


def _invalid_leaf(space: Space[Any]) -> str:
    if isinstance(space, (Dict, Tuple)):
        return f"an empty {type(space).__name__} holds nothing"
    if isinstance(space, Box):
        for name, bound in (("low", space.low), ("high", space.high)):
            if np.shape(bound) != space.shape:
                return f"{name} has shape {np.shape(bound)}, the Box {space.shape}"
    if isinstance(space, Discrete) and space.n <= 0:
        return f"Discrete({space.n}) has no element; n must be at least 1"
    if isinstance(space, MultiDiscrete):
        if (np.asarray(space.nvec) <= 0).any():
            return f"nvec is {np.asarray(space.nvec).tolist()}; every number must be at least 1"
        if np.shape(space.nvec) != space.shape:
            return f"nvec has shape {np.shape(space.nvec)}, the MultiDiscrete {space.shape}"
    if isinstance(space, MultiBinary) and any(size <= 0 for size in space.shape):
        return f"MultiBinary has shape {space.shape}; every size must be at least 1"
    return ""


def untrainable_observation(space: Space[Any]) -> Wrong | None:
    """Return why Stable-Baselines3 cannot train on observations of ``space``."""
    for key, part in parts(space).items():
        what = f" ({key})" if key else ""
        if not isinstance(part, (Box, Discrete, MultiDiscrete, MultiBinary)):
            return Wrong(
                f"Stable-Baselines3's PPO does not support observations of type {type(part).__name__}{what}.",
                "Flatten it into one level of arrays: gymnasium.wrappers.FlattenObservation."
                if isinstance(part, (Dict, Tuple))
                else "Return a Box of fixed size instead, padded where its size varies.",
            )
        shaped = _untrainable_shape(part, f"observations{what}")
        if shaped:
            return shaped
        if isinstance(space, Dict) and is_picture(part) and min(picture_sides(part)) < SMALLEST_PICTURE:
            sides = " x ".join(map(str, picture_sides(part)))
            return Wrong(
                f"The picture{what} of {sides} is smaller than Stable-Baselines3's CNN for dictionaries can take.",
                f"Resize it to at least {SMALLEST_PICTURE} x {SMALLEST_PICTURE}, "
                "or pass policy_kwargs with a features extractor of your own.",
            )
    return None


def untrainable_action(space: Space[Any]) -> Wrong | None:
    """Return why Stable-Baselines3's PPO cannot choose actions of ``space``."""
    if not isinstance(space, (Box, Discrete, MultiDiscrete, MultiBinary)):
        return Wrong(
            f"Stable-Baselines3's PPO does not support action spaces of type {type(space).__name__}.",
            "Flatten the action space into a Box or a MultiDiscrete.",
        )
    if isinstance(space, MultiBinary) and len(space.shape) > 1:
        return Wrong(f"Actions are a MultiBinary of {len(space.shape)} dimensions; PPO takes one.", "Make it flat.")
    if isinstance(space, Box) and not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
        low, high = float(np.min(space.low)), float(np.max(space.high))
        return Wrong(
            f"The bounds of the action are [{low:g}, {high:g}]; Stable-Baselines3 refuses infinite ones.",
            "Declare actions in [-1, 1] and scale them inside the environment (gymnasium.wrappers.RescaleAction).",
        )
    return _untrainable_shape(space, "actions")


def _untrainable_shape(space: Space[Any], what: str) -> Wrong | None:
    if isinstance(space, MultiDiscrete) and len(space.shape) != 1:
        return Wrong(
            f"Stable-Baselines3 does not support {what} that are a MultiDiscrete of {len(space.shape)} dimensions.",
            "Make it flat: MultiDiscrete(nvec.flatten()).",
        )
    if isinstance(space, Box) and what.startswith("observations") and not space.shape:
        return Wrong(
            f"The {what} have no dimension; Stable-Baselines3 needs one.",
            "Declare and return shape (1,), or wrap it in gymnasium.wrappers.FlattenObservation.",
        )
    start = np.asarray(getattr(space, "start", 0))
    if isinstance(space, (Discrete, MultiDiscrete)) and start.any():
        shown = start.tolist()
        return Wrong(
            f"The {what} start at {shown}; Stable-Baselines3 counts from 0.",
            "Let the space start at 0 and add the start inside the environment.",
        )
    return None


def is_whole(space: Space[Any]) -> bool:
    """Return whether a space is a Box of whole numbers."""
    return isinstance(space, Box) and space.dtype is not None and space.dtype.kind in "iu"


def is_picture(space: Space[Any]) -> bool:
    """Return whether SB3 takes a space for a picture: three dimensions of whole numbers from 0 to 255."""
    if not isinstance(space, Box) or len(space.shape) != 3 or space.dtype != np.uint8:
        return False
    return bool((space.low == 0).all() and (space.high == 255).all())


def picture_sides(space: Space[Any]) -> tuple[int, int]:
    """Return height and width of a picture; its channels are first where that is the smallest dimension, else last."""
    shape = space.shape or (0, 0, 0)
    return (shape[1], shape[2]) if min(shape) == shape[0] else (shape[0], shape[1])


def mismatch(space: Space[Any], value: Any, name: str = "the observation") -> tuple[str, str, bool] | None:
    """Return how a value differs in its form from what its space declares: key, expected and got, in one sentence.

    Values outside the bounds are of the right form: see :func:`outside`.

    Returns:
        What is wrong (``key``, ``extra``, ``type``, ``shape`` or ``dtype``), the sentence, and whether training loses
        something by it; ``None`` for a value of the right form.
    """
    if isinstance(space, Dict):
        if not isinstance(value, Mapping):
            return "type", f"{name} is of type {type(value).__name__}, not a dictionary", True
        missing, extra = (
            sorted(space.spaces.keys() - value.keys()),
            sorted(map(str, value.keys() - space.spaces.keys())),
        )
        if missing or extra:
            said = [f"has no {missing[0]!r}"] if missing else []
            said += [f"has the key {extra[0]!r}, which its space does not declare"] if extra else []
            return "key" if missing else "extra", f"{name} {' and '.join(said)}", True
        for key, part in space.spaces.items():
            if found := mismatch(part, value[key], str(key)):
                return found
        return None
    if isinstance(space, Tuple):
        if not isinstance(value, tuple) or len(value) != len(space.spaces):
            size = f" of {len(value)} parts" if isinstance(value, (tuple, list)) else ""
            return "type", f"{name} is a {type(value).__name__}{size}, not a tuple of {len(space.spaces)}", True
        return next((m for part, v in zip(space.spaces, value, strict=True) if (m := mismatch(part, v, name))), None)
    if not isinstance(space, (Box, Discrete, MultiDiscrete, MultiBinary)):
        return None
    return _array_mismatch(space, value, name)


def _array_mismatch(space: Space[Any], value: Any, name: str) -> tuple[str, str, bool] | None:
    expected = f"its space declares {space.shape} {space.dtype}"
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if value is None or array.dtype.kind not in "biufc":
        kind = type(value).__name__
        return "type", f"{name} is a {kind}, not an array of numbers; {expected}", True
    if array.shape != (space.shape or ()):
        return "shape", f"{name} has shape {array.shape}; {expected}", True
    if isinstance(space, Discrete):
        whole = array.dtype.kind in "iu"
        return None if whole else ("dtype", f"{name} has dtype {array.dtype}; {expected}", True)
    if not isinstance(value, (np.ndarray, np.generic)) and array.shape != ():
        return "type", f"{name} is a {type(value).__name__}, not a NumPy array; {expected}", False
    if array.dtype != space.dtype and not (
        isinstance(space, (MultiBinary, MultiDiscrete)) and array.dtype.kind in "iub"
    ):
        # float32 for float64 loses nothing that PPO would miss; integers for floats lose the values.
        lossy = space.dtype is None or array.dtype.kind != space.dtype.kind
        return "dtype", f"{name} has dtype {array.dtype}; {expected}", lossy
    return None


def outside(space: Space[Any], value: Any, name: str = "") -> tuple[str, float] | None:
    """Return which part of a value of the right form leaves its bounds, and by how much at most."""
    if isinstance(space, Dict):
        found = (outside(part, value[key], str(key)) for key, part in space.spaces.items())
        return next((leaving for leaving in found if leaving), None)
    array = np.asarray(value).astype(float)
    if isinstance(space, Box):
        low, high = space.low.astype(float), space.high.astype(float)
    elif isinstance(space, (Discrete, MultiDiscrete)):
        low = np.asarray(space.start, dtype=float)
        high = low + np.asarray(space.n if isinstance(space, Discrete) else space.nvec) - 1.0
    elif isinstance(space, MultiBinary):
        low, high = np.zeros(space.shape), np.ones(space.shape)
    else:
        return None
    if array.shape != low.shape:
        return None
    # NaN and infinity have a check of their own (ENV202).
    gap = np.where(np.isfinite(array), np.maximum(low - array, array - high), 0.0)
    worst = float(np.max(gap, initial=0.0))
    size = float(np.max(np.abs(np.where(np.isfinite(high), high, 0.0)), initial=1.0))
    return (name, worst) if worst > _ROUNDING * size else None
