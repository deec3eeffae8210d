"""What is said of very many runs together: counts, and the few runs that a reader should see."""

from __future__ import annotations

from dataclasses import dataclass

from rldoctor.model.enums import Verdict
from rldoctor.model.results import Result


@dataclass(frozen=True)
class GroupCounts:
    """How many runs of a group have which verdict.

    Attributes:
        name: An environment, a folder or a cause.
        total: Its runs.
        sick: Runs of it that are sick; ``suspect``, ``unjudged`` and ``healthy`` likewise.
        typical: Path of a run whose probability of health is the median of a sample of them; only of causes.
    """

    name: str
    total: int
    sick: int = 0
    suspect: int = 0
    unjudged: int = 0
    healthy: int = 0
    typical: str = ""


@dataclass(frozen=True)
class RunLine:
    """One run in a line: the columns of a table of results.

    Attributes:
        path: Its folder or address.
        verdict: Its verdict.
        cause: Name of its leading diagnosis; empty without one.
        probability: Of that cause, in [0, 1]; ``None`` for a condition.
        health: The probability that nothing is wrong, in [0, 1]; ``None`` where it could not be judged.
        env: Its environment; empty where nothing names it.
        steps: The last environment step.
        final_return: The last logged mean return; ``None`` where none was logged.
    """

    path: str
    verdict: Verdict
    cause: str = ""
    probability: float | None = None
    health: float | None = None
    env: str = ""
    steps: int = 0
    final_return: float | None = None


@dataclass(frozen=True)
class OverviewResult(Result):
    """Very many runs at once; a report of them holds this and the runs that are shown in full.

    Attributes:
        place: The file or folder that has all of them; empty where there is none.
        where: The expression that selected them; empty for all.
        total: How many there are.
        counts: How many have which verdict.
        environments: Counts by environment, the most sick runs first.
        folders: Counts by the first folder below the named one; empty where all runs are in one.
        causes: Counts by leading cause of the runs that are not healthy, the most frequent first.
        worst: The worst runs, a line each.
        failed: Runs that an error of rldoctor itself leaves unjudged.
    """

    kind = "overview"

    place: str = ""
    where: str = ""
    total: int = 0
    counts: GroupCounts = GroupCounts("", 0)
    environments: tuple[GroupCounts, ...] = ()
    folders: tuple[GroupCounts, ...] = ()
    causes: tuple[GroupCounts, ...] = ()
    worst: tuple[RunLine, ...] = ()
    failed: int = 0
