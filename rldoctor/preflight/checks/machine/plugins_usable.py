"""Every check that another package provides can be used.

What it does: loads the entry points ``rldoctor.checks`` of installed packages and validates each check: its code is of
a family of its own, its name is unique, and the checks that it requires exist.

Why it matters: a check of your own that silently does not run looks like one that found nothing.

What to do: fix the package that is named, or uninstall it; to go on without this check, ignore it with a reason.
"""

from __future__ import annotations

from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, error
from rldoctor.preflight.context import PreflightContext


@check("SYS401", "own-checks", Group.MACHINE, faults=("own-check-not-used",))
def run(context: PreflightContext) -> CheckFindings:
    """Report the checks of other packages that cannot be used."""
    usable, refused = context.plugins
    if not (usable or refused):
        raise Skipped("no installed package provides checks")
    context.measured["own_checks"] = [check.code for check in usable]
    for item in refused:
        yield error(
            "own-check-not-used",
            f"The check {item.what} of {item.origin} is not used: {item.reason}.",
            "Fix it in its package, or uninstall the package.",
        )
    return f"{len(usable)} from other packages"
