"""Sweeps that are stopped or killed, and trials that break."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import subprocess
import sys

import psutil
import pytest
from filelock import FileLock

from rldoctor import run_directory
from rldoctor.errors import Stopped
from rldoctor.executors.local import LocalExecutor
from rldoctor.experiments.sweep.dispatch import unfinished
from rldoctor.experiments.sweep.job import PRELOAD
from rldoctor.experiments.sweep.run import run_sweep
from rldoctor.logs import read_run
from tests.sweep.conducting import do, holds, table
from tests.sweep.observers import Notes


@pytest.mark.slow
def test_a_trial_that_raises_and_one_whose_process_is_killed(plan_of):
    envs = ("tests.sweep.broken:Breaks-raise-v0", "tests.sweep.broken:Breaks-kill-v0")
    plan = plan_of(seeds=(0, 1, 2), vary={"env": envs}, changes=("total_steps=1536",))
    notes = Notes()
    subjects = run_sweep(
        plan,
        LocalExecutor(2, PRELOAD),
        command=["sweep"],
        say=lambda line: None,
        bars=lambda trials, steps: contextlib.nullcontext(notes),
    )
    failures = {name: failure.problem for name, failure in notes.over.items() if failure}
    assert len(notes.over) == 6
    assert len(failures) == 2
    raised, killed = failures[f"env={envs[0]} seed 1"], failures[f"env={envs[1]} seed 1"]
    assert re.search(r"broke off after [\d,]+ steps with ZeroDivisionError: the cart fell off", raised)
    assert "SIGKILL" in killed
    whole = subjects[0]
    assert whole.verdict.value == "sick"
    assert sorted(finding.code for finding in whole.findings if finding.severity == "error") == ["EVL402", "EVL402"]
    assert any("the cart fell off" in finding.message for finding in whole.findings)
    assert [setting.finished for setting in whole.settings] == [2, 2]
    assert len(whole.unjudged) == 2
    # Those that failed are tried again, the others are not.
    assert {trial.name for trial in unfinished(plan.trials)} == failures.keys()


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_saved(plan_of):
    plan = plan_of(seeds=(0,), vary={"total_steps": ("8192",)})

    def press(trial, progress):
        if run_directory.checkpoints(trial.directory):
            raise KeyboardInterrupt

    with pytest.raises(Stopped, match="Run the same command again to resume"):
        run_sweep(
            plan,
            LocalExecutor(2, PRELOAD),
            command=["sweep"],
            say=lambda line: None,
            bars=lambda trials, steps: contextlib.nullcontext(Notes(press)),
        )
    directory = plan.trials[0].directory
    saved = run_directory.checkpoints(directory)
    assert saved
    notes = Notes()
    assert do(plan, notes) == {}
    assert notes.begun[0][1] >= int(saved[-1].stem.removeprefix("step-"))


DRIVER = """
import sys
from rldoctor.cli.app import main
main()
"""


@pytest.mark.slow
def test_a_driver_that_is_killed(recipe_file, tmp_path):
    def arguments(out):
        # When the first trial is over, the second is at work and the third is begun or not.
        vary = "total_steps=1024,6144,2048"
        where = ["--seeds", "0", "--vary", vary, "--runs", str(out), "--format", "json"]
        return [sys.executable, "-c", DRIVER, "sweep", "--reference", str(recipe_file), *where]

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert subprocess.run(arguments(whole), capture_output=True).returncode in (0, 1, 3)
    with subprocess.Popen(arguments(killed), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as driver:
        for line in driver.stderr:
            if "  done" in line:
                driver.kill()
                break
    folder = killed / "sweeps/tests/cart"
    records = {path: json.loads(path.read_text()) for path in folder.rglob("run.json")}
    assert any(record["status"] == "running" for record in records.values())
    for path in records:
        # The workers end with their driver: nobody trains into a directory that the next sweep takes over.
        with FileLock(path.with_name(run_directory.LOCK_FILE), timeout=30):
            pass
    assert subprocess.run(arguments(killed), capture_output=True).returncode in (0, 1, 3)
    assert table(folder / "total_steps.json") == table(whole / "sweeps/tests/cart/total_steps.json")
    for path, record in records.items():
        again = json.loads(path.read_text())
        assert again["status"] == "finished"
        assert again["started"] == record["started"] or not record["steps"]


@pytest.mark.slow
def test_a_trial_that_was_killed_before_its_first_checkpoint_starts_again(plan_of):
    plan = plan_of(seeds=(0,))
    directory = plan.trials[0].directory
    (directory / run_directory.CHECKPOINTS).mkdir(parents=True)
    (directory / "events.out.tfevents.1.host.1.0").write_bytes(b"truncated")
    (directory / run_directory.LOCK_FILE).touch()
    assert unfinished(plan.trials) == list(plan.trials)
    assert do(plan) == {}
    assert not read_run(directory).findings
    assert unfinished(plan.trials) == []


@pytest.mark.slow
def test_a_setting_that_cannot_be_trained_takes_no_other_down(plan_of, capsys):
    plan = plan_of(seeds=(0,), vary={"learning_rate": ("0.001", "1e30"), "total_steps": ("1024",)}, baseline=())
    plan = dataclasses.replace(plan, baseline=plan.settings[1])
    lines = []
    subjects = run_sweep(
        plan,
        LocalExecutor(2, PRELOAD),
        command=["sweep"],
        say=lines.append,
        bars=lambda trials, steps: contextlib.nullcontext(Notes()),
    )
    assert subjects[0].settings[0].finished == 1
    assert any("cannot be estimated" in line or "steps/s" in line for line in lines)


@pytest.mark.slow
def test_a_trial_that_is_stopped_from_outside_is_not_done(plan_of):
    plan = plan_of(seeds=(0,), changes=("total_steps=16384",))
    stopped = []

    def stop(trial, progress):
        if not stopped:
            (worker,) = [p for p in psutil.Process().children(recursive=True) if p.name() and holds(p, trial.directory)]
            worker.terminate()
            stopped.append(worker)

    failures = do(plan, Notes(stop))
    assert stopped
    assert "stopped from outside" in failures[plan.trials[0]].problem
    assert not (plan.trials[0].directory / run_directory.EVALUATION_FILE).exists()
    assert do(plan) == {}
