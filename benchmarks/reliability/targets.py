"""Fuzzing targets: each function takes any bytes and raises only if a promise is broken.

Run as a program, atheris (libFuzzer) searches for such bytes, guided by the branches that they reach:
python -m benchmarks.reliability.targets NAME FOLDER [options of libFuzzer]
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from benchmarks.reliability.fault import HEALTHY, SICK
from rldoctor import datafile, references
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.logs import read_run
from rldoctor.logs.tag_mapping import load_tag_mapping
from rldoctor.model import make_report
from rldoctor.model.report_json import read_report
from rldoctor.render.formats import FORMATS, render
from rldoctor.rulebook import Metric, load, load_rulebook

# The parts whose branches guide the search.
INSTRUMENTED = (
    "rldoctor.logs",
    "rldoctor.datafile",
    "rldoctor.rulebook.load",
    "rldoctor.references",
    "rldoctor.recipe",
    "rldoctor.hyperparameters",
    "rldoctor.model.report_json",
)
_FEW = 4_000  # bytes of a recorded file that are a good seed


@cache
def _place() -> Path:
    # Where the system keeps files in memory, if it does.
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))


def _file(name: str, data: bytes) -> Path:
    place = _place() / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


def reader(data: bytes) -> None:
    """Event files: no error, no offset outside the file, no result from nothing."""
    path = _file("run/events.out.tfevents.1.host.1.0", data)
    run = read_run(path.parent)
    assert run.curves or run.unknown_tags or run.findings or not data
    for finding in run.findings:
        byte = finding.evidence.get("byte", 0)
        assert isinstance(byte, int)
        assert 0 <= byte <= len(data), finding
    subject = diagnose_run(run)
    if not run.curves:
        assert subject.verdict == "unjudged"


_TABLES = ("progress.csv", "progress.json", "monitor.csv", "evaluations.npz", "run.json", "evaluation.json")


def tables(data: bytes) -> None:
    """The other files of a run directory; the first byte selects one."""
    if not data:
        return
    name = _TABLES[data[0] % len(_TABLES)]
    folder = _file(f"tables/{name}", data[1:]).parent
    diagnose_run(read_run(folder))
    (folder / name).unlink()


def rules(data: bytes) -> None:
    """Rules, tag mappings, recipes and bands: accepted, or refused with one sentence that names the file."""
    if not data:
        return
    name, read = _RULES[data[0] % len(_RULES)]
    path = _file(f"rules/{name}", data[1:])
    try:
        read(path)
    except UsageError as error:
        assert error.problem, data


_SIGN, _CAUSE = "UPD101-approx-kl-above-range.toml", "learning-rate-too-high.toml"
_RULES: tuple[tuple[str, Callable[[Path], object]], ...] = (
    (_SIGN, lambda path: load._sign(path, load_rulebook().metrics, load_rulebook().algorithms)),
    (_CAUSE, lambda path: load._diagnosis(path, load_rulebook().signs, load_rulebook().algorithms)),
    ("sb3.toml", load_tag_mapping),
    ("recipe.toml", lambda path: references._recipe.__wrapped__(path)),
    ("curves.csv", references.read_bands),
    ("metrics.toml", lambda path: load._rules(path, dict[str, Metric])),
)


def reports(data: bytes) -> None:
    """Saved reports: shown in every format, or refused with one sentence."""
    path = _file("report.json", data)
    try:
        report = read_report(path)
    except (UsageError, CannotJudge):
        return
    for name in FORMATS:
        if name == "text":
            from rldoctor.render.terminal.report import lines_of

            text = "\n".join(lines_of(report))
        else:
            text = render(report, name) or ""
        assert "\x1b" not in text


TARGETS: Mapping[str, Callable[[bytes], None]] = {f.__name__: f for f in (reader, tables, rules, reports)}


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    """Return valid inputs to start from."""
    checks = datafile.folder("checks")
    if target == "reader":
        recorded = [next(run.glob("*tfevents*")).read_bytes() for run in (HEALTHY, SICK)]
        return (*(content[:_FEW] for content in recorded), b"")
    if target == "rules":
        recipe = references.find_folder("quick")
        files = (
            checks / f"signs/update/{_SIGN}",
            checks / f"diagnoses/{_CAUSE}",
            checks / "tags/sb3.toml",
            recipe / "recipe.toml",
            recipe / "curves.csv",
            checks / "metrics.toml",
        )
        return tuple(bytes([i]) + file.read_bytes()[:_FEW] for i, file in enumerate(files))
    if target == "reports":
        subject = diagnose_run(read_run(SICK))
        return ((render(make_report("diagnose", [subject]), "json") or "").encode(),)
    csv = b"time/total_timesteps,rollout/ep_rew_mean\n100,1.5\n200,nan\n"
    lines = b'{"time/total_timesteps": 100, "train/approx_kl": 0.1}\n'
    monitor = b'#{"t_start": 1.0, "env_id": "x"}\nr,l,t,is_success\n1.5,50,0.2,True\n'
    record = json.dumps({"status": "running", "recipe": {"algorithm": "ppo", "env": "x"}, "seed": 0}).encode()
    evaluation = json.dumps({"aggregate": {"success_rate": 1.0}, "policy": {"steps": 100}}).encode()
    import io

    import numpy as np

    archive = io.BytesIO()
    np.savez(archive, timesteps=[1, 2], results=[[1.0], [2.0]], ep_lengths=[[5], [5]])
    return tuple(bytes([i]) + c for i, c in enumerate((csv, lines, monitor, archive.getvalue(), record, evaluation)))


def main() -> None:
    import atheris

    name, folder, *options = sys.argv[1:]
    for i, seed in enumerate(seeds(name)):
        (Path(folder) / f"seed-{i}").write_bytes(seed)
    modules = [module for key, module in sys.modules.items() if key.startswith(INSTRUMENTED)]
    for module in modules:
        for value in vars(module).values():
            if callable(value) and getattr(value, "__module__", "") == module.__name__ and hasattr(value, "__code__"):
                atheris.instrument_func(value)
            elif isinstance(value, type) and value.__module__ == module.__name__:
                for method in vars(value).values():
                    if hasattr(method, "__code__"):
                        atheris.instrument_func(method)
    atheris.Setup([sys.argv[0], folder, *options], TARGETS[name])
    atheris.Fuzz()


def clean_up() -> None:
    shutil.rmtree(_place(), ignore_errors=True)


if __name__ == "__main__":
    os.environ["RLDOCTOR_TRACEBACK"] = "1"
    main()
