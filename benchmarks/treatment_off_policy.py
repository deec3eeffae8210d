"""Treatments of SAC, TD3 and DQN: python -m benchmarks.treatment_off_policy [--work DIR]

Trains runs that one setting makes sick, with `rldoctor train`; then gives each to `rldoctor diagnose` and `rldoctor treat`,
as commands. Writes a section of docs/treatment.md. One process at a time; what came of each run is saved in --work at once,
so that the same command resumes: a training goes on where it was stopped, a treatment begins anew, since its time is measured.
About an hour on one busy core.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import DOCS
from rldoctor import datafile, machine

DOCUMENT = DOCS / "treatment.md"
MEASURED = Path(__file__).with_suffix(".json")
BEGIN, END = "<!-- written by python -m benchmarks.treatment_off_policy -->", "<!-- end of off-policy -->"


@dataclass(frozen=True)
class Sick:
    """A training that a setting makes sick.

    Attributes:
        name: Of the run.
        reference: What it is derived from.
        changes: What is set: ``key=value``.
        causes: Diagnoses of which any is right.
        settings: Settings of which a cure must change one.
        options: Further options of ``rldoctor train``.
    """

    name: str
    reference: str
    changes: tuple[str, ...]
    causes: tuple[str, ...]
    settings: tuple[str, ...]
    options: tuple[str, ...] = ()

    @property
    def fault(self) -> str:
        """What is set, in words."""
        return ", ".join(
            change.replace("=", " ") for change in self.changes if change.partition("=")[0] in self.settings
        )


PENDULUM, CARTPOLE, REACH, HINDSIGHT = (
    "pendulum/sac",
    "cartpole/dqn",
    "fetch_reach_dense/td3",
    "fetch_reach_sparse/her_sac",
)
_RATES = ("learning_rate",)
_UPDATES = ("train_freq", "gradient_steps")
# Neither has a reference: an environment, and an algorithm on another, for which none is shipped.
_INVERTED = ("--env", "InvertedPendulum-v5", "--steps", "8000")
_PLAIN = ("gradient_steps=4", "learning_starts=400", "net_arch=64,64")
RUNS = (
    Sick("sac-lr-high", PENDULUM, ("learning_rate=0.1",), ("learning-rate-too-high",), _RATES),
    Sick("sac-lr-huge", PENDULUM, ("learning_rate=3",), ("learning-rate-too-high", "critic-diverges"), _RATES),
    Sick("sac-lr-low", PENDULUM, ("learning_rate=1e-6",), ("updates-too-small",), _RATES),
    Sick("sac-starts", PENDULUM, ("learning_starts=10000",), ("learning-starts-too-late",), ("learning_starts",)),
    Sick("sac-tau-zero", PENDULUM, ("tau=0",), ("target-network-frozen",), ("tau",)),
    Sick("sac-ent-10", PENDULUM, ("ent_coef=10",), ("entropy-too-high",), ("ent_coef",)),
    Sick("sac-few-updates", PENDULUM, ("train_freq=64", "gradient_steps=1"), ("updates-too-few",), _UPDATES),
    Sick("sac-gamma-0", PENDULUM, ("gamma=0",), ("reward-misaligned",), ("gamma",)),
    Sick("sac-buffer-few", PENDULUM, ("buffer_size=16", "batch_size=16"), ("replay-too-small",), ("buffer_size",)),
    Sick(
        "dqn-explore",
        CARTPOLE,
        ("exploration_final_eps=1", "exploration_fraction=1"),
        ("exploration-never-ends",),
        ("exploration_final_eps", "exploration_fraction"),
    ),
    Sick("dqn-lr-high", CARTPOLE, ("learning_rate=0.5",), ("learning-rate-too-high", "critic-diverges"), _RATES),
    Sick(
        "dqn-target-huge",
        CARTPOLE,
        ("target_update_interval=1000000",),
        ("target-network-frozen",),
        ("target_update_interval",),
    ),
    Sick("td3-noise", REACH, ("action_noise_std=3",), ("exploration-never-ends",), ("action_noise_std",)),
    Sick("her-lr-low", HINDSIGHT, ("learning_rate=1e-6",), ("updates-too-small",), _RATES, options=("--steps", "6000")),
    Sick(
        "ip-sac-starts",
        PENDULUM,
        ("learning_starts=7900",),
        ("learning-starts-too-late",),
        ("learning_starts",),
        _INVERTED,
    ),
    Sick(
        "td3-pendulum-noise",
        PENDULUM,
        ("algorithm=td3", "action_noise_std=5", "learning_rate=1e-3", *_PLAIN),
        ("exploration-never-ends",),
        ("action_noise_std",),
        ("--steps", "10000"),
    ),
)


def command(*words: str) -> tuple[int, str, float, float]:
    """Run ``rldoctor``; return its exit code, what it printed, and its seconds by the clock and by the processor."""
    begun, before = time.perf_counter(), _processor()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "rldoctor", *words, "--isolated"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        check=False,
    )
    return done.returncode, done.stdout, time.perf_counter() - begun, _processor() - before


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(sick: Sick, work: Path) -> dict[str, Any]:
    """Train a run, diagnose and treat it, and return what came of it."""
    runs = work / "sick" / sick.name
    # What has failed is as it should be, and the same command would train it once more beside it.
    if not any(json.loads(path.read_text())["status"] in ("finished", "failed") for path in runs.rglob("run.json")):
        changes = [word for change in sick.changes for word in ("--set", change)]
        command("train", "--reference", sick.reference, *sick.options, *changes, "--runs", str(runs))
    (record,) = runs.rglob("run.json")
    run = record.parent
    before = _content(run)
    code, text, _, _ = command("diagnose", str(run), "--format", "json")
    diagnosis = json.loads(text)["subjects"][0]
    ill = [cause for cause in diagnosis["diagnoses"] if cause["name"] != "healthy"]
    row = {
        "algorithm": json.loads(record.read_text())["recipe"]["algorithm"],
        "env": json.loads(record.read_text())["recipe"]["env"],
        "compared": bool(diagnosis["reference"]),
        "verdict": diagnosis["verdict"],
        "diagnose": code,
        "cause": ill[0]["name"] if ill else "",
        "right": bool(ill) and ill[0]["name"] in sick.causes,
    }
    treated = work / "treated" / sick.name
    # What an earlier command left unfinished would not be trained again, and the rest alone be timed.
    shutil.rmtree(treated, ignore_errors=True)
    code, text, clock, processor = command("treat", str(run), "--runs", str(treated), "--format", "json")
    treatment = json.loads(text)["subjects"][0]["treatment"]
    remedies = [trial for trial in treatment["trials"] if trial["role"] == "remedy"]
    rates = [_seconds_per_step(Path(trial["path"])) for trial in remedies]
    return {
        **row,
        "treat": code,
        "outcome": treatment["outcome"],
        "tried": [trial["name"] for trial in remedies],
        "hits": bool(remedies) and any(key in sick.settings for key in remedies[-1]["changes"]),
        "controls": sum(trial["role"] == "control" for trial in treatment["trials"]),
        "pilots": sum(trial["role"] == "probe" for trial in treatment["trials"]),
        "steps": treatment["steps_spent"],
        "whole": treatment["steps_whole"],
        "seconds": round(clock, 1),
        "processor": round(processor, 1),
        "training": round(rates[-1] * treatment["steps_whole"], 1) if rates else None,
        "unchanged": _content(run) == before,
    }


def _seconds_per_step(directory: Path) -> float:
    record = json.loads((directory / "run.json").read_text())
    return float(record["train_seconds"] / record["steps"])


def _content(directory: Path) -> Mapping[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def section(rows: Mapping[str, Mapping[str, Any]], about: Mapping[str, Any]) -> str:
    """Return the section of the document.

    Args:
        rows: What was measured, by name of the run.
        about: The machine.
    """
    found = [(sick, rows[sick.name]) for sick in RUNS if sick.name in rows]
    ill = [(sick, row) for sick, row in found if row["outcome"] != "nothing-to-do"]
    shares = [row["steps"] / row["whole"] for _, row in ill]
    times = [row["seconds"] / row["training"] for _, row in ill if row["training"]]
    lines = [
        BEGIN,
        "## Off-policy methods",
        "",
        "Trainings of SAC, TD3 and DQN that one setting makes sick, made with `rldoctor train`, and given to `rldoctor diagnose`",
        "and `rldoctor treat` as commands. They are few and were looked at while the remedies were written: that the commands do what",
        "they should is what they show, not a rate for other trainings. Reproduce with `python -m benchmarks.treatment_off_policy`.",
        "",
        "| what | measured |",
        "|---|---|",
        f"| cause named first | {sum(row['right'] for _, row in ill)} of {len(ill)} |",
        f"| cured within 3 rounds, by a setting that was at fault | {sum(row['outcome'] == 'cured' and row['hits'] for _, row in ill)} of {len(ill)} |",
        f"| median cost in steps, pilot runs and controls included, relative to one whole training | {np.median(shares):.0%} (maximum {max(shares):.0%}) |",
        f"| median wall time of the command, relative to the time that one whole training takes | {np.median(times):.0%} (maximum {max(times):.0%}) |",
        f"| sick runs unchanged to the last byte | {sum(row['unchanged'] for _, row in found)} of {len(found)} |",
        "",
        "The command's time includes the start of Python and PyTorch, a measurement of the training rate, and the evaluation on a",
        "hundred episodes; whole trainings here take "
        f"{min(row['training'] for _, row in ill if row['training']):.0f} to {max(row['training'] for _, row in ill if row['training']):.0f} s.",
        "",
        "A setting that looks wrong may do no harm: a run whose result matches healthy runs needs nothing (`nothing-to-do`), and does not",
        "count above.",
        "",
        "| run | fault | reference | cause named | tried | outcome | exit code | steps | time |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(sick, row) for sick, row in found),
        "",
        f"Machine: {about['cores']} core{'s' * (about['cores'] != 1)} of {about['processor']}, {about['system']}, busy with other work.",
        END,
    ]
    return "\n".join(lines)


def _row(sick: Sick, row: Mapping[str, Any]) -> str:
    tried = "; ".join(row["tried"]) or "-"
    more = [
        f"{row[key]} {word}{'s' * (row[key] != 1)}"
        for key, word in (("pilots", "pilot run"), ("controls", "control"))
        if row[key]
    ]
    time_share = f"{row['seconds'] / row['training']:.0%}" if row["training"] else "-"
    return (
        f"| {row['algorithm'].upper()}, {row['env']} | {sick.fault} | {'yes' if row['compared'] else 'none'} | "
        f"{row['cause'] or 'none'} ({row['verdict']}) | {tried}{''.join(f'; {word}' for word in more)} | {row['outcome']} | {row['treat']} | "
        f"{row['steps'] / max(row['whole'], 1):.0%} | {time_share} |"
    )


def kept() -> str:
    """Return the section as it was measured last; empty if it never was."""
    if not MEASURED.is_file():
        return ""
    content = json.loads(MEASURED.read_text(encoding="utf-8"))
    return section(content["runs"], content["machine"])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/treatment-off-policy"))
    parser.add_argument("--only", nargs="*", default=None, help="names of runs; the others stay as they were measured")
    parser.add_argument("--so-far", action="store_true", help="write the document from the results in --work")
    chosen = parser.parse_args(arguments)
    chosen.work.mkdir(parents=True, exist_ok=True)
    results = chosen.work / "results.json"
    rows = json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {}
    for sick in () if chosen.so_far else RUNS:
        if sick.name not in rows and (chosen.only is None or sick.name in chosen.only):
            rows[sick.name] = measured(sick, chosen.work)
            datafile.write_json(results, rows)
            print(sick.name, json.dumps(rows[sick.name]), flush=True)
    earlier = json.loads(MEASURED.read_text(encoding="utf-8"))["runs"] if chosen.only and MEASURED.is_file() else {}
    whole = {"machine": machine.describe(), "runs": {**earlier, **rows}}
    MEASURED.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    text = DOCUMENT.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    after = rest.partition(END)[2] if found else "\n"
    DOCUMENT.write_text(f"{before if found else before.rstrip() + chr(10) * 2}{kept()}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
