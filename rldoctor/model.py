"""The words that every part of rldoctor speaks: runs, curves, findings, diagnoses, subjects and reports.

Only frozen data lives here, and the few questions that the data can answer about itself. Nothing here reads a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from rldoctor.errors import EXIT_FINDINGS, EXIT_PASSED, EXIT_UNJUDGED

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"
FloatArray: TypeAlias = "NDArray[np.float64]"
IntArray: TypeAlias = "NDArray[np.int64]"


class Severity(StrEnum):
    """How much a finding matters. A note never changes a verdict."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for a note, 2 for an error."""
        return list(Severity).index(self)


class Verdict(StrEnum):
    """What the doctor says of a subject. Missing data is ``UNJUDGED``, never ``HEALTHY``."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    SICK = "sick"
    UNJUDGED = "unjudged"


class Aggregation(StrEnum):
    """What one logged value of a curve is taken over; the same word can mean noisier numbers elsewhere."""

    MEAN = "mean"
    LAST_EPOCH = "mean-over-last-epoch"
    LAST_MINIBATCH = "last-minibatch"
    WINDOW = "mean-over-recent-episodes"
    SETTING = "setting"


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of a run.

    Attributes:
        metric: Canonical name, a key of ``checks/metrics.toml``.
        steps: Environment steps, non-decreasing, shape ``(n,)``.
        values: The metric in canonical sign and scale, shape ``(n,)``; may hold NaN and infinities as logged.
        tag: The raw name under which the framework logged it.
        aggregation: What each value was averaged over.
    """

    metric: str
    steps: IntArray
    values: FloatArray
    tag: str = ""
    aggregation: Aggregation = Aggregation.MEAN

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.steps)

    def finite(self) -> Curve:
        """Return the curve without NaN and infinite values."""
        import numpy as np  # Late: the words are also spoken by commands that need no arrays (--help, gate).

        keep = np.isfinite(self.values)
        if keep.all():
            return self
        return Curve(self.metric, self.steps[keep], self.values[keep], self.tag, self.aggregation)


@dataclass(frozen=True)
class Run:
    """One training run as its logs tell it.

    Attributes:
        path: The directory that holds the event files, as the user named it.
        framework: Key of ``checks/names/``, such as ``sb3``; empty when no known tag was found.
        curves: Canonical metric name to curve.
        unknown_tags: Scalar tags that the framework's dictionary does not know.
        record: The content of ``run.json``; empty when there is none.
        findings: What reading the logs already showed (torn file, mixed runs, ...).
        size_bytes: Total size of the event files.
    """

    path: str
    framework: str
    curves: Mapping[str, Curve]
    unknown_tags: tuple[str, ...] = ()
    record: Mapping[str, Json] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    size_bytes: int = 0

    @property
    def last_step(self) -> int:
        """The largest environment step of any curve; 0 for a run without points."""
        return max((int(curve.steps[-1]) for curve in self.curves.values() if len(curve)), default=0)

    def to_frame(self) -> pd.DataFrame:
        """Return the curves as a table: index ``step``, one column a metric, NaN where a metric has no point."""
        import pandas as pd

        columns = {
            name: pd.Series(curve.values, index=pd.Index(curve.steps, name="step"), name=name)
            for name, curve in self.curves.items()
        }
        unique = {name: column[~column.index.duplicated(keep="last")] for name, column in columns.items()}
        return pd.DataFrame(unique).sort_index().rename_axis("step")


@dataclass(frozen=True)
class Finding:
    """A check or a sign that fired on this subject.

    Attributes:
        code: Family and three digits, such as ``ENV401``; never reused.
        name: The fault in kebab-case, such as ``reward-constant``.
        severity: Note, warning or error.
        message: One or two sentences: what was seen, where, and what was expected.
        remedy: What to change, as concrete as it can be; empty for most notes.
        evidence: The numbers: ``metric``, ``observed``, ``expected``, ``first_step``, ``last_step`` and the like.
        strength: How clearly the sign shows, in [0, 1]; 1 for a check.
    """

    code: str
    name: str
    severity: Severity
    message: str
    remedy: str = ""
    evidence: Mapping[str, Json] = field(default_factory=dict)
    strength: float = 1.0


@dataclass(frozen=True)
class Unjudged:
    """Something that could not be judged, why, and how to make it judgeable next time."""

    code: str
    reason: str
    how_to_log: str = ""


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


class Outcome(StrEnum):
    """How the examination by one check ended. ``NOT_RUN`` is neither pass nor fail."""

    PASSED = "passed"
    FIRED = "fired"
    NOT_RUN = "not-run"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Examination:
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
    """One thing that was examined: a run, an environment, the machine or an evaluation."""

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
    examinations: tuple[Examination, ...] = ()
    criteria: tuple[CriterionResult, ...] = ()
    table: tuple[TableRow, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What a command found: its subjects, one verdict, one exit code, and the mildest verdict that fails."""

    command: str
    subjects: tuple[Subject, ...]
    verdict: Verdict
    exit_code: int
    fail_on: Verdict = Verdict.SICK

    def render(self, format_name: str = "text", verbose: bool = False) -> str | None:
        """Return the report in a format of ``rldoctor.render.FORMATS``; ``text`` is printed and returns ``None``.

        Raises:
            UsageError: There is no such format.
        """
        # The renderers live above this module; they are looked up by name, so that it needs none of them.
        text: str | None = import_module("rldoctor.render").render(self, format_name, verbose)
        return text

    def _repr_html_(self) -> str:
        """Show the report in a notebook."""
        html: str = import_module("rldoctor.render.notebook").render_notebook(self)
        return html


# Worst first. One unjudged subject among healthy ones leaves the whole unjudged: silence must not read as health.
_WORST_FIRST = (Verdict.SICK, Verdict.UNJUDGED, Verdict.SUSPECT, Verdict.HEALTHY)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of ``verdicts``; ``UNJUDGED`` for none at all."""
    return min(verdicts, key=_WORST_FIRST.index, default=Verdict.UNJUDGED)


def verdict_of_findings(findings: Iterable[Finding]) -> Verdict:
    """Return sick for any error, suspect for any warning, else healthy. For checks, where each finding is a fact."""
    rank = max((finding.severity.rank for finding in findings), default=0)
    return (Verdict.HEALTHY, Verdict.SUSPECT, Verdict.SICK)[rank]


def exit_code_of(verdicts: Iterable[Verdict], fail_on: Verdict = Verdict.SICK) -> int:
    """Return 1 if any verdict is at or above ``fail_on``, else 3 if any is unjudged (or there is none), else 0."""
    seen = set(verdicts)
    failing = {Verdict.SICK} if fail_on is Verdict.SICK else {Verdict.SICK, Verdict.SUSPECT}
    if seen & failing:
        return EXIT_FINDINGS
    if not seen or Verdict.UNJUDGED in seen:
        return EXIT_UNJUDGED
    return EXIT_PASSED


def make_report(command: str, subjects: Sequence[Subject], fail_on: Verdict = Verdict.SICK) -> Report:
    """Sum ``subjects`` up into one report."""
    verdicts = [subject.verdict for subject in subjects]
    return Report(command, tuple(subjects), worst(verdicts), exit_code_of(verdicts, fail_on), fail_on)
