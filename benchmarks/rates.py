"""Rates with their interval, as the tables of documents show them."""

from __future__ import annotations

import math
from statistics import NormalDist

from rldoctor.stats import Interval


def wilson_interval(k: int, n: int, level: float = 0.95) -> Interval:
    """Return Wilson's score interval for a rate of ``k`` in ``n``; the whole of [0, 1] where ``n`` is 0.

    Unlike the normal approximation it stays sensible at 0 and 100 %: 30 of 30 is [0.886, 1].

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    Raises:
        ValueError: Not ``0 <= k <= n``.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no rate")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate = k / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At the ends the formula gives exactly 0 and 1, but for rounding.
    return Interval(0.0 if k == 0 else max(centre - half, 0.0), 1.0 if k == n else min(centre + half, 1.0))
