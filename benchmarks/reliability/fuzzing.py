"""Random inputs: by mutation, by properties (Hypothesis), and guided by coverage (atheris)."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.reliability.fault import ROOT, Fault, Row
from benchmarks.reliability.targets import TARGETS, clean_up, seeds
from tests.logs.conftest import Make

TITLE = "Fuzzing"
_WHAT = {
    "reader": "event files",
    "tables": "tables, archives and JSON of a run",
    "rules": "rules, tag mappings, recipes, bands",
    "reports": "saved reports",
}
_PROMISE = "no crash, no hang, memory bounded"


def mutated(draw: random.Random, seed: bytes) -> bytes:
    """Return ``seed`` with some bytes changed, removed, repeated, or replaced by numbers and words."""
    data = bytearray(seed)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(data) + 1)
        length = draw.choice((1, 1, 2, 4, 8, 60))
        kind = draw.randrange(5)
        if kind == 0:
            data[at : at + length] = draw.randbytes(length)
        elif kind == 1:
            del data[at : at + length]
        elif kind == 2:
            data[at:at] = data[at : at + length] * draw.choice((1, 2, 50))
        elif kind == 3:
            data[at : at + length] = draw.choice(
                (
                    b"0",
                    b"-1",
                    b"1e999",
                    b"nan",
                    b"[]",
                    b"{}",
                    b'""',
                    b"null",
                    b"true",
                    b"\xff",
                    b"\0",
                    b"\n",
                    b"[" * 300,
                )
            )
        elif data:
            data[min(at, len(data) - 1)] ^= 1 << draw.randrange(8)
    return bytes(data)


def by_mutation(target: str, place: Path, often: int) -> Row:
    del place
    draw = random.Random(target)
    for i in range(often):
        data = mutated(draw, draw.choice(seeds(target)))
        try:
            TARGETS[target](data)
        except Exception as error:
            Path(f"crash-{target}-{i}").write_bytes(data)
            raise AssertionError(f"{target}, input {i}: {type(error).__name__}: {error}") from error
    clean_up()
    return Row(often, _PROMISE)


_TAGS = st.sampled_from(("train/approx_kl", "rollout/ep_rew_mean", "losses/entropy", "doctor/x")) | st.text(max_size=8)
_EVENTS = st.lists(
    st.tuples(st.integers(-(2**63), 2**63 - 1), _TAGS, st.floats(width=32), st.floats() | st.just(1.7e9)), max_size=30
)


def by_properties(place: Path, often: int) -> Row:
    del place
    tried = 0

    @settings(
        max_examples=often, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(_EVENTS, st.binary(max_size=40), st.integers(0, 2**16))
    def holds(points: list[tuple[int, str, float, float]], tail: bytes, cut: int) -> None:
        nonlocal tried
        tried += 1
        events = []
        for step, tag, value, wall in points:
            if not any("\ud800" <= c <= "\udfff" for c in tag):
                events.append(Make.scalars(step, {tag: value}, wall))
        content = Make.content(events)
        TARGETS["reader"](content[:cut] + tail)

    holds()
    clean_up()
    return Row(tried, _PROMISE)


def guided(target: str, place: Path, often: int) -> Row:
    corpus = place / "corpus"
    corpus.mkdir()
    limits = [
        f"-runs={often}",
        "-max_len=8192",
        "-timeout=30",
        "-rss_limit_mb=2048",
        "-seed=1",
        f"-artifact_prefix={place}/",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reliability.targets", target, corpus, *limits],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    [runs] = re.findall(r"Done (\d+) runs in", done.stderr)
    first, *_, last = re.findall(r"cov: (\d+) ft: (\d+)", done.stderr)
    peak = max(map(int, re.findall(r"rss: (\d+)Mb", done.stderr)))
    return Row(
        int(runs),
        f"{_PROMISE} (at most {peak} MiB, at most 30 s an input); {first[0]} branches reached at first, {last[0]} at the end",
    )


def no_atheris() -> str:
    return "" if importlib.util.find_spec("atheris") else "pip install atheris"


FAULTS = (
    *(
        Fault(f"{_WHAT[name]}, mutated", partial(by_mutation, name), often, briefly)
        for name, often, briefly in (
            ("reader", 2_000, 40),
            ("tables", 3_000, 60),
            ("rules", 10_000, 150),
            ("reports", 400, 4),
        )
    ),
    Fault(
        "event files with any points, cut anywhere, with any tail (Hypothesis)", by_properties, often=1_000, briefly=20
    ),
    *(
        Fault(f"{_WHAT[name]}, guided by coverage (atheris)", partial(guided, name), often, why_not=no_atheris)
        for name, often in (("reader", 6_000), ("tables", 6_000), ("rules", 20_000), ("reports", 600))
    ),
)
