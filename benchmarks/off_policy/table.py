"""How well off-policy runs are judged: python -m benchmarks.off_policy.table [--write]

Each batch of trainings is judged by weights that were fitted without any batch of its seed's fold; --write puts the tables
in docs/accuracy-off-policy.md.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.fit_weights import Row
from benchmarks.off_policy import fit
from benchmarks.off_policy.kept import Kept, View, trainings
from rldoctor import datafile
from rldoctor.diagnosis.context import DiagnosisContext, shipped_context
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import RunDiagnosis, Verdict
from rldoctor.rulebook import load_rulebook

FOLDS = 4
DOCUMENT = Path(__file__).parents[2] / "docs" / "accuracy-off-policy.md"
TITLE = "# How well off-policy runs are judged"
HEADING = """Trainings of SAC, TD3, DDPG and DQN, with hindsight replay among them, on eight small tasks (`benchmarks/off_policy`): updates,
targets, exploration and logs are those of Stable-Baselines3, many trainings side by side. A fault is harmful where the true
return late in training is below that of nine in ten healthy trainings of the recipe, with a third of their gain missing;
trainings without a fault that gained less than half of what good ones gain, or ended below the line of harm, are no healthy
ones (the former is the rule of the laboratory of PPO); what is said of them stands below the table. Each training is judged by weights that were fitted without a
quarter of all trainings, itself among them; the second table is of weights that were fitted without all trainings of its task. Reproduce with `python -m benchmarks.off_policy.table --write`, and record others
with `python -m benchmarks.off_policy.record OUT --seed 1`. Trainings that were recorded without time/fps are judged as if they had
logged it, as Stable-Baselines3 does: at a constant speed, so that it says that rows were written and nothing else. Rows before which
there was no update since the last row have no losses, as in Stable-Baselines3, also those of trainings that were recorded with them;
nor has TD3 an actor_loss where the actor was not updated. DoctorCallback logs the first reward that is not finite at once.

Plain logs are what Stable-Baselines3 writes to TensorBoard by itself. They do not hold what is in the replay buffer, how often
there is an update, or what the critic expects: of many faults they show the harm alone, and settings or DoctorCallback tell the
cause. Its progress.csv has the number of updates as well (`train/n_updates`). `First or tied` counts reports whose tie of likeliest
causes, which is shown as one, has the right one; `causes in a tie` is how many are shown on average, a lone one counted as 1.
Settings are those of a model that Stable-Baselines3 saved (`model.zip`) or of `run.json`, which says too whether a training broke
off. A reward of the wrong sign is
optimised as well as any other: where success is not logged, the logs of such a training are those of a healthy one.

"""
STRANGE = "The same, by weights that were fitted without any training of the task:"
TIES = """## What plain logs do not tell apart

Trainings, of those above, in whose plain logs the wrong one of two causes comes first. Such causes are reported as a tie
(`checks/look_alikes_off_policy.toml`, which `--write` writes as well), with what would break it: settings, DoctorCallback,
or the environment."""
LOOK_ALIKES = datafile.folder("checks") / "look_alikes_off_policy.toml"
ALIKE_HEADING = """Causes that plain logs of off-policy runs hardly tell apart, as checks/look_alikes.toml. Written by
python -m benchmarks.off_policy.table --write; read by rldoctor/diagnosis/witnesses.py.
"""
CEILING = "## What no log can tell"
"""Heading of the section that :mod:`benchmarks.off_policy.ceiling` writes."""
BAD = (Verdict.SICK, Verdict.SUSPECT)


@dataclass(frozen=True)
class Judged:
    """One training as one view shows it, and what was said of it."""

    kept: Kept
    view: View
    result: RunDiagnosis

    @property
    def found(self) -> bool:
        return self.result.verdict in BAD

    @property
    def said(self) -> str:
        return self.causes[0] if self.found and self.causes else str(self.result.verdict)

    @property
    def in_tie(self) -> bool:
        return self.named(1) or (self.found and any(name in self.kept.right for name in self.result.tied))

    @property
    def causes(self) -> list[str]:
        return [cause.name for cause in self.result.diagnoses if not cause.condition and cause.name != "healthy"]

    def named(self, most: int) -> bool:
        return self.found and any(name in self.kept.right for name in self.causes[:most])


def judged(kept: Sequence[Kept], context: DiagnosisContext, views: Sequence[View]) -> list[Judged]:
    return [
        Judged(item, view, diagnose_run(item.view(view), context=context))
        for item in kept
        for view in views
        if view.evaluated or item.fault != "evaluation-normalised"
    ]


def folds_of(kept: Sequence[Kept]) -> dict[int, int]:
    """Return the fold of each training, by its ``id``."""
    random = np.random.default_rng(0)
    return {id(item): int(random.integers(FOLDS)) for item in kept}


def tasks_of(kept: Sequence[Kept]) -> dict[int, int]:
    """Return the number of the task of each training, by its ``id``."""
    names = [str(item.label["recipe"]).partition("/")[0] for item in kept]
    order = sorted(set(names))
    return {id(item): order.index(name) for item, name in zip(kept, names, strict=True)}


def held_out(
    kept: Sequence[Kept], taught: Sequence[tuple[Kept, Row]], fold: Mapping[int, int], views: Sequence[View]
) -> list[Judged]:
    """Judge every training by weights that were fitted on the others: those of its fold are left out."""
    book = load_rulebook()
    found = []
    for number in sorted(set(fold.values())):
        fitted = fit.fit(book, [(item, row) for item, row in taught if fold[id(item)] != number])
        context = shipped_context_with(fit.with_weights(book, fitted))
        found += judged([item for item in kept if fold[id(item)] == number], context, views)
    return found


def shipped_context_with(book: object) -> DiagnosisContext:
    from dataclasses import replace

    return replace(shipped_context(), book=book)  # type: ignore[arg-type]


def share(items: Sequence[bool]) -> str:
    return f"{sum(items) / len(items):.0%} of {len(items)}" if items else "-"


PLAIN, DOCTOR, WITH_SETTINGS = View(), View(doctor=True), View(settings=True)
ROWS = (
    ("plain", PLAIN),
    ("plain, from progress.csv", View(counted=True)),
    ("plain, with evaluations", View(evaluated=True)),
    ("plain, with settings", WITH_SETTINGS),
    ("DoctorCallback", DOCTOR),
    ("DoctorCallback, with evaluations", View(doctor=True, evaluated=True)),
    ("DoctorCallback, with settings", View(doctor=True, settings=True)),
)
# Trainings in which plain logs point to another cause, from which on two causes are said to look alike.
FEWEST = 4


def summary(found: Sequence[Judged]) -> list[str]:
    lines = [
        "| logs | found | cause first | first or tied | causes in a tie | among three | harmed called healthy | healthy called sick | healthy suspect | healthy unjudged |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, view in ROWS:
        here = [item for item in found if item.view == view]
        if not here:
            continue
        bad = [item for item in here if item.kept.harmed]
        well = [item for item in here if not item.kept.fault and item.kept.learned]
        lines.append(
            f"| {name} | {share([i.found for i in bad])} | {share([i.named(1) for i in bad])} | "
            f"{share([i.in_tie for i in bad])} | {np.mean([max(1, len(i.result.tied)) for i in bad if i.found]):.1f} | "
            f"{share([i.named(3) for i in bad])} | {share([i.result.verdict is Verdict.HEALTHY for i in bad])} | "
            f"{share([i.result.verdict is Verdict.SICK for i in well])} | {share([i.result.verdict is Verdict.SUSPECT for i in well])} | "
            f"{share([i.result.verdict is Verdict.UNJUDGED for i in well])} |"
        )
    return lines


def in_short(found: Sequence[Judged]) -> str:
    """Return the bottom line."""
    said = []
    for logs, view in (("plain logs", PLAIN), ("DoctorCallback", DOCTOR)):
        bad = [item for item in found if item.view == view and item.kept.harmed]
        said.append(
            f"{share([i.found for i in bad])} are found from {logs}, the right cause first in {share([i.named(1) for i in bad])}"
        )
    well = [item for item in found if not item.kept.fault and item.kept.learned and item.view in (PLAIN, DOCTOR)]
    accused = sum(item.result.verdict in (Verdict.SICK, Verdict.SUSPECT) for item in well)
    return f"**Of harmful trainings {'; '.join(said)}. Of {len(well) // 2} healthy ones, judged by both, {accused} are called sick or suspect.**"


def without_a_fault(found: Sequence[Judged]) -> str:
    lost = [item for item in found if not item.kept.fault and not item.kept.learned and item.view == PLAIN]
    said = Counter(item.result.verdict.value for item in lost)
    return (
        f"Of {sum(not item.kept.fault and item.view == PLAIN for item in found)} trainings without a fault {len(lost)} did not learn, or lost it again. "
        f"Their plain logs are called {', '.join(f'{verdict} ({count})' for verdict, count in said.most_common())}."
    )


def by_fault(found: Sequence[Judged]) -> list[str]:
    lines = [
        "| fault | harmed | found, plain | cause first, plain | with settings | found, callback | cause first, callback | said instead, plain |",
        "|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[str, list[Judged]] = defaultdict(list)
    for item in found:
        groups[item.kept.fault].append(item)
    for fault in sorted(groups):
        here = [item for item in groups[fault] if item.kept.harmed or (not fault and item.kept.learned)]
        every = len({id(item.kept) for item in groups[fault]})
        harmed = len({id(item.kept) for item in here if item.kept.harmed})
        plain, settings, doctor = ([i for i in here if i.view == view] for view in (PLAIN, WITH_SETTINGS, DOCTOR))
        cells = [
            share([i.found for i in plain]),
            share([i.named(1) for i in plain]),
            share([i.named(1) for i in settings]),
            share([i.found for i in doctor]),
            share([i.named(1) for i in doctor]),
        ]
        other = Counter(i.said for i in plain if not i.named(1)) if fault else Counter[str]()
        said = ", ".join(f"{name} {count}" for name, count in other.most_common(3))
        lines.append(f"| {fault or 'healthy'} | {harmed} of {every} | " + " | ".join(cells) + f" | {said} |")
    return lines


def confused(found: Sequence[Judged]) -> Counter[tuple[str, str]]:
    """Return how often plain logs name one cause in place of another, both ways, in alphabetical order."""
    wrong = [i for i in found if i.view == PLAIN and i.kept.harmed and i.found and i.causes and not i.named(1)]
    return Counter(tuple(sorted((i.kept.right[0], i.causes[0]))) for i in wrong)  # type: ignore[misc]


def ties(pairs: Counter[tuple[str, str]]) -> list[str]:
    alike = [(pair, count) for pair, count in pairs.most_common() if count >= FEWEST]
    lines = ["| plain logs do not tell | from | trainings |", "|---|---|---|"]
    return lines + [f"| {one} | {other} | {count} |" for (one, other), count in alike]


def write_look_alikes(pairs: Counter[tuple[str, str]]) -> None:
    alike: dict[str, list[str]] = defaultdict(list)
    for (one, other), count in pairs.most_common():
        if count >= FEWEST:
            alike[one].append(other)
            alike[other].append(one)
    datafile.write_toml(LOOK_ALIKES, dict(sorted(alike.items())), ALIKE_HEADING)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    book, kept = load_rulebook(), trainings()
    taught = [(item, row) for item in kept for row in fit.rows(book, item)]
    found = held_out(kept, taught, folds_of(kept), fit.VIEWS)
    strange = held_out(kept, taught, tasks_of(kept), (PLAIN, DOCTOR))
    pairs = confused(found)
    parts = [*summary(found), "", STRANGE, "", *summary(strange), "", without_a_fault(found), "", *by_fault(found)]
    tables = "\n".join([*parts, "", TIES, "", *ties(pairs)])
    print(tables)
    if chosen.write:
        write_look_alikes(pairs)
        _, heading, rest = DOCUMENT.read_text("utf-8").partition(CEILING)
        DOCUMENT.write_text(
            f"{TITLE}\n\n{in_short(found)}\n\n{HEADING}{tables}\n" + (f"\n{heading}{rest}" if heading else ""), "utf-8"
        )


if __name__ == "__main__":
    main()
