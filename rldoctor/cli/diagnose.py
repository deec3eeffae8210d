"""``rldoctor diagnose``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rldoctor.cli.configured import ConfigOption, IsolatedOption, configured, failing
from rldoctor.cli.executors import AddressOption, ExecutorName, executor_of
from rldoctor.cli.options import (
    FailOnOption,
    Format,
    FormatOption,
    IgnoreOption,
    OutputOption,
    SelectOption,
    VerboseOption,
    finish,
    need_training_packages,
    words,
)

# Enough to tell a policy from none, and some seconds.
_EPISODES = 20


def diagnose(
    runs: Annotated[
        list[str], typer.Argument(help="Folders, or s3://bucket/runs; every run at or below them is diagnosed.")
    ],
    reference: Annotated[str | None, typer.Option("--reference", "-r", help="Hold runs against this one.")] = None,
    names: Annotated[
        str | None,
        typer.Option("--names", help="What logged them (cleanrl, rllib, ...), or a names file; told by the tags else."),
    ] = None,
    env: Annotated[
        str | None,
        typer.Option("--env", help="What they were trained on: doing nothing and acting at random are measured there."),
    ] = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    executor: Annotated[
        ExecutorName, typer.Option("--executor", help="Where logs are read: ray needs the extra [ray].")
    ] = ExecutorName.LOCAL,
    address: AddressOption = None,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    fail_on: FailOnOption = None,
    format_: FormatOption = Format.TEXT,
    output: OutputOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Read TensorBoard logs back: healthy or not, what is wrong, how it is known, what to change."""
    from rldoctor.diagnosis import diagnose as examine
    from rldoctor.model import make_report

    asked = configured(config, isolated)
    chosen = (reference, words(select), words(ignore))
    known: dict[str, Any] = {"framework": names, "config": asked, "baseline_return": _floor(env) if env else None}
    if executor is ExecutorName.LOCAL and address is None:
        # Its own processes take hundreds of runs each; fewer need none.
        subjects = examine(runs, *chosen, **known)
    else:
        with executor_of(executor, None, address) as shared:
            subjects = examine(runs, *chosen, executor=shared, **known)
    finish(make_report("diagnose", subjects, failing(fail_on, asked)), format_, verbose, output)


def _floor(env: str) -> float | None:
    need_training_packages("diagnose --env")
    from rldoctor.environments import registry
    from rldoctor.environments.baselines import measure_baselines
    from rldoctor.logs.read import baseline_return

    registry.resolve(env)
    return baseline_return(measure_baselines(lambda: registry.make(env), range(_EPISODES)))
