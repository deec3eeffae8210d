"""The log files of one directory put in sequence, and what shows that they are not one run.

Healthy: a later file goes on where the earlier one ended, or states from which step on it takes over (a purge, as
TensorBoard's ``SummaryWriter(purge_step=...)`` writes). Not healthy: steps that begin again. Two runs averaged or
interleaved would be a run that never happened, so only the last run is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from rldoctor.logs.formats.columns import Columns, Points, in_order_of_steps
from rldoctor.logs.formats.log_file import LogFile
from rldoctor.model import IntArray

# A fresh run logs its first point after one interval, SB3's train/ tags after two; half an interval of slack.
_FRESH_INTERVALS = 2.5
# Steps of a file that go back this far are of another run. A training is resumed twice, or once in so many rows. Ours.
_NEARLY_ALL_BACK, _FEW_BACK, _ROWS_EACH = 0.1, 2, 20
# Wall clocks of two writers on one machine agree to far less than this.
_CLOCK_SLACK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Break:
    """A place where steps go backwards without a purge.

    Attributes:
        earlier: The file whose points are replaced.
        later: The file in which the step goes back; the same one where both runs are in one file.
        tag: A tag whose step goes back.
        from_step: The last step of that tag before the break.
        to_step: Its first step after it.
        at_once: Both files were being written at the same time.
        dropped: How many points were left out because of it.
    """

    earlier: str
    later: str
    tag: str
    from_step: int
    to_step: int
    at_once: bool = False
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Merged:
    """The points of one run, by tag, and the breaks that were found.

    Attributes:
        points: Tag to its points.
        mixed: Breaks at which another run begins; all points before the last one are left out.
        overlaps: Breaks at which the run goes on from an earlier checkpoint; the points in between are left out.
    """

    points: Mapping[str, Points]
    mixed: tuple[Break, ...] = ()
    overlaps: tuple[Break, ...] = ()


def in_their_order(files: Sequence[LogFile]) -> tuple[list[LogFile], bool]:
    """Number the points of each tag where all are at step 0, as ``add_scalar`` without a step writes them.

    Returns:
        The files, and whether their steps are such numbers.
    """
    if any(steps.any() for file in files for steps, _ in file.points.values()):
        return list(files), False
    files = [file.flat() for file in files]
    if any(file.steps.any() for file in files):
        return list(files), False
    most = max((int(np.bincount(file.tag_ids).max()) for file in files if len(file.steps)), default=0)
    if most < 2:
        return list(files), False
    counts: dict[str, int] = {}
    numbered = []
    for file in files:
        steps = np.zeros(len(file.steps), np.int64)
        for place, tag in enumerate(file.tags):
            mine = np.flatnonzero(file.tag_ids == place)
            steps[mine] = counts.get(tag, 0) + np.arange(len(mine))
            counts[tag] = counts.get(tag, 0) + len(mine)
        numbered.append(replace(file, steps=steps))
    return numbered, True


def merge(files: Sequence[LogFile]) -> Merged:
    """Put the points of ``files`` in sequence, in the given order."""
    filled = [file for file in files if file.count]
    if len(filled) == 1 and filled[0].points and not any(file.purges for file in files if file is not filled[0]):
        return Merged(_last_at_each_step(filled[0].points))
    files = [file.flat() for file in files]
    tags: dict[str, int] = {}
    ids = []
    for file in files:
        ids_of_file = np.array([tags.setdefault(tag, len(tags)) for tag in file.tags], np.int64)
        ids.append(ids_of_file[file.tag_ids])
    if not tags:
        return Merged({})
    whole = Columns(
        np.concatenate(ids),
        np.concatenate([file.steps for file in files]),
        np.concatenate([file.values for file in files]),
    )
    owner = np.repeat(np.arange(len(files)), [len(file.steps) for file in files])
    kept = _not_purged(files, whole.steps)
    if kept is not None:
        whole, owner = whole[kept], owner[kept]
    names = tuple(tags)
    by_tag = whole.by_tag()
    if not by_tag.go_back():
        return Merged({names[tag]: points for tag, points in by_tag.last_at_each_step().items()})
    return _fold([(file, in_order_of_steps(whole[owner == i])) for i, file in enumerate(files)], names)


def _last_at_each_step(logged: Mapping[str, Points]) -> Mapping[str, Points]:
    """Return the points of each tag, of several at one step the last; most tags of a run share their steps."""
    distinct = {id(steps): steps for steps, _ in logged.values()}
    last = {number: np.append(steps[1:] != steps[:-1], True) for number, steps in distinct.items()}
    if all(kept.all() for kept in last.values()):
        return logged
    return {tag: (steps[last[id(steps)]], values[last[id(steps)]]) for tag, (steps, values) in logged.items()}


def _not_purged(files: Sequence[LogFile], steps: IntArray) -> np.ndarray | None:
    """Return which points no later session purged, None where there was no purge.

    As TensorBoard does (event_accumulator.py, ``_CheckForRestartAndMaybePurge``).
    """
    if not any(file.purges for file in files):
        return None
    limit = np.full(len(steps) + 1, np.iinfo(np.int64).max)
    purged = np.zeros(len(steps) + 1, np.bool_)
    begin = 0
    for file in files:
        for position, step in file.purges:
            limit[begin + position] = min(limit[begin + position], step)
            purged[begin + position] = True
        begin += len(file.steps)
    # A point falls to the lowest limit among the sessions that began after it.
    lowest = np.minimum.accumulate(limit[::-1])[::-1][1:]
    any_later = np.logical_or.accumulate(purged[::-1])[::-1][1:]
    keep: np.ndarray = ~(any_later & (steps >= lowest))
    return keep


def _fold(pieces: Iterable[tuple[LogFile, Columns]], names: tuple[str, ...]) -> Merged:
    """Add file after file to a chain of points, starting over where another run begins."""
    chain: dict[int, Points] = {}
    chain_file: LogFile | None = None
    mixed: list[Break] = []
    overlaps: list[Break] = []
    for file, columns in _resumed_apart(pieces):
        if not len(columns.steps):
            continue
        name = file.path.name
        by_tag = columns.by_tag()
        begun = _segments(columns) if by_tag.go_back() else []
        points = (columns[begun[-1].start :].by_tag() if begun else by_tag).last_at_each_step()
        if begun:
            anew = [segment for segment in begun[:-1] if segment.begins_anew]
            mixed += [
                Break(name, name, names[of.tag], of.from_step, of.to_step, dropped=_count(chain) + of.start)
                for of in (*anew, begun[-1])
            ]
            chain, chain_file, overlaps = points, file, []
            continue
        back = [t for t in points if t in chain and points[t][0][0] < chain[t][0][-1]]
        if not back or all(_repeats(chain[t], points[t]) for t in back):
            chain = {t: _extended(chain.get(t), points.get(t)) for t in {**chain, **points}}
            chain_file = file
            continue
        assert chain_file is not None
        main = max(back, key=lambda t: len(points[t][0]))
        at_once = file is not chain_file and file.first_time < chain_file.last_time - _CLOCK_SLACK_SECONDS
        if at_once or _starts_over(chain[main][0], points[main][0]):
            kept: dict[int, Points] = {}
        else:
            limit = min(int(steps[0]) for steps, _ in points.values())
            kept = {t: _below(p, limit) for t, p in chain.items()}
        found = Break(
            chain_file.path.name,
            name,
            names[main],
            int(chain[main][0][-1]),
            int(points[main][0][0]),
            at_once,
            _count(chain) - _count(kept),
        )
        if kept:
            overlaps.append(found)
            # A tag of which nothing is left and nothing comes is out of the chain, until a later file logs it again.
            chain = {t: _extended(kept.get(t), points.get(t)) for t in {**kept, **points}}
            chain = {t: p for t, p in chain.items() if len(p[0])}
        else:
            mixed.append(found)
            chain, overlaps = points, []
        chain_file = file
    return Merged({names[t]: p for t, p in chain.items() if len(p[0])}, tuple(mixed), tuple(overlaps))


class _Segment(NamedTuple):
    """Where in a file the step of a tag goes back, from which step to which, and whether nearly all the way."""

    start: int
    tag: int
    from_step: int
    to_step: int
    begins_anew: bool


def _segments(columns: Columns) -> list[_Segment]:
    """Return where in one file another part of a run, or another run, begins.

    One begins where a tag's step is below the one that it had before in the same part.
    """
    first: dict[int, int] = {}
    latest: dict[int, int] = {}
    found: list[_Segment] = []
    for i, (tag_id, step) in enumerate(zip(columns.tag_ids.tolist(), columns.steps.tolist(), strict=True)):
        before = latest.get(tag_id)
        if before is not None and step < before:
            anew = step <= max(first[tag_id], _NEARLY_ALL_BACK * before)
            found.append(_Segment(i, tag_id, before, step, anew))
            latest.clear()
            first.clear()
        first.setdefault(tag_id, step)
        latest[tag_id] = step
    return found


def _resumed_apart(pieces: Iterable[tuple[LogFile, Columns]]) -> Iterator[tuple[LogFile, Columns]]:
    """Yield the parts of a file in which a training was resumed, once or a few times, as if each were a file."""
    for file, columns in pieces:
        begun = _segments(columns) if len(columns.steps) and columns.by_tag().go_back() else []
        rows = int(np.bincount(columns.tag_ids).max()) if begun else 0
        bounds = [0, *(segment.start for segment in begun), len(columns.steps)]
        parts = [columns[a:b] for a, b in pairwise(bounds)]
        few = len(begun) <= max(_FEW_BACK, rows // _ROWS_EACH)
        if begun and few and all(_goes_on(*both) for both in zip(parts, parts[1:], begun, strict=False)):
            yield from ((file, part) for part in parts)
        else:
            yield file, columns


def _goes_on(before: Columns, after: Columns, segment: _Segment) -> bool:
    """Return whether a part of a file repeats the one before, or goes on from one of its checkpoints."""
    if segment.begins_anew:
        return False
    earlier, later = before.by_tag().last_at_each_step(), after.by_tag().last_at_each_step()
    both = [tag for tag in later if tag in earlier and later[tag][0][0] < earlier[tag][0][-1]]
    if all(_repeats(earlier[tag], later[tag]) for tag in both):
        return True
    return not _starts_over(earlier[segment.tag][0], later[segment.tag][0])


def _repeats(chain: Points, points: Points) -> bool:
    """Return whether the overlapping part of ``points`` only repeats what ``chain`` holds (a copied file)."""
    again = points[0] <= chain[0][-1]
    steps, values = points[0][again], points[1][again]
    at = np.minimum(np.searchsorted(chain[0], steps), len(chain[0]) - 1)
    return bool((chain[0][at] == steps).all() and np.array_equal(chain[1][at], values, equal_nan=True))


def _starts_over(chain: IntArray, steps: IntArray) -> bool:
    """Return whether ``steps`` begin like a new run rather than like one resumed from a checkpoint."""
    spaced = steps if len(steps) > 1 else chain
    interval = float(np.median(np.diff(spaced.astype(np.float64)))) if len(spaced) > 1 else 0.0
    return bool(steps[0] <= chain[0] or float(steps[0]) <= _FRESH_INTERVALS * interval)


def _extended(chain: Points | None, points: Points | None) -> Points:
    """Return ``chain`` with what ``points`` add behind it; at a step that both have the later value stays."""
    if chain is None or points is None or not len(chain[0]):
        return points or chain or (np.empty(0, np.int64), np.empty(0, np.float64))
    if points[0][0] < chain[0][-1]:  # a repeated part
        new = points[0] > chain[0][-1]
        points = points[0][new], points[1][new]
    kept = _below(chain, int(points[0][0])) if len(points[0]) else chain
    return np.concatenate([kept[0], points[0]]), np.concatenate([kept[1], points[1]])


def _below(points: Points, limit: int) -> Points:
    keep = points[0] < limit
    return points[0][keep], points[1][keep]


def _count(chain: Mapping[int, Points]) -> int:
    return sum(len(steps) for steps, _ in chain.values())
