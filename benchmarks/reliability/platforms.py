"""Other Python versions, unusual paths, and missing parts of the operating system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from unittest import mock

from benchmarks.reliability.event_files.files import recorded, written
from benchmarks.reliability.fault import (
    FORMATS,
    HEALTHY,
    ROOT,
    RUNS,
    SICK,
    Fault,
    Row,
    here,
    missing,
    not_root,
    rldoctor,
)

TITLE = "Platforms"


def interpreter(version: str) -> str:
    """Return the path of a Python of this version; empty if there is none."""
    places = [
        shutil.which(f"python{version}") or "",
        *map(str, sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))),
    ]
    for place in reversed(places):
        asked = [place, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"]
        if place and subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == version:
            return place
    return ""


def base_install(version: str) -> str:
    """Return a Python of this version with the base install only; it is created once, in build/."""
    place = ROOT / "build" / f"python-{version}"
    python = place / "bin" / "python"
    if not python.exists():
        subprocess.run([interpreter(version), "-m", "venv", place], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", ROOT], check=True)
    return str(python)


def other_python(version: str, place: Path, often: int) -> Row:
    python = base_install(version)
    env = {"PYTHONPATH": str(ROOT)}
    without = subprocess.run([python, "-c", "import torch"], capture_output=True, check=False)
    assert without.returncode, "the base install needs no PyTorch"
    runs = [*sorted((RUNS / "healthy").rglob("*tfevents*")), *sorted((RUNS / "sick").rglob("*tfevents*"))][
        :: max(1, 300 // often)
    ]
    folders = [path.parent for path in runs]
    mine = rldoctor("diagnose", *folders, "--format", "json")
    theirs = rldoctor("diagnose", *folders, "--format", "json", python=python, env=env)
    assert theirs.out == mine.out, "the same words on every Python"
    report = place / "report.json"
    report.write_text(theirs.out)
    for name in FORMATS:
        done = rldoctor("show", report, "--format", name, python=python, env=env)
        assert done.code == mine.code, done.err
    assert rldoctor("gate", folders[0], python=python, env=env).code == 3
    done = rldoctor("train", python=python, env=env)
    assert (done.code, "pip install" in done.err) == (2, True)
    full = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return Row(
        len(folders),
        f"{full}, base install: the same report of these runs, in {len(FORMATS)} formats; gate; train says what to install",
    )


def not_there(version: str) -> str:
    return "" if interpreter(version) else f"Python {version} is not installed"


def odd_places(place: Path, often: int) -> Row:
    from rldoctor.references import load_recipe
    from rldoctor.training.evaluate import evaluate
    from rldoctor.training.train import train

    for name in ("with spaces", "ünï çødé 漢字", "quote'\"$(x)", "a#b?c%41&d", "-starts-with-a-dash")[:often]:
        folder = place / name
        folder.mkdir()
        recipe = load_recipe("quick").with_overrides(
            ["n_envs=2", "n_steps=64", "batch_size=64", "n_epochs=1", "total_steps=256"]
        )
        train(recipe, folder, 0, threads=1)
        evaluate(folder, episodes=2, threads=1)
        assert here("gate", folder)[0] in (1, 3)
        for form in FORMATS:
            assert here("diagnose", folder, "--format", form, "-o", folder / f"report.{form}")[0] in (0, 1, 3)
        assert here("show", folder / "report.json")[0] in (0, 1, 3)
    return Row(often, "trained, evaluated, gated, diagnosed and reported in all formats")


def no_temporary_folder(place: Path, often: int) -> Row:
    """Make /tmp read-only, with no variable that names another place."""
    script = 'mount -t tmpfs -o ro tmpfs /tmp && mount -t tmpfs -o ro tmpfs /var/tmp && mount -t tmpfs -o ro tmpfs /dev/shm && exec "$@"'
    prefix = ("unshare", "-m", "sh", "-c", script, "sh")
    settings = "n_envs=2,n_steps=64,batch_size=64,n_epochs=1,total_steps=256"
    work = ROOT / "build" / "no-tmp"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        for _ in range(often):
            env = {"TMPDIR": "/nowhere", "TEMP": "/nowhere", "TMP": "/nowhere"}
            for words in (
                ("diagnose", HEALTHY, SICK),
                ("gate", HEALTHY),
                ("train", "--reference", "quick", "--set", settings, "--runs", work),
            ):
                done = rldoctor(*words, prefix=prefix, env=env, cwd=ROOT)
                assert done.code in (0, 1, 3), done.err
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Row(3 * often, "diagnose, gate and train work without them")


def less_of_a_system(place: Path, often: int) -> Row:
    """Remove calls that only Linux or Unix has."""
    content, _, _ = recorded(10**9)
    tried = 0
    for name in ("sched_getaffinity", "sched_setaffinity", "O_NONBLOCK", "sysconf", "getpgid")[:often]:
        tried += 1
        with mock.patch.object(os, name, create=True):
            delattr(os, name)
            assert here("diagnose", written(place / name, content))[0] == 0
            assert here("about")[0] == 0
        assert hasattr(os, name)
    with mock.patch.object(sys, "platform", "win32"):
        assert here("diagnose", HEALTHY)[0] == 0
    return Row(tried + 1, "diagnose and about work without sched_getaffinity, O_NONBLOCK, sysconf")


def cannot_unshare() -> str:
    if not_root() or missing("unshare"):
        return not_root() or missing("unshare")
    done = subprocess.run(["unshare", "-m", "-n", "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "namespaces are not allowed"


FAULTS = (
    *(
        Fault(f"Python {version}", partial(other_python, version), often=100, why_not=partial(not_there, version))
        for version in ("3.12", "3.13")
    ),
    Fault("paths with spaces, quotes and non-Latin letters", odd_places, often=5, briefly=1),
    Fault("no /tmp, no /dev/shm, nothing in TMPDIR", no_temporary_folder, often=1, why_not=cannot_unshare),
    Fault("a system without Linux-specific calls", less_of_a_system, often=5, briefly=5),
)
