"""What a treatment will do: whether anything needs to be done, which remedies are tried, and where."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rldoctor import run_directory
from rldoctor.environments.engine import Engine
from rldoctor.executors import Executor
from rldoctor.experiments.sweep import throughput
from rldoctor.experiments.treatment.admission import Admission
from rldoctor.experiments.treatment.reference_comparison import OUTCOMES, ReferenceComparison, Standing, yardstick
from rldoctor.experiments.treatment.remedies import (
    causes,
    changed,
    in_words,
    instructions,
    leads_outside,
    remedies,
    unusual,
    within,
)
from rldoctor.gate import judge_run
from rldoctor.model import Instruction, Json, Remedy, Verdict
from rldoctor.recipe import Recipe

TREATMENTS = "treatments"
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Plan:
    """A treatment before it begins.

    Attributes:
        patient: The sick run.
        yard: What trials are held against.
        folder: Holds the trials and the reports.
        rounds: Remedies that may be tried.
        candidates: All that are worth a trial, the most promising first.
        instructions: What the user has to do where a cause lies outside the recipe.
        outside: The likeliest cause lies there: its preflight checks are run first.
    """

    patient: Admission
    yard: ReferenceComparison
    folder: Path
    rounds: int
    candidates: tuple[Remedy, ...]
    instructions: tuple[Instruction, ...]
    outside: bool

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """Those that are tried, in order, as many as there are rounds at most."""
        return within(self.candidates, self.rounds)

    def recipe_with(self, changes: Mapping[str, Json]) -> Recipe:
        """Return the patient's recipe with a remedy's changes made."""
        reference = self.patient.reference
        return changed(self.patient.recipe, changes, reference.recipe if reference is not None else None)

    def place_of(self, changes: Mapping[str, Json], seed: int, kind: str = "") -> Path:
        """Return the directory of a trial: told by what it changes and its seed, in whichever round it comes."""
        telling = json.dumps([changes, seed], sort_keys=True)
        digest = hashlib.sha256(telling.encode("utf-8", "backslashreplace")).hexdigest()[:6]
        return self.folder / f"{kind}{'+'.join(changes)[:_LONGEST_NAME]}-{digest}"


def make_plan(patient: Admission, out: Path, rounds: int) -> Plan:
    """Make the plan of a treatment.

    Args:
        patient: The sick run.
        out: The folder that collects runs.
        rounds: Remedies that may be tried, at least 1.
    """
    candidates = remedies(patient)
    told = instructions(patient)
    yard = yardstick(patient.run, patient.reference, patient.recipe.total_steps)
    outside = leads_outside(within(candidates, rounds), told, patient.subject.verdict)
    return Plan(patient, yard, _folder(patient, out), rounds, candidates, told, outside)


def nothing_to_do(patient: Admission) -> str:
    """Return why a run needs no treatment, in a sentence; empty for one that does.

    A healthy run needs none. Its outcome below that of all healthy runs of the reference is no illness, as its settings
    may be slower; beside a setting that is far outside what is usual it is worth a trial.
    """
    subject = patient.subject
    end = _end(patient)
    if subject.verdict is Verdict.HEALTHY:
        far = unusual(patient) if end is not None and not end.inside else {}
        return "" if far else f"The run is healthy. {subject.summary}"
    if subject.verdict is Verdict.SUSPECT:
        if judge_run(patient.directory).verdict is Verdict.HEALTHY:
            return f"The gate passes. {subject.summary}"
        # A broken reward, or a broken flag, makes the logged outcome what it should not be.
        if end is not None and end.inside and not any(rule.outside for _, rule in causes(patient)[:1]):
            return f"Its outcome is what healthy runs reach. {subject.summary}"
    return ""


def second_look(patient: Admission) -> str:
    """Return why a run is treated whose curves show no illness; empty for any other."""
    if patient.subject.verdict is not Verdict.HEALTHY or patient.reference is None:
        return ""
    far = ", ".join(f"{setting} {move.before}" for setting, move in unusual(patient).items())
    return (
        "The curves show no illness, but the outcome is below that of the "
        f"{patient.reference.healthy_seeds} healthy seeds of {patient.reference.recipe.name}, "
        f"and far from what is usual: {far}."
    )


def was_behind(plan: Plan) -> bool:
    """Tell whether the sick run ended below what every healthy run of the reference had reached."""
    end = _end(plan.patient)
    return end is not None and not end.inside


def _end(patient: Admission) -> Standing | None:
    """Return where the run stood at its end; ``None`` without a reference."""
    yard = yardstick(patient.run, patient.reference, patient.recipe.total_steps)
    last = {metric: float(yard.sick[metric].values[-1]) for metric in OUTCOMES if metric in yard.sick}
    return yard.stands(patient.run.last_step, last)


def in_lines(plan: Plan) -> list[str]:
    """Return the plan in a few lines for people."""
    patient = plan.patient
    leading = next((cause for cause in patient.subject.diagnoses if cause.name != "healthy"), None)
    named = f", {leading.name} ({leading.probability:.0%})" if leading is not None else ""
    lines = [f"{patient.subject.path}: {patient.subject.verdict}{named}; {patient.recipe.env}, seed {patient.seed}."]
    lines += filter(None, (*patient.notes, second_look(patient)))
    if plan.outside and plan.instructions:
        codes = ", ".join(dict.fromkeys(code for one in plan.instructions[:1] for code in one.confirmed_by))
        lines.append(
            f"The likeliest cause lies outside the recipe{f'; preflight checks it first: {codes}' if codes else ''}."
        )
    for place, remedy in enumerate(plan.remedies, 1):
        why = ", ".join(remedy.diagnoses) or "back to the reference altogether"
        sure = f" ({remedy.probability:.0%})" if remedy.diagnoses else ""
        lines.append(f"Round {place}: {in_words(remedy.changes)}, for {why}{sure}.")
    if not plan.remedies:
        lines.append("Nothing in the recipe is to be changed: the cause lies in the environment or the code.")
    return lines


def foretold(plan: Plan, executor: Executor, probes: int = 0, steps: int = 0) -> str:
    """Return how long the treatment takes at most, from a rate that is measured there and then.

    Args:
        plan: What will be done.
        executor: Measures the rate.
        probes: Short trainings that come first.
        steps: Environment steps of each of them.

    Raises:
        RldoctorError: The recipe cannot be trained.
    """
    measured = throughput.measure(executor, plan.patient.recipe, Engine.GYMNASIUM)
    each = plan.patient.recipe.total_steps / measured.training
    rounds = len(plan.remedies)
    first = f"; before them at most {probes} probes, each about {_time(steps / measured.training)}" if probes else ""
    return (
        f"At most {rounds} trial{'s' * (rounds != 1)} of {plan.patient.recipe.total_steps:,} steps "
        "and a control, each about "
        f"{_time(each)} ({measured.training:,.0f} steps/s, measured just now); most end after half of that{first}."
    )


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _folder(patient: Admission, out: Path) -> Path:
    """Return the place of a treatment: told by the run that is treated and the recipe that it is treated from."""
    telling: Sequence[object] = (str(patient.directory.resolve()), patient.recipe.to_json(), patient.seed)
    digest = hashlib.sha256(json.dumps(telling, sort_keys=True).encode("utf-8", "backslashreplace")).hexdigest()[:8]
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", patient.directory.resolve().name)[:_LONGEST_NAME]
    return run_directory.place(out / TREATMENTS, patient.recipe, f"{name}-{digest}")
