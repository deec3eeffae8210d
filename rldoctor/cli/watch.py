"""``rldoctor watch``."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured
from rldoctor.cli.options import FailOnVerdict, PlainFormat, words
from rldoctor.errors import EXIT_FINDINGS, UsageError

if TYPE_CHECKING:
    from rldoctor.hooks.notifier import Notifier
    from rldoctor.watch.watcher import Event, Watcher

_SIGNALS = ("SIGINT", "SIGTERM", "SIGUSR1")


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
    from rldoctor.watch.watcher import Watcher

    if format_ is PlainFormat.JSON and not once:
        raise UsageError("--format json needs --once.", "Add --once.")
    stopper = _stopper(stop)
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
    stopper: tuple[str, str] | None,
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


def _tell(events: list[Event], notifier: Notifier, stopper: tuple[str, str] | None) -> None:
    from rldoctor.model import Verdict
    from rldoctor.render.wording import clean

    for event in events:
        row = event.row
        text = clean(f"rldoctor: {row.path}: {event.text}{f' {row.remedy}' if row.remedy else ''}")
        about: dict[str, str | int | float | None] = {
            "cause": row.cause,
            "confidence": round(row.confidence, 3),
            "step": row.step,
            "state": row.state,
        }
        notifier.notify(row.path, str(row.verdict), text, {**about, "planned": row.planned, "remedy": row.remedy})
        if stopper and row.verdict is Verdict.SICK and not event.run.is_over and event.run.is_hopeless:
            typer.echo(_stop(event, *stopper), err=True)


def _stopper(text: str | None) -> tuple[str, str] | None:
    """Return how a sick run is stopped: ``signal`` and its name, or ``file`` and its name.

    Raises:
        UsageError: It is neither.
    """
    if text is None:
        return None
    kind, _, name = text.partition(":")
    if kind == "file" and name and name == Path(name).name and name not in (".", ".."):
        return "file", name
    if text in _SIGNALS:
        return "signal", text
    raise UsageError(f"--stop {text!r} is not known.", f"Use {', '.join(_SIGNALS)}, or file:NAME.")


def _stop(event: Event, kind: str, name: str) -> str:
    path = event.row.path
    if kind == "file":
        try:
            (event.run.directory / name).touch()
        except OSError as error:
            return f"{path}: {name} could not be written: {error.strerror}."
        return f"{path}: wrote {name}."
    process = event.run.writing_process
    if process is None:
        return f"{path}: not stopped: its logs do not say which process of this machine writes them."
    try:
        os.kill(process, getattr(signal, name))
    except OSError as error:
        return f"{path}: process {process} could not be sent {name}: {error.strerror}."
    return f"{path}: sent {name} to process {process}."
