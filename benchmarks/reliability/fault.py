"""The faults, and what their trials need: the command run in its own process, with time and memory measured."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import ROOT

RUNS = ROOT / "tests" / "runs"
HEALTHY = RUNS / "healthy/cartpole/zoo/as-recorded-20"
SICK = RUNS / "sick/learning-rate-too-high/fetch_reach_dense-learning-rate-high-extreme-100"
FORMATS = ("text", "json", "html", "junit", "sarif", "github", "md", "csv")


@dataclass(frozen=True)
class Row:
    """The result of testing a fault.

    Attributes:
        tried: Number of trials.
        outcome: What happened in each, in words.
        lost: What was lost.
    """

    tried: int
    outcome: str
    lost: str = "nothing"


@dataclass(frozen=True)
class Fault:
    """A fault that can be tested.

    Attributes:
        name: What goes wrong, in words.
        do: Tests it in an empty folder a number of times, and raises if a promise is broken.
        often: Number of trials in the benchmark.
        briefly: Number of trials in the tests; 0 if it takes too long there, or needs what few machines have.
        why_not: Says why it cannot be tested on this machine; empty if it can.
    """

    name: str
    do: Callable[[Path, int], Row]
    often: int
    briefly: int = 0
    why_not: Callable[[], str] = lambda: ""


@dataclass(frozen=True)
class Done:
    """A finished command: exit code, output, time and memory."""

    code: int
    out: str
    err: str
    seconds: float
    mebibytes: float


def rldoctor(
    *arguments: object,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    python: str = sys.executable,
    limit: float = 600,
    **how: Any,
) -> Done:
    """Run the command in its own process, after ``prefix`` (``taskset``, ``unshare``, ...).

    Its output must never contain a traceback or report a defect.
    """
    meter = "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(code if code >= 0 else 100 - code)"
    command = [sys.executable, "-c", meter, *prefix, python, "-m", "rldoctor", *map(str, arguments)]
    begun = time.perf_counter()
    how = {"capture_output": True, "text": True, "encoding": "utf-8", "errors": "backslashreplace"} | how
    done = subprocess.run(command, env={**os.environ, **(env or {})}, timeout=limit, check=False, **how)
    seconds = time.perf_counter() - begun
    err, _, peak = (done.stderr or "peak 0").rpartition("peak ")
    assert "Traceback" not in err, err[-3000:]
    assert "rldoctor itself failed" not in err + (done.stdout or ""), (arguments, err[-1000:])
    return Done(done.returncode, done.stdout or "", err, seconds, int(peak or 0) / 1024)


def here(*arguments: object) -> tuple[int, str]:
    """Run the command in this process; return its exit code and everything that it printed."""
    from rldoctor.cli.app import run

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run([str(argument) for argument in arguments])
    text = said.getvalue()
    assert "rldoctor itself failed" not in text, (arguments, text[-1000:])
    return code, text


def subjects(text: str) -> list[dict[str, Any]]:
    """Return the subjects of a report in JSON."""
    found: list[dict[str, Any]] = json.loads(text)["subjects"]
    return found


def in_every_format(directory: Path, *words: str) -> int:
    """Diagnose ``directory`` in every format, and return the exit code, which must be the same for all."""
    codes = {here("diagnose", directory, "--format", name, *words)[0] for name in FORMATS}
    assert len(codes) == 1, codes
    return codes.pop()


def missing(*programs: str) -> str:
    """Return why a fault cannot be tested without these programs; empty if all are installed."""
    lacking = [program for program in programs if shutil.which(program) is None]
    return f"needs {', '.join(lacking)}" if lacking else ""


def not_root() -> str:
    """Return why a fault cannot be tested by an ordinary user; empty for root."""
    return "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "needs root"
