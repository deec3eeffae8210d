"""How likely luck alone would look like a cure."""

from __future__ import annotations

import math

from rldoctor.references import Reference

# Luck counts as excluded below this; above it an untreated control is trained. Ours: ten healthy seeds, the fewest
# that references are recorded with, give 1 in 12.
UNLIKELY = 0.1


def chance(untreated: int, untreated_sick: int, treated: int, treated_sick: int) -> float:
    """Return the probability that so many of the sick are among the untreated, if the treatment made no difference.

    Fisher's exact test, one-sided: all runs are dealt to the two groups at random, the number of sick ones fixed.

    Args:
        untreated: Runs of the sick recipe.
        untreated_sick: Those that were sick.
        treated: Runs of the treated recipe.
        treated_sick: Those that were sick.
    """
    sick, runs = untreated_sick + treated_sick, untreated + treated
    ways = sum(
        math.comb(sick, k) * math.comb(runs - sick, untreated - k)
        for k in range(untreated_sick, min(sick, untreated) + 1)
        if untreated - k <= runs - sick
    )
    return ways / math.comb(runs, untreated)


def seeds_of(reference: Reference) -> tuple[int, int]:
    """Return how many seeds of a reference were healthy, and how many were left out because they were not."""
    return reference.healthy_seeds, reference.failed_seeds


def said(probability: float) -> str:
    """Return a probability as people write it."""
    return f"{probability:.1%}" if probability < UNLIKELY else f"{probability:.0%}"


def sureness(
    probability: float, untreated: int, untreated_sick: int, reference: Reference | None, control: bool
) -> str:
    """Return how sure a cure is, in a sentence with the numbers.

    Args:
        probability: What :func:`chance` returned.
        untreated: Runs of the untreated recipe: the sick one and the control.
        untreated_sick: Those that were sick.
        reference: Given where the treated recipe is its own, so that its seeds count as treated runs.
        control: Whether the untreated recipe was trained again.
    """
    sick = f"{untreated_sick} of {untreated} untreated runs {'was' if untreated_sick == 1 else 'were'} sick"
    well = "the treated run is well"
    if reference is not None:
        healthy, failed = seeds_of(reference)
        of = healthy + failed
        well += f", and so are {healthy} of {of} seeds that {reference.recipe.name} was recorded with"
    again = "" if control else ", which is why no untreated control was trained"
    strength = "" if probability <= UNLIKELY else " To be surer, train more seeds of both: rldoctor sweep."
    return (
        f"{sick}; {well}. If the change made no difference, chance alone would look like this in "
        f"{said(probability)} of cases{again if probability <= UNLIKELY else ''}.{strength}"
    )
