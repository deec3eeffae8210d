"""The report of a treatment, the recipe that cured, and the files of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from msgspec import structs

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.errors import EXIT_FINDINGS, EXIT_PASSED
from rldoctor.experiments.treatment.pilot_run import PILOT_RUN
from rldoctor.experiments.treatment.reference_comparison import OUTCOMES
from rldoctor.experiments.treatment.remedies import in_words
from rldoctor.experiments.treatment.sick_run import SickRun
from rldoctor.experiments.treatment.trial import has_logs
from rldoctor.experiments.treatment.trial_outcome import AS_UNTREATED
from rldoctor.logs import read_run
from rldoctor.model import (
    Finding,
    OutcomeCurve,
    Report,
    Run,
    Severity,
    Treatment,
    TreatmentOutcome,
    TreatmentResult,
    TreatmentTrial,
    TrialState,
    Verdict,
)
from rldoctor.recipe import Recipe, write_recipe

CURED_FILE = "cured.toml"
_MOST_POINTS = 60

_VERDICTS: Mapping[TreatmentOutcome, Verdict] = {
    TreatmentOutcome.NOTHING_TO_DO: Verdict.HEALTHY,
    TreatmentOutcome.CURED: Verdict.HEALTHY,
    TreatmentOutcome.IMPROVED: Verdict.SUSPECT,
    TreatmentOutcome.UNPROVEN: Verdict.SUSPECT,
    TreatmentOutcome.NOT_CURED: Verdict.SICK,
    TreatmentOutcome.INSTRUCTED: Verdict.SICK,
}
_FINDINGS: Mapping[TreatmentOutcome, tuple[str, str, Severity]] = {
    TreatmentOutcome.NOT_CURED: ("EVL501", "not-cured", Severity.ERROR),
    TreatmentOutcome.IMPROVED: ("EVL502", "improved-not-cured", Severity.WARNING),
    TreatmentOutcome.INSTRUCTED: ("EVL503", "cause-outside-the-recipe", Severity.ERROR),
    TreatmentOutcome.UNPROVEN: ("EVL504", "luck-not-excluded", Severity.WARNING),
}


def report_of(sick: SickRun, treatment: Treatment) -> Report:
    """Return the report of a treatment; exit code 0 means a cure, a plan, or that nothing needs to be done."""
    good = (TreatmentOutcome.NOTHING_TO_DO, TreatmentOutcome.CURED, TreatmentOutcome.PLANNED)
    code = EXIT_PASSED if treatment.outcome in good else EXIT_FINDINGS
    # A plan says nothing new of the run.
    verdict = _VERDICTS.get(treatment.outcome, sick.diagnosis.verdict)
    trials = _without_pilot_runs(treatment)
    trained = [read_run(Path(trial.path)) for trial in trials if has_logs(Path(trial.path))]
    treatment = replace(treatment, curves=_curves(sick, treatment, trained))
    result = TreatmentResult(
        path=str(sick.directory),
        verdict=verdict,
        title=sick.diagnosis.title,
        summary=summary(treatment),
        framework=sick.diagnosis.framework,
        reference=sick.reference.recipe.name if sick.reference is not None else "",
        steps=sick.run.last_step,
        findings=_findings(treatment),
        treatment=treatment,
        runs=(sick.diagnosis, *(diagnose_run(run, context=sick.context) for run in trained)),
    )
    fail_on = Verdict.SUSPECT if verdict is Verdict.SUSPECT and code else Verdict.SICK
    return Report("treat", (result,), verdict, code, fail_on)


def _without_pilot_runs(treatment: Treatment) -> list[TreatmentTrial]:
    """Return the trials that show an outcome; pilot runs are too short for one."""
    return [trial for trial in treatment.trials if trial.role != PILOT_RUN]


def summary(treatment: Treatment) -> str:
    """Return the outcome of a treatment in a sentence."""
    outcome = treatment.outcome
    if outcome is TreatmentOutcome.NOTHING_TO_DO:
        return f"Nothing needs to be done. {treatment.sureness}"
    if outcome is TreatmentOutcome.PLANNED:
        return "Plan only: nothing was trained and nothing was written."
    if outcome is TreatmentOutcome.INSTRUCTED:
        return "The cause lies outside the recipe, in the environment or the code: change it there."
    tried = [trial for trial in treatment.trials if trial.role == "remedy"]
    spent = f"{treatment.steps_spent:,} steps in {len(tried)} round{'s' * (len(tried) != 1)}"
    share = f"{treatment.steps_spent / max(treatment.steps_whole, 1):.0%} of a whole training"
    if outcome is TreatmentOutcome.CURED:
        return f"Cured by {tried[-1].name}, after {spent} ({share})."
    if outcome is TreatmentOutcome.UNPROVEN:
        return (
            f"{tried[-1].name} went well, and so did the untreated recipe with another seed: "
            "the first run may have failed by chance."
        )
    word = "Improved, not cured" if outcome is TreatmentOutcome.IMPROVED else "Not cured"
    return f"{word} after {spent} ({share})."


def is_open(trial: TreatmentTrial) -> bool:
    """Return whether a trial came to its end, and without healthy runs to compare with that shows nothing."""
    return trial.state is TrialState.UNDECIDED and trial.by in ("end", AS_UNTREATED)


def _findings(treatment: Treatment) -> tuple[Finding, ...]:
    if treatment.outcome not in _FINDINGS:
        return ()
    code, name, severity = _FINDINGS[treatment.outcome]
    if treatment.outcome is TreatmentOutcome.UNPROVEN:
        cure = "Train several seeds of both recipes: rldoctor sweep --seeds 0-4."
        return (Finding(code, name, severity, summary(treatment), cure),)
    remedies = [trial for trial in treatment.trials if trial.role == "remedy"]
    if remedies and any(trial.by == AS_UNTREATED for trial in remedies):
        evaluate = f"See first what the run's own policy does: rldoctor evaluate {treatment.before}"
        return (Finding(code, name, severity, summary(treatment), evaluate),)
    if remedies and all(is_open(trial) for trial in remedies):
        longer = f"Give the trials more steps: rldoctor treat {treatment.before} --steps {2 * treatment.steps_whole}"
        return (Finding(code, name, severity, summary(treatment), longer),)
    first = next(iter(treatment.instructions), None)
    codes = ",".join(first.confirmed_by) if first else ""
    confirm = f"Confirm it with: rldoctor preflight --select {codes}" if codes else ""
    instruction = f"{first.text} {confirm}".strip() if first else ""
    message = summary(treatment)
    if treatment.outcome is TreatmentOutcome.INSTRUCTED:
        message = f"The remaining causes lie outside the recipe{f'; most likely: {first.diagnosis}' if first else ''}."
    return (Finding(code, name, severity, message, instruction),)


def write_cured(path: Path, recipe: Recipe, sick: SickRun, trial: TreatmentTrial) -> Path:
    """Write the recipe that cured, for ``rldoctor train --recipe``, and return the file.

    Raises:
        UsageError: The place cannot be written to.
    """
    title = f"{sick.recipe.title or sick.recipe.env}, treated"
    source = f"rldoctor treat: {in_words(trial.changes)}, where {sick.directory.name} was {sick.diagnosis.verdict}"
    write_recipe(structs.replace(recipe, title=title, source=source), path)
    return path


def _curves(sick: SickRun, treatment: Treatment, trained: list[Run]) -> dict[str, OutcomeCurve]:
    """Return the outcome of the sick run and of each trial, thinned."""
    trials = _without_pilot_runs(treatment)
    names = ["before", *(f"control, seed {t.seed}" if t.role == "control" else f"round {t.round}" for t in trials)]
    runs = [sick.run, *trained]
    if len(names) != len(runs):
        return {}
    metric = next((m for m in OUTCOMES if all(m in run.curves for run in runs)), None)
    if metric is None:
        return {}
    curves: dict[str, OutcomeCurve] = {}
    for name, run in zip(names, runs, strict=True):
        curve = run.curves[metric].finite()
        if not len(curve):
            continue
        kept = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), _MOST_POINTS)).round().astype(int))
        values = [float(f"{value:.4g}") for value in curve.values[kept].tolist()]
        curves[name] = OutcomeCurve(metric, tuple(curve.steps[kept].tolist()), tuple(values))
    return curves
