"""From evaluations to the verdict of the gate: run by run, or several seeds of a recipe together."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from rldoctor.errors import CannotJudge
from rldoctor.gate.criteria import required_criteria, stated_criteria
from rldoctor.gate.criterion_check import check, finding_of, solved_by_the_environments_measure
from rldoctor.gate.evaluation import Evaluation, read_evaluation
from rldoctor.gate.pool import LeftOut, find_runs, pools
from rldoctor.gate.regression import MARGIN, compare
from rldoctor.model import CriterionResult, GateResult, Json, Severity, Unjudged, Verdict, verdict_of_findings
from rldoctor.recipe import Criterion, Recipe
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
    criteria: Mapping[str, Criterion] | None = None,
) -> list[GateResult]:
    """Check the evaluations of runs and models against passing criteria.

    Args:
        paths: Run directories, folders of them, or files of models.
        require: ``criterion=threshold`` or ``criterion=off|warn|error``; changes the criteria, and comes last.
        recipe: Criteria to use instead of those in each ``run.json``.
        aggregate: Judge the runs of one recipe together, by this statistic; each by itself without it.
        baseline: Earlier runs, or folders of them, to compare against; fails on a regression (:func:`compare`).
        margin: Allowed regression, as a fraction of the baseline's gain.
        criteria: Of the configuration: they add to the recipe's, or replace those of the same name.

    Returns:
        A result for each run, or for each recipe: healthy if every criterion passed, sick if one failed, suspect if
        one that only warns did, unjudged (with the reason) if an evaluation is missing, empty, stale or of another run.
        Each says which runs it is about, and which were left out.

    Raises:
        UsageError: A path does not exist, or ``require`` names an unknown criterion.
    """
    directories, left_out = find_runs(paths)
    asked = _Asked(tuple(require), recipe, find_runs(baseline)[0], margin, criteria or {})
    if aggregate is None:
        results = [_subject([directory], asked) for directory in directories]
        return [replace(results[0], summary=_left_out(left_out)), *results[1:]] if left_out and results else results
    found = pools(directories)
    return [
        _subject(group, asked, aggregate, [*again, *(left_out if place == 0 else ())])
        for place, (group, again) in enumerate(found)
    ]


def judge_run(directory: Path, require: Iterable[str] = (), recipe: Recipe | None = None) -> GateResult:
    """Check the evaluation of one run against the criteria of its recipe; see :func:`judge_runs`."""
    return _subject([directory], _Asked(tuple(require), recipe))


def unjudged(path: Path, error: CannotJudge) -> GateResult:
    """Return the result that says why the gate could not judge."""
    return GateResult(
        path=str(path),
        verdict=Verdict.UNJUDGED,
        title="gate",
        unjudged=(Unjudged("EVL001", error.problem, error.cure or f"Run: rldoctor evaluate {path}"),),
    )


@dataclass(frozen=True)
class _Asked:
    """What is asked of every subject: see the arguments of :func:`judge_runs`."""

    require: tuple[str, ...] = ()
    recipe: Recipe | None = None
    earlier: Sequence[Path] = ()
    margin: float = MARGIN
    criteria: Mapping[str, Criterion] = field(default_factory=dict)


def _subject(
    directories: Sequence[Path],
    asked: _Asked,
    aggregate: Statistic | None = None,
    left_out: Sequence[LeftOut] = (),
) -> GateResult:
    path = _common(directories)
    try:
        runs = [read_evaluation(directory) for directory in directories]
        whose = asked.recipe.name if asked.recipe else runs[0].recipe_name
        stated = stated_criteria(runs, asked.recipe)
        criteria = required_criteria(stated, asked.criteria, asked.require, whose)
        results = _checked(runs, criteria, aggregate, whose)
        of = "" if aggregate is None else f" ({_of_several(aggregate, len(runs))})"
        findings = tuple(finding_of(result, of) for result in results if not result.passed)
        extra = solved_by_the_environments_measure({result.name: result for result in results})
        if asked.earlier:
            compared, regressions = compare(runs, [_baseline(directory) for directory in asked.earlier], asked.margin)
            results, findings = results + compared, findings + regressions
    except CannotJudge as error:
        return replace(unjudged(path, error), summary=_pooled(directories, path, left_out) if aggregate else "")
    return GateResult(
        path=str(path),
        verdict=verdict_of_findings(findings),
        title=_title(runs, aggregate),
        summary=_pooled(directories, path, left_out) if aggregate else "",
        reference=runs[0].recipe_name,
        criteria=results,
        findings=findings + extra,
        facts=_facts(runs, asked.earlier, left_out),
        adjusted=tuple(_changes(stated, criteria, whose)),
    )


def _pooled(directories: Sequence[Path], folder: Path, left_out: Sequence[LeftOut]) -> str:
    """Return in a sentence or two which runs are judged together, and which are not."""
    names = [str(path.relative_to(folder)) if path != folder else path.name for path in directories]
    pooled = f"Pooled {len(names)} run{'s' * (len(names) != 1)}: {', '.join(names)}."
    return f"{pooled} {_left_out(left_out)}".strip()


def _left_out(left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return ""
    return f"Left out: {'; '.join(f'{one.path} ({one.why})' for one in left_out)}."


def _changes(stated: Mapping[str, Criterion], checked: Mapping[str, Criterion], recipe: str) -> Iterator[str]:
    """Yield in words what was required instead of what the recipe states, or the baselines give."""
    whose = "the recipe requires" if recipe else "the baselines require"
    for name, before in stated.items():
        now = checked.get(name)
        if now is None:
            yield f"{name} is off; {whose} {_bound(before)}"
        elif now != before:
            yield f"{name} {_bound(now)} instead of {_bound(before)}"
    for name, added in checked.items():
        if name not in stated:
            yield f"{name} {_bound(added)} is required as well"


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
    runs: Sequence[Evaluation], criteria: Mapping[str, Criterion], aggregate: Statistic | None, whose: str
) -> tuple[CriterionResult, ...]:
    """Check every criterion.

    Raises:
        CannotJudge: There is none, or a number that one needs was not measured.
    """
    if not criteria:
        what = f"The recipe {whose} has no passing criteria" if whose else "There are no passing criteria"
        raise CannotJudge(
            f"{what}, and the evaluation has no baselines to compare with.",
            "Evaluate again, use a reference's criteria (--reference NAME), or state your own: --require NAME=NUMBER.",
        )
    for run in runs:
        missing = [name for name in criteria if run.number(name) is None]
        if missing:
            raise CannotJudge(
                f"The evaluation of {run.path} does not measure {', '.join(missing)}.",
                f"Run rldoctor audit {run.path} first."
                if all(name.startswith("kept_") for name in missing)
                else "Evaluate an environment that reports them, or switch these criteria off: --require NAME=off.",
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


def _facts(runs: Sequence[Evaluation], earlier: Sequence[Path], left_out: Sequence[LeftOut]) -> Mapping[str, Json]:
    facts: dict[str, Json] = {"aggregate": runs[0].numbers, "baselines": runs[0].baselines}
    if len(runs) > 1:
        facts = {"runs": [{"path": str(run.path), "seed": run.seed, "aggregate": dict(run.numbers)} for run in runs]}
    if left_out:
        facts["left_out"] = [{"path": str(one.path), "why": one.why} for one in left_out]
    if earlier:
        facts["compared_with"] = [str(directory) for directory in earlier]
    return facts


def _common(directories: Sequence[Path]) -> Path:
    """Return the run itself, or the deepest folder that holds all of several."""
    if len(directories) == 1:
        return directories[0]
    shared = [set(directory.parents) for directory in directories]
    return max(set.intersection(*shared), key=lambda folder: len(folder.parts), default=Path())
