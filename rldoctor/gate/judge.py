"""From evaluations to the verdict of the gate: run by run, or several seeds of a recipe together."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from rldoctor import run_directory
from rldoctor.errors import CannotJudge
from rldoctor.gate.criterion_check import check, finding_of, solved_by_the_environments_measure
from rldoctor.gate.evaluation import Evaluation, read_evaluation
from rldoctor.gate.regression import MARGIN, compare
from rldoctor.model import CriterionResult, GateResult, Json, Severity, Unjudged, Verdict, verdict_of_findings
from rldoctor.recipe import Criterion, Recipe
from rldoctor.run_record import read_run_record
from rldoctor.stats import iqm


class Statistic(StrEnum):
    """The number of several seeds that is checked against a criterion.

    ``IQM`` is the interquartile mean, which a single outlier does not change (rldoctor.stats.iqm).
    """

    WORST = "worst"
    MEAN = "mean"
    IQM = "iqm"


_Values = Sequence[float]


def judge_runs(
    paths: Iterable[Path],
    *,
    require: Iterable[str] = (),
    recipe: Recipe | None = None,
    aggregate: Statistic | None = None,
    baseline: Iterable[Path] = (),
    margin: float = MARGIN,
) -> list[GateResult]:
    """Check the evaluations of runs against passing criteria.

    Args:
        paths: Run directories, or folders of them.
        require: ``criterion=threshold`` or ``criterion=off|warn|error``; changes the recipe's criteria.
        recipe: Criteria to use instead of those in each ``run.json``.
        aggregate: Judge the runs of one recipe together, by this statistic; each by itself without it.
        baseline: Earlier runs, or folders of them, to compare against; fails on a regression (:func:`compare`).
        margin: Allowed regression, as a fraction of the baseline's gain.

    Returns:
        A result for each run, or for each recipe: healthy if every criterion passed, sick if one failed, suspect if
        one that only warns did, unjudged (with the reason) if an evaluation is missing, empty, stale or of another run.

    Raises:
        UsageError: A path does not exist, or ``require`` names an unknown criterion.
    """
    require = tuple(require)
    directories = _runs(paths)
    earlier = _runs(baseline)
    if aggregate is None:
        return [_subject([directory], require, recipe, None, earlier, margin) for directory in directories]
    return [_subject(group, require, recipe, aggregate, earlier, margin) for group in _by_recipe(directories)]


def judge_run(directory: Path, require: Iterable[str] = (), recipe: Recipe | None = None) -> GateResult:
    """Check the evaluation of one run against the criteria of its recipe; see :func:`judge_runs`."""
    return _subject([directory], tuple(require), recipe, None, (), MARGIN)


def unjudged(path: Path, error: CannotJudge) -> GateResult:
    """Return the result that says why the gate could not judge."""
    return GateResult(
        path=str(path),
        verdict=Verdict.UNJUDGED,
        title="gate",
        unjudged=(Unjudged("EVL001", error.problem, error.cure or f"Run: rldoctor evaluate {path}"),),
    )


def _runs(paths: Iterable[Path]) -> list[Path]:
    """Return the run directories at or below ``paths``; a folder that holds none stands for itself."""
    found: dict[Path, None] = {}
    for path in paths:
        below = run_directory.below(run_directory.require(path))
        found.update(dict.fromkeys(below or [path]))
    return list(found)


def _by_recipe(directories: Sequence[Path]) -> list[list[Path]]:
    """Group runs that were trained by the same recipe, changes included; one without a recipe stands alone."""
    groups: dict[str, list[Path]] = {}
    for directory in directories:
        try:
            key = repr(read_run_record(directory).recipe_table or directory)
        except CannotJudge:
            key = str(directory)
        groups.setdefault(key, []).append(directory)
    return list(groups.values())


def _subject(
    directories: Sequence[Path],
    require: Sequence[str],
    recipe: Recipe | None,
    aggregate: Statistic | None,
    earlier: Sequence[Path],
    margin: float,
) -> GateResult:
    path = _common(directories)
    try:
        runs = [read_evaluation(directory) for directory in directories]
        trained = runs[0].recipe
        stated = recipe or trained
        criteria = stated.with_criteria(require).criteria
        results = _checked(runs, criteria, aggregate)
        of = "" if aggregate is None else f" ({_of_several(aggregate, len(runs))})"
        findings = tuple(finding_of(result, of) for result in results if not result.passed)
        extra = solved_by_the_environments_measure({result.name: result for result in results})
        if earlier:
            compared, regressions = compare(runs, [_baseline(directory) for directory in earlier], margin)
            results, findings = results + compared, findings + regressions
    except CannotJudge as error:
        return unjudged(path, error)
    return GateResult(
        path=str(path),
        verdict=verdict_of_findings(findings),
        title=_title(runs, aggregate),
        reference=trained.name,
        criteria=results,
        findings=findings + extra,
        facts=_facts(runs, earlier),
        adjusted=tuple(_changes(stated.criteria, criteria)),
    )


def _changes(stated: Mapping[str, Criterion], checked: Mapping[str, Criterion]) -> Iterator[str]:
    """Yield in words what was required instead of what the recipe states."""
    for name, before in stated.items():
        now = checked.get(name)
        if now is None:
            yield f"{name} is off; the recipe requires {_bound(before)}"
        elif now != before:
            yield f"{name} {_bound(now)} instead of {_bound(before)}"


def _bound(criterion: Criterion) -> str:
    words = f"{criterion.relation} {criterion.threshold:g}"
    return words if criterion.severity is Severity.ERROR else f"{words} ({criterion.severity})"


def _baseline(directory: Path) -> Evaluation:
    """Read an earlier run's evaluation.

    Raises:
        CannotJudge: As :func:`read_evaluation`, with advice for the baseline rather than for the run.
    """
    try:
        return read_evaluation(directory)
    except CannotJudge as error:
        raise CannotJudge(
            f"The baseline cannot be used: {error.problem}", error.cure or f"Run: rldoctor evaluate {directory}"
        ) from None


def _checked(
    runs: Sequence[Evaluation], criteria: Mapping[str, Criterion], aggregate: Statistic | None
) -> tuple[CriterionResult, ...]:
    """Check every criterion.

    Raises:
        CannotJudge: There is none, or a number that one needs was not measured.
    """
    if not criteria:
        raise CannotJudge(
            f"The recipe {runs[0].recipe.name} has no passing criteria.", "Use those of a reference: --reference NAME."
        )
    for run in runs:
        missing = [name for name in criteria if run.number(name) is None]
        if missing:
            raise CannotJudge(
                f"The evaluation of {run.directory} does not measure {', '.join(missing)}.",
                "Evaluate an environment that reports them, or switch these criteria off: --require NAME=off.",
            )
    return tuple(
        check(name, criterion, _one([run.number(name) or 0.0 for run in runs], criterion, aggregate))
        for name, criterion in criteria.items()
    )


def _one(values: _Values, criterion: Criterion, aggregate: Statistic | None) -> float:
    """Return one number for several seeds."""
    worst: Callable[[_Values], float] = min if criterion.relation == ">" else max
    make = {Statistic.WORST: worst, Statistic.MEAN: statistics.fmean, Statistic.IQM: iqm}
    return make[aggregate or Statistic.WORST](values)


def _of_several(aggregate: Statistic, count: int) -> str:
    return f"{'IQM' if aggregate is Statistic.IQM else aggregate} of {count} run{'s' * (count != 1)}"


def _title(runs: Sequence[Evaluation], aggregate: Statistic | None) -> str:
    episodes = " and ".join(str(count) for count in sorted({len(run.episodes) for run in runs}))
    what = f"gate on {episodes} deterministic episodes"
    return what if aggregate is None else f"{what} a run, {_of_several(aggregate, len(runs))}"


def _facts(runs: Sequence[Evaluation], earlier: Sequence[Path]) -> Mapping[str, Json]:
    facts: dict[str, Json] = {"aggregate": runs[0].numbers, "baselines": runs[0].baselines}
    if len(runs) > 1:
        facts = {
            "runs": [{"path": str(run.directory), "seed": run.seed, "aggregate": dict(run.numbers)} for run in runs]
        }
    if earlier:
        facts["compared_with"] = [str(directory) for directory in earlier]
    return facts


def _common(directories: Sequence[Path]) -> Path:
    """Return the run itself, or the deepest folder that holds all of several."""
    if len(directories) == 1:
        return directories[0]
    shared = [set(directory.parents) for directory in directories]
    return max(set.intersection(*shared), key=lambda folder: len(folder.parts), default=Path())
