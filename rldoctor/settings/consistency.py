"""Whether settings are those of the run whose logs they lie beside."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rldoctor.model import Curve, Finding, Json, Severity
from rldoctor.model.settings import Settings

# A schedule's first logged value is one or two rollouts into it; an optimizer may scale a rate by a constant.
_TOLERANCE = 0.25


def of_this_run(settings: Settings, curves: Mapping[str, Curve], algorithm: str) -> Settings:
    """Return the settings; without any, and with a finding, if the logs show that they are of another run.

    The logs show the algorithm (by its tags), and often the learning rate and the clip range at the start.

    Args:
        settings: The settings beside the logs.
        curves: Metric to curve.
        algorithm: What the tags say; empty where they do not.
    """
    differs = ""
    if algorithm and settings.algorithm and algorithm != settings.algorithm:
        differs = f"algorithm is {settings.algorithm} {settings.where('algorithm')}, but the logs are of {algorithm}"
    for name in ("learning_rate", "clip_range"):
        differs = differs or _differs(settings, curves, name)
    if not differs:
        return settings
    evidence: dict[str, Json] = {"file": next((place.file for place in settings.places.values() if place.file), "")}
    finding = Finding(
        "SET003",
        "settings-of-another-run",
        Severity.WARNING,
        f"{differs}: the settings are of another run and are not used.",
        "Keep the files of each run in a directory of its own.",
        evidence,
    )
    return Settings(findings=(*settings.findings, finding))


def _differs(settings: Settings, curves: Mapping[str, Curve], name: str) -> str:
    """Return in words how a setting differs from its curve; empty where it does not, or changes while training."""
    stated, curve = getattr(settings, name), curves.get(name)
    if stated is None or curve is None or getattr(settings, f"{name}_schedule") not in ("constant", "linear"):
        return ""
    values = curve.finite().values
    if not len(values) or not settings.places[name].file:
        return ""
    # A linear schedule may have begun before the logs did; it never rises above its start.
    first = float(values[0])
    if np.ptp(values) > _TOLERANCE * abs(first) and first <= stated * (1 + _TOLERANCE):
        return ""
    if abs(first - stated) <= _TOLERANCE * max(abs(first), abs(stated)):
        return ""
    return f"{name} is {stated:g} {settings.where(name)}, but {first:.3g} in the logs"
