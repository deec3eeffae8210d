"""What a saved model is evidence for, as data: ``checks/model_signs.toml``. Nothing here needs PyTorch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from rldoctor import datafile
from rldoctor.datafile import Finite, Table, Text
from rldoctor.model import Observation


class ModelSign(Table, frozen=True):
    """One sign of a saved model.

    Attributes:
        name: Kebab-case.
        causes: Names of ``checks/diagnoses/`` that it supports, the likeliest first; none where it is only told.
        cleared: Those that a usual value contradicts.
        thresholds: Strength 0 at the first value, 1 at the second.
        message: The observation's, with ``{observed}`` and other numbers filled in.
        remedy: What to do.
        what: What the sign is, for ``rldoctor explain``.
        why: Why it matters.
        false_alarms: When it shows on a healthy model.
        source: Where the thresholds come from.
        log: Whether strength grows with the logarithm of the value.
        usual: Up to here, on the side away from the thresholds, values are those of healthy models.
    """

    name: Text
    causes: tuple[Text, ...]
    cleared: tuple[Text, ...]
    thresholds: tuple[Finite, Finite]
    message: Text
    remedy: Text
    what: Text
    why: Text
    false_alarms: Text
    source: Text
    log: bool = False
    usual: Finite | None = None

    def strength(self, value: float) -> float:
        """Return how clearly a value shows it, in [0, 1]."""
        low, high = self.thresholds
        if self.log:
            value, low, high = math.log(max(value, 1e-300)), math.log(low), math.log(high)
        return min(1.0, max(0.0, (value - low) / (high - low)))

    def is_usual(self, value: float) -> bool:
        """Return whether a value is that of healthy models."""
        if self.usual is None:
            return False
        return value <= self.usual if self.thresholds[1] > self.thresholds[0] else value >= self.usual

    @property
    def measured(self) -> str:
        """What counts, in words."""
        low, high = self.thresholds
        scale = " on a logarithmic scale" if self.log else ""
        usual = f"; usual is {'at most' if high > low else 'at least'} {self.usual:g}" if self.usual is not None else ""
        return f"Strength 0 at {low:g}, 1 at {high:g}{scale}{usual}."


@cache
def model_signs() -> Mapping[str, ModelSign]:
    """Return the signs by code.

    Raises:
        UsageError: The file is not valid.
    """
    return datafile.load(datafile.folder("checks") / "model_signs.toml", dict[str, ModelSign], "list of signs")


def observe(code: str, value: float, **numbers: Any) -> Observation | None:
    """Return what a measured value is evidence for or against; ``None`` where that is neither.

    Args:
        code: Of the sign.
        value: What was measured.
        numbers: What else the message holds.
    """
    sign = model_signs()[code]
    evidence = {"observed": value, "expected": sign.usual, **numbers}
    strength = sign.strength(value)
    if strength > 0:
        message = sign.message.format_map({**evidence, "usual": sign.usual})
        return Observation(
            "model", code, sign.name, round(strength, 3), "fault", sign.causes, message, sign.remedy, evidence
        )
    if sign.cleared and sign.is_usual(value):
        message = f"{sign.name.replace('-', ' ')}: {value:.3g}, which is usual."
        return Observation("model", code, sign.name, 1.0, "health", sign.cleared, message, "", evidence)
    return None
