"""What the settings of a training are evidence for and against."""

from __future__ import annotations

from typing import Any

from rldoctor.model import Json
from rldoctor.model.settings import Observation, Settings
from rldoctor.settings.signs import Range, SettingSign, setting_signs


def judge_settings(settings: Settings, algorithm: str = "") -> list[Observation]:
    """Return what each setting that is known is evidence for or against, by code.

    A setting beyond its algorithm's usual range is an observation of a fault, the stronger the further; one well
    inside is an observation of health, as far as it rules a cause out. Between the two nothing is observed. Nothing
    is said of algorithms without a range.

    Args:
        settings: The settings of a training.
        algorithm: What the logs say, where the settings do not.
    """
    found = (_observe(sign, settings, settings.algorithm or algorithm) for sign in setting_signs().values())
    return [observation for observation in found if observation is not None]


def _observe(sign: SettingSign, settings: Settings, algorithm: str) -> Observation | None:
    value, of = getattr(settings, sign.setting), sign.ranges.get(algorithm)
    judged = sign.judged(settings)
    if judged is None or of is None or not sign.applies_to(settings):
        return None
    strength = sign.strength(judged, of)
    if strength:
        expected = _usual(sign, of)
        said = f"{sign.setting} is {_show(value)} {settings.where(sign.setting)}; usual is {expected}."
        return _observation(sign, settings, of, value, strength=round(strength, 3), message=said)
    if sign.is_usual(judged, of) and sign.cleared:
        said = f"{sign.setting} is {_show(value)} {settings.where(sign.setting)}, which is usual."
        return _observation(sign, settings, of, value, message=said)
    return None


def _observation(
    sign: SettingSign, settings: Settings, of: Range, value: Any, *, message: str, strength: float | None = None
) -> Observation:
    place = settings.places[sign.setting]
    # The name that the file uses, where it is a name of its own; a schedule is called what it is of.
    own = place.key.removesuffix(".start").rpartition(".")[2] or sign.setting
    # A saved model and an event file tell the value; it is set elsewhere.
    is_record = place.file.endswith(".zip") or "tfevents" in place.file
    where = f" {place}" if place.file and not is_record else ""
    evidence: dict[str, Json] = {
        "setting": sign.setting,
        "observed": value,
        "expected": _usual(sign, of),
        "set": of.set,
        "file": place.file,
        "line": place.line,
        "key": place.key,
    }
    is_fault = strength is not None
    return Observation(
        witness="settings",
        code=sign.code,
        name=sign.name,
        strength=1.0 if strength is None else strength,
        direction="fault" if is_fault else "health",
        causes=sign.causes if is_fault else sign.cleared,
        message=message,
        remedy=f"Set {own} to {_show(of.set)}{where} (was {_show(value)})." if is_fault else "",
        evidence=evidence,
    )


def _usual(sign: SettingSign, of: Range) -> str:
    """Return the usual values in words."""
    if of.usual is None:
        return _show(of.set)
    of_what = f" of {sign.relative_to}" if sign.relative_to else ""
    return f"at {'most' if sign.side == 'high' else 'least'} {_show(of.usual)}{of_what}"


def _show(value: Json) -> str:
    """Return a value as the file of settings would have it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)
