"""Lines of loops that somebody wrote: names and numbers in whatever order, ``Episode 12/500 | Reward: 21.0, eps=0.95``.

A line that is a dictionary or a JSON object, as the Trainer of transformers prints them, is a row as it is.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from rldoctor.logs.formats.printed.grids import grids
from rldoctor.logs.formats.printed.lines import NUMBER, ROUNDED_AWAY, STEP
from rldoctor.logs.formats.printed.names import OTHER, is_of_business, is_of_episodes, renamed
from rldoctor.logs.formats.tables import Row, as_float, flat_row

# "Reward: 21.0", "loss=0.1", "return: [3.0]"; a counter may stand without a colon: "Episode 12".
# Thousands may be set apart: 1,200.50, 1'200, 1 200 (a space alone only before a sign that ends the number).
_THOUSANDS = (
    r"[-+]?\d{1,3}(?:[,'’\u00a0\u202f\u2009]\d{3})+(?:\.\d+)?|[-+]?\d{1,3}(?: \d{3})+(?:\.\d+|(?=\s*(?:[|;,]|$)))"
)
_NUMBER = rf"(?P<number>{_THOUSANDS}|{NUMBER})(?P<unit>[kKM%])?(?!\w|\.\d)"
_APART = str.maketrans("", "", ",_'’\u00a0\u202f\u2009 ")
_VALUE = rf"(?:(?:np\.\w+|tensor|array)?[\[(]+\s*)?{_NUMBER}"
# What stands before is its name. No part of a pattern can begin anywhere in a long line: that would take its square.
_GIVEN = re.compile(rf"(?:[:=]\s*|\bis\s+|(?<=[A-Za-z])\s+#?(?=[-+]?\.?\d)){_VALUE}")
# "Avg Reward (last 10): 3": over what a mean is taken is no part of its name. Some write with full-width signs.
_ASIDE = re.compile(r"[(\[][^()\[\]]*[)\]](?=\s*[:=])")
_FULL_WIDTH = str.maketrans("：，＝（）｜", ":,=()|")
_OF_ALL = re.compile(
    r"(?i)\b(?:time|env|global|total)?[ _]?steps?\s*[:=]?\s*\d[\d,_]{0,20}\s*/\s*(?P<total>\d[\d,_]{0,20})"
)
# A number in a table may be a count of all: "12/500".
_CELL = re.compile(rf"{_NUMBER}(?:/\d+)?")
_BREAKS = re.compile(r"[|,;:\t\[\]()<>{}\"']|\s{2,}|\s-+\s")
# A decimal comma, which three digits behind it alone do not show, and likewise a decimal point.
_COMMA = re.compile(r"[:=]\s{0,20}[-+]?(?:0,\d+|\d{1,3}(?:\.\d{3})+,\d+|\d{1,9},(?:\d{1,2}|\d{4,}))(?![\w,.])")
_POINT = re.compile(r"[:=]\s{0,20}[-+]?(?:0\.\d+|\d{1,3}(?:,\d{3})+\.\d+|\d{1,9}\.(?:\d{1,2}|\d{4,}))(?![\w,.])")
_WITH_COMMA = re.compile(r"(?<![\w.,])(?P<whole>\d{1,3}(?:\.\d{3})+|\d{1,15}),(?P<part>\d+)(?![\w,])")
_HEAD_LINES = 2000
_UNITS = {"k": 1e3, "K": 1e3, "M": 1e6, "%": 1e-2}
_LONGEST_LINE, _LONGEST_NAME, _MOST_BEFORE = 2**14, 40, 200
# Of the lines that have the same names the loop's are those that are at least a tenth as frequent as the most frequent
# ones, and of a counter at most a twentieth goes back, where another training begins. Ours.
_SELDOM, _BACK = 10, 20
# Of two trainings side by side each count comes twice, and both go up with the lines. Ours.
_FEWEST_COUNTED, _EACH_TIMES, _COUNTING_ON = 8, 1.5, 0.9
# What may be counted in place of steps, and which axis that is.
_COUNTERS = {
    **dict.fromkeys(("episode", "episodes", "i_episode", "ep", "game", "trial"), "episodes"),
    **dict.fromkeys(("iteration", "iter", "update", "epoch", "run"), "iterations"),
}
# Steps of the environment: they count on. Where they do not, they are the length of the episode.
_STEPS = (
    *("global_step", "total_steps", "total_timesteps", "num_timesteps", "timesteps", "timestep", "env_steps"),
    *("total_frames", "frames", "frame", "frame_idx", "total_step", "steps", "step", "time_steps", "time_step"),
    *("num_steps", "t"),
)
_LENGTHS = frozenset(("steps", "step", "timesteps", "timestep", "time_steps", "time_step", "num_steps", "t", "frames"))
_EPISODE_LENGTH, _EPISODE_RETURNS = "episode_length", frozenset(("episode_return", "evaluation_return"))
# What a step did; how many actions an episode took is a number beside that of the episode.
_OF_A_STEP, _OF_STEPS = "action", "actions"
_RATES = frozenset(("lr", "learning_rate"))
# Lines of the kernel and of pytest.
_OF_OTHERS = re.compile(r"\[ {0,4}\d{1,8}\.\d{6}\] |\S{0,200}\.py::")
# What numpy, torch and jax write around a number, and numbers that a literal of Python does not have.
_WRAPPED = re.compile(
    rf"\b(?:(?:np|numpy|torch|jnp)\.\w{{1,20}}|tensor|array|Array)\(\[?({NUMBER})\]?(?:,[^()]{{0,80}})?\)"
)
_NOT_FINITE = re.compile(r"(?<=[:\[(,]) ?([-+]?(?:nan|inf))(?=\s{0,4}[,\])}])")
# What a reward model is measured by while it learns from pairs of answers: no policy is trained.
_SUPERVISED = frozenset(("accuracy", "margin", "rewards/margins"))
# What the Trainer of transformers prints with every row.
_TRAINER = frozenset(("grad_norm", "learning_rate", "epoch"))


def rows_of_pairs(lines: Sequence[str]) -> tuple[list[Row], str]:
    """Return the rows of lines that have two numbers or more with a name each, most of them the same names.

    Returns:
        The rows, whose column of steps is ``step``, or that are in their order; what that column counts where it is not
        steps of the environment, and otherwise nothing.
    """
    lines = [line for line in _with_points(lines) if len(line) <= _LONGEST_LINE and not _OF_OTHERS.match(line)]
    rows = [row for line in lines if (row := _row(line))]
    # What a step did, with its action, is no episode.
    rows = [row for row in rows if not (_OF_A_STEP in row or (_OF_STEPS in row and _COUNTERS.keys().isdisjoint(row)))]
    found = _of_one_loop([row for row in rows if len(row) > 1])
    if _EPISODE_RETURNS.isdisjoint(renamed(found).values()):
        found = _of_one_loop(_blocks(rows)) or found
    if _EPISODE_RETURNS.isdisjoint(renamed(found).values()):
        tables = _of_one_loop([_under_names(header, cells) for header, cells in grids(lines)])
        # A table of methods or of models counts nothing.
        counted = not _EPISODE_RETURNS.isdisjoint(renamed(tables).values()) and _counters(tables) != ("", "")
        found = tables if counted else found
    return _with_steps(found)


def _with_points(lines: Sequence[str]) -> Sequence[str]:
    """Return lines with decimal points, where their numbers have decimal commas: ``12.000,50``."""
    head = [line for line in lines[:_HEAD_LINES] if len(line) <= _LONGEST_LINE]
    commas = sum(bool(_COMMA.search(line)) for line in head)
    if commas < _FEWEST_COUNTED or commas <= _SELDOM * sum(bool(_POINT.search(line)) for line in head):
        return lines
    return [
        _WITH_COMMA.sub(lambda found: found["whole"].replace(".", "") + "." + found["part"], line)
        if len(line) <= _LONGEST_LINE
        else line
        for line in lines
    ]


def _under_names(header: Sequence[str], cells: Sequence[str]) -> dict[str, object]:
    """Return a line of numbers by the names above it."""
    row: dict[str, object] = {}
    for name, cell in zip(map(_name, header), cells, strict=True):
        if name and (match := _CELL.fullmatch(cell)):
            row.setdefault(name, _value(match))
    return row


def _value(match: re.Match[str]) -> float:
    return float(match["number"].translate(_APART)) * _UNITS.get(match["unit"] or "", 1.0)


def _blocks(rows: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Return the numbers of lines that each have one, as one row up to the line that has the first name again."""
    found: list[dict[str, object]] = []
    for row in rows:
        if found and found[-1].keys().isdisjoint(row):
            found[-1].update(row)
        else:
            found.append(dict(row))
    return [row for row in found if len(row) > 1]


def _row(line: str) -> dict[str, object]:
    begin = line.find("{")
    if begin >= 0 and line.rstrip().endswith("}"):
        found = _literal(line[begin:].rstrip())
        if found:
            return found
    row: dict[str, object] = {}
    line, end = _ASIDE.sub("", line if line.isascii() else line.translate(_FULL_WIDTH)), 0
    for match in _GIVEN.finditer(line):
        # A loop prints the same names again and again; what stands before the last of them is none.
        name, end = _name(line[max(end, match.start() - _MOST_BEFORE) : match.start()]), match.end()
        # A learning rate of 0.000 is one that is too small for the digits.
        if name and not (name in _RATES and ROUNDED_AWAY.fullmatch(match["number"])):
            row.setdefault(name, _value(match))
    return row


def _literal(text: str) -> dict[str, object] | None:
    for parse in (json.loads, ast.literal_eval, _written_out):
        try:
            found = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, dict):
            return dict(flat_row({str(key): cell for key, cell in found.items()}))
    return None


def _written_out(text: str) -> object:
    """Return a literal with numbers that are none in Python's syntax: ``nan``, ``np.float64(0.1)``, ``tensor(0.1)``."""
    return ast.literal_eval(_NOT_FINITE.sub(r"'\1'", _WRAPPED.sub(r"\1", text)))


@lru_cache(2048)
def _name(text: str) -> str:
    """Return the name that stands last before a number, in lower case: ``100 | Average Score`` is ``average_score``."""
    last = _BREAKS.split(text)[-1].strip()
    name = re.sub(r"\W+", "_", last).strip("_").lower().lstrip("0123456789_")
    return name if len(name) <= _LONGEST_NAME else ""


def _of_one_loop(rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """Return the rows that have what most have in common: a loop prints one line again and again, others once."""
    counts: dict[frozenset[str], int] = {}
    for row in rows:
        names = frozenset(row)
        counts[names] = counts.get(names, 0) + 1
    most = max(counts.values(), default=0)
    return [row for row in rows if counts[frozenset(row)] * _SELDOM >= most]


def _with_steps(rows: Sequence[dict[str, object]]) -> tuple[list[Row], str]:
    names = {name for row in rows for name in row}
    steps, counter = _counters(rows)
    # The Trainer's own names are those of the tags of language models; names that mostly have slashes are tags, too.
    tags = _TRAINER.issubset(names) or 2 * sum("/" in name for name in names) > len(names)
    new = {} if tags and _SUPERVISED.isdisjoint(names) else renamed(rows, steps)
    returns = [name for name, tag in new.items() if tag in _EPISODE_RETURNS]
    alone = all(name in returns or tag.startswith(OTHER) for name, tag in new.items())
    # A reward that nothing counts may be a prize: it has to say of what it is, or something else has to be known. That
    # of a customer or a validator is one, and that of each single step is no return.
    unsaid = not any(map(is_of_episodes, returns))
    prizes = alone and (is_of_business(names) or (unsaid and (not (steps or counter) or _is_each(rows, steps))))
    if prizes or not _SUPERVISED.isdisjoint(names):
        new |= {name: f"{OTHER}{name}" for name in returns}
    if steps or counter:
        new[steps or counter] = STEP
    if not steps and not _COUNTERS.keys().isdisjoint(names) and _EPISODE_LENGTH not in new.values():
        new |= {name: _EPISODE_LENGTH for name in names if name in _LENGTHS}
    found: list[Row] = [{new.get(name, name): cell for name, cell in row.items()} for row in rows]
    return (list(_carried_on(found)) if steps or counter else found), _COUNTERS.get(counter, "")


def _counters(rows: Sequence[dict[str, object]]) -> tuple[str, str]:
    """Return the name that counts steps, or where none does the name of another counter; empty for neither."""
    names = {name for row in rows for name in row}
    steps = next((name for name in _STEPS if name in names and _counts_on(rows, name)), "")
    return steps, "" if steps else next((name for name in _COUNTERS if name in names and _counts_on(rows, name)), "")


def _carried_on(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows with the step of the last one before that has one; those before the first are left out."""
    step: object = None
    for row in rows:
        step = row.get(STEP, step)
        if step is not None:
            yield {STEP: step, **row}


def planned_by(lines: Sequence[str]) -> int:
    """Return the steps that the training will have, by the last line that counts them: ``Step: 100 / 8,000,000``."""
    found = (match for line in reversed(lines) if len(line) <= _LONGEST_LINE and (match := _OF_ALL.search(line)))
    return next((int(re.sub(r"[,_]", "", match["total"])) for match in found), 0)


def _counts_on(rows: Sequence[dict[str, object]], name: str) -> bool:
    values = [value for row in rows if (value := as_float(row.get(name))) is not None]
    if any(value % 1 for value in values):  # an epoch of a language model: 0.02, 0.04
        return False
    back = sum(later < earlier for earlier, later in pairwise(values))
    # A second training in the same text begins again; the length of an episode goes up and down.
    if len(values) > 1 and values[-1] != values[0] and back * _BACK <= len(values):
        return True
    return name in _COUNTERS and _are_two(values)


def _is_each(rows: Sequence[dict[str, object]], name: str) -> bool:
    """Return whether each single step has a row: it is no episode, and mostly no update."""
    values = [value for row in rows if name and (value := as_float(row.get(name))) is not None]
    return len(values) >= _FEWEST_COUNTED and all(later - earlier == 1 for earlier, later in pairwise(values))


def _are_two(values: Sequence[float]) -> bool:
    """Return whether several trainings count on, each by itself, that print into one text side by side."""
    if len(set(values)) < _FEWEST_COUNTED or len(values) < _EACH_TIMES * len(set(values)):
        return False
    return float(np.corrcoef(np.arange(len(values)), values)[0, 1]) > _COUNTING_ON
