"""All probes of an algorithm, in a process of their own: one that hangs costs its time limit, not the terminal."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

from rldoctor.errors import RldoctorError, TrainingFailed, UsageError, near
from rldoctor.model import CheckResult, Finding, Outcome, ProbeResult, Severity, Unjudged, Verdict
from rldoctor.probes.adapters import Trainer, find
from rldoctor.probes.catalogue import FAMILIES, ProbeRule, expected, probes
from rldoctor.probes.judge import PASSED, rank, signs, value_range
from rldoctor.probes.play import Measured, Task, play

# Importing PyTorch on a busy machine.
_START_UP = 60.0
# Families of Stable-Baselines3's algorithms.
_SB3 = {"DQN": "dqn", "SAC": "sac", "TD3": "sac", "DDPG": "sac"}
_SECOND_SEED = 1000
Watcher = Callable[[str, int, int], None]


def probe(
    name: str | Trainer,
    *,
    algorithm: str = "",
    steps: int | None = None,
    seed: int = 0,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    timeout: float = 60.0,
    watcher: Watcher | None = None,
) -> ProbeResult:
    """Train an algorithm on the probes and say which part of it is faulty.

    A probe that fails is played with a second seed, and counts as failed if both fail.

    Args:
        name: ``file.py:function``, ``module:function`` or ``sb3:PPO``, which is imported in another process; or the
            function itself as a trainer, which is called in this one, without a time limit.
        algorithm: One of :data:`rldoctor.probes.catalogue.FAMILIES`; empty for the one that ``sb3:`` names, or ``ppo``.
        steps: The budget of each probe in environment steps; ``None`` for that of the data file.
        seed: Of the trainings.
        select: Only these probes, by code or name.
        ignore: Not these probes.
        timeout: Seconds for one probe.
        watcher: Called with the probe's name, how many are done, and how many there are.

    Raises:
        UsageError: There is no such function, probe or algorithm, or it does not return a policy.
        TrainingFailed: It raised, or did not end in time.
    """
    family = algorithm or (_SB3.get(name.removeprefix("sb3:"), "") if isinstance(name, str) else "") or FAMILIES[0]
    if family not in FAMILIES:
        raise UsageError(f"There is no kind of algorithm {family!r}.", near(family, FAMILIES))
    chosen = {key: rule for key, rule in _selected(select, ignore).items() if family in rule.families}
    if not chosen:
        raise UsageError("No probe is left to be played.", "Select other probes: rldoctor probe --list.")
    budget = steps or probes().steps[family]
    played = _in_another_process(name, timeout) if isinstance(name, str) else _in_this_process(name)
    results: list[_Played] = []
    with contextlib.closing(played):
        trainer = next(played)
        for done, (key, rule) in enumerate(chosen.items()):
            if watcher:
                watcher(key, done, len(chosen))
            results.append(_played(played, trainer, key, rule, family, budget, seed))
    if watcher:
        watcher("", len(chosen), len(chosen))
    shown = name if isinstance(name, str) else getattr(name.train, "__name__", "train")
    return _result(shown, family, budget, trainer, results)


class _Played:
    """A probe, what was measured, and the signs; without a measurement it was skipped, for the reason given."""

    def __init__(self, name: str, rule: ProbeRule, reason: str = "") -> None:
        self.name, self.rule, self.reason = name, rule, reason
        self.measured: Measured | None = None
        self.signs: dict[str, str] = {}

    @property
    def failed(self) -> list[str]:
        return [f"{aspect} {word}" for aspect, word in self.signs.items() if word != PASSED]


def _played(
    played: _Player, trainer: _Facts, name: str, rule: ProbeRule, family: str, steps: int, seed: int
) -> _Played:
    result = _Played(name, rule)
    if rule.num_envs > 1 and not trainer.parallel:
        result.reason = "the algorithm takes one environment, not make_env and num_envs"
        return result
    gamma = probes().gamma if trainer.takes_gamma else None
    for each in (seed, seed + _SECOND_SEED):
        continuous = family == "sac" or rule.actions == "continuous"
        measured = played.send(Task(name, continuous, rule.num_envs, steps, each, probes().gamma))
        found = signs(name, measured, expected(family, name), gamma, explores=family != "dqn")
        result.measured, result.signs = measured, found
        if not found:
            result.reason = "the algorithm returns no value function"
        if all(word == PASSED for word in found.values()):
            break
    return result


def _selected(select: Sequence[str], ignore: Sequence[str]) -> dict[str, ProbeRule]:
    known = probes().probe
    names = {rule.code.lower(): name for name, rule in known.items()} | {name: name for name in known}
    for word in (*select, *ignore):
        if word.lower() not in names:
            raise UsageError(f"There is no probe {word!r}.", near(word, known))
    wanted = {names[word.lower()] for word in select} or set(known)
    return {name: known[name] for name in known if name in wanted - {names[word.lower()] for word in ignore}}


def _result(name: str, family: str, steps: int, trainer: _Facts, results: Sequence[_Played]) -> ProbeResult:
    failed = [one for one in results if one.failed]
    judged = [one for one in results if one.signs]
    diagnoses = rank(f"{p.name}.{aspect}.{word}" for p in judged for aspect, word in p.signs.items()) if failed else ()
    findings = tuple(_finding(one, trainer) for one in failed)
    unjudged = tuple(Unjudged(p.rule.code, f"{p.name}: {p.reason}.") for p in results if not p.signs)
    verdict = Verdict.SICK if failed else Verdict.HEALTHY if judged else Verdict.UNJUDGED
    passed = f"{len(judged) - len(failed)} of {len(judged)} probes passed"
    if diagnoses:
        summary = f"{passed}. Most likely at fault: {diagnoses[0].title}."
    else:
        summary = f"{passed}." if judged else "Nothing could be judged."
    if judged and not any("value" in one.signs for one in results):
        summary += " Only the policy was judged, because the algorithm returns no value function."
    return ProbeResult(
        path=name,
        verdict=verdict,
        title=f"{family} probes of {steps:,} steps each",
        summary=summary,
        findings=findings,
        unjudged=unjudged,
        facts={one.name: _facts(one.measured) for one in results if one.measured},
        checks=tuple(map(_check, results)),
        diagnoses=diagnoses,
    )


def _facts(measured: Measured) -> dict[str, Any]:
    return {
        "scores": [round(score, 3) for score in measured.scores],
        "values": [round(value, 3) for value in measured.values],
        "late": round(measured.late, 3),
        "spread": round(measured.spread, 3),
        "steps": measured.steps,
    }


def _check(one: _Played) -> CheckResult:
    if not one.signs:
        return CheckResult(one.rule.code, one.name, Outcome.SKIPPED, one.reason)
    outcome = Outcome.FIRED if one.failed else Outcome.PASSED
    return CheckResult(
        one.rule.code, one.name, outcome, _note(one), round(one.measured.seconds, 2) if one.measured else 0
    )


def _note(one: _Played) -> str:
    assert one.measured is not None
    parts = [f"right action {score:.0%}" for score in one.measured.scores[:1]]
    if len(one.measured.scores) > 1:
        parts = [f"right actions {', '.join(f'{score:.0%}' for score in one.measured.scores)}"]
    parts += [f"values {', '.join(f'{value:.3g}' for value in one.measured.values)}"] * bool(one.measured.values)
    return "; ".join(parts)


_WORDS = {
    "policy failed": "the policy does not learn the right action",
    "policy reversed": "the policy learns the wrong action",
    "policy one-action": "the policy does the same whatever it observes",
    "policy differs": "it acts well in training, and the returned policy does not",
    "policy not-finite": "the policy's actions are not finite",
    "value flat": "values that should differ are alike",
    "value reversed": "the values are the wrong way round",
    "value too-high": "a value is too high",
    "value too-low": "a value is too low",
    "value not-finite": "a value is not finite",
    "behaviour collapsed": "it settles on one action although none is better",
    "behaviour random": "it still acts at random at the end of the training",
}


def _finding(one: _Played, trainer: _Facts) -> Finding:
    assert one.measured is not None
    right = ""
    if "value" in one.signs and one.measured.values:
        gamma = probes().gamma if trainer.takes_gamma else None
        ranges = value_range(one.name, gamma)
        texts = [f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}" for low, high in ranges]
        right = f" (right: {', '.join(texts)})"
    said = " and ".join(_WORDS[word] for word in one.failed)
    return Finding(
        one.rule.code,
        one.name,
        Severity.ERROR,
        f"{one.rule.what} {said[0].upper()}{said[1:]}: {_note(one) or 'see the actions in training'}{right}.",
        f"This probe tests {one.rule.sees}.",
        {"signs": one.failed, **_facts(one.measured)},
    )


class _Facts:
    """What the process that plays says of the algorithm before the first probe."""

    def __init__(self, parallel: bool, takes_gamma: bool) -> None:
        self.parallel, self.takes_gamma = parallel, takes_gamma


_Player: TypeAlias = Generator[Any, Task, None]
"""The facts first, then a measurement for each task that is sent."""


def _in_this_process(trainer: Trainer) -> _Player:
    task = yield _Facts(trainer.parallel, trainer.takes_gamma)
    while True:
        task = yield play(trainer, task)


def _in_another_process(name: str, timeout: float) -> _Player:
    # Spawned, not forked: a fork of a process with threads (PyTorch's) may hang.
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(name, there), daemon=True)
    process.start()
    there.close()
    try:
        facts = _Facts(*_answer(here, process, time.monotonic() + _START_UP, f"Importing {name}", _START_UP))
        task = yield facts
        while True:
            here.send(task)
            what = f"The training on the probe {task.probe}"
            task = yield _answer(here, process, time.monotonic() + timeout, what, timeout)
    finally:
        process.terminate()
        process.join(1.0)
        if process.is_alive():
            process.kill()
            process.join()
        here.close()


def _answer(here: Connection, process: Any, end: float, what: str, seconds: float) -> Any:
    try:
        if not here.poll(max(0.0, end - time.monotonic())):
            raise TrainingFailed(
                f"{what} did not end within {seconds:g} s.",
                "Let it stop after the number of steps that it is given, or allow more time with --timeout.",
            )
        kind, content = here.recv()
    except (EOFError, OSError):
        process.join()
        raise TrainingFailed(f"{what} ended its process with exit code {process.exitcode}.") from None
    if kind == "error":
        raise content
    return content


def _serve(name: str, there: Connection) -> None:
    # Ctrl-C goes to all processes of the group; the one that waits decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What an algorithm prints does not belong into the report.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with contextlib.suppress(ImportError):
        import torch

        # The networks are tiny: threads only cost time.
        torch.set_num_threads(1)
    try:
        trainer = find(name)
        there.send(("facts", (trainer.parallel, trainer.takes_gamma)))
        while True:
            there.send(("measured", play(trainer, there.recv())))
    except EOFError:
        return
    except RldoctorError as error:
        there.send(("error", _plain(error)))
    except BaseException as error:
        there.send(("error", TrainingFailed(f"The training failed with {type(error).__name__}: {error}.")))


def _plain(error: RldoctorError) -> RldoctorError:
    """Return an error that can be sent: a cause of the user's own class may not be known elsewhere."""
    kind = next(kind for kind in (UsageError, TrainingFailed, RldoctorError) if isinstance(error, kind))
    return kind(error.problem, error.cure)
