"""Attacks in runs, policies, recipes and reports from strangers, none of which may succeed."""

from __future__ import annotations

import copy
import csv
import html.parser
import importlib.metadata
import importlib.util
import io
import json
import pickle
import re
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from benchmarks.reliability.event_files import recorded, written
from benchmarks.reliability.fault import FORMATS, HEALTHY, ROOT, SICK, Fault, Row, here, rldoctor
from benchmarks.reliability.platforms import cannot_unshare
from rldoctor import run_directory
from rldoctor.errors import CannotJudge
from rldoctor.references import load_recipe

TITLE = "Trust"
SETTINGS = "n_envs=2,n_steps=64,batch_size=64,n_epochs=1,total_steps=256"


class Planted:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def trained(place: Path) -> Path:
    from rldoctor.training.evaluate import evaluate
    from rldoctor.training.train import train

    place.mkdir()
    train(load_recipe("quick").with_overrides(SETTINGS.split(",")), place, 0, threads=1)
    evaluate(place, episodes=2, threads=1)
    return place


def repacked(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, change(name, content))


def planted_pickles(place: Path, often: int) -> Row:
    """In each file of a run and each member of its archives, by itself and as PyTorch and numpy pack it."""
    import torch

    whole, trap = trained(place / "whole"), place / "trap"
    pickle.loads(pickle.dumps(Planted(trap)))
    assert trap.exists(), "the trap works"
    trap.unlink()
    packed = io.BytesIO()
    torch.save({"a": Planted(trap)}, packed)
    arrays = io.BytesIO()
    np.save(arrays, np.array([Planted(trap)], dtype=object), allow_pickle=True)
    bait = (pickle.dumps(Planted(trap)), packed.getvalue(), arrays.getvalue(), pickle.dumps(Planted(trap), 0))
    names = [path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()]
    names += [
        "evaluations.npz",
        "progress.csv",
        "progress.json",
        "monitor.csv",
        "report.json",
        "model.pkl",
        "meta.yaml",
    ]
    spots = [(name, "") for name in names]
    for name in names:
        if name.endswith(".zip"):
            with zipfile.ZipFile(whole / name) as archive:
                spots += [(name, member) for member in archive.namelist()]
    tried = 0
    for name, member in spots[:: max(1, len(spots) // often)]:
        for content in bait:
            tried += 1
            directory = Path(shutil.copytree(whole, place / "run"))
            if member:
                repacked(
                    directory / name, lambda m, old, member=member, content=content: content if m == member else old
                )
            else:
                (directory / name).write_bytes(content)
            (directory / run_directory.EVALUATION_FILE).exists()
            for words in (("diagnose",), ("gate",), ("evaluate", "--episodes", "1"), ("train", "--resume")):
                code, _ = here(*words[:1], *words[1:], directory)
                assert code in (0, 1, 2, 3)
                assert not trap.exists(), (name, member, words)
            here("show", directory / name)
            assert not trap.exists(), (name, member)
            shutil.rmtree(directory)
    return Row(tried, "diagnose, gate, evaluate, train --resume and show run none of them")


def _archives(policy: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield hostile policies: what is wrong, and the archive."""
    import torch

    def with_member(name: str, content: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
        file = io.BytesIO(policy)
        new = io.BytesIO()
        with zipfile.ZipFile(file) as old, zipfile.ZipFile(new, "w") as archive:
            for member in old.namelist():
                if member != name:
                    archive.writestr(member, old.read(member))
            archive.writestr(name, content, compression)
        return new.getvalue()

    def saved(thing: Any) -> bytes:
        file = io.BytesIO()
        torch.save(thing, file)
        return file.getvalue()

    zeros = bytes(2**20)
    huge = io.BytesIO()
    with (
        zipfile.ZipFile(huge, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("policy.pth", "w", force_zip64=True) as member,
    ):
        for _ in range(600):
            member.write(zeros)
    yield "a member of 600 MiB in 600 kB", huge.getvalue()
    inner = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved({"a": torch.zeros(2**24)}))) as old,
        zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    yield "tensors that unpack to a thousand times their size", with_member("policy.pth", inner.getvalue())
    claims = bytearray(saved({"a": torch.zeros(4)}))
    at = claims.rindex(b"PK\x01\x02")
    claims[at + 24 : at + 28] = b"\xff\xff\xff\x7f"
    yield "a directory that claims 2 GiB", with_member("policy.pth", bytes(claims))
    overlapping = io.BytesIO(saved({"a": torch.zeros(1000)}))
    with zipfile.ZipFile(overlapping, "a") as archive:
        [data] = [member for member in archive.infolist() if member.filename.endswith("data/0")]
        for i in range(1000):
            again = copy.copy(data)
            again.filename = f"archive/data/{i + 1}"
            archive.filelist.append(again)
        archive._didModify = True
    yield "the same bytes under a thousand names", with_member("policy.pth", overlapping.getvalue())
    yield "weights of other shapes", with_member("policy.pth", saved({"log_std": torch.zeros(7)}))
    yield "no dictionary", with_member("policy.pth", saved(torch.zeros(3)))
    yield (
        "an optimizer of other shapes",
        with_member("policy.optimizer.pth", saved({"state": {0: 1}, "param_groups": []})),
    )
    yield "JSON a hundred thousand deep", with_member("rldoctor.json", b"[" * 100_000)
    yield (
        "one tensor under every name, stretched",
        with_member("policy.pth", saved({f"w{i}": torch.zeros(1).expand(10**9) for i in range(99)})),
    )


def hostile_policies(place: Path, often: int) -> Row:
    from rldoctor.environments.vec_envs import make_training_envs
    from rldoctor.training import algorithm
    from rldoctor.training.train import train

    recipe = load_recipe("quick").with_overrides(SETTINGS.split(","))
    train(recipe, place, 0, threads=1)
    policy = (place / run_directory.POLICY_FILE).read_bytes()
    envs = make_training_envs(recipe)
    model = algorithm.build(recipe, envs, 0)
    envs.close()
    archives = list(_archives(policy))[:often]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, content in archives:
        (place / "policy.zip").write_bytes(content)
        try:
            algorithm.load_weights(model, place / "policy.zip")
            raise AssertionError(f"{name} was loaded")
        except CannotJudge as error:
            assert "\n" not in error.problem
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 400, grown
    # Names that lead out of the archive's folder: nothing is ever unpacked to the disk.
    with zipfile.ZipFile(place / "policy.zip", "w") as archive, zipfile.ZipFile(io.BytesIO(policy)) as old:
        for member in old.namelist():
            archive.writestr(member, old.read(member))
        for member in ("../../escaped", "/escaped", "..\\escaped"):
            archive.writestr(member, b"x")
    algorithm.load_weights(model, place / "policy.zip")
    assert not [path for path in (place, *place.parents) if (path / "escaped").exists()]
    return Row(
        len(archives) + 1,
        f"exit code 3 with one sentence each, {max(grown, 0):.0f} MiB more memory; nothing is written",
    )


def paths_that_lead_out(place: Path, often: int) -> Row:
    names = (
        "../x",
        "a/../../x",
        "/etc/x",
        "..",
        ".",
        "",
        "a//b",
        "..\\x",
        "C:/x",
        "~/x/../..",
        "a\0b",
        "x/.",
        "\\\\host\\share",
    )
    outside = place / "outside"
    outside.mkdir()
    tried = 0
    for name in names[:often]:
        tried += 2
        recipe = (ROOT / "reference_curves/fetch_reach_dense/quick/recipe.toml").read_text(encoding="utf-8")
        toml = place / "recipe.toml"
        named = re.sub(r'(?m)^name = ".*"', lambda _, name=name: f"name = {json.dumps(name)}", recipe)
        toml.write_text(named, encoding="utf-8")
        code, text = here("train", "--reference", toml, "--runs", outside / "runs", "--set", SETTINGS)
        assert code == 2, (name, text)
        run = place / "run"
        shutil.rmtree(run, ignore_errors=True)
        written(run, recorded()[0])
        (run / "run.json").write_text(json.dumps({"rldoctor_run": 1, "recipe": load_recipe("quick").to_json()}))
        (run / "evaluation.json").write_text(
            json.dumps(
                {
                    "rldoctor_evaluation": 1,
                    "env": load_recipe("quick").env,
                    "episodes": [{}],
                    "policy": {"file": f"{name}/../../secret", "sha256": ""},
                }
            )
        )
        (place / "secret").write_text("mine")
        assert here("gate", run)[0] == 3
    assert not [path for path in outside.rglob("*") if path.is_file()]
    return Row(
        tried,
        "recipes: exit code 2; an evaluation that points to a file outside the run: 3; nothing is read or written there",
    )


ATTACK = "r\x1b[2J\x9b31m\n::error::x\r##[error]y]]>&<script>alert(1)</script><img src=x onerror=alert(2)>\" onload=\"a ' onfocus='b {{7*7}} {%x%} @all `|` [a](javascript:c) %0A::d:: =1+1\u202e\u2028[red]z[/red]"


def attacked(value: Any, key: str = "") -> Any:
    """Return a report with the attack in every text that is not a word of a fixed choice."""
    if isinstance(value, dict):
        return {k: attacked(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [attacked(item, key) for item in value]
    fixed = (
        "verdict",
        "severity",
        "outcome",
        "relation",
        "kind",
        "mark",
        "observed",
        "threshold",
        "probability",
        "strength",
        "status",
    )
    if not isinstance(value, str) or not value or key in fixed:
        return value
    return ("=" if key == "path" else "") + ATTACK


class _Page(html.parser.HTMLParser):
    """Counts what could act."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.acting, self.links = 0, 0, []
        self.policy = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.scripts += tag == "script"
        self.acting += sum(name.startswith("on") for name in named)
        self.links += [named[name] for name in ("href", "src", "action") if name in named]
        if named.get("http-equiv", "") == "Content-Security-Policy":
            self.policy = named.get("content") or ""


def page(text: str) -> _Page:
    found = _Page()
    found.feed(text)
    return found


def hostile_reports(place: Path, often: int) -> Row:
    import os

    os.environ.pop("GITHUB_STEP_SUMMARY", None)
    tried = 0
    for source in (("diagnose", SICK, HEALTHY), ("gate", HEALTHY), ("preflight", "--select", "SYS1"))[:often]:
        _, text = here(*source, "--format", "json")
        good = json.loads(text)
        file = place / "report.json"
        file.write_text(json.dumps({**attacked(good), "command": source[0]}))
        clean = place / "clean.json"
        clean.write_text(text)
        for name in FORMATS:
            tried += 1
            code, shown = here("show", file, "--format", name)
            assert code == good["exit_code"]
            assert not {"\x1b", "\x9b", "\u202e"} & set(shown if name != "json" else ""), name
            lines = [line.lstrip() for line in shown.splitlines()]
            if name == "text":
                assert not [line for line in lines if line.startswith("::") and "error" in line.split("::")[1][:5]], (
                    lines
                )
            elif name == "github":
                assert all(" title=" in line for line in shown.splitlines() if line.startswith("::"))
            elif name == "html":
                ours, theirs = page(here("show", clean, "--format", "html")[1]), page(shown)
                assert (theirs.scripts, theirs.acting) == (ours.scripts, ours.acting)
                # In another order, where runs are sorted by what the attack changed.
                assert sorted(theirs.links) == sorted(ours.links)
                assert theirs.acting == 0
                assert theirs.policy.startswith("default-src 'none'; script-src 'sha256-")
                assert "unsafe-eval" not in theirs.policy
                assert "unsafe-inline" not in theirs.policy.partition("style-src")[0]
            elif name == "junit":
                ElementTree.fromstring(shown)
            elif name == "sarif":
                for result in json.loads(shown)["runs"][0]["results"]:
                    for location in result["locations"]:
                        uri = location.get("physicalLocation", {}).get("artifactLocation", {}).get("uri", "")
                        assert re.fullmatch(r"(file://)?[A-Za-z0-9_.~%/-]*", uri), uri
            elif name == "md":
                assert not re.search(r"<(script|img)|(?<!\\)\]\(javascript|@all", shown)
            elif name == "csv":
                cells = [cell for row in csv.reader(io.StringIO(shown)) for cell in row]
                assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]
            else:
                json.loads(shown)
    return Row(tried, "no control character, command, element, attribute, formula or URI gets through")


_WATCHED = """
import sys
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        target = arguments[1] if event == "socket.connect" else arguments[0]
        if not isinstance(target, (str, bytes)) or event != "socket.connect":
            sys.stderr.write(f"NETWORK {event} {arguments}\\n")
            raise OSError("no network")
sys.addaudithook(hook)
from rldoctor.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def no_network(place: Path, often: int) -> Row:
    commands: list[tuple[object, ...]] = [("diagnose", SICK, "--format", name) for name in FORMATS]
    commands += [("gate", HEALTHY), ("explain", "UPD101"), ("rules",), ("about",), ("diagnose", HEALTHY, "--verbose")]
    commands += [
        ("train", "--reference", "quick", "--set", SETTINGS, "--runs", place),
        ("evaluate", place / "fetch_reach_dense/quick/seed-0", "--episodes", "1"),
        ("preflight", "--env", "CartPole-v1"),
    ]
    for words in commands[-often:]:
        done = subprocess.run(
            [sys.executable, "-c", _WATCHED, *map(str, words)], capture_output=True, text=True, check=False
        )
        assert "NETWORK" not in done.stderr, (words, done.stderr[-500:])
        assert done.returncode in (0, 1, 3), (words, done.stderr[-500:])
    return Row(len(commands[-often:]), "no connection and no name lookup")


def unplugged(place: Path, often: int) -> Row:
    """In a network namespace with nothing in it, not even loopback."""
    commands: list[tuple[object, ...]] = [
        ("diagnose", SICK),
        ("train", "--reference", "quick", "--set", SETTINGS, "--runs", place),
        ("evaluate", place / "fetch_reach_dense/quick/seed-0", "--episodes", "1"),
        ("gate", place),
        ("preflight", "--env", "CartPole-v1"),
    ]
    for words in commands[:often]:
        assert rldoctor(*words, prefix=("unshare", "-n")).code in (0, 1, 3), words
    done = rldoctor(
        "diagnose",
        "s3://bucket/runs",
        prefix=("unshare", "-n"),
        env={
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        },
    )
    assert (done.code, "cannot be read" in done.err) == (2, True), done.err
    return Row(len(commands[:often]) + 1, "all work; a remote path gives exit code 2 with one sentence")


def known_faults(place: Path, often: int) -> Row:
    """Compare the pinned versions with safety-db, a list of vulnerabilities that is itself a package."""
    del place, often
    places = importlib.util.find_spec("safety_db")
    assert places is not None
    assert places.origin is not None
    faults = json.loads((Path(places.origin).parent / "insecure.json").read_text(encoding="utf-8"))
    pinned = re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^\s;]+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"))
    hit = [
        name
        for name, version in pinned
        for spec in faults.get(name.lower(), [])
        if Version(version) in SpecifierSet(spec)
    ]
    assert not hit, hit
    return Row(
        len(pinned),
        f"pinned packages, none in the outdated list {importlib.metadata.version('safety-db')}: see SECURITY.md",
    )


def no_safety_db() -> str:
    return "" if importlib.util.find_spec("safety_db") else "pip install safety-db"


def nothing_outside(place: Path, often: int) -> Row:
    """Give other files as tag mapping, reference or report."""
    tried = 0
    for content in (
        b"",
        b"\0" * 1000,
        b"a = " + b"[" * 10_000,
        b"a = " + b"9" * 10_000,
        b"\xff\xfe",
        b"[x]\n" * 50_000,
    )[:often]:
        file = place / "mine.toml"
        file.write_bytes(content)
        for words in (
            ("diagnose", HEALTHY, "--framework", file),
            ("diagnose", HEALTHY, "--reference", file),
            ("train", "--reference", file),
            ("show", file),
        ):
            tried += 1
            code, text = here(*words)
            assert code in (2, 3), (words, text)
    return Row(tried, "exit code 2 or 3 with one sentence")


FAULTS = (
    Fault("a pickle that creates a file, in every file and archive member of a run", planted_pickles, often=40),
    Fault(
        "zip bombs, false sizes, overlapping members, wrong shapes, paths that leave the archive",
        hostile_policies,
        often=9,
    ),
    Fault("recipes and evaluations with paths that leave their folder", paths_that_lead_out, often=13, briefly=3),
    Fault("invalid recipes, tag mappings and reports", nothing_outside, often=6, briefly=2),
    Fault("one attack string in every text of a report, all formats", hostile_reports, often=3, briefly=2),
    Fault("every command monitored for connections", no_network, often=16),
    Fault("no network at all", unplugged, often=5, why_not=cannot_unshare),
    Fault("known vulnerabilities of the pinned packages, offline", known_faults, often=1, why_not=no_safety_db),
)
