"""The text and the tables of docs/invariance.md."""

from __future__ import annotations

from benchmarks.invariance.diagnosed import CHANGES
from benchmarks.invariance.through_files import FILES

# Thinned runs are counted apart by how many rows they have left: from so many on.
ROWS_LEFT = (10, 15, 20, 40)
# Targets for each kind of change, in per cent of the runs; none for a change that is only reported.
TARGETS = {"thinned": 99, "held": 99, "split": 99, "linked": 99, "scaled": 97, "stretched": 97, "renamed": 97}
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
