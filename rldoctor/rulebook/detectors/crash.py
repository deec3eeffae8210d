"""The detector of a post-mortem: what left its own band first before a training broke."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from rldoctor.rulebook.case import Case
from rldoctor.rulebook.detectors.detector import Measured, NotMeasured, OneByOne
from rldoctor.rulebook.movers import told


class FirstMover(OneByOne, frozen=True, kw_only=True):
    """The training broke (NaN, infinity, an error, an explosion), and one of these curves left its band first.

    Attributes:
        first: Names of metrics; ``*`` is anything: ``term/*``.
        warned: Whether it left its band while it was finite (``yes``), or was not finite at once (``no``).
    """

    first: tuple[str, ...]
    warned: Literal["yes", "no", "either"] = "yes"

    measures = "the first curve that left its band before the training broke is one of {first}"

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Look at all curves as they were logged."""
        found = case.movers
        if not found:
            return NotMeasured("the training did not break")
        leading = found[0]
        fits = any(fnmatchcase(leading.metric, pattern) for pattern in self.first)
        warned = self.warned == "either" or leading.at_once is (self.warned == "no")
        step = leading.step
        return Measured(
            float(fits and warned), float(step), "its own band", step, case.run.last_step, subject=told(found)
        )
