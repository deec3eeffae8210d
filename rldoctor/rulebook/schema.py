"""What a rule file may say: metrics, algorithms, signs with their examples, and diagnoses.

The attributes are the keys of the files. A default is what a file that leaves the key out says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field

from rldoctor.datafile import Finite, Positive, Table, Text
from rldoctor.model import Severity
from rldoctor.rulebook.detectors import Detector
from rldoctor.rulebook.detectors.detector import Graded

# Weaker evidence still counts in the odds, but is not worth a reader's line.
FIRES_FROM = 0.5


class Metric(Table, frozen=True):
    """One entry of ``checks/metrics.toml``: a quantity in plain words.

    ``lowest`` and ``highest`` are what it can be at all; a curve beyond them is miscounted, and is set aside.
    """

    title: Text
    better: Text
    meaning: Text
    reading: Text
    source: Text
    unit: str = ""
    how_to_log: str = ""
    lowest: float = -math.inf
    highest: float = math.inf


class Algorithm(Table, frozen=True):
    """One entry of ``checks/algorithms.toml``.

    Attributes:
        title: As people write it.
        what: What it is, in a sentence.
        limits: What of it can be judged from its logs and what can not; empty where all can.
        source: Where it is described.
        family: Algorithms that are judged alike: ``weights_<family>.toml`` has the weights for their runs. Empty for
            those of ``weights.toml``.
        names: What settings files call its variants, in lower case, to how people write them.
        learning_rate: Stable-Baselines3's default, where rldoctor does not train the algorithm: rates that texts name
            for PPO are scaled by it. 0 for that of PPO.
        lacks: Settings of PPO that it does not have; of algorithms that rldoctor trains, their own settings tell.
    """

    title: Text
    what: Text
    source: Text
    limits: str = ""
    family: str = ""
    names: dict[str, str] = field(default_factory=dict)
    learning_rate: float = 0.0
    lacks: tuple[str, ...] = ()


class Example(Table, frozen=True):
    """Curves on which a sign must fire, or must stay silent.

    Attributes:
        fires: Whether it must.
        why: What the example stands for.
        curves: Metric to control points; they are spread evenly over the run and joined by straight lines.
        points: Points of the run.
        last_step: Its last step.
        suite: The collection of environments whose terms are logged.
        reference: Reference to compare the run with, whose recipe is taken as the run's own; empty for none.
        record: What the run's ``run.json`` says; empty for a run without one.
    """

    fires: bool
    why: Text
    curves: Annotated[dict[str, Annotated[tuple[float, ...], Meta(min_length=1)]], Meta(min_length=1)]
    points: Positive = 40
    last_step: Positive = 100_000
    suite: str = ""
    reference: str = ""
    record: dict[str, str] = field(default_factory=dict)


class Sign(Table, frozen=True, rename={"examples": "example"}):
    """One observable symptom, one file ``checks/signs/**/CODE-name.toml``.

    Attributes:
        code: Family and three digits.
        name: Kebab-case; names the symptom, never the fix.
        severity: How loud the finding is where training failed.
        direction: What the sign is evidence of: a ``fault``, or ``health``, which is no finding.
        algorithms: Names of the algorithms whose runs it judges; all where empty.
        outcome: ``harmed`` or ``fine`` where the sign says how the run has turned out; empty for signs of causes.
        explains: Codes of signs of the outcome that it accounts for: where it shows, they are no harm by themselves.
        message: The finding's, with ``{observed}``, ``{expected}``, ``{first_step}``, ``{last_step}`` and
            ``{subject}``, the tags that are meant, filled in.
        what: What the sign is, for ``rldoctor explain``.
        why: Why it matters.
        remedy: What to do about it.
        false_alarms: When it shows on a healthy run.
        source: Where the thresholds come from.
        when: Conditions that must all hold; the sign is as strong as the weakest.
        examples: At least one that fires and one that does not; ``[[example]]`` in the file.
        file: Where it was read from.
    """

    code: Text
    name: Text
    severity: Severity
    message: Text
    what: Text
    why: Text
    remedy: Text
    false_alarms: Text
    source: Text
    when: Annotated[tuple[Detector, ...], Meta(min_length=1)]
    examples: tuple[Example, ...]
    direction: Literal["fault", "health"] = "fault"
    outcome: Literal["", "harmed", "fine"] = ""
    algorithms: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    file: Path = Path()

    @property
    def of_health(self) -> bool:
        """Whether the sign is evidence of health."""
        return self.direction == "health"

    @property
    def measured(self) -> str:
        """What is measured and when that counts, in words."""
        conditions = "; and ".join(condition.describe() for condition in self.when)
        graded = any(isinstance(condition, Graded) for condition in self.when)
        reported = f" Reported from a strength of {FIRES_FROM:g}." if graded else ""
        return f"{conditions}.{reported}"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the sign looks at, the leading one first."""
        return tuple(dict.fromkeys(condition.metric for condition in self.when if condition.metric)) or ("",)


class WitnessRule(Table, frozen=True):
    """What one observation of a witness other than the logs says, such as a finding of a preflight check.

    Attributes:
        supports: Names of the diagnoses that it makes likelier.
        contradicts: Names of the diagnoses that it makes less likely.
        steady: It says this only of environments that draw no random numbers while they step: what a check measures
            with one seed cannot show that it is noise.
        usual: Many sound environments do so, and it counts for less.
    """

    supports: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()
    steady: bool = False
    usual: bool = False


# What a change may name beside one setting: all that differ from the reference.
ALL_SETTINGS = "*"


class SettingChange(Table, frozen=True):
    """A concrete change of one setting: data, applied by ``rldoctor treat`` and named by a report's remedy.

    A change is not proposed where the setting has the value already, nor against the direction that ``above`` and
    ``below`` give.

    Attributes:
        setting: A hyperparameter, as ``--set`` names it; ``*`` for all that differ from the reference.
        to: A usual value; used where no reference matches, or where ``reference`` is false.
        scale: Multiply the run's own value by this instead; only where no reference matches.
        default: Leave the setting out of the recipe instead: SB3's default.
        reference: Go back to the reference's value where one matches.
        above: It is tried only where the value is above this; with a reference, only where that lowers it.
        below: It is tried only where the value is below this; with a reference, only where that raises it.
        share: ``to`` is at most this share of the run's planned steps.
        above_share: As ``above``, as a share of the planned steps.
        spaces: ``continuous`` or ``discrete`` actions alone; both where empty.
        algorithms: Keys of ``checks/algorithms.toml`` that it is for; all where empty.
        order: Changes of one order are made together; those of the next order are the remedy tried after it.
    """

    setting: Text
    to: int | float | str | bool | None = None
    scale: float | None = None
    default: bool = False
    reference: bool = True
    above: float | None = None
    below: float | None = None
    share: float | None = None
    above_share: float | None = None
    spaces: Literal["", "continuous", "discrete"] = ""
    algorithms: tuple[str, ...] = ()
    order: Positive = 1

    def __post_init__(self) -> None:
        """Refuse a change that says in two ways, or in none, what the setting is to become."""
        stated = {"to": self.to is not None, "scale": self.scale is not None, "default": self.default}
        ways = [key for key, given in stated.items() if given]
        if len(ways) > 1 or not (ways or self.reference):
            raise ValueError(
                f"the change of {self.setting} has {' and '.join(ways) or 'no new value'}: give one of to, scale and "
                "default = true, or none of them for the reference's value alone"
            )


class Wording(Table, frozen=True):
    """What a cause is called and what helps where that differs for a family of algorithms; empty where it does not."""

    what: str = ""
    remedy: str = ""
    otherwise: str = ""
    next_test: str = ""


class DiagnosisRule(Table, frozen=True):
    """One cause, one file ``checks/diagnoses/name.toml``.

    Attributes:
        name: Public, never renamed.
        title: The cause in plain words.
        what: What is going on in such a run.
        remedy: What to change, in words; of a cause outside the recipe it is the instruction.
        otherwise: The remedy where every change that ``remedy`` asks for has been made already; of a condition, where
            nothing is logged at all.
        change: The concrete changes of settings; none where the cause lies outside the recipe.
        confirmed_by: Codes of the preflight checks that confirm the cause where it lies outside the recipe.
        next_test: The experiment that tells it from its rivals.
        source: Where the knowledge comes from.
        wording: Family of algorithms to texts that take the place of the above for their runs.
        algorithms: Names of the algorithms whose runs can have it; all where empty.
        ranked: False for a condition that is shown beside the causes (slow, short, mixed) and has no probability.
        hallmarks: Codes of the signs that are evidence of this cause and of no other.
        excluded_by: Codes of the signs that make this cause implausible.
        bias: Log-odds before any sign is seen; of a shipped cause in ``weights.toml``.
        weights: Sign code to log-odds at full strength, positive for and negative against; as ``bias``.
        file: Where it was read from.
    """

    name: Text
    title: Text
    what: Text
    remedy: Text
    source: Text
    next_test: str = ""
    otherwise: str = ""
    change: tuple[SettingChange, ...] = ()
    confirmed_by: tuple[str, ...] = ()
    wording: dict[str, Wording] = field(default_factory=dict)
    algorithms: tuple[str, ...] = ()
    ranked: bool = True
    hallmarks: tuple[str, ...] = ()
    excluded_by: tuple[str, ...] = ()
    bias: Finite = 0.0
    weights: dict[str, Finite] = field(default_factory=dict)
    file: Path = Path()

    @property
    def evidence_for(self) -> tuple[str, ...]:
        """Codes of the signs that are evidence for it, the weightiest first."""
        if not self.ranked:
            return self.hallmarks
        return tuple(sorted((code for code, w in self.weights.items() if w > 0), key=lambda code: -self.weights[code]))

    @property
    def evidence_against(self) -> tuple[str, ...]:
        """Codes of the signs that are evidence against it, the weightiest last."""
        return tuple(sorted((code for code, w in self.weights.items() if w < 0), key=lambda code: -self.weights[code]))

    @property
    def outside(self) -> bool:
        """Whether the cause may lie outside the recipe, in the environment or the code."""
        return not self.change or bool(self.confirmed_by)


# Keys of earlier versions and what they are called now.
RENAMED: Mapping[type, Mapping[str, str]] = {
    Sign: {
        "verb": "detector",
        "ramp": "thresholds",
        "phase": "window",
        "over": "statistic",
        "says": "message",
        "do": "remedy",
        "beside": "logged",
        "nor": "alternatives",
        "reassuring": 'direction = "health"',
    },
    DiagnosisRule: {"typical": "hallmarks", "beside": "ranked = false"},
}
