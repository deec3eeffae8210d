"""Breaking a tie: where nothing at hand separates the leading causes, the doctor runs the cheapest test that does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from msgspec import structs

from rldoctor.diagnosis.context import DiagnosisContext
from rldoctor.diagnosis.match import match
from rldoctor.diagnosis.remedy import known_of, proposals
from rldoctor.errors import UsageError
from rldoctor.examination.child import Examiner, NotAnswered
from rldoctor.examination.tie_tests import TieTest, tie_tests
from rldoctor.experiments.treatment.pilot_run import GONE, length, signs_left, signs_of, until
from rldoctor.experiments.treatment.remedies import changed
from rldoctor.experiments.treatment.stated_recipe import recipe_from_logs
from rldoctor.model import Json, Observation, Run, RunDiagnosis, Statement, Witness
from rldoctor.recipe import Recipe

# Tests of one run: each may leave another tie.
_MOST = 2
# From this share of the signs' strength on, they are still there; between the two nothing is said.
_STILL_THERE = 0.6
# Environment steps a second where the logs hold none: ours, of a small network on one core.
_SLOW = 500.0
_SEED = 0
# From this share of a training on its return counts, too: early, no return has risen.
_LATE = 0.5
_OF_UPDATES = ("UPD", "VAL", "EXP")

Diagnose = Callable[[tuple[Statement, ...]], RunDiagnosis]


@dataclass(frozen=True)
class _Prepared:
    """A test that could be run."""

    code: str
    test: TieTest
    recipe: Recipe
    seconds: float


def break_tie(
    result: RunDiagnosis, run: Run, examiner: Examiner, context: DiagnosisContext, diagnose: Diagnose
) -> RunDiagnosis:
    """Return the diagnosis of a run after the tests that break its tie, as far as there is time for them.

    Args:
        result: The diagnosis so far.
        run: The run.
        examiner: Its environment.
        context: What it is diagnosed with.
        diagnose: Diagnoses it again, with more statements.
    """
    said: tuple[Statement, ...] = ()
    done: set[str] = set()
    while result.tied and len(done) < _MOST:
        found = sorted(_possible(result.tied, run, context, done), key=lambda prepared: prepared.seconds)
        if not found:
            break
        cheapest = found[0]
        if cheapest.seconds > examiner.left:
            return _named(result, cheapest, examiner.left)
        done.add(cheapest.code)
        said += (_run(cheapest, result.tied, run, examiner, context),)
        result = diagnose(said)
    return result


def _possible(tied: tuple[str, ...], run: Run, context: DiagnosisContext, done: set[str]) -> Iterator[_Prepared]:
    """Yield the tests that separate tied causes and can be made of this run."""
    recipe = _recipe(run, context)
    if recipe is None:
        return
    rate = run.curves.get("throughput")
    speed = float(np.median(rate.finite().values)) if rate is not None and len(rate.finite()) else _SLOW
    for code, test in tie_tests().items():
        own = _changed(recipe, test, run, context) if code not in done and test.separates(tied) else None
        if own is not None:
            steps = next((steps for steps in _lengths(own, run) if _signs(steps, tied, run, context)), None)
            if steps is not None:
                yield _Prepared(code, test, structs.replace(own, total_steps=steps + 1), steps / max(speed, 1.0))


def _lengths(recipe: Recipe, run: Run) -> Iterator[int]:
    """Yield how long a test may be, the shortest first: as a pilot run, and longer, up to the whole training."""
    steps = length(recipe)
    while steps < run.last_step:
        yield steps
        steps *= 2
    yield run.last_step


def _recipe(run: Run, context: DiagnosisContext) -> Recipe | None:
    """Return what a run was trained with; ``None`` where that is not known, or no PPO."""
    if run.algorithm not in ("", "ppo"):
        return None
    try:
        known = match(run, None, context.references).recipe
        return known if known is not None else recipe_from_logs(run, "unnamed")
    except UsageError:
        return None


def _changed(recipe: Recipe, test: TieTest, run: Run, context: DiagnosisContext) -> Recipe | None:
    """Return the recipe with the settings that a test changes; ``None`` where there is nothing to change."""
    rule = context.book.diagnoses.get(test.change)
    if rule is None:
        return None if test.change else recipe
    known = replace(known_of(match(run, None, context.references), run), value=recipe.setting, exact=True)
    moves = next(iter(proposals(rule, known)), None)
    if moves is None:
        return None
    as_json: dict[str, Json] = {key: {"from": move.before, "to": move.after} for key, move in moves.items()}
    return changed(recipe, as_json, known.reference)


def _signs(steps: int, tied: tuple[str, ...], run: Run, context: DiagnosisContext) -> Mapping[str, float]:
    """Return the signs that show on a run by then and point to one of the causes; of the return only late ones."""
    families = _OF_UPDATES if steps < _LATE * run.last_step else (*_OF_UPDATES, "RET")
    matched = match(run, None, context.references)
    return signs_of(until(run, steps), matched.reference, tied, context.book, families)


def _run(
    prepared: _Prepared, tied: tuple[str, ...], run: Run, examiner: Examiner, context: DiagnosisContext
) -> Statement:
    test, recipe = prepared.test, prepared.recipe
    examined = f"{recipe.total_steps:,} steps, {test.title}"
    normalised = {*test.normalised}
    if run.settings is not None:
        normalised |= {"observations"} if run.settings.normalize_observations else set()
        normalised |= {"rewards"} if run.settings.normalize_rewards else set()
    try:
        trained: Any = examiner.ask("pilot_run", recipe, _SEED, sorted(normalised))
    except NotAnswered as failure:
        return Statement("test", examined, said=f"no result: {failure.why}")
    signs = _signs(recipe.total_steps - 1, tied, run, context)
    left, words = signs_left(signs, trained, match(run, None, context.references).reference, context.book)
    if GONE < left < _STILL_THERE:
        return Statement("test", examined, said=f"inconclusive: {words}")
    gone = left <= GONE
    evidence: dict[str, Json] = {"steps": recipe.total_steps, "signs": sorted(signs), "left": round(left, 3)}
    observation = Observation(
        "test",
        prepared.code,
        test.name,
        1.0,
        "fault" if gone else "health",
        test.supports,
        f"After {recipe.total_steps:,} steps of training with {test.title}: {words}",
        test.remedy if gone else "",
        evidence,
    )
    return Statement("test", examined, (observation,), said=words)


def _named(result: RunDiagnosis, test: _Prepared, left: float) -> RunDiagnosis:
    """Return a diagnosis that names the test for which there is no time."""
    needed = f"{test.recipe.total_steps:,} steps with {test.test.title} take about {test.seconds:.0f} s"
    budget = -(-int(test.seconds + 60) // 30) * 30
    row = Witness("test", "", f"not run: {needed}, {left:.0f} s are left", f"the same command with --budget {budget}")
    return replace(result, witnesses=(*result.witnesses, row))
