"""The text and the table of docs/consistency.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

# Kind of a contradiction to what is said against what.
KINDS = {
    "tick": "a tick on a metric that has an error or a warning",
    "healthy with warnings": "a healthy run with a warning or a marked metric",
    "failed and unjudged": "'failed' beside 'cannot be judged', or errors in an unjudged run",
    "headline": "a headline that names another cause than the list's first",
    "order": "causes that are not in the order of their probabilities",
    "condition": "a condition (slow, mixed, short) given as 100 %, or before the causes",
    "health hidden": "a suspect run that does not show how likely health is",
    "set already": "advice to set what is set already, or what lies beyond it",
    "another library": "advice for another library, or for one that uses the callback to use it",
    "lacks": "advice on a setting that the algorithm does not have",
    "fixes": "a sign's fix that contradicts the leading cause's",
    "answer": "an answer that is not the diagnosis's",
    "placeholder": "a placeholder that was not filled in",
    "trend": "a return that is said to improve, beside a sign that says that it falls, stands or has no trend",
    "size of updates": "updates that are said to be large in one line and next to nothing in another",
    "digits": "a number that nobody reads: ten digits and more, or less than nothing",
    "unlikely health": "a healthy verdict beside odds of less than 5 % for it",
    "witness": "evidence of a witness that is said to have found nothing unusual",
}
HEAD = """# Does a report contradict itself?

Every recorded run, stranger and case is diagnosed, a run that DoctorCallback watched also without its metrics, and each part of the
report is compared with the others, as data and as printed. Reproduce with `python -m benchmarks.consistency --other CHECKOUT`; the
other checkout is the build before reports were compared with themselves. `pytest` holds the first column at 0.

| kind | what contradicts | contradictions | other checkout |
|---|---|---|---|"""


def document(counted: Counter[str], wrong: int, reports: int, other: Mapping[str, Any]) -> str:
    """Return docs/consistency.md."""
    there: Mapping[str, int] = other.get("counted", {})
    lines = [
        f"| {kind} | {what} | {counted[kind]} | {there.get(kind, 0) if other else '-'} |"
        for kind, what in KINDS.items()
    ]
    before = f" (the other checkout: {other['wrong']} of {other['reports']})" if other else ""
    return "\n".join(
        [
            HEAD,
            *lines,
            f"| all | | {counted.total()} | {sum(there.values()) if other else '-'} |",
            "",
            f"Reports with a contradiction: {wrong} of {reports}{before}.",
            "",
        ]
    )
