"""Make trainings and measure their signs: python -m benchmarks.laboratory.generate --trainings 10000 --out DIR --seed 1

DIR/curves keeps what every training logged, DIR/rows the strengths of the signs, one file a batch; a batch that is
finished is not made again, so the command may be stopped and given again. At the end, and with --again (which only
measures anew), DIR/laboratory.parquet joins all rows, and DIR/sample.npz holds the curves of a hundred trainings. With
--earlier, the trainings of an earlier table stay in it, their signs as they were measured then.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from benchmarks.laboratory import apart, kept, strengths
from benchmarks.laboratory.harm import RELIABLE, outcome

SAMPLE = 100


def train_batch(index: int, seed: int, trainings: int, out: Path, healthy: float = 0.2) -> str:
    """Make one batch, keep its curves and its rows; return a line about it."""
    # Late: measuring anew needs no torch.
    import torch

    from benchmarks.laboratory import drawing
    from benchmarks.laboratory.train import train

    torch.set_num_threads(1)
    begun = time.process_time()
    batch = drawing.draw_batch(index, seed, trainings, healthy)
    env, recipe, faults = drawing.built(batch)
    results = train(env, recipe, faults, batch.seed)
    found = []
    for number, (drawn, result) in enumerate(zip(batch.trainings, results, strict=True)):
        other = results[(number + 1) % len(results)]
        run = kept.spoiled(result.run, other.run, drawing.of_logs(drawn))
        episodes, shapes = result.episodes, batch.shapes
        at = [share * shapes.total_steps for share in kept.SHARES]
        label: dict[str, Any] = {
            "batch": index,
            "training": number,
            "environment": batch.world,
            "steps": shapes.total_steps,
            "faults": [put.name for put in drawn.faults],
            "severities": [put.severity for put in drawn.faults],
            "right": list(drawn.right),
            "always_harms": drawn.always_harms,
            "failed": result.failed,
            "recipe": json.dumps({**vars(shapes), **drawn.settings}),
            "returns": [_known(outcome(episodes.steps, episodes.returns, now)) for now in at],
            "successes": [_known(outcome(episodes.steps, episodes.successes, now)) for now in at],
        }
        found.append(kept.Kept(run, label))
    trained = time.process_time()
    kept.write(_curves(out, index), found)
    measure_batch(index, out)
    done = time.process_time()
    return (
        f"batch {index} {batch.world}: {len(found)} trainings, {(done - begun) / len(found):.2f} s of CPU each, "
        f"{(done - trained) / (done - begun):.0%} of it signs"
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def measure_batch(index: int, out: Path) -> str:
    """Measure the signs of a batch whose curves are kept."""
    trainings = kept.read(_curves(out, index))
    strengths.write(_rows(out, index), (row for one in trainings for row in strengths.observed(one)))
    return f"batch {index}: {len(trainings)} trainings measured"


def _curves(out: Path, index: int) -> Path:
    return out / "curves" / f"batch-{index:05d}.npz"


def _rows(out: Path, index: int) -> Path:
    return out / "rows" / f"batch-{index:05d}.parquet"


def finish(out: Path, earlier: Path | None = None, made_anew: Collection[str] = ()) -> None:
    """Join the rows of all batches and of an earlier table, and keep the curves of some trainings."""
    parts = sorted((out / "rows").glob("batch-*.parquet"))
    if not parts:
        print("No batch is finished.")
        return
    lines = strengths.collect(parts, out / "laboratory.parquet", earlier, made_anew)
    batches = sorted((out / "curves").glob("batch-*.npz"))
    apart.write(out / "laboratory.parquet", [one for path in batches for one in kept.read(path)])
    each = max(1, SAMPLE // len(batches))
    chosen = batches[:: max(1, len(batches) // SAMPLE)]
    sample = [one for path in chosen for one in kept.read(path)[:each]]
    kept.write(out / "sample.npz", sample[:SAMPLE])
    size = (out / "laboratory.parquet").stat().st_size / 1e6
    print(f"{out / 'laboratory.parquet'}: {size:.1f} MB, {len(parts)} batches")
    for name, line in lines.items():
        if line.share_learned < RELIABLE:
            print(f"{name}: only {line.share_learned:.0%} of the healthy recipes learned: harm is not judged there")


def run_all(work: Callable[..., str], tasks: Iterable[tuple[Any, ...]], jobs: int, until: float) -> None:
    """Do the tasks in processes of their own, and begin none after ``until``."""
    waiting, going = deque(tasks), deque[Any]()
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        while waiting or going:
            while waiting and len(going) < jobs and time.monotonic() < until:
                going.append(pool.apply_async(work, waiting.popleft()))
            if not going:
                break
            ready = next((one for one in going if one.ready()), None)
            if ready is None:
                going[0].wait(0.2)
                continue
            going.remove(ready)
            print(ready.get(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainings", type=int, default=10_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no batch after so many; 0 only joins")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--batch", type=int, default=64, help="trainings of a batch")
    parser.add_argument("--healthy", type=float, default=0.2, help="share of healthy trainings, in [0, 1]")
    parser.add_argument(
        "--again", type=Path, metavar="DIR", help="measure the signs of kept curves anew; trains nothing"
    )
    parser.add_argument(
        "--earlier", type=Path, metavar="TABLE", help="join the trainings of an earlier laboratory.parquet"
    )
    parser.add_argument(
        "--made-anew", default="", metavar="NAMES", help="environments left out of --earlier, by commas"
    )
    chosen = parser.parse_args() if "--again" not in sys.argv[1:] else _again(parser)
    if importlib.util.find_spec("pyarrow") is None:
        parser.exit(2, "pyarrow is not installed, which writes Parquet files: pip install 'rldoctor-kit[parquet]'.\n")
    until = time.monotonic() + 60 * chosen.minutes
    out = chosen.again or chosen.out
    if chosen.again:
        indexes = [int(path.stem.split("-")[1]) for path in sorted((out / "curves").glob("batch-*.npz"))]
        if not indexes:
            parser.exit(2, f"{out / 'curves'} holds no batch: give the --out of an earlier generation.\n")
        run_all(measure_batch, [(index, out) for index in indexes], chosen.jobs, until)
    else:
        count = math.ceil(chosen.trainings / chosen.batch)
        missing = [index for index in range(count) if not _rows(out, index).is_file()]
        tasks = [(index, chosen.seed, chosen.batch, out, chosen.healthy) for index in missing]
        run_all(train_batch, tasks, chosen.jobs, until)
    finish(out, chosen.earlier, chosen.made_anew.split(","))


def _again(parser: argparse.ArgumentParser) -> argparse.Namespace:
    # --out is what a generation needs, and --again has the folder itself.
    return parser.parse_args([*sys.argv[1:], "--out", "."])


if __name__ == "__main__":
    main()
