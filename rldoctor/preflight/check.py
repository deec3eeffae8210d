"""What a check is: a code, a name, the checks it requires, and a function that yields findings.

A check is one module of ``rldoctor.preflight.checks``: its docstring is the page that ``rldoctor explain`` shows, and
one function in it is decorated with :func:`check`. There is no list to keep: the package is walked. A module of a
check imports neither gymnasium nor PyTorch at its top, so that explaining a check needs neither.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from rldoctor.errors import first_line
from rldoctor.model import CheckResult, Finding, Json, Outcome, Severity

if TYPE_CHECKING:
    from rldoctor.preflight.context import PreflightContext

SECTIONS = ("What it does", "Why it matters", "What to do")
"""Headings of the paragraphs of a check's docstring, in this order."""

# What a check's function gives: findings one by one and, returned at the end, a few words on what it measured.
CheckFindings: TypeAlias = Generator[Finding, None, str]


class Group(StrEnum):
    """What a check examines. Groups are reported in this order."""

    MACHINE = "machine"
    ENVIRONMENT = "environment"
    LEARNING = "learning"
    BASELINES = "baselines"


class Skipped(Exception):
    """Raised inside a check that does not apply to this environment or machine. The text says why."""


class NotRun(Exception):
    """Raised inside a check that cannot run for a fault that another check reports. The text names that check."""


@dataclass(frozen=True, kw_only=True)
class CheckDocs:
    """A check as ``rldoctor explain`` shows it.

    Attributes:
        code: Family and three digits (``SYS`` machine, ``ENV`` environment); never reused.
        name: What it examines, in kebab-case.
        docs: The module's docstring: title, what it does, why it matters, what to do.
        origin: The package and module that provide it; empty for a shipped one.
    """

    code: str
    name: str
    docs: str
    origin: str = ""

    @property
    def title(self) -> str:
        """The first line of the docstring."""
        return self.docs.partition("\n")[0]

    @property
    def sections(self) -> tuple[tuple[str, str], ...]:
        """Heading and text of each paragraph below the title; the heading is empty where it is none of ``SECTIONS``."""
        paragraphs = (" ".join(text.split()) for text in self.docs.partition("\n")[2].split("\n\n") if text.strip())
        parts = (text.partition(": ") for text in paragraphs)
        return tuple(
            (heading, f"{text[:1].upper()}{text[1:]}") if heading in SECTIONS else ("", f"{heading}{colon}{text}")
            for heading, colon, text in parts
        )


@dataclass(frozen=True, kw_only=True)
class Check(CheckDocs):
    """One check of the machine or of an environment.

    Attributes:
        group: Where it belongs in the report.
        requires: Codes of the checks that must not have ended with an error, or this one does not run.
        faults: Names of the findings it may yield.
        run: Yields findings without a code; the runner adds the check's own.
        raw: Runs although the environment cannot be played: it looks at why.
        heavy: Imports PyTorch, which takes seconds.
        late: Runs after the checks of its group with a smaller number, as it costs more or says less.
    """

    group: Group
    requires: tuple[str, ...]
    faults: tuple[str, ...]
    run: Callable[[PreflightContext], CheckFindings]
    late: int = 0
    raw: bool = False
    heavy: bool = False


@dataclass(frozen=True)
class Refused:
    """A check of another package that is not used, where it comes from, and why not."""

    what: str
    origin: str
    reason: str


class Plugins(NamedTuple):
    """The checks of other packages: those that can be used, and those that cannot."""

    usable: tuple[Check, ...] = ()
    refused: tuple[Refused, ...] = ()


def check(
    code: str,
    name: str,
    group: Group = Group.ENVIRONMENT,
    *,
    faults: tuple[str, ...],
    requires: tuple[str, ...] = (),
    late: int = 0,
    raw: bool = False,
    heavy: bool = False,
) -> Callable[[Callable[[PreflightContext], CheckFindings]], Check]:
    """Declare the decorated function to be a check; see :class:`Check` for the arguments."""

    def declare(run: Callable[[PreflightContext], CheckFindings]) -> Check:
        docs = inspect.cleandoc(sys.modules[run.__module__].__doc__ or "")
        return Check(
            code=code,
            name=name,
            docs=docs,
            group=group,
            requires=requires,
            faults=faults,
            run=run,
            late=late,
            raw=raw,
            heavy=heavy,
        )

    return declare


def error(fault: str, message: str, remedy: str, **evidence: Json) -> Finding:
    """Return a finding that makes training pointless."""
    return Finding("", fault, Severity.ERROR, message, remedy, evidence)


def warning(fault: str, message: str, remedy: str, **evidence: Json) -> Finding:
    """Return a finding that makes training slower or worse, or its numbers hard to trust."""
    return Finding("", fault, Severity.WARNING, message, remedy, evidence)


def note(fault: str, message: str, remedy: str = "", **evidence: Json) -> Finding:
    """Return a finding that is worth knowing but no problem."""
    return Finding("", fault, Severity.NOTE, message, remedy, evidence)


def one_line(error: BaseException) -> str:
    """Return an exception as ``Type: first line of its text``."""
    return f"{type(error).__name__}: {first_line(error)}"


def shortened(dimensions: Sequence[int]) -> str:
    """Return the first eight dimensions, with an ellipsis for the rest."""
    return ", ".join(map(str, dimensions[:8])) + (", ..." if len(dimensions) > 8 else "")


def summary(results: Sequence[CheckResult], findings: Sequence[Finding]) -> str:
    """Return how many checks passed, had findings, were skipped and were not run."""
    severities = {severity.value: sum(f.severity is severity for f in findings) for severity in reversed(Severity)}
    found = ", ".join(f"{count} {word}{'s' if count > 1 else ''}" for word, count in severities.items() if count)
    words = {
        Outcome.PASSED: "passed",
        Outcome.FIRED: f"with findings ({found})",
        Outcome.SKIPPED: "skipped",
        Outcome.NOT_RUN: "not run",
    }
    counts = {outcome: sum(result.outcome is outcome for result in results) for outcome in words}
    parts = [f"{count} {words[outcome]}" for outcome, count in counts.items() if count]
    return f"{len(results)} checks: {', '.join(parts) or 'none to run'}"
