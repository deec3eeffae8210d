"""How often treatments cure: python -m benchmarks.treatment [--work DIR]

Treats every recorded run of tests/runs that a hyperparameter fault harms, for real; checks for every harmful fault of
environment, reward, observations, actions and algorithm whether the first instruction is right; and checks that no healthy
run is treated. Treatments whose first trials are the same to the last step train it once (benchmarks/shared_trials.py); how
often a trial that is sick would be called well is counted on recorded runs (benchmarks/early_stop.py). Writes
docs/treatment.md. One process, one thread; the result of each run is saved in --work at once, so that
the same command resumes. About a hundred minutes on one busy core.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import DOCS, early_stop, treatment_off_policy
from benchmarks.corpus import RECORDED, RecordedRun, recorded_runs
from benchmarks.early_stop import LOGS, is_of_the_recipe
from benchmarks.fit_weights import fit, with_weights
from benchmarks.rates import wilson_interval
from benchmarks.shared_trials import SharedTrials
from rldoctor import machine, references
from rldoctor.diagnosis.context import shipped_context
from rldoctor.errors import CannotJudge
from rldoctor.experiments.faults import find
from rldoctor.experiments.treatment import confirm, treat
from rldoctor.experiments.treatment.plan import make_plan, nothing_to_do
from rldoctor.experiments.treatment.reference_comparison import compare_with
from rldoctor.experiments.treatment.remedies import in_words
from rldoctor.experiments.treatment.run import TreatmentOptions
from rldoctor.experiments.treatment.sick_run import read_sick_run
from rldoctor.experiments.treatment.trial_outcome import last_outcomes
from rldoctor.logs import read_run
from rldoctor.model import TreatmentOutcome
from rldoctor.references import load_recipe
from rldoctor.rulebook import Rulebook, load_rulebook
from rldoctor.training.train import train

DOCUMENT = DOCS / "treatment.md"
ROUNDS = 3
_BEFORE = "The measurement before:"
FOLDS = 10
# A seed that neither a sick run, nor a trial, nor a reference had.
FRESH_SEED = 300


class Results:
    """The results so far, one line of JSON each."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[tuple[str, str], dict[str, Any]] = {}
        if file.is_file():
            for line in file.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self._known[row["part"], row["name"]] = row

    def get(self, part: str, name: str) -> dict[str, Any] | None:
        return self._known.get((part, name))

    def add(self, part: str, name: str, **content: Any) -> dict[str, Any]:
        row = {"part": part, "name": name, **content}
        self._known[part, name] = row
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row)[:300], flush=True)
        return row


def treated(recorded: RecordedRun, work: Path, baselines: dict[str, Any], shared: SharedTrials) -> dict[str, Any]:
    """Treat one run for real, and return the result."""
    begun = time.perf_counter()
    options = TreatmentOptions(rounds=ROUNDS, out=work)
    plan = make_plan(read_sick_run(RECORDED / recorded.name), work, ROUNDS)
    lent = shared.lend(plan)
    report = treat(RECORDED / recorded.name, options, threads=1, baselines=baselines, watch=shared.watch)
    treatment = report.subjects[0].treatment
    assert treatment is not None
    if not lent:
        shared.keep(plan, treatment)
    remedies = [trial for trial in treatment.trials if trial.role == "remedy"]
    row = {
        "env": recorded.env,
        "fault": recorded.fault,
        "severity": recorded.severity,
        "outcome": treatment.outcome.value,
        "rounds": len(remedies),
        "remedy": remedies[-1].name if remedies else "",
        "by": remedies[-1].by if remedies else "",
        "controls": sum(trial.role == "control" for trial in treatment.trials),
        "probes": sum(trial.role == "probe" for trial in treatment.trials),
        "reordered": bool(remedies) and remedies[0].name != likeliest(recorded),
        "steps": treatment.steps_spent,
        "whole": treatment.steps_whole,
        "lent": lent,
        "chance": treatment.chance,
        "words": treatment.sureness,
    }
    if treatment.outcome is TreatmentOutcome.CURED:
        row["confirmed"] = confirmed(recorded, Path(treatment.recipe), work)
    return {**row, "seconds": round(time.perf_counter() - begun, 1)}


def likeliest(recorded: RecordedRun) -> str:
    """Return the remedy that would be tried first if none were probed."""
    return in_words(make_plan(read_sick_run(RECORDED / recorded.name), Path("unused"), ROUNDS).remedies[0].changes)


def confirmed(recorded: RecordedRun, recipe_file: Path, work: Path) -> str:
    """Return whether the cured recipe holds up beyond the treatment.

    ``reference`` if it is the reference's own. Any other is trained to its end with an unused seed: ``trained`` if that
    run matches healthy runs, ``refuted`` if it does not.
    """
    recipe = load_recipe(str(recipe_file))
    sick = read_sick_run(RECORDED / recorded.name)
    if replace(sick, recipe=recipe).has_reference_settings:
        return "reference"
    directory = work / "confirmed" / recorded.name
    if not (directory / "policy.zip").is_file():
        directory.mkdir(parents=True, exist_ok=True)
        train(recipe, directory, FRESH_SEED, threads=1)
    run = read_run(directory)
    comparison = compare_with(recorded.run, sick.reference, recipe.total_steps)
    standing = comparison.standing(run.last_step, last_outcomes(run))
    return "trained" if standing is not None and standing.level else "refuted"


def instructed(recorded: RecordedRun, book: Rulebook, tests: bool) -> dict[str, Any]:
    """Return the first instruction for a fault outside the recipe, before and after the preflight checks for ties."""
    try:
        sick = read_sick_run(RECORDED / recorded.name, context=replace(shipped_context(), book=book))
    except CannotJudge:
        return {"first": "unjudged", "tested": "unjudged", "ran": False}
    if nothing_to_do(sick):
        return {"first": "nothing", "tested": "nothing", "ran": False}
    plan = make_plan(sick, Path("unused"), ROUNDS)
    instructions = plan.instructions
    first = instructions[0].diagnosis if instructions and not plan.remedies else "a trial"
    tied = confirm.tied(instructions)
    if not tests or plan.remedies or len(tied) < 2:
        return {"first": first, "tested": first, "ran": False}
    fault = find(recorded.fault)
    wrap = fault.wrap(fault.knob(recorded.severity)) if fault.wrap else None
    instructions = confirm.run_checks(instructions, tied, sick.recipe, wrap, lambda line: None)
    return {"first": first, "tested": instructions[0].diagnosis, "ran": True}


def seconds(recorded: RecordedRun) -> float:
    """Return roughly how long one whole training takes."""
    rate = recorded.run.record.get("steps_per_second")
    return recorded.run.last_step / rate if isinstance(rate, (int, float)) and rate > 0 else float("inf")


def in_order(corpus: Sequence[RecordedRun]) -> list[RecordedRun]:
    """Return one run of each fault and environment first, then the second ones; quicker trainings come first."""
    seen: Counter[tuple[str, str]] = Counter()
    turns = {}
    for p in sorted(corpus, key=lambda p: (seconds(p), p.name)):
        turns[p.name] = seen[p.env, p.fault]
        seen[p.env, p.fault] += 1
    return sorted(corpus, key=lambda p: (turns[p.name], seconds(p), p.name))


def is_well_left_alone(recorded: RecordedRun) -> bool:
    return bool(nothing_to_do(read_sick_run(RECORDED / recorded.name)))


def rate(hits: Iterable[bool]) -> str:
    values = list(hits)
    low, high = wilson_interval(sum(values), len(values))
    return f"{np.mean(values):.1%} ({sum(values)} of {len(values)}; {low:.0%} to {high:.0%})"


def held_out(corpus: Sequence[RecordedRun], among: Sequence[RecordedRun]) -> dict[str, Rulebook]:
    """Return, by the name of each of ``among``, a rulebook whose weights were fitted without it.

    Neighbours by name are alike and fall into different folds, as in benchmarks/accuracy.py.
    """
    book = load_rulebook()
    place = {recorded.name: i % FOLDS for i, recorded in enumerate(sorted(corpus, key=lambda p: p.name))}
    books = [with_weights(book, fit(book, [p for p in corpus if place[p.name] != fold])) for fold in range(FOLDS)]
    return {recorded.name: books[place[recorded.name]] for recorded in among}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/treatment-measured"))
    parser.add_argument(
        "--so-far", action="store_true", help="treat no further run: write the document from the results in --work"
    )
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    logging.getLogger("rldoctor").setLevel(logging.ERROR)
    chosen.work.mkdir(parents=True, exist_ok=True)
    results = Results(chosen.work / "results.jsonl")
    corpus = recorded_runs()
    healthy = [p for p in corpus if not p.fault]
    recipe = [p for p in corpus if p.harmed and is_of_the_recipe(p)]
    outside = [p for p in corpus if p.harmed and not is_of_the_recipe(p) and p.fault not in LOGS]
    left_alone = [
        results.get("healthy", p.name) or results.add("healthy", p.name, alone=is_well_left_alone(p)) for p in healthy
    ]
    shipped = load_rulebook()
    named = [
        results.get("told", p.name) or results.add("told", p.name, **instructed(p, shipped, True)) for p in outside
    ]
    baselines: dict[str, Any] = {}
    shared = SharedTrials(chosen.work / "shared.jsonl")
    if not chosen.so_far:
        for p in in_order(recipe):
            if results.get("treated", p.name) is None:
                results.add("treated", p.name, **treated(p, chosen.work, baselines, shared))
    if not chosen.so_far and any(results.get("held-out", p.name) is None for p in outside):
        books = held_out(corpus, outside)
        for p in outside:
            results.add("held-out", p.name, **instructed(p, books[p.name], False))
    ended = results.get("early-stop", "all") or results.add("early-stop", "all", **asdict(early_stop.measure()))
    kept = [row for p in outside if (row := results.get("held-out", p.name)) is not None]
    cured = [row for p in recipe if (row := results.get("treated", p.name)) is not None]
    off_policy = treatment_off_policy.kept()
    faults, before = Counter((p.env, p.fault) for p in recipe), DOCUMENT.read_text(encoding="utf-8").splitlines()
    text = document(left_alone, outside, named, kept, cured, ended, faults, before)
    DOCUMENT.write_text(f"{text}\n{off_policy}\n" if off_policy else text, encoding="utf-8")


def document(
    left_alone: Sequence[dict[str, Any]],
    outside: Sequence[RecordedRun],
    named: Sequence[dict[str, Any]],
    kept: Sequence[dict[str, Any]],
    cured: Sequence[dict[str, Any]],
    ended: dict[str, Any],
    faults: Counter[tuple[str, str]],
    before: Sequence[str],
) -> str:
    """Return docs/treatment.md; what has not been measured again yet stays as it was in ``before``."""
    well, asked = [row for row in cured if row["outcome"] == "cured"], faults.total()
    costs = [row["steps"] / row["whole"] for row in cured]
    right = [row["first"] in p.right for p, row in zip(outside, named, strict=True)]
    tested = [row["tested"] in p.right for p, row in zip(outside, named, strict=True)]
    blind = [row["first"] in p.right for p, row in zip(outside, kept, strict=False)]
    about = machine.describe()
    versions = ", ".join(f"{key} {number}" for key, number in machine.versions().items() if number)
    seeds = {name: references.load(name) for name in references.names()}
    lines = [
        "# How often a treatment cures",
        "",
        "`rldoctor treat` on the recorded runs of the fault laboratory (`tests/runs`): runs with a fault put in on purpose that are",
        "*harmful* as defined in [accuracy.md](accuracy.md). Hyperparameter faults are treated for real, in at most",
        f"{ROUNDS} rounds. For faults in the environment, the reward or the algorithm's code, the question is whether the first",
        "instruction names them. Reproduce with `python -m benchmarks.treatment`.",
        "",
        *(unfinished(cured, asked, before) if len(cured) < asked else []),
        "| what | measured | target |",
        "|---|---|---|",
        f"| harmful hyperparameter faults cured within {ROUNDS} rounds | {rate(r['outcome'] == 'cured' for r in cured)} | 95 % |",
        f"| of these in the first round | {rate(r['rounds'] == 1 for r in well)} | - |",
        f"| median cost in steps, pilot runs and controls included, relative to one whole training | {np.median(costs):.0%} (middle half "
        f"{np.quantile(costs, 0.25):.0%} to {np.quantile(costs, 0.75):.0%}, maximum {max(costs):.0%}) | 45 % |",
        f"| right instruction first, shipped weights | {rate(right)} | 85 % |",
        f"| the same, after preflight checks that separate tied causes (run for {sum(r['ran'] for r in named)}) | {rate(tested)} | 85 % |",
        *(
            [f"| the same, weights fitted without the run, no preflight checks | {rate(blind)} | 85 % |"]
            if len(blind) == len(outside)
            else [line for line in before if line.startswith("| the same, weights fitted without the run")]
        ),
        f"| healthy runs left alone | {rate(r['alone'] for r in left_alone)} | 100 % |",
        "",
        "Intervals are 95 % Wilson intervals. What this does and does not show:",
        "",
        "- Every fault was put into the recipe of a reference, so there is a healthy value to return to. On an environment without a",
        "  reference, remedies are the usual values, and a trial can be compared only with the sick run and two baseline policies.",
        "- A cure is declared as soon as the trial has matched healthy seeds for 15 % of the steps where the sick run could not be",
        f"  one of them ({sum(r['by'] == 'band' for r in well)} of {len(well)}), or passes the gate ({sum(r['by'] == 'gate' for r in well)}); the trial is not trained to its end. {sum(r.get('confirmed') == 'reference' for r in well)} of the",
        "  cured recipes are the reference's own",
        f"  ({', '.join(f'{name}: {r.healthy_seeds} of {r.healthy_seeds + r.failed_seeds} seeds pass' for name, r in seeds.items())}).",
        f"  The other {sum(r.get('confirmed') != 'reference' for r in well)} were trained to the end with a new seed: {sum(r.get('confirmed') == 'trained' for r in well)} matched healthy seeds, {sum(r.get('confirmed') == 'refuted' for r in well)} did not.",
        f"- How often would a trial that is sick be called well? Each of these runs as the sick one, and recorded runs in place of the trial: {ended['healthy'][0]} of",
        f"  {ended['healthy'][1]} healthy runs are called well; of runs that a setting harms {in_share(ended, 'settings')}, of all harmed ones whose logged return",
        f"  is the true one {in_share(ended, 'true return')}, of all harmed ones {in_share(ended, 'all')} (`python -m benchmarks.early_stop`).",
        f"- Tied remedies were separated by pilot runs ([decision 13](decisions/0013-treatments.md)) in {sum(r['probes'] > 0 for r in cured)} of {len(cured)} treatments, with",
        f"  {sum(r['probes'] for r in cured)} short trainings in all; the order of the remedies changed in {sum(r['reordered'] for r in cured)}.",
        "- Signs and weights were made with these runs in view. How often the most likely cause is right with weights that were",
        "  fitted without the run is in [accuracy.md](accuracy.md).",
        "",
        "## Hyperparameter faults",
        "",
        "Steps include all pilot runs, trials and controls, relative to one whole training of the recorded run. The last column is",
        "the highest probability, over the runs, that chance alone would look like the cure.",
        "",
        "| environment | fault | treated | cured | rounds | steps (median) | controls | p at most |",
        "|---|---|---|---|---|---|---|---|",
        *by_fault(cured, faults, before),
        "",
        "Not cured:",
        "",
        *(
            [
                f"- `{r['name']}`: {r['outcome']} after {r['rounds']} round{'s' * (r['rounds'] != 1)}. {r['words']}"
                for r in cured
                if r not in well
            ]
            or ["- none"]
        ),
        "",
        "## Faults outside the recipe",
        "",
        "Wrong first instruction, with the shipped weights, after the preflight checks:",
        "",
        *(
            [
                f"- `{p.name}`: {row['tested']}; right: {', '.join(p.right)}"
                for p, row in zip(outside, named, strict=True)
                if row["tested"] not in p.right
            ]
            or ["- none"]
        ),
        "",
        f"The preflight checks corrected {sum(t and not r for r, t in zip(right, tested, strict=True))} and "
        f"spoiled {sum(r and not t for r, t in zip(right, tested, strict=True))}.",
        "",
        f"All treatments took {sum(r['seconds'] for r in cured) / 60:.0f} minutes; {sum(r.get('lent', False) for r in cured)} had the trial of another, the same to the last step. Machine: {about['cores']} core{'s' * (about['cores'] != 1)} of {about['processor']}, "
        f"{about['system']}, busy with other work. Versions: {versions}.",
        "",
    ]
    return "\n".join(lines)


def in_share(ended: dict[str, Any], kind: str) -> str:
    well, shown = ended["harmed"][kind]
    return f"{well / shown:.2%} ({well} of {shown})"


def unfinished(cured: Sequence[dict[str, Any]], asked: int, before: Sequence[str]) -> list[str]:
    """Return what says that not all runs have been treated yet, with the figures of the measurement before."""
    told = next((line for line in before if line.startswith(_BEFORE)), "")
    if not told:
        heads = ("| harmful hyperparameter faults cured within", "| median cost in steps")
        rows = (next(line for line in before if line.startswith(head)) for head in heads)
        cured_then, cost_then = (row.split("|")[2].strip() for row in rows)
        told = f"{_BEFORE} cured {cured_then}, at a median cost of {cost_then}."
    cheap = sum(row["steps"] <= 0.45 * row["whole"] for row in cured)
    return [
        f"**Not finished: {len(cured)} of {asked} hyperparameter faults have been treated again so far; {cheap} of all {asked} cost at most 45 % of",
        "a whole training. Rows of the tables that are marked with † are of the measurement before.**",
        told,
        "",
    ]


def by_fault(cured: Sequence[dict[str, Any]], faults: Counter[tuple[str, str]], before: Sequence[str]) -> list[str]:
    lines = []
    for (env, fault), asked in sorted(faults.items()):
        if sum((row["env"], row["fault"]) == (env, fault) for row in cured) < asked:
            old = next((line for line in before if line.startswith(f"| {env} | {fault} ")), "")
            lines += [old.replace(f"| {fault} |", f"| {fault} † |")] * bool(old)
            continue
        rows = [row for row in cured if (row["env"], row["fault"]) == (env, fault)]
        rounds = ", ".join(str(r) for r in sorted({row["rounds"] for row in rows}))
        cost = float(np.median([row["steps"] / row["whole"] for row in rows]))
        chances = [row["chance"] for row in rows if row["chance"] is not None]
        most = f"{max(chances):.1%}" if chances else "-"
        well = sum(row["outcome"] == "cured" for row in rows)
        controls = sum(row["controls"] for row in rows)
        lines.append(f"| {env} | {fault} | {len(rows)} | {well} | {rounds} | {cost:.0%} | {controls} | {most} |")
    return lines


if __name__ == "__main__":
    main()
