"""Lines of loops that somebody wrote: names and numbers in whatever order, ``Episode 12/500 | Reward: 21.0, eps=0.95``.

A line that is a dictionary or a JSON object, as the Trainer of transformers prints them, is a row as it is.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rldoctor.logs.formats.printed.lines import NUMBER, STEP
from rldoctor.logs.formats.printed.names import renamed
from rldoctor.logs.formats.tables import Row, as_float, flat_row

# "Reward: 21.0", "loss=0.1", "return: [3.0]"; a counter may stand without a colon: "Episode 12".
_NUMBER = rf"(?P<number>\d{{1,3}}(?:,\d{{3}})+|{NUMBER})(?P<unit>[kKM%])?(?!\w|\.\d)"
_VALUE = rf"(?:(?:np\.\w+|tensor|array)?[\[(]+\s*)?{_NUMBER}"
_PAIR = re.compile(rf"(?P<name>[^=:\n]*?)\s*(?:[:=]\s*|(?<=[A-Za-z])\s+#?(?=\d)){_VALUE}")
_OF_ALL = re.compile(r"(?i)\b(?:time|env|global|total)?[ _]?steps?\s*[:=]?\s*\d[\d,_]*\s*/\s*(?P<total>\d[\d,_]*)")
_BREAKS = re.compile(r"[|,;:\t\[\]()<>{}\"']|\s{2,}|\s-+\s")
_UNITS = {"k": 1e3, "K": 1e3, "M": 1e6, "%": 1e-2}
_LONGEST_LINE, _LONGEST_NAME = 2**14, 40
_COUNTERS = frozenset(
    ("episode", "episodes", "ep", "i_episode", "epoch", "iteration", "iter", "update", "game", "trial", "run")
)
# Steps of the environment: they count on. Where they do not, they are the length of the episode.
_STEPS = (
    *("global_step", "total_steps", "total_timesteps", "num_timesteps", "timesteps", "timestep", "env_steps"),
    *("total_frames", "frames", "frame", "frame_idx", "total_step", "steps", "step", "time_steps", "time_step"),
    *("num_steps", "t"),
)
_LENGTHS = frozenset(("steps", "step", "timesteps", "timestep", "time_steps", "time_step", "num_steps", "t", "frames"))
_EPISODE_LENGTH = "episode_length"
# What the Trainer of transformers prints with every row.
_TRAINER = frozenset(("grad_norm", "learning_rate", "epoch"))


def rows_of_pairs(lines: Iterable[str]) -> list[Row]:
    """Return the rows of lines that have two numbers or more with a name each, most of them the same names.

    The column of steps is ``step``, or there is none: the rows are in their order then.
    """
    rows = [row for line in lines if len(line) <= _LONGEST_LINE and len(row := _row(line)) > 1]
    return _with_steps(_of_one_loop(rows))


def _row(line: str) -> dict[str, object]:
    begin = line.find("{")
    if begin >= 0 and line.rstrip().endswith("}"):
        found = _literal(line[begin:].rstrip())
        if found:
            return found
    row: dict[str, object] = {}
    for match in _PAIR.finditer(line):
        name = _name(match["name"])
        if name:
            value = float(match["number"].replace(",", "").replace("_", ""))
            row.setdefault(name, value * _UNITS.get(match["unit"] or "", 1.0))
    return row


def _literal(text: str) -> dict[str, object] | None:
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, dict):
            return dict(flat_row({str(key): cell for key, cell in found.items()}))
    return None


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
    return [row for row in rows if counts[frozenset(row)] * 10 >= most]


def _with_steps(rows: Sequence[dict[str, object]]) -> list[Row]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    steps = next((name for name in _STEPS if name in names and _counts_on(rows, name)), "")
    # The Trainer's own names are those of the tags of language models.
    new = {} if _TRAINER.issubset(names) else renamed([name for name in names if name != steps])
    if steps:
        new[steps] = STEP
    elif not _COUNTERS.isdisjoint(names) and _EPISODE_LENGTH not in new.values():
        new |= {name: _EPISODE_LENGTH for name in names if name in _LENGTHS}
    return [{new.get(name, name): cell for name, cell in row.items()} for row in rows]


def planned_by(lines: Sequence[str]) -> int:
    """Return the steps that the training will have, by the last line that counts them: ``Step: 100 / 8,000,000``."""
    found = (match for line in reversed(lines) if len(line) <= _LONGEST_LINE and (match := _OF_ALL.search(line)))
    return next((int(re.sub(r"[,_]", "", match["total"])) for match in found), 0)


def _counts_on(rows: Sequence[dict[str, object]], name: str) -> bool:
    values = [value for row in rows if (value := as_float(row.get(name))) is not None]
    back = sum(later < earlier for earlier, later in pairwise(values))
    # A second training in the same text begins again; the length of an episode goes up and down.
    return len(values) > 1 and values[-1] != values[0] and back * 20 <= len(values)
