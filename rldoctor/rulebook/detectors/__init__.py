"""The verbs in which signs are written: a closed vocabulary, no expressions, nothing evaluated.

A new verb is a class in one of the ``verbs_*`` modules and one line here.
"""

from __future__ import annotations

from collections.abc import Mapping

from rldoctor.rulebook.detectors.detector import Condition
from rldoctor.rulebook.detectors.level import Behind, Level, OffBand, ScaleOff
from rldoctor.rulebook.detectors.log import DiscretePolicy, Missing, NonFinite, Recorded
from rldoctor.rulebook.detectors.shape import (
    Change,
    DropsFromPeak,
    Frozen,
    Gain,
    Grows,
    Restless,
    Share,
    Spikes,
    Swing,
    Trend,
    Zeros,
)

DETECTORS: Mapping[str, type[Condition]] = {
    "level": Level,
    "change": Change,
    "gain": Gain,
    "grows": Grows,
    "trend": Trend,
    "drops_from_peak": DropsFromPeak,
    "share": Share,
    "spikes": Spikes,
    "frozen": Frozen,
    "zeros": Zeros,
    "behind_reference": Behind,
    "off_band": OffBand,
    "scale_off": ScaleOff,
    "restless": Restless,
    "swing": Swing,
    "non_finite": NonFinite,
    "recorded": Recorded,
    "missing": Missing,
    "discrete": DiscretePolicy,
}
