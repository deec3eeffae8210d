"""Diagnoses of runs from elsewhere: python -m benchmarks.strangers, which writes docs/strangers.md

Recorded runs of environments without a reference (recorded by benchmarks.environments) and of other libraries
(benchmarks.frameworks), and cases that people described in public (tests/cases). No weight was fitted on them. A few
seconds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from benchmarks import DOCS
from rldoctor import machine
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.logs.formats.tables import TRAINER_STATE_FILE, read_trainer_state
from rldoctor.logs.formats.tfevents import is_event_file, read_event_file
from rldoctor.logs.frameworks import find_tag_mapping
from rldoctor.model import RunDiagnosis, Verdict
from tests.diagnosis.public_cases import cases
from tests.diagnosis.strangers import MISSED, Stranger, strangers

DOCUMENT = DOCS / "strangers.md"
_RIGHT = {True: "yes", False: "**no**"}


def said(subject: RunDiagnosis) -> str:
    """Return the verdict, and the most likely cause with its probability where there is one."""
    if subject.verdict in (Verdict.HEALTHY, Verdict.UNJUDGED) or not subject.diagnoses:
        return str(subject.verdict)
    return f"{subject.verdict}: {subject.diagnoses[0].name} {subject.diagnoses[0].probability:.0%}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def sums(found: Sequence[tuple[bool, bool, RunDiagnosis, Sequence[str]]]) -> str:
    """Return in words how often the diagnosis was right: of (healthy, right, the result, diagnoses that are right)."""
    healthy_verdicts = [subject.verdict for healthy, _, subject, _ in found if healthy]
    sick = [(right, subject, causes) for healthy, right, subject, causes in found if not healthy]
    first = sum(bool(s.diagnoses) and s.diagnoses[0].name in causes and right for right, s, causes in sick)
    alarms = {verdict: healthy_verdicts.count(verdict) for verdict in (Verdict.SICK, Verdict.SUSPECT, Verdict.UNJUDGED)}
    seen = sum(s.verdict in (Verdict.SICK, Verdict.SUSPECT) for _, s, _ in sick)
    return (
        f"Healthy: {healthy_verdicts.count(Verdict.HEALTHY)} of {len(healthy_verdicts)} called healthy, "
        f"{', '.join(f'{n} {verdict}' for verdict, n in alarms.items())}. "
        f"Sick: {seen} of {len(sick)} found, with the right cause first in {first} and among the first three in {sum(right for right, *_ in sick)}."
    )


def recorded(kind: str) -> tuple[str, str]:
    """Return the table and the sums of the recorded runs of one kind, ``environments`` or ``frameworks``.

    Those recorded after the signs and weights of version 0.1.0 were fixed are also summed up separately.
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
        ("task" if kind == "environments" else "library", "environment", "fault", "verdict", "right?"), rows
    ), sums(found) + (f"\n\nOf these, *unseen*: {sums(unseen)}" if unseen else "")


def _task(stranger: Stranger) -> str:
    outcome = stranger.label["outcome"]
    unseen = ", unseen" if stranger.label.get("unseen") else ""
    return f"{stranger.label['task']}{unseen} ({outcome['random_return']:.4g} at random, {outcome['return']:.4g} at the end)"


def coverage() -> tuple[str, str]:
    """Return how many of the tags that each library logs are used, are known to be of no use, and are unknown."""
    logged: dict[str, set[str]] = {}
    known: dict[str, set[str]] = {}
    ignored: dict[str, set[str]] = {}
    for stranger in (s for s in strangers() if s.name.startswith("frameworks")):
        run, name = read_run(stranger.folder), stranger.label["framework"]
        mapping = find_tag_mapping(run.framework)
        unused = [tag for tag in _tags(stranger.folder) if mapping.ignores(tag)]
        logged.setdefault(name, set()).update(_tags(stranger.folder))
        ignored.setdefault(name, set()).update(unused)
        known.setdefault(name, set()).update(set(_tags(stranger.folder)) - set(unused) - set(run.unknown_tags))
    rows = [
        (
            name,
            str(len(tags)),
            str(len(known[name])),
            str(len(ignored[name])),
            f"{(len(known[name]) + len(ignored[name])) / len(tags):.0%}",
        )
        for name, tags in sorted(logged.items())
    ]
    least = min((len(known[name]) + len(ignored[name])) / len(tags) for name, tags in logged.items())
    return table(
        ("library", "tags", "used", "of no use", "known"), rows
    ), f"At least {least:.0%} of the tags of each library are known."


@cache
def _tags(folder: Path) -> tuple[str, ...]:
    """Return all scalar tags in the files of a run, whatever they are."""
    found: dict[str, None] = {}
    for path in sorted(folder.iterdir()):
        if is_event_file(path.name):
            found |= dict.fromkeys(read_event_file(path, lambda _: True).tags)
        elif path.name == TRAINER_STATE_FILE:
            found |= dict.fromkeys(read_trainer_state(path, lambda _: True).tags)
    return tuple(found)


def public_cases() -> tuple[str, str]:
    """Return the table and the sums of the cases from public threads."""
    rows, found = [], []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases():
            subject = diagnose_run(case.rebuild(Path(folder)))
            right = case.holds(subject)
            found.append((case.state == "healthy", right, subject, case.right))
            note = f"{_RIGHT[right]}{f': {case.missed}' if case.missed else ''}"
            rows.append((f"[{case.name}]({case.source})", case.state, ", ".join(case.right[:2]), said(subject), note))
    return table(("case", "state", "right causes", "verdict", "right?"), rows), sums(found)


def main() -> None:
    parts = {name: recorded(name) for name in ("environments", "frameworks")}
    public = public_cases()
    covered = coverage()
    missed = "\n".join(f"- `{name}`: {why}" for name, why in MISSED.items())
    text = f"""# Runs from elsewhere

How the diagnosis does on runs that no reference covers: other environments, other libraries, and trainings that people described in
public. No weight was fitted on them, but some signs were improved with them in view. Those marked *unseen* were recorded after the
signs and weights of version 0.1.0 were fixed. (For fresh runs of known environments, see
[accuracy-fresh-seeds.md](accuracy-fresh-seeds.md).) The diagnosis of a healthy run counts as right if
the verdict is healthy (for a public case: if there is no alarm); that of a sick run, if the verdict is suspect or sick and the right
cause is among the first three. Reproduce with `python -m benchmarks.strangers`.

## Environments without a reference

{parts["environments"][1]}

{parts["environments"][0]}

## Other libraries

{parts["frameworks"][1]}

{parts["frameworks"][0]}

### Tags that are known

A tag is known if its curve is used, or if it is known to say nothing of how training goes (durations, counts, extremes of what is
logged as a mean as well): `ignored` in `checks/tags/*.toml`. {covered[1]}

{covered[0]}

## Public cases

Curves reconstructed from the numbers given in threads and reports. The numbers, and who said what was wrong, are in `tests/cases`.

{public[1]}

{public[0]}

## Known misses

{missed}

Machine: {machine.describe()["processor"]}. Versions: rldoctor-kit {machine.versions()["rldoctor-kit"]}; those of the libraries are in each run's `label.json`.
"""
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
