"""The gate: passing criteria held against an evaluation, for an exit code that a maintainer can trust."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from rldoctor import run_directory
from rldoctor.errors import CannotJudge
from rldoctor.model import CriterionResult, Finding, Json, Severity, Subject, Unjudged, Verdict
from rldoctor.recipe import CRITERIA, Criterion, Recipe, recipe_from_mapping


def judge(directory: Path, require: Iterable[str] = (), recipe: Recipe | None = None) -> Subject:
    """Hold the evaluation of a run against its recipe's criteria.

    Args:
        directory: A run directory with ``run.json``, a policy and ``evaluation.json``.
        require: ``criterion=threshold`` pairs that replace the recipe's thresholds.
        recipe: Criteria to use instead of those in ``run.json``.

    Returns:
        A subject of kind ``evaluation``: healthy if every criterion passed, sick if any failed, unjudged (with the
        reason) if the evaluation is missing, empty, stale or not of this run.

    Raises:
        UsageError: The directory does not exist, or ``require`` names an unknown criterion.
    """
    run_directory.require(directory)
    try:
        record = run_directory.read_json(directory / run_directory.RUN_FILE, "the record of a run")
        own = record.get("recipe")
        if not isinstance(own, Mapping):
            raise CannotJudge(
                f"{directory}/{run_directory.RUN_FILE} holds no recipe.", "It was not written by rldoctor."
            )
        trained = recipe_from_mapping(own, str(directory / run_directory.RUN_FILE))
        criteria = (recipe or trained).with_criteria(require).criteria
        evaluation = run_directory.read_json(directory / run_directory.EVALUATION_FILE, "an evaluation")
        _check_belongs(directory, evaluation, trained)
    except CannotJudge as error:
        return unjudged(directory, error)
    if not criteria:
        return unjudged(directory, CannotJudge(f"The recipe {trained.name} states no passing criteria."))
    numbers = _mapping(evaluation, "aggregate")
    missing = [c.name for c in criteria if type(numbers.get(c.name)) not in (int, float)]
    if missing:
        reason = f"The evaluation of {directory} does not measure {', '.join(missing)}."
        return unjudged(
            directory, CannotJudge(reason, "Evaluate an environment that reports them, or change the recipe.")
        )
    results = tuple(_hold(criterion, float(str(numbers[criterion.name]))) for criterion in criteria)
    findings = tuple(_finding(result) for result in results if not result.passed)
    extra = _solved_by_the_environments_measure(results)
    return Subject(
        path=str(directory),
        kind="evaluation",
        verdict=Verdict.SICK if findings else Verdict.HEALTHY,
        title=f"gate on {numbers.get('n_episodes')} deterministic episodes",
        reference=trained.name,
        criteria=results,
        findings=findings + extra,
        facts={"aggregate": numbers, "baselines": _mapping(evaluation, "baselines")},
    )


def unjudged(directory: Path, error: CannotJudge) -> Subject:
    """Return the subject that says why the gate could not judge."""
    return Subject(
        path=str(directory),
        kind="evaluation",
        verdict=Verdict.UNJUDGED,
        title="gate",
        unjudged=(Unjudged("EVL001", error.problem, error.cure or f"Run: rldoctor evaluate {directory}"),),
    )


def _check_belongs(directory: Path, evaluation: Mapping[str, Json], trained: Recipe) -> None:
    """Refuse an evaluation that is empty, of another policy or environment, or older than the policy.

    Raises:
        CannotJudge: With the reason.
    """
    again = f"Run: rldoctor evaluate {directory}"
    if evaluation.get("rldoctor_evaluation") != 1:
        raise CannotJudge(f"{directory}/evaluation.json was not written by rldoctor.", again)
    if evaluation.get("env") != trained.env:
        raise CannotJudge(f"The evaluation is of {evaluation.get('env')}, the run was trained on {trained.env}.", again)
    episodes = evaluation.get("episodes")
    if not isinstance(episodes, list) or not episodes:
        raise CannotJudge("The evaluation holds no episode.", again)
    policy = _mapping(evaluation, "policy")
    file = str(policy.get("file", ""))
    # The name comes from a file that may be a stranger's: it must not lead out of the run directory.
    path = directory / file
    try:
        if not file or not path.resolve().is_relative_to(directory.resolve()):
            raise CannotJudge("The evaluation does not say which policy it judged.", again)
        if not path.is_file():
            raise CannotJudge(f"The policy that was evaluated, {file}, is gone.", again)
        same = run_directory.file_hash(path) == policy.get("sha256")
    except (OSError, ValueError) as error:
        raise CannotJudge(f"The policy that was evaluated cannot be read: {error}.", again) from None
    if not same:
        raise CannotJudge(f"The evaluation is stale: {file} has changed since.", again)
    if path.resolve() != run_directory.find_policy(directory).resolve():
        raise CannotJudge(f"The evaluation is stale: it judged {file}, and training has gone on since.", again)


def _hold(criterion: Criterion, observed: float) -> CriterionResult:
    code, title, unit = CRITERIA[criterion.name]
    passed = observed > criterion.threshold if criterion.relation == ">" else observed < criterion.threshold
    return CriterionResult(
        code,
        criterion.name,
        title,
        observed,
        criterion.relation,
        criterion.threshold,
        passed and math.isfinite(observed),
        unit,
    )


def _finding(result: CriterionResult) -> Finding:
    word = "more" if result.relation == ">" else "less"
    gap = abs(result.observed - result.threshold)
    unit = f" {result.unit}" if result.unit else ""
    return Finding(
        code=result.code,
        name=result.name.replace("_", "-"),
        severity=Severity.ERROR,
        message=f"{result.title} is {result.observed:.4g}{unit}, must be {word} than {result.threshold:g}{unit}: "
        f"missed by {gap:.3g}{unit}.",
        evidence={
            "metric": result.name,
            "observed": result.observed,
            "expected": f"{result.relation} {result.threshold:g}",
        },
    )


def _solved_by_the_environments_measure(results: tuple[CriterionResult, ...]) -> tuple[Finding, ...]:
    """Say it in words when success passes and only the distance does not: the two have different thresholds."""
    by_name = {result.name: result for result in results}
    success, distance = by_name.get("success_rate"), by_name.get("final_distance_mean")
    if not (success and distance and success.passed and not distance.passed):
        return ()
    return (
        Finding(
            code="EVL201",
            name="solved-by-the-environments-measure",
            severity=Severity.NOTE,
            message="Solved by the environment's measure (success within 0.05 m), not yet by this gate's "
            f"(mean final distance below {distance.threshold:g} m).",
            remedy="Train longer: precision comes after success.",
        ),
    )


def _mapping(content: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    value = content.get(key)
    return value if isinstance(value, Mapping) else {}
