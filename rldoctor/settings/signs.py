"""What settings are evidence for: ``checks/settings/signs/*.toml``, one sign of a setting a file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from rldoctor import datafile
from rldoctor.caches.compiled import compiled
from rldoctor.datafile import Finite, Table, Text
from rldoctor.errors import UsageError
from rldoctor.model.settings import SETTINGS, Settings

_Strength = Annotated[float, Meta(ge=0, le=1)]


class Range(Table, frozen=True):
    """What is usual for one algorithm.

    Attributes:
        usual: Up to here (or down to here) trainings are known to work: such a value contradicts the causes.
        thresholds: Strength 0 at the first value, 1 at the second.
        strength: Of a sign of ``side = "is"``, instead of thresholds.
        set: The value to set.
    """

    set: float | str | bool
    usual: Finite | None = None
    thresholds: tuple[Finite, Finite] | None = None
    strength: _Strength | None = None


class SettingSign(Table, frozen=True):
    """One setting that is far from what is usual.

    Attributes:
        code: ``SET1xx``.
        name: Kebab-case.
        setting: A setting of the normal form.
        side: Which values count: ``high``, ``low``, or those that are equal to ``value``.
        value: As above.
        log: Whether strength grows with the logarithm of the value.
        causes: Names of ``checks/diagnoses/`` that such a value supports, the likeliest first.
        cleared: Those that a usual value contradicts.
        unless: Settings and their values with which the sign is not judged.
        only_with: Settings and their values without which it is not judged.
        relative_to: A setting by which the value is divided, such as ``total_steps``; without it nothing is judged.
        below: A setting, and the share of it from which on the value is beyond judgement: a buffer that holds half of
            all steps is not short.
        ranges: Algorithm to what is usual for it.
        what: What the sign is, for ``rldoctor explain``.
        why: Why it matters.
        false_alarms: When it shows on a healthy training.
        source: Where the ranges come from.
    """

    code: Text
    name: Text
    setting: Text
    side: Literal["high", "low", "is"]
    causes: tuple[Text, ...]
    ranges: Annotated[dict[str, Range], Meta(min_length=1)]
    what: Text
    why: Text
    false_alarms: Text
    source: Text
    value: bool | str | None = None
    log: bool = False
    cleared: tuple[Text, ...] = ()
    unless: dict[str, Any] = field(default_factory=dict)
    only_with: dict[str, Any] = field(default_factory=dict)
    relative_to: str = ""
    below: dict[str, Finite] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a setting that the normal form does not have, and a range without numbers."""
        relative = (self.relative_to,) if self.relative_to else ()
        for name in (self.setting, *self.unless, *self.only_with, *relative, *self.below):
            if name not in SETTINGS:
                raise ValueError(f"{name!r} is no setting of the normal form")
        for algorithm, of in self.ranges.items():
            if (of.strength is None) == (of.thresholds is None) or (of.usual is None) != (of.thresholds is None):
                raise ValueError(f"ranges.{algorithm} needs usual and thresholds, or strength alone")

    def applies_to(self, settings: Settings) -> bool:
        """Return whether the other settings let this sign be judged."""
        return all(getattr(settings, name) == value for name, value in self.only_with.items()) and not any(
            getattr(settings, name) == value for name, value in self.unless.items()
        )

    def judged(self, settings: Settings) -> Any:
        """Return what is judged: the value, or its share of another setting; ``None`` where that is not known."""
        value = getattr(settings, self.setting)
        for name, share in self.below.items():
            whole = getattr(settings, name)
            if value is not None and whole is not None and value >= share * whole:
                return None
        if not self.relative_to or value is None:
            return value
        whole = getattr(settings, self.relative_to)
        return value / whole if whole else None

    def strength(self, value: Any, of: Range) -> float:
        """Return how far a value is beyond what is usual, in [0, 1]."""
        if of.thresholds is None:
            return (of.strength or 0.0) if value == self.value else 0.0
        low, high = of.thresholds
        if self.log:
            if value <= 0:
                return float(self.side == "low")
            value, low, high = math.log(value), math.log(low), math.log(high)
        return float(min(1.0, max(0.0, (value - low) / (high - low))))

    def describe(self, of: Range) -> str:
        """Return in words what is usual for an algorithm, and what is not."""
        if of.thresholds is None:
            return f"{str(self.value).lower()}, strength {of.strength:g}"
        side, (low, high) = ("most" if self.side == "high" else "least"), of.thresholds
        scale = " on a logarithmic scale" if self.log else ""
        scale += f", of {self.relative_to}" if self.relative_to else ""
        return f"usual is at {side} {of.usual:g}; strength 0 at {low:g}, 1 at {high:g}{scale}"

    def is_usual(self, value: Any, of: Range) -> bool:
        """Return whether a value is one with which trainings are known to work."""
        if of.usual is None:
            return bool(value != self.value)
        return bool(value <= of.usual if self.side == "high" else value >= of.usual)


@cache
def setting_signs() -> Mapping[str, SettingSign]:
    """Return the signs by code.

    Raises:
        UsageError: One of the files is not valid.
    """
    return compiled("setting-signs", dict[str, SettingSign], _setting_signs)


def _setting_signs() -> dict[str, SettingSign]:
    found: dict[str, SettingSign] = {}
    for path in sorted((datafile.folder("checks") / "settings" / "signs").glob("*.toml")):
        sign = datafile.load(path, SettingSign, "sign of a setting")
        if path.stem != f"{sign.code}-{sign.name}":
            raise UsageError(f"{path} must be called {sign.code}-{sign.name}.toml.")
        found[sign.code] = sign
    return found
