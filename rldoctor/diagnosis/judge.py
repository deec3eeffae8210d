"""The diagnosis itself: evidence is collected, causes are ranked, and the outcome decides how serious it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from rldoctor import references
from rldoctor.advisories import advisory_findings
from rldoctor.diagnosis.context import DiagnosisContext, shipped_context
from rldoctor.diagnosis.describe import (
    DealtWith,
    finding,
    observed_finding,
    title,
    unfinished,
    unjudged,
    without_beginning,
)
from rldoctor.diagnosis.impossible import set_aside
from rldoctor.diagnosis.match import Match, match
from rldoctor.diagnosis.outcome.ended import told_of_crash, without_lost_returns
from rldoctor.diagnosis.outcome.verdict import (
    DOUBTFUL,
    MIXED_RUNS,
    Decision,
    decide,
    explained_by,
    has_few_points,
    is_foreign,
    is_short,
    repeats_few_returns,
    unless_unlikely,
)
from rldoctor.diagnosis.rank import HEALTHY, Ranked, probability_of, rank
from rldoctor.diagnosis.remedy import Known, advice_of, concrete, known_of
from rldoctor.diagnosis.table import fill_in
from rldoctor.diagnosis.witnesses import listed, observed_remedy, spared, state_settings, tied, witnesses
from rldoctor.model import Json, Observation, RankedDiagnosis, Run, RunDiagnosis, Severity, Statement, Verdict
from rldoctor.rulebook import Case, DiagnosisRule, Rulebook
from rldoctor.rulebook.advice import Advice, settings_of
from rldoctor.rulebook.observe import Observed, observe_many

_MIXED = "mixed-runs"
_SHORT = "too-short-to-judge"
_MISSING = "missing-metrics"
_INCONCLUSIVE = "inconclusive"
# The end of a log alone; a text of a library that prints no return.
_IN_ANOTHER_FILE = ("LOG212", "LOG109")
_PREFLIGHT = "rldoctor preflight"
_SHOWN_CAUSES = 5
_LISTED_TAGS = 20


def diagnose_run(
    run: Run,
    reference: str | None = None,
    book: Rulebook | None = None,
    context: DiagnosisContext | None = None,
    statements: Sequence[Statement] = (),
) -> RunDiagnosis:
    """Diagnose one run.

    Args:
        run: The run.
        reference: A reference to compare it with; by default the one that fits.
        book: The rulebook; that of ``context`` by default.
        context: The context of a configuration; shipped rules by default.
        statements: What other witnesses say, such as the environment. Settings beside the logs are heard anyway.

    Raises:
        UsageError: The reference does not exist.
    """
    context = context or shipped_context()
    if book is not None:
        context = replace(context, book=book)
    return diagnose_runs([run], reference, context, statements)[0]


def diagnose_runs(
    runs: Sequence[Run],
    reference: str | None = None,
    context: DiagnosisContext | None = None,
    statements: Sequence[Statement] = (),
) -> list[RunDiagnosis]:
    """Diagnose each run as :func:`diagnose_run` does; many that were logged at the same steps take less time together.

    Raises:
        UsageError: The reference does not exist.
    """
    context = context or shipped_context()
    runs = [set_aside(run, context.book) for run in runs]
    matches = [match(run, reference, context.references) for run in runs]
    cases = [Case(run, matched.reference, matched.same_recipe) for run, matched in zip(runs, matches, strict=True)]
    # A return of 1e308 is one; what is measured on it may have no number.
    with np.errstate(over="ignore", invalid="ignore"):
        observed = observe_many(context.book, cases)
        rows = zip(cases, matches, observed, strict=True)
        return [_concluded(*row, context, statements) for row in rows]


def _concluded(
    case: Case, matched: Match, seen: Observed, context: DiagnosisContext, statements: Sequence[Statement]
) -> RunDiagnosis:
    """Return what follows from what the signs say of a case."""
    run, book, (observed, skipped) = case.run, context.book, seen
    observed = without_lost_returns(run, observed)
    by_settings = state_settings(run, context.setting_signs)
    if by_settings and matched.same_recipe:
        # With these very settings healthy runs were recorded, however unusual they are.
        by_settings = replace(by_settings, observations=tuple(o for o in by_settings.observations if not o.finding))
    statements = [*statements, *([by_settings] if by_settings else [])]
    observations = [item for statement in statements for item in statement.observations]
    strengths = {item.sign.code: item.strength for item in observed} | {o.key: o.strength for o in observations}
    ranked = rank(book, strengths, run.algorithm, spared(observations))
    fired = [item for item in observed if item.fires and not item.sign.of_health]
    decision = decide(run, case, observed, ranked, observations)
    if decision.verdict is Verdict.HEALTHY and ranked[0].rule.name != HEALTHY:
        # What other witnesses alone point to has done no harm: the logs decide, and no likelier cause is named.
        by_logs = rank(book, {item.sign.code: item.strength for item in observed}, run.algorithm)
        doubted = probability_of(HEALTHY, by_logs) < DOUBTFUL
        with_witnesses = decide(run, case, observed, ranked, observations, doubted=True) if doubted else decision
        if with_witnesses.cause and with_witnesses.cause == ranked[0].rule.name:
            decision = with_witnesses
        else:
            ranked, decision = by_logs, decide(run, case, observed, by_logs)
    decision = told_of_crash(unless_unlikely(decision, ranked), [item.sign.code for item in fired])
    verdict = decision.verdict
    known = known_of(matched, run)
    advice = advice_of(known, run)
    codes = {*(item.sign.code for item in fired), *(item.code for item in observations if item.finding)}
    diagnoses = _diagnoses(book, ranked, codes, known, advice, case, decision, observations)
    dealt_with = _dealt_with(book, verdict, diagnoses)
    found_by_signs = [finding(item, run, verdict, dealt_with, advice) for item in fired]
    explained = explained_by(fired)
    found_by_signs = [replace(f, severity=Severity.NOTE) if f.code in explained else f for f in found_by_signs]
    found = [*found_by_signs]
    found += [other for item in observations if (other := observed_finding(item, verdict, dealt_with)) is not None]
    recipe = matched.recipe or (matched.reference.recipe if matched.reference else None)
    returns = run.curves["episode_return"].finite().values.tolist() if "episode_return" in run.curves else []
    return RunDiagnosis(
        path=run.path,
        verdict=verdict,
        title=title(run, matched, book, context.tag_mappings),
        summary=" ".join(filter(None, (decision.summary, without_beginning(run), unfinished(run)))),
        env=recipe.env if recipe else "",
        framework=run.framework,
        reference=matched.reference.recipe.name if matched.reference else "",
        reference_why=matched.why,
        steps=run.last_step,
        final_return=returns[-1] if returns else None,
        diagnoses=diagnoses,
        findings=(*run.findings, *(advisory_findings(run, verdict) if context.judges_versions else ()), *found),
        unjudged=unjudged(book, skipped, run, verdict, advice),
        table=fill_in(case, found, verdict) if run.curves else (),
        facts={
            "same_recipe": matched.same_recipe,
            "algorithm": run.algorithm,
            "step_axis": run.step_axis,
            "tags_known": run.tags_known[0],
            "tags_logged": run.tags_known[1],
            "unknown_tags": list(run.unknown_tags[:_LISTED_TAGS]),
            **_folder(matched),
        },
        health=None if verdict is Verdict.UNJUDGED else round(probability_of(HEALTHY, ranked), 4),
        tied=tied(ranked, verdict, decision.cause, _family(book, run.algorithm)),
        witnesses=witnesses(case, listed([f"{item.code} {item.name}" for item in found_by_signs]), statements, advice),
        suppressed=context.suppressed(case),
        adjusted=context.adjusted,
    )


def _family(book: Rulebook, algorithm: str) -> str:
    """Return the family of an algorithm; empty for one that is not known."""
    return book.algorithms[algorithm].family if algorithm in book.algorithms else ""


def _folder(matched: Match) -> dict[str, Json]:
    """Return the folder of a reference that is not shipped, for those who draw its bands."""
    if matched.reference is None or matched.reference.recipe.name in references.names():
        return {}
    return {"reference_folder": str(matched.reference.folder)}


def _diagnoses(
    book: Rulebook,
    ranked: Sequence[Ranked],
    fired: Collection[str],
    known: Known,
    advice: Advice,
    case: Case,
    decision: Decision,
    observations: Sequence[Observation],
) -> tuple[RankedDiagnosis, ...]:
    """Return the causes worth naming, and the conditions that have no probability (slow, mixed, short, missing).

    What makes the curves themselves doubtful comes first: causes read from mixed or short curves are less certain.
    """
    conditions = {rule.name: rule for rule in book.diagnoses.values() if not rule.ranked}
    first = [_MIXED] if any(found.code == MIXED_RUNS for found in case.run.findings) else []
    if decision.verdict is Verdict.UNJUDGED:
        why = first or [_why_unjudged(case)]
        named = [_condition(conditions[n], fired, advice, n == _SHORT and not case.curves) for n in why]
        # What is missing from a text is in another one, or in the rest of it.
        elsewhere = [found.remedy for found in case.run.findings if found.code in _IN_ANOTHER_FILE]
        return tuple(replace(one, remedy=elsewhere[0]) if elsewhere and not first else one for one in named)
    causes = [item for item in ranked if decision.verdict is Verdict.HEALTHY or item.rule.name != HEALTHY]
    # The headline's cause leads the list: likelier ones for which no sign shows are left out.
    leads = HEALTHY if decision.verdict is Verdict.HEALTHY else decision.cause
    causes = causes[next((i for i, item in enumerate(causes) if item.rule.name == leads), 0) :]
    others = [
        _condition(rule, fired, advice)
        for name, rule in conditions.items()
        if name not in first and any(code in fired for code in rule.hallmarks)
    ]
    likeliest = [_cause(item, known, advice, case.run, observations) for item in causes[:_SHOWN_CAUSES]]
    return (*(_condition(conditions[name], fired, advice) for name in first), *likeliest, *others)


def _dealt_with(book: Rulebook, verdict: Verdict, diagnoses: Sequence[RankedDiagnosis]) -> DealtWith:
    """Return what the fix of the leading cause deals with, so that no sign's own fix contradicts it."""
    leading = next((item for item in diagnoses if not item.condition), None)
    if leading is None:
        return DealtWith()
    if verdict is Verdict.HEALTHY:
        return DealtWith(evidence=())
    rule = book.diagnoses[leading.name]
    changed = {change.setting for change in rule.change}
    return DealtWith(leading.evidence_for, settings_of(f"{rule.remedy} {rule.otherwise}") | changed)


def _why_unjudged(case: Case) -> str:
    """Return the diagnosis of a run that cannot be judged: too few points, too few metrics, or nothing decisive."""
    if is_foreign(case.run):
        return _MISSING
    if is_short(case) or has_few_points(case) or repeats_few_returns(case):
        return _SHORT
    return _INCONCLUSIVE if "episode_return" in case.curves else _MISSING


def _condition(rule: DiagnosisRule, fired: Collection[str], advice: Advice, empty: bool = False) -> RankedDiagnosis:
    """Return a diagnosis that has no probability: its hallmarks show or they do not.

    Args:
        rule: The diagnosis.
        fired: Codes of signs that show.
        advice: Words for the run's library.
        empty: Nothing at all was logged, for which the rule may have another remedy.
    """
    shown = tuple(code for code in rule.hallmarks if code in fired)
    remedy, test = advice.text(rule.otherwise if empty else rule.remedy), advice.text(rule.next_test)
    return RankedDiagnosis(rule.name, rule.title, 1.0, shown, (), remedy, test, condition=True)


def _cause(
    item: Ranked, known: Known, advice: Advice, run: Run, observations: Sequence[Observation]
) -> RankedDiagnosis:
    rule = item.rule
    remedy, test = concrete(rule, known, advice)
    remedy = observed_remedy(rule, run, observations) or remedy
    examined = any(item.witness == "environment" and item.direction == "health" for item in observations)
    if examined and _PREFLIGHT in test:
        test = ""  # It has been done.
    return RankedDiagnosis(
        name=rule.name,
        title=rule.title,
        probability=round(item.probability, 4),
        evidence_for=item.evidence_for[:6],
        evidence_against=item.evidence_against[:4],
        remedy=remedy,
        next_test=test,
    )
