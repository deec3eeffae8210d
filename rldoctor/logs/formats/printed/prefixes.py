"""What others put before each line: the time, the process, the container, the rank.

Ray, Docker Compose, kubectl, srun, mpirun, torchrun and journald say in front of a line who printed it; several
processes may print into one text, line by line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

# Escape sequences of a terminal: colours, cursors and titles.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]{0,500}\x07")
_NULS = re.compile(r"\0+")
# What C writes for numbers that are none: 1.#QNAN, -1.#IND00, 1.#INF, -nan(ind).
_ODD = re.compile(
    r"(?i)(?P<sign>[-+]?)\b1\.#(?:(?P<inf>inf)|[qs]nan|ind)\w{0,20}"
    r"|[-+]?\bnan\((?:[qs]nan|ind|0x[0-9a-f]{1,16})\)"
)
# Times, and what loggers put beside them. The first is that of docker -t, of logging and of a pod; then glog's.
_TIMES = re.compile(
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?[ \t]?"
    r"|[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{1,9} +\d{1,20} [\w.-]{1,80}:\d{1,6}\] "
    r"|\[\d\d:\d\d:\d\d\][ \t]?"
)
# Forms that nothing else has: Ray, kubectl logs --prefix, mpirun --tag-output, torchrun, journald.
_SOURCES = re.compile(
    r"\((?P<ray>[\w.-]{1,80}(?: [\w.-]{1,80})? ?pid=\d{1,10}|pid=\d{1,10})(?:, ip=[\d.:]{1,40})?\)[ \t]?"
    r"|\[(?P<pod>pod/[^\]\s]{1,200})\][ \t]?"
    r"|\[(?P<mpi>\d{1,5},\d{1,5})\]<std(?:out|err)>:[ \t]?"
    r"|\[(?P<rank>(?:rank|default|trainer)\d{1,5})\]:[ \t]?"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?P<journal>[\w.-]{1,80} [\w./@-]{1,80}(?:\[\d{1,10}\])?): "
)
# Forms that a loop may print itself, such as "12: reward 3": there are few of them, each on many lines.
_NUMBERED = re.compile(r"(?P<compose>[\w.-]{1,80}[-_]\d{1,4}) +\|(?: |$)|(?P<srun>\d{1,5}):(?: |$)")
# Of the lines with text: how many have a time, or such a form, and how many each source has. Ours.
_OFTEN, _NEARLY_ALWAYS, _LINES_EACH = 0.5, 0.9, 8
_DEEPEST = 4
# Of lines that stand twice in a row. Ours.
_FEWEST_TWICE = 8
# Of processes, that are told apart.
_MOST_SOURCES = 64


def clean(text: str) -> list[str]:
    """Return the lines of a text as a terminal shows them, but with all that a progress bar draws over."""
    text = _ESCAPES.sub("", text)
    if "\0" in text:  # what a machine that went down leaves of a block
        text = _NULS.sub("\n", text)
    if "1.#" in text or "nan(" in text.lower():
        text = _ODD.sub(lambda match: f"{match['sign']}inf" if match["inf"] else "nan", text)
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def undoubled(lines: Sequence[str], sources: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return lines and who printed them, each once where nearly all stand twice in a row.

    Two handlers of one logger, or ``tee`` into the file that the output goes to, print each line twice.
    """
    runs = [len(list(same)) for line, same in groupby(lines) if line.strip()]
    twice = sum(run % 2 == 0 for run in runs)
    if twice < _FEWEST_TWICE or twice < _NEARLY_ALWAYS * len(runs):
        return [*lines], [*sources]
    kept, place = list[int](), 0
    for _, same in groupby(lines):
        count = len(list(same))
        kept += range(place, place + (count + 1) // 2)
        place += count
    return [lines[i] for i in kept], [sources[i] for i in kept]


def unprefixed(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return lines without what stands before them, and who printed each one; empty where that is not said."""
    found, sources = [*lines], [""] * len(lines)
    with_text = sum(bool(line.strip()) for line in lines)
    for _ in range(_DEEPEST):
        before = _taken(found, sources, with_text)
        if not before:
            break
    return found, sources


def _taken(lines: list[str], sources: list[str], with_text: int) -> bool:
    """Take off one layer of prefixes, in place. Return whether there was one."""
    changed = False
    timed = [match for line in lines if (match := _TIMES.match(line))]
    numbered = [_NUMBERED.match(line) for line in lines]
    counts = Counter(match[match.lastgroup or 0] for match in numbered if match)
    enough = sum(counts.values()) >= _NEARLY_ALWAYS * with_text and len(counts) * _LINES_EACH <= with_text
    often = len(timed) >= _OFTEN * with_text
    for place, line in enumerate(lines):
        match = _SOURCES.match(line) or (numbered[place] if enough else None)
        if match:
            sources[place] = sources[place] or match[match.lastgroup or 0]
        elif often:
            match = _TIMES.match(line)
        if match:
            lines[place] = line[match.end() :]
            changed = True
    return changed


def by_source(lines: Iterable[str], sources: Iterable[str]) -> dict[str, list[str]]:
    """Return the lines of each process, in their order; one that says nothing of itself is the empty one."""
    found: dict[str, list[str]] = {}
    for line, source in zip(lines, sources, strict=True):
        if source in found or len(found) < _MOST_SOURCES:
            found.setdefault(source, []).append(line)
    return found
