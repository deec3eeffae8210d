"""A treatment from the sick run to the verdict: rounds of trials, a control where luck could explain the cure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rldoctor import run_directory
from rldoctor.environments import registry
from rldoctor.errors import RldoctorError, UsageError
from rldoctor.executors.local import LocalExecutor
from rldoctor.experiments.sweep.trial import PRELOAD
from rldoctor.experiments.treatment import discriminate, pilot_run, significance
from rldoctor.experiments.treatment.admission import Admission, admit
from rldoctor.experiments.treatment.plan import (
    Plan,
    foretold,
    in_lines,
    make_plan,
    nothing_to_do,
    second_look,
    was_behind,
)
from rldoctor.experiments.treatment.remedies import in_words
from rldoctor.experiments.treatment.results import CURED_FILE, report_of, write_cured, write_reports
from rldoctor.experiments.treatment.trial import Attempt, TrialContext, do
from rldoctor.model import Instruction, Json, Report, Treatment, TreatmentOutcome, TreatmentTrial, TrialState
from rldoctor.preflight.context import Wrapper
from rldoctor.recipe import Recipe
from rldoctor.references import Reference
from rldoctor.training.training_callback import Silent, Watcher

# Of the way from the sick run to healthy runs: less is no improvement that anybody would see. Ours.
_IMPROVED = 0.25
# A control, and a remedy that is tried again, get a seed that the sick run did not have.
_OTHER_SEED = 1


@dataclass(frozen=True)
class TreatmentOptions:
    """What is asked of a treatment.

    Attributes:
        rounds: Remedies that may be tried.
        steps: Environment steps of a trial; those of the run by default.
        env: The environment, for logs that do not tell.
        settings: ``key=value`` pairs in which the run's recipe differs from what its logs tell.
        reference: Name of the reference to hold it against; the one that fits by default.
        out: The folder that collects runs.
        dry_run: Stop once the plan is told; nothing is written.
    """

    rounds: int = 3
    steps: int | None = None
    env: str | None = None
    settings: Sequence[str] = ()
    reference: str | None = None
    out: Path = Path("runs")
    dry_run: bool = False


def treat(
    directory: Path,
    wishes: TreatmentOptions | None = None,
    *,
    command: Sequence[str] = (),
    tell: Callable[[str], None] = lambda line: None,
    onlook: Callable[[str, int], Watcher] = lambda title, total: Silent(),
    wrap: Wrapper | None = None,
    threads: int | None = None,
    baselines: dict[str, Mapping[str, Json]] | None = None,
    measure: bool = False,
) -> Report:
    """Treat one run; the run itself is only read.

    Args:
        directory: Of the run.
        wishes: What is asked for.
        command: The command line, for each trial's ``run.json``.
        tell: Takes the plan in words, and what is done.
        onlook: Gives a watcher for a trial's title and steps.
        wrap: Put around the environment that preflight examines.
        threads: How many step environments at a time.
        baselines: What doing nothing and acting at random score by environment, where that is known already.
        measure: Tell how long it takes, from a rate that is measured first.

    Returns:
        The report: a subject of kind ``treatment``.

    Raises:
        UsageError: What is asked for makes no sense, or the run cannot be treated.
        CannotJudge: The run cannot be judged.
        Stopped: Ctrl-C; the same command goes on where it was stopped.
    """
    wishes = wishes or TreatmentOptions()
    if wishes.rounds < 1:
        raise UsageError(f"{wishes.rounds} rounds are none.", "Ask for at least one: --rounds 3.")
    patient = admit(directory, env=wishes.env, settings=wishes.settings, steps=wishes.steps, reference=wishes.reference)
    why_not = nothing_to_do(patient)
    if why_not:
        return report_of(patient, _of(patient, wishes, TreatmentOutcome.NOTHING_TO_DO, sureness=why_not))
    registry.resolve(patient.recipe.env)
    plan = make_plan(patient, wishes.out, wishes.rounds)
    tie = pilot_run.tie_of(plan) if plan.remedies else None
    for line in (*in_lines(plan), *((str(tie),) if tie is not None else ())):
        tell(line)
    if measure and plan.remedies and not plan.folder.exists():
        with contextlib.suppress(RldoctorError):
            probes = (len(tie.rivals), tie.steps) if tie is not None else (0, 0)
            tell(foretold(plan, LocalExecutor(1, PRELOAD), *probes))
    if wishes.dry_run:
        return report_of(patient, _planned(plan, wishes))
    means = TrialContext(command, onlook, threads, {} if baselines is None else baselines)
    treatment = _conducted(plan, tie, wishes, means, tell, wrap)
    report = report_of(patient, treatment)
    write_reports(report, plan.folder)
    return report


def _conducted(
    plan: Plan,
    tie: pilot_run.Tie | None,
    wishes: TreatmentOptions,
    means: TrialContext,
    tell: Callable[[str], None],
    wrap: Wrapper | None,
) -> Treatment:
    told = plan.instructions
    tied = discriminate.tied(told)
    # One cause outside the recipe with nothing to try beside it needs no test: the instruction names it.
    if plan.outside and (plan.remedies or len(tied) > 1):
        told = discriminate.examine(told, tied, _without_suspects(plan), wrap, tell)
    _make(plan.folder)
    if not plan.remedies or (plan.outside and discriminate.confirmed(told) is not None):
        return replace(_planned(plan, wishes, told), outcome=TreatmentOutcome.INSTRUCTED)
    with run_directory.run_lock(plan.folder):
        plan, probes = pilot_run.in_order(plan, tie, means, tell) if tie is not None else (plan, ())
        trials = _rounds(plan, means, tell)
        controls = _controlled(plan, trials[-1], means, tell)
        return _judged(plan, wishes, told, (*probes, *trials, *controls))


def _without_suspects(plan: Plan) -> Recipe:
    """Return the recipe without the settings that are suspected themselves: the environment and the code are asked."""
    changes = plan.remedies[0].changes if plan.remedies else {}
    return plan.recipe_with(changes)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made: {error.strerror or error}.", "Name a writable place with --runs."
        ) from None


def _rounds(plan: Plan, means: TrialContext, tell: Callable[[str], None]) -> list[TreatmentTrial]:
    """Try the remedies one after the other until one works.

    Where there are more rounds than remedies, the first is tried again with another seed: failing may be luck too.
    """
    trials: list[TreatmentTrial] = []
    for number in range(1, plan.rounds + 1):
        again = number > len(plan.remedies)
        remedy = plan.remedies[0 if again else number - 1]
        seed = plan.patient.seed + (_OTHER_SEED + number) * again
        name = in_words(remedy.changes) + (f", seed {seed}" if again else "")
        attempt = Attempt(
            "remedy",
            number,
            name,
            remedy.diagnoses,
            remedy.changes,
            plan.recipe_with(remedy.changes),
            seed,
            plan.place_of(remedy.changes, seed),
            plan.patient.recipe.total_steps,
        )
        tell(f"Round {number}: {name}")
        trials.append(do(attempt, plan.yard, means))
        tell(f"  {trials[-1].state}: {trials[-1].why}")
        if trials[-1].state is TrialState.WELL:
            break
    return trials


def _controlled(
    plan: Plan, last: TreatmentTrial, means: TrialContext, tell: Callable[[str], None]
) -> list[TreatmentTrial]:
    """Train the untreated recipe with another seed, where luck could explain that the last trial went well."""
    if last.state is not TrialState.WELL or _chance(plan, last, ()) <= significance.UNLIKELY:
        return []
    seed = plan.patient.seed + _OTHER_SEED
    name = f"untreated, seed {seed}"
    attempt = Attempt(
        "control",
        last.round,
        name,
        (),
        {},
        plan.patient.recipe,
        seed,
        plan.folder / f"control-{last.steps}",
        last.steps,
    )
    tell(f"Control: {name}, {last.steps:,} steps, for luck could explain it")
    control = do(attempt, plan.yard, means)
    tell(f"  {control.state}: {control.why}")
    return [control]


def _chance(plan: Plan, treated: TreatmentTrial, controls: Sequence[TreatmentTrial]) -> float:
    """Return the probability that luck alone would look like this."""
    healthy, failed = significance.seeds_of(reference) if (reference := _twin(plan, treated)) is not None else (0, 0)
    sick = sum(control.state is not TrialState.WELL for control in controls)
    return significance.chance(1 + len(controls), 1 + sick, 1 + healthy + failed, failed)


def _twin(plan: Plan, treated: TreatmentTrial) -> Reference | None:
    """Return the reference where the treated recipe is its own and the sick run ended below all of its seeds."""
    patient = plan.patient
    recipe = plan.recipe_with(treated.changes)
    same = replace(patient, recipe=recipe).is_the_references
    return patient.reference if same and was_behind(plan) else None


def _judged(
    plan: Plan, wishes: TreatmentOptions, told: tuple[Instruction, ...], trials: tuple[TreatmentTrial, ...]
) -> Treatment:
    remedies = [trial for trial in trials if trial.role == "remedy"]
    controls = [trial for trial in trials if trial.role == "control"]
    treatment = replace(
        _planned(plan, wishes, told),
        trials=trials,
        steps_spent=sum(trial.steps for trial in trials),
    )
    last = remedies[-1]
    if last.state is TrialState.WELL:
        chance = _chance(plan, last, controls)
        sick = 1 + sum(control.state is not TrialState.WELL for control in controls)
        words = significance.sureness(chance, 1 + len(controls), sick, _twin(plan, last), bool(controls))
        treatment = replace(treatment, chance=round(chance, 6), sureness=words)
        if any(control.state is TrialState.WELL for control in controls):
            return replace(treatment, outcome=TreatmentOutcome.UNPROVEN)
        recipe = plan.recipe_with(last.changes)
        file = write_cured(plan.folder / CURED_FILE, recipe, plan.patient, last)
        return replace(treatment, outcome=TreatmentOutcome.CURED, recipe=str(file))
    best = max((_way(plan, trial) for trial in remedies), default=0.0)
    outcome = TreatmentOutcome.IMPROVED if best >= _IMPROVED else TreatmentOutcome.NOT_CURED
    return replace(treatment, outcome=outcome, sureness=_what_is_left(plan, best, told))


def _way(plan: Plan, trial: TreatmentTrial) -> float:
    numbers = {key: float(value) for key, value in trial.numbers.items() if isinstance(value, (int, float))}
    way = plan.yard.way(trial.steps, numbers)
    return 0.0 if way is None else way


def _what_is_left(plan: Plan, best: float, told: Sequence[Instruction]) -> str:
    made = f"The best trial made {best:.0%} of the way to healthy runs. " if plan.yard.bands and best > 0 else ""
    rest = "No remedy of the recipe is left"
    return f"{made}{rest}: look outside it next, at {told[0].diagnosis}." if told else f"{made}{rest}."


def _planned(plan: Plan, wishes: TreatmentOptions, told: tuple[Instruction, ...] | None = None) -> Treatment:
    note = second_look(plan.patient)
    return replace(
        _of(plan.patient, wishes, TreatmentOutcome.PLANNED),
        remedies=plan.remedies,
        instructions=plan.instructions if told is None else told,
        steps_whole=plan.patient.recipe.total_steps,
        notes=(*plan.patient.notes, *((note,) if note else ())),
    )


def _of(patient: Admission, wishes: TreatmentOptions, outcome: TreatmentOutcome, sureness: str = "") -> Treatment:
    leading = next((cause.name for cause in patient.subject.diagnoses if cause.name != "healthy"), "")
    cause = "" if outcome is TreatmentOutcome.NOTHING_TO_DO else leading
    return Treatment(outcome, str(patient.directory), cause, wishes.rounds, sureness=sureness, notes=patient.notes)
