"""What holds for every detector: nothing is judged that is not there, and no curve breaks one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldoctor.model import Curve, Run
from rldoctor.rulebook import Case
from rldoctor.rulebook.detectors import DETECTORS
from rldoctor.rulebook.detectors.detector import Condition, Graded, Measured, NotMeasured
from tests.rulebook.by_hand import RISING, STEPS, case


def of(name: str) -> Condition:
    """Return a condition of each kind, with what it cannot do without."""
    kind = DETECTORS[name]
    needed = {
        "recorded": {"key": "status"},
        "missing": {"logged": "m"},
        "falls_against": {"other": "other"},
        "part_of_rise": {"other": "other"},
        "first_mover": {"first": ("m",)},
        "rows": {"beside": "other"},
        "not_below": {"setting": "learning_starts", "share": 0.5},
    }.get(name, {})
    return kind("m", **needed, **({"thresholds": (0.0, 1.0)} if issubclass(kind, Graded) else {}))


@pytest.mark.parametrize(
    "name",
    sorted(
        set(DETECTORS)
        - {
            "recorded",
            "missing",
            "non_finite",
            "dead_terms",
            "penalty_explodes",
            "first_mover",
            "begins",
            "stated",
            "rows",
            "not_below",
        }
    ),
)
def test_no_detector_judges_what_is_not_there(name: str) -> None:
    absent = of(name).measure(case(other=1.0))
    assert isinstance(absent, NotMeasured)
    assert absent.metric == "m"
    short = Case(Run("x", "sb3", {"m": Curve("m", STEPS[:2], RISING[:2])}))
    assert isinstance(of(name).measure(short), NotMeasured)


@given(
    name=st.sampled_from(sorted(DETECTORS)),
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=40),
)
def test_no_detector_breaks_on_any_curve(name: str, values: list[float]) -> None:
    steps = np.arange(len(values), dtype=np.int64)
    where = Case(Run("x", "sb3", {"m": Curve("m", steps, np.array(values))}))
    with np.errstate(all="ignore"):
        result = of(name).measure(where)
    if isinstance(result, Measured):
        assert 0.0 <= result.strength <= 1.0
