"""Cheap experiments that tell tied causes apart before a trial is begun: the preflight checks that the rules name."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace

from rldoctor.errors import RldoctorError
from rldoctor.model import Instruction, Outcome, Severity
from rldoctor.preflight.context import Wrapper
from rldoctor.preflight.runner import run_preflight
from rldoctor.recipe import Recipe

# Causes are tied where one is less than so many times as likely as the other. Ours.
TIED = 3.0
# Beyond the third a cause is hardly worth a look at its own check.
_MOST = 3


def tied(told: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """Return the leading causes outside the recipe that are tied and that a preflight check can confirm."""
    if not told:
        return ()
    least = told[0].probability / TIED
    return tuple(one for one in told[:_MOST] if one.probability >= least and one.confirmed_by)


def examine(
    told: Sequence[Instruction],
    among: Sequence[Instruction],
    recipe: Recipe,
    wrap: Wrapper | None,
    tell: Callable[[str], None],
) -> tuple[Instruction, ...]:
    """Run the checks of the causes ``among`` and return ``told`` with the outcome; confirmed causes come first.

    A check that passes does not clear a cause that it only looks at from one side, but it puts it behind its tied
    rivals that were not cleared.
    """
    codes = sorted({code for one in among for code in one.confirmed_by})
    if not codes:
        return tuple(told)
    tell(f"Tied causes: preflight checks {', '.join(codes)} tell them apart.")
    try:
        subject = run_preflight(recipe.env, recipe=recipe, wrap=wrap, select=codes)
    except RldoctorError as error:
        tell(f"They could not be run: {error.problem}")
        return tuple(replace(one, tested="not-run") if one in among else one for one in told)
    loud = {f.code for f in subject.findings if f.severity is not Severity.NOTE and f.name != "check-crashed"}
    ran = {e.code for e in subject.checks if e.outcome in (Outcome.PASSED, Outcome.FIRED)}
    tested = [replace(one, tested=_outcome(one, loud, ran)) if one in among else one for one in told]
    rank = {"fired": 0, "": 1, "not-run": 1, "passed": 1}
    return tuple(sorted(tested, key=lambda one: rank[one.tested]))


def _outcome(one: Instruction, loud: set[str], ran: set[str]) -> str:
    if loud.intersection(one.confirmed_by):
        return "fired"
    return "passed" if ran.intersection(one.confirmed_by) else "not-run"


def confirmed(told: Sequence[Instruction]) -> Instruction | None:
    """Return the likeliest cause that a check confirmed; ``None`` where none did."""
    fired = [one for one in told if one.tested == "fired"]
    return max(fired, key=operator.attrgetter("probability"), default=None)
