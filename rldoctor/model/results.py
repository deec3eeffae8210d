"""What was examined, and all that is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rldoctor.model.enums import Json, Outcome, Severity, Verdict
from rldoctor.model.run import Finding
from rldoctor.model.sweep import SettingResult, TrialResult
from rldoctor.model.treatment import Treatment


@dataclass(frozen=True)
class Unjudged:
    """Something that could not be judged, why, and how to make it judgeable next time."""

    code: str
    reason: str
    how_to_log: str = ""


@dataclass(frozen=True)
class Suppressed:
    """What the project's configuration leaves out of this report: a sign that shows, or a check that did not run.

    Attributes:
        code: Of the sign or check.
        name: Its name.
        reason: Why it is left out, in the project's own words.
    """

    code: str
    name: str
    reason: str


@dataclass(frozen=True)
class RankedDiagnosis:
    """A cause with its odds on this subject.

    Attributes:
        name: Key of ``checks/diagnoses/``.
        title: The cause in plain words.
        probability: In [0, 1], over all causes and ``healthy`` together.
        speaks_for: Codes of the findings that speak for it, strongest first.
        speaks_against: Codes of the findings that speak against it.
        remedy: The concrete change, from what to what where the recipe is known.
        next_test: What would tell this cause from its rivals; empty when nothing rivals it.
    """

    name: str
    title: str
    probability: float
    speaks_for: tuple[str, ...] = ()
    speaks_against: tuple[str, ...] = ()
    remedy: str = ""
    next_test: str = ""


@dataclass(frozen=True)
class CheckResult:
    """One preflight check on one subject: how it ended and, in a few words, what it measured or why it did not run."""

    code: str
    name: str
    outcome: Outcome
    note: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class CriterionResult:
    """One passing criterion held against an evaluation.

    Attributes:
        code: ``EVL`` code of the criterion.
        name: Key in the recipe's ``[criteria]``.
        title: The criterion in words.
        observed: What the evaluation measured.
        relation: ``>`` or ``<``.
        threshold: The number to pass.
        passed: Whether ``observed relation threshold`` holds; NaN never passes.
        unit: ``m`` for metres; empty for plain numbers.
        severity: How serious it is where it does not hold.
    """

    code: str
    name: str
    title: str
    observed: float
    relation: str
    threshold: float
    passed: bool
    unit: str = ""
    severity: Severity = Severity.ERROR


@dataclass(frozen=True)
class TableRow:
    """One row of the chapter's "healthy training" table, filled in for this patient.

    Attributes:
        metric: Canonical metric name.
        tag: The raw tag that a reader knows from TensorBoard.
        expected: The chapter's words, or the reference band where it overrules them.
        seen: The numbers of this run.
        values: The curve to draw, thinned to at most a few dozen points.
        mark: ``ok``, ``odd``, ``bad`` or ``missing``.
        why: Filled where the mark needs a word, such as a band that overrules the chapter's literal range.
    """

    metric: str
    tag: str
    expected: str
    seen: str
    values: tuple[float, ...]
    mark: str
    why: str = ""


@dataclass(frozen=True)
class Page:
    """An explanation in plain words: ``sections`` are pairs of heading and text, in reading order."""

    name: str
    title: str
    sections: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Subject:
    """One thing that was examined: a run, an environment, the machine, an evaluation, a sweep or a treatment.

    ``suppressed`` and ``adjusted`` (thresholds, in words) say what would be otherwise as shipped. ``patients`` are the
    runs of a treatment as the doctor sees them: the sick one first, then the trials.
    """

    path: str
    kind: str
    verdict: Verdict
    title: str = ""
    framework: str = ""
    reference: str = ""
    reference_why: str = ""
    steps: int = 0
    summary: str = ""
    diagnoses: tuple[RankedDiagnosis, ...] = ()
    findings: tuple[Finding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    examinations: tuple[CheckResult, ...] = ()
    criteria: tuple[CriterionResult, ...] = ()
    table: tuple[TableRow, ...] = ()
    settings: tuple[SettingResult, ...] = ()
    trials: tuple[TrialResult, ...] = ()
    treatment: Treatment | None = None
    patients: tuple[Subject, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)
    suppressed: tuple[Suppressed, ...] = ()
    adjusted: tuple[str, ...] = ()
