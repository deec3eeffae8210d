"""The results of a sweep: the diagnosis of each run, and the settings compared, with how sure that is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from rldoctor import run_directory
from rldoctor.diagnosis.context import DiagnosisContext
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.experiments.sweep.compare import STABLE_BELOW, TrialOutcome, compare
from rldoctor.experiments.sweep.dispatch import Failure
from rldoctor.experiments.sweep.plan import Plan, SweepTrial
from rldoctor.gate.evaluation import read_evaluation
from rldoctor.logs import read_run
from rldoctor.model import (
    Finding,
    FloatArray,
    Result,
    Run,
    SettingResult,
    Severity,
    SweepResult,
    TrialResult,
    Unjudged,
    Verdict,
    verdict_of_findings,
)
from rldoctor.run_record import RunRecord

# With fewer, bootstrap intervals are too narrow (Henderson 2018; rldoctor.stats.stratified_interval).
_FEWEST_SEEDS = 5
# The chapter's criterion for the success rate.
_GOAL = 0.9
_CLOCK = ("train_seconds", "steps_per_second")


def results_of(
    plan: Plan, failures: Mapping[SweepTrial, Failure], context: DiagnosisContext | None = None
) -> list[Result]:
    """Diagnose every run of a sweep and compare its settings.

    Returns:
        The result of the sweep, then the diagnosis of each run, setting by setting.
    """
    outcomes = {trial: _outcome(trial, context) for trial in plan.trials}
    settings = compare(plan, list(outcomes.values()))
    findings = (*_failed(failures), *_unstable(settings), *_few(plan))
    unjudged = tuple(_without_result(outcome) for outcome in outcomes.values() if not outcome.finished)
    verdict = verdict_of_findings(findings)
    if unjudged and verdict is not Verdict.SICK:
        verdict = Verdict.UNJUDGED
    whole = SweepResult(
        path=str(plan.folder),
        verdict=verdict,
        title=_title(plan, outcomes.values()),
        reference=plan.baseline.recipe.name,
        findings=findings,
        unjudged=unjudged,
        settings=settings,
        trials=tuple(_trial_result(outcome, failures.get(trial)) for trial, outcome in outcomes.items()),
        facts={"sweep": plan.name},
    )
    return [whole, *(outcome.diagnosis for outcome in outcomes.values() if outcome.diagnosis is not None)]


def _outcome(trial: SweepTrial, context: DiagnosisContext | None) -> TrialOutcome:
    if not (trial.directory / run_directory.RUN_FILE).is_file():
        return TrialOutcome(trial, None, None, {}, False)
    run = read_run(trial.directory)
    record = RunRecord(run.record)
    numbers: dict[str, float | None] = {}
    try:
        evaluation = read_evaluation(trial.directory)
        numbers |= {name: evaluation.number(name) for name in ("success_rate", "return_mean", "final_distance_mean")}
        finished = record.is_finished
    except (CannotJudge, UsageError):
        finished = False
    numbers |= {name: record.number(name) for name in _CLOCK} | _curve_numbers(run)
    known = {name: value for name, value in numbers.items() if value is not None and math.isfinite(value)}
    return TrialOutcome(trial, diagnose_run(run, context=context), run, known, finished)


def _curve_numbers(run: Run) -> dict[str, float]:
    """Return numbers of how a run learned, from its curves; late means the last quarter."""
    numbers: dict[str, float] = {}
    for metric in ("clip_fraction", "approx_kl"):
        if metric in run.curves:
            numbers[f"late_{metric}"] = _late(run, metric, lambda values: float(values.mean()))
    if "episode_return" in run.curves:
        numbers["late_return_std"] = _late(run, "episode_return", lambda values: float(values.std()))
    if "success_rate" in run.curves:
        curve = run.curves["success_rate"].finite()
        reached = np.flatnonzero(curve.values >= _GOAL)
        numbers["steps_to_90"] = float(curve.steps[reached[0]]) if len(reached) else math.nan
    return numbers


def _late(run: Run, metric: str, statistic: Callable[[FloatArray], float]) -> float:
    values = run.curves[metric].finite().values
    return statistic(values[-max(1, len(values) // 4) :]) if len(values) else math.nan


def _trial_result(outcome: TrialOutcome, failure: Failure | None) -> TrialResult:
    diagnosis = outcome.diagnosis
    leading = diagnosis.diagnoses[0].name if diagnosis and diagnosis.diagnoses else ""
    status = RunRecord(outcome.run.record).status if outcome.run else ""
    return TrialResult(
        setting=outcome.trial.setting.name,
        seed=outcome.trial.seed,
        path=str(outcome.trial.directory),
        status=f"failed: {failure.problem}" if failure else status or "not begun",
        verdict=diagnosis.verdict.value if diagnosis else Verdict.UNJUDGED.value,
        diagnosis=leading,
        numbers=dict(outcome.numbers),
    )


def _failed(failures: Mapping[SweepTrial, Failure]) -> list[Finding]:
    """Return the trials that failed as findings, those with the same cause together."""
    causes: dict[Failure, list[SweepTrial]] = {}
    for trial, failure in failures.items():
        causes.setdefault(failure, []).append(trial)
    return [
        Finding(
            code="EVL402",
            name="trial-failed",
            severity=Severity.ERROR,
            message=f"{len(trials)} trial{'s' * (len(trials) != 1)} failed ({'; '.join(t.name for t in trials[:4])}"
            f"{', ...' * (len(trials) > 4)}): {failure.problem}",
            remedy=failure.cure or "Run the same command again to resume from the last checkpoint.",
            evidence={"trials": [str(trial.directory) for trial in trials]},
        )
        for failure, trials in causes.items()
    ]


def _unstable(settings: Iterable[SettingResult]) -> list[Finding]:
    found = []
    for setting in settings:
        success = setting.sample("success_rate")
        if success is not None and setting.stable is False:
            found.append(
                Finding(
                    code="EVL401",
                    name="unstable-over-seeds",
                    severity=Severity.WARNING,
                    message=f"{setting.name}: the success rate has a standard deviation of {success.std:.1%} over "
                    f"{len(success.values)} seeds; a robust result stays below {STABLE_BELOW:.0%}.",
                    remedy="Look at the worst seed first: rldoctor diagnose names its cause.",
                    evidence={"metric": "success_rate", "observed": success.std, "expected": f"< {STABLE_BELOW:g}"},
                )
            )
    return found


def _few(plan: Plan) -> list[Finding]:
    seeds = len(plan.trials) // len(plan.settings)
    if seeds >= _FEWEST_SEEDS or len(plan.settings) < 2:
        return []
    return [
        Finding(
            code="EVL403",
            name="few-seeds",
            severity=Severity.NOTE,
            message=f"Intervals are too narrow with only {seeds} seed{'s' * (seeds != 1)} per setting.",
            remedy=f"Use at least {_FEWEST_SEEDS} seeds before concluding that one setting is better: --seeds 0-4.",
            evidence={"observed": seeds, "expected": f">= {_FEWEST_SEEDS}"},
        )
    ]


def _without_result(outcome: TrialOutcome) -> Unjudged:
    return Unjudged("EVL402", f"{outcome.trial.name} has no result.", "Run the same command again.")


def _title(plan: Plan, outcomes: Iterable[TrialOutcome]) -> str:
    finished = sum(outcome.finished for outcome in outcomes)
    recipe = plan.baseline.recipe
    return (
        f"{finished} of {len(plan.trials)} trainings of {recipe.name}, {recipe.total_steps:,} steps and "
        f"{recipe.evaluation_episodes} evaluation episodes each."
    )
