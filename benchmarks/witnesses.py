"""What other witnesses than the logs add: python -m benchmarks.witnesses [--record [NAME ...]]

With --record, every faulty environment of the laboratory is registered under an id of its own, of which no expectations
are known, and examined as ``rldoctor diagnose RUN --env ID`` does; what the checks observe is written to
tests/runs/environments.json, which benchmarks.fit_weights reads. Some ten minutes.

Without, every recorded run is diagnosed from plain logs, with its environment, with its settings, and with both, by
weights fitted without it, and docs/witnesses.md is written. Some ten minutes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium

from benchmarks import DOCS
from benchmarks.corpus import RECORDED, RecordedRun, recorded_runs
from rldoctor.diagnosis.witnesses import state_settings
from rldoctor.environments import registry
from rldoctor.examination.environment import observations_of, strength_of
from rldoctor.experiments.faults import Fault, find
from rldoctor.model import Observation, Severity, Statement
from rldoctor.preflight.runner import run_preflight
from rldoctor.rulebook import load_rulebook

if TYPE_CHECKING:
    from benchmarks.accuracy.answers import Answer

FILE = RECORDED / "environments.json"


@cache
def _recorded() -> dict[str, dict[str, str]]:
    """Return, for each environment of the laboratory, the keys that preflight observed with their severities."""
    return json.loads(FILE.read_text()) if FILE.is_file() else {}


def environment(recorded: RecordedRun) -> list[Statement]:
    """Return what preflight says of the environment of a recorded run."""
    name = key_of(recorded.env, recorded.fault, recorded.severity)
    seen = _recorded()[name]
    alone = all(severity in ("", Severity.NOTE) for severity in seen.values())
    return [Statement("environment", name, tuple(_observation(*item, alone) for item in seen.items()))]


def settings(recorded: RecordedRun) -> list[Statement]:
    """Return what the settings of a recorded run say: those of its run.json."""
    statement = state_settings(recorded.run)
    return [statement] if statement else []


def both(recorded: RecordedRun) -> list[Statement]:
    """Return what environment and settings say."""
    return [*environment(recorded), *settings(recorded)]


def _observation(key: str, severity: str, alone: bool) -> Observation:
    code, _, name = key.partition("-")
    if not severity:
        return Observation("environment", code, name, 1.0, "health", (), "")
    supports = load_rulebook().witnesses[key].supports if key in load_rulebook().witnesses else ()
    strength = strength_of(Severity(severity), alone)
    return Observation("environment", code, name, strength, "fault", supports, "", severity=Severity(severity))


# What is at hand, whose faults are counted, and who is heard.
KINDS: Sequence[tuple[str, Callable[[Fault], bool], Callable[[RecordedRun], list[Statement]]]] = (
    ("environment, faults of environments", lambda fault: fault.wrap is not None, lambda run: environment(run)),
    ("settings, faults of settings", lambda fault: fault.settings is not None, lambda run: settings(run)),
    ("both, all faults", lambda fault: True, lambda run: both(run)),
)


def key_of(env: str, fault: str, severity: str) -> str:
    """Return the name of an environment of the laboratory: only a fault that lives in it makes it another one."""
    return f"{env}-{fault}-{severity}" if fault and find(fault).wrap else env


def _environments() -> Iterator[tuple[str, str, str]]:
    seen = set()
    for run in recorded_runs():
        key = key_of(run.env, run.fault, run.severity)
        if key not in seen:
            seen.add(key)
            yield (run.env, run.fault, run.severity) if key != run.env else (run.env, "", "")


def observe(env: str, fault: str, severity: str) -> dict[str, str]:
    """Run preflight on one environment of the laboratory, under an id that nobody knows."""
    known = find(fault) if fault else None
    wrap = known.wrap(known.knob(severity)) if known and known.wrap else lambda env: env

    def make(**options: Any) -> Any:
        return wrap(registry.make(env, **options))

    gymnasium.registry.pop("Laboratory-v0", None)
    gymnasium.register("Laboratory-v0", entry_point=make)
    with tempfile.TemporaryDirectory() as folder:
        result = run_preflight("Laboratory-v0", directory=Path(folder), select=["ENV"])
    known = load_rulebook().witnesses
    return {
        item.key: item.severity.value if item.direction == "fault" else ""
        for item in observations_of(result)
        if item.key in known
    }


def record(wanted: Sequence[str]) -> None:
    """Record every environment, or those whose names contain one of the words."""
    found = dict(_recorded()) if wanted else {}
    for env, fault, severity in _environments():
        key = key_of(env, fault, severity)
        if wanted and not any(word in key for word in wanted):
            continue
        found[key] = observe(env, fault, severity)
        print(key, " ".join(code for code, said in found[key].items() if said), flush=True)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(keys)}" for name, keys in sorted(found.items()))
    FILE.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def measure() -> None:
    """Diagnose every recorded run with each witness, and write docs/witnesses.md."""
    # Late: it reads the weights' fit, which reads what is recorded here.
    from benchmarks.accuracy.answers import answer_for
    from benchmarks.accuracy.held_out import fitted_for_folds, single_runs
    from benchmarks.accuracy.tables import HEAD, misses, rate, summary

    corpus = recorded_runs()
    books = fitted_for_folds(corpus, single_runs(corpus))
    lines = [HEAD.replace("held out", "at hand"), "|---|---|---|---|---|---|---|"]
    missed, ties = [], []
    for title, of_fault, heard in KINDS:
        part = [(i, p) for i, p in enumerate(corpus) if not p.fault or of_fault(find(p.fault))]
        for label, statements in (("logs alone", None), (title, heard)):
            answers: list[Answer] = [
                answer_for(p.without_doctor(), books[i], statements=statements(p) if statements else ())
                for i, p in part
            ]
            of = title.partition(",")[2].strip() if statements else "logs alone"
            harmed = [a for a in answers if a.recorded.harmed and a.tied]
            inside = rate(any(cause in a.recorded.right for cause in a.tied) for a in harmed)
            ties.append(f"| {of} | {rate(a.first for a in harmed)} | {inside} |")
            lines += summary(f"{title.partition(',')[2].strip()}: {label.partition(',')[0]}", answers)
        missed += ["", f"## Missed: {title}", "", *(misses(answers) or ["None."]), *_why_not_by_settings(answers)]
        print("\n".join(lines[-2:]), flush=True)
    text = [
        "# What other witnesses add to the logs",
        "",
        f"The {len(corpus)} recorded runs (`tests/runs`), from plain SB3 logs: alone, with the environment at hand (as",
        "`rldoctor diagnose RUN --env ID` examines it, under an id of which nothing is known), with the settings beside the",
        "logs, and with both. Every run is judged with weights fitted without it (ten folds). The first column says whose",
        "faults are counted; healthy runs are the same in every row. Intervals are 95 % Wilson intervals. Reproduce with",
        "`python -m benchmarks.witnesses`.",
        "",
        *lines,
        "",
        "## Ties",
        "",
        "Causes at least half as likely as the first are shown as one tie, three at most. Of the harmful runs with a tie:",
        "",
        "| | right cause first | right cause inside the tie |",
        "|---|---|---|",
        ties[-2],
        ties[-1].replace("all faults", "environment and settings"),
        *missed,
        "",
    ]
    (DOCS / "witnesses.md").write_text("\n".join(text), encoding="utf-8")


def _why_not_by_settings(answers: Sequence[Answer]) -> list[str]:
    """Return why settings do not accuse runs that were not found: how often the same ones do no harm."""
    unseen = {a.recorded.fault for a in answers if a.recorded.harmed and not a.found}
    if not unseen or any(find(fault).settings is None for fault in unseen):
        return []
    same = [a for a in answers if a.recorded.fault in unseen]
    return [
        "",
        f"Of the {len(same)} runs with these settings, {sum(not a.recorded.harmed for a in same)} come to no harm: the settings alone",
        "do not accuse where the curves look healthy.",
    ]


def main() -> None:
    """Record, or measure."""
    if sys.argv[1:2] == ["--record"]:
        record(sys.argv[2:])
    else:
        measure()


if __name__ == "__main__":
    main()
