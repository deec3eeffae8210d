"""The statistics that Stable-Baselines3's ``VecNormalize.save`` writes, read without executing anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rldoctor.archives.pickled import Part, PickleRefused, array_of, read_pickle
from rldoctor.errors import CannotJudge
from rldoctor.model import FloatArray

_CLASS = "stable_baselines3.common.vec_env.vec_normalize.VecNormalize"
# The key of a plain observation.
_PLAIN = ""


@dataclass(frozen=True)
class Moments:
    """Running mean and variance of an observation, of its shape."""

    mean: FloatArray
    var: FloatArray


@dataclass(frozen=True)
class ObservationStatistics:
    """How ``VecNormalize`` normalises observations: ``clip((x - mean) / sqrt(var + epsilon), -clip, clip)``.

    Attributes:
        moments: By key of a dictionary of observations, the empty key for plain ones; none where observations are not
            normalised.
        clip: Largest absolute value of a normalised observation.
        epsilon: Added to the variance.
    """

    moments: Mapping[str, Moments]
    clip: float
    epsilon: float

    def apply(self, observations: Any) -> Any:
        """Return a batch of observations normalised, as ``VecNormalize.normalize_obs`` returns it (float32)."""
        if isinstance(observations, Mapping):
            return {key: self._one(key, value) for key, value in observations.items()}
        return self._one(_PLAIN, observations)

    def _one(self, key: str, values: Any) -> Any:
        import numpy as np

        if key not in self.moments:
            return values
        moments = self.moments[key]
        scaled = (values - moments.mean) / np.sqrt(moments.var + self.epsilon)
        return np.clip(scaled, -self.clip, self.clip).astype(np.float32)


def read_vec_normalize(path: Path) -> ObservationStatistics:
    """Read what ``VecNormalize.save`` wrote.

    Raises:
        CannotJudge: The file is missing, damaged, or holds something else.
    """
    how = "Write the statistics with VecNormalize's own save(path)."
    try:
        tree = read_pickle(path.read_bytes())
        if not isinstance(tree, Part) or tree.name != _CLASS:
            raise PickleRefused("it holds no VecNormalize")
        stated = tree.attributes
        statistics = stated.get("obs_rms") if stated.get("norm_obs", True) else {}
        parts = statistics if isinstance(statistics, dict) else {_PLAIN: statistics}
        moments = {str(key): _moments(part) for key, part in parts.items()}
        return ObservationStatistics(moments, float(stated["clip_obs"]), float(stated["epsilon"]))
    except OSError as error:
        raise CannotJudge(
            f"The statistics {path} cannot be read: {(error.strerror or str(error)).lower()}.", how
        ) from None
    except (PickleRefused, KeyError, TypeError, ValueError) as error:
        why = str(error) if isinstance(error, PickleRefused) else "a number of VecNormalize's is missing"
        raise CannotJudge(f"The statistics {path} cannot be used: {why}.", how) from None


def _moments(part: Any) -> Moments:
    attributes = part.attributes if isinstance(part, Part) else {}
    mean, var = array_of(attributes.get("mean")), array_of(attributes.get("var"))
    if mean.shape != var.shape:
        raise PickleRefused("a mean and a variance have different shapes")
    return Moments(mean.astype(float), var.astype(float))
