"""How numbers, verdicts and strangers' names are written, in every format."""

from __future__ import annotations

import math
import os.path
import unicodedata
from collections.abc import Mapping, Sequence
from functools import singledispatch

from rldoctor.model import (
    GateResult,
    Json,
    OverviewResult,
    RankedDiagnosis,
    Report,
    Result,
    RunDiagnosis,
    SweepResult,
    TreatmentResult,
    TreatmentTrial,
    Verdict,
)

# Controls, formats such as those that turn the direction of writing, lone surrogates, and ends of lines and paragraphs.
_SPELT = ("Cc", "Cf", "Cs", "Zl", "Zp")
_WORST_FIRST = (Verdict.SICK, Verdict.SUSPECT, Verdict.UNJUDGED, Verdict.HEALTHY)
_GATE = {Verdict.HEALTHY: "passed", Verdict.SUSPECT: "passed with warnings", Verdict.SICK: "failed"}


def clean(text: str) -> str:
    """Return ``text`` with control characters spelt out: a run's name must not be able to steer the terminal.

    So are the two characters that no XML document may hold (U+FFFE and U+FFFF). A file name that this locale cannot
    read (``LC_ALL=C``) is read as UTF-8 where it is that.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c == "\n" or (unicodedata.category(c) not in _SPELT and c not in "\ufffe\uffff") else repr(c)[1:-1]
        for c in _as_utf8(text)
    )


def _as_utf8(text: str) -> str:
    if text.isascii():
        return text
    try:
        # Python keeps bytes that it could not read as lone surrogates (PEP 383).
        return text.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        return text


def one_line(text: str) -> str:
    """Return ``text`` cleaned and on one line: a name of two lines could make up a line of the report."""
    return clean(text).replace("\n", "\\n")


def number(value: float, unit: str = "") -> str:
    """Return a number with three significant digits, whole where it is large; metres below 1 as millimetres."""
    if unit == "m" and abs(value) < 1:
        return f"{value * 1000:.1f} mm"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    text = f"{value:,.0f}" if 1_000 <= abs(value) < 1e9 else f"{value:.3g}"
    return f"{text} {unit}".strip()


def counted(count: int, word: str) -> str:
    """Return ``1 note``, ``2 notes``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def likelihood(share: float) -> str:
    """Return a probability as a whole percentage; one that rounds to 0 or 100 is never given as certain."""
    return "<1%" if share < 0.005 else ">99%" if share >= 0.995 else f"{share:.0%}"


def odds(diagnosis: RankedDiagnosis) -> str:
    """Return the probability of a cause; nothing for a condition, which has none."""
    return "" if diagnosis.condition else likelihood(diagnosis.probability)


def named(diagnosis: RankedDiagnosis) -> str:
    """Return a diagnosis by its name, with its probability where it has one: ``slow-training``, ``clipping (93%)``."""
    return diagnosis.name if diagnosis.condition else f"{diagnosis.name} ({odds(diagnosis)})"


def odds_of_cause(run: RunDiagnosis) -> str:
    """Return the probability of the likeliest cause; that of a suspect run beside the probability of health."""
    cause = run.cause
    if cause is None or cause.condition:
        return ""
    beside = run.verdict is Verdict.SUSPECT and run.health is not None
    return f"{odds(cause)}; healthy: {likelihood(run.health or 0.0)}" if beside else odds(cause)


@singledispatch
def verdict_word(result: Result, fail_on: Verdict = Verdict.SICK) -> str:
    """Return the word for a result's verdict: a gate passes or fails, a treatment has an outcome."""
    del fail_on
    return result.verdict.value


@verdict_word.register
def _(result: GateResult, fail_on: Verdict = Verdict.SICK) -> str:
    return _gate_word(result.verdict, fail_on)


@verdict_word.register
def _(result: TreatmentResult, fail_on: Verdict = Verdict.SICK) -> str:
    del fail_on
    return result.treatment.outcome.replace("-", " ")


def _gate_word(verdict: Verdict, fail_on: Verdict) -> str:
    return "failed" if verdict is fail_on else _GATE.get(verdict, "not judged")


def report_word(report: Report) -> str:
    """Return the word for the verdict of a whole report."""
    if report.subjects and all(isinstance(subject, GateResult) for subject in report.subjects):
        return _gate_word(report.verdict, report.fail_on)
    if len(report.subjects) == 1:
        return verdict_word(report.subjects[0], report.fail_on)
    return report.verdict.value


def headline(report: Report) -> str:
    """Return one line: the verdict, and of how many subjects."""
    parts = verdict_counts(report) or "nothing to judge"
    counts = "" if len(report.subjects) == 1 else f" ({parts})"
    return f"rldoctor {clean(report.command)}: {report_word(report)}{counts}, exit code {report.exit_code}"


def verdict_counts(report: Report) -> str:
    """Return how many subjects have which verdict, such as ``2 sick, 1 healthy``."""
    overview = next((one for one in report.subjects if isinstance(one, OverviewResult)), None)
    if overview is not None:
        counts = [(getattr(overview.counts, verdict.value), verdict.value) for verdict in _WORST_FIRST]
        return ", ".join(f"{count:,} {word}" for count, word in counts if count)
    # The trainings of a sweep are what counts, not the sweep beside them.
    counted_ones = [one for one in report.subjects if not isinstance(one, SweepResult)] or report.subjects
    ordered = sorted(counted_ones, key=lambda one: _WORST_FIRST.index(one.verdict))
    words = [verdict_word(one, report.fail_on) for one in ordered]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


def role_word(trial: TreatmentTrial) -> str:
    """Return the word for a trial's role in a treatment."""
    return "pilot run" if trial.role == "probe" else trial.role


def changes_in_words(changes: Mapping[str, Json]) -> str:
    """Return ``gamma 0 -> 0.98``, a setting behind the other."""
    return ", ".join(f"{key} {_value(pair, 'from')} -> {_value(pair, 'to')}" for key, pair in changes.items())


def _value(pair: Json, key: str) -> str:
    value = pair.get(key) if isinstance(pair, Mapping) else None
    return f"{value:g}" if isinstance(value, float) else str(value)


def below_what_is_shared(paths: Sequence[str]) -> Sequence[str]:
    """Return paths as they are called below the folder that all of them share; as they are where they share none."""
    try:
        shared = os.path.commonpath(paths)
    except ValueError:  # absolute ones beside relative ones, or beside addresses of object stores
        return paths
    return [os.path.relpath(path, shared) for path in paths] if shared else paths
