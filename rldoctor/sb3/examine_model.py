"""What a model that Stable-Baselines3 saved says of its training: weights, standard deviation, bounds, statistics.

Settings are read as data and tensors with ``weights_only``; nothing else in the archive is used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rldoctor.archives.pickled import Part, PickleRefused, array_of
from rldoctor.archives.sb3_zip import Sb3Zip, read_sb3_zip
from rldoctor.archives.vec_normalize import read_vec_normalize
from rldoctor.errors import CannotJudge
from rldoctor.model import FloatArray, Observation, Settings
from rldoctor.sb3.model_signs import observe
from rldoctor.sb3.tensors import read_tensors, reading

_POLICY = "policy.pth"
_STATISTICS = (
    "vecnormalize.pkl",
    "vec_normalize.pkl",
    "*vecnormalize*.pkl",
    "*vec_normalize*.pkl",
    "*/vecnormalize.pkl",
)
# Weight matrices of the policy's hidden layers, in order: PPO, A2C and TRPO; SAC; TD3; DQN.
_HIDDEN = re.compile(r"(mlp_extractor\.policy_net|actor\.latent_pi|actor\.mu|q_net\.q_net)\.(\d+)\.weight")
_GAUSSIAN = ("ppo", "a2c", "trpo", "recurrent_ppo", "maskable_ppo")
# Around the last observations of the training, as many are drawn, as far apart as they are large.
_DRAWN, _SPREAD = 256, 0.5
# Differences of a unit's outputs up to this are none; the end of tanh's range is at a thousandth.
_STILL = 1e-3
_NEVER_CHANGED = 1e-10
# Bounds as far as the largest float are none.
_UNBOUNDED = 1e30


def examine_model(path: Path, settings: Settings | None = None, vec_normalize: Path | None = None) -> list[Observation]:
    """Return what a saved model is evidence for and against, by code.

    Args:
        path: The zip that ``model.save`` wrote.
        settings: What the files beside it say, if they say that observations were normalised.
        vec_normalize: The file of VecNormalize's statistics; by default one beside the model.

    Raises:
        CannotJudge: It is no such model, damaged, or holds more than tensors.
    """
    model = read_sb3_zip(path)
    with reading(path) as archive:
        if _POLICY not in model.members:
            raise CannotJudge(f"{path} holds no weights.", "Save the model with model.save(file).")
        weights = _arrays(read_tensors(archive, _POLICY))
    found = [
        *_of_weights(weights),
        *_of_units(model, weights),
        *_of_spread(model, weights),
        *_of_bounds(model, weights),
    ]
    found += _of_statistics(path, settings, vec_normalize)
    return sorted((item for item in found if item is not None), key=lambda item: item.code)


def _arrays(tensors: Any) -> dict[str, FloatArray]:
    found = tensors if isinstance(tensors, Mapping) else {}
    return {str(name): np.asarray(value.numpy(), dtype=np.float64) for name, value in found.items() if value.numel()}


def _of_weights(weights: Mapping[str, FloatArray]) -> Iterator[Observation | None]:
    lost = [name for name, values in weights.items() if not np.isfinite(values).all()]
    if lost:
        yield observe("MDL101", float(len(lost)), total=len(weights), where=lost[0])
        return
    sizes = {name: float(np.abs(weights[name]).max()) for name in _hidden(weights)}
    if sizes:
        largest = max(sizes, key=sizes.__getitem__)
        yield observe("MDL102", sizes[largest], where=largest)


def _hidden(weights: Mapping[str, FloatArray]) -> list[str]:
    """Return the names of the policy's hidden weight matrices, in order; the last of TD3 and DQN is their output."""
    found = [
        (int(match[2]), name) for name in weights if (match := _HIDDEN.fullmatch(name)) and weights[name].ndim == 2
    ]
    names = [name for _, name in sorted(found)]
    ends_in_output = bool(names) and names[0].startswith(("actor.mu.", "q_net."))
    return names[:-1] if ends_in_output else names


def _of_units(model: Sb3Zip, weights: Mapping[str, FloatArray]) -> Iterator[Observation | None]:
    """Yield the layer with most units that do not change, over observations around the last of the training."""
    names, values = _hidden(weights), _observations(model)
    if not names or values is None or values.shape[1] != weights[names[0]].shape[1]:
        return
    kind = str(_plain(model, "policy_kwargs", "activation_fn")).lower()
    relu = "relu" in kind or (kind == "none" and not names[0].startswith("mlp_extractor"))
    if not relu and "tanh" not in kind and kind != "none":
        return
    worst, where = 0.0, ""
    for place, name in enumerate(names, 1):
        bias = weights.get(name.removesuffix("weight") + "bias", np.zeros(len(weights[name])))
        values = values @ weights[name].T + bias
        values = np.maximum(values, 0.0) if relu else np.tanh(values)
        if not np.isfinite(values).all():
            return
        still = float((np.ptp(values, axis=0) <= _STILL * max(1.0, float(np.abs(values).max()) * relu)).mean())
        if still > worst:
            worst, where = still, f"{place} of {len(names)}"
    yield observe("MDL103", worst, where=where)


def _observations(model: Sb3Zip) -> FloatArray | None:
    """Return observations around the last ones of the training, flat, shape ``(n, size)``; ``None`` without any."""
    try:
        tree = model.value("_last_obs")
        pairs = tree.items if isinstance(tree, Part) and tree.name.endswith("OrderedDict") else None
        parts = dict(pairs) if pairs is not None else tree if isinstance(tree, dict) else {"": tree}
        flat = [array_of(parts[key]).astype(np.float64) for key in sorted(parts)]
        last: FloatArray = np.concatenate([values.reshape(len(values), -1) for values in flat], axis=1)
    except (CannotJudge, PickleRefused, ValueError, TypeError, IndexError):
        return None
    if not len(last) or not np.isfinite(last).all():
        return None
    draw = np.random.default_rng(0)
    spread = _SPREAD * np.maximum(np.abs(last).mean(axis=0), 1e-3)
    drawn = last[draw.integers(len(last), size=_DRAWN)]
    found: FloatArray = drawn + draw.normal(size=drawn.shape) * spread
    return found


def _of_spread(model: Sb3Zip, weights: Mapping[str, FloatArray]) -> Iterator[Observation | None]:
    values = weights.get("log_std")
    if values is None or model.entries.get("use_sde") or not np.isfinite(values).all():
        return
    middle = float(np.mean(values))
    yield observe("MDL104", middle, std=math.exp(min(middle, 700.0)))
    yield observe("MDL105", middle, std=math.exp(min(middle, 700.0)))


def _of_bounds(model: Sb3Zip, weights: Mapping[str, FloatArray]) -> Iterator[Observation | None]:
    if model.algorithm not in _GAUSSIAN or "log_std" not in weights:
        return
    try:
        space = model.value("action_space")
        low, high = (array_of(space.attributes[key]).astype(np.float64).ravel() for key in ("low", "high"))
    except (CannotJudge, PickleRefused, KeyError, AttributeError, TypeError, ValueError):
        return
    with np.errstate(over="ignore"):
        # Half the range, or how far its middle is from 0, where the policy begins.
        reach = np.maximum((high - low) / 2, np.abs(high + low) / 2)
    reach = np.where(np.isfinite(reach) & (reach < _UNBOUNDED), reach, 0.0)
    if len(reach):
        yield observe("MDL106", float(reach.max()), where=int(reach.argmax()))


def _of_statistics(path: Path, settings: Settings | None, vec_normalize: Path | None) -> Iterator[Observation | None]:
    file = vec_normalize
    if file is None:
        file = next((found for pattern in _STATISTICS for found in sorted(path.parent.glob(pattern))), None)
    if file is None:
        if settings is not None and settings.normalize_observations:
            yield observe("MDL107", 1.0)
        return
    moments = read_vec_normalize(file).moments.values()
    variances = [values.var.ravel() for values in moments]
    if variances:
        yield observe("MDL108", float((np.concatenate(variances) <= _NEVER_CHANGED).mean()))


def _plain(model: Sb3Zip, name: str, key: str) -> object:
    """Return an item of a table among the settings; ``None`` where there is none."""
    table = model.settings().get(name)
    return table.get(key) if isinstance(table, Mapping) else None
