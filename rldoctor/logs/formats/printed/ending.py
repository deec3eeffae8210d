"""How a training ended, by what it printed last: with the error of Python, or stopped by the user or the cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BEGUN = "Traceback (most recent call last)"
# "ValueError: Expected parameter loc ...", "torch.cuda.OutOfMemoryError: CUDA out of memory"; the frames are indented.
_ERROR = re.compile(
    r"^(?:\(.*?\)\s*)?(?P<kind>(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit))(?::\s*(?P<what>.*))?$"
)
# Others have no such name: "queue.Empty", "gymnasium.error.DependencyNotInstalled: ...".
_ANY_ERROR = re.compile(r"^(?:\(.*?\)\s*)?(?P<kind>(?:\w+\.)*[A-Z]\w*)(?::\s+(?P<what>.*))?$")
_STOPPED = re.compile(r"slurmstepd: error:.*(?:CANCELLED|oom)|Out Of Memory|DUE TO TIME LIMIT|^Killed$")
_LONGEST = 300
# A message over several lines: that of PyTorch names the tensor with NaN in its third.
_MORE_LINES = 4


def begin_of_error(lines: Sequence[str]) -> int | None:
    """Return the line in which the last error of a text begins; ``None`` where there is none."""
    found = (place for place in reversed(range(len(lines))) if _BEGUN in lines[place] or _STOPPED.search(lines[place]))
    return next(found, None)


def error_of(lines: Sequence[str]) -> str:
    """Return the error that begins in the first of some lines, in one line; empty where it is none after all."""
    if _STOPPED.search(lines[0]):
        return lines[0].strip()[:_LONGEST]
    for place, line in enumerate(lines):
        of_frame = place > 0 and lines[place - 1][:1] in (" ", "\t")
        if match := _ERROR.match(line) or (_ANY_ERROR.match(line) if of_frame else None):
            more = " ".join(text.strip() for text in lines[place + 1 : place + 1 + _MORE_LINES] if text.strip())
            return (f"{match['kind']}: {match['what']} {more}" if match["what"] else match["kind"])[:_LONGEST].strip()
    return ""
