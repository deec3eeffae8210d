"""A treatment: what was tried on a sick run's recipe, what came of it, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rldoctor.model.enums import Json


class TreatmentOutcome(StrEnum):
    """What a treatment came to.

    ``UNPROVEN``: the treated run is well, and so is the untreated recipe with another seed. ``INSTRUCTED``: the cause
    lies outside the recipe; the instructions say what to do, and which check confirms it.
    """

    NOTHING_TO_DO = "nothing-to-do"
    CURED = "cured"
    IMPROVED = "improved"
    UNPROVEN = "unproven"
    NOT_CURED = "not-cured"
    INSTRUCTED = "instructed"
    PLANNED = "planned"


class TrialState(StrEnum):
    """How a trial of a treatment ended."""

    WELL = "well"
    SICK = "sick"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Remedy:
    """A change of the recipe that some diagnoses ask for.

    Attributes:
        diagnoses: Their names, likeliest first; empty for the remedy that resets every setting to the reference's.
        probability: Of these diagnoses together, alternatives of a later order counted half.
        changes: Setting to ``{"from": value, "to": value}``.
    """

    diagnoses: tuple[str, ...]
    probability: float
    changes: Mapping[str, Json]


@dataclass(frozen=True)
class Instruction:
    """What the user has to do, where the cause lies outside the recipe.

    Attributes:
        diagnosis: Name of the cause.
        probability: Of the cause.
        text: What to do.
        confirmed_by: Codes of the preflight checks that confirm it.
        tested: ``fired`` or ``passed`` where such a check was run, ``not-run`` where it could not be; otherwise empty.
    """

    diagnosis: str
    probability: float
    text: str
    confirmed_by: tuple[str, ...] = ()
    tested: str = ""


@dataclass(frozen=True)
class TreatmentTrial:
    """One training of a treatment.

    Attributes:
        role: ``remedy``; ``control``, the untreated recipe with another seed; or ``probe``, a pilot run that separates
            tied remedies.
        round: Counted from 1; of a control the round of its remedy; of a pilot run its place among them.
        name: What was changed, in words.
        diagnoses: Those that asked for the change.
        changes: As in :class:`Remedy`; none for a control.
        seed: Of the training.
        path: Its run directory.
        steps: Environment steps that were trained.
        planned: Environment steps of the whole recipe.
        state: How it ended; a pilot run is well where the signs of the leading cause are gone.
        by: What decided that: ``gate``, ``band``, ``doctor``, ``baselines``, ``untreated`` (the run did as well
            without the change), ``end`` or ``signs``.
        why: The reason in a sentence, with the numbers.
        numbers: The last value of each outcome metric, and what a deterministic evaluation measured.
    """

    role: str
    round: int
    name: str
    diagnoses: tuple[str, ...]
    changes: Mapping[str, Json]
    seed: int
    path: str
    steps: int
    planned: int
    state: TrialState
    by: str
    why: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class OutcomeCurve:
    """An outcome metric over environment steps, thinned."""

    metric: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Treatment:
    """A treatment from the sick run to the verdict.

    Attributes:
        outcome: What it came to.
        before: The sick run's directory.
        cause: Name of its leading diagnosis; empty for a run that is well.
        rounds: Maximum number of remedies to try.
        remedies: Changes of the recipe in the order in which they are tried.
        instructions: What the user has to do where the cause lies outside the recipe, likeliest first.
        trials: What was tried.
        steps_spent: Environment steps of all pilot runs, trials and controls together.
        steps_whole: Environment steps of one whole training of the recipe.
        chance: Fisher's exact p, the probability of this outcome if the change made no difference; ``None`` where
            nothing was shown.
        sureness: The evidence in a sentence.
        recipe: File of the cured recipe; empty where there is none.
        notes: Assumptions and look-ups, a sentence each.
        curves: The outcome before and after, by the name of the run.
    """

    outcome: TreatmentOutcome
    before: str
    cause: str
    rounds: int
    remedies: tuple[Remedy, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    trials: tuple[TreatmentTrial, ...] = ()
    steps_spent: int = 0
    steps_whole: int = 0
    chance: float | None = None
    sureness: str = ""
    recipe: str = ""
    notes: tuple[str, ...] = ()
    curves: Mapping[str, OutcomeCurve] = field(default_factory=dict)
