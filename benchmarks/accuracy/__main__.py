"""How often the diagnosis is right: python -m benchmarks.accuracy [--fresh RUNS]

Diagnoses every recorded run in tests/runs with weights fitted without it, and writes docs/accuracy.md. Five ways of
holding out: single runs; all runs of a seed, or of a severity, where others of the same fault remain; whole faults; and a
whole environment with its references. About five minutes.

With --fresh, runs recorded after signs and weights were fixed (record_corpus --fresh RUNS) are diagnosed with the
shipped weights, and docs/accuracy-fresh-seeds.md is written.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks import DOCS
from benchmarks.accuracy.answers import answer_for
from benchmarks.accuracy.detection import beyond_telling, detection, stopped_at
from benchmarks.accuracy.held_out import held_out, single_runs, ways_of_leaving_out
from benchmarks.accuracy.tables import HEAD, LABELS, calibration, chapter_rows, misses, per_fault, rate, summary
from benchmarks.corpus import recorded_runs
from rldoctor import machine
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.rulebook import load_rulebook

DOCUMENT = DOCS / "accuracy.md"


def fresh(folder: Path) -> None:
    corpus, book = recorded_runs((folder,)), load_rulebook()
    answers = {
        label: [answer_for(p.without_doctor() if plain else p, book) for p in corpus] for label, plain in LABELS.items()
    }
    about = machine.describe()
    broken = Counter(p.env for p in corpus if p.fault)
    counted = ", ".join(f"{count} faults on {env}" for env, count in sorted(broken.items()))
    text = [
        "# How often the diagnosis is right on fresh seeds",
        "",
        "The signs were written with the recorded runs in view; [accuracy.md](accuracy.md) holds out only their weights. These",
        f"{len(corpus)} runs were recorded after signs and weights were fixed: each fault at its strongest severity with a new seed, and",
        f"healthy runs with new seeds ({counted}).",
        "Intervals are 95 % Wilson intervals. Reproduce with `python -m benchmarks.record_corpus --fresh RUNS` and",
        "`python -m benchmarks.accuracy --fresh RUNS`.",
        "",
        HEAD,
        "|---|---|---|---|---|---|---|",
        *(line for label, found in answers.items() for line in summary(f"fresh seeds, {label}", found)),
        "",
        *(
            line
            for label, found in answers.items()
            for line in (f"## Missed runs and false alarms, {label}", "", *misses(found), "")
        ),
        f"Machine: {about['cores']} cores of {about['processor']}.",
        "",
    ]
    DOCUMENT.with_name("accuracy-fresh-seeds.md").write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text[7:12]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", type=Path, help="a folder of runs recorded by record_corpus --fresh")
    parser.add_argument("--single", action="store_true", help="hold out single runs only, and print the rows")
    chosen = parser.parse_args()
    if chosen.fresh:
        fresh(chosen.fresh)
        return
    if chosen.single:
        corpus = recorded_runs()
        answers = held_out(corpus, single_runs(corpus))
        print(
            "\n".join(
                line for label, plain in LABELS.items() for line in summary(f"single runs, {label}", answers[plain])
            )
        )
        return
    corpus = recorded_runs()
    ways = ways_of_leaving_out(corpus)
    runs = ways["single runs"]
    lines = [HEAD, "|---|---|---|---|---|---|---|"]
    for label, plain in LABELS.items():
        for way, answers in ways.items():
            lines += summary(f"{way}, {label}", answers[plain])
    print("\n".join(lines), flush=True)
    book = load_rulebook()
    harmful = [p for p in corpus if p.harmed and "too-short-to-judge" not in p.right]
    when = detection(harmful, book)
    ends_harmful = [stopped_at(p) for p in harmful]
    ends_healthy = [stopped_at(p) for p in corpus if not p.fault]
    about = machine.describe()
    faults = {p.fault for p in corpus if p.fault}
    unseen = ways["a whole environment and its references"]
    apart = "; ".join(
        f"{label}: {among} of {missed}"
        for label, plain in LABELS.items()
        for missed, among in (beyond_telling(unseen[plain], corpus),)
    )
    text = [
        "# How often the diagnosis is right",
        "",
        f"{len(corpus)} recorded runs (`tests/runs`): {sum(not p.fault for p in corpus)} healthy ones with varied recipes, and runs with {len(faults)} faults at",
        f"several severities on three environments. {sum(p.harmed for p in corpus)} of these are *harmful*: the true success rate (FetchReachDense) or",
        "return of the last 100 training episodes, measured where the fault cannot distort it, is worse than that of every healthy",
        "run at that step. Every run is judged with weights fitted without it. The signs themselves were written with these runs",
        "in view, so the rows that hold out whole faults and environments, and [fresh seeds](accuracy-fresh-seeds.md), say more about",
        "runs from elsewhere. Intervals are 95 % Wilson intervals. Reproduce with `python -m benchmarks.accuracy`.",
        "",
        *lines,
        "",
        "If a whole environment and its references are held out, most of the missed runs cannot be recognised without a reference:",
        "they end no worse than the slowest healthy run of that environment, with any recipe, at that step",
        f"({apart}).",
        "",
        f"A harmful run is found, and stays found, after {np.median(list(when.values())):.0%} of its training (median).",
        "",
        f'`stop_when="sick"` ends {rate(x < 1 for x in ends_healthy)} of the healthy runs early, and {rate(x < 1 for x in ends_harmful)} of',
        f"the harmful ones, after {np.median([x for x in ends_harmful if x < 1]):.0%} of their training (median).",
        "",
        "## For comparison: the chapter's table",
        "",
        "The tutorial chapter that rldoctor grew from lists healthy ranges and warning signs. Taken literally, they flag:",
        "",
        *chapter_rows(corpus),
        "",
        "## Calibration (single runs, with DoctorCallback)",
        "",
        *calibration(runs[False]),
        "",
        "## Fault by fault (single runs, with DoctorCallback)",
        "",
        *per_fault(runs[False], when),
        "",
        "## Missed runs and false alarms (single runs, plain SB3 scalars)",
        "",
        *(misses(runs[True]) or ["None."]),
        "",
        "## Missed runs and false alarms (single runs, with DoctorCallback)",
        "",
        *(misses(runs[False]) or ["None."]),
        "",
        f"In every row, `{HEALTHY}` is one of the possible diagnoses. Machine: {about['cores']} cores of {about['processor']}.",
        "",
    ]
    DOCUMENT.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
