"""Asks one tool of another author about every run of an unpacked archive; run by the Python that has it installed.

python -P peers.py TOOL ARCHIVE > ANSWERS.csv. Imports nothing of rldoctor. Every tool gets the input that suits it best:
event files where it reads them, otherwise the scalars under the names that it knows. What it says below the severity
of a warning does not count.
"""

from __future__ import annotations

import contextlib
import csv
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# What each finding of a tool would lead its reader to, in rldoctor's names of causes: generous, several where in doubt.
# A finding that is not here points to nothing that a training of this kind can have.
_SIZE_OF_UPDATES = "learning-rate-too-high|updates-too-aggressive"
_TOO_LITTLE = "updates-too-small|plateau-below-target"
_NAN = "non-finite-values|training-crashed"
_CRITIC = "critic-not-learning|critic-diverges|reward-scale-too-large"
CAUSES: dict[str, dict[str, str]] = {
    "runmedic": {
        "non_finite": _NAN,
        "divergence": f"{_SIZE_OF_UPDATES}|critic-diverges",
        "loss_spikes": _SIZE_OF_UPDATES,
        "no_learning": f"{_TOO_LITTLE}|learning-rate-too-high",
        "grad_spikes": _SIZE_OF_UPDATES,
        "constant_lr_plateau": _TOO_LITTLE,
        "slowdown": "slow-training",
    },
    "losslint": {
        "nan_inf": _NAN,
        "step_backtrack": "mixed-runs",
        "loss_spike": _SIZE_OF_UPDATES,
        "divergence": f"{_SIZE_OF_UPDATES}|critic-diverges",
        "stagnation": _TOO_LITTLE,
    },
    "trainspotter": {
        "spikes": _SIZE_OF_UPDATES,
        "divergence": f"{_SIZE_OF_UPDATES}|critic-diverges|non-finite-values",
        "plateau": _TOO_LITTLE,
        "lr_schedule": "learning-rate-too-high|updates-too-small",
        "grad_norm": f"{_SIZE_OF_UPDATES}|updates-too-small",
        "throughput": "slow-training",
        "loss_floor": _TOO_LITTLE,
    },
    "zen-rl": {
        "LR_TOO_HIGH": _SIZE_OF_UPDATES,
        "POLICY_COLLAPSE": "policy-collapsed",
        "ADVANTAGE_NOT_NORMALIZED": "advantages-miscomputed|reward-scale-too-large",
        "DEAD_RUN": f"{_SIZE_OF_UPDATES}|updates-too-small",
        "CAPPED_PERFORMANCE": "plateau-below-target|entropy-too-high",
    },
    "rldoctor": {
        "advantage_collapse": "group-rewards-equal|reward-uninformative",
        "entropy_collapse": "policy-collapsed|entropy-too-high",
        "reward_hacking": "reward-misaligned|success-signal-broken",
        "clip_saturation": _SIZE_OF_UPDATES,
        "kl_drift": _SIZE_OF_UPDATES,
        "gradient_pathology": f"{_SIZE_OF_UPDATES}|non-finite-values",
        "plateau": _TOO_LITTLE,
    },
    "gradsnitch": {
        "GS001": _NAN,
        "GS002": _NAN,
        "GS003": _SIZE_OF_UPDATES,
        "GS005": _TOO_LITTLE,
        "GS006": f"{_SIZE_OF_UPDATES}|critic-diverges",
        "GS007": "updates-too-small",
        "GS009": _SIZE_OF_UPDATES,
        "GS010": "updates-too-small",
    },
    "rlprobe": {
        "KL_BLOWUP": _SIZE_OF_UPDATES,
        "ENTROPY_COLLAPSE": "policy-collapsed",
        "CLIP_SATURATION": _SIZE_OF_UPDATES,
        "ADV_COLLAPSE": "reward-uninformative|advantages-miscomputed",
        "VALUE_DIVERGENCE": _CRITIC,
        "GRAD_PATHOLOGY": f"{_SIZE_OF_UPDATES}|non-finite-values",
        "REWARD_STD_DEATH": "reward-uninformative",
        "THROUGHPUT_ROT": "slow-training",
    },
    "pytscope": {
        "CONVERGENCE.DIVERGED": f"{_SIZE_OF_UPDATES}|critic-diverges|non-finite-values",
        "CONVERGENCE.NO_PROGRESS": _TOO_LITTLE,
        "CROSS.CORRELATED_INSTABILITY": _SIZE_OF_UPDATES,
    },
}
Rows = list[tuple[int, dict[str, float]]]


class Recorded:
    """A run of the archive: its folder of event files, and its scalars as rows."""

    def __init__(self, archive: Path, name: str) -> None:
        self.folder = archive / "runs" / name
        self._tables = sorted((archive / "scalars").glob(f"{name}*.csv"))

    def rows(self) -> Rows:
        """Return each step with its scalars, file after file."""
        found = []
        for table in self._tables:
            with table.open(newline="", encoding="utf-8") as lines:
                for row in csv.DictReader(lines):
                    step = int(row.pop("step"))
                    found.append((step, {tag: float(text) for tag, text in row.items() if text}))
        return found

    def named(self, names: dict[str, str]) -> Rows:
        """Return the rows with the scalars that a tool knows, under its names; a leading minus changes the sign."""
        return [
            (
                step,
                {
                    name: -scalars[tag[1:]] if tag.startswith("-") else scalars[tag]
                    for name, tag in names.items()
                    if tag.lstrip("-") in scalars
                },
            )
            for step, scalars in self.rows()
        ]


def runmedic(run: Recorded) -> list[str]:
    from runmedic import loaders, roles
    from runmedic.checks import run_checks

    found = [finding for one in loaders.load(str(run.folder)) for finding in run_checks(one, roles.detect(one, {}))]
    return [finding.check for finding in found if finding.severity in ("critical", "warning")]


def losslint(run: Recorded) -> list[str]:
    from losslint.checks import run_all_checks
    from losslint.parsing import load_run

    # Of an event file it takes the first tag with "loss" in its name, whichever that is.
    rows = [(step, scalars) for step, scalars in run.named({"loss": "train/loss"}) if scalars]
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as table:
        table.writelines(["step,loss\n", *(f"{step},{scalars['loss']}\n" for step, scalars in rows)])
        table.flush()
        found = run_all_checks(load_run(Path(table.name))) if rows else []
    return [finding.check for finding in found if finding.severity in ("error", "warning")]


def trainspotter(run: Recorded) -> list[str]:
    from trainspotter.detectors import run_all
    from trainspotter.readers import load_run

    return [finding.detector for finding in run_all(load_run(str(run.folder))) if finding.severity != "info"]


def zen_rl(run: Recorded) -> list[str]:
    from zen.detect.rules import detect
    from zen.ingest.tensorboard import load_run
    from zen.vlak import group, rank

    return [issue["mode"] for issue in group(rank(detect(load_run(str(run.folder)))))]


def other_rldoctor(run: Recorded) -> list[str]:
    from rl_doctor.detectors.base import Severity
    from rl_doctor.diagnosis import diagnose
    from rl_doctor.ingest.base import run_from_records

    names = {
        "reward_mean": "rollout/ep_rew_mean",
        "eval_score": "rollout/success_rate",
        "entropy": "-train/entropy_loss",
        "kl": "train/approx_kl",
        "pg_clipfrac": "train/clip_fraction",
        "grad_norm": "doctor/gradient_norm",
        "lr": "train/learning_rate",
        "policy_loss": "train/policy_gradient_loss",
    }
    records = [{"step": step, **scalars} for step, scalars in run.named(names)]
    said = diagnose(run_from_records(records, config={"algorithm": "ppo"}))
    return [finding.detector for finding in said.problems if finding.severity >= Severity.WARNING]


def gradsnitch(run: Recorded) -> list[str]:
    import gradsnitch as tool
    import pandas as pd

    names = {"train_loss": "train/loss", "lr": "train/learning_rate", "grad_norm": "doctor/gradient_norm"}
    rows = [{"step": step, **scalars} for step, scalars in run.named(names) if "train_loss" in scalars]
    found = tool.lint(pd.DataFrame(rows)) if rows else []
    return [finding.code for finding in sorted(found, key=lambda finding: finding.severity != "error")]


def rlprobe(run: Recorded) -> list[str]:
    from rlprobe.doctor import RunView, diagnose_view
    from rlprobe.schemas import RunManifest, StepRecord

    names = {
        "reward_mean": "rollout/ep_rew_mean",
        "kl_mean": "train/approx_kl",
        "entropy_mean": "-train/entropy_loss",
        "clip_fraction": "train/clip_fraction",
        "value_loss": "train/value_loss",
        "value_explained_variance": "train/explained_variance",
        "loss": "train/loss",
        "lr": "train/learning_rate",
        "grad_norm": "doctor/gradient_norm",
    }
    records = [StepRecord(step=step, **scalars) for step, scalars in run.named(names)]
    manifest = RunManifest(run_id="run", created_at="2026-01-01T00:00:00", algorithm="ppo")
    return [finding.signature_id for finding in diagnose_view(RunView(manifest, records)) if finding.severity != "info"]


def pytscope(run: Recorded) -> list[str]:
    import pytscope.diagnosis
    from pytscope.analyzers.convergence import analyze_convergence
    from pytscope.core.events import StepRecord
    from pytscope.diagnosis.engine import DiagnosisContext, run_diagnosis

    assert pytscope.diagnosis, "its rules register themselves when it is imported"
    names = {"loss": "train/loss", "lr": "train/learning_rate", "grad_norm": "doctor/gradient_norm"}
    steps = [StepRecord(step=step, scalars=scalars, timestamp=0.0) for step, scalars in run.named(names)]
    found = run_diagnosis(DiagnosisContext(convergence=analyze_convergence(steps), steps=steps))
    return [finding.code for finding in found if finding.severity in ("high", "med")]


TOOLS: dict[str, Callable[[Recorded], list[str]]] = {
    "runmedic": runmedic,
    "losslint": losslint,
    "trainspotter": trainspotter,
    "zen-rl": zen_rl,
    "rldoctor": other_rldoctor,
    "gradsnitch": gradsnitch,
    "rlprobe": rlprobe,
    "pytscope": pytscope,
}


def answers(tool: str, archive: Path) -> Iterator[dict[str, Any]]:
    """Yield the answer of a tool on each run; one that it fails on is not flagged, and its error is told."""
    with (archive / "runs.csv").open(newline="", encoding="utf-8") as lines:
        names = [row["id"] for row in csv.DictReader(lines)]
    for name in names:
        error = ""
        try:
            with contextlib.redirect_stdout(sys.stderr):
                said = list(dict.fromkeys(TOOLS[tool](Recorded(archive, name))))
        except Exception as problem:
            said, error = [], f"{type(problem).__name__}: {problem}"
        causes = [cause for code in said if (cause := CAUSES[tool].get(code))]
        yield {
            "id": name,
            "flagged": int(bool(said)),
            "causes": " ".join(causes),
            "said": json.dumps(said),
            "error": error,
        }


if __name__ == "__main__":
    writer = csv.DictWriter(sys.stdout, ("id", "flagged", "causes", "said", "error"), lineterminator="\n")
    writer.writeheader()
    writer.writerows(answers(sys.argv[1], Path(sys.argv[2])))
