"""How often the doctor is right: python -m tests.benchmarks.accuracy [--quick]

Diagnoses every recorded run in tests/runs with weights fitted without it, and writes docs/accuracy.md. Four ways of
leaving out: other seeds, other severities, whole faults, a whole environment (without its references too).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rldoctor import machine, stats
from rldoctor.diagnose import diagnose_run
from rldoctor.diagnose import judge as judging
from rldoctor.diagnose.match import Match
from rldoctor.logs.names import shipped_names
from rldoctor.model import Verdict
from rldoctor.rulebook import Rulebook, load_rulebook
from rldoctor.rulebook.diagnoses import HEALTHY
from rldoctor.training.doctor_live import FEWEST_POINTS, LEAST_PROGRESS, LiveExamination, Patience, ScalarMemory
from tests.benchmarks import chapter_table
from tests.benchmarks.corpus import Patient, patients
from tests.benchmarks.fit_weights import fit, with_weights

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "accuracy.md"
SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Answer:
    """What the doctor said of one run."""

    patient: Patient
    verdict: Verdict
    causes: tuple[str, ...]
    probability: float

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


def ask(patient: Patient, book: Rulebook, use_references: bool = True) -> Answer:
    if not use_references:
        kept = judging.match
        judging.match = lambda run, wanted=None: Match(None, False, "left out")
    try:
        subject = diagnose_run(patient.run, book=book)
    finally:
        if not use_references:
            judging.match = kept
    probability = subject.diagnoses[0].probability if subject.diagnoses else 0.0
    return Answer(patient, subject.verdict, tuple(d.name for d in subject.diagnoses), probability)


def held_out(
    people: Sequence[Patient],
    group: Callable[[Patient], Hashable],
    folds: int = 0,
    use_references: bool = True,
) -> dict[bool, list[Answer]]:
    """Diagnose each run with weights fitted on the runs of other groups: by plain scalars (True), by all (False).

    Healthy runs are spread over the folds, so that they too are judged by weights that have not seen them.
    """
    book = load_rulebook()
    groups = sorted({str(group(p)) for p in people if p.fault})
    count = folds or len(groups)
    fold_of_group = {name: i % count for i, name in enumerate(groups)}
    healthy = [p for p in people if not p.fault]

    def fold(patient: Patient) -> int:
        return fold_of_group[str(group(patient))] if patient.fault else healthy.index(patient) % count

    answers: dict[bool, list[Answer]] = {True: [], False: []}
    for number in range(count):
        test = [p for p in people if fold(p) == number]
        if group is by_env:
            test = [p for p in people if fold_of_group.get(p.env) == number]
        ids = {id(p) for p in test}
        fitted = with_weights(book, fit(book, [p for p in people if id(p) not in ids]))
        answers[True] += [ask(p.without_doctor(), fitted, use_references) for p in test]
        answers[False] += [ask(p, fitted, use_references) for p in test]
    return answers


def by_env(patient: Patient) -> str:
    return patient.env


def by_fault(patient: Patient) -> str:
    return patient.fault


def by_severity(patient: Patient) -> str:
    return f"{patient.fault}:{patient.severity}"


def by_seed(patient: Patient) -> str:
    return str(patient.seed % 2)


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


def detection(people: Sequence[Patient], book: Rulebook) -> dict[str, float]:
    """Return for each harmful run the share of the budget after which it is found, and found for good."""
    when = {}
    for patient in people:
        said = [ask(patient.until(share), book).found for share in SHARES]
        when[patient.name] = next((s for i, s in enumerate(SHARES) if all(said[i:])), float("inf"))
    return when


def stopped_at(patient: Patient) -> float:
    """Return the share of its steps after which ``DoctorCallback(stop_when="sick")`` ends a run; infinity for never."""
    run, memory = patient.run, ScalarMemory()
    live = LiveExamination(memory, None, {}, Patience())
    factor = {
        curve.tag: names.meaning(curve.tag).factor
        for names in shipped_names()
        for curve in run.curves.values()
        if names.meaning(curve.tag)
    }
    for step in sorted({int(step) for curve in run.curves.values() for step in curve.steps}):
        for curve in run.curves.values():
            for value in curve.values[curve.steps == step]:
                memory.write({curve.tag: value / factor[curve.tag]}, {}, step)
        if live.has_news and live.points >= FEWEST_POINTS:
            live.examine("benchmark")
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
    lines = []
    for a in answers:
        wrong = a.patient.harmed and not (a.found and a.first)
        alarm = not a.patient.fault and a.verdict is not Verdict.HEALTHY
        if wrong or alarm:
            said = ", ".join(a.causes[:3]) or "-"
            lines.append(f"- `{a.patient.name}`: {a.verdict}; said {said}; right: {', '.join(a.patient.right)}")
    return lines


def chapter_rows(people: Sequence[Patient]) -> list[str]:
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


HEAD = "| held out | found (harmful) | cause first | among three | healthy called sick | healthy suspect or unjudged | benign called sick |"


def main() -> None:
    people = patients()
    quick = "--quick" in sys.argv
    ways = {"other severities": held_out(people, by_severity, folds=5)}
    if not quick:
        ways["other seeds"] = held_out(people, by_seed)
        ways["whole faults"] = held_out(people, by_fault, folds=12)
        ways["a whole environment and its references"] = held_out(people, by_env, use_references=False)
    severity = ways["other severities"]
    lines = [HEAD, "|---|---|---|---|---|---|---|"]
    for plain, label in ((True, "plain SB3 scalars"), (False, "with DoctorCallback")):
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
    text = [
        "# How often the doctor is right",
        "",
        f"{len(people)} recorded runs (`tests/runs`): {sum(not p.fault for p in people)} healthy ones of varied recipes, and",
        f"{len(faults)} faults at several severities on three environments, {sum(p.harmed for p in people)} of which harm the",
        "outcome. Harm is measured below the fault: the true success rate (FetchReachDense) or return of the last 100",
        "training episodes is worse than that of every healthy run at that step. Every run is judged with weights fitted",
        "without it. Intervals are Wilson's, 95 %. Remade by `python -m tests.benchmarks.accuracy`.",
        "",
        *lines,
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
        "## Calibration (other severities, with DoctorCallback)",
        "",
        *calibration(severity[False]),
        "",
        "## Fault by fault (other severities, with DoctorCallback)",
        "",
        *per_fault(severity[False], when),
        "",
        "## Misses and alarms by name (other severities, with DoctorCallback)",
        "",
        *(misses(severity[False]) or ["None."]),
        "",
        f"Machine: {about['cores']} cores of {about['processor']}. {HEALTHY} is one of the hypotheses in every row.",
        "",
    ]
    if not quick:
        DOCUMENT.write_text("\n".join(text), encoding="utf-8")
    else:
        print("\n".join(text))


if __name__ == "__main__":
    main()
