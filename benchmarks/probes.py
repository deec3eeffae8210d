"""Do the probes catch the bugs of an algorithm, name the part that is faulty, and leave correct ones in peace?

``python -m benchmarks.probes`` trains each implementation in ``benchmarks/algorithms`` on each probe (two minutes on
one core), keeps what was measured in ``benchmarks/algorithms/measured.json``, and writes ``docs/probes.md``.
``--judge`` judges again what is kept, ``--expect`` writes ``checks/probes_expected.toml`` from the correct ones.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.algorithms.bugs import BUGS, VARIANTS, Change, load
from rldoctor import datafile
from rldoctor.errors import RldoctorError
from rldoctor.probes.adapters import trainer_of
from rldoctor.probes.catalogue import expected, probes
from rldoctor.probes.judge import PASSED, rank, signs, value_error
from rldoctor.probes.play import Measured, Task, play
from rldoctor.probes.run import SEEDS, majority

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "benchmarks" / "algorithms" / "measured.json"


def key(change: Change) -> str:
    return f"{change.algorithm}: {change.name}"


def tasks(family: str, seed: int) -> list[Task]:
    book = probes()
    return [
        Task(name, family == "sac" or rule.actions == "continuous", rule.num_envs, book.steps[family], seed, book.gamma)
        for name, rule in book.probe.items()
        if family in rule.families
    ]


def judged(change: Change, probe: str, measured: dict) -> dict[str, str]:
    one = Measured(**{name: tuple(v) if isinstance(v, list) else v for name, v in measured.items()})
    family = change.algorithm
    return signs(probe, one, expected(family, probe), probes().gamma, explores=family != "dqn")


def passes(change: Change, probe: str, one: dict) -> bool:
    return "error" not in one and set(judged(change, probe, one).values()) <= {PASSED}


def measure(change: Change, kept: dict) -> None:
    """Play all probes with two seeds, and a third where they disagree, as ``rldoctor probe`` does."""
    mine = kept.setdefault(key(change), {})
    trainer = trainer_of(load(change))
    for place, seed in enumerate(SEEDS):
        for task in tasks(change.algorithm, seed):
            if task.num_envs > 1 and not trainer.parallel:
                continue
            done = mine.setdefault(task.probe, {})
            outcomes = [passes(change, task.probe, one) for one in done.values()]
            if str(seed) in done or (place == 2 and len(set(outcomes)) == 1):
                continue
            try:
                measured = asdict(play(trainer, task))
                measured["seconds"] = round(measured["seconds"], 2)
                done[str(seed)] = json.loads(json.dumps(measured), parse_float=lambda text: round(float(text), 4))
            except RldoctorError as error:
                done[str(seed)] = {"error": error.problem}


def all_signs(change: Change, kept: dict) -> set[str]:
    """Return the signs that ``rldoctor probe`` would see: those of the first play that ended as most did."""
    found = set()
    for probe, by_seed in kept[key(change)].items():
        plays = [by_seed[str(seed)] for seed in SEEDS if str(seed) in by_seed]
        outcomes = [passes(change, probe, one) for one in plays]
        shown = plays[outcomes.index(majority(outcomes))]
        by_aspect = {"policy": "raised"} if "error" in shown else judged(change, probe, shown)
        found |= {f"{probe}.{aspect}.{word}" for aspect, word in by_aspect.items()}
    return found


def expect(kept: dict) -> None:
    """Write what correct algorithms reach, over all variants and seeds that were played."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for change in VARIANTS:
        for probe, by_seed in kept.get(key(change), {}).items():
            row = table.setdefault(change.algorithm, {}).setdefault(probe, {})
            for one in by_seed.values():
                if one["scores"]:
                    row["score"] = min(row.get("score", 1.0), *one["scores"])
                if one["values"]:
                    error = value_error(probe, one["values"], probes().gamma)
                    row["value_error"] = max(row.get("value_error", 0.0), error)
                row["late"], row["spread"] = (
                    min(row.get("late", 1.0), one["late"]),
                    min(row.get("spread", 0.5), one["spread"]),
                )
    for rows in table.values():
        for row in rows.values():
            # Two thirds of the way from acting by chance to what correct algorithms reach at least; twice the largest error.
            row["least_score"] = max(0.6, 0.5 + 0.65 * (row.get("score", 1.0) - 0.5))
            row["value_tolerance"] = max(0.12, 2 * row.get("value_error", 0.0))
            row["least_late"] = min(0.7, max(0.55, (row["late"] + 0.5) / 2))
            for name in row:
                row[name] = round(row[name], 3)
    heading = "What correct algorithms reach on the probes, over variants and seeds. Made by: python -m benchmarks.probes --expect"
    datafile.write_toml(ROOT / "checks" / "probes_expected.toml", table, heading)


def report(kept: dict) -> str:
    rows, caught, named, passed = [], 0, 0, []
    bugs = [bug for bug in BUGS if key(bug) in kept]
    for bug in bugs:
        found = all_signs(bug, kept)
        failed = sorted(
            {sign.split(".")[0] for sign in found if not sign.endswith(PASSED)}, key=list(probes().probe).index
        )
        first = rank(found)[0] if failed else None
        caught += bool(failed)
        right = first is not None and first.name == bug.part
        named += right
        shown = f"{first.name} ({first.probability:.0%})" if first else "-"
        rows.append(
            f"| {bug.algorithm} | {bug.name} | {bug.part} | {shown}{'' if right else ' **miss**'} | {', '.join(failed) or 'none'} |"
        )
    for variant in (one for one in VARIANTS if key(one) in kept):
        failed = sorted({sign.split(".")[0] for sign in all_signs(variant, kept) if not sign.endswith(PASSED)})
        passed.append(f"| {variant.algorithm} | {variant.name} | {', '.join(failed) or 'none'} |")
    clean = sum("| none |" in row for row in passed)
    table = "\n".join(rows)
    variants = "\n".join(passed)
    return f"""# Probes: which bugs they catch

Bugs were put into correct single-file implementations of PPO, DQN and SAC ([benchmarks/algorithms](../benchmarks/algorithms)), one
at a time, and each was given to the probes as `rldoctor probe` does. Reproduce with `python -m benchmarks.probes`.

- Caught: {caught} of {len(bugs)} bugs.
- The faulty part is named first for {named} of {len(bugs)} ({named / max(1, len(bugs)):.0%}).
- Correct implementations without a failed probe: {clean} of {len(passed)}.

The weights of the parts ([checks/probes.toml](../checks/probes.toml)) were written from what each part is needed for, and then
corrected on the same bugs: on bugs of another kind expect less. Advantages in another order and the log-probability of
another action have the same effect on everything that can be seen from outside: the policy is updated by chance.

Not seen by the probes: what only makes learning slower or less stable, such as `max` for `min` in the clipped objective, an
optimiser's epsilon, or gradients that are not clipped.

## Bugs

| algorithm | bug | part | named first | failed probes |
|---|---|---|---|---|
{table}

## Correct implementations

| algorithm | variant | failed probes |
|---|---|---|
{variants}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", action="store_true", help="judge what is kept, train nothing")
    parser.add_argument("--expect", action="store_true", help="write checks/probes_expected.toml from what is kept")
    parser.add_argument("--only", default="", help="only this algorithm")
    parser.add_argument("--kept", type=Path, default=KEPT)
    arguments = parser.parse_args()
    kept = json.loads(arguments.kept.read_text("utf-8")) if arguments.kept.exists() else {}
    if not arguments.judge:
        for change in (*VARIANTS, *BUGS):
            if arguments.only in ("", change.algorithm):
                measure(change, kept)
                arguments.kept.write_text(
                    json.dumps(kept, separators=(",", ":")).replace('},"', '},\n"') + "\n", "utf-8"
                )
    if arguments.expect:
        expect(kept)
    else:
        (ROOT / "docs" / "probes.md").write_text(report(kept), "utf-8")


if __name__ == "__main__":
    main()
