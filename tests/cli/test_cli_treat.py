"""``rldoctor treat`` and ``rldoctor train --recipe``: exit codes, and one sentence for what is wrong."""

from __future__ import annotations

import json
import shutil

import pytest

from rldoctor.cli.app import run
from rldoctor.recipe import write_recipe
from rldoctor.references import find_folder, load_recipe
from tests.treatment.recorded import RUNS, STANDS_STILL


@pytest.fixture
def said(capsys, tmp_path, monkeypatch):
    """Return what was printed since the last question, in one line; commands run in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def said():
        captured = capsys.readouterr()
        return " ".join((captured.out + captured.err).split())

    return said


def test_a_healthy_run_needs_nothing(said, tmp_path):
    assert run(["treat", str(RUNS / "healthy/pendulum/zoo/as-recorded-20")]) == 0
    assert "Nothing needs to be done." in said()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_plan_is_printed_with_its_expected_time_and_nothing_is_written(said, tmp_path):
    assert run(["treat", str(STANDS_STILL), "--dry-run"]) == 0
    text = said()
    assert "Round 1: learning_rate 0 -> 0.001, learning_rate_schedule constant -> linear" in text
    assert "steps/s, measured just now" in text
    assert "nothing was trained and nothing was written" in text
    assert not list(tmp_path.iterdir())


def test_a_cause_outside_the_recipe_is_an_instruction_and_exit_1(said, capsys):
    place = str(RUNS / "sick/reward-misaligned/pendulum-reward-sign-flipped-full-100")
    assert run(["treat", place]) == 1
    text = said()
    assert "INSTRUCTED" in text
    assert "rldoctor preflight --select ENV404" in text
    assert run(["treat", place, "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["subjects"][0]["treatment"]["outcome"] == "instructed"
    assert (report["command"], report["exit_code"]) == ("treat", 1)


@pytest.mark.slow
def test_it_reads_the_projects_configuration(said, tmp_path):
    mine = shutil.copytree(find_folder("cartpole/zoo"), tmp_path / "references/mine/cart")
    recipe = (mine / "recipe.toml").read_text().replace('"cartpole/zoo"', '"mine/cart"')
    (mine / "recipe.toml").write_text(recipe.replace("learning_rate = 1e-3", "learning_rate = 2e-3"))
    assert load_recipe(str(mine)).setting("learning_rate") == 0.002
    (tmp_path / "rldoctor.toml").write_text('references = ["references"]\n')
    arguments = ["treat", str(STANDS_STILL), "--dry-run"]
    assert run(arguments) == 0
    assert "learning_rate 0 -> 0.002" in said()
    assert run([*arguments, "--isolated"]) == 0
    assert "learning_rate 0 -> 0.001" in said()
    # Without the signs of updates and settings another cause is the likeliest.
    (tmp_path / "rldoctor.toml").write_text('[ignore]\nUPD = "ours"\nSET = "ours"\n')
    assert run([*arguments, "--config", "rldoctor.toml"]) == 0
    assert "The likeliest cause lies outside the recipe" in said()


def test_what_cannot_be_judged_is_exit_3(said):
    assert run(["treat", str(RUNS / "sick/too-short-to-judge/cartpole-killed-early-full-100")]) == 3
    assert "cannot be judged" in said()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "There is no file or directory nowhere"),
        ([str(RUNS / "sick")], "treat takes one run"),
        ([str(STANDS_STILL), "--rounds", "0"], "rounds"),
        ([str(STANDS_STILL), "--set", "learning_rat=1"], "learning_rate"),
        ([str(STANDS_STILL), "--env", "Pendulum-v1"], "CartPole-v1"),
        ([str(STANDS_STILL), "--reference", "nothing"], "no reference called 'nothing'"),
        ([str(STANDS_STILL), "--steps", "0"], "total_steps"),
    ],
)
def test_wrong_usage_is_one_sentence_and_writes_nothing(said, tmp_path, arguments, words):
    assert run(["treat", *arguments]) == 2
    text = said()
    assert words in text
    assert "Traceback" not in text
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_foreign_logs_are_asked_for_what_they_lack(said, tmp_path):
    bare = shutil.copytree(STANDS_STILL, tmp_path / "bare", ignore=shutil.ignore_patterns("*.json"))
    assert run(["treat", str(bare)]) == 2
    assert "--env ID" in said()
    assert run(["treat", str(bare), "--env", "CartPole-v1", "--set", "n_envs=8,n_steps=32", "--dry-run"]) == 0
    text = said()
    assert "defaults are assumed for the rest" in text
    assert "learning_rate 0 -> 0.001" in text


def test_train_takes_a_recipe(said, tmp_path):
    recipe = load_recipe("cartpole/zoo").with_overrides(["total_steps=512", "gamma=0.9"])
    write_recipe(recipe, tmp_path / "cured.toml")
    assert run(["train", "--recipe", "cured.toml"]) == 0
    assert "runs/cartpole/zoo/seed-0: finished at 512 steps" in said()
    record = json.loads((tmp_path / "runs/cartpole/zoo/seed-0/run.json").read_text())
    assert record["recipe"]["hyperparameters"]["gamma"] == 0.9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--recipe", "none.toml"], "There is no recipe none.toml"),
        (["--recipe", "here.toml", "--reference", "quick"], "--recipe and --reference"),
    ],
)
def test_train_refuses_a_recipe_that_is_none(said, tmp_path, arguments, words):
    shutil.copy(find_folder("quick") / "recipe.toml", tmp_path / "here.toml")
    assert run(["train", *arguments]) == 2
    assert words in said()
    assert not (tmp_path / "runs").exists()
