"""A report: results summed up in one verdict and one exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from rldoctor.errors import EXIT_FINDINGS, EXIT_PASSED, EXIT_UNJUDGED
from rldoctor.model.details import Details
from rldoctor.model.enums import Verdict
from rldoctor.model.results import Result, RunDiagnosis
from rldoctor.model.run import Finding

if TYPE_CHECKING:
    from msgspec import msgpack


@dataclass(frozen=True)
class Report:
    """What a command found.

    Attributes:
        command: Its word, such as ``diagnose``.
        subjects: What was examined, the worst first where there are many.
        verdict: The worst of theirs.
        exit_code: 0 for passed, 1 for findings, 3 for unjudged, 2 and 4 for errors (docs/decisions/0002).
        fail_on: The mildest verdict for which the exit code is 1.
        details: Gives renderers what the report does not hold, such as curves.
    """

    command: str
    subjects: Sequence[Result]
    verdict: Verdict
    exit_code: int
    fail_on: Verdict = Verdict.SICK
    details: Callable[[], Details] = field(default=Details, repr=False, compare=False)


class Packed(NamedTuple):
    """The diagnosis of a run as bytes, a third of what it takes in memory otherwise, and its verdict."""

    verdict: Verdict
    content: bytes


def pack(diagnosis: RunDiagnosis) -> Packed | RunDiagnosis:
    """Return a diagnosis packed; as it is where that cannot be done, as of a path that is not UTF-8."""
    from msgspec import msgpack  # Late: few commands pack anything.

    try:
        return Packed(diagnosis.verdict, msgpack.encode(diagnosis))
    except (OverflowError, TypeError, ValueError):
        return diagnosis


class PackedRuns(Sequence[RunDiagnosis]):
    """Diagnoses of very many runs, each of which is unpacked when it is asked for.

    Attributes:
        items: The diagnoses, packed as far as they can be.
    """

    __slots__ = ("items",)

    def __init__(self, items: Sequence[Packed | RunDiagnosis]) -> None:
        self.items = items

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.items)

    @overload
    def __getitem__(self, place: int) -> RunDiagnosis: ...

    @overload
    def __getitem__(self, place: slice) -> PackedRuns: ...

    def __getitem__(self, place: int | slice) -> RunDiagnosis | PackedRuns:
        if isinstance(place, slice):
            return PackedRuns(self.items[place])
        item = self.items[place]
        return _decoder().decode(item.content) if isinstance(item, Packed) else item

    def tables(self) -> Iterator[dict[str, Any] | RunDiagnosis]:
        """Yield each as ``msgspec.to_builtins`` returns it; as it is where it is not packed."""
        from msgspec import msgpack

        for item in self.items:
            yield msgpack.decode(item.content) if isinstance(item, Packed) else item


@cache
def _decoder() -> msgpack.Decoder[RunDiagnosis]:
    from msgspec import msgpack

    # To learn the types of a diagnosis takes as long as to diagnose some runs.
    return msgpack.Decoder(RunDiagnosis)


# Worst first. One unjudged subject among healthy ones leaves the whole unjudged: silence must not read as health.
_WORST_FIRST = (Verdict.SICK, Verdict.UNJUDGED, Verdict.SUSPECT, Verdict.HEALTHY)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of ``verdicts``; ``UNJUDGED`` for none at all."""
    return min(verdicts, key=_WORST_FIRST.index, default=Verdict.UNJUDGED)


def verdict_of_findings(findings: Iterable[Finding]) -> Verdict:
    """Return sick for any error, suspect for any warning, else healthy. For checks, where each finding is a fact."""
    rank = max((finding.severity.rank for finding in findings), default=0)
    return (Verdict.HEALTHY, Verdict.SUSPECT, Verdict.SICK)[rank]


def exit_code_of(verdicts: Iterable[Verdict], fail_on: Verdict = Verdict.SICK) -> int:
    """Return 1 if any verdict is at or above ``fail_on``, else 3 if any is unjudged (or there is none), else 0."""
    seen = set(verdicts)
    failing = {Verdict.SICK} if fail_on is Verdict.SICK else {Verdict.SICK, Verdict.SUSPECT}
    if seen & failing:
        return EXIT_FINDINGS
    if not seen or Verdict.UNJUDGED in seen:
        return EXIT_UNJUDGED
    return EXIT_PASSED


def make_report(command: str, subjects: Sequence[Result], fail_on: Verdict = Verdict.SICK) -> Report:
    """Sum results up in one report."""
    if not isinstance(subjects, PackedRuns):
        subjects = tuple(subjects)
    verdicts = [subject.verdict for subject in (subjects.items if isinstance(subjects, PackedRuns) else subjects)]
    return Report(command, subjects, worst(verdicts), exit_code_of(verdicts, fail_on), fail_on)
