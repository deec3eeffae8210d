"""The text and the tables of docs/invariance.md."""

from __future__ import annotations

import re
from itertools import combinations

from benchmarks.invariance.diagnosed import CHANGES
from benchmarks.invariance.through_files import FILES

# Thinned runs are counted apart by how many rows they have left: from so many on.
ROWS_LEFT = (10, 15, 20, 40)
# Targets for each kind of change, in per cent of the runs; none for a change that is only reported.
TARGETS = {"thinned": 99, "held": 99, "split": 99, "linked": 99, "scaled": 97, "stretched": 97, "renamed": 97}
# Of these parts of the rows two are compared with each other. A change that every run goes through.
PARTS = ("2nd", "5th")
EVERY_RUN = "each value repeated 3 times"
HEAD = """# The same training, the same verdict

How far a diagnosis depends on the way in which a run was logged. Every recorded run is changed as in the table, and verdict and most
likely cause (for runs that are not healthy) should stay the same; two causes that either report shows as a tie count in a column of their own. Reproduce with `python -m benchmarks.invariance --other CHECKOUT`.

- A thinned run keeps at least ten points of every curve that has more. *log_interval* is how Stable-Baselines3 logs less often: it writes
  the last of so many rows (its train/ values are not averaged over the interval), so that the first ones are lost. Other loggers keep the
  first row and lose the last ones, which is the other way. In both, runs that fit a reference's rollout size by chance once they are
  thinned are compared with it.
- Scaled, stretched and continued runs are judged without references. Whatever has the unit of the reward is scaled. Rewards are not
  scaled in runs whose fault is their scale. Of a failed run that does not log how much its critic explains (skrl, Tianshou, rsl_rl, DQN, TD3),
  or whose critic explains nothing at all, the scale is the likeliest cause once its rewards are 100 times larger.
- Returns are shifted by half their size, in runs that log no terms of the reward. A gain is judged as a fraction of the return's size, which
  a shift halves or doubles; that accounts for most of what changes.
- Runs in several files, with links, and with the tags of other frameworks are written as event files and read again, one run of Stable-Baselines3
  in six, without references. A run with the tags of another framework is compared with the same metrics under its own tags.
"""


def shares(rows: list[dict[str, str]]) -> tuple[float, float]:
    """Return the fraction of the runs with the same verdict and cause, and with the same verdict."""
    same = sum(row["before"] == row["after"] for row in rows)
    verdicts = sum(row["before"].split("/")[0] == row["after"].split("/")[0] for row in rows)
    return same / len(rows), verdicts / len(rows)


def share_in_tie(rows: list[dict[str, str]]) -> str:
    """Return the fraction of the runs with the same verdict whose causes are the same or shown as one tie."""
    verdicts = [row for row in rows if row["before"].split("/")[0] == row["after"].split("/")[0]]
    same = sum(row["before"] == row["after"] or bool(row["tied"]) for row in verdicts)
    return f"{same / len(rows):.1%}"


def table(here: dict[str, list[dict[str, str]]], there: dict[str, list[dict[str, str]]]) -> list[str]:
    """Return the table of the document."""
    lines = [
        "| change | runs | same verdict and cause | or shown as one tie | same verdict | target | other checkout |",
        "|---|---|---|---|---|---|---|",
    ]
    kinds = {title: kind for title, (kind, _, _) in CHANGES.items()} | FILES
    for title, kind in kinds.items():
        if title not in here:
            continue
        both, verdict = shares(here[title])
        target = f"{TARGETS[kind]} %" if kind in TARGETS else "-"
        other = f"{shares(there[title])[0]:.1%}" if title in there else "-"
        lines.append(
            f"| {title} | {len(here[title])} | {both:.1%} | {share_in_tie(here[title])} | {verdict:.1%} | {target} | {other} |"
        )
    return lines


def by_chance(here: dict[str, list[dict[str, str]]]) -> list[str]:
    """Return how often two parts of the rows, or two seeds, are diagnosed differently: what no judge of them can keep."""
    lines = [
        "",
        "What chance alone changes. The two ways of keeping every n-th row keep other rows of the same training, at the same density.",
        "Where one part is diagnosed differently from the other, the run with all its rows can agree with one of them at most, so that",
        "even a diagnosis that did not depend on the density at all would lose half of these differences.",
        "",
        "| rows | runs | parts differ | the most that can be kept | kept | verdicts differ | the most | kept |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for every in PARTS:
        titles = f"every {every} row, the first one kept", f"log_interval {every.rstrip('ndth')}"
        first, last = ({row["run"]: row for row in here.get(title, ())} for title in titles)
        both = [(first[run], last[run]) for run in first if run in last]
        if not both:
            continue
        cells = []
        for parts in (2, 1):
            differ = sum(_said(a, "after", parts) != _said(b, "after", parts) for a, b in both) / len(both)
            kept = sum(_said(row, "before", parts) == _said(row, "after", parts) for pair in both for row in pair)
            cells += [f"{differ:.1%}", f"{1 - differ / 2:.1%}", f"{kept / 2 / len(both):.1%}"]
        lines.append(f"| every {every} | {len(both)} | {' | '.join(cells)} |")
    said = {row["run"]: row for row in here[EVERY_RUN]}
    groups: dict[str, list[dict[str, str]]] = {}
    for run, row in said.items():
        groups.setdefault(re.sub(r"-\d+$", "", run), []).append(row)
    pairs = [pair for group in groups.values() for pair in combinations(group, 2)]
    same, verdicts = (
        sum(_said(a, "before", n) == _said(b, "before", n) for a, b in pairs) / len(pairs) for n in (2, 1)
    )
    lines += [
        "",
        f"Two seeds of one and the same recording, all rows kept, have the same verdict and cause in {same:.1%} of {len(pairs)} pairs, and the same",
        f"verdict in {verdicts:.1%}.",
    ]
    return lines


def _said(row: dict[str, str], when: str, parts: int) -> list[str]:
    """Return the verdict and the cause before or after a change, or the first of these parts alone."""
    return row[when].split("/")[:parts]


def by_rows(here: dict[str, list[dict[str, str]]]) -> list[str]:
    """Return the table of thinned runs by how many rows they have left."""
    every = [
        row
        for title, (kind, _, _) in CHANGES.items()
        if kind == "thinned"
        for row in here.get(title, ())
        if "rows" in row
    ]
    lines = [
        "",
        "What thinned runs lose, by the rows that they have left; with so few rows a sick run's causes are close to each other.",
        "",
        "| rows left | runs | same verdict and cause | same verdict |",
        "|---|---|---|---|",
    ]
    for low, high in zip(ROWS_LEFT, (*ROWS_LEFT[1:], 10**9), strict=True):
        some = [row for row in every if low <= int(row["rows"]) < high]
        if some:
            both, verdict = shares(some)
            words = f"{low} to {high - 1}" if high < 10**9 else f"{low} and more"
            lines.append(f"| {words} | {len(some)} | {both:.1%} | {verdict:.1%} |")
    return lines
