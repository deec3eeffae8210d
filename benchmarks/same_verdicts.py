"""Compare what two checkouts say of every recorded run: python -m benchmarks.same_verdicts OTHER_CHECKOUT

A change of structure or of words must not move a verdict. The runs of ``tests/runs`` and ``tests/strangers``, the cases
of ``tests/cases`` and whatever is below ``--also`` are diagnosed by this checkout and by the other one, each in a process
of its own, through the public ``rldoctor.diagnose`` and the JSON report alone, so that modules may have other names
there. Compared are verdict, reference, ranking, probabilities, evidence, findings with severity and strength, and every
number that a sign observed. Differences are printed; the exit code is 1 where there is one.
"""

from __future__ import annotations

import argparse
import builtins
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-9
_SHOWN, _WIDTH = 40, 200


def collect(asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return what the rldoctor that is imported here says of each ``(path, framework)``, by path of the run."""
    import rldoctor
    from rldoctor.errors import RldoctorError

    said: dict[str, Any] = {}
    for path, framework in asked:
        try:
            said.update(_subjects(_diagnose(rldoctor, path, framework)))
        except RldoctorError as error:
            said[path] = {"error": type(error).__name__}
    return said


def _diagnose(rldoctor: Any, path: str, framework: str) -> Any:
    if not framework:
        return rldoctor.diagnose(path)
    try:
        return rldoctor.diagnose(path, framework=framework)
    except TypeError:
        # As the argument was called before.
        return rldoctor.diagnose(path, names=framework)


def _subjects(report: Any) -> Iterator[tuple[str, Any]]:
    for subject in json.loads(report.render("json"))["subjects"]:
        yield (
            subject["path"],
            {
                "verdict": subject["verdict"],
                "reference": subject["reference"],
                "framework": subject["framework"],
                "steps": subject["steps"],
                "diagnoses": [[d["name"], d["probability"], d["for"], d["against"]] for d in subject["diagnoses"]],
                "findings": [
                    [f["code"], f["name"], f["severity"], f["strength"], _numbers(f["evidence"])]
                    for f in subject["findings"]
                ],
                "table": [[row["metric"], row["mark"]] for row in subject["table"]],
            },
        )


def _numbers(evidence: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in evidence.items() if isinstance(value, (int, float))}


def differences(here: Any, there: Any, where: str = "") -> Iterator[str]:
    """Yield in words where two answers differ; numbers may be ``TOLERANCE`` apart."""
    if isinstance(here, dict) and isinstance(there, dict):
        for key in sorted({*here, *there}):
            yield from differences(here.get(key), there.get(key), f"{where}.{key}" if where else key)
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for place, (one, other) in enumerate(zip(here, there, strict=True)):
            yield from differences(one, other, f"{where}[{place}]")
    elif _is_number(here) and _is_number(there):
        if not (here == there or abs(here - there) <= TOLERANCE or (math.isnan(here) and math.isnan(there))):
            yield f"{where}: {here!r} here, {there!r} there"
    elif here != there:
        yield f"{where}: {here!r} here, {there!r} there"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _asked(folder: Path, also: Sequence[Path]) -> list[tuple[str, str]]:
    """Return what is to be diagnosed: folders, and the cases, rebuilt as tables in ``folder``."""
    from tests.diagnosis.public_cases import cases

    asked = [(str(ROOT / "tests/runs"), ""), (str(ROOT / "tests/strangers"), "")]
    asked += [(str(path.resolve()), "") for path in also]
    for case in cases():
        case.rebuild(folder)
        asked.append((str(folder / f"{case.name}.csv"), case.framework))
    return asked


def _start(checkout: Path, python: str, list_: Path, out: Path) -> subprocess.Popen[bytes]:
    """Diagnose in a process that imports rldoctor from ``checkout``; this file is run by its path, not imported."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    return subprocess.Popen([python, __file__, "--collect", list_, out], cwd=checkout, env=environment)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="another checkout of rldoctor")
    parser.add_argument("--python", default=sys.executable, help="the interpreter for the other checkout")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="folders of more runs")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = folder / "cases"
        cases.mkdir()
        list_ = folder / "asked.json"
        list_.write_text(json.dumps(_asked(cases, chosen.also)))
        sides = [(ROOT, sys.executable), (chosen.other.resolve(), chosen.python)]
        outs = [folder / f"{place}.json" for place in range(len(sides))]
        running = [_start(*side, list_, out) for side, out in zip(sides, outs, strict=True)]
        if sum(process.wait() for process in running):
            return 2
        here, there = (json.loads(out.read_text()) for out in outs)
    found = list(differences(here, there))
    for line in found[:_SHOWN]:
        print(line[:_WIDTH])
    changed = sum(any(differences(here.get(run), there.get(run))) for run in {*here, *there})
    print(f"{len(here)} runs here, {len(there)} there: {len(found)} differences in {changed} runs.")
    return 1 if found else 0


def _collect(list_: str, out: str) -> int:
    # Reports round probabilities and strengths for readers; a comparison wants them as they were computed.
    rounded = builtins.round
    builtins.round = lambda number, digits=None: rounded(number) if digits is None else number  # type: ignore[assignment]
    Path(out).write_text(json.dumps(collect(json.loads(Path(list_).read_text()))))
    return 0


if __name__ == "__main__":
    sys.exit(_collect(*sys.argv[2:]) if sys.argv[1:2] == ["--collect"] else main())
