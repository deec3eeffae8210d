"""The Python interface: the commands as functions that return a report, and logs as one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rldoctor.config import DEFAULTS, Config, read_config
from rldoctor.diagnosis.many import diagnose as diagnose_all
from rldoctor.diagnosis.report import Report
from rldoctor.errors import MissingExtra, UsageError
from rldoctor.gate import Statistic, judge_runs
from rldoctor.model import Json, Verdict
from rldoctor.references import load_recipe, load_trainable

if TYPE_CHECKING:
    import gymnasium
    import pandas as pd

Paths = str | os.PathLike[str]
FailOn = Literal["sick", "suspect"]


def diagnose(
    *runs: Paths | Iterable[Paths],
    reference: str | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    fail_on: FailOn | None = None,
    processes: int = 1,
    framework: str | None = None,
    baseline_return: float | None = None,
    config: Paths | None = None,
    env: str | None = None,
    model: Paths | None = None,
    names: str | None = None,
    floor: float | None = None,
) -> Report:
    """Read the training logs at or below ``runs`` and diagnose each run.

    Args:
        runs: Folders, as ``tensorboard --logdir`` takes them, or addresses such as ``s3://bucket/runs``; one by one or
            in a list.
        reference: Name or folder of a reference to compare every run with; by default the one that fits.
        select: Use only these signs: names, or beginnings of codes.
        ignore: Leave these signs out.
        fail_on: The mildest verdict for which ``exit_code`` is 1; ``"sick"``, or what the configuration says.
        processes: How many processes share hundreds of runs. More than 1 needs a script that is guarded by
            ``if __name__ == "__main__"``, as Python's ``multiprocessing`` requires.
        framework: What logged the runs, such as ``"cleanrl"``, or the path of a tag mapping; detected from their tags
            by default.
        baseline_return: Mean return of the zero-action or the random policy, whichever is better, where all runs are
            of one environment; the returns are compared with it.
        config: An ``rldoctor.toml`` or ``pyproject.toml``. None is read by default, not even the nearest one, so that a
            script gives the same report everywhere.
        env: The environment of the runs, to be examined with them in a process of its own, for 30 s at most. A script
            that gives it is guarded as for ``processes``.
        model: The model of the runs as Stable-Baselines3 saved it, to be examined with them.
        names: The older name of ``framework``.
        floor: The older name of ``baseline_return``.

    Returns:
        The report: ``report.verdict``, ``report.exit_code``, ``report.subjects`` (one for each run, the worst first).

    Raises:
        UsageError: A folder, reference, framework, sign, environment or model does not exist.
        CannotJudge: There is no run.
    """
    asked = _config(config)
    options: dict[str, Any] = {
        "reference": reference,
        "select": tuple(select),
        "ignore": tuple(ignore),
        "processes": processes,
        "framework": framework or names,
        "config": asked,
        "baseline_return": floor if baseline_return is None else baseline_return,
    }
    if env is None and model is None:
        subjects = diagnose_all(_flat(runs), **options)
    else:
        try:
            from rldoctor.examination.examine import examine
        except ImportError as error:
            raise MissingExtra("rldoctor.diagnose(env=...)", error.name or "gymnasium") from None
        subjects = examine(_flat(runs), env=env, model=None if model is None else Path(model), **options)
    return Report.of("diagnose", subjects, _verdict(fail_on, asked))


def read_runs(*runs: Paths | Iterable[Paths], framework: str | None = None) -> pd.DataFrame:
    """Read the logs of many runs into one long pandas table.

    ``read_runs("runs").to_csv("runs.csv")`` writes it for a spreadsheet; ``to_parquet`` needs the extra ``[parquet]``.

    Args:
        runs: As in :func:`diagnose`.
        framework: As in :func:`diagnose`.

    Returns:
        A row for each logged point, with the columns ``run``, ``framework``, ``metric`` (rldoctor's name), ``tag`` (the
        framework's name), ``step`` and ``value``. Metrics that rldoctor does not know are left out.

    Raises:
        UsageError: A folder or the framework does not exist.
        CannotJudge: There is no run.
    """
    from rldoctor.logs import discover, read_run
    from rldoctor.logs.discovery import no_run_below
    from rldoctor.logs.frame import frame_of

    found = discover(_flat(runs))
    if not found:
        raise no_run_below(_flat(runs))
    return frame_of(read_run(directory, framework) for directory in found)


def gate(
    *runs: Paths | Iterable[Paths],
    require: Mapping[str, float | str] | Iterable[str] = (),
    reference: str | None = None,
    aggregate: Literal["worst", "mean", "iqm"] | None = None,
    baseline: Paths | Iterable[Paths] = (),
    margin: float = 0.1,
    fail_on: FailOn | None = None,
    config: Paths | None = None,
) -> Report:
    """Compare the evaluations of runs with passing criteria.

    Args:
        runs: Run directories with an evaluation by ``rldoctor evaluate``, or folders of them.
        require: Criteria to change: a threshold each, or ``"off"``, ``"warn"``, ``"error"``.
        reference: Use this reference's criteria instead of each run's own.
        aggregate: Judge the seeds of a recipe together, by this statistic.
        baseline: Earlier runs to compare against; the gate fails on a regression
            (:func:`rldoctor.gate.regression.compare`).
        margin: Allowed regression, as a fraction of the baseline's gain over the better of the zero-action and the
            random policy, in [0, 1].
        fail_on: The mildest verdict for which ``exit_code`` is 1; ``"sick"``, or what the configuration says.
        config: A configuration file, none by default; ``require`` overrides its criteria.

    Returns:
        The report; ``exit_code`` is 0 for passed, 1 for failed, 3 where an evaluation is missing or stale.

    Raises:
        UsageError: A folder, criterion or reference does not exist.
    """
    if aggregate is not None and aggregate not in list(Statistic):
        raise UsageError(f"aggregate={aggregate!r} is not a statistic.", f"Use {', '.join(Statistic)}.")
    if not 0 <= margin <= 1:
        raise UsageError(f"margin={margin!r} is not a fraction.", "Give a number from 0 to 1.")
    pairs = [f"{name}={value}" for name, value in require.items()] if isinstance(require, Mapping) else list(require)
    asked = _config(config)
    subjects = judge_runs(
        [Path(run) for run in _flat(runs)],
        require=(*asked.requirements, *pairs),
        recipe=load_recipe(reference, asked.references) if reference else None,
        aggregate=Statistic(aggregate) if aggregate else None,
        baseline=[Path(run) for run in _flat([baseline])],
        margin=margin,
        criteria=asked.criteria,
    )
    return Report.of("gate", subjects, _verdict(fail_on, asked))


def preflight(
    env: str | Callable[[], gymnasium.Env[Any, Any]],
    *,
    reference: str | None = None,
    settings: Mapping[str, Json] | None = None,
    make_model: Callable[[Any], Any] | None = None,
    directory: Paths = ".",
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    fail_on: FailOn | None = None,
    config: Paths | None = None,
    budget: float = 20.0,
) -> Report:
    """Check this machine and an environment before a training.

    Args:
        env: Gymnasium id (``module:id`` imports the module), or a function that makes a new environment.
        reference: The reference whose recipe will be trained; SB3's defaults without one.
        settings: Hyperparameters that differ from the reference's.
        make_model: Makes the off-policy algorithm of Stable-Baselines3, or a subclass, that will be trained, on the vec
            env that it is given: its replay buffer, relabelling, target networks and updates are examined too.
        directory: Where runs will be written.
        select: Run only these checks: beginnings of codes or names.
        ignore: Leave these checks out.
        fail_on: The mildest verdict for which ``exit_code`` is 1; ``"sick"``, or what the configuration says.
        config: A configuration file, none by default.
        budget: Seconds; checks that do not fit are reported as not run.

    Raises:
        UsageError: The id, the reference, a setting or a check does not exist.
        MissingExtra: The packages of the extra ``[train]`` are not installed.
    """
    try:
        import gymnasium

        from rldoctor.environments import registry
        from rldoctor.preflight.runner import run_preflight
    except ImportError as error:
        raise MissingExtra("rldoctor.preflight", error.name or "gymnasium") from None
    if settings and reference is None:
        raise UsageError(
            "settings changes a reference's recipe, but no reference is given.", "Add reference='chapter'."
        )
    asked = _config(config)
    recipe = load_trainable(reference, asked.references) if reference else None
    if recipe and settings:
        recipe = recipe.with_overrides(f"{key}={value}" for key, value in settings.items())
    if isinstance(env, gymnasium.Env):
        raise UsageError(
            "preflight makes several environments and needs to know how, but got one that is made already.",
            "Give its id, or a function that makes one: preflight(lambda: MyEnv()).",
        )
    subject = run_preflight(
        env if isinstance(env, str) else registry.register(env),
        recipe=recipe,
        make_model=make_model,
        directory=Path(directory),
        select=tuple(select),
        ignore=tuple(ignore),
        config=asked,
        budget=budget,
    )
    return Report.of("preflight", [subject], _verdict(fail_on, asked))


def _flat(paths: Iterable[Paths | Iterable[Paths]]) -> list[str]:
    """Return paths, given one by one or as lists, in one list.

    Raises:
        UsageError: One is no path.
    """
    found: list[str] = []
    for path in paths:
        if isinstance(path, (str, os.PathLike)):
            found.append(os.fspath(path))
        elif isinstance(path, Iterable):
            found += _flat(path)
        else:
            raise UsageError(f"{path!r} is not a path.", "Give paths of runs as text or pathlib.Path.")
    return found


def _config(file: Paths | None) -> Config:
    if file is None:
        return DEFAULTS
    from rldoctor.preflight.selectors import require_known

    return require_known(read_config(Path(file)))


def _verdict(fail_on: str | None, config: Config) -> Verdict:
    if fail_on is None:
        return config.fail_on
    if fail_on not in ("sick", "suspect"):
        raise UsageError(f"fail_on={fail_on!r} is not a verdict that can fail.", "Use 'sick' or 'suspect'.")
    return Verdict(fail_on)
