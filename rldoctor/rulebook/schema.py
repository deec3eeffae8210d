"""What a rule file may say: metrics, signs with their examples, and diagnoses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rldoctor.model import Severity
from rldoctor.rulebook.detectors.detector import Condition


@dataclass(frozen=True)
class Metric:
    """One entry of ``checks/metrics.toml``: a quantity in plain words."""

    name: str
    title: str
    unit: str
    better: str
    meaning: str
    reading: str
    source: str
    how_to_log: str = ""


@dataclass(frozen=True)
class Algorithm:
    """One entry of ``checks/algorithms.toml``.

    Attributes:
        name: As signs, diagnoses and names files write it, such as ``ppo``.
        title: As people write it.
        what: What it is, in a sentence.
        limits: What of it can be judged from its logs and what can not; empty where all can.
        source: Where it is described.
    """

    name: str
    title: str
    what: str
    limits: str
    source: str


@dataclass(frozen=True)
class Example:
    """Curves on which a sign must fire, or must stay silent.

    Attributes:
        fires: Whether it must.
        why: What the example stands for.
        curves: Metric to control points; they are spread evenly over the run and joined by straight lines.
        points: Points of the run.
        reference: Reference to hold the run against, with its recipe taken as the run's own; empty for none.
        record: What the run's ``run.json`` says; empty for a run without one.
        algorithm: What the run was trained with; not told where empty.
    """

    fires: bool
    why: str
    curves: Mapping[str, tuple[float, ...]]
    points: int = 40
    last_step: int = 100_000
    reference: str = ""
    record: Mapping[str, str] = field(default_factory=dict)
    algorithm: str = ""


@dataclass(frozen=True)
class Sign:
    """One observable symptom, one file ``checks/signs/**/CODE-name.toml``.

    Attributes:
        code: Family and three digits.
        name: Kebab-case; names the symptom, never the cure.
        severity: How loud the finding is where the outcome is harmed.
        reassuring: True for a sign of health (a reached target), which is no finding.
        algorithms: Names of the algorithms whose runs it judges; all where empty.
        outcome: ``harmed`` or ``fine`` where the sign tells how the run has turned out; empty for signs of causes.
        says: The finding's message, with ``{observed}``, ``{expected}``, ``{first_step}``, ``{last_step}`` filled in.
        what: What the sign is, for ``rldoctor explain``.
        why: Why it matters.
        do: What to do about it.
        false_alarms: When it shows on a healthy run.
        source: Where the thresholds come from.
        when: Conditions that must all hold; the sign is as strong as the weakest.
        examples: At least one that fires and one that does not.
        file: Where it was read from.
    """

    code: str
    name: str
    severity: Severity
    reassuring: bool
    algorithms: tuple[str, ...]
    outcome: str
    says: str
    what: str
    why: str
    do: str
    false_alarms: str
    source: str
    when: tuple[Condition, ...]
    examples: tuple[Example, ...]
    file: Path

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the sign looks at, the leading one first."""
        return tuple(dict.fromkeys(condition.metric for condition in self.when))


@dataclass(frozen=True)
class DiagnosisRule:
    """One cause, one file ``checks/diagnoses/name.toml``.

    Attributes:
        name: Public, never renamed.
        title: The cause in plain words.
        what: What is going on in such a run.
        remedy: What to change, in words; of a cause outside the recipe it is the instruction.
        change: The concrete changes of settings; none where the cause lies outside the recipe.
        confirmed_by: Codes of the preflight checks that confirm the cause where it lies outside the recipe.
        next_test: The experiment that tells it from its rivals.
        source: Where the knowledge comes from.
        algorithms: Names of the algorithms whose runs can have it; all where empty.
        bias: Log-odds before any sign is seen.
        beside: True for a condition that stands beside the cause of illness (slow, short, mixed) and does not compete
            with it for the odds.
        typical: Codes of the signs that point to this cause and to no other; fitting begins with a high weight there,
            so that they count although the recorded runs hold few such patients.
        excluded_by: Codes of the signs beside which this cause is implausible; fitting begins with a low weight there.
        weights: Sign code to log-odds at full strength; positive speaks for, negative against.
    """

    name: str
    title: str
    what: str
    remedy: str
    change: tuple[SettingChange, ...]
    confirmed_by: tuple[str, ...]
    next_test: str
    source: str
    algorithms: tuple[str, ...]
    bias: float
    beside: bool
    typical: tuple[str, ...]
    excluded_by: tuple[str, ...]
    weights: Mapping[str, float]
    file: Path

    @property
    def outside(self) -> bool:
        """Whether the cause may lie outside the recipe, in the environment or the code."""
        return not self.change or bool(self.confirmed_by)


# What a change may speak of beside one setting: all that differ from the reference.
ALL_SETTINGS = "*"
SPACES = ("", "continuous", "discrete")


@dataclass(frozen=True)
class SettingChange:
    """A concrete change of one setting: data, applied by ``rldoctor treat`` and named by a report's remedy.

    A change is not proposed where the setting has the value already, nor against the direction that ``above`` and
    ``below`` tell.

    Attributes:
        setting: A hyperparameter, as ``--set`` names it; ``*`` for all that differ from the reference.
        to: A usual value; used where no reference matches, or where ``reference`` is false.
        scale: Multiply the run's own value by this instead; only where no reference matches.
        default: Leave the setting out of the recipe instead: SB3's default.
        reference: Go back to the reference's value where one matches.
        above: It is tried only where the value is above this; with a reference, only where that lowers it.
        below: It is tried only where the value is below this; with a reference, only where that raises it.
        spaces: ``continuous`` or ``discrete`` actions alone; both where empty.
        order: Changes of one order are made together; those of the next order are the remedy tried after it.
    """

    setting: str
    to: float | str | bool | None = None
    scale: float | None = None
    default: bool = False
    reference: bool = True
    above: float | None = None
    below: float | None = None
    spaces: str = ""
    order: int = 1
