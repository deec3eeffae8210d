"""Commands that are watched for connections, and commands without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.reliability.fault import FORMATS, HEALTHY, SICK, Row, rldoctor
from benchmarks.reliability.trust.short_training import SETTINGS

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
