"""How often `gate --baseline` is wrong, on real trainings: python -m benchmarks.regressions

Trains the quick recipe with ten seeds, evaluates the finished policies and some checkpoints on the same 100 episodes, and
compares them in pairs: two finished seeds are no regression, an early checkpoint is one. Also compares six groups of
five seeds. Writes docs/regressions.md.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import DOCS
from rldoctor import machine, run_directory
from rldoctor.gate.evaluation import Evaluation, read_evaluation
from rldoctor.gate.regression import CONFIDENCE, MARGIN, compare
from rldoctor.references import load_recipe
from rldoctor.training.evaluate import evaluate
from rldoctor.training.train import train

DOCUMENT = DOCS / "regressions.md"
RECIPE = load_recipe("quick")
SEEDS = range(10)
# Steps of training that are left out at the end, in tenths of the run.
CUTS = {"whole": 0, "80 %": 2, "60 %": 4, "50 %": 5, "40 %": 6}


def evaluations(seed: int, folder: Path) -> dict[str, Evaluation]:
    """Train one seed and return its evaluations: of the finished policy and of checkpoints before."""
    whole = folder / f"seed-{seed}"
    whole.mkdir()
    train(RECIPE, whole, seed)
    found = {}
    for name, cut in CUTS.items():
        run = whole
        if cut:
            run = Path(shutil.copytree(whole, folder / f"seed-{seed}-{cut}"))
            (run / run_directory.POLICY_FILE).unlink()
            for checkpoint in run_directory.checkpoints(run)[len(run_directory.checkpoints(whole)) - cut :]:
                checkpoint.unlink()
        baselines = next(iter(found.values())).baselines if found else None
        evaluate(run, baselines=(lambda known=baselines: known) if baselines else None)
        found[name] = read_evaluation(run)
    return found


def share(pairs: Iterable[tuple[Sequence[Evaluation], Sequence[Evaluation]]]) -> str:
    """Return in how many of ``pairs`` (now, before) a regression was found."""
    verdicts = [bool(compare(now, before)[1]) for now, before in pairs]
    return f"{sum(verdicts)} of {len(verdicts)}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = [evaluations(seed, Path(folder)) for seed in SEEDS]
        rows = []
        for name in CUTS:
            numbers = [run[name].numbers for run in runs]
            means = [
                sum(float(str(n[key])) for n in numbers) / len(numbers)
                for key in ("success_rate", "return_mean", "final_distance_mean")
            ]
            pairs = [([now[name]], [before["whole"]]) for now, before in itertools.permutations(runs, 2)]
            groups = [(runs[i : i + 5], [*runs[:i], *runs[i + 5 :]]) for i in range(6)]
            fives = [([run[name] for run in now], [run["whole"] for run in before]) for now, before in groups]
            rows.append(
                f"| {name} | {means[0]:.2f} | {means[1]:.2f} | {1000 * means[2]:.1f} mm | {share(pairs)} | {share(fives)} |"
            )
            print(rows[-1], flush=True)
    about = machine.describe()
    versions = ", ".join(f"{key} {number}" for key, number in machine.versions().items() if number)
    DOCUMENT.write_text(
        "# How often `rldoctor gate --baseline` is wrong\n\n"
        f"The baselines are ten finished seeds of {RECIPE.name}. Each is compared with every other seed, finished or cut off\n"
        f"earlier in its training, on {RECIPE.evaluation_episodes} episodes with the same seeds, at {CONFIDENCE:.0%} confidence and with a margin of {MARGIN:g} of the\n"
        "baseline's gain over a zero-action policy. Detections in the row `whole` are false alarms; the other rows are real\n"
        "regressions, larger the earlier the training was cut off.\n\n"
        "| part of the training | success | mean return | final distance | detected, one run against one | detected, five against five |\n"
        "|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        "Reproduce with `python -m benchmarks.regressions`.\n\n"
        f"Machine: {about['cores']} cores of {about['processor']}, {about['system']}. Versions: {versions}.\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
