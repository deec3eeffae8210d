"""The environment as a witness: what the checks of a preflight say about the cause of a failed training."""

from __future__ import annotations

from collections.abc import Iterator

from rldoctor.diagnosis.observation import Observation
from rldoctor.model import Outcome, PreflightResult, Severity

PASSED = "passed"


def observations_of(result: PreflightResult) -> Iterator[Observation]:
    """Yield what each check of a preflight observed: its findings, or that there are none.

    A finding that tells in which way (``aspect`` of its evidence) has that in its key. A check that has only notes has
    passed, too; one that was skipped or not run observed nothing.
    """
    for finding in result.findings:
        aspect = finding.evidence.get("aspect")
        yield Observation("-".join(filter(None, (finding.code, finding.name, str(aspect or "")))), 1.0, finding)
    failed = {finding.code for finding in result.findings if finding.severity is not Severity.NOTE}
    for check in result.checks:
        if check.outcome in (Outcome.PASSED, Outcome.FIRED) and check.code not in failed:
            yield Observation(f"{check.code}-{PASSED}", 1.0)
