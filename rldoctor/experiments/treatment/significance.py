"""How likely chance alone would look like a cure, by Fisher's exact test."""

from __future__ import annotations

import math

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
