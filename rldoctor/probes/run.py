"""All probes of an algorithm, in a process of their own: one that hangs costs its time limit, not the terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from rldoctor.errors import UsageError, near
from rldoctor.model import CheckResult, Finding, Outcome, ProbeResult, Severity, Unjudged, Verdict
from rldoctor.probes.adapters import Trainer
from rldoctor.probes.catalogue import FAMILIES, ProbeRule, expected, probes
from rldoctor.probes.child import Facts, Player, in_another_process, in_this_process
from rldoctor.probes.judge import PASSED, rank, signs, value_range
from rldoctor.probes.play import Measured, Task

# Families of Stable-Baselines3's algorithms.
_SB3 = {"DQN": "dqn", "SAC": "sac", "TD3": "sac", "DDPG": "sac"}
SEEDS = (0, 1000, 2000)
"""Added to the seed that is asked for: two plays of each probe, and a third where they disagree."""
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

    Each probe is played with two seeds, and with a third where they disagree.

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
    played = in_another_process(name, timeout) if isinstance(name, str) else in_this_process(name)
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


def _played(played: Player, trainer: Facts, name: str, rule: ProbeRule, family: str, steps: int, seed: int) -> _Played:
    result = _Played(name, rule)
    if rule.num_envs > 1 and not trainer.parallel:
        result.reason = "the algorithm takes one environment, not make_env and num_envs"
        return result
    gamma = probes().gamma if trainer.takes_gamma else None
    continuous = family == "sac" or rule.actions == "continuous"
    plays: list[tuple[Measured, dict[str, str]]] = []
    outcomes: list[bool] = []
    for more in SEEDS:
        measured = played.send(Task(name, continuous, rule.num_envs, steps, seed + more, probes().gamma))
        found = signs(name, measured, expected(family, name), gamma, explores=family != "dqn")
        plays.append((measured, found))
        outcomes.append(set(found.values()) <= {PASSED})
        if not found:
            result.reason = "the algorithm returns no value function"
            break
        if len(outcomes) == 2 and outcomes[0] == outcomes[1]:
            break
    result.measured, result.signs = plays[outcomes.index(majority(outcomes))]
    return result


def majority(outcomes: Sequence[bool]) -> bool:
    """Return how most plays of a probe ended: by chance, a random policy passes some, and a correct one fails some."""
    return 2 * sum(outcomes) > len(outcomes)


def _selected(select: Sequence[str], ignore: Sequence[str]) -> dict[str, ProbeRule]:
    known = probes().probe
    names = {rule.code.lower(): name for name, rule in known.items()} | {name: name for name in known}
    for word in (*select, *ignore):
        if word.lower() not in names:
            raise UsageError(f"There is no probe {word!r}.", near(word, known))
    wanted = {names[word.lower()] for word in select} or set(known)
    return {name: known[name] for name in known if name in wanted - {names[word.lower()] for word in ignore}}


def _result(name: str, family: str, steps: int, trainer: Facts, results: Sequence[_Played]) -> ProbeResult:
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
    "behaviour wrong": "it takes the wrong action at the end of the training",
    "behaviour random": "it still acts at random at the end of the training",
}


def _finding(one: _Played, trainer: Facts) -> Finding:
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
