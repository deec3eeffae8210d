"""What the doctor says of strangers: python -m benchmarks.strangers, which writes docs/strangers.md

Recorded runs of environments that no reference knows (remade by benchmarks.environments) and of other libraries
(benchmarks.frameworks), and cases that people wrote about in public (tests/cases). Nobody's weights were fitted
on them. A minute.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import DOCS
from rldoctor import machine
from rldoctor.diagnosis import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import RunDiagnosis, Verdict
from tests.diagnosis.public_cases import cases
from tests.diagnosis.strangers import MISSED, Stranger, strangers

DOCUMENT = DOCS / "strangers.md"
_RIGHT = {True: "yes", False: "**no**"}


def said(subject: RunDiagnosis) -> str:
    """Return the verdict, and the leading cause with its odds where there is one."""
    if subject.verdict in (Verdict.HEALTHY, Verdict.UNJUDGED) or not subject.diagnoses:
        return str(subject.verdict)
    return f"{subject.verdict}: {subject.diagnoses[0].name} {subject.diagnoses[0].probability:.0%}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def sums(found: Sequence[tuple[bool, bool, RunDiagnosis, Sequence[str]]]) -> str:
    """Return in words how often the doctor was right: of (healthy, right, what it said, diagnoses that are right)."""
    well = [subject.verdict for healthy, _, subject, _ in found if healthy]
    ill = [(right, subject, causes) for healthy, right, subject, causes in found if not healthy]
    first = sum(bool(s.diagnoses) and s.diagnoses[0].name in causes and right for right, s, causes in ill)
    alarms = {verdict: well.count(verdict) for verdict in (Verdict.SICK, Verdict.SUSPECT, Verdict.UNJUDGED)}
    seen = sum(s.verdict in (Verdict.SICK, Verdict.SUSPECT) for _, s, _ in ill)
    return (
        f"Healthy: {well.count(Verdict.HEALTHY)} of {len(well)} called healthy, "
        f"{', '.join(f'{n} {verdict}' for verdict, n in alarms.items())}. "
        f"Sick: {seen} of {len(ill)} found, the cause first in {first} and among three in {sum(right for right, *_ in ill)}."
    )


def recorded(kind: str) -> tuple[str, str]:
    """Return the table and the sums of the recorded runs of one kind, ``environments`` or ``frameworks``.

    Those that were recorded once signs and weights were fixed are summed up by themselves as well.
    """
    rows, found, unseen = [], [], []
    for stranger in (s for s in strangers() if s.name.startswith(kind)):
        subject = diagnose_run(read_run(stranger.folder))
        found.append((stranger.healthy, stranger.holds(subject), subject, stranger.label["diagnoses"]))
        if stranger.label.get("unseen"):
            unseen.append(found[-1])
        known, logged = subject.facts["tags_known"], subject.facts["tags_logged"]
        who = _task(stranger) if kind == "environments" else f"{stranger.label['framework']} ({known} of {logged} tags)"
        what = (
            stranger.label["env"]
            if kind == "environments"
            else f"{stranger.label['algorithm']}, {stranger.label['env']}"
        )
        rows.append((who, what, stranger.label["fault"] or "none", said(subject), _RIGHT[found[-1][1]]))
    return table(
        ("task" if kind == "environments" else "library", "environment", "fault", "verdict", "right"), rows
    ), sums(found) + (f"\n\nOf those recorded after signs and weights were fixed: {sums(unseen)}" if unseen else "")


def _task(stranger: Stranger) -> str:
    outcome = stranger.label["outcome"]
    unseen = ", unseen" if stranger.label.get("unseen") else ""
    return f"{stranger.label['task']}{unseen} ({outcome['random_return']:.4g} at random, {outcome['return']:.4g} at the end)"


def practice() -> tuple[str, str]:
    """Return the table and the sums of the cases from public threads."""
    rows, found = [], []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases():
            subject = diagnose_run(case.rebuild(Path(folder)))
            right = case.holds(subject)
            found.append((case.state == "healthy", right, subject, case.right))
            note = f"{_RIGHT[right]}{f': {case.missed}' if case.missed else ''}"
            rows.append((f"[{case.name}]({case.source})", case.state, ", ".join(case.right[:2]), said(subject), note))
    return table(("case", "state", "right", "verdict", "right"), rows), sums(found)


def main() -> None:
    parts = {name: recorded(name) for name in ("environments", "frameworks")}
    told = practice()
    missed = "\n".join(f"- `{name}`: {why}" for name, why in MISSED.items())
    text = f"""# Strangers

Runs that no reference knows: other environments, other libraries, and trainings that people wrote about in public. No weight was
fitted on them; some signs were mended with them in view, but for those called unseen (docs/accuracy-fresh-seeds.md has fresh runs
of known environments). A healthy run is told right where it is called healthy (a case from a thread: where there is no alarm), a
sick one where it is suspect or sick and the cause is among the first three. Remade by `python -m benchmarks.strangers`.

## Environments without a reference

{parts["environments"][1]}

{parts["environments"][0]}

## Other libraries

{parts["frameworks"][1]}

{parts["frameworks"][0]}

## Cases from practice

Curves rebuilt from the numbers that the threads and reports give; what is given, and who says what was the matter, stands in `tests/cases`.
{told[1]}

{told[0]}

## What it does not get right, or cannot

{missed}

Machine: {machine.describe()["processor"]}. Versions: rldoctor-kit {machine.versions()["rldoctor-kit"]}; those of the libraries stand in each `label.json`.
"""
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
