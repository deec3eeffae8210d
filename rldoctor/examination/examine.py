"""The examination: logs, settings, environment and saved model of runs, heard and weighed together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from rldoctor.config import DEFAULTS, Config
from rldoctor.diagnosis.context import DiagnosisContext, context_of
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.many import diagnose, sorted_by_verdict
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.examination.child import Examiner, NotAnswered
from rldoctor.examination.environment import observations_of
from rldoctor.examination.play import gap_to_training
from rldoctor.examination.tie_tests import with_tests
from rldoctor.examination.ties import break_tie
from rldoctor.logs import discover, read_run
from rldoctor.logs.discovery import no_run_below
from rldoctor.model import Json, Observation, PreflightResult, Run, RunDiagnosis, Severity, Statement
from rldoctor.run_directory import RUN_FILE
from rldoctor.run_record import read_run_record
from rldoctor.settings import read_settings

SECONDS = 30.0
"""Seconds that the examination of one environment may take by default."""
# What Stable-Baselines3's documentation and RL Zoo call the model that they save beside the logs.
_MODELS = ("model.zip", "best_model.zip", "final_model.zip")

_LOOKS_AT_MODELS = "rldoctor.sb3.examine_model"

# Told before an environment is examined: its name.
Watcher = Callable[[str], None]


@dataclass(frozen=True)
class _Heard:
    """What is said of some runs: statements on all of them, and what is looked at for each.

    Attributes:
        context: What they are diagnosed with.
        model: The model of all of them; each run's own where it is ``None``.
        options: Of the diagnosis.
    """

    context: DiagnosisContext
    model: Path | None
    options: Mapping[str, Any]


def examine(
    paths: Sequence[Path | str],
    *,
    env: str | None = None,
    arguments: Mapping[str, Json] | None = None,
    recorded_env: bool = False,
    model: Path | None = None,
    seconds: float = SECONDS,
    config: Config = DEFAULTS,
    watcher: Watcher = lambda name: None,
    **options: Any,
) -> Sequence[RunDiagnosis]:
    """Diagnose runs with their environments at hand, worst first.

    Args:
        paths: As :func:`rldoctor.diagnosis.many.diagnose` takes them.
        env: The environment of all runs. It is imported and run, in a process of its own.
        arguments: What that environment is made with.
        recorded_env: Without ``env``, examine the environment that each run's run.json or settings name: the user has
            said that it may be imported.
        model: The model of all runs, as Stable-Baselines3 saved it. Where an environment is examined, it is played
            there; without ``model``, the one beside the logs of each run is.
        seconds: Time for each environment: its checks, its models, and the tests that break ties.
        config: The configuration.
        watcher: Told before each environment is examined.
        options: More of :func:`rldoctor.diagnosis.many.diagnose`.

    Raises:
        UsageError: The environment, the model, a path or an option does not exist.
        CannotJudge: There is no run.
    """
    if model is not None and not model.is_file():
        raise UsageError(f"There is no file {model}.", "Name the file that model.save(file) wrote.")
    if env is None and not recorded_env:
        statements = (state_model(model),) if model is not None else ()
        return diagnose(paths, config=config, statements=statements, **options)
    groups = {(env, _frozen(arguments or {})): list(paths)} if env is not None else _by_environment(paths)
    context = context_of(config, options.get("select", ()), options.get("ignore", ()))
    heard = _Heard(replace(context, book=with_tests(context.book)), model, options)
    found: list[RunDiagnosis] = []
    for (name, frozen), runs in groups.items():
        if not name:
            statements = (_UNNAMED, *((state_model(model),) if model is not None else ()))
            found += diagnose(runs, config=config, statements=statements, **options)
            continue
        watcher(name)
        with Examiner(name, dict(frozen), config, seconds) as examiner:
            directories = _runs(runs)
            if any(_model_of(run, heard) is not None for run in directories):
                Thread(target=_load_ahead, daemon=True).start()
            statement = hear(examiner)
            found += [_examined(run, examiner, statement, heard) for run in directories]
    return sorted_by_verdict(found)


def _runs(paths: Sequence[Path | str]) -> list[Path]:
    found = list(discover([str(path) for path in paths]))
    if not found:
        raise no_run_below(paths)
    return found


def _load_ahead() -> None:
    """Import what looks at models: PyTorch takes seconds, and this process waits for the environment's anyway.

    What fails here fails again where it is needed, and is told there.
    """
    with contextlib.suppress(Exception):
        import_module(_LOOKS_AT_MODELS)


def _model_of(directory: Path, heard: _Heard) -> Path | None:
    """Return the model of a run: the one that was named, or the one beside its logs."""
    return heard.model or next((file for name in _MODELS if (file := directory / name).is_file()), None)


def _examined(directory: Path, examiner: Examiner, statement: Statement, heard: _Heard) -> RunDiagnosis:
    """Diagnose one run with its environment and its model, and break its tie."""
    run = read_run(directory, heard.options.get("framework"), heard.context.tag_mappings)
    if statement.baseline_return is not None:
        run = replace(run, baseline_return=statement.baseline_return)
    model = _model_of(directory, heard)
    statements = (statement, *((_state_played(model, run, examiner, statement),) if model is not None else ()))

    def again(more: tuple[Statement, ...]) -> RunDiagnosis:
        reference = heard.options.get("reference")
        return diagnose_run(run, reference, context=heard.context, statements=(*statements, *more))

    return break_tie(again(()), run, examiner, heard.context, again)


def hear(examiner: Examiner) -> Statement:
    """Return what an environment says.

    Raises:
        UsageError: There is no such environment.
    """
    env = examiner.env
    try:
        result: PreflightResult = examiner.ask("preflight")
    except NotAnswered as failure:
        cure = failure.cure or f"Run rldoctor preflight --env {env}."
        return _not_heard("environment", env, "ENV101", "environment-not-examined", failure.why, cure)
    try:
        # The baselines are a bonus; without the checks there is nothing.
        floor = examiner.ask("baseline", result.verdict)
    except NotAnswered:
        floor = None
    return Statement("environment", env, tuple(observations_of(result)), floor)


def state_environment(env: str, arguments: Mapping[str, Json], config: Config, seconds: float) -> Statement:
    """Examine an environment in a process of its own and return what it says.

    Raises:
        UsageError: There is no such environment.
    """
    with Examiner(env, arguments, config, seconds) as examiner:
        return hear(examiner)


def state_model(path: Path) -> Statement:
    """Return what a saved model says of itself; that it cannot be read, where it is damaged or none."""
    # Late: it needs PyTorch.
    from rldoctor.sb3.examine_model import examine_model

    try:
        return Statement("model", path.name, tuple(examine_model(path)))
    except CannotJudge as problem:
        return _not_heard("model", path.name, "MDL001", "model-not-examined", problem.problem, problem.cure)


def _state_played(path: Path, run: Run, examiner: Examiner, environment: Statement) -> Statement:
    """Return what a model says of itself and when it is played on its environment."""
    alone = state_model(path)
    if any(item.code == "MDL001" for item in alone.observations):
        return alone
    try:
        played = examiner.ask("play", path.absolute(), environment.baseline_return)
    except NotAnswered as failure:
        unheard = _not_heard("model", path.name, "MDL002", "model-not-played", failure.why, failure.cure)
        # Of other spaces, it is the model of another training: nothing that it says is weighed.
        return unheard if "was trained with other" in failure.why else replace(alone, said=f"not played: {failure.why}")
    curve = run.curves.get("episode_return")
    logged = float(curve.finite().values[-1]) if curve is not None and len(curve.finite()) else None
    gap = gap_to_training(played, logged, environment.baseline_return)
    more = (*played.observations, *([gap] if gap is not None else []))
    return replace(alone, observations=(*alone.observations, *more), said=played.words)


def _not_heard(witness: Any, examined: str, code: str, name: str, why: str, cure: str) -> Statement:
    """Return the statement of a witness that could not be heard: told, and evidence for nothing."""
    message = f"{examined} could not be examined: {why.rstrip('.')}."
    observation = Observation(witness, code, name, 1.0, "fault", (), message, cure, {}, Severity.WARNING)
    return Statement(witness, examined, (observation,))


def _by_environment(paths: Sequence[Path | str]) -> dict[tuple[str, tuple[tuple[str, Json], ...]], list[Path | str]]:
    """Return runs by the environment that they name, with its arguments; those that name none under an empty name."""
    groups: dict[tuple[str, tuple[tuple[str, Json], ...]], list[Path | str]] = {}
    for run in discover([str(path) for path in paths]):
        env, arguments = environment_of(run)
        groups.setdefault((env, _frozen(arguments)), []).append(run)
    return groups


def environment_of(run: Path) -> tuple[str, dict[str, Json]]:
    """Return the environment that a run's run.json or settings name, with its arguments; empty where they name none."""
    if (run / RUN_FILE).is_file():
        recipe = read_run_record(run).recipe
        if recipe is not None:
            return recipe.env, dict(recipe.env_arguments)
    settings = read_settings(run)
    return (settings.env if settings else ""), {}


def _frozen(arguments: Mapping[str, Json]) -> tuple[tuple[str, Json], ...]:
    return tuple(sorted(arguments.items()))


# Of a run whose environment was to be examined, and that does not say which it is.
_UNNAMED = _not_heard(
    *("environment", "The environment", "ENV101", "environment-not-examined"),
    "neither run.json nor the settings beside the logs name it; --env ID does",
    "Name it: --env ID.",
)
