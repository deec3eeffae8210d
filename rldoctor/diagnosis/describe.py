"""A diagnosis in words: what was examined, what each sign measured, and what could not be checked."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rldoctor import stats
from rldoctor.diagnosis.match import Match
from rldoctor.logs.frameworks import titles
from rldoctor.logs.read_issues import BEGINNING_MISSING
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.model import Finding, Json, Observation, Run, Severity, Unjudged, Verdict
from rldoctor.rulebook import Rulebook
from rldoctor.rulebook.advice import Advice
from rldoctor.rulebook.case import FEWEST_POINTS
from rldoctor.rulebook.detectors.beginning import NO_BEGINNING
from rldoctor.rulebook.families import FAMILY_METRICS
from rldoctor.rulebook.observe import Evidence, Skipped
from rldoctor.run_record import RunRecord

# A deviation is a note where nothing is wrong or nothing can be said, at most a warning where training has not failed.
_CEILINGS = {Verdict.HEALTHY: Severity.NOTE, Verdict.UNJUDGED: Severity.NOTE, Verdict.SUSPECT: Severity.WARNING}
_OTHER_ALGORITHM = "LOG303"
_NO_KNOWN_METRIC = "LOG301"
_NAMED_TAGS = 5
# Nobody misses them who trains anything else.
_OF_LANGUAGE_MODELS = (
    *("reference_kl", "kl_penalty", "equal_rewards", "group_reward_spread"),
    *("token_entropy", "token_clip_fraction", "token_kl"),
)
_LANGUAGE_MODELS = ("trl", "trl_grpo", "verl", "openrlhf")
# How far a schedule may be off a straight line, as a fraction of its range: rounding, and where the first update is.
_STRAIGHT = 0.02
# What rldoctor's own callback logs, and only it.
_CALLBACK, _CALLBACK_TAG = "{callback}", "doctor/"
# Signs of the logs, of speed and of crashes, the post-mortem among them: their fixes stand beside that of any cause.
_OF_CONDITIONS = ("LOG", "SPD", "NUM102", "NUM11")
# What is missing at the end where a training ends between two points, or its last episodes were not logged. Ours.
_NEARLY_ALL = 0.95
# From these on, numbers are shown with three digits and a power of ten, fractions as per cent.
_MOST_DIGITS, _MOST_PERCENT = 1e9, 1e4
_UNITS = {"env_steps": "steps", "frames": "frames"}


def title(run: Run, matched: Match, book: Rulebook, mappings: tuple[TagMapping, ...] = ()) -> str:
    """Return a sentence on what the run is: framework, algorithm, length and what it is compared with.

    Args:
        run: The run.
        matched: Its reference.
        book: The rulebook.
        mappings: The user's own tag mappings.
    """
    known, logged = run.tags_known
    framework = titles(mappings).get(run.framework, run.framework)
    if not framework:
        framework = "unknown framework"
    elif run.framework_named:
        framework += " (named by --framework)"
    elif known < logged:
        framework += f" ({known} of {logged} tags)"
    algorithm = f"{algorithm_title(run, book)}, " if run.algorithm in book.algorithms else ""
    unit = _UNITS.get(run.step_axis, run.step_axis)
    reference = f"compared with {matched.reference.recipe.name}; {matched.why}" if matched.reference else matched.why
    baseline = ""
    if run.baseline_return is not None:
        baseline = f"; baseline return (better of zero-action and random policy): {run.baseline_return:.3g}"
    return f"{framework}, {algorithm}{run.last_step:,} {unit}{schedules(run)}; {reference}{baseline}."


def algorithm_title(run: Run, book: Rulebook) -> str:
    """Return the run's algorithm as people write it: the variant that its settings name, where they name one."""
    known = book.algorithms[run.algorithm]
    place = run.settings.places.get("algorithm") if run.settings else None
    stated = str(run.settings.entries.get(place.key, "")) if run.settings and place else ""
    word = "".join(letter for letter in stated.lower() if letter.isalnum())
    fitting = [name for name in known.names if word.startswith(name)]
    return known.names[max(fitting, key=len)] if fitting else known.title


def schedules(run: Run) -> str:
    """Return how the learning rate and the clip range change, in words; empty where they are constant."""
    moves = {}
    for metric, name in (("learning_rate", "learning rate"), ("clip_range", "clip range")):
        curve = run.curves.get(metric)
        if curve is None or len(curve) < FEWEST_POINTS or curve.finite() is not curve:
            continue
        if not np.count_nonzero(curve.values != curve.values[0]):
            continue
        span = float(np.ptp(curve.values))
        first, last = float(curve.values[0]), float(curve.values[-1])
        straight = np.interp(curve.steps, curve.steps[[0, -1]], [first, last])
        off = float(np.max(np.abs(curve.values - straight)))
        how = "linearly" if off <= _STRAIGHT * span else "from update to update"
        moves[name] = f"{how} from {first:.2g} to {last:.2g}"
    return "".join(f", {name} changing {how}" for name, how in moves.items())


@dataclass(frozen=True)
class DealtWith:
    """What the fix of the leading cause deals with.

    Attributes:
        evidence: Codes of the evidence for that cause; ``None`` where no cause leads. The fixes of other signs are left
            out: a report has one answer.
        settings: Settings that its fix is about; no sign's own fix changes them.
    """

    evidence: Collection[str] | None = None
    settings: Collection[str] = ()


class _Readable(float):
    """A number in a sentence: nobody reads thirty digits, and there is no less than nothing."""

    def __format__(self, spec: str) -> str:
        percent = spec.endswith("%")
        if math.isfinite(self) and abs(self) >= (_MOST_PERCENT if percent else _MOST_DIGITS):
            return f"{100 * self:.3g}%" if percent else f"{float(self):.3g}"
        shown = format(float(self), spec)
        return re.sub(r"^[+-](?=[0.]*%?$)", "", shown) if shown[:1] in ("+", "-") else shown


def finding(item: Evidence, run: Run, verdict: Verdict, dealt_with: DealtWith, advice: Advice) -> Finding:
    """Return a sign that fired as a finding, with its numbers filled in."""
    sign, measured = item.sign, item.measured
    evidence: dict[str, Json] = {
        "metric": sign.when[0].metric,
        "first_step": measured.first_step,
        "last_step": measured.last_step,
        "observed": measured.observed,
        "expected": measured.expected,
    }
    if "{subject}" in sign.message:
        evidence["subject"] = measured.subject
    told = {**evidence, "observed": _Readable(measured.observed)}
    if "{text}" in sign.message:
        # A tensor of NaN may follow, a line for each of its rows.
        error = RunRecord(run.record).error.strip().splitlines()
        told["text"] = next(iter(error), "no text was kept").rstrip(" .:")
    apart = sign.code.startswith(_OF_CONDITIONS)
    kept = apart or dealt_with.evidence is None or sign.code in dealt_with.evidence
    return Finding(
        code=sign.code,
        name=sign.name,
        severity=_at_most(sign.severity, verdict),
        message=sign.message.format_map(told),
        remedy=advice.text(sign.remedy, without=dealt_with.settings) if kept else "",
        evidence=evidence,
        strength=round(item.strength, 3),
    )


def observed_finding(item: Observation, verdict: Verdict, dealt_with: DealtWith) -> Finding | None:
    """Return what another witness observed as a finding; ``None`` for health, notes and what is hardly there."""
    found = item.finding
    # What an environment does is measured: a training that went well does not make it right.
    if found is None or item.witness == "environment":
        return found
    kept = dealt_with.evidence is None or item.code in dealt_with.evidence
    kept = kept and item.evidence.get("setting") not in dealt_with.settings
    return replace(found, severity=_at_most(found.severity, verdict), remedy=found.remedy if kept else "")


def _at_most(severity: Severity, verdict: Verdict) -> Severity:
    ceiling = _CEILINGS.get(verdict, severity)
    return severity if severity.rank <= ceiling.rank else ceiling


def unjudged(
    book: Rulebook, skipped: Iterable[Skipped], run: Run, verdict: Verdict, advice: Advice
) -> tuple[Unjudged, ...]:
    """Return what could not be checked: one entry for each missing metric, one for the signs of other algorithms.

    What only DoctorCallback logs is one entry, which says how to use it where the library can and the run did not.
    """
    if verdict is Verdict.UNJUDGED and not run.curves:
        return (_nothing_known(run),)
    missing: dict[str, list[str]] = {}
    foreign = []
    for item in skipped:
        if item.reason.foreign:
            foreign.append(item.sign)
        elif item.reason.metric:
            missing.setdefault(item.reason.metric, []).append(item.sign.code)
    hows = {metric: _how(book, metric) for metric in missing}
    of_callback = {metric: codes for metric, codes in missing.items() if hows[metric] == _CALLBACK}
    found = [
        _missing(codes, f"{advice.name(metric)} is not logged", advice.text(hows[metric]))
        for metric, codes in missing.items()
        if metric not in of_callback
        and (metric != "std" or "entropy" not in run.curves)
        and (metric not in _OF_LANGUAGE_MODELS or run.framework in _LANGUAGE_MODELS)
        # Few environments log them, and those that do log what they have.
        and metric not in FAMILY_METRICS
    ]
    if of_callback:
        found.append(_unwatched(run, sorted({code for codes in of_callback.values() for code in codes}), advice))
    late = [item.sign.code for item in skipped if item.reason is NO_BEGINNING]
    if late:
        found.append(_missing(late, NO_BEGINNING.reason, ""))
    algorithm = book.algorithms.get(run.algorithm)
    if algorithm and algorithm.limits and foreign:
        made_for = sorted({book.algorithms[name].title for sign in foreign for name in sign.algorithms})
        reason = f"Not checked: {len(foreign)} signs that are for {', '.join(made_for)}, not {algorithm.title}."
        found.append(Unjudged(_OTHER_ALGORITHM, f"{reason} {algorithm.limits}"))
    return tuple(found)


def _unwatched(run: Run, codes: Sequence[str], advice: Advice) -> Unjudged:
    """Return the entry for what only DoctorCallback logs."""
    if any(curve.tag.startswith(_CALLBACK_TAG) for curve in run.curves.values()):
        reason, how = "DoctorCallback found nothing to measure for them, such as goals or a success flag", ""
    elif advice.library.takes_callback:
        reason, how = "only DoctorCallback logs what they need", advice.text(_CALLBACK)
    else:
        reason, how = "no log of this library holds what they need", ""
    return _missing(codes, reason, how)


def _missing(codes: Sequence[str], reason: str, how: str) -> Unjudged:
    return Unjudged(codes[0], f"Not checked ({reason}): {', '.join(codes)}.", how)


def _nothing_known(run: Run) -> Unjudged:
    if not run.unknown_tags:
        return Unjudged(
            _NO_KNOWN_METRIC,
            f"{run.path}: there are no scalars in it.",
            "Name the folder or the file that the training logs its metrics to.",
        )
    tags = ", ".join(run.unknown_tags[:_NAMED_TAGS])
    return Unjudged(
        _NO_KNOWN_METRIC,
        f"{run.path}: the logs contain no known metric (tags: {tags}).",
        "Write a tag mapping and name it with --framework; docs/how-to/own-training.md shows one.",
    )


def _how(book: Rulebook, metric: str) -> str:
    known = book.metrics.get(metric)
    return known.how_to_log if known else ""


def planned_steps(run: Run) -> int | None:
    """Return the steps that ``run.json``, the settings beside the logs or the logs plan; ``None`` where none does."""
    stated = RunRecord(run.record).recipe_table.get("total_steps") if run.record else None
    if isinstance(stated, int) and stated > 0:
        return stated
    return (run.settings.total_steps if run.settings else None) or run.planned or None


def without_beginning(run: Run) -> str:
    """Return in a sentence that the logs do not begin with the training; empty where they do."""
    first = next(
        (finding.evidence["first_step"] for finding in run.findings if finding.code == BEGINNING_MISSING), None
    )
    return f"The logs begin at step {first:,}; what came before is not judged." if isinstance(first, int) else ""


def unfinished(run: Run) -> str:
    """Return in a sentence how much of its plan a training has done; empty where that is all of it, or unknown."""
    planned, done = planned_steps(run), run.last_step
    # Settings count steps; what a training prints counts what it prints.
    if planned is None or not (run.counts_steps or run.planned) or not done or RunRecord(run.record).is_finished:
        return ""
    longest = max(run.curves.values(), key=len)
    spacing = stats.median(np.diff(longest.steps)) if len(longest) > 1 else 0.0
    if done >= _NEARLY_ALL * planned or done + spacing >= planned:
        return ""
    what = "steps" if run.counts_steps else run.step_axis
    return f"The run is unfinished: {done / planned:.0%} of {planned:,} {what}."
