"""How likely chance alone would look like a cure, by Fisher's exact test; and whether a run may be one more seed."""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import numpy as np

from rldoctor.references import Reference

# Below this chance is ruled out; above it an untreated control is trained. Ours: ten healthy seeds, the fewest that
# references are recorded with, give 1 in 12.
UNLIKELY = 0.1


def fisher_exact(untreated: int, untreated_sick: int, treated: int, treated_sick: int) -> float:
    """Return the p-value of Fisher's exact test, one-sided: the treatment makes no difference.

    It is the probability that at least ``untreated_sick`` of the sick runs are among the ``untreated`` ones, if all
    runs are assigned to the two groups at random and the number of sick ones is fixed.
    """
    sick, runs = untreated_sick + treated_sick, untreated + treated
    ways = sum(
        math.comb(sick, k) * math.comb(runs - sick, untreated - k)
        for k in range(untreated_sick, min(sick, untreated) + 1)
        if untreated - k <= runs - sick
    )
    return ways / math.comb(runs, untreated)


def standard_deviation(width: float, seeds: int) -> float:
    """Return the standard deviation of ``seeds`` normal values whose quantiles 0.05 and 0.95 are ``width`` apart."""
    return width / _expected_width(seeds)


@cache
def _expected_width(seeds: int) -> float:
    """Return how far the quantiles 0.05 and 0.95 of that many standard normal values are apart on average.

    Blom's approximation of the expected order statistics (1958), between which quantiles are interpolated.
    """
    scores = [NormalDist().inv_cdf((i - 0.375) / (seeds + 0.25)) for i in range(1, seeds + 1)]
    return 2 * float(np.interp(0.95 * (seeds - 1), range(seeds), scores))


def student_tail(t: float, freedom: int) -> float:
    """Return the probability that Student's t exceeds ``t``, by the finite series (Abramowitz and Stegun, 26.7.3-4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = freedom % 2
    term = total = 0.0 if freedom == 1 else math.cos(angle) if odd else 1.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= square * (k - 1) / k
        total += term
    return (1 - (2 / math.pi * (angle + sine * total) if odd else sine * total)) / 2


def in_words(
    probability: float, untreated: int, untreated_sick: int, reference: Reference | None, control: bool
) -> str:
    """Return how certain a cure is, in a sentence with the numbers of :func:`fisher_exact`.

    ``reference`` is given if the treated recipe is its own, so that its seeds count as treated runs; ``control`` says
    whether the untreated recipe was trained again.
    """
    well = "the treated run is well"
    if reference is not None:
        healthy, seeds = reference.healthy_seeds, reference.healthy_seeds + reference.failed_seeds
        well += f", and so are {healthy} of {seeds} seeds that {reference.recipe.name} was recorded with"
    is_ruled_out = probability <= UNLIKELY
    again = ", so no untreated control was trained" if is_ruled_out and not control else ""
    more = "" if is_ruled_out else " For more certainty train more seeds of both recipes: rldoctor sweep."
    percent = f"{probability:.1%}" if probability < UNLIKELY else f"{probability:.0%}"
    return (
        f"{untreated_sick} of {untreated} untreated runs {'was' if untreated_sick == 1 else 'were'} sick; {well}. "
        f"If the change made no difference, chance alone would look like this in {percent} of cases{again}.{more}"
    )
