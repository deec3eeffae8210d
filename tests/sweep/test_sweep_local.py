"""Whole sweeps on this machine."""

from __future__ import annotations

import csv
import io
import json

import pytest

from rldoctor import run_directory
from rldoctor.cli.app import run as command
from rldoctor.errors import UsageError
from rldoctor.experiments.sweep.dispatch import unfinished
from rldoctor.experiments.sweep.job import files_of, run_away, write_files
from rldoctor.gate import judge_run
from rldoctor.logs import read_run
from rldoctor.model.report_json import read_report
from rldoctor.render.formats import render
from rldoctor.training.train import train
from tests.sweep.conducting import table


@pytest.fixture(scope="module")
def swept(recipe_file, tmp_path_factory):
    """The folder of a whole sweep of two settings and two seeds, made on the command line."""
    out = tmp_path_factory.mktemp("swept")
    arguments = ["--seeds", "0,1", "--vary", "clip_range=0.2,0.4", "--runs", str(out)]
    assert command(["sweep", "--reference", str(recipe_file), *arguments]) in (0, 1, 3)
    return out / "sweeps/tests/cart"


@pytest.mark.slow
def test_each_trial_is_an_ordinary_run(swept, cart, tmp_path):
    directory = swept / "recipe/seed-1"
    record = json.loads((directory / run_directory.RUN_FILE).read_text())
    assert (record["status"], record["seed"], record["steps"]) == ("finished", 1, 2048)
    assert judge_run(directory).criteria
    train(cart, tmp_path, 1)
    alone, here = read_run(tmp_path), read_run(directory)
    for name in ("episode_return", "approx_kl", "loss"):
        assert alone.curves[name].values.tolist() == here.curves[name].values.tolist()


@pytest.mark.slow
def test_reports_in_every_format(swept):
    assert {path.name for path in swept.glob("clip_range.*")} == {
        f"clip_range.{suffix}" for suffix in ("txt", "json", "csv", "md", "html")
    }
    text = (swept / "clip_range.txt").read_text()
    assert "clip_range=0.4" in text and "P(better)" in text
    rows = list(csv.DictReader(io.StringIO((swept / "clip_range.csv").read_text())))
    returns = {row["setting"]: row for row in rows if row["metric"] == "return_mean"}
    settings, trials = table(swept / "clip_range.json")
    by_hand = [
        json.loads((swept / f"clip_range=0.4/seed-{seed}/evaluation.json").read_text())["aggregate"]["return_mean"]
        for seed in (0, 1)
    ]
    assert float(returns["clip_range=0.4"]["mean"]) == pytest.approx(sum(by_hand) / 2)
    assert returns["clip_range=0.2"]["improvement"] == ""
    assert [setting["name"] for setting in settings] == ["clip_range=0.2", "clip_range=0.4"]
    assert len(trials) == 4
    assert "| setting |" in (swept / "clip_range.md").read_text()
    # What was saved is shown again in any format.
    report = read_report(swept / "clip_range.json")
    assert report.subjects[0].settings[0].stable is None
    assert render(report, "csv") == (swept / "clip_range.csv").read_text().rstrip("\n")
    for format_ in ("junit", "sarif", "github", "html"):
        assert render(report, format_)


@pytest.mark.slow
def test_nothing_that_is_finished_is_done_again(swept, recipe_file, capsys):
    before = {path: path.stat().st_mtime_ns for path in swept.rglob("*") if path.is_file() and path.parent != swept}
    out = swept.parents[2]
    arguments = ["--seeds", "0,1", "--vary", "clip_range=0.2,0.4", "--runs", str(out), "--format", "json"]
    command(["sweep", "--reference", str(recipe_file), *arguments])
    said = capsys.readouterr()
    assert "4 of them are already finished, 0 to do." in said.err
    assert json.loads(said.out)["command"] == "sweep"
    assert before == {p: p.stat().st_mtime_ns for p in swept.rglob("*") if p.is_file() and p.parent != swept}


@pytest.mark.slow
def test_a_dry_run_only_prints_the_plan(recipe_file, tmp_path, capsys):
    arguments = ["--seeds", "0-4", "--vary", "clip_range=0.1,0.2", "--runs", str(tmp_path), "--dry-run"]
    assert command(["sweep", "--reference", str(recipe_file), *arguments]) == 0
    said = capsys.readouterr().out
    assert "10 trainings on CartPole-v1: 2 settings x 5 seeds, 2,048 steps each" in said
    assert "clip_range=0.2 (baseline)" in said
    assert "steps/s in each process, measured just now" in said
    assert not any(tmp_path.iterdir())


def test_a_directory_that_holds_something_else(plan_of):
    plan = plan_of(seeds=(0,))
    directory = plan.trials[0].directory
    directory.mkdir(parents=True)
    assert unfinished(plan.trials) == list(plan.trials)
    (directory / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="other than a training of this recipe with seed 0"):
        unfinished(plan.trials)
    assert (directory / "thesis.tex").exists()


def test_another_machine_sends_home_what_it_saves(plan_of):
    trial = plan_of(seeds=(0,)).trials[0]
    sent = []

    def stop_after_two(message):
        sent.append(message)
        if len([m for m in sent if hasattr(m, "files")]) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_away(stop_after_two, trial, ("sweep",), {}, {})
    assert not trial.directory.exists()
    trial.directory.mkdir(parents=True)
    for message in sent:
        if hasattr(message, "files"):
            write_files(trial.directory, message.files)
    home = files_of(trial.directory)
    assert run_directory.RUN_FILE in home
    assert sum(name.startswith("checkpoints/") for name in home) == 1
    assert sum("tfevents" in name for name in home) == 1
    rest = []
    run_away(rest.append, trial, ("sweep",), {}, home)
    for message in rest:
        if hasattr(message, "files"):
            write_files(trial.directory, message.files)
    assert unfinished([trial]) == []
    assert not read_run(trial.directory).findings
    # A checkpoint comes home after the logs and the record that it goes with.
    for message in [*sent, *rest]:
        names = list(getattr(message, "files", ()))
        later = [place for place, name in enumerate(names) if name.startswith("checkpoints/")]
        assert not later or min(later) == len(names) - len(later)
    # A file goes once, and again only when it has changed.
    assert sum("evaluation.json" in message.files for message in rest if hasattr(message, "files")) == 1


def test_files_do_not_lead_out_of_a_run_directory(tmp_path):
    for name in ("../x", "/etc/x", "a/../../x"):
        with pytest.raises(UsageError, match="does not belong"):
            write_files(tmp_path / "run", {name: b""})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "x"], "not a list of whole numbers"),
        (["--vary", "clip_range"], "has no values"),
        (["--address", "auto"], "--executor ray"),
        (["nothing.toml"], "cannot be read"),
        (["--reference", "nothing"], "no reference called"),
        (["--set", "env=Nothing-v0", "--reference", "quick"], "Nothing"),
    ],
)
def test_wrong_words(arguments, message, capsys, tmp_path):
    assert command(["sweep", *arguments, "--runs", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
