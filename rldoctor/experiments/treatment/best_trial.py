"""The trial that came furthest, and what is left to do where none went well."""

from __future__ import annotations

from collections.abc import Sequence

from rldoctor.experiments.treatment.plan import Plan
from rldoctor.experiments.treatment.remedies import in_words
from rldoctor.experiments.treatment.results import is_open
from rldoctor.experiments.treatment.trial_outcome import AS_UNTREATED
from rldoctor.model import Instruction, TreatmentTrial


def recovered(plan: Plan, trial: TreatmentTrial) -> float:
    """Return how far a trial is from the sick run (0) to healthy runs (1); 0 where that is not known."""
    return plan.comparison.recovered(trial.steps, trial.numbers) or 0.0


def best_of(plan: Plan, trials: Sequence[TreatmentTrial]) -> int:
    """Return the place of the trial that came furthest; of several the first."""
    return max(range(len(trials)), key=lambda place: (recovered(plan, trials[place]), -place))


def what_is_left(plan: Plan, trials: Sequence[TreatmentTrial], instructions: Sequence[Instruction]) -> str:
    """Return in a sentence what is left to do after remedies that did not cure."""
    best = trials[best_of(plan, trials)]
    share = recovered(plan, best)
    made = (
        f"The best trial made {share:.0%} of the way to healthy runs. " if plan.comparison.bands and share > 0 else ""
    )
    if best.by == AS_UNTREATED:
        return f"The run did as well without {in_words(best.changes)}: it may need no treatment."
    if is_open(best):
        return (
            f"Whether {in_words(best.changes)} cures is open: no healthy runs are known to compare with, and "
            f"{best.steps:,} steps do not show it."
        )
    outside = f" Look outside the recipe next: {instructions[0].diagnosis}." if instructions else ""
    return f"{made}No remedy in the recipe is left.{outside}"
