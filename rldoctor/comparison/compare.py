"""Two runs compared: which settings differ, where the curves part first, and what such a difference is known to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rldoctor.comparison.curves import comparable, distances, partings
from rldoctor.comparison.setting_pairs import setting_pairs, show
from rldoctor.diagnosis.context import DiagnosisContext
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.match import match
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.errors import UsageError
from rldoctor.logs import discover, read_run
from rldoctor.model import (
    ComparisonResult,
    Finding,
    Json,
    Parting,
    RankedDiagnosis,
    Run,
    SettingPair,
    Severity,
    Unjudged,
    Verdict,
)

_MOST_CAUSES = 3
# A run that has less than this fraction of the other's steps ended early.
_EARLY = 0.5
_SAME_ENVIRONMENT = "Compare runs of one environment."


def compare(good: Path, bad: Path, context: DiagnosisContext, framework: str | None = None) -> ComparisonResult:
    """Compare two runs.

    Args:
        good: The run that did what it should.
        bad: The run that does not.
        context: What a diagnosis works with.
        framework: What logged both, as :func:`rldoctor.logs.read_run` takes it.

    Raises:
        UsageError: A path does not exist, or there is not exactly one run below it.
    """
    ours, theirs = (read_run(_only_run(path), framework, context.tag_mappings) for path in (good, bad))
    return compare_runs(ours, theirs, context)


def compare_runs(good: Run, bad: Run, context: DiagnosisContext) -> ComparisonResult:
    """Compare two runs that were read."""
    pairs = setting_pairs(good, bad, context.book)
    matched = match(good, None, context.references)
    reference = matched.reference if matched.same_recipe else None
    parted = tuple(partings(good, bad, reference.bands if reference else {}))
    differences = sorted((pair for pair in pairs if pair.differs), key=lambda pair: (not pair.note, not pair.causes))
    other_env = any(pair.name == "env" for pair in differences)
    # How long a training is explains nothing of what happens in it.
    explained = any(pair.name != "total_steps" for pair in differences)
    early = _ended_early(good, bad, other_env)
    findings = [*_of_settings(differences, parted), *_of_curves(parted, explained, other_env), *early]
    known = bool(good.settings and bad.settings and good.settings.stated() and bad.settings.stated())
    can_compare = comparable(good, bad)
    worse = any(map(_is_worse, parted))
    verdict = Verdict.HEALTHY
    if other_env:
        # Nothing is known of how far two environments should be apart.
        verdict = Verdict.SICK if early else Verdict.UNJUDGED
    elif parted or early:
        verdict = Verdict.SICK if worse or not parted else Verdict.SUSPECT
    elif not can_compare:
        verdict = Verdict.UNJUDGED
    return ComparisonResult(
        path=bad.path,
        verdict=verdict,
        title=f"compared with {good.path}{_seeds(good, bad)}.",
        summary=_summary(differences, parted, known, can_compare, explained),
        reference=reference.recipe.name if reference else "",
        findings=tuple(findings),
        unjudged=_unjudged(good, bad, can_compare, other_env),
        good=good.path,
        setting_pairs=(*differences, *(pair for pair in pairs if not pair.differs)),
        partings=parted,
        diagnoses=_diagnoses(bad, context, explained or not known) if parted and not other_env else (),
    )


def _only_run(path: Path) -> Path:
    found = discover([path])
    if len(found) != 1:
        problem = f"{len(found)} runs" if found else "no run"
        raise UsageError(f"There is {problem} below {path}.", "Name the directory of one run.")
    return found[0]


def _of_settings(differences: Sequence[SettingPair], parted: Sequence[Parting]) -> Iterator[Finding]:
    other_env = any(pair.name == "env" for pair in differences)
    for pair in differences:
        message = (
            f"{pair.name} is {show(pair.good)}{_where(pair.good_place)} in the good run and {show(pair.bad)}"
            f"{_where(pair.bad_place)} in the bad one."
        )
        message += f" {pair.note}" if pair.note else ""
        message += f" Known to lead to: {', '.join(pair.causes)}." if pair.causes else ""
        evidence: dict[str, Json] = {"setting": pair.name, "observed": pair.bad, "expected": pair.good}
        remedy = f"Set {pair.name} to {show(pair.good)}, as in the good run." if parted else ""
        # Of another environment, curves and settings are other ones for good reasons.
        remedy = (_SAME_ENVIRONMENT if pair.name == "env" else "") if other_env else remedy
        severity = Severity.WARNING if parted and not other_env else Severity.NOTE
        yield Finding("CMP101", "setting-differs", severity, message, remedy, {**evidence, "causes": list(pair.causes)})


def _where(place: str) -> str:
    return f" ({place})" if place else ""


def _of_curves(parted: Sequence[Parting], settings_differ: bool, other_env: bool) -> Iterator[Finding]:
    if not parted:
        return
    first, *others = parted
    worse = any(_is_worse(one) for one in parted)
    message = (
        f"{first.metric} parts first, at step {first.step:,}: its median from there on is {first.bad:.3g} in the bad "
        f"run and {first.good:.3g} in the good one."
    )
    if first.from_the_start and not settings_differ:
        message += " They differ from their first points on: the environment, its wrappers or the first policy differ."
    if others:
        message += f" Then {', '.join(f'{one.metric} at {one.step:,}' for one in others)}."
    evidence: dict[str, Json] = {"metric": first.metric, "observed": first.bad, "expected": first.good}
    severity = Severity.NOTE if other_env else Severity.ERROR if worse else Severity.WARNING
    yield Finding("CMP102", "curves-part", severity, message, "", {**evidence, "first_step": first.step})


def _is_worse(parting: Parting) -> bool:
    """Return whether the bad run achieves less; how long episodes are says nothing of that."""
    achieves = parting.metric != "episode_length" and distances()[parting.metric].outcome
    return achieves and not parting.bad >= parting.good


def _ended_early(good: Run, bad: Run, other_env: bool) -> list[Finding]:
    own = bad.settings.total_steps if bad.settings else None
    if other_env and not own:
        # How long a training takes is a matter of its environment.
        return []
    wanted = min(good.last_step, own or good.last_step)
    if other_env and own:
        wanted = own
    if not (bad.counts_steps and good.counts_steps) or bad.last_step >= _EARLY * wanted or not bad.last_step:
        return []
    message = f"The run ended at step {bad.last_step:,}; the good one reached {good.last_step:,}."
    return [Finding("CMP103", "ended-early", Severity.ERROR, message, "Read what its process printed last.", {})]


def _summary(
    differences: Sequence[SettingPair], parted: Sequence[Parting], known: bool, can_compare: bool, explained: bool
) -> str:
    pair_of_envs = next((pair for pair in differences if pair.name == "env"), None)
    if pair_of_envs:
        where = f"{show(pair_of_envs.good)} and {show(pair_of_envs.bad)}"
        return f"The runs are of two environments, {where}: that their curves part says nothing of their settings."
    if differences:
        named = [f"{pair.name} ({show(pair.good)} -> {show(pair.bad)})" for pair in differences[:3]]
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        count = "One setting differs" if len(differences) == 1 else f"{len(differences)} settings differ"
        settings = f"{count}: {', '.join(named)}{more}"
    else:
        settings = "No setting differs" if known else "The settings of one or both runs are not known"
    if not can_compare:
        return f"{settings}. No curve of both is long enough to be compared."
    if not parted:
        return f"{settings}. The curves do not part by more than those of two seeds."
    curves = f"the curves part at step {parted[0].step:,}, first in {parted[0].metric}"
    if explained or not known:
        return f"{settings}; {curves}."
    return f"{settings}, and {curves}: look at the environment, its wrappers, the code and the versions of packages."


def _unjudged(good: Run, bad: Run, can_compare: bool, other_env: bool) -> tuple[Unjudged, ...]:
    found = []
    for run in (good, bad):
        if not (run.settings and run.settings.stated()):
            found.append(
                Unjudged(
                    "SET001",
                    f"No settings lie beside the logs of {run.path}.",
                    "Keep run.json, the saved model or the library's file of settings beside them.",
                )
            )
    if other_env:
        found.append(Unjudged("CMP102", "Curves of two environments cannot be compared.", _SAME_ENVIRONMENT))
    elif not can_compare:
        found.append(Unjudged("CMP102", "No metric is logged at eight or more steps by both runs."))
    return tuple(found)


def _diagnoses(bad: Run, context: DiagnosisContext, settings_differ: bool) -> tuple[RankedDiagnosis, ...]:
    """Return the likeliest causes of the bad run; where no setting differs, only those that are not settings alone."""
    found = diagnose_run(bad, context=context).diagnoses
    causes = [item for item in found if not item.condition and item.name != HEALTHY]
    if not settings_differ:
        causes = [item for item in causes if context.book.diagnoses[item.name].outside]
    return tuple(causes[:_MOST_CAUSES])


def _seeds(good: Run, bad: Run) -> str:
    seeds = [run.settings.seed if run.settings else None for run in (good, bad)]
    return f" (seeds {seeds[0]} and {seeds[1]})" if None not in seeds and seeds[0] != seeds[1] else ""
