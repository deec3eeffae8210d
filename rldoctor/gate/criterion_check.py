"""Check the numbers of an evaluation, of one run or of several seeds together, against passing criteria."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rldoctor.model import CriterionResult, Finding, Severity
from rldoctor.recipe import ALL_CRITERIA, Criterion


def check(name: str, criterion: Criterion, observed: float) -> CriterionResult:
    """Check one number against its criterion; a number that is not finite never passes."""
    code, title, unit = ALL_CRITERIA[name]
    passed = observed > criterion.threshold if criterion.relation == ">" else observed < criterion.threshold
    return CriterionResult(
        code,
        name,
        title,
        observed,
        criterion.relation,
        criterion.threshold,
        passed and math.isfinite(observed),
        unit,
        criterion.severity,
    )


def finding_of(result: CriterionResult, of: str = "") -> Finding:
    """Return the finding for a criterion that did not pass; ``of`` says which number of several runs was checked."""
    word = "more" if result.relation == ">" else "less"
    gap = abs(result.observed - result.threshold)
    unit = f" {result.unit}" if result.unit else ""
    return Finding(
        code=result.code,
        name=result.name.replace("_", "-"),
        severity=result.severity,
        message=f"{result.title}{of} is {result.observed:.4g}{unit}, must be {word} than {result.threshold:g}{unit}: "
        f"missed by {gap:.3g}{unit}.",
        evidence={
            "metric": result.name,
            "observed": result.observed,
            "expected": f"{result.relation} {result.threshold:g}",
        },
    )


def solved_by_the_environments_measure(results: Mapping[str, CriterionResult]) -> tuple[Finding, ...]:
    """Return a note where success passes and only the distance does not: the two have different thresholds."""
    success, distance = results.get("success_rate"), results.get("final_distance_mean")
    if not (success and distance and success.passed and not distance.passed):
        return ()
    return (
        Finding(
            code="EVL201",
            name="solved-by-the-environments-measure",
            severity=Severity.NOTE,
            message="The environment counts the task as solved; this gate asks for more: a mean final distance below "
            f"{distance.threshold:g} m.",
            remedy="Train longer: precision comes after success.",
        ),
    )
