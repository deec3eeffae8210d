"""Runs the checks on one environment, each on its own, and sums up their findings."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rldoctor import machine
from rldoctor.config import DEFAULTS, Config
from rldoctor.environments import naming, registry
from rldoctor.errors import CannotJudge
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
from rldoctor.preflight.blame import contained, raised_in
from rldoctor.preflight.budget import SECONDS, Budget, Hangs, OutOfTime
from rldoctor.preflight.check import Check, Group, NotRun, Skipped, error, one_line, summary, warning
from rldoctor.preflight.checks import all_checks, in_order
from rldoctor.preflight.context import MakeModel, MakeVecEnv, PreflightContext, Wrapper
from rldoctor.preflight.plain import plain
from rldoctor.preflight.plugins import load_plugins
from rldoctor.preflight.wrapper_search import with_layers, without
from rldoctor.recipe import Recipe
from rldoctor.rulebook.selection import CHECKS

CRASHED = "check-crashed"
RAISES = "environment-raises"
HANGS = "environment-hangs"
# The check of reset, step and close.
INTERFACE = "ENV102"
OUT_OF_TIME = "not run: budget"
# Called with the name of the next check, its place (from 0) and how many there are.
Watcher = Callable[[str, int, int], None]
CheckOutcome = tuple[CheckResult, tuple[Finding, ...]]
# Gives what came of a check that runs in another process, None for all others.
Elsewhere = Callable[[Check], CheckOutcome | None]
Beside = Callable[[PreflightContext, Sequence[Check]], AbstractContextManager[Elsewhere]]


def available_checks() -> tuple[Check, ...]:
    """Return the shipped checks and those of other packages, in the order in which they run."""
    return in_order([*all_checks(), *load_plugins().usable])


def with_required(chosen: Sequence[Check]) -> list[Check]:
    """Return ``chosen`` and every check that one of them requires, in the order in which they run."""
    checks = available_checks()
    codes = {check.code for check in chosen}
    for check in reversed(checks):
        if check.code in codes:
            codes.update(check.requires)
    return [check for check in checks if check.code in codes]


def run_preflight(
    env_id: str,
    *,
    recipe: Recipe | None = None,
    directory: Path | None = None,
    wrap: Wrapper | None = None,
    make_vec_env: MakeVecEnv | None = None,
    make_model: MakeModel | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    watcher: Watcher = lambda name, place, total: None,
    measured: dict[str, Json] | None = None,
    config: Config = DEFAULTS,
    budget: float = SECONDS,
    arguments: Mapping[str, Json] | None = None,
    beside: Beside = lambda context, checks: contextlib.nullcontext(lambda check: None),
) -> PreflightResult:
    """Check the machine and one environment.

    Args:
        env_id: Name of the environment, as :func:`rldoctor.environments.registry.resolve` takes it.
        recipe: What is to be trained; without one, SB3's defaults and only the expectations for ``env_id``.
        directory: Where runs will be written; the current directory without one.
        wrap: Applied directly to what ``gymnasium.make`` returns.
        make_vec_env: Makes the given number of parallel environments; an SB3 ``DummyVecEnv`` with Monitor without one.
        make_model: Makes the off-policy algorithm that will be trained, on the environments that it is given; by
            default the one that the recipe names.
        select: Prefixes of codes or names; the checks that a selected one requires run as well.
        ignore: Prefixes of codes or names that do not run.
        watcher: Called before each check runs.
        measured: Shared numbers: what it holds already (``baselines``) is not measured again, and what the checks
            measure is added.
        config: What the project asks for; ``select`` goes before its selection, and what that names in full runs.
        arguments: What the environment is made with; what the recipe says by default.
        budget: Seconds after which no further check runs; what does not fit is reported as not run.
        beside: Runs some checks in another process, such as :func:`rldoctor.preflight.background.environment_checks`.

    Raises:
        UsageError: The environment's id, a ``select`` or an ``ignore`` is not known.
    """
    selection = CHECKS.apply(available_checks(), config, select, ignore, with_required)
    # Checks report a broken package; only an unknown id ends the preflight here.
    with contextlib.suppress(registry.EnvironmentBroken):
        registry.resolve(env_id)
    context = PreflightContext(
        env_id,
        recipe,
        wrap,
        make_vec_env,
        make_model,
        directory or Path(),
        {} if measured is None else measured,
        config.rules,
        load_plugins(),
        Budget(budget),
        arguments,
        verdict_only=measured is None,
    )
    try:
        with beside(context, selection.rules) as elsewhere, context.budget.enforced(), contained():
            results = run_checks(selection.rules, context, watcher, elsewhere)
            results = with_layers(results, context.make, partial(_without_wrappers, context))
    finally:
        with contained():
            unclosed = context.close()
    results = _with_unclosed(results, unclosed)
    return replace(
        _result(context, results),
        suppressed=tuple(Suppressed(check.code, check.name, reason) for check, reason in selection.ignored),
        adjusted=(selection.adjusted,) if selection.adjusted else (),
    )


def run_checks(
    checks: Sequence[Check],
    context: PreflightContext,
    watcher: Watcher,
    elsewhere: Elsewhere = lambda check: None,
) -> list[CheckOutcome]:
    """Run ``checks`` in order; one that requires a failed one is not run, which is neither pass nor fail."""
    failed: dict[str, str] = {}
    results: list[CheckOutcome] = []
    for place, check in enumerate(checks):
        watcher(check.name, place, len(checks))
        cause = next((failed[code] for code in check.requires if code in failed), "")
        if cause:
            failed[check.code] = cause
            results.append((CheckResult(check.code, check.name, Outcome.NOT_RUN, f"not run: {cause}"), ()))
            continue
        result, findings = elsewhere(check) or _run(check, context)
        if any(finding.severity is Severity.ERROR for finding in findings):
            failed[check.code] = f"{check.name} ({check.code}) failed"
            context.failed.add(check.code)
        elif result.note == OUT_OF_TIME:
            failed[check.code] = "budget"
        results.append((result, findings))
    return results


def _without_wrappers(
    context: PreflightContext, off: int, codes: Sequence[str]
) -> tuple[list[Finding], dict[str, Outcome]]:
    """Repeat checks without the outermost wrappers: what they found, and how each ended."""
    inner = replace(context, wrap=lambda env: without(context.wrap(env) if context.wrap else env, off), measured={})
    try:
        chosen = with_required([check for check in available_checks() if check.code in codes])
        again = run_checks(chosen, inner, lambda name, place, total: None)
    finally:
        inner.close()
    return [found for _, several in again for found in several], {result.code: result.outcome for result, _ in again}


def _run(check: Check, context: PreflightContext) -> CheckOutcome:
    findings: list[Finding] = []
    outcome, words = Outcome.PASSED, ""
    started = time.perf_counter()
    try:
        # Warnings of packages are collected by gymnasium-check; elsewhere they are noise.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if check.group is not Group.MACHINE and not check.raw:
                context.require_playable()
            words = _collect(check, context, findings)
    except Skipped as reason:
        outcome, words = Outcome.SKIPPED, str(reason)
    except (NotRun, CannotJudge) as reason:
        outcome, words = Outcome.NOT_RUN, f"not run: {reason}"
    except Hangs as late:
        findings.append(
            error(
                HANGS,
                f"{late.call[:1].upper()}{late.call[1:]} did not return within {late.seconds:.0f} s.",
                "Look for an endless loop, or a wait for a connection or a simulator, in what was called.",
                observed=late.seconds,
            )
        )
    except OutOfTime:
        outcome, words = Outcome.NOT_RUN, OUT_OF_TIME
    except registry.EnvironmentBroken as broken:
        outcome, words = Outcome.NOT_RUN, f"not run: {broken.problem}"
    except (Exception, SystemExit) as problem:  # One broken check must not hide what the others would find.
        if call := raised_in(problem):
            if context.told.is_new(call, problem):
                findings.append(_raises(call, problem))
            else:
                outcome, words = Outcome.NOT_RUN, f"not run: {call} raises"
            return _outcome(check, outcome, words, started, findings)
        otherwise = f"fix the check in {check.origin}" if check.origin else "report it with rldoctor about"
        findings.append(
            error(
                CRASHED,
                f"The check {check.name} ({check.code}) crashed with {one_line(problem)}.",
                f"If the exception is your environment's, fix it there; otherwise {otherwise}. "
                f"To go on without this check: --ignore {check.code}.",
                exception=type(problem).__name__,
            )
        )
    return _outcome(check, outcome, words, started, findings)


def _outcome(check: Check, outcome: Outcome, words: str, started: float, findings: Sequence[Finding]) -> CheckOutcome:
    if findings:
        outcome = Outcome.FIRED
    seconds = time.perf_counter() - started
    with_code = tuple(replace(finding, code=check.code) for finding in findings)
    return CheckResult(check.code, check.name, outcome, words, seconds), with_code


def _raises(call: str, problem: BaseException) -> Finding:
    return error(
        RAISES,
        f"{call} raised {one_line(problem)}{naming.where(problem)}.",
        f"Fix {call} of the environment.",
        exception=type(problem).__name__,
    )


def _with_unclosed(results: Sequence[CheckOutcome], problems: Sequence[BaseException]) -> list[CheckOutcome]:
    """Add to the check of the interface what ``close`` raised."""
    if not problems:
        return list(results)
    message = f"close raised {one_line(problems[0])}{naming.where(problems[0])}."
    finding = warning("close-raises", message, "Let close be called at any time, and more than once.")
    return [
        (replace(result, outcome=Outcome.FIRED), (*found, replace(finding, code=result.code)))
        if result.code == INTERFACE
        else (result, found)
        for result, found in results
    ]


def _collect(check: Check, context: PreflightContext, findings: list[Finding]) -> str:
    """Move a check's findings into ``findings`` as they come, so that a later crash loses none; return its words."""
    running = check.run(context)
    while True:
        try:
            finding = next(running)
        except StopIteration as end:
            return str(end.value or "")
        if not isinstance(finding, Finding) or not isinstance(finding.severity, Severity):
            raise TypeError(f"it yields {finding!r}, which is no finding")
        if finding.name not in check.faults:
            raise RuntimeError(f"it yields {finding.name!r}, which it does not declare")
        findings.append(replace(finding, evidence=plain(finding.evidence)))


def _result(context: PreflightContext, results: Sequence[CheckOutcome]) -> PreflightResult:
    findings = sorted((f for _, found in results for f in found), key=lambda f: -f.severity.rank)
    checked = tuple(result for result, _ in results)
    ran = [result for result in checked if result.outcome in (Outcome.PASSED, Outcome.FIRED)]
    missed = [result for result in checked if result.outcome is Outcome.NOT_RUN]
    verdict = verdict_of_findings(findings)
    if not ran or (verdict is Verdict.HEALTHY and missed):
        verdict = Verdict.UNJUDGED
    facts: dict[str, Any] = {"env": context.env_id, "versions": machine.versions(), "machine": machine.describe()}
    return PreflightResult(
        path=context.env_id,
        verdict=verdict,
        title=context.expectation.title or naming.label(context.env_id),
        reference=context.recipe.name if context.recipe else "",
        summary=summary(checked, findings),
        findings=tuple(findings),
        unjudged=tuple(Unjudged(result.code, result.note) for result in missed),
        checks=checked,
        facts={**facts, **context.measured},
    )
