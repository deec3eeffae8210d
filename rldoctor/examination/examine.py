"""The examination: logs, settings, environment and saved model of runs, heard and weighed together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rldoctor.config import DEFAULTS, Config
from rldoctor.diagnosis.many import diagnose, sorted_by_verdict
from rldoctor.examination.child import Examined, examine_environment
from rldoctor.examination.environment import observations_of
from rldoctor.logs import discover
from rldoctor.logs.read import baseline_return
from rldoctor.model import Json, Observation, RunDiagnosis, Statement
from rldoctor.run_directory import RUN_FILE
from rldoctor.run_record import read_run_record
from rldoctor.settings import read_settings

SECONDS = 30.0
"""Seconds that the examination of one environment may take by default."""

# Told before an environment is examined: its name.
Watcher = Callable[[str], None]


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
) -> list[RunDiagnosis]:
    """Diagnose runs with their environments at hand, worst first.

    Args:
        paths: As :func:`rldoctor.diagnosis.many.diagnose` takes them.
        env: The environment of all runs. It is imported and run, in a process of its own.
        arguments: What that environment is made with.
        recorded_env: Without ``env``, examine the environment that each run's run.json or settings name: the user has
            said that it may be imported.
        model: The model of all runs, as Stable-Baselines3 saved it.
        seconds: Time for each environment.
        config: The configuration.
        watcher: Told before each environment is examined.
        options: More of :func:`rldoctor.diagnosis.many.diagnose`.

    Raises:
        UsageError: The environment, a path or an option does not exist.
        CannotJudge: There is no run, or the model cannot be read.
    """
    by_model = (state_model(model),) if model is not None else ()
    if env is None and not recorded_env:
        return diagnose(paths, config=config, statements=by_model, **options)
    groups = {(env, _frozen(arguments or {})): list(paths)} if env is not None else _by_environment(paths)
    found: list[RunDiagnosis] = []
    for (name, frozen), runs in groups.items():
        statements = by_model
        if name:
            watcher(name)
            statements = (state_environment(name, dict(frozen), config, seconds), *by_model)
        found += diagnose(runs, config=config, statements=statements, **options)
    return sorted_by_verdict(found)


def state_environment(env: str, arguments: Mapping[str, Json], config: Config, seconds: float) -> Statement:
    """Examine an environment in a process of its own and return what it says.

    Raises:
        UsageError: There is no such environment.
    """
    examined = examine_environment(env, arguments, config, seconds)
    known = baseline_return(examined.baselines) if examined.baselines else None
    return Statement("environment", env, tuple(_observed(examined)), known)


def state_model(path: Path) -> Statement:
    """Return what a saved model says.

    Raises:
        CannotJudge: It is none, damaged, or holds more than settings and tensors.
    """
    # Late: it needs PyTorch.
    from rldoctor.sb3.examine_model import examine_model

    return Statement("model", path.name, tuple(examine_model(path)))


def _observed(examined: Examined) -> Iterable[Observation]:
    if examined.result is not None:
        return observations_of(examined.result)
    failure = examined.failure
    assert failure is not None, "a preflight without a result says why"
    return [Observation("environment", failure.code, failure.name, 1.0, "fault", (), failure.message, failure.remedy)]


def _by_environment(paths: Sequence[Path | str]) -> dict[tuple[str, tuple[tuple[str, Json], ...]], list[Path | str]]:
    """Return runs by the environment that they name, with its arguments; those that name none under an empty name."""
    groups: dict[tuple[str, tuple[tuple[str, Json], ...]], list[Path | str]] = {}
    for run in discover([str(path) for path in paths]):
        groups.setdefault(_environment_of(run), []).append(run)
    return groups


def _environment_of(run: Path) -> tuple[str, tuple[tuple[str, Json], ...]]:
    if (run / RUN_FILE).is_file():
        recipe = read_run_record(run).recipe
        if recipe is not None:
            return recipe.env, _frozen(recipe.env_arguments)
    settings = read_settings(run)
    return (settings.env if settings else ""), ()


def _frozen(arguments: Mapping[str, Json]) -> tuple[tuple[str, Json], ...]:
    return tuple(sorted(arguments.items()))
