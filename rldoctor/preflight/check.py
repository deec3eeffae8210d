"""What a check is: a code, a name, what must hold before it, and a function that yields findings.

A check is one module of this package: its docstring is the page that ``rldoctor explain`` shows, and one function in
it is decorated with :func:`check`. There is no list to keep: the runner walks the package.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from rldoctor.model import Finding, Json, Severity

if TYPE_CHECKING:
    from rldoctor.preflight.context import PreflightContext

# What a check's function gives: findings one by one and, returned at the end, a few words on what it measured.
CheckFindings: TypeAlias = Generator[Finding, None, str]


class Group(StrEnum):
    """What a check examines. Groups are reported in this order."""

    MACHINE = "machine"
    ENVIRONMENT = "environment"
    LEARNING = "learning"
    BASELINES = "baselines"


class Skipped(Exception):
    """Raised inside a check: this environment or machine has nothing for it to examine. The text says why."""


@dataclass(frozen=True)
class Check:
    """One examination of the machine or of an environment.

    Attributes:
        code: Family and three digits (``SYS`` machine, ``ENV`` environment); never reused.
        name: What it examines, in kebab-case.
        group: Where it belongs in the report.
        after: Codes of the checks that must not have ended with an error, or this one is not run.
        faults: Names of the findings it may yield.
        examine: Yields findings without a code; the runner stamps the check's own on them.
        page: The module's docstring: the title, what it does, why it matters, what to do.
        origin: The package and module that bring it; empty for a shipped one.
    """

    code: str
    name: str
    group: Group
    after: tuple[str, ...]
    faults: tuple[str, ...]
    examine: Callable[[PreflightContext], CheckFindings]
    page: str
    origin: str = ""

    @property
    def title(self) -> str:
        """The first line of the page."""
        return self.page.partition("\n")[0]


def check(
    code: str, name: str, group: Group, faults: tuple[str, ...], after: tuple[str, ...] = ()
) -> Callable[[Callable[[PreflightContext], CheckFindings]], Check]:
    """Declare the decorated function to be a check; see :class:`Check` for the arguments."""

    def declare(examine: Callable[[PreflightContext], CheckFindings]) -> Check:
        page = inspect.cleandoc(sys.modules[examine.__module__].__doc__ or "")
        return Check(code, name, group, after, faults, examine, page)

    return declare


def error(fault: str, message: str, remedy: str, **evidence: Json) -> Finding:
    """Return a finding that makes training on this subject pointless."""
    return Finding("", fault, Severity.ERROR, message, remedy, evidence)


def warning(fault: str, message: str, remedy: str, **evidence: Json) -> Finding:
    """Return a finding that makes training slower or worse, or its numbers hard to trust."""
    return Finding("", fault, Severity.WARNING, message, remedy, evidence)


def note(fault: str, message: str, remedy: str = "", **evidence: Json) -> Finding:
    """Return a finding that is worth knowing and nothing to worry about."""
    return Finding("", fault, Severity.NOTE, message, remedy, evidence)


def one_line(problem: BaseException) -> str:
    """Return an exception as ``Type: first line of its text``."""
    lines = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {lines[0].strip()}" if lines else f"{type(problem).__name__} without a message"
