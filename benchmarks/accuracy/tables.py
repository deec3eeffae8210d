"""The rows and tables of docs/accuracy.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks import chapter_table
from benchmarks.accuracy.answers import Answer
from benchmarks.corpus import RecordedRun
from benchmarks.rates import wilson_interval
from rldoctor.diagnosis.match import match
from rldoctor.model import Verdict

LABELS = {"plain SB3 scalars": True, "with DoctorCallback": False}
HEAD = "| held out | harmful runs found | right cause first | right cause in first three | healthy called sick | healthy suspect or unjudged | harmless faults called sick |"


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
