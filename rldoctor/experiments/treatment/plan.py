"""What a treatment will do: whether anything needs to be done, which remedies it tries, and where."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rldoctor import run_directory
from rldoctor.environments.engine import Engine
from rldoctor.executors import Executor
from rldoctor.experiments.sweep import throughput
from rldoctor.experiments.treatment.reference_comparison import OUTCOMES, ReferenceComparison, Standing, compare_with
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
from rldoctor.experiments.treatment.sick_run import SickRun
from rldoctor.gate import judge_run
from rldoctor.model import Instruction, Json, Remedy, Verdict
from rldoctor.recipe import Recipe
from rldoctor.render.wording import likelihood
from rldoctor.run_record import RunRecord

_LONGEST_NAME = 60
# A status of run.json.
_BROKE_OFF = "failed"


@dataclass(frozen=True)
class Plan:
    """A treatment before it begins.

    Attributes:
        sick: The sick run.
        comparison: What trials are compared with.
        folder: Holds the trials and the reports.
        rounds: Maximum number of remedies to try.
        candidates: All remedies that are worth a trial, the most promising first.
        instructions: What the user has to do about causes outside the recipe.
        outside: The likeliest cause lies outside the recipe: its preflight checks run first.
    """

    sick: SickRun
    comparison: ReferenceComparison
    folder: Path
    rounds: int
    candidates: tuple[Remedy, ...]
    instructions: tuple[Instruction, ...]
    outside: bool

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """The remedies to try, in order, at most one a round."""
        return within(self.candidates, self.rounds)

    def recipe_with(self, changes: Mapping[str, Json]) -> Recipe:
        """Return the sick run's recipe with a remedy's changes made."""
        reference = self.sick.reference
        return changed(self.sick.recipe, changes, reference.recipe if reference is not None else None)

    def place_of(self, changes: Mapping[str, Json], seed: int, kind: str = "") -> Path:
        """Return the directory of a trial, named by its changes and its seed, whatever its round."""
        return self.folder / f"{kind}{'+'.join(changes)[:_LONGEST_NAME]}-{_digest([changes, seed])[:6]}"


def make_plan(sick: SickRun, out: Path, rounds: int) -> Plan:
    """Make the plan of a treatment of at most ``rounds`` remedies, below the folder of runs ``out``."""
    candidates, to_do = remedies(sick), instructions(sick)
    outside = leads_outside(within(candidates, rounds), to_do, sick.diagnosis.verdict)
    return Plan(sick, _comparison(sick), _folder(sick, out), rounds, candidates, to_do, outside)


def nothing_to_do(sick: SickRun) -> str:
    """Return why a run needs no treatment, in a sentence; empty if it needs one.

    A healthy run needs none. That its outcome is below that of all healthy runs of the reference is no fault by
    itself, as its settings may be slower; together with a setting that is far from the usual it is worth a trial.
    """
    diagnosis, end = sick.diagnosis, _end(sick)
    if diagnosis.verdict is Verdict.HEALTHY:
        far = unusual(sick) if end is not None and not end.level else {}
        return "" if far else f"The run is healthy. {diagnosis.summary}"
    if diagnosis.verdict is Verdict.SUSPECT:
        if judge_run(sick.directory).verdict is Verdict.HEALTHY:
            return f"The gate passes. {diagnosis.summary}"
        # With a broken reward or success flag the logged outcome says little.
        if end is not None and end.level and not any(rule.outside for _, rule in causes(sick)[:1]):
            return f"The result matches healthy runs. {diagnosis.summary}"
    return ""


def low_outcome_note(sick: SickRun) -> str:
    """Return why a run is treated although its curves look healthy; empty for any other."""
    if sick.diagnosis.verdict is not Verdict.HEALTHY or sick.reference is None:
        return ""
    far = ", ".join(f"{setting} {move.before}" for setting, move in unusual(sick).items())
    return (
        "The curves look healthy, but the outcome is below that of the "
        f"{sick.reference.healthy_seeds} healthy seeds of {sick.reference.recipe.name}, "
        f"and some settings are far from the usual: {far}."
    )


def unevaluated_note(sick: SickRun) -> str:
    """Return that a suspect run may need no treatment, if it has a policy that was never evaluated; otherwise nothing.

    Exploration, and a mean over a hundred episodes, hide what a policy can do.
    """
    policy, evaluation = (sick.directory / name for name in (run_directory.POLICY_FILE, run_directory.EVALUATION_FILE))
    if sick.diagnosis.verdict is not Verdict.SUSPECT or not policy.is_file() or evaluation.is_file():
        return ""
    return f"It may need no treatment: rldoctor evaluate {sick.directory} shows what its policy does."


def was_behind(plan: Plan) -> bool:
    """Return whether the sick run broke off, or ended below what every healthy run of the reference reached."""
    if plan.sick.reference is not None and RunRecord(plan.sick.run.record).status == _BROKE_OFF:
        return True
    end = _end(plan.sick)
    return end is not None and not end.level


def _comparison(sick: SickRun) -> ReferenceComparison:
    return compare_with(sick.run, sick.reference, sick.recipe.total_steps)


def _end(sick: SickRun) -> Standing | None:
    """Return where the run was at its end; ``None`` without a reference."""
    comparison = _comparison(sick)
    last = {metric: float(comparison.sick[metric].values[-1]) for metric in OUTCOMES if metric in comparison.sick}
    return comparison.standing(sick.run.last_step, last)


def describe(plan: Plan) -> list[str]:
    """Return the plan in a few lines for people."""
    sick = plan.sick
    leading = next((cause for cause in sick.diagnosis.diagnoses if cause.name != "healthy"), None)
    named = f", {leading.name} ({likelihood(leading.probability)})" if leading is not None else ""
    lines = [f"{sick.diagnosis.path}: {sick.diagnosis.verdict}{named}; {sick.recipe.env}, seed {sick.seed}."]
    lines += filter(None, (*sick.notes, low_outcome_note(sick), unevaluated_note(sick)))
    if plan.outside and plan.instructions:
        codes = ", ".join(dict.fromkeys(plan.instructions[0].confirmed_by))
        how = "its environment has been examined" if sick.is_examined else "preflight checks it first"
        lines.append(f"The likeliest cause lies outside the recipe{f'; {how}: {codes}' if codes else ''}.")
    for place, remedy in enumerate(plan.remedies, 1):
        why = ", ".join(remedy.diagnoses) or "a full reset to the reference"
        probability = f" ({likelihood(remedy.probability)})" if remedy.diagnoses else ""
        lines.append(f"Round {place}: {in_words(remedy.changes)}, for {why}{probability}.")
    if not plan.remedies:
        lines.append("There is no setting to try: what to change is said below.")
    return lines


def duration(plan: Plan, executor: Executor, pilots: int = 0, steps: int = 0) -> str:
    """Return in a sentence how long the treatment takes at most, from a rate that ``executor`` measures now.

    It is that of the first trial: a sick run may be as fast as it is because it hardly learns. ``pilots`` pilot runs of
    ``steps`` environment steps each come first.

    Raises:
        RldoctorError: The recipe cannot be trained.
    """
    first = plan.recipe_with(plan.remedies[0].changes)
    rate = throughput.measure(executor, first, Engine.GYMNASIUM).training
    # With fewer remedies than rounds one may be tried again.
    total, rounds = plan.sick.recipe.total_steps, plan.rounds
    each = throughput.in_words(total / rate)
    pilot = f"; before that at most {pilots} pilot runs of about {throughput.in_words(steps / rate)} each"
    return (
        f"At most {rounds} trial{'s' * (rounds != 1)} of {total:,} steps and a control, about {each} each "
        f"({rate:,.0f} steps/s, measured just now); most end before half of that{pilot if pilots else ''}."
    )


def _folder(sick: SickRun, out: Path) -> Path:
    """Return the folder of a treatment, named by the sick run, its recipe and its seed."""
    directory = sick.directory.resolve()
    digest = _digest([str(directory), sick.recipe.to_json(), sick.seed])[:8]
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", directory.name)[:_LONGEST_NAME]
    return run_directory.place(out / run_directory.TREATMENTS, sick.recipe, f"{name}-{digest}")


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
