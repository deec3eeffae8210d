"""The command as a process of its own: exit codes, what is imported, signals, pipes, encodings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rldoctor
from rldoctor import run_directory
from rldoctor.cli.app import run
from rldoctor.logs import read_run

RLDOCTOR = [sys.executable, "-m", "rldoctor"]
HEAVY = ("torch", "stable_baselines3", "gymnasium", "gymnasium_robotics", "mujoco")
RECORDED = Path(__file__).resolve().parents[1] / "runs/healthy/fetch_reach_dense/quick/as-recorded-20"
# 20 rollouts, a checkpoint after every second: long enough to be met in the middle, a second or two to the end.
LONG = "n_envs=2,n_steps=64,batch_size=64,n_epochs=1,total_steps=2560"
# Seconds after which a state that was waited for is given up; never waited in full where the code is right.
DEADLINE = 120


def start(arguments, **how):
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | how
    return subprocess.Popen([*RLDOCTOR, *map(str, arguments)], **how)


def finish(process):
    out, err = process.communicate(timeout=DEADLINE)
    return process.returncode, out, err


def in_training(tmp_path):
    """Start a training and return it, with its directory, once its second checkpoint is written."""
    process = start(["train", "--reference", "quick", "--set", LONG, "--runs", tmp_path / "runs"])
    directory = tmp_path / "runs" / "fetch_reach_dense" / "quick" / "seed-0"
    end = time.monotonic() + DEADLINE
    while len(run_directory.checkpoints(directory)) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "no checkpoint was written"
        time.sleep(0.02)
    return process, directory


def record_of(directory):
    return json.loads((directory / run_directory.RUN_FILE).read_text())


def check_complete(directory):
    record = record_of(directory)
    assert (record["status"], record["steps"]) == ("finished", 2560)
    read = read_run(directory)
    assert not read.findings
    assert read.curves["episode_return"].steps.tolist() == list(range(128, 2561, 128))
    assert (directory / run_directory.POLICY_FILE).is_file()


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, capsys):
    process, directory = in_training(tmp_path)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert code == 130, err
    assert "Traceback" not in err
    assert f"Resume with: rldoctor train --resume {directory}" in out
    record = record_of(directory)
    assert record["status"] == "interrupted"
    assert 0 < record["steps"] < 2560
    assert record["command"][:2] == ["rldoctor", "train"]
    saved = run_directory.checkpoints(directory)[-1]
    assert saved.name == f"step-{record['steps']:012d}.zip"
    assert run(["train", "--resume", str(directory)]) == 0
    assert "finished at 2,560 steps" in capsys.readouterr().out
    check_complete(directory)
    assert run(["train", "--resume", str(directory)]) == 2
    assert "is complete (2560 steps)" in capsys.readouterr().err


@pytest.mark.slow
def test_killed_in_the_middle(tmp_path):
    process, directory = in_training(tmp_path)
    process.kill()
    code, _, _ = finish(process)
    assert code == -signal.SIGKILL
    assert record_of(directory)["status"] == "running"
    assert not (directory / run_directory.POLICY_FILE).exists()
    from rldoctor.training.train import resume

    assert resume(directory).steps == 2560
    check_complete(directory)


def test_the_version():
    code, out, err = finish(start(["--version"]))
    assert (code, out, err) == (0, f"rldoctor {rldoctor.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "and_not"),
    [
        (["--help"], ("numpy", "pandas", "google.protobuf", "tomllib", "rldoctor.model")),
        (["gate", "RUN"], ("pandas", "google.protobuf")),
        (["gate", "RUN", "--format", "json"], ("pandas", "google.protobuf")),
        (["rules"], ("pandas",)),
        (["explain", "UPD101"], ("pandas",)),
        (["diagnose", str(RECORDED)], ("pandas", "rldoctor.cli.train", "packaging")),
    ],
)
def test_what_must_not_be_imported(hand_made, arguments, and_not):
    arguments = [str(hand_made.directory) if word == "RUN" else word for word in arguments]
    program = (
        "import sys; from rldoctor.cli.app import run; code = run(sys.argv[1:]);"
        f"print('HEAVY', [name for name in {HEAVY + and_not} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def without_a_reader(arguments):
    """Run with a stdout that is closed before anything is written; return exit code and stderr."""
    with start(arguments) as process:
        process.stdout.close()
        return process.wait(DEADLINE), process.stderr.read()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(("distance", "code"), [(0.01, 0), (0.03, 1)])
def test_a_reader_who_goes_away_does_not_change_the_verdict(hand_made, form, distance, code):
    hand_made.measured(final_distance_mean=distance)
    assert without_a_reader(["gate", hand_made.directory, "--format", form]) == (code, "")


@pytest.mark.parametrize("arguments", [["rules"], ["--help"], ["explain", "EVL101"]])
def test_a_reader_who_goes_away_is_no_error(arguments):
    assert without_a_reader(arguments) == (0, "")


def test_a_terminal_that_speaks_only_ascii(hand_made):
    place = hand_made.directory.with_name("é☃")
    hand_made.directory.rename(place)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    code, out, err = finish(start(["gate", place.name], env=environment, cwd=place.parent))
    assert (code, err) == (0, "")
    assert out.isascii()
    assert r"\xe9\u2603" in "".join(out.split())


def test_a_path_that_is_not_utf_8(hand_made):
    place = Path(os.fsdecode(os.fsencode(hand_made.directory) + b"\xff"))
    hand_made.directory.rename(place)
    code, out, err = finish(start(["gate", place, "--format", "json"]))
    assert (code, err) == (0, "")
    assert json.loads(out)["subjects"][0]["path"] == str(place)


@pytest.mark.parametrize("closed", [("stderr",), ("stdout", "stderr")])
@pytest.mark.parametrize("form", ["text", "json", "md"])
def test_an_error_that_nobody_reads_keeps_its_code(closed, form):
    with start(["gate", "nowhere", "--format", form]) as process:
        for name in closed:
            getattr(process, name).close()
        assert process.wait(DEADLINE) == 2
