"""The scoreboard: python -m benchmarks.scoreboard [--keep FOLDER], which writes docs/scoreboard.md

Packs the recorded runs (rldoctor faults export), asks rldoctor with weights fitted on the split "train", the tutorial
chapter's table taken literally, two rules of one line, and tools of others, each installed from PyPI in a virtual
environment of its own, and scores all of them by the archive's score.py on the split "test". Ten minutes.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks import DOCS, chapter_table
from benchmarks.accuracy.answers import answer_for
from benchmarks.corpus import RECORDED, RecordedRun, recorded_runs
from benchmarks.fit_weights.book import fitted_book
from rldoctor import stats
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.experiments import fault_archive
from rldoctor.experiments.fault_archive.score import interval, read_rows, score
from rldoctor.model import RunDiagnosis, Verdict
from rldoctor.rulebook import Rulebook, load_rulebook
from rldoctor.version import __version__

DOCUMENT = DOCS / "scoreboard.md"
SPLIT = "test"
TOO_SHORT = "too-short-to-judge"
# What is installed for each tool, and what it reads.
PEERS = {
    "runmedic": ("runmedic==0.1.1", "event files"),
    "trainspotter": ("trainspotter[tensorboard]==0.2.6", "event files"),
    "zen-rl": ("zen-rl==0.1.0", "event files"),
    "losslint": ("losslint==0.4.1", "`train/loss` in a CSV"),
    "gradsnitch": ("gradsnitch==0.1.0", "`train/loss`, learning rate and gradient norm in a table"),
    "rldoctor": ("rldoctor==0.2.0", "eight scalars under its own names"),
    "rlprobe": ("rlprobe==0.1.0", "nine scalars in its own recorder's records"),
    "pytscope": ("pytscope==0.2.1", "`train/loss`, learning rate and gradient norm in its own records"),
}
NAMES = {"rldoctor": "rldoctor 0.2.0 (another project, for language models)"}
Answer = Mapping[str, str]


def answer(name: str, flagged: bool, causes: Sequence[str] = ()) -> Answer:
    return {"id": name, "flagged": str(int(flagged)), "causes": " ".join(causes)}


def of_diagnosis(name: str, verdict: Verdict, causes: Sequence[str]) -> Answer:
    """A run that is too short to judge is flagged as that; any other that cannot be judged is not."""
    return answer(name, verdict in (Verdict.SICK, Verdict.SUSPECT) or list(causes[:1]) == [TOO_SHORT], causes)


def with_settings(recorded: RecordedRun, book: Rulebook) -> RunDiagnosis:
    return diagnose_run(recorded.run, book=book)


def ours(
    ids: Mapping[str, str], corpus: Sequence[RecordedRun], train: Sequence[RecordedRun]
) -> dict[str, list[Answer]]:
    """Return the answers of rldoctor, its weights fitted on ``train``."""
    book = fitted_book(load_rulebook(), list(train))
    rows: dict[str, list[Answer]] = {}
    for title, plain, bands in (
        ("plain scalars", True, True),
        ("plain scalars, without bands of healthy runs", True, False),
        ("with DoctorCallback", False, True),
    ):
        found = [answer_for(one.without_doctor() if plain else one, book, bands) for one in corpus]
        rows[f"rldoctor-kit {__version__}, {title}"] = [
            of_diagnosis(ids[one.name], said.verdict, said.causes) for one, said in zip(corpus, found, strict=True)
        ]
    said = [(one, with_settings(one, book)) for one in corpus]
    rows[f"rldoctor-kit {__version__}, with DoctorCallback and settings"] = [
        of_diagnosis(ids[one.name], run.verdict, [cause.name for cause in run.diagnoses]) for one, run in said
    ]
    return rows


def baselines(ids: Mapping[str, str], corpus: Sequence[RecordedRun]) -> dict[str, list[Answer]]:
    """Return the answers of rules that anybody could write."""
    rows = {
        "the chapter's healthy ranges, taken literally": lambda one: (chapter_table.outside_ranges(one.run), []),
        "the chapter's warning signs, taken literally": lambda one: _warned(one),
        "flags a return that does not rise": lambda one: (
            _does_not_rise(one),
            [],
        ),
        "flags every run": lambda one: (True, []),
    }
    return {title: [answer(ids[one.name], *rule(one)) for one in corpus] for title, rule in rows.items()}


def _warned(one: RecordedRun) -> tuple[bool, list[str]]:
    causes = chapter_table.warnings(one.run)
    return bool(causes), causes


def _does_not_rise(one: RecordedRun) -> bool:
    curve = one.run.curves.get("episode_return")
    values = curve.finite().values if curve is not None else np.empty(0)
    return len(values) < 4 or not stats.rank_correlation(np.arange(len(values)), values) > 0.5


def of_peer(tool: str, requirement: str, archive: Path, folder: Path) -> list[Answer]:
    """Install a tool in a virtual environment of its own, and return its answers."""
    place = folder / f"venv-{tool}"
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
        subprocess.run(install, check=True)
    script = Path(__file__).with_name("peers.py")
    # -P: what lies beside the script is none of the tool's modules.
    command = [str(python), "-P", str(script), tool, str(archive)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    errors = [row["error"] for row in rows if row["error"]]
    if errors:
        print(f"{tool}: {len(errors)} runs ended in an error, such as {errors[0]}", file=sys.stderr)
    return rows


def row(title: str, labels: Sequence[Answer], answers: Sequence[Answer]) -> str:
    measured = score(labels, answers, SPLIT)
    cells = [_share(*measured[name]) for name in ("found", "healthy flagged")]
    (found, harmful), (flagged, healthy) = measured["found"], measured["healthy flagged"]
    cells.append(f"{found / harmful - flagged / healthy:+.2f}")
    cells += [_share(*measured[name]) for name in ("first", "among three", "harmless flagged")]
    return f"| {title} | {' | '.join(cells)} |"


def _share(hits: int, runs: int) -> str:
    low, high = interval(hits, runs)
    return f"{hits / runs:.0%} ({low:.0%}-{high:.0%})"


def document(labels: Sequence[Answer], rows: Mapping[str, Sequence[Answer]]) -> str:
    kinds = [label["kind"] for label in labels if label["split"] == SPLIT]
    counts = {kind: kinds.count(kind) for kind in ("harmful", "healthy", "harmless")}
    reads = "\n".join(f"- {NAMES.get(tool, required)}: {read}" for tool, (required, read) in PEERS.items())
    return f"""# Scoreboard

Tools that say from logs whether a training is sick, and of what, on the same recorded runs. Made by `python -m benchmarks.scoreboard`
from the archive that `rldoctor faults export tests/runs -o faults.zip` packs; its data card (`README.md` in the archive) says how the
runs were made and how they may mislead. Scored on its split `{SPLIT}` (odd seeds): {counts["harmful"]} runs with one fault that did
harm, {counts["healthy"]} healthy ones, {counts["harmless"]} with a fault that PPO copes with. In brackets 95 % Wilson intervals.

| tool | harmful runs found | healthy runs flagged | difference | right cause first | among the first three | harmless faults flagged |
|---|---|---|---|---|---|---|
{chr(10).join(row(title, labels, answers) for title, answers in rows.items())}

*Difference* is the share of harmful runs that are found less that of healthy runs that are flagged: 1 is perfect, 0 is what flagging at random
or flagging everything gets.

What to know before believing it:

- rldoctor's weights were fitted on the split `train` alone for this table, but its signs were written with all of these runs in view,
  and it ships bands of healthy runs of these recipes. The row without bands leaves them out.
  [Runs from elsewhere](strangers.md) were recorded after that.
- The others were not made for this: most read the loss of supervised trainings or runs of language models. They are what a search for a tool that
  diagnoses training logs finds. Each got the input that suits it best (below), with the gradient norm that `DoctorCallback` logs; findings
  below the severity of a warning do not count.
- A return that does not rise is one whose rank correlation with the step is below 0.5.
- The findings of others were translated into rldoctor's names of causes generously, several causes where in doubt
  (`CAUSES` in `benchmarks/scoreboard/peers.py`).

What each was given:

{reads}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="keep archive and virtual environments here, and use them again")
    chosen = parser.parse_args()
    labelled = {one.name: one for one in fault_archive.labelled_runs(RECORDED)}
    corpus = recorded_runs()
    ids = {name: one.id for name, one in labelled.items()}
    with ExitStack() as stack:
        folder = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        fault_archive.export(tuple(labelled.values()), folder / "faults.zip")
        archive = folder / "faults"
        with zipfile.ZipFile(folder / "faults.zip") as packed:
            packed.extractall(archive)
        labels = read_rows(archive / "runs.csv")
        train = [one for one in corpus if labelled[one.name].split != SPLIT]
        rows = {**ours(ids, corpus, train), **baselines(ids, corpus)}
        for tool, (requirement, _) in PEERS.items():
            rows[NAMES.get(tool, requirement.replace("==", " ").replace("[tensorboard]", ""))] = of_peer(
                tool, requirement, archive, folder
            )
            print(row(tool, labels, [*rows.values()][-1]), flush=True)
    DOCUMENT.write_text(document(labels, rows), encoding="utf-8")


if __name__ == "__main__":
    main()
