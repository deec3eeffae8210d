"""``rldoctor probe``."""

from __future__ import annotations

from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import need_training_packages
from rldoctor.cli.options import Format, words
from rldoctor.cli.output import finish
from rldoctor.errors import UsageError


def probe(
    algorithm: Annotated[
        str | None,
        typer.Argument(metavar="ALGORITHM", help="path/to/file.py:function, module:function or sb3:PPO."),
    ] = None,
    kind: Annotated[
        str, typer.Option("--algorithm", help="Its kind: ppo, dqn or sac. [default: that of sb3:NAME, or ppo]")
    ] = "",
    steps: Annotated[
        int | None, typer.Option("--steps", min=64, help="Budget of each probe, in steps. [default: by kind]")
    ] = None,
    seed: options.Seed = 0,
    select: Annotated[list[str] | None, typer.Option("--select", help="Only these probes.")] = None,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", help="Leave out these probes.")] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds for the training on one probe.")] = 60.0,
    list_: Annotated[bool, typer.Option("--list", help="List the probes and exit.")] = False,
    format_: options.ReportFormat = None,
    output: options.Output = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Test an algorithm of your own on tiny environments: which part of it is faulty?"""
    if list_:
        from rldoctor.probes.catalogue import probes

        for name, rule in probes().probe.items():
            typer.echo(f"{rule.code}  {name:<20} {rule.what} Tests {rule.sees}.")
        return
    if algorithm is None:
        raise UsageError("No algorithm is named.", "Name it as path/to/file.py:function, module:function or sb3:PPO.")
    need_training_packages("probe")
    from rldoctor.cli.progress import bars
    from rldoctor.model import make_report
    from rldoctor.probes.run import probe as play

    with bars(quiet=format_ not in (None, Format.TEXT)) as bar:
        shown = bar("probes", 1)
        result = play(
            algorithm,
            algorithm=kind.strip().lower(),
            steps=steps,
            seed=seed,
            select=words(select),
            ignore=words(ignore),
            timeout=timeout,
            watcher=lambda name, done, total: shown.count(done, total, name),
        )
    finish(make_report("probe", [result]), format_, verbose, output, quiet)
