"""Runs the checks on one environment, each on its own, and sums their findings up."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor import machine
from rldoctor.config import DEFAULTS, Config
from rldoctor.environments import registry
from rldoctor.errors import UsageError, near
from rldoctor.model import (
    CheckResult,
    Finding,
    Json,
    Outcome,
    PreflightResult,
    Severity,
    Suppressed,
    Unjudged,
    Verdict,
    verdict_of_findings,
)
from rldoctor.preflight import checks as checks_package
from rldoctor.preflight.check import Check, Group, Skipped, error, one_line
from rldoctor.preflight.context import MakeVector, PreflightContext, Wrapper
from rldoctor.preflight.plugins import load_own
from rldoctor.recipe import Recipe

if TYPE_CHECKING:
    from types import ModuleType

CRASHED = "check-crashed"
Watcher = Callable[[str, int, int], None]


@cache
def all_checks() -> tuple[Check, ...]:
    """Return every shipped check in the order in which they run: by group and code, each after those it follows."""
    found = pkgutil.walk_packages(checks_package.__path__, f"{checks_package.__name__}.")
    modules = [importlib.import_module(module.name) for module in found if not module.ispkg]
    return in_order([check for module in modules for check in _declared(module)])


def checks_in_force() -> tuple[Check, ...]:
    """Return the shipped checks and those that other packages bring, in the order in which they run."""
    own, _ = load_own(all_checks())
    return in_order([*all_checks(), *own]) if own else all_checks()


def _declared(module: ModuleType) -> list[Check]:
    return [value for value in vars(module).values() if isinstance(value, Check)]


def in_order(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Sort ``checks`` by group and code, moving one back only as far as the checks it depends on ask for.

    Raises:
        ValueError: Two checks share a code, or one depends on a check that does not exist or on itself.
    """
    waiting = sorted(checks, key=lambda check: (list(Group).index(check.group), check.code))
    codes = [check.code for check in waiting]
    if len(set(codes)) < len(codes):
        raise ValueError(f"Two checks share a code among {codes}.")
    placed: list[Check] = []
    while waiting:
        done = {check.code for check in placed}
        ready = next((check for check in waiting if done.issuperset(check.after)), None)
        if ready is None:
            raise ValueError(
                f"The checks {[check.code for check in waiting]} depend on each other or on none that exists."
            )
        waiting.remove(ready)
        placed.append(ready)
    return tuple(placed)


def choose(checks: Sequence[Check], select: Sequence[str] = (), ignore: Sequence[str] = ()) -> tuple[Check, ...]:
    """Return the checks whose code or name begins with one of ``select`` (all for none) and with none of ``ignore``.

    A selected check brings those it depends on, unless they are ignored.

    Raises:
        UsageError: A prefix fits no check.
    """
    for prefix in (*select, *ignore):
        if not any(_fits(check, [prefix]) for check in checks):
            words = [word for check in checks for word in (check.code, check.name)]
            raise UsageError(f"No preflight check has a code or name that begins with {prefix!r}.", near(prefix, words))
    wanted = {check.code for check in checks if not select or _fits(check, select)}
    for check in reversed(checks):
        if check.code in wanted:
            wanted.update(check.after)
    return tuple(check for check in checks if check.code in wanted and not _fits(check, ignore))


def _fits(check: Check, prefixes: Sequence[str]) -> bool:
    return any(
        prefix and (check.code.startswith(prefix.upper()) or check.name.startswith(prefix)) for prefix in prefixes
    )


def run_preflight(
    env_id: str,
    *,
    recipe: Recipe | None = None,
    directory: Path | None = None,
    wrap: Wrapper | None = None,
    make_vector: MakeVector | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    watcher: Watcher | None = None,
    measured: dict[str, Json] | None = None,
    config: Config = DEFAULTS,
) -> PreflightResult:
    """Examine the machine and one environment.

    Args:
        env_id: Gymnasium id, or ``module:id``.
        recipe: What is to be trained; SB3's defaults and no expectations beyond those of ``env_id`` without one.
        directory: Where runs will be written; the disk checks use the current directory without one.
        wrap: Applied directly to what ``gymnasium.make`` returns.
        make_vector: Makes the given number of parallel environments; an SB3 ``DummyVecEnv`` with Monitor without one.
        select: Prefixes of codes or names; the checks that a selected one depends on run as well.
        ignore: Prefixes of codes or names that do not run.
        watcher: Told the name of each check before it runs, its place (from 0) and how many there are.
        measured: Shared numbers: what it holds already (``baselines``) is not measured again, and what the checks
            measure is added.
        config: What the project asks for; ``select`` goes before its selection, and what that names in full runs.

    Raises:
        UsageError: The environment's id, a ``select`` or an ``ignore`` is not known.
    """
    checks = checks_in_force()
    # Of a selection that speaks of signs alone nothing follows for checks.
    asked = [word for word in config.select if any(_fits(check, [word]) for check in checks)]
    chosen = choose(checks, select or asked, ignore)
    suppressed = tuple(_suppressed(chosen, select, config))
    left_out = {item.code for item in suppressed}
    chosen = tuple(check for check in chosen if check.code not in left_out)
    # A broken package is what the checks are there to name; only an unknown id ends the examination here.
    with contextlib.suppress(registry.EnvironmentBroken):
        registry.resolve(env_id)
    measured = {} if measured is None else measured
    patient = PreflightContext(env_id, recipe, wrap, make_vector, directory or Path(), measured, config.rules)
    try:
        results = run_checks(chosen, patient, watcher or (lambda name, place, total: None))
    finally:
        patient.close()
    adjusted = (f"only {', '.join(asked)} of the checks",) if asked and not select else ()
    return replace(_subject(patient, results), suppressed=suppressed, adjusted=adjusted)


def _suppressed(checks: Sequence[Check], select: Sequence[str], config: Config) -> Iterator[Suppressed]:
    """Yield the checks that the configuration leaves out, each with the reason of the word that fits most closely."""
    for check in checks:
        reasons = [(len(word), reason) for word, reason in config.ignore.items() if _fits(check, [word])]
        if reasons and not any(word in (check.code, check.code.lower(), check.name) for word in select):
            yield Suppressed(check.code, check.name, max(reasons)[1])


def run_checks(
    checks: Sequence[Check], patient: PreflightContext, watcher: Watcher
) -> list[tuple[CheckResult, tuple[Finding, ...]]]:
    """Run ``checks`` in order; one that follows a failed one is not run, which is neither pass nor fail."""
    failed: dict[str, str] = {}
    results: list[tuple[CheckResult, tuple[Finding, ...]]] = []
    for place, check in enumerate(checks):
        watcher(check.name, place, len(checks))
        cause = next((failed[code] for code in check.after if code in failed), "")
        if cause:
            failed[check.code] = cause
            results.append((CheckResult(check.code, check.name, Outcome.NOT_RUN, f"not run: {cause}"), ()))
            continue
        examination, findings = _examine(check, patient)
        if any(finding.severity is Severity.ERROR for finding in findings):
            failed[check.code] = f"{check.name} ({check.code}) failed"
        results.append((examination, findings))
    return results


def _examine(check: Check, patient: PreflightContext) -> tuple[CheckResult, tuple[Finding, ...]]:
    findings: list[Finding] = []
    outcome, words = Outcome.PASSED, ""
    started = time.perf_counter()
    try:
        # What packages warn about is collected where it is examined (gymnasium-check); elsewhere it is noise.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            words = _collect(check, patient, findings)
    except Skipped as reason:
        outcome, words = Outcome.SKIPPED, str(reason)
    except registry.EnvironmentBroken as broken:
        outcome, words = Outcome.NOT_RUN, f"not run: {broken.problem}"
    except (Exception, SystemExit) as problem:  # One broken check must not hide what the others would find.
        whose = f"mend the check in {check.origin}" if check.origin else "report it with rldoctor about"
        findings.append(
            error(
                CRASHED,
                f"The check {check.name} ({check.code}) crashed with {one_line(problem)}.",
                f"If the exception is your environment's, mend it there; otherwise {whose}. "
                f"To go on without this check: --ignore {check.code}.",
                exception=type(problem).__name__,
            )
        )
    if findings:
        outcome = Outcome.FIRED
    seconds = time.perf_counter() - started
    stamped = tuple(replace(finding, code=check.code) for finding in findings)
    return CheckResult(check.code, check.name, outcome, words, seconds), stamped


def _collect(check: Check, patient: PreflightContext, findings: list[Finding]) -> str:
    """Move a check's findings into ``findings`` as they come, so that a later crash loses none; return its words."""
    examination = check.examine(patient)
    while True:
        try:
            finding = next(examination)
        except StopIteration as end:
            return str(end.value or "")
        if not isinstance(finding, Finding) or not isinstance(finding.severity, Severity):
            raise TypeError(f"it yields {finding!r}, which is no finding")
        if finding.name not in check.faults:
            raise RuntimeError(f"it yields {finding.name!r}, which it does not declare")
        findings.append(replace(finding, evidence=plain(finding.evidence)))


def plain(value: Any) -> Any:
    """Return evidence as JSON can hold it: numbers and arrays of NumPy's as Python's, anything else as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)


def _subject(patient: PreflightContext, results: Sequence[tuple[CheckResult, tuple[Finding, ...]]]) -> PreflightResult:
    findings = sorted((f for _, found in results for f in found), key=lambda f: -f.severity.rank)
    examinations = tuple(examination for examination, _ in results)
    ran = [e for e in examinations if e.outcome in (Outcome.PASSED, Outcome.FIRED)]
    missed = [e for e in examinations if e.outcome is Outcome.NOT_RUN]
    verdict = verdict_of_findings(findings)
    if not ran or (verdict is Verdict.HEALTHY and missed):
        verdict = Verdict.UNJUDGED
    facts: dict[str, Any] = {"env": patient.env_id, "versions": machine.versions(), "machine": machine.describe()}
    return PreflightResult(
        path=patient.env_id,
        verdict=verdict,
        title=patient.expectation.title if patient.expectation else patient.env_id,
        reference=patient.recipe.name if patient.recipe else "",
        summary=_summary(examinations, findings),
        findings=tuple(findings),
        unjudged=tuple(Unjudged(e.code, e.note) for e in missed),
        checks=examinations,
        facts={**facts, **patient.measured},
    )


def _summary(examinations: Sequence[CheckResult], findings: Sequence[Finding]) -> str:
    counts: Mapping[str, int] = {outcome.value: sum(e.outcome is outcome for e in examinations) for outcome in Outcome}
    kinds = {severity.value: sum(f.severity is severity for f in findings) for severity in reversed(Severity)}
    found = ", ".join(f"{count} {word}{'s' if count > 1 else ''}" for word, count in kinds.items() if count)
    parts = [f"{len(examinations)} checks: {found or 'nothing found'}"]
    parts += [f"{counts[word]} {word}" for word in ("skipped", "not-run") if counts[word]]
    return "; ".join(parts).replace("not-run", "not run")
