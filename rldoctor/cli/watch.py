"""``rldoctor watch``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured
from rldoctor.cli.options import FailOnVerdict, PlainFormat, words
from rldoctor.errors import EXIT_FINDINGS, UsageError

if TYPE_CHECKING:
    from rldoctor.hooks.notifier import Notifier
    from rldoctor.watch.stopping import Stopper
    from rldoctor.watch.watcher import Event, Watcher


def watch(
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="Folders, or s3://bucket/runs; every run at or below them is watched. [default: runs]"),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once, print how the runs stand, and end.")] = False,
    exit_on: Annotated[
        FailOnVerdict | None, typer.Option("--exit-on", help="End with exit code 1 as soon as a run is this bad.")
    ] = None,
    interval: Annotated[float, typer.Option("--interval", min=0.5, help="Seconds between two looks.")] = 4.0,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Steps of each training, where its settings do not state them.")
    ] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option("--notify", help="Tell a URL (slack+, discord+ or json+ before it), a command, or desktop."),
    ] = None,
    cool_down: Annotated[
        float, typer.Option("--cool-down", min=0, help="Seconds between two notices on one run of the same verdict.")
    ] = 60.0,
    stop: Annotated[
        str | None,
        typer.Option(
            "--stop", help="Stop a sick run: SIGINT, SIGTERM or SIGUSR1, or file:NAME to write in its folder."
        ),
    ] = None,
    reference: options.ComparedReference = None,
    framework: options.Framework = None,
    select: options.Select = None,
    ignore: options.Ignore = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
    format_: Annotated[PlainFormat, typer.Option("--format", help="How --once prints.")] = PlainFormat.TEXT,
) -> None:
    """Watch trainings while they run: how each stands, since when, why, and when it will be done."""
    from rldoctor.diagnosis.context import context_of
    from rldoctor.hooks.hook import parse
    from rldoctor.hooks.notifier import Notifier
    from rldoctor.logs.frameworks import find_tag_mapping
    from rldoctor.watch.stopping import Stopper
    from rldoctor.watch.watcher import Watcher

    if format_ is PlainFormat.JSON and not once:
        raise UsageError("--format json needs --once.", "Add --once.")
    stopper = Stopper(stop) if stop is not None else None
    notifier = Notifier([parse(text) for text in notify or ()], cool_down)
    context = context_of(configured(config, isolated), words(select), words(ignore))
    if framework:
        find_tag_mapping(framework, context.tag_mappings)
    watcher = Watcher(runs or ["runs"], context, steps, reference, framework)
    try:
        if once:
            events = watcher.poll(all_of_it=True)
            _tell(events, notifier, stopper)
            _print_once(watcher, format_)
        else:
            _follow(watcher, notifier, stopper, interval, exit_on)
    finally:
        notifier.close()
    if _is_bad(watcher, exit_on):
        raise typer.Exit(EXIT_FINDINGS)


def _follow(
    watcher: Watcher,
    notifier: Notifier,
    stopper: Stopper | None,
    interval: float,
    exit_on: FailOnVerdict | None,
) -> None:
    from rich.console import Console
    from rich.live import Live

    from rldoctor.render.terminal.watch import watch_table
    from rldoctor.render.wording import clean

    console = Console()
    if not console.is_terminal:
        while True:
            for event in (events := watcher.poll()):
                remedy = f" {event.row.remedy}" if event.row.remedy else ""
                typer.echo(clean(f"{event.row.path}: {event.text}{remedy}"))
            _tell(events, notifier, stopper)
            if watcher.is_over or _is_bad(watcher, exit_on):
                return
            time.sleep(interval)
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            _tell(watcher.poll(), notifier, stopper)
            live.update(watch_table(console, watcher.rows, interval), refresh=True)
            if watcher.is_over or _is_bad(watcher, exit_on):
                return
            time.sleep(interval)


def _print_once(watcher: Watcher, format_: PlainFormat) -> None:
    import json
    from dataclasses import asdict

    if format_ is PlainFormat.JSON:
        typer.echo(json.dumps([asdict(row) for row in watcher.rows], indent=2))
        return
    from rich.console import Console

    from rldoctor.render.terminal.watch import watch_table

    console = Console()
    console.print(watch_table(console, watcher.rows))


def _is_bad(watcher: Watcher, exit_on: FailOnVerdict | None) -> bool:
    from rldoctor.model import Verdict

    if exit_on is None:
        return False
    bad = (Verdict.SICK,) if exit_on is FailOnVerdict.SICK else (Verdict.SICK, Verdict.SUSPECT)
    return any(row.verdict in bad for row in watcher.rows)


def _tell(events: list[Event], notifier: Notifier, stopper: Stopper | None) -> None:
    from rldoctor.model import Verdict
    from rldoctor.render.wording import clean

    held = [event for event in events if event.holds]
    for event in {event.row.path: event for event in held}.values():
        row = event.row
        said = [other.text for other in held if other.row.path == row.path]
        text = clean(" ".join([f"rldoctor: {row.path}:", *said, *([row.remedy] if row.remedy else [])]))
        about: dict[str, str | int | float | None] = {
            "cause": row.cause,
            "confidence": round(row.confidence, 3),
            "step": row.step,
            "state": row.state,
        }
        notifier.notify(row.path, str(row.verdict), text, {**about, "planned": row.planned, "remedy": row.remedy})
        sick = row.verdict is Verdict.SICK and not event.run.is_over and event.run.is_hopeless
        if stopper and sick and (done := stopper.stop(event.run)):
            typer.echo(clean(done), err=True)
