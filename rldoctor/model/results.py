"""What a command examined and all that it says of it: one type of result for each kind of examination."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

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
    """What the project's configuration leaves out of a result: a sign that shows, or a check that did not run.

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
    """A cause and how likely it is on this run, or a condition that has no probability.

    Attributes:
        name: Key of ``checks/diagnoses/``.
        title: The cause in plain words.
        probability: In [0, 1], over all causes and ``healthy`` together; 1 for a condition.
        evidence_for: Codes of the findings that point to it, strongest first.
        evidence_against: Codes of the findings that contradict it.
        remedy: The concrete change, from what to what where the recipe is known.
        next_test: A test that separates this cause from its rivals; empty where it has none.
        condition: Whether it is a condition (slow, short, mixed, crashed), which shows or does not, and no cause.
    """

    name: str
    title: str
    probability: float
    evidence_for: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()
    remedy: str = ""
    next_test: str = ""
    condition: bool = False


@dataclass(frozen=True)
class Witness:
    """One source of evidence on a run: its logs, its environment, its settings or its saved model.

    Attributes:
        name: ``logs``, ``settings``, ``environment``, ``model``, or ``test``: a short training that the doctor ran.
        examined: What was examined; empty where it was not at hand.
        said: What it said, in a few words; where it was not at hand, why.
        command: What would add it; empty where it is there.
    """

    name: str
    examined: str
    said: str
    command: str = ""


@dataclass(frozen=True)
class CheckResult:
    """One preflight check: how it ended and, in a few words, what it measured or why it did not run."""

    code: str
    name: str
    outcome: Outcome
    note: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class CriterionResult:
    """One passing criterion and what the evaluation measured.

    Attributes:
        code: ``EVL`` code of the criterion.
        name: Key in the recipe's ``[criteria]``.
        title: The criterion in words.
        observed: What the evaluation measured.
        relation: ``>`` or ``<``.
        threshold: The number to pass.
        passed: Whether ``observed relation threshold`` is true; NaN never passes.
        unit: ``m`` for metres; empty for plain numbers.
        severity: How serious a miss is.
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
    """One row of a run's table of key metrics.

    Attributes:
        metric: Canonical metric name.
        tag: The raw tag that a reader knows from TensorBoard.
        expected: The textbook range in words.
        seen: The numbers of this run.
        values: The curve to draw, thinned to at most a few dozen points.
        mark: ``ok``, ``odd``, ``bad`` or ``missing``.
        why: Why a value outside the textbook range is not flagged; empty elsewhere.
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
    """An explanation in plain words.

    Attributes:
        name: What is explained: the code and the name, or the name alone.
        title: The same in words; may be empty.
        sections: Pairs of heading and text, in reading order.
        location: Where its page is in the documentation (``rldoctor.model.website``); empty where it has none.
    """

    name: str
    title: str
    sections: tuple[tuple[str, str], ...]
    location: str = ""


@dataclass(frozen=True)
class Result:
    """One thing that was examined, with what every examination has.

    Attributes:
        path: A run directory as the user named it, a folder of runs, or an environment id.
        verdict: Of this subject alone.
        title: What it is, in a sentence.
        summary: The outcome, in a sentence.
        reference: Name of the reference that it was compared with; empty for none.
        findings: Checks, signs and criteria that fired.
        unjudged: What could not be judged.
        facts: Other numbers of the examination. Their keys are not part of the public contract.
        suppressed: What the project's configuration leaves out.
        adjusted: Thresholds and criteria that the project's configuration changes, in words.
        kind: The word for this type in reports for programs.
    """

    kind: ClassVar[str]

    path: str
    verdict: Verdict
    title: str = ""
    summary: str = ""
    reference: str = ""
    findings: tuple[Finding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)
    suppressed: tuple[Suppressed, ...] = ()
    adjusted: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunDiagnosis(Result):
    """A training run, diagnosed from its logs.

    Attributes:
        env: Id of its environment; empty where neither logs nor reference name it.
        framework: Key of ``checks/tags/``; empty where the tags are unknown.
        reference_why: Why this reference was chosen, or why there is none.
        steps: The last environment step.
        final_return: The last logged mean return; ``None`` where none was logged.
        diagnoses: Likely causes, the likeliest first, then conditions. What leaves a run unjudged, and mixed runs,
            which make its curves doubtful, come first.
        table: Its key metrics at a glance.
        health: The probability that nothing is wrong; ``None`` where the run could not be judged.
        tied: Names of the leading causes where nothing at hand tells them apart; empty where one leads clearly.
        witnesses: What was heard: logs, environment, settings, saved model.
    """

    kind = "run"

    env: str = ""
    framework: str = ""
    reference_why: str = ""
    steps: int = 0
    final_return: float | None = None
    diagnoses: tuple[RankedDiagnosis, ...] = ()
    table: tuple[TableRow, ...] = ()
    health: float | None = None
    tied: tuple[str, ...] = ()
    witnesses: tuple[Witness, ...] = ()

    @property
    def cause(self) -> RankedDiagnosis | None:
        """The likeliest cause, be the run sick or not; ``None`` where ``healthy`` is all there is."""
        return next((diagnosis for diagnosis in self.diagnoses if diagnosis.name != "healthy"), None)


@dataclass(frozen=True)
class PreflightResult(Result):
    """An environment and this machine, checked before a training."""

    kind = "environment"

    checks: tuple[CheckResult, ...] = ()


@dataclass(frozen=True)
class ProbeResult(PreflightResult):
    """An implementation of an algorithm, trained on the probe environments.

    Attributes:
        checks: One for each probe.
        diagnoses: The parts of the implementation that may be faulty, the likeliest first; empty where all probes pass.
    """

    kind = "algorithm"

    diagnoses: tuple[RankedDiagnosis, ...] = ()


@dataclass(frozen=True)
class GateResult(Result):
    """The evaluation of a run, or of several seeds of a recipe, compared with passing criteria."""

    kind = "evaluation"

    criteria: tuple[CriterionResult, ...] = ()


@dataclass(frozen=True)
class SweepResult(Result):
    """Settings compared over seeds, and the trials behind them."""

    kind = "sweep"

    settings: tuple[SettingResult, ...] = ()
    trials: tuple[TrialResult, ...] = ()


@dataclass(frozen=True)
class TreatmentResult(Result):
    """What a treatment tried on a sick run's recipe, and what came of it.

    Attributes:
        framework: Of the sick run.
        steps: The last environment step of the sick run.
        treatment: What was tried, and its outcome.
        runs: The diagnoses of the sick run and then of each trial.
    """

    kind = "treatment"

    framework: str = ""
    steps: int = 0
    treatment: Treatment = field(kw_only=True)
    runs: tuple[RunDiagnosis, ...] = ()


@dataclass(frozen=True)
class FailedCommand(Result):
    """A command that could not do its work; ``summary`` says why."""

    kind = "command"
