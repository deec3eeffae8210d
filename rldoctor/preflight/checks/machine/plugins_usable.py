"""Every check that another package brings can be used.

What it does: loads the entry points ``rldoctor.checks`` of installed packages and holds each check to what a check must
be: a code of a family of its own, a name that nobody else has, and checks to follow that exist.

Why it matters: a check of your own that silently does not run is taken for one that found nothing.

What to do: mend the package that is named, or uninstall it; to go on without this check, ignore it with a reason.
"""

from __future__ import annotations

from rldoctor.preflight.check import Check, CheckFindings, Group, Skipped, check, error
from rldoctor.preflight.check_docs import own_entries
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.plugins import load_own


@check("SYS401", "own-checks", Group.MACHINE, faults=("own-check-not-used",))
def examine(patient: PreflightContext) -> CheckFindings:
    """Load what other packages bring."""
    if not own_entries():
        raise Skipped("no installed package brings checks of its own")
    usable, refused = load_own(_shipped())
    patient.measured["own_checks"] = [check.code for check in usable]
    for item in refused:
        yield error(
            "own-check-not-used",
            f"The check {item.what} of {item.origin} is not used: {item.reason}.",
            "Mend it in its package, or uninstall that.",
        )
    return f"{len(usable)} of other packages"


def _shipped() -> tuple[Check, ...]:
    # Late: the runner gathers this module too.
    from rldoctor.preflight.runner import all_checks

    return all_checks()
