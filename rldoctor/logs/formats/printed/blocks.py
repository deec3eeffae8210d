"""Nested names and values as YAML writes them, as RLlib prints its results: a row for each.

::

    Result for PPO_CartPole-v1_29116_00000:
      episode_reward_mean: 22.6
      info:
        learner:
          default_policy:
            learner_stats:
              kl: 0.0278
      training_iteration: 1

The names of a row are their paths, ``info/learner/default_policy/learner_stats/kl``.
Source: ray/tune/logger/unified.py and logger.py (pretty_print), ray/tune/progress_reporter.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from rldoctor.logs.formats.tables import Row

_PAIR = re.compile(r"(?P<indent> {0,40})(?P<name>[\w./@()-]{1,120}):(?: (?P<value>.*))?$")
_TITLE = re.compile(r" {0,40}Result for (?P<who>\S{1,200}):\s*$")


def rows_of_blocks(lines: Iterable[str], names: Collection[str]) -> Iterator[tuple[str, Row]]:
    """Yield each block that has one of some names, and of which trial it is; empty where it does not say.

    A block ends at an empty line, at the next title, and where a name at its top comes again.
    """
    row: dict[str, object] = {}
    path: list[tuple[int, str]] = []
    who, top = "", -1
    for line in (*lines, ""):
        title = _TITLE.match(line)
        match = None if title else _PAIR.match(line.rstrip())
        again = match is not None and len(match["indent"]) <= top and match["name"] in row
        if title or again or not line.strip():
            if any(name in row for name in names):
                yield who, row
            row, path, top = {}, [], -1
            who = title["who"] if title else ""
        if match is None:  # also an item of a list, and what others print in between
            continue
        indent = len(match["indent"])
        top = indent if top < 0 else min(top, indent)
        while path and path[-1][0] >= indent:
            path.pop()
        if match["value"]:
            row["/".join([*(part for _, part in path), match["name"]])] = match["value"]
        else:
            path.append((indent, match["name"]))
