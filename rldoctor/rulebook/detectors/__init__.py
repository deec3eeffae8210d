"""The detectors of which signs are made: a closed vocabulary, no expressions, nothing evaluated.

A new detector is a class in one of these modules and one line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from rldoctor.rulebook.detectors.crash import FirstMover
from rldoctor.rulebook.detectors.detector import Condition
from rldoctor.rulebook.detectors.lasting import Frozen, Share, Zeros
from rldoctor.rulebook.detectors.level import BehindReference, Level, OffBand, ScaleOff
from rldoctor.rulebook.detectors.log import Compared, Discrete, Missing, NonFinite, NotBelow, PolicyMoves, Recorded
from rldoctor.rulebook.detectors.moments import Begins, Leaps, Rows, Stated
from rldoctor.rulebook.detectors.shape import (
    Change,
    DropsFromPeak,
    Gain,
    Grows,
    Restless,
    Rise,
    Swing,
    Trend,
)
from rldoctor.rulebook.detectors.terms import DeadTerms, FallsAgainst, PartOfRise, PenaltyExplodes

Detector = (
    Level
    | Change
    | Gain
    | Grows
    | Trend
    | DropsFromPeak
    | Share
    | Frozen
    | Zeros
    | BehindReference
    | OffBand
    | ScaleOff
    | Restless
    | Rise
    | Swing
    | NonFinite
    | Recorded
    | Missing
    | NotBelow
    | Discrete
    | PolicyMoves
    | Compared
    | DeadTerms
    | FallsAgainst
    | PartOfRise
    | PenaltyExplodes
    | FirstMover
    | Begins
    | Leaps
    | Rows
    | Stated
)
# By the name that a rule file uses.
DETECTORS: Mapping[str, type[Condition]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Detector)}
