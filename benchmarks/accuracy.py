"""How often the doctor is right: python -m benchmarks.accuracy [--fresh RUNS]

Diagnoses every recorded run in tests/runs with weights fitted without it, and writes docs/accuracy.md. Five ways of
leaving out: single runs, all runs of a seed or a severity that has companions, whole faults, and a whole environment
(without its references too). Some five minutes.

With --fresh, runs of seeds that nobody had seen when signs and weights were made (record_corpus --fresh RUNS) are
diagnosed by the shipped weights, and docs/accuracy-fresh-seeds.md is written.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import DOCS, chapter_table
from benchmarks.corpus import RecordedRun, patients
from benchmarks.fit_weights import fit, with_weights
from rldoctor import machine, stats
from rldoctor.callback.live import FEWEST_POINTS, LEAST_PROGRESS, LiveDiagnosis, Patience, ScalarMemory
from rldoctor.diagnosis import diagnose_run
from rldoctor.diagnosis import judge as judging
from rldoctor.diagnosis.match import Match, match
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.logs.frameworks import shipped_names
from rldoctor.model import Verdict
from rldoctor.rulebook import Rulebook, load_rulebook

DOCUMENT = DOCS / "accuracy.md"
FOLDS = 10
SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Answer:
    """What the doctor said of one run."""

    patient: RecordedRun
    verdict: Verdict
    causes: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def probability(self) -> float:
        return self.probabilities[0] if self.probabilities else 0.0

    @property
    def found(self) -> bool:
        # "Unjudged" is an answer only where the right answer is that nothing can be judged.
        unjudged = self.verdict is Verdict.UNJUDGED and "too-short-to-judge" not in self.patient.right
        return self.verdict is not Verdict.HEALTHY and not unjudged

    @property
    def first(self) -> bool:
        return bool(self.causes) and self.causes[0] in self.patient.right

    @property
    def among_three(self) -> bool:
        return any(cause in self.patient.right for cause in self.causes[:3])


def ask(patient: RecordedRun, book: Rulebook, use_references: bool = True) -> Answer:
    if not use_references:
        kept = judging.match  # type: ignore[attr-defined]
        judging.match = lambda run, wanted=None, own=(): Match(None, False, "left out")  # type: ignore[attr-defined]
    try:
        subject = diagnose_run(patient.run, book=book)
    finally:
        if not use_references:
            judging.match = kept  # type: ignore[attr-defined]
    named = subject.diagnoses
    return Answer(patient, subject.verdict, tuple(d.name for d in named), tuple(d.probability for d in named))


def held_out(
    people: Sequence[RecordedRun], groups: Mapping[int, Hashable], folds: int = 0, use_references: bool = True
) -> dict[bool, list[Answer]]:
    """Diagnose runs with weights fitted on the runs of other groups: by plain scalars (True), by all (False).

    Args:
        people: All runs.
        groups: Place in ``people`` to the group that is left out together; a run without one only teaches.
        folds: Groups are put together into so many folds; 0 for each by itself.
        use_references: Whether bands may be used.
    """
    book = load_rulebook()
    names = sorted({str(group) for group in groups.values()})
    folds = folds or len(names)
    fold = {place: names.index(str(group)) % folds for place, group in groups.items()}
    answers: dict[bool, list[Answer]] = {True: [], False: []}
    for number in range(folds):
        test = [p for place, p in enumerate(people) if fold.get(place) == number]
        fitted = with_weights(book, fit(book, [p for place, p in enumerate(people) if fold.get(place) != number]))
        answers[True] += [ask(p.without_doctor(), fitted, use_references) for p in test]
        answers[False] += [ask(p, fitted, use_references) for p in test]
    return answers


def ways_of_leaving_out(people: Sequence[RecordedRun]) -> dict[str, dict[bool, list[Answer]]]:
    """Return the answers for each way in which weights can be ignorant of a run."""
    # Neighbours by name are alike, and dealt to different folds: of two runs that differ in their seed alone one teaches
    # while the other is asked, as if each run were left out by itself.
    ordered = sorted(range(len(people)), key=lambda place: people[place].name)
    runs: dict[int, Hashable] = {place: f"{i % FOLDS:02d}" for i, place in enumerate(ordered)}
    healthy: dict[int, Hashable] = {i: f"{runs[i]}" for i, p in enumerate(people) if not p.fault}

    def sick(group: Callable[[RecordedRun], str], among: Callable[[RecordedRun], str]) -> dict[int, Hashable]:
        """Group the sick runs that have a companion which ``group`` tells apart from them."""
        kinds: dict[str, set[str]] = {}
        for p in people:
            kinds.setdefault(among(p), set()).add(group(p))
        return {i: group(p) for i, p in enumerate(people) if p.fault and len(kinds[among(p)]) > 1}

    where = "{0.env} {0.fault}".format
    return {
        "single runs": held_out(people, runs),
        "other seeds": held_out(
            people, sick(lambda p: f"{where(p)} {p.severity} {p.seed}", lambda p: f"{where(p)} {p.severity}"), 8
        ),
        "other severities": held_out(people, sick(lambda p: f"{p.fault} {p.severity}", where), 8),
        "whole faults": held_out(people, {i: p.fault or healthy[i] for i, p in enumerate(people)}, 12),
        "a whole environment and its references": held_out(
            people, {i: p.env for i, p in enumerate(people)}, use_references=False
        ),
    }


def rate(hits: Iterable[bool]) -> str:
    values = list(hits)
    if not values:
        return "-"
    low, high = stats.wilson_interval(sum(values), len(values))
    return f"{np.mean(values):.1%} ({sum(values)}/{len(values)}; {low:.0%}-{high:.0%})"


def summary(title: str, answers: Sequence[Answer]) -> list[str]:
    ill = [a for a in answers if a.patient.harmed]
    well = [a for a in answers if not a.patient.fault]
    benign = [a for a in answers if a.patient.fault and not a.patient.harmed]
    return [
        f"| {title} | {rate(a.found for a in ill)} | {rate(a.first for a in ill)} | {rate(a.among_three for a in ill)} | "
        f"{rate(a.verdict is Verdict.SICK for a in well)} | "
        f"{rate(a.verdict in (Verdict.SUSPECT, Verdict.UNJUDGED) for a in well)} | "
        f"{rate(a.verdict is Verdict.SICK for a in benign)} |"
    ]


def detection(people: Sequence[RecordedRun], book: Rulebook) -> dict[str, float]:
    """Return for each harmful run the share of the budget after which it is found, and found for good."""
    when = {}
    for patient in people:
        said = [ask(patient.until(share), book).found for share in SHARES]
        when[patient.name] = next((s for i, s in enumerate(SHARES) if all(said[i:])), float("inf"))
    return when


def stopped_at(patient: RecordedRun) -> float:
    """Return the share of its steps after which ``DoctorCallback(stop_when="sick")`` ends a run; infinity for never."""
    run, memory = patient.run, ScalarMemory()
    live = LiveDiagnosis(memory, None, {}, Patience())
    factors = {
        curve.tag: meaning.factor
        for names in shipped_names()
        for curve in run.curves.values()
        if (meaning := names.meaning(curve.tag)) is not None
    }
    for step in sorted({int(step) for curve in run.curves.values() for step in curve.steps}):
        for curve in run.curves.values():
            for value in curve.values[curve.steps == step]:
                memory.write({curve.tag: value / factors[curve.tag]}, {}, step)
        if live.has_news and live.points >= FEWEST_POINTS:
            live.diagnose("benchmark")
        if live.hopeless and step >= LEAST_PROGRESS * run.last_step:
            return step / run.last_step
    return float("inf")


def calibration(answers: Sequence[Answer]) -> list[str]:
    """Return the reliability table of the leading diagnosis, healthy runs included."""
    judged = [a for a in answers if a.verdict is not Verdict.UNJUDGED and (a.patient.harmed or not a.patient.fault)]
    lines = ["| said | runs | said on average | right |", "|---|---|---|---|"]
    for low, high in ((0.0, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        part = [a for a in judged if low <= a.probability < high]
        if part:
            right = rate(a.causes[0] in a.patient.right for a in part)
            mean = np.mean([a.probability for a in part])
            lines.append(f"| {low:.0%} to {min(high, 1):.0%} | {len(part)} | {mean:.2f} | {right} |")
    return lines


def per_fault(answers: Sequence[Answer], when: dict[str, float]) -> list[str]:
    lines = [
        "| fault | harmed / all | found | cause first | among three | median share of budget |",
        "|---|---|---|---|---|---|",
    ]
    for fault in sorted({a.patient.fault for a in answers if a.patient.fault}):
        all_ = [a for a in answers if a.patient.fault == fault]
        ill = [a for a in all_ if a.patient.harmed]
        if not ill:
            lines.append(f"| {fault} | 0 / {len(all_)} | - | - | - | - |")
            continue
        early = float(np.median([when.get(a.patient.name, np.inf) for a in ill]))
        numbers = " | ".join(
            f"{np.mean([getattr(a, key) for a in ill]):.0%}" for key in ("found", "first", "among_three")
        )
        lines.append(
            f"| {fault} | {len(ill)} / {len(all_)} | {numbers} | {'never' if np.isinf(early) else f'{early:.0%}'} |"
        )
    return lines


def misses(answers: Sequence[Answer]) -> list[str]:
    """Return a line for each miss: what was said, what is right, and what the numbers say about why."""
    lines = []
    for a in answers:
        wrong = a.patient.harmed and not (a.found and a.first)
        if not wrong and (a.patient.fault or a.verdict is Verdict.HEALTHY):
            continue
        said = ", ".join(f"{c} {p:.0%}" for c, p in zip(a.causes[:3], a.probabilities, strict=False)) or "-"
        places = [f"{c} is number {a.causes.index(c) + 1}" for c in a.patient.right if c in a.causes]
        if not wrong:
            why = "a healthy run of a recipe that no reference was recorded with"
        elif not a.found:
            why = f"the harm is small: {outcome(a.patient)}"
        else:
            why = (
                "; ".join(places)
                or "the right cause is not among the first five: nothing in these curves speaks for it"
            )
        lines.append(f"- `{a.patient.name}`: {a.verdict} ({said}); right: {', '.join(a.patient.right)}; {why}")
    return lines


def outcome(patient: RecordedRun) -> str:
    """Return how the run ended, beside the healthy runs of its reference at the same step."""
    metric = "success_rate" if "success_rate" in patient.run.curves else "episode_return"
    curve, matched = patient.run.curves[metric], match(patient.run)
    if matched.reference is None:
        return f"{metric} {curve.values[-1]:.3g}"
    band = matched.reference.bands[metric]
    low = float(np.interp(curve.steps[-1], band.steps, band.low))
    return (
        f"{metric} {curve.values[-1]:.3g}, where healthy runs of {matched.reference.recipe.name} have {low:.3g} or more"
    )


def beyond_telling(answers: Sequence[Answer], people: Sequence[RecordedRun]) -> tuple[int, int]:
    """Return how many harmful runs were not found, and how many of these show an outcome that healthy runs show, too.

    Healthy runs of any recipe in tests/runs on the same environment, at the same step, by what was logged: without
    a reference nothing but the outcome's shape is left to tell them apart.
    """
    missed = [a.patient for a in answers if a.patient.harmed and not a.found]
    return len(missed), sum(stands_among_healthy(p, [w for w in people if not w.fault]) for p in missed)


def stands_among_healthy(patient: RecordedRun, well: Sequence[RecordedRun]) -> bool:
    metric = "success_rate" if "success_rate" in patient.run.curves else "episode_return"
    end = float(patient.run.curves[metric].values[-1])
    there = [
        float(np.interp(patient.run.last_step, curve.steps, curve.values))
        for w in well
        if w.env == patient.env and w.run.last_step >= patient.run.last_step
        for curve in (w.run.curves[metric],)
    ]
    return bool(there) and end >= min(there)


def chapter_rows(people: Sequence[RecordedRun]) -> list[str]:
    ill, well = [p for p in people if p.harmed], [p for p in people if not p.fault]
    named = [chapter_table.warnings(p.run) for p in ill]
    return [
        "| the chapter's table, literally | sick runs flagged | cause first | healthy runs flagged |",
        "|---|---|---|---|",
        f"| any healthy range left | {rate(chapter_table.outside_ranges(p.run) for p in ill)} | - | "
        f"{rate(chapter_table.outside_ranges(p.run) for p in well)} |",
        f"| any warning sign | {rate(bool(c) for c in named)} | "
        f"{rate(bool(c) and c[0] in p.right for c, p in zip(named, ill, strict=True))} | "
        f"{rate(bool(chapter_table.warnings(p.run)) for p in well)} |",
    ]


LABELS = {"plain SB3 scalars": True, "with DoctorCallback": False}
HEAD = "| held out | found (harmful) | cause first | among three | healthy called sick | healthy suspect or unjudged | benign called sick |"


def fresh(folder: Path) -> None:
    people, book = patients((folder,)), load_rulebook()
    answers = {
        label: [ask(p.without_doctor() if plain else p, book) for p in people] for label, plain in LABELS.items()
    }
    about = machine.describe()
    broken = Counter(p.env for p in people if p.fault)
    counted = ", ".join(f"{count} faults on {env}" for env, count in sorted(broken.items()))
    text = [
        "# Seeds that nobody had seen",
        "",
        "The signs were written with the recorded runs in view, and only their weights are held out in `accuracy.md`. These",
        f"{len(people)} runs, the strongest severity of faults with another seed and healthy runs with others, were recorded",
        f"after signs and weights were fixed: {counted}.",
        "Remade by `python -m benchmarks.record_corpus --fresh RUNS` and",
        "`python -m benchmarks.accuracy --fresh RUNS`. Intervals are Wilson's, 95 %.",
        "",
        HEAD,
        "|---|---|---|---|---|---|---|",
        *(line for label, found in answers.items() for line in summary(f"fresh seeds, {label}", found)),
        "",
        *(line for label, found in answers.items() for line in (f"## Misses by name, {label}", "", *misses(found), "")),
        f"Machine: {about['cores']} cores of {about['processor']}.",
        "",
    ]
    DOCUMENT.with_name("accuracy-fresh-seeds.md").write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text[7:12]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", type=Path, help="a folder of runs recorded by record_corpus --fresh")
    chosen = parser.parse_args()
    if chosen.fresh:
        fresh(chosen.fresh)
        return
    people = patients()
    ways = ways_of_leaving_out(people)
    runs = ways["single runs"]
    lines = [HEAD, "|---|---|---|---|---|---|---|"]
    for label, plain in LABELS.items():
        for way, answers in ways.items():
            lines += summary(f"{way}, {label}", answers[plain])
    print("\n".join(lines), flush=True)
    book = load_rulebook()
    ill = [p for p in people if p.harmed and "too-short-to-judge" not in p.right]
    when = detection(ill, book)
    ends_ill = [stopped_at(p) for p in ill]
    ends_well = [stopped_at(p) for p in people if not p.fault]
    about = machine.describe()
    faults = {p.fault for p in people if p.fault}
    unseen = ways["a whole environment and its references"]
    apart = "; ".join(
        f"{label}: {among} of {missed}"
        for label, plain in LABELS.items()
        for missed, among in (beyond_telling(unseen[plain], people),)
    )
    text = [
        "# How often the doctor is right",
        "",
        f"{len(people)} recorded runs (`tests/runs`): {sum(not p.fault for p in people)} healthy ones of varied recipes, and",
        f"{len(faults)} faults at several severities on three environments, {sum(p.harmed for p in people)} of which harm the",
        "outcome. Harm is measured below the fault: the true success rate (FetchReachDense) or return of the last 100",
        "training episodes is worse than that of every healthy run at that step. Every run is judged with weights fitted",
        "without it; the signs themselves were written with these runs in view. What is left out whole, and the seeds of",
        "[accuracy-fresh-seeds.md](accuracy-fresh-seeds.md), say more about strangers. Intervals are Wilson's, 95 %. Remade by",
        "`python -m benchmarks.accuracy`.",
        "",
        *lines,
        "",
        "With a whole environment and its references left out, what is not found is mostly what nothing but a reference can",
        "tell: the run ends no worse than the slowest healthy run of that environment, of any recipe, stands at that step",
        f"({apart}).",
        "",
        f"Median share of the budget until a harmful run is found, and stays found: {np.median(list(when.values())):.0%}.",
        "",
        f'`stop_when="sick"` ends {rate(x < 1 for x in ends_well)} of the healthy runs early, and {rate(x < 1 for x in ends_ill)} of',
        f"the harmful ones, these after {np.median([x for x in ends_ill if x < 1]):.0%} of their budget (median).",
        "",
        "## Beside it, the chapter's table",
        "",
        *chapter_rows(people),
        "",
        "## Calibration (single runs, with DoctorCallback)",
        "",
        *calibration(runs[False]),
        "",
        "## Fault by fault (single runs, with DoctorCallback)",
        "",
        *per_fault(runs[False], when),
        "",
        "## Misses and alarms by name (single runs, plain SB3 scalars)",
        "",
        *(misses(runs[True]) or ["None."]),
        "",
        "## Misses and alarms by name (single runs, with DoctorCallback)",
        "",
        *(misses(runs[False]) or ["None."]),
        "",
        f"Machine: {about['cores']} cores of {about['processor']}. {HEALTHY} is one of the hypotheses in every row.",
        "",
    ]
    DOCUMENT.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
