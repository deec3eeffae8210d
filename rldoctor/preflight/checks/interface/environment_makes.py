"""The environment can be made.

What it does: calls ``gymnasium.make`` with the id, and looks for a known cause when that raises.

Why it matters: no other check can run without an environment, and the exception rarely names the package at fault.

What to do: run the command in the finding if versions are to blame; otherwise read the exception, which comes from the
environment's own code.
"""

from __future__ import annotations

import traceback

from rldoctor import machine
from rldoctor.advisories import Advisory, shipped_advisories
from rldoctor.preflight.check import CheckFindings, check, error
from rldoctor.preflight.checks.machine.package_versions import subject_of
from rldoctor.preflight.context import PreflightContext


def _likely_cause(cause: BaseException, context: PreflightContext) -> Advisory | None:
    """Return the defect to blame: its symptom is in the traceback, or its versions are installed here."""
    functions = {frame.name for frame in traceback.extract_tb(cause.__traceback__)}
    subject = subject_of(context)
    for advisory in shipped_advisories():
        affected = advisory.breaks and advisory.matters(subject) and advisory.fits(machine.version)
        if affected or (advisory.symptom and advisory.symptom in functions):
            return advisory
    return None


@check("ENV101", "environment-makes", raw=True, faults=("environment-broken",))
def run(context: PreflightContext) -> CheckFindings:
    """Make the environment."""
    from rldoctor.environments.registry import EnvironmentBroken

    try:
        env = context.env
    except EnvironmentBroken as broken:
        if broken.explained:
            yield error("environment-broken", broken.problem, broken.cure, observed=type(broken.cause).__name__)
            return ""
        rule = _likely_cause(broken.cause, context)
        message = broken.problem.removesuffix(".")
        if rule:
            names = " and ".join(f"{package} {machine.version(package)}" for package in rule.packages)
            message += f"; the likely cause: {names} do not work together"
        remedy = (
            rule.cure_with(machine.version)
            if rule
            else "Fix what the exception names; it comes from the environment's own code."
        )
        yield error("environment-broken", f"{message}.", remedy, observed=type(broken.cause).__name__)
        return ""
    return type(env.unwrapped).__name__
