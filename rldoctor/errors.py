"""The errors a user can meet: one sentence that says what is wrong, one that says what to do, an exit code.

RldoctorError
├── UsageError            exit 2   wrong command line, recipe or configuration
│   └── MissingExtra      exit 2   a command needs packages that the base install does not bring
├── CannotJudge           exit 3   no data, or data that must not be trusted: never a green light
├── TrainingFailed        exit 4   the training itself broke (environment raised, disk full, ...)
└── Stopped               exit 130 the user pressed Ctrl-C; what was reached is saved

Anything else that reaches the command line is a defect of rldoctor and ends with exit 4.
"""

from __future__ import annotations

from collections.abc import Iterable

EXIT_PASSED = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_UNJUDGED = 3
EXIT_INTERNAL = 4
EXIT_STOPPED = 130


class RldoctorError(Exception):
    """Base of every error that rldoctor raises on purpose.

    Args:
        problem: One sentence, what is wrong, with the offending value in it.
        cure: One sentence or command, what to do about it.
    """

    exit_code = EXIT_INTERNAL

    def __init__(self, problem: str, cure: str = "") -> None:
        super().__init__(f"{problem} {cure}".strip())
        self.problem = problem
        self.cure = cure


class UsageError(RldoctorError):
    """The command line, a recipe or a configuration file is wrong; nothing has been written."""

    exit_code = EXIT_USAGE


class MissingExtra(UsageError):
    """A command needs an optional group of packages that is not installed.

    Args:
        command: What the user asked for, such as ``rldoctor train``.
        package: The package that could not be imported.
        extra: The optional dependency group that brings it.
    """

    def __init__(self, command: str, package: str, extra: str = "train") -> None:
        super().__init__(
            f"{command} needs the package {package}, which is not installed.",
            f"Install it from the rldoctor source folder with: python -m pip install -c constraints.txt '.[{extra}]'",
        )


class CannotJudge(RldoctorError):
    """There is nothing to judge, or what there is does not belong to the subject."""

    exit_code = EXIT_UNJUDGED


class TrainingFailed(RldoctorError):
    """A training or an evaluation broke off; what was saved before stays."""


class Stopped(RldoctorError):
    """The user stopped a training; it can be resumed."""

    exit_code = EXIT_STOPPED


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's text without its full stop, ``no message`` where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else "no message"


# Words that a message lists; rldoctor explain knows some three hundred.
_LISTED = 60


def nearest(word: str, known: Iterable[str], cutoff: float = 0.7) -> str:
    """Return a sentence that offers the nearest known words, whatever their case; empty where none is near.

    Args:
        word: What was asked for.
        known: What there is.
        cutoff: Similarity of a near word, in [0, 1], as ``difflib`` measures it.
    """
    # Late: few commands end in an error.
    import difflib

    by_case = {known_word.lower(): known_word for known_word in sorted(known)}
    close = difflib.get_close_matches(word.lower(), by_case, n=3, cutoff=cutoff)
    return f"Did you mean {' or '.join(by_case[found] for found in close)}?" if close else ""


def near(word: str, known: Iterable[str]) -> str:
    """Return a sentence that offers the nearest known words, or lists those there are when none is near."""
    known = sorted(known)
    if close := nearest(word, known, cutoff=0.5):
        return close
    rest = len(known) - _LISTED
    return f"Known: {', '.join(known[:_LISTED])}{f' and {rest} more' if rest > 0 else ''}."
