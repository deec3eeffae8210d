"""What the tests of statistics draw, and when two results are the same."""

from __future__ import annotations

import math

from hypothesis import strategies as st

NAN, INF = math.nan, math.inf
numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3))
few = st.integers(-3, 3).map(float)
with_nan = st.one_of(few, st.just(NAN))


def close(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
