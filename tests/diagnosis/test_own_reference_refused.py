"""What makes no reference: runs that are damaged, of several recipes, or do not pass; and what the command says."""

from __future__ import annotations

import json
import shutil

import pytest

from rldoctor import references
from rldoctor.cli.app import run as command
from rldoctor.config import Config, read_config
from rldoctor.diagnosis.context import context_of
from rldoctor.errors import CannotJudge, UsageError
from tests.diagnosis.own_runs import FETCH, GOOD, QUICK, SICK, recorded


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"name": "fetch_reach_dense/quick"}, "is the name of a shipped reference"),
        ({"name": "../out"}, "is not a valid name"),
        ({"name": ""}, "is not a valid name"),
        ({"env": "Other-v0"}, "were trained on FetchReachDense-v4, not on Other-v0"),
    ],
)
def test_a_spec_that_is_not_valid_is_refused_and_nothing_is_written(good, tmp_path, spec, said):
    with pytest.raises(UsageError) as caught:
        recorded(good(), tmp_path, **spec)
    assert said in str(caught.value)
    assert not (tmp_path / "kept").exists()


def test_a_reference_is_of_one_recipe(good, tmp_path):
    folder = good(names=(*GOOD, "gamma-0.9-58"))
    with pytest.raises(UsageError, match=r"gamma-0.9-58 was trained with other settings .*: gamma 0.8 -> 0.9"):
        recorded(folder, tmp_path)
    shutil.rmtree(folder)
    with pytest.raises(UsageError, match="2 runs are too few"):
        recorded(good(names=GOOD[:2]), tmp_path)


def test_damaged_and_other_logs_make_no_band(good, tmp_path):
    folder = good(names=(*GOOD, "as-recorded-22"))
    events = next((folder / "as-recorded-22").glob("events*"))
    content = bytearray(events.read_bytes())
    content[len(content) // 2] ^= 0xFF
    events.write_bytes(content)
    with pytest.raises(CannotJudge, match="as-recorded-22 cannot be used"):
        recorded(folder, tmp_path)
    shutil.rmtree(folder)
    folder = good(change={"algorithm": "a2c"})
    with pytest.raises(CannotJudge, match="trained with a2c"):
        recorded(folder, tmp_path)
    assert not (tmp_path / "kept").exists()


def test_runs_that_do_not_pass_are_left_out_and_doubtful_ones_named(good, tmp_path, make_by_hand):
    folder = good(names=(*GOOD, "as-recorded-22"))
    failed = make_by_hand("failed").measured(success_rate=0.1)
    for name in ("evaluation.json", "policy.zip", "run.json"):
        shutil.copy(failed / name, folder / "as-recorded-22" / name)
    sick = next(path for path in sorted((SICK / "update-direction-wrong").iterdir()) if "fetch" in path.name)
    shutil.copytree(sick, folder / "strange")
    recipe = json.loads((folder / GOOD[0] / "run.json").read_text())["recipe"]
    record = json.loads((folder / "strange/run.json").read_text())
    (folder / "strange/run.json").write_text(json.dumps({**record, "recipe": recipe}))
    made, _ = recorded(folder, tmp_path)
    assert made.left_out == (str(folder / "as-recorded-22"),)
    assert made.runs == 4
    assert list(made.doubtful) == [str(folder / "strange")]


def test_a_reference_is_recorded_again_but_never_over_another(good, tmp_path):
    folder = good()
    made, _ = recorded(folder, tmp_path)
    recipe = made.folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("above = 0.9", "above = 0.8"))
    edited, bands = recipe.read_text(), (made.folder / "curves.csv").read_text()
    shutil.copytree(QUICK / "as-recorded-22", folder / "as-recorded-22")
    references._recipe.cache_clear()
    recorded(folder, tmp_path)
    assert recipe.read_text() == edited
    assert (made.folder / "curves.csv").read_text() != bands
    for path in folder.iterdir():
        (path / "run.json").unlink()
    with pytest.raises(UsageError, match="holds a reference of another recipe"):
        recorded(folder, tmp_path, env=FETCH)
    assert recipe.read_text() == edited


def test_the_command_makes_it_and_says_how_it_is_found(good, tmp_path, capsys, monkeypatch):
    good()
    monkeypatch.chdir(tmp_path)
    arguments = ["record", "--from", "our runs", "--name", "our_env/ours"]
    # It may be named before it is there.
    (tmp_path / "rldoctor.toml").write_text('references = ["other"]')
    assert command(arguments) == 0
    out = capsys.readouterr().out
    assert "our_env/ours from 3 runs on FetchReachDense-v4" in out
    assert 'references = ["reference_curves"]' in out
    (tmp_path / "rldoctor.toml").write_text('references = ["reference_curves"]')
    assert command(arguments) == 0
    assert "write into rldoctor.toml" not in capsys.readouterr().out
    assert command(["diagnose", str(QUICK / "as-recorded-22")]) == 0
    assert "compared with our_env/ours" in " ".join(capsys.readouterr().out.split())
    assert read_config(tmp_path / "rldoctor.toml").references == (tmp_path / "reference_curves/our_env/ours",)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "by training its recipe, or from runs"),
        (["quick", "--from", "x"], "by training its recipe, or from runs"),
        (["--from", "our runs"], "has no name"),
        (["--from", "nowhere", "--name", "a/b"], "There is no file or directory nowhere"),
    ],
)
def test_the_command_says_what_is_missing(good, tmp_path, capsys, monkeypatch, arguments, said):
    good()
    monkeypatch.chdir(tmp_path)
    assert command(["record", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_two_references_of_one_name_are_refused(good, tmp_path):
    made, _ = recorded(good(), tmp_path)
    shutil.copytree(made.folder, tmp_path / "again")
    with pytest.raises(UsageError, match="is called 'our_env/ours', like the one in"):
        context_of(Config(references=(made.folder, tmp_path / "again")))
    shipped = references.find_folder("quick")
    with pytest.raises(UsageError, match="fetch_reach_dense/quick"):
        context_of(Config(references=(shipped,)))
