"""The return that is judged, where what is logged as the return holds more than the reward, or another scale of it.

A penalty or a bonus in the return (a KL penalty, intrinsic reward) can grow while the task is lost, and normalised
rewards shrink as their spread grows. Where the raw return is logged beside it, that one is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rldoctor.logs.formats.log_file import LogFile
from rldoctor.model import Curve, Finding, FloatArray, Severity

_RETURN, SHAPED = "episode_return", "shaped_return"
_RETURN_TAG = "rollout/ep_rew_mean"
# Both are means over the last 100 episodes of one training: far apart they are of different rewards. Ours.
_OTHER_SCALE = 3.0
_FEWEST_POINTS = 8
# How far the last steps may be apart: monitor files of some of the environments alone count fewer steps.
_SAME_LENGTH = 0.2


def with_raw_return(curves: Mapping[str, Curve], beside: Sequence[LogFile]) -> tuple[dict[str, Curve], list[Finding]]:
    """Return the curves with the return to be judged, and a note where that is not the one that was logged as such.

    Args:
        curves: The run's curves; ``shaped_return`` is among them where its tags say what they hold.
        beside: Supplements that were set aside because the framework logged the same tags.
    """
    found = dict(curves)
    if SHAPED in found and _RETURN in found:
        shaped, raw = found[SHAPED], found[_RETURN]
        if np.array_equal(shaped.steps, raw.steps) and np.array_equal(shaped.values, raw.values, equal_nan=True):
            del found[SHAPED]  # of a penalty that is off
            return found, []
        message = (
            f"{found[SHAPED].tag} holds a penalty or a bonus as well as the reward; the return that is judged here is "
            f"the raw one, {found[_RETURN].tag}."
        )
        return found, [_note("raw-return-judged", "LOG311", message)]
    logged = found.get(_RETURN)
    alone = next((curve for log in beside for curve in _raw(log)), None)
    if logged is None or alone is None or logged.tag != _RETURN_TAG or not _is_scaled(logged.finite(), alone.finite()):
        return found, []
    found[SHAPED], found[_RETURN] = replace(logged, metric=SHAPED), alone
    message = (
        f"{logged.tag} ends at {logged.values[-1]:.3g}, the monitor files at {alone.values[-1]:.3g}: the logged return "
        "holds normalized or scaled rewards (VecMonitor outside VecNormalize). That of the monitor files is judged."
    )
    remedy = "Put VecMonitor inside VecNormalize, so that the logger shows the return of the environment."
    return found, [_note("return-normalized", "LOG312", message, remedy)]


def _note(name: str, code: str, message: str, remedy: str = "") -> Finding:
    return Finding(code, name, Severity.NOTE, message, remedy, {})


def _raw(log: LogFile) -> list[Curve]:
    if _RETURN_TAG not in log.tags:
        return []
    log = log.flat()
    mine = log.tag_ids == log.tags.index(_RETURN_TAG)
    return [Curve(_RETURN, log.steps[mine], log.values[mine], log.path.name)]


def _is_scaled(logged: Curve, raw: Curve) -> bool:
    """Return whether both show one training, and one of them some multiple of the other from beginning to end."""
    if min(len(logged), len(raw)) < _FEWEST_POINTS:
        return False
    if abs(int(logged.steps[-1]) - int(raw.steps[-1])) > _SAME_LENGTH * int(raw.steps[-1]):
        return False
    there: FloatArray = np.interp(logged.steps, raw.steps, raw.values)
    halves = np.array_split(np.arange(len(logged)), 2)
    ratios = [
        float(np.median(np.abs(logged.values[h]))) / max(float(np.median(np.abs(there[h]))), 1e-12) for h in halves
    ]
    return min(ratios) > _OTHER_SCALE or 0 < max(ratios) < 1 / _OTHER_SCALE
