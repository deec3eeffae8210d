"""How a trial ended: well, sick or undecided, by what that is known, and why, in a sentence with the numbers."""

from __future__ import annotations

from collections.abc import Mapping

from rldoctor.experiments.treatment.early_stop import TrialWatch
from rldoctor.experiments.treatment.reference_comparison import OUTCOMES, ReferenceComparison
from rldoctor.model import GateResult, Run, RunDiagnosis, TrialState, Verdict

# Of the way to healthy runs, or without a reference of its own gain, by how much a trial must lead the sick run to be
# clearly better. Ours.
_CLEAR_LEAD = 0.3
_WORDS = {"success_rate": "success", "episode_return": "return"}


def leads(yard: ReferenceComparison, numbers: Mapping[str, float], steps: int) -> bool:
    """Tell whether a trial is clearly better than the sick run was at the same step."""
    way = yard.way(steps, numbers)
    return way is not None and way >= _CLEAR_LEAD


def how_it_ended(
    yard: ReferenceComparison,
    watch: TrialWatch,
    subject: RunDiagnosis,
    numbers: Mapping[str, float],
    gate: GateResult | None,
    steps: int,
) -> tuple[TrialState, str, str]:
    """Return how a trial ended that nobody gave up, what is sure of it, and why."""
    if gate is not None and gate.verdict is Verdict.HEALTHY:
        passed = ", ".join(f"{c.title} {c.observed:.3g} {c.relation} {c.threshold:g}" for c in gate.criteria)
        return TrialState.WELL, "gate", f"The gate passes after {steps:,} steps: {passed}."
    missed = "" if gate is None else f" The gate does not pass yet: {_failed(gate)}."
    if watch.decision == "well" and watch.level_since is not None:
        healthy = healthy_have(yard, numbers, steps)
        why = f"Level with healthy runs from step {watch.level_since:,} to {steps:,}: {said(numbers)}, where {healthy}."
        return TrialState.WELL, "band", why + missed
    stands = yard.stands(steps, numbers)
    if stands is not None:
        why = f"{said(numbers)} at the end, after {steps:,} steps, where {healthy_have(yard, numbers, steps)}.{missed}"
        if stands.behind or not stands.inside:
            return TrialState.SICK, "band", why
        led = any(numbers[m] > yard.before(m, steps) for m in yard.bands if m in numbers and m in yard.sick)
        return (TrialState.WELL if led else TrialState.UNDECIDED), "band", why
    return _without_reference(yard, subject, numbers, steps, missed)


def _without_reference(
    yard: ReferenceComparison, subject: RunDiagnosis, numbers: Mapping[str, float], steps: int, missed: str
) -> tuple[TrialState, str, str]:
    """Return the same where no healthy runs are known: the doctor, the baselines and the sick run are asked."""
    ahead = leads(yard, numbers, steps)
    if subject.verdict is Verdict.SICK and not ahead:
        return TrialState.SICK, "doctor", named(subject, steps)
    over = [
        numbers[key]
        for key in ("evaluation_return_over_zero_action", "evaluation_return_over_random")
        if key in numbers
    ]
    why = f"{said(numbers)} after {steps:,} steps; the doctor says {subject.verdict}.{missed}"
    if subject.verdict is Verdict.HEALTHY and ahead and over and min(over) > 0:
        why += f" It leads doing nothing and chance by {min(over):.3g} or more."
        return TrialState.WELL, "baselines", why
    return TrialState.UNDECIDED, "end", why


def named(subject: RunDiagnosis, steps: int) -> str:
    """Return what the doctor says of a trial, in a sentence."""
    cause = next((cause for cause in subject.diagnoses if cause.name != "healthy"), None)
    what = f"{cause.name} ({cause.probability:.0%})" if cause is not None else subject.summary
    return f"The doctor calls it {subject.verdict} after {steps:,} steps: {what}."


def _failed(gate: GateResult) -> str:
    return ", ".join(f"{c.title} {c.observed:.3g}" for c in gate.criteria if not c.passed)


def said(numbers: Mapping[str, float]) -> str:
    """Return the outcomes that were reached, in words."""
    known = [f"{_WORDS[metric]} {numbers[metric]:.3g}" for metric in OUTCOMES if metric in numbers]
    return ", ".join(known) or "no outcome is logged"


def healthy_have(yard: ReferenceComparison, numbers: Mapping[str, float], steps: int) -> str:
    """Return what healthy runs have reached by a step, in words."""
    known = [m for m in OUTCOMES if m in yard.bands and m in numbers]
    return "healthy runs have " + " and ".join(
        f"a {_WORDS[m]} of {float(yard.floor(m, steps)):.3g} or more (median {yard.median(m, steps):.3g})"
        for m in known
    )


def last_of(run: Run) -> dict[str, float]:
    """Return the last value of each outcome that was logged."""
    found = {}
    for metric in OUTCOMES:
        curve = run.curves.get(metric)
        finite = curve.finite() if curve is not None else None
        if finite is not None and len(finite):
            found[metric] = float(finite.values[-1])
    return found
