"""Preflight checks that separate tied causes outside the recipe, before any trial begins."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace

from rldoctor.errors import RldoctorError
from rldoctor.model import Instruction, Outcome, Severity
from rldoctor.preflight.context import Wrapper
from rldoctor.preflight.runner import run_preflight
from rldoctor.recipe import Recipe

# Causes are tied if the likelier one is less than this many times as likely. Ours.
TIED = 3.0
# A cause beyond the third is hardly worth a check of its own.
_MOST = 3
# Notes that confirm a cause: no fault of the environment, but the reason why the training fails.
_TELLING = {"reward-sparse"}


def tied(instructions: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """Return the leading causes outside the recipe that are tied and that a preflight check can confirm."""
    if not instructions:
        return ()
    least = instructions[0].probability / TIED
    return tuple(one for one in instructions[:_MOST] if one.probability >= least and one.confirmed_by)


def run_checks(
    instructions: Sequence[Instruction],
    causes: Sequence[Instruction],
    recipe: Recipe,
    wrap: Wrapper | None,
    say: Callable[[str], None],
) -> tuple[Instruction, ...]:
    """Run the checks of the tied ``causes`` and return ``instructions`` with the outcome; confirmed causes come first.

    A check that passes does not rule out a cause that it tests from one side only, but such a cause comes after its
    tied rivals that were not tested.
    """
    codes = sorted({code for one in causes for code in one.confirmed_by})
    if not codes:
        return tuple(instructions)
    named, listed = ", ".join(one.diagnosis for one in causes), ", ".join(codes)
    say(
        f"The causes {named} are tied; preflight checks {listed} separate them."
        if len(causes) > 1
        else f"Preflight checks {listed} test {named} first."
    )
    try:
        result = run_preflight(recipe.env, recipe=recipe, wrap=wrap, select=codes)
    except RldoctorError as error:
        say(f"The checks could not run: {error.problem}")
        return tuple(replace(one, tested="not-run") if one in causes else one for one in instructions)
    found = [f for f in result.findings if f.severity is not Severity.NOTE or f.name in _TELLING]
    fired = {f.code for f in found if f.name != "check-crashed"}
    ran = {check.code for check in result.checks if check.outcome in (Outcome.PASSED, Outcome.FIRED)}
    tested = [replace(one, tested=_outcome(one, fired, ran)) if one in causes else one for one in instructions]
    confirmed_causes = ", ".join(one.diagnosis for one in tested if one.tested == "fired")
    say(f"  confirmed: {confirmed_causes}." if confirmed_causes else "  Nothing is found.")
    rank = {"fired": 0, "": 1, "not-run": 1, "passed": 1}
    return tuple(sorted(tested, key=lambda one: rank[one.tested]))


def _outcome(one: Instruction, fired: set[str], ran: set[str]) -> str:
    if fired.intersection(one.confirmed_by):
        return "fired"
    return "passed" if ran.intersection(one.confirmed_by) else "not-run"


def confirmed(instructions: Sequence[Instruction]) -> Instruction | None:
    """Return the likeliest cause that a check confirmed; ``None`` if none was."""
    fired = [one for one in instructions if one.tested == "fired"]
    return max(fired, key=operator.attrgetter("probability"), default=None)
