"""The outcome of a trial: well, sick or undecided, by what this is known, and why, in a sentence with the numbers."""

from __future__ import annotations

from collections.abc import Mapping

from rldoctor.experiments.treatment.early_stop import TrialWatch
from rldoctor.experiments.treatment.reference_comparison import OUTCOMES, ReferenceComparison
from rldoctor.model import GateResult, Run, RunDiagnosis, TrialState, Verdict
from rldoctor.render.wording import likelihood, number

# How much of the way to healthy runs, or without a reference of its own gain, a trial must be ahead of the sick run to
# be clearly better. Ours.
_CLEAR_LEAD = 0.3
_VERDICTS = {Verdict.UNJUDGED: "too short to be judged without healthy runs to compare with"}
# What decided a trial that is healthy, as the untreated run seems to be.
AS_UNTREATED = "untreated"
_WORDS = {"success_rate": "success rate", "episode_return": "return"}


def leads(comparison: ReferenceComparison, numbers: Mapping[str, float], steps: int) -> bool:
    """Return whether a trial is clearly better than the sick run was at the same step."""
    recovered = comparison.recovered(steps, numbers)
    return recovered is not None and recovered >= _CLEAR_LEAD


def outcome_of(
    comparison: ReferenceComparison,
    watch: TrialWatch,
    diagnosis: RunDiagnosis,
    numbers: Mapping[str, float],
    gate: GateResult | None,
    steps: int,
) -> tuple[TrialState, str, str]:
    """Return the outcome of a trial that was not stopped as sick, by what it is known, and why."""
    if gate is not None and gate.verdict is Verdict.HEALTHY:
        passed = ", ".join(f"{c.title} {number(c.observed)} {c.relation} {c.threshold:g}" for c in gate.criteria)
        return TrialState.WELL, "gate", f"The gate passes after {steps:,} steps: {passed}."
    failed = ", ".join(f"{c.title} {number(c.observed)}" for c in gate.criteria if not c.passed) if gate else ""
    missed = f" The gate does not pass yet: {failed}." if gate else ""
    if watch.decision == "well" and watch.level_since is not None:
        healthy = healthy_in_words(comparison, numbers, steps)
        why = f"Matched healthy runs from step {watch.level_since:,} to {steps:,}: {in_words(numbers)}; {healthy}."
        return TrialState.WELL, "band", why + missed
    standing = comparison.standing(steps, numbers)
    if standing is not None:
        healthy = healthy_in_words(comparison, numbers, steps)
        why = f"{in_words(numbers).capitalize()} at the end, after {steps:,} steps; {healthy}.{missed}"
        if standing.behind or not standing.level:
            return TrialState.SICK, "band", why
        ahead = any(
            numbers[metric] > comparison.sick_value(metric, steps)
            for metric in comparison.bands
            if metric in numbers and metric in comparison.sick
        )
        return (TrialState.WELL if ahead else TrialState.UNDECIDED), "band", why
    return _without_reference(comparison, diagnosis, numbers, steps, missed)


def _without_reference(
    comparison: ReferenceComparison, diagnosis: RunDiagnosis, numbers: Mapping[str, float], steps: int, missed: str
) -> tuple[TrialState, str, str]:
    """Return the same if no healthy runs are known, by the diagnosis, the baseline returns and the sick run."""
    ahead = leads(comparison, numbers, steps)
    if diagnosis.verdict is Verdict.SICK and not ahead:
        return TrialState.SICK, "doctor", diagnosis_in_words(diagnosis, steps)
    over = [
        numbers[key]
        for key in ("evaluation_return_over_zero_action", "evaluation_return_over_random")
        if key in numbers
    ]
    judged = _VERDICTS.get(diagnosis.verdict, f"the diagnosis is {diagnosis.verdict}")
    why = f"{in_words(numbers).capitalize()} after {steps:,} steps; {judged}.{missed}"
    if diagnosis.verdict is Verdict.HEALTHY and ahead and over and min(over) > 0:
        why += f" The return is above the zero-action and the random policy by at least {number(min(over))}."
        return TrialState.WELL, "baselines", why
    if diagnosis.verdict is Verdict.HEALTHY and not ahead:
        return TrialState.UNDECIDED, AS_UNTREATED, f"{why} It does no better than the run without the change."
    return TrialState.UNDECIDED, "end", why


def diagnosis_in_words(diagnosis: RunDiagnosis, steps: int) -> str:
    """Return the diagnosis of a trial in a sentence."""
    cause = next((cause for cause in diagnosis.diagnoses if cause.name != "healthy"), None)
    what = f"{cause.name} ({likelihood(cause.probability)})" if cause is not None else diagnosis.summary
    return f"Diagnosed as {diagnosis.verdict} after {steps:,} steps: {what}."


def in_words(numbers: Mapping[str, float]) -> str:
    """Return the outcomes in words."""
    known = [f"{_WORDS[metric]} {number(numbers[metric])}" for metric in OUTCOMES if metric in numbers]
    return ", ".join(known) or "no outcome is logged"


def healthy_in_words(comparison: ReferenceComparison, numbers: Mapping[str, float], steps: int) -> str:
    """Return the outcomes of healthy runs at a step, in words."""
    known = [
        f"{_WORDS[m]} {number(comparison.least(m, steps))} or more (median {number(comparison.median(m, steps))})"
        for m in OUTCOMES
        if m in comparison.bands and m in numbers
    ]
    return f"healthy runs have {' and '.join(known)} by then"


def last_outcomes(run: Run) -> dict[str, float]:
    """Return the last value of each outcome that was logged."""
    found = {}
    for metric in OUTCOMES:
        curve = run.curves.get(metric)
        finite = curve.finite() if curve is not None else None
        if finite is not None and len(finite):
            found[metric] = float(finite.values[-1])
    return found
