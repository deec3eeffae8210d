"""Known defects of the versions that a run was trained with."""

from __future__ import annotations

from dataclasses import replace

from rldoctor.advisories import Subject, find_advisories
from rldoctor.model import Finding, Run, Severity, Verdict
from rldoctor.run_record import RunRecord


def advisory_findings(run: Run, verdict: Verdict) -> tuple[Finding, ...]:
    """Return a finding for each defect that matters for a run; notes where the run is healthy all the same."""
    if not run.versions:
        return ()
    recipe = RunRecord(run.record).recipe
    subject = Subject(
        env_id=recipe.env if recipe else run.settings.env if run.settings else "",
        framework=run.framework,
        algorithm=run.algorithm,
        metrics=tuple(run.curves),
    )
    found = find_advisories(run.versions.get, subject)
    if verdict is Verdict.HEALTHY:
        return tuple(replace(finding, severity=Severity.NOTE) for finding in found)
    return tuple(found)
