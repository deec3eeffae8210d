"""The first step whose observation or reward is not finite: it is logged at once, and the steps before it are kept."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat

from rldoctor.callback.last_steps import LastSteps
from rldoctor.callback.live import ScalarMemory

_log = logging.getLogger("rldoctor")
# What is looked at: what it is called in the logs, as one and as many.
_WORDS = {
    "new_obs": ("observation", "an observation", "observation entries"),
    "rewards": ("reward", "a reward", "rewards"),
}


class FiniteNumbers:
    """Tells whether arrays are finite, by the cheapest test of them: NaN and infinities survive a sum."""

    def __init__(self) -> None:
        self._ones: dict[tuple[int, np.dtype[Any]], NDArray[Any] | None] = {}

    def hold(self, observed: Any) -> bool:
        """Return whether all entries of an array, or of a dictionary of arrays, are finite, and their sum too."""
        if isinstance(observed, dict):
            return all(map(self.hold, observed.values()))
        size, kind = observed.size, observed.dtype
        if (size, kind) not in self._ones:
            self._ones[size, kind] = np.ones(size, kind) if kind.kind == "f" else None
        ones = self._ones[size, kind]
        return ones is None or math.isfinite(np.vdot(observed, ones))


class NotFinite:
    """Looks at each step of one training.

    Args:
        logger: SB3's logger of the training.
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._last_steps = LastSteps()
        self._numbers = FiniteNumbers()
        self._found: set[str] = set()

    def look(self, step: int, locals_: Mapping[str, Any]) -> None:
        """Look at one vector step of SB3's ``collect_rollouts``."""
        self._last_steps.add(step, locals_)
        for what in _WORDS:
            if what not in self._found and not self._numbers.hold(locals_[what]):
                self._report(step, what, locals_[what])

    def _report(self, step: int, what: str, observed: Any) -> None:
        values = list(observed.values()) if isinstance(observed, dict) else [observed]
        count, size = sum(int((~np.isfinite(value)).sum()) for value in values), sum(value.size for value in values)
        if not count:  # the sum itself overflowed
            return
        name, one, words = _WORDS[what]
        if not self._found:
            self._keep_last_steps(step, one)
        self._found.add(what)
        _log.warning("step %d: %d of %d %s are NaN or infinite.", step, count, size, words)
        self._log_now(step, f"doctor/{name}_nonfinite", count / size)

    def _log_now(self, step: int, tag: str, value: float) -> None:
        """Log it now: SB3 raises at the next step or update, before anything of this rollout is logged."""
        for output in self._logger.output_formats:
            if isinstance(output, (TensorBoardOutputFormat, ScalarMemory)):
                output.write({tag: value}, {tag: ()}, step)

    def _keep_last_steps(self, step: int, what: str) -> None:
        """Write the last steps beside the logs, so that what led to the first bad value can be played again."""
        directory = self._logger.get_dir()
        if directory:
            place = self._last_steps.write(Path(directory))
            told = "step %d: %s is not finite. To look at it: rldoctor replay %s --env ENV"
            _log.warning(told, step, what, place)
