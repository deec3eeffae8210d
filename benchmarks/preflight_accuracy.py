"""Does preflight name what is broken, and leave what is healthy in peace? python -m benchmarks.preflight_accuracy [NAME ...]

Examines every broken environment of benchmarks/broken and the public environments that are installed. Writes
docs/preflight-accuracy.md; with names of kinds or ids, only prints what is found in those. About ten minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium

from benchmarks.broken.bases import BASES
from benchmarks.broken.faults import KINDS, SET_ORDER, Kind
from benchmarks.rates import wilson_interval
from rldoctor.environments import registry
from rldoctor.model import Finding, Outcome, PreflightResult, Severity
from rldoctor.preflight.runner import run_preflight

HERE = Path(__file__).resolve().parents[1]
TARGET = 0.97
BROKEN = "rldoctor/Broken-v0"

# What trains as it is with SB3, by the package that provides it; packages that are not installed are left out.
HEALTHY = {
    "gymnasium: classic control and toy text": (
        *("CartPole-v0", "CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1", "Acrobot-v1"),
        *("FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalking-v1", "CliffWalkingSlippery-v1", "Taxi-v4"),
    ),
    "gymnasium: MuJoCo": (
        *("Ant-v5", "HalfCheetah-v5", "Hopper-v5", "Humanoid-v5", "HumanoidStandup-v5", "InvertedDoublePendulum-v5"),
        *("InvertedPendulum-v5", "Pusher-v5", "Reacher-v5", "Swimmer-v5", "Walker2d-v5"),
    ),
    "gymnasium: Box2D": ("LunarLander-v3", "LunarLanderContinuous-v3", "BipedalWalker-v3", "BipedalWalkerHardcore-v3"),
    "gymnasium-robotics": (
        *("FetchReach-v4", "FetchReachDense-v4", "FetchPush-v4", "FetchPushDense-v4", "FetchSlide-v4"),
        *("FetchSlideDense-v4", "FetchPickAndPlace-v4", "FetchPickAndPlaceDense-v4", "HandReach-v3"),
        *("HandReachDense-v3", "HandManipulateBlock-v1", "HandManipulateBlockDense-v1", "HandManipulateEgg-v1"),
        *("HandManipulateEggDense-v1", "PointMaze_UMaze-v3", "PointMaze_UMazeDense-v3", "PointMaze_Medium-v3"),
        *("PointMaze_MediumDense-v3", "AntMaze_UMaze-v5", "AntMaze_UMazeDense-v5", "AdroitHandDoor-v1"),
        *("AdroitHandHammer-v1", "AdroitHandPen-v1", "AdroitHandRelocate-v1"),
    ),
    "MiniGrid, with its ImgObsWrapper": (
        *("MiniGrid-Empty-5x5-v0", "MiniGrid-Empty-Random-6x6-v0", "MiniGrid-DoorKey-5x5-v0", "MiniGrid-FourRooms-v0"),
        *("MiniGrid-Dynamic-Obstacles-6x6-v0", "MiniGrid-LavaGapS5-v0", "MiniGrid-Unlock-v0"),
    ),
    "highway-env": ("highway-fast-v0", "merge-v0", "roundabout-v0", "parking-v0", "racetrack-v0"),
}
HEAD = """# What preflight finds

Two tables: environments that are broken in one way each, and public ones that are healthy. Reproduce with
`python -m benchmarks.preflight_accuracy`; public packages that are not installed are left out. Speed is not judged here
(`--ignore SYS`).
"""

# Measured once, before the checks were changed for them, and again afterwards; the environments are not kept.
FRESH = """## Environments that no check had seen

The tables above are of kinds that the checks were written for. Three draws of environments were written without a look at the
checks (goal dictionaries, MuJoCo models from XML, grids, markets from a table, queues, wrappers around registered ids,
pictures, bandits), their faults mostly taken from public issue threads, and examined once before anything was changed for them.
"Named" is the right finding, as a warning or an error; a note alone counts as missed. The second draw was written after the
changes for the first, and three of its faults are of kinds that these had added. The third was written and scored by somebody
who had read only the README and [own-environment.md](how-to/own-environment.md), with faults of practice rather than of threads:
look-ahead, discounts within the reward, stale masks, limits before the harvest. The rows "after the changes" are no honest figure:
they say what today's checks make of environments that they were changed for.

| | faulty | named | another finding | missed | sound | left alone | a warning |
|---|---|---|---|---|---|---|---|
| first draw, as examined first | 30 | 17 | 4 | 9 | 20 | 19 | 1 |
| first draw, after the changes | 30 | 27 | 0 | 3 | 20 | 20 | 0 |
| second draw, as examined first | 12 | 9 | 0 | 3 | 16 | 14 | 2 |
| second draw, after the changes | 12 | 11 | 0 | 1 | 16 | 16 | 0 |
| third draw, as examined first | 30 | 15 | 3 | 12 | 18 | 11 | 7 |
| third draw, after the changes | 30 | 27 | 1 | 2 | 18 | 15 | 3 |

| kind, the first two draws, as examined first | named | not named at first |
|---|---|---|
| state that outlives an episode | 5 of 6 | a success flag that stays |
| goals | 3 of 5 | a goal drawn with every observation; a goal that floats must equal |
| observations: values, scale, bounds, frames | 7 of 9 | one scale for all numbers; a stack of one array |
| observations a step late | 1 of 3 | rows of a table, read before the tick (two) |
| actions | 2 of 4 | scaled in place; two of four moves alike |
| reward | 3 of 10 | its sign beyond a success; progress with the wrong sign; of chance; and the four that are still missed |
| ends and limits | 2 of 2 | |
| interface, seeds, reproducibility | 3 of 3 | |

Still missed of these: a reward of the state before the step with a cost of the action (as in Gymnasium's own Reacher before v5), a
success that is punished and an infinite reward where random actions do not come to the goal, and a cosine of degrees, which
no number of the observation contradicts. The false alarms were an end that a picture shows (a falling ball), a reward for what
was gathered (called late), and a slip of one step in five (called lost in noise).

| kind, third draw, as examined first | named | not named at first |
|---|---|---|
| state that outlives an episode, shared state, memory | 5 of 6 | a film that is never emptied (told as a note) |
| random numbers | 0 of 1 | a shuffle in mid-episode by the global generator |
| goals | 2 of 2 | |
| observations: values, scale, bounds, pictures | 2 of 6 | radians taken for degrees; clipped far too low; NaN once in 150 steps; swapped axes |
| actions and masks | 4 of 5 | a mask one step old |
| reward | 1 of 8 | turns that are not seen; look-ahead; a discount inside; falling pays; dirt that stays; a sign; a floor |
| ends and limits | 1 of 2 | a limit before the harvest |

Still missed: axes of a picture that are swapped, and a sale that costs what it should earn, so that to do nothing is best (a note);
of progress that is rounded down to nothing only the scale of the observation is told. Of the seven alarms at first, four said what was not so (a reward at a fixed step called late, a bound called a
need, a pipeline called late, an action called dead that works near one place), three were true of scales, and of a tuple that
Stable-Baselines3 does not take; these three are still told, and the tuple no longer hides the other checks.
"""


@dataclass
class Row:
    """One kind of fault: on which bases it was named, and what was found where it was not."""

    kind: Kind
    named: list[str] = field(default_factory=list)
    missed: dict[str, list[str]] = field(default_factory=dict)


def examine(kind: Kind, base: str) -> PreflightResult:
    """Examine one of the healthy bases broken in one way."""
    # A child process cannot make what is registered here alone, so that only this kind is compared with one.
    if kind.name == "order-of-a-set":
        return run_preflight(SET_ORDER, ignore=["SYS", "ENV601"])
    gymnasium.registry.pop(BROKEN, None)
    gymnasium.register(BROKEN, entry_point=kind.make(BASES[base]), max_episode_steps=kind.horizon)
    return run_preflight(BROKEN, ignore=["SYS", "ENV113"])


def names_it(kind: Kind, result: PreflightResult) -> bool:
    """Return whether one of the findings names the fault, and none is a crash."""
    names = {finding.name for finding in result.findings}
    return bool(names.intersection(kind.findings)) and "check-crashed" not in names


def alarms(result: PreflightResult) -> list[Finding]:
    """Return the findings that are more than notes."""
    return [finding for finding in result.findings if finding.severity is not Severity.NOTE]


def examine_healthy(env_id: str) -> PreflightResult:
    """Examine a public environment as people train on it."""
    if env_id.startswith("MiniGrid"):
        wrappers: Any = importlib.import_module("minigrid.wrappers")
        return run_preflight(env_id, wrap=wrappers.ImgObsWrapper, ignore=["SYS"])
    return run_preflight(env_id, ignore=["SYS"])


def available(ids: tuple[str, ...]) -> Iterator[str]:
    """Yield the environments that can be made here."""
    for package in ("minigrid", "highway_env"):
        with contextlib.suppress(ImportError):
            importlib.import_module(package)
    registry.register_robotics()
    for env_id in ids:
        with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
            registry.make(env_id).close()
            yield env_id


def broken_table() -> list[str]:
    """Examine every kind and return the first table."""
    rows, bare = [], {name: examine(Kind("healthy", lambda cls: cls, (), (name,)), name) for name in BASES}
    for kind in KINDS:
        row = Row(kind)
        for base in kind.bases:
            result = examine(kind, base)
            if names_it(kind, result):
                row.named.append(base)
            else:
                row.missed[base] = sorted({f"{found.code} {found.name}" for found in result.findings})
        rows.append(row)
        print(f"{kind.name}: {len(row.named)} of {len(kind.bases)}", *row.missed.items(), flush=True)
    total, found = sum(len(row.kind.bases) for row in rows), sum(len(row.named) for row in rows)
    whole = sum(not row.missed for row in rows)
    interval = wilson_interval(found, total)
    lines = [
        "## Broken environments",
        "",
        f"{len(rows)} kinds of faults over four small bases (a plain one, one with goals, one of whole numbers, one of pictures) make "
        f"{total} environments. The right finding is there in {found} of {total} ({found / total:.1%}, 95 % interval "
        f"{interval.low:.1%} to {interval.high:.1%}; target {TARGET:.0%}); {whole} kinds are named on every base. The bases themselves "
        f"have {sum(len(alarms(result)) for result in bare.values())} warnings and errors.",
        "",
        "| fault | finding | bases | named | found instead |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        instead = "; ".join(f"{base}: {', '.join(found) or 'nothing'}" for base, found in row.missed.items())
        kind = row.kind
        share = f"{len(row.named)} of {len(kind.bases)}"
        lines.append(f"| {kind.name} | {' or '.join(kind.findings)} | {', '.join(kind.bases)} | {share} | {instead} |")
    return lines


def healthy_table() -> list[str]:
    """Examine the public environments and return the second table."""
    lines = ["| package | environments | with a warning or an error | notes |", "|---|---|---|---|"]
    count = silent = 0
    for package, ids in HEALTHY.items():
        wrong, notes, seen = [], set(), 0
        for env_id in available(ids):
            started = time.monotonic()
            result = examine_healthy(env_id)
            seen += 1
            found = [f"{finding.code} {finding.name}" for finding in alarms(result)]
            notes |= {f"{finding.code} {finding.name}" for finding in result.findings} - set(found)
            late = [check.code for check in result.checks if check.outcome is Outcome.NOT_RUN]
            silent += not found
            if found:
                wrong.append(f"{env_id}: {', '.join(found)}")
            print(f"{env_id}: {found or 'silent'}, {time.monotonic() - started:.1f} s, not run {late}", flush=True)
        if seen:
            count += seen
            lines.append(
                f"| {package} | {seen} | {'; '.join(wrong) or 'none'} | {', '.join(sorted(notes)) or 'none'} |"
            )
    return [
        "## Healthy environments",
        "",
        f"{silent} of {count} public environments have no warning and no error. A note is worth knowing and no fault: a sparse reward, an "
        "action that is known to be dead, bounds that are not [-1, 1].",
        "",
        *lines,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="kinds of faults or ids")
    chosen = parser.parse_args().names
    if not chosen:
        lines = [HEAD, *broken_table(), "", *healthy_table(), "", FRESH]
        (HERE / "docs" / "preflight-accuracy.md").write_text("\n".join(lines), encoding="utf-8")
        return
    kinds = [(kind, base) for kind in KINDS for base in kind.bases if kind.name in chosen]
    for kind, base in kinds:
        show(f"{kind.name} ({base})", examine(kind, base))
    for env_id in available(tuple(set(chosen) - {kind.name for kind in KINDS})):
        show(env_id, examine_healthy(env_id))


def show(title: str, result: PreflightResult) -> None:
    """Print what was found."""
    print(title, result.verdict)
    for finding in result.findings:
        print(f"  {finding.severity} {finding.code} {finding.name}: {finding.message}")


if __name__ == "__main__":
    main()
