"""Every check that another package brings can be used.

What it does: loads the entry points ``rldoctor.checks`` of installed packages and holds each check to what a check must
be: a code of a family of its own, a name that nobody else has, and checks to follow that exist.

Why it matters: a check of your own that silently does not run is taken for one that found nothing.

What to do: mend the package that is named, or uninstall it; to go on without this check, ignore it with a reason.
"""

from __future__ import annotations

from rldoctor.preflight_checks.check import Check, DoesNotApply, Examined, Group, check, error
from rldoctor.preflight_checks.own import load_own
from rldoctor.preflight_checks.pages import own_entries
from rldoctor.preflight_checks.patient import Patient


@check("SYS401", "own-checks", Group.MACHINE, faults=("own-check-not-used",))
def examine(patient: Patient) -> Examined:
    """Load what other packages bring."""
    if not own_entries():
        raise DoesNotApply("no installed package brings checks of its own")
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
    from rldoctor.preflight_checks.runner import all_checks

    return all_checks()
