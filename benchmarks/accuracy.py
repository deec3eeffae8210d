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
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import DOCS, chapter_table
from benchmarks.corpus import RecordedRun, recorded_runs
from benchmarks.fit_weights import fit, fitted_book, with_weights
from benchmarks.rates import wilson_interval
from benchmarks.watch.prefixes import course_of
from rldoctor import machine
from rldoctor.diagnosis import judge as judging
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.match import Match, match
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.model import Statement, Verdict
from rldoctor.rulebook import Rulebook, load_rulebook

DOCUMENT = DOCS / "accuracy.md"
FOLDS = 10
SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Answer:
    """The diagnosis of one run, with what is known of the run."""

    recorded: RecordedRun
    verdict: Verdict
    causes: tuple[str, ...]
    probabilities: tuple[float, ...]
    tied: tuple[str, ...] = ()

    @property
    def probability(self) -> float:
        return self.probabilities[0] if self.probabilities else 0.0

    @property
    def found(self) -> bool:
        # "Unjudged" is an answer only where the right answer is that nothing can be judged.
        unjudged = self.verdict is Verdict.UNJUDGED and "too-short-to-judge" not in self.recorded.right
        return self.verdict is not Verdict.HEALTHY and not unjudged

    @property
    def first(self) -> bool:
        return bool(self.causes) and self.causes[0] in self.recorded.right

    @property
    def among_three(self) -> bool:
        return any(cause in self.recorded.right for cause in self.causes[:3])


def answer_for(
    recorded: RecordedRun, book: Rulebook, use_references: bool = True, statements: Sequence[Statement] = ()
) -> Answer:
    if not use_references:
        kept = judging.match  # type: ignore[attr-defined]
        judging.match = lambda run, wanted=None, own=(): Match(None, False, "left out")  # type: ignore[attr-defined]
    try:
        # Settings are one of the witnesses: logs alone are those without the files beside them.
        subject = diagnose_run(replace(recorded.run, settings=None), book=book, statements=statements)
    finally:
        if not use_references:
            judging.match = kept  # type: ignore[attr-defined]
    named = subject.diagnoses
    return Answer(
        recorded, subject.verdict, tuple(d.name for d in named), tuple(d.probability for d in named), subject.tied
    )


def held_out(
    corpus: Sequence[RecordedRun],
    groups: Mapping[int, Hashable],
    folds: int = 0,
    use_references: bool = True,
) -> dict[bool, list[Answer]]:
    """Diagnose runs with weights fitted on the runs of other groups: by plain scalars (True), by all (False).

    Args:
        corpus: All runs.
        groups: Place in ``corpus`` to the group that is left out together; a run without one only teaches.
        folds: Groups are put together into so many folds; 0 for each by itself.
        use_references: Whether bands may be used.
    """
    answers: dict[bool, list[Answer]] = {True: [], False: []}
    for place, book in fitted_for_folds(corpus, groups, folds, by_logs).items():
        recorded = corpus[place]
        answers[True].append(answer_for(recorded.without_doctor(), book, use_references))
        answers[False].append(answer_for(recorded, book, use_references))
    return answers


def by_logs(book: Rulebook, corpus: Sequence[RecordedRun]) -> Rulebook:
    """Return the rulebook with the weights of signs fitted on ``corpus``; other witnesses are not asked here."""
    return with_weights(book, fit(book, corpus))


def fitted_for_folds(
    corpus: Sequence[RecordedRun],
    groups: Mapping[int, Hashable],
    folds: int = 0,
    fitted: Callable[[Rulebook, Sequence[RecordedRun]], Rulebook] = fitted_book,
) -> dict[int, Rulebook]:
    """Return for each run of a group the rulebook with weights fitted on the runs of the other folds.

    Args:
        corpus: All runs.
        groups: As in :func:`held_out`.
        folds: As in :func:`held_out`.
        fitted: Fits a rulebook on runs.
    """
    book = load_rulebook()
    names = sorted({str(group) for group in groups.values()})
    folds = folds or len(names)
    fold = {place: names.index(str(group)) % folds for place, group in groups.items()}
    books = [
        fitted(book, [p for place, p in enumerate(corpus) if fold.get(place) != number]) for number in range(folds)
    ]
    return {place: books[number] for place, number in sorted(fold.items(), key=lambda item: (item[1], item[0]))}


def single_runs(corpus: Sequence[RecordedRun]) -> dict[int, Hashable]:
    """Return the fold of each run, as if each were held out by itself.

    Neighbours by name are alike, and dealt to different folds: of two runs that differ in their seed alone one teaches
    while the other is asked.
    """
    ordered = sorted(range(len(corpus)), key=lambda place: corpus[place].name)
    return {place: f"{i % FOLDS:02d}" for i, place in enumerate(ordered)}


def ways_of_leaving_out(corpus: Sequence[RecordedRun]) -> dict[str, dict[bool, list[Answer]]]:
    """Return the answers for each way in which weights can be ignorant of a run."""
    runs = single_runs(corpus)
    healthy: dict[int, Hashable] = {i: f"{runs[i]}" for i, p in enumerate(corpus) if not p.fault}

    def sick(group: Callable[[RecordedRun], str], among: Callable[[RecordedRun], str]) -> dict[int, Hashable]:
        """Group the sick runs that have a companion which ``group`` tells apart from them."""
        kinds: dict[str, set[str]] = {}
        for p in corpus:
            kinds.setdefault(among(p), set()).add(group(p))
        return {i: group(p) for i, p in enumerate(corpus) if p.fault and len(kinds[among(p)]) > 1}

    where = "{0.env} {0.fault}".format
    return {
        "single runs": held_out(corpus, runs),
        "other seeds": held_out(
            corpus, sick(lambda p: f"{where(p)} {p.severity} {p.seed}", lambda p: f"{where(p)} {p.severity}"), 8
        ),
        "other severities": held_out(corpus, sick(lambda p: f"{p.fault} {p.severity}", where), 8),
        "whole faults": held_out(corpus, {i: p.fault or healthy[i] for i, p in enumerate(corpus)}, 12),
        "a whole environment and its references": held_out(
            corpus, {i: p.env for i, p in enumerate(corpus)}, use_references=False
        ),
    }


def rate(hits: Iterable[bool]) -> str:
    values = list(hits)
    if not values:
        return "-"
    low, high = wilson_interval(sum(values), len(values))
    return f"{np.mean(values):.1%} ({sum(values)}/{len(values)}; {low:.0%}-{high:.0%})"


def summary(title: str, answers: Sequence[Answer]) -> list[str]:
    harmful = [a for a in answers if a.recorded.harmed]
    healthy = [a for a in answers if not a.recorded.fault]
    benign = [a for a in answers if a.recorded.fault and not a.recorded.harmed]
    return [
        f"| {title} | {rate(a.found for a in harmful)} | {rate(a.first for a in harmful)} | {rate(a.among_three for a in harmful)} | "
        f"{rate(a.verdict is Verdict.SICK for a in healthy)} | "
        f"{rate(a.verdict in (Verdict.SUSPECT, Verdict.UNJUDGED) for a in healthy)} | "
        f"{rate(a.verdict is Verdict.SICK for a in benign)} |"
    ]


def detection(corpus: Sequence[RecordedRun], book: Rulebook) -> dict[str, float]:
    """Return for each harmful run the share of the budget after which it is found, and found for good."""
    when = {}
    for recorded in corpus:
        said = [answer_for(recorded.until(share), book).found for share in SHARES]
        when[recorded.name] = next((s for i, s in enumerate(SHARES) if all(said[i:])), float("inf"))
    return when


def stopped_at(recorded: RecordedRun) -> float:
    """Return the share of its steps after which ``DoctorCallback(stop_when="sick")`` ends a run; infinity for never."""
    course = course_of(recorded)
    return next((at.share for at in course if at.hopeless), float("inf"))


def calibration(answers: Sequence[Answer]) -> list[str]:
    """Return the reliability table of the leading diagnosis, healthy runs included."""
    judged = [a for a in answers if a.verdict is not Verdict.UNJUDGED and (a.recorded.harmed or not a.recorded.fault)]
    lines = ["| stated probability | runs | mean stated probability | right |", "|---|---|---|---|"]
    for low, high in ((0.0, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        part = [a for a in judged if low <= a.probability < high]
        if part:
            right = rate(a.causes[0] in a.recorded.right for a in part)
            mean = np.mean([a.probability for a in part])
            lines.append(f"| {low:.0%} to {min(high, 1):.0%} | {len(part)} | {mean:.2f} | {right} |")
    return lines


def per_fault(answers: Sequence[Answer], when: dict[str, float]) -> list[str]:
    lines = [
        "| fault | harmful / all runs | found | right cause first | in first three | found after (median) |",
        "|---|---|---|---|---|---|",
    ]
    for fault in sorted({a.recorded.fault for a in answers if a.recorded.fault}):
        all_ = [a for a in answers if a.recorded.fault == fault]
        harmful = [a for a in all_ if a.recorded.harmed]
        if not harmful:
            lines.append(f"| {fault} | 0 / {len(all_)} | - | - | - | - |")
            continue
        early = float(np.median([when.get(a.recorded.name, np.inf) for a in harmful]))
        numbers = " | ".join(
            f"{np.mean([getattr(a, key) for a in harmful]):.0%}" for key in ("found", "first", "among_three")
        )
        lines.append(
            f"| {fault} | {len(harmful)} / {len(all_)} | {numbers} | {'never' if np.isinf(early) else f'{early:.0%}'} |"
        )
    return lines


def misses(answers: Sequence[Answer]) -> list[str]:
    """Return a line for each miss: the diagnosis, the right cause, and what the numbers say about the reason."""
    lines = []
    for a in answers:
        wrong = a.recorded.harmed and not (a.found and a.first)
        if not wrong and (a.recorded.fault or a.verdict is Verdict.HEALTHY):
            continue
        said = ", ".join(f"{c} {p:.0%}" for c, p in zip(a.causes[:3], a.probabilities, strict=False)) or "-"
        places = [f"{c} is ranked {a.causes.index(c) + 1}" for c in a.recorded.right if c in a.causes]
        if not wrong:
            why = "a healthy run with a recipe that no reference was recorded with"
        elif not a.found:
            why = f"the harm is small: {outcome(a.recorded)}"
        else:
            why = (
                "; ".join(places) or "the right cause is not among the first five: nothing in these curves supports it"
            )
        lines.append(f"- `{a.recorded.name}`: {a.verdict} ({said}); right: {', '.join(a.recorded.right)}; {why}")
    return lines


def outcome(recorded: RecordedRun) -> str:
    """Return how the run ended, compared with the healthy runs of its reference at the same step."""
    metric = "success_rate" if "success_rate" in recorded.run.curves else "episode_return"
    curve, matched = recorded.run.curves[metric], match(recorded.run)
    if matched.reference is None:
        return f"{metric} {curve.values[-1]:.3g}"
    band = matched.reference.bands[metric]
    low = float(np.interp(curve.steps[-1], band.steps, band.low))
    return f"{metric} ends at {curve.values[-1]:.3g}, in healthy runs of {matched.reference.recipe.name} at {low:.3g} or more"


def beyond_telling(answers: Sequence[Answer], corpus: Sequence[RecordedRun]) -> tuple[int, int]:
    """Return how many harmful runs were not found, and how many of these end no worse than some healthy run.

    The healthy runs are those of any recipe in tests/runs on the same environment, at the same step, by their logged
    return or success rate: without a reference, only the shape of that curve could show a difference.
    """
    missed = [a.recorded for a in answers if a.recorded.harmed and not a.found]
    return len(missed), sum(stands_among_healthy(p, [w for w in corpus if not w.fault]) for p in missed)


def stands_among_healthy(recorded: RecordedRun, healthy: Sequence[RecordedRun]) -> bool:
    metric = "success_rate" if "success_rate" in recorded.run.curves else "episode_return"
    end = float(recorded.run.curves[metric].values[-1])
    there = [
        float(np.interp(recorded.run.last_step, curve.steps, curve.values))
        for w in healthy
        if w.env == recorded.env and w.run.last_step >= recorded.run.last_step
        for curve in (w.run.curves[metric],)
    ]
    return bool(there) and end >= min(there)


def chapter_rows(corpus: Sequence[RecordedRun]) -> list[str]:
    harmful, healthy = [p for p in corpus if p.harmed], [p for p in corpus if not p.fault]
    named = [chapter_table.warnings(p.run) for p in harmful]
    return [
        "| flagged by | harmful runs flagged | right cause first | healthy runs flagged |",
        "|---|---|---|---|",
        f"| any value outside its healthy range | {rate(chapter_table.outside_ranges(p.run) for p in harmful)} | - | "
        f"{rate(chapter_table.outside_ranges(p.run) for p in healthy)} |",
        f"| any warning sign | {rate(bool(c) for c in named)} | "
        f"{rate(bool(c) and c[0] in p.right for c, p in zip(named, harmful, strict=True))} | "
        f"{rate(bool(chapter_table.warnings(p.run)) for p in healthy)} |",
    ]


LABELS = {"plain SB3 scalars": True, "with DoctorCallback": False}
HEAD = "| held out | harmful runs found | right cause first | right cause in first three | healthy called sick | healthy suspect or unjudged | harmless faults called sick |"


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
