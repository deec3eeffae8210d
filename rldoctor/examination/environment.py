"""The environment as a witness: what the checks of a preflight say about the cause of a failed training."""

from __future__ import annotations

from collections.abc import Iterator

from rldoctor.model import Observation, Outcome, PreflightResult, Severity
from rldoctor.rulebook import load_rulebook
from rldoctor.rulebook.schema import WitnessRule

# A note is no fault of an environment, but may be the reason why a training fails: ours.
_OF_A_NOTE = 0.5
# Many sound environments do so: they draw random numbers, pay at the end, or have a bonus that chance does not reach.
_OF_WHAT_IS_USUAL = 0.25
NOISE = "ENV118"
"""The check that measures what steps draw."""
DRAWS = "draws_while_stepping"
"""The fact of a preflight that says so."""


def strength_of(severity: Severity, alone: bool = True) -> float:
    """Return how strongly a finding of a check counts, in [0, 1].

    Args:
        severity: Of the finding.
        alone: Whether no check found more than a note: what is noted beside a fault is mostly its consequence.
    """
    if severity is not Severity.NOTE:
        return 1.0
    return _OF_A_NOTE if alone else _OF_A_NOTE / 2


def _noise(rule: WitnessRule) -> Observation:
    said = "The environment draws random numbers while it steps."
    return Observation(
        *("environment", "ENV105", "noise-while-stepping", _OF_WHAT_IS_USUAL, "fault", rule.supports, said),
        severity=Severity.NOTE,
    )


def observations_of(result: PreflightResult) -> Iterator[Observation]:
    """Yield what each check of a preflight observed: its findings, or that there are none.

    A finding that tells in which way (``aspect`` of its evidence) has that in its name, if there is a rule for it. A
    check has passed, too, if all it found are notes that speak of no cause (``checks/preflight/evidence.toml``). One
    that was skipped or not run observed nothing.
    """
    known = load_rulebook().witnesses
    failed = set()
    alone = all(finding.severity is Severity.NOTE for finding in result.findings)
    for finding in result.findings:
        aspect = finding.evidence.get("aspect")
        name = (
            f"{finding.name}-{aspect}"
            if aspect and f"{finding.code}-{finding.name}-{aspect}" in known
            else finding.name
        )
        rule = known.get(f"{finding.code}-{name}")
        if rule or finding.severity is not Severity.NOTE:
            failed.add(finding.code)
            yield Observation(
                "environment",
                finding.code,
                name,
                _OF_WHAT_IS_USUAL if rule and rule.usual else strength_of(finding.severity, alone),
                "fault",
                rule.supports if rule else (),
                finding.message,
                finding.remedy,
                finding.evidence,
                finding.severity,
            )
    draws = bool(result.facts.get(DRAWS))
    # Where its size was measured, that is said instead.
    measured = any(check.code == NOISE and check.outcome in (Outcome.PASSED, Outcome.FIRED) for check in result.checks)
    if draws and not measured:
        yield _noise(known["ENV105-noise-while-stepping"])
    for check in result.checks:
        rule = known.get(f"{check.code}-passed")
        if (
            rule
            and not (rule.steady and draws)
            and check.outcome in (Outcome.PASSED, Outcome.FIRED)
            and check.code not in failed
        ):
            yield Observation("environment", check.code, check.name, 1.0, "health", rule.contradicts, check.note)
