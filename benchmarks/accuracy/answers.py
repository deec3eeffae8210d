"""The diagnosis of one recorded run, and whether it is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.corpus import RecordedRun
from rldoctor.diagnosis import judge as judging
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.match import Match
from rldoctor.model import Statement, Verdict
from rldoctor.rulebook import Rulebook


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
