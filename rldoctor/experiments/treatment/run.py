"""A treatment from the sick run to its outcome: rounds of trials, and a control if chance could explain the cure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rldoctor import run_directory
from rldoctor.config import DEFAULTS, Config
from rldoctor.diagnosis.context import context_of
from rldoctor.diagnosis.report_files import write_report
from rldoctor.environments import registry
from rldoctor.errors import RldoctorError, UsageError
from rldoctor.executors.local import LocalExecutor
from rldoctor.experiments.sweep.job import PRELOAD
from rldoctor.experiments.treatment import confirm, pilot_run, significance
from rldoctor.experiments.treatment.best_trial import best_of, recovered, what_is_left
from rldoctor.experiments.treatment.plan import (
    Plan,
    describe,
    duration,
    low_outcome_note,
    make_plan,
    nothing_to_do,
    unevaluated_note,
    was_behind,
)
from rldoctor.experiments.treatment.remedies import in_words
from rldoctor.experiments.treatment.results import CURED_FILE, is_open, report_of, write_cured
from rldoctor.experiments.treatment.sick_run import SickRun, read_sick_run
from rldoctor.experiments.treatment.trial import TreatmentAttempt, TrialContext, run_trial
from rldoctor.model import (
    Instruction,
    Json,
    Report,
    Statement,
    Treatment,
    TreatmentOutcome,
    TreatmentTrial,
    TrialState,
)
from rldoctor.preflight.context import Wrapper
from rldoctor.references import Reference
from rldoctor.training.training_callback import Silent, Watcher

# Of the way from the sick run to healthy runs: less is no improvement that anybody would see. Ours.
_IMPROVED = 0.25
# A control, and a remedy that is tried again, have a seed that the sick run did not have.
_OTHER_SEED = 1
# Beside remedies that were tried, a less likely cause is not worth a reader's time. Ours.
_LEAST_LIKELY = 0.01


@dataclass(frozen=True)
class TreatmentOptions:
    """Options of a treatment.

    Attributes:
        rounds: Maximum number of remedies to try.
        steps: Environment steps of a trial; those of the run by default.
        env: The environment, for logs that do not say.
        settings: ``key=value`` pairs in which the run's recipe differs from its logs.
        reference: Name of the reference to compare with; the one that fits by default.
        out: The folder that collects runs.
        dry_run: Stop after the plan; nothing is written.
        statements: What other witnesses say of the run, such as its environment.
    """

    rounds: int = 3
    steps: int | None = None
    env: str | None = None
    settings: Sequence[str] = ()
    reference: str | None = None
    out: Path = Path("runs")
    dry_run: bool = False
    statements: Sequence[Statement] = ()


def treat(
    directory: Path,
    options: TreatmentOptions | None = None,
    *,
    config: Config = DEFAULTS,
    command: Sequence[str] = (),
    say: Callable[[str], None] = lambda line: None,
    watch: Callable[[str, int], Watcher] = lambda title, total: Silent(),
    wrap: Wrapper | None = None,
    threads: int | None = None,
    baselines: dict[str, Mapping[str, Json]] | None = None,
    measure: bool = False,
) -> Report:
    """Treat one run; the run itself is only read.

    Args:
        directory: Of the run.
        options: Of the treatment.
        config: The project's configuration: its rules, thresholds and references, and its selection of signs.
        command: The command line, for each trial's ``run.json``.
        say: Takes the plan in words, and then what is done.
        watch: Gives a watcher for a trial's title and steps.
        wrap: Put around the environment that preflight checks.
        threads: How many threads step the environments.
        baselines: Returns of the zero-action and the random policy by environment, if known already.
        measure: Measure the training rate first, and say how long the treatment takes.

    Returns:
        The report: one result, of the treatment.

    Raises:
        UsageError: An option or the configuration is not valid, or the run cannot be treated.
        CannotJudge: The run cannot be judged.
        Stopped: Ctrl-C; the same command resumes where it was stopped.
    """
    options = options or TreatmentOptions()
    if options.rounds < 1:
        raise UsageError(f"{options.rounds} rounds are too few.", "Ask for at least one: --rounds 3.")
    sick = read_sick_run(
        directory,
        env=options.env,
        settings=options.settings,
        steps=options.steps,
        reference=options.reference,
        context=context_of(config),
        statements=options.statements,
    )
    why_not = nothing_to_do(sick)
    if why_not:
        return report_of(sick, _of(sick, options.rounds, TreatmentOutcome.NOTHING_TO_DO, sureness=why_not))
    registry.resolve(sick.recipe.env)
    plan = make_plan(sick, options.out, options.rounds)
    tie = pilot_run.tie_of(plan) if plan.remedies else None
    for line in (*describe(plan), *((str(tie),) if tie is not None else ())):
        say(line)
    if measure and plan.remedies and not plan.folder.exists():
        with contextlib.suppress(RldoctorError):
            pilots = (len(tie.rivals), tie.steps) if tie is not None else (0, 0)
            say(duration(plan, LocalExecutor(1, PRELOAD), *pilots))
    if options.dry_run:
        return report_of(sick, _planned(plan, plan.instructions))
    context = TrialContext(command, watch, threads, sick.context, {} if baselines is None else baselines)
    with run_directory.removed_if_unused(plan.folder, options.out.parent):
        report = report_of(sick, _treated(plan, tie, context, say, wrap))
    write_report(report, plan.folder, "treatment")
    return report


def _treated(
    plan: Plan,
    tie: pilot_run.Tie | None,
    context: TrialContext,
    say: Callable[[str], None],
    wrap: Wrapper | None,
) -> Treatment:
    instructions = plan.instructions
    causes = confirm.tied(instructions)
    # A single cause outside the recipe, with nothing to try, needs no check: the instruction names it.
    # An environment that has been examined is not examined again.
    if plan.outside and not plan.sick.is_examined and (plan.remedies or len(causes) > 1):
        # Without the suspected settings: the checks are about the environment and the code.
        recipe = plan.recipe_with(plan.remedies[0].changes if plan.remedies else {})
        instructions = confirm.run_checks(instructions, causes, recipe, wrap, say)
    run_directory.make_folder(plan.folder)
    if not plan.remedies or (plan.outside and confirm.confirmed(instructions) is not None):
        return replace(_planned(plan, instructions), outcome=TreatmentOutcome.INSTRUCTED)
    with run_directory.run_lock(plan.folder):
        plan, pilots = pilot_run.in_order(plan, tie, context, say) if tie is not None else (plan, ())
        trials = _rounds(plan, context, say)
        controls = _control(plan, trials[-1], context, say)
        return _outcome(plan, instructions, (*pilots, *trials, *controls))


def _rounds(plan: Plan, context: TrialContext, say: Callable[[str], None]) -> list[TreatmentTrial]:
    """Try the remedies one after the other until one works.

    If there are more rounds than remedies, the best is tried again with another seed: it may have failed by chance.
    """
    trials: list[TreatmentTrial] = []
    for number in range(1, plan.rounds + 1):
        again = number > len(plan.remedies)
        if again and is_open(trials[best_of(plan, trials)]):
            # Another seed would show as little; more steps are wanted.
            break
        best = trials[best_of(plan, trials)].changes if again else None
        remedy = next(one for one in plan.remedies if one.changes == best) if again else plan.remedies[number - 1]
        seed = plan.sick.seed + (_OTHER_SEED + number) * again
        name = in_words(remedy.changes) + (f", seed {seed}" if again else "")
        attempt = TreatmentAttempt(
            plan.recipe_with(remedy.changes),
            seed,
            plan.place_of(remedy.changes, seed),
            "remedy",
            number,
            name,
            remedy.diagnoses,
            remedy.changes,
            plan.sick.recipe.total_steps,
        )
        say(f"Round {number}: {name}")
        pilot_run.go_on(plan, attempt)
        trials.append(run_trial(attempt, plan.comparison, context))
        say(f"  {trials[-1].state}: {trials[-1].why}")
        if trials[-1].state is TrialState.WELL:
            break
    return trials


def _control(
    plan: Plan, last: TreatmentTrial, context: TrialContext, say: Callable[[str], None]
) -> list[TreatmentTrial]:
    """Train the untreated recipe with another seed, if chance could explain that the last trial went well."""
    if last.state is not TrialState.WELL or _probability(plan, last, ()) <= significance.UNLIKELY:
        return []
    seed = plan.sick.seed + _OTHER_SEED
    name = f"untreated, seed {seed}"
    # Until it is clear how it does: a trial may be well before an untreated run shows that it is sick.
    recipe, directory, steps = plan.sick.recipe, plan.folder / "control", plan.sick.recipe.total_steps
    attempt = TreatmentAttempt(recipe, seed, directory, "control", last.round, name, (), {}, steps)
    say(f"Control: {name}, because chance could explain the cure")
    control = run_trial(attempt, plan.comparison, context)
    say(f"  {control.state}: {control.why}")
    return [control]


def _probability(plan: Plan, treated: TreatmentTrial, controls: Sequence[TreatmentTrial]) -> float:
    """Return the probability that chance alone would look like this cure."""
    reference = _reference_of_recipe(plan, treated)
    healthy, failed = (reference.healthy_seeds, reference.failed_seeds) if reference is not None else (0, 0)
    return significance.fisher_exact(1 + len(controls), 1 + _sick_among(controls), 1 + healthy + failed, failed)


def _sick_among(controls: Sequence[TreatmentTrial]) -> int:
    return sum(control.state is not TrialState.WELL for control in controls)


def _reference_of_recipe(plan: Plan, treated: TreatmentTrial) -> Reference | None:
    """Return the reference if the treated recipe is its own and the sick run ended below all of its seeds."""
    own = replace(plan.sick, recipe=plan.recipe_with(treated.changes)).has_reference_settings
    return plan.sick.reference if own and was_behind(plan) else None


def _outcome(plan: Plan, instructions: tuple[Instruction, ...], trials: tuple[TreatmentTrial, ...]) -> Treatment:
    remedies = [trial for trial in trials if trial.role == "remedy"]
    controls = [trial for trial in trials if trial.role == "control"]
    likely = tuple(one for one in instructions if one.probability >= _LEAST_LIKELY)
    treatment = replace(_planned(plan, likely), trials=trials, steps_spent=pilot_run.steps_of(trials))
    last = remedies[-1]
    if last.state is TrialState.WELL:
        probability = _probability(plan, last, controls)
        reference = _reference_of_recipe(plan, last)
        untreated, sick = 1 + len(controls), 1 + _sick_among(controls)
        words = significance.in_words(probability, untreated, sick, reference, bool(controls))
        treatment = replace(treatment, chance=round(probability, 6), sureness=words)
        if any(control.state is TrialState.WELL for control in controls):
            return replace(treatment, outcome=TreatmentOutcome.UNPROVEN)
        recipe = plan.recipe_with(last.changes)
        file = write_cured(plan.folder / CURED_FILE, recipe, plan.sick, last)
        return replace(treatment, outcome=TreatmentOutcome.CURED, recipe=str(file))
    best = recovered(plan, remedies[best_of(plan, remedies)])
    outcome = TreatmentOutcome.IMPROVED if best >= _IMPROVED else TreatmentOutcome.NOT_CURED
    return replace(treatment, outcome=outcome, sureness=what_is_left(plan, remedies, likely))


def _planned(plan: Plan, instructions: tuple[Instruction, ...]) -> Treatment:
    notes = (low_outcome_note(plan.sick), unevaluated_note(plan.sick))
    return replace(
        _of(plan.sick, plan.rounds, TreatmentOutcome.PLANNED),
        remedies=plan.remedies,
        instructions=instructions,
        steps_whole=plan.sick.recipe.total_steps,
        notes=(*plan.sick.notes, *filter(None, notes)),
    )


def _of(sick: SickRun, rounds: int, outcome: TreatmentOutcome, sureness: str = "") -> Treatment:
    leading = next((cause.name for cause in sick.diagnosis.diagnoses if cause.name != "healthy"), "")
    cause = "" if outcome is TreatmentOutcome.NOTHING_TO_DO else leading
    return Treatment(outcome, str(sick.directory), cause, rounds, sureness=sureness, notes=sick.notes)
