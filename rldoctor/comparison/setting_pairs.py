"""The settings of two runs side by side."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Sequence

from rldoctor.comparison.curves import unimportant
from rldoctor.model import Curve, Json, Observation, Run, SettingPair, Settings
from rldoctor.model.settings import SETTINGS
from rldoctor.rulebook import Rulebook
from rldoctor.rulebook.applicable import made_for
from rldoctor.settings import judge_settings
from rldoctor.settings.library import libraries
from rldoctor.settings.signs import setting_signs

# Curves that hold a setting.
_LOGGED = ("learning_rate", "clip_range")
# What differs between seeds, and what two libraries call themselves.
_NO_DIFFERENCE = ("library", "seed")
_MOST_KEYS = 20
# Values of settings that are read from curves are those of the first update, some way into a schedule.
_LOGGED_TOLERANCE, _TOLERANCE = 0.1, 1e-6


def setting_pairs(good: Run, bad: Run, book: Rulebook) -> list[SettingPair]:
    """Return the settings of both runs side by side: those of the normal form, then other keys that differ."""
    ours, theirs = _with_logged(good), _with_logged(bad)
    algorithm = bad.algorithm or good.algorithm
    notes = {
        str(one.evidence["setting"]): f"Usual is {one.evidence['expected']}."
        for one in _judged(bad)
        if one.direction == "fault"
    }
    pairs = []
    for name in SETTINGS:
        (one, here), (other, there) = ours.get(name, (None, "")), theirs.get(name, (None, ""))
        if one is None and other is None:
            continue
        exact = "logs" not in here + there
        differs = name not in _NO_DIFFERENCE and not _same(one, other, _TOLERANCE if exact else _LOGGED_TOLERANCE)
        differs = differs and one is not None and other is not None
        causes = _causes(name, one, other, algorithm, book) if differs else ()
        pairs.append(
            SettingPair(name, one, other, here, there, differs, causes, notes.get(name, "") if differs else "")
        )
    return pairs + _other_keys(good.settings, bad.settings)


def _judged(run: Run) -> Sequence[Observation]:
    return judge_settings(run.settings, run.algorithm) if run.settings else ()


def _with_logged(run: Run) -> dict[str, tuple[Json, str]]:
    """Return the settings of a run with where they stand; what no file states is taken from the curves."""
    found: dict[str, tuple[Json, str]] = {}
    if run.settings:
        found = {name: (value, run.settings.where(name)) for name, value in run.settings.stated().items()}
    if run.algorithm:
        found.setdefault("algorithm", (run.algorithm, "by the logs"))
    for name in _LOGGED:
        curve: Curve | None = run.curves.get(name)
        if curve is not None and len(curve) and math.isfinite(curve.values[0]):
            found.setdefault(name, (float(curve.values[0]), "in the logs"))
    return found


def _same(one: Json, other: Json, tolerance: float) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one == other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=tolerance)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return list(one) == list(other)
    return one == other


def _causes(name: str, good: Json, bad: Json, algorithm: str, book: Rulebook) -> tuple[str, ...]:
    """Return what the difference is known to do: the causes of the sign on whose side the bad value is."""
    found: list[str] = []
    for sign in setting_signs().values():
        if sign.setting != name or (algorithm and algorithm not in sign.ranges):
            continue
        if sign.side == "is":
            fits = bad == sign.value
        elif isinstance(good, (int, float)) and isinstance(bad, (int, float)):
            fits = bad > good if sign.side == "high" else bad < good
        else:
            fits = False
        found += [cause for cause in sign.causes if fits and cause not in found]
    return tuple(cause for cause in found if made_for(book.diagnoses[cause], algorithm))


def _other_keys(good: Settings | None, bad: Settings | None) -> list[SettingPair]:
    """Return the keys beyond the normal form on which two files of one library differ."""
    library = next((known for known in libraries() if good and known.library == good.library), None)
    if good is None or bad is None or good.library != bad.library or library is None:
        return []
    told = {place.key for settings in (good, bad) for place in settings.places.values()}
    keys = [key for key in dict.fromkeys((*good.entries, *bad.entries)) if key not in told]
    differing = [
        SettingPair(key, one, other, differs=True)
        for key in keys
        if _fits(key, library.compared) and not _fits(key.lower(), unimportant())
        if not _same(one := good.entries.get(key), other := bad.entries.get(key), _TOLERANCE)
    ]
    return differing[:_MOST_KEYS]


def _fits(key: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(key, pattern) for pattern in patterns)


def show(value: Json) -> str:
    """Return a setting's value as a person writes it."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(show, value)) + "]"
    if value is None:
        return "not stated"
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
