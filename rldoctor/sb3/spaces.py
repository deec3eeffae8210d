"""The spaces of an environment against those that a saved model was trained with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.vec_env import VecTransposeImage

from rldoctor.archives.pickled import Part, PickleRefused, array_of
from rldoctor.archives.sb3_zip import Sb3Zip
from rldoctor.errors import CannotJudge

Space = spaces.Space[Any]
Transform = Callable[[Any], Any]


def as_trained(saved: Sb3Zip, env: gymnasium.Env[Any, Any]) -> tuple[Space, Space, Transform]:
    """Return the observation and the action space of an environment as the model saw them in training.

    Pictures with their channels last are transposed where the model was trained so, as Stable-Baselines3 does.

    Returns:
        Both spaces, and what turns a batch of the environment's observations into what the policy takes.

    Raises:
        CannotJudge: The model was trained on other spaces.
    """
    trained_on, acted_in = _described(saved, "observation_space"), _described(saved, "action_space")
    action = _of_space(env.action_space, with_bounds=True)
    if acted_in and acted_in != action:
        raise _other(saved, "actions", acted_in, action, "")
    observed: Space = env.observation_space
    ways: list[tuple[Space, Transform]] = [(observed, _as_it_is), (_transposed_space(observed), _transposed)]
    for space, transform in ways:
        if not trained_on or trained_on == _of_space(space):
            return space, env.action_space, transform
    raise _other(saved, "observations", trained_on, _of_space(observed), _hint(trained_on, observed))


def _other(saved: Sb3Zip, what: str, trained: str, here: str, hint: str) -> CannotJudge:
    return CannotJudge(
        f"The model {saved.path} was trained with other {what} than this environment has: {trained}, and not {here}.",
        hint
        or "Name the environment that it was trained on, with the wrappers that it had: file.py:function returns "
        "a wrapped one.",
    )


def _hint(trained: str, space: Space) -> str:
    """Return a hint where the number of values suggests that observations were stacked."""
    if isinstance(space, spaces.Box) and trained.startswith("Box("):
        numbers = [int(part) for part in trained[4 : trained.index(")")].split(",") if part.strip().isdigit()]
        size, here = int(np.prod(numbers)), int(np.prod(space.shape))
        if here and size > here and size % here == 0:
            return (
                f"It has {size // here} times as many values: if it was trained with VecFrameStack, name a function "
                "file.py:function that wraps the environment the same way."
            )
    return ""


def _as_it_is(observations: Any) -> Any:
    return observations


def _is_picture(space: Space) -> bool:
    return is_image_space(space) and not is_image_space_channels_first(space)  # type: ignore[arg-type]


def _transposed_space(space: Space) -> Space:
    if isinstance(space, spaces.Dict):
        return spaces.Dict({key: _transposed_space(part) for key, part in space.spaces.items()})
    if isinstance(space, spaces.Box) and _is_picture(space):
        return VecTransposeImage.transpose_space(space)
    return space


def _transposed(observations: Any) -> Any:
    if isinstance(observations, Mapping):
        return {key: _transposed(value) for key, value in observations.items()}
    array = np.asarray(observations)
    # A batch of pictures has four axes; vectors beside them stay.
    return np.moveaxis(array, 3, 1) if array.ndim == 4 else array


def _of_space(space: Space, with_bounds: bool = False) -> str:
    """Return what must agree of a space, in words that a reader knows."""
    if isinstance(space, spaces.Box):
        bounds = _bounds(space.low, space.high) if with_bounds else ""
        return f"Box({_shape(space.shape)}){bounds}"
    if isinstance(space, spaces.Discrete):
        return f"Discrete({int(space.n)})" + (f" from {int(space.start)}" if space.start else "")
    if isinstance(space, spaces.MultiDiscrete):
        return f"MultiDiscrete({_shape(space.nvec.ravel().tolist())})"
    if isinstance(space, spaces.MultiBinary):
        return f"MultiBinary({_shape(space.shape)})"
    if isinstance(space, spaces.Dict):
        return f"Dict({', '.join(f'{key}: {_of_space(part)}' for key, part in sorted(space.spaces.items()))})"
    return type(space).__name__


def _described(saved: Sb3Zip, name: str) -> str:
    """Return the same of a space in an archive; empty where it cannot be read, and the weights decide."""
    tree = saved.value(name)
    try:
        return _of_tree(tree, with_bounds=name == "action_space") if isinstance(tree, Part) else ""
    except (PickleRefused, KeyError, TypeError, ValueError):
        return ""


def _of_tree(tree: Any, with_bounds: bool = False) -> str:
    known = tree.attributes
    kind = tree.name.rpartition(".")[2]
    if kind == "Box":
        bounds = _bounds(array_of(known["low"]), array_of(known["high"])) if with_bounds else ""
        return f"Box({_shape(known['_shape'])}){bounds}"
    if kind == "Discrete":
        start = int(array_of(known.get("start", 0)))
        return f"Discrete({int(array_of(known['n']))})" + (f" from {start}" if start else "")
    if kind == "MultiDiscrete":
        return f"MultiDiscrete({_shape(array_of(known['nvec']).ravel().tolist())})"
    if kind == "MultiBinary":
        return f"MultiBinary({_shape(known['_shape'])})"
    if kind == "Dict":
        parts = known["spaces"]
        parts = dict(parts.items) if isinstance(parts, Part) else parts
        return f"Dict({', '.join(f'{key}: {_of_tree(part)}' for key, part in sorted(parts.items()))})"
    return str(kind)


def _shape(sizes: Any) -> str:
    return ", ".join(str(int(size)) for size in sizes)


def _bounds(low: Any, high: Any) -> str:
    lows, highs = np.unique(np.round(low, 6)), np.unique(np.round(high, 6))
    return f" from {', '.join(f'{x:g}' for x in lows[:4])} to {', '.join(f'{x:g}' for x in highs[:4])}"
