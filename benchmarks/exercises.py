"""The chapter's exercises in two commands: python -m benchmarks.exercises [OUT]

Runs `rldoctor sweep` for exercises 2.1 and 2.2 (five seeds) and for 2.4 (clip_range), with the chapter's recipe, into OUT (default:
runs), and writes docs/exercises.md from their reports. About an hour on two cores; finished trials are not repeated.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks import DOCS
from rldoctor import machine
from rldoctor.model import SettingResult, SweepResult
from rldoctor.model.report_json import read_report
from rldoctor.render.sweep_tables import TextTable, tables

DOCUMENT = DOCS / "exercises.md"
SEEDS = ("sweep", "--seeds", "0-4")
CLIP = ("sweep", "--seeds", "0-4", "--vary", "clip_range=0.1,0.2,0.4")


def swept(words: tuple[str, ...], out: Path, name: str) -> SweepResult:
    """Run a sweep and return its result."""
    done = subprocess.run([sys.executable, "-m", "rldoctor", *words, "--runs", str(out)], check=False)
    assert done.returncode == 0, f"rldoctor {' '.join(words)} ended with {done.returncode}"
    return read_report(out / f"sweeps/fetch_reach_dense/chapter/{name}.json").subjects[0]


def markdown(words: TextTable) -> str:
    rows = [words.headings, tuple("---" for _ in words.headings), *words.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def value(setting: SettingResult, metric: str) -> tuple[float, float]:
    sample = setting.sample(metric)
    assert sample is not None
    return sample.mean, sample.std


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs")
    seeds, clip = swept(SEEDS, out, "seeds"), swept(CLIP, out, "clip_range")
    by_seed, by_clip = tables(seeds), tables(clip)
    first = next(trial for trial in seeds.trials if trial.seed == 0).numbers
    (five,) = seeds.settings
    _, spread = value(five, "success_rate")
    base = next(setting for setting in clip.settings if setting.baseline)
    narrow, wide = clip.settings[0], clip.settings[-1]
    clipped = {s.name: value(s, "late_clip_fraction")[0] for s in clip.settings}
    reached = {s.name: value(s, "steps_to_90")[0] for s in clip.settings}
    successes = [value(s, "success_rate")[0] for s in clip.settings]
    about = machine.describe()
    versions = ", ".join(f"{key} {number}" for key, number in machine.versions().items() if number)
    DOCUMENT.write_text(
        f"""# The chapter's exercises

The exercises of the tutorial chapter that rldoctor grew from ("PPO on Dense Reach: The Pipeline Truth Serum"), done with two
commands and the chapter's recipe: 500,000 steps each, two trainings at a time, one thread each.

```bash
rldoctor {" ".join(SEEDS)}
rldoctor {" ".join(CLIP)}
```

The recipe's own clip_range is 0.2, so the second command does not train those seeds again. Both commands resume if they are
interrupted and write their tables next to the runs as text, JSON, CSV, Markdown and HTML. [What the columns mean](how-to/sweep.md#reading-the-tables).

## 2.1 The baseline, seed 0

| final success rate | final mean return | training time | steps per second |
|---|---|---|---|
| {first["success_rate"]:.2f} | {first["return_mean"]:.3f} | {first["train_seconds"]:.0f} s | {first["steps_per_second"]:,.0f} |

Measured on 100 episodes that training never saw. Each training shared the machine with another one, and at times with other
work; the speed of a training alone is in [performance](performance.md).

## 2.2 Five seeds

{markdown(by_seed[0])}

{markdown(by_seed[2])}

The standard deviation of the success rate is {spread:.1%}; the chapter calls less than 5 % robust.

## 2.4 clip_range 0.1, 0.2, 0.4

Does final performance change?

{markdown(by_clip[0])}

The mean success rates differ by at most {max(successes) - min(successes):.3f}. Where every episode succeeds, the mean return still shows differences. It is
in the next table; the last column is the probability that a seed with this setting has a higher return than one of the baseline.

Does the stability of training change, and clip_fraction?

{markdown(by_clip[1])}

In the last quarter of training {clipped[narrow.name]:.0%} of the samples are clipped with {narrow.name}, {clipped[base.name]:.0%} with {base.name} and
{clipped[wide.name]:.0%} with {wide.name}; success reaches 90 % after {reached[narrow.name]:,.0f}, {reached[base.name]:,.0f} and {reached[wide.name]:,.0f} steps.
`clip_range.html` plots the success rate, return, clip_fraction and approx_kl of each setting over the steps, with bands.

## Each run

{markdown(by_clip[2])}

Reproduce with the two commands; this page is written by `python -m benchmarks.exercises`.

Machine: {about["cores"]} cores of {about["processor"]}, {about["system"]}. Versions: {versions}.
""",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
