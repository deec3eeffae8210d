"""What a configuration file may say, and what is said of one that says something else."""

from __future__ import annotations

import pickle
import re
import shutil
from pathlib import Path

import pytest
import tomli

from rldoctor import datafile
from rldoctor.config import DEFAULTS, KEYS, find_config, read_config
from rldoctor.errors import UsageError
from rldoctor.model import Verdict
from rldoctor.recipe import Criterion

WHOLE = """
select = ["UPD", "EXP"]
fail-on = "suspect"
references = ["good", "more/*"]
rules = ["our rules"]
[ignore]
UPD105 = "our runs end with a small std"
[thresholds]
UPD101 = [0.05, 0.2]
[require]
success_rate = 0.95
return_mean = "off"
[criteria]
return_over_random = { above = 20 }
final_distance_mean = { below = 0.1, level = "warn" }
"""


def reference(folder):
    shutil.copytree(datafile.folder("reference_curves") / "cartpole" / "zoo", folder)
    return folder


@pytest.fixture
def project(tmp_path):
    """A project whose path has spaces, with everything that ``WHOLE`` names."""
    root = tmp_path / "a project"
    (root / "our rules").mkdir(parents=True)
    for folder in ("good", "more/deep/one", "more/two", "elsewhere/three"):
        reference(root / folder)
    return root


def written(root, text, name="rldoctor.toml"):
    (root / name).write_text(text, encoding="utf-8")
    return root / name


def refused(root, text, name="rldoctor.toml"):
    with pytest.raises(UsageError) as caught:
        read_config(written(root, text, name))
    assert caught.value.exit_code == 2
    return caught.value


def test_every_key_is_read(project):
    config = read_config(written(project, WHOLE))
    assert config.select == ("UPD", "EXP")
    assert config.ignore == {"UPD105": "our runs end with a small std"}
    assert config.fail_on is Verdict.SUSPECT
    assert config.references == (project / "good", project / "more/deep/one", project / "more/two")
    assert config.rules == (project / "our rules",)
    assert config.thresholds == {"UPD101": (0.05, 0.2)}
    assert config.requirements == ("success_rate=0.95", "return_mean=off")
    assert config.criteria == {
        "return_over_random": Criterion(above=20.0),
        "final_distance_mean": Criterion(below=0.1, level="warn"),
    }
    assert set(config.given) == set(KEYS)
    # It goes to other processes.
    assert pickle.loads(pickle.dumps(config)) == config


def test_the_same_stands_in_a_pyproject(project):
    tables = WHOLE
    for name in ("ignore", "thresholds", "require", "criteria"):
        tables = tables.replace(f"[{name}]", f"[tool.rldoctor.{name}]")
    there = read_config(written(project, f"[tool.other]\nx = 1\n[tool.rldoctor]{tables}", "pyproject.toml"))
    here = read_config(written(project, WHOLE))
    assert (there.select, there.ignore, there.thresholds) == (here.select, here.ignore, here.thresholds)
    assert there.where("ignore") == f"{project / 'pyproject.toml'}: tool.rldoctor.ignore"
    assert here.where("ignore") == f"{project / 'rldoctor.toml'}: ignore"


def test_nothing_is_asked_for_without_a_file(tmp_path):
    found = find_config(tmp_path)
    assert (found.file, found.select, found.fail_on) == (None, (), Verdict.SICK)
    assert find_config(tmp_path).given == DEFAULTS.given == ()
    assert read_config(written(tmp_path, "")).select == ()


def test_the_nearest_file_wins_and_its_own_file_before_the_project(tmp_path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    outer = written(tmp_path, 'select = ["RET"]')
    assert find_config(deep).file == outer
    # Another tool's project on the way is passed over, whether or not it can be read as TOML.
    other = written(tmp_path / "a", "[tool.ruff]\nline-length = 3", "pyproject.toml")
    assert find_config(deep).file == outer
    other.write_text("= not TOML")
    assert find_config(deep).file == outer
    assert find_config(deep).looked_at == (other, outer)
    project = written(tmp_path / "a", '[tool.rldoctor]\nselect = ["VAL"]', "pyproject.toml")
    assert find_config(deep).select == ("VAL",)
    own = written(tmp_path / "a", 'select = ["EXP"]')
    assert find_config(deep).select == ("EXP",)
    assert find_config(deep).looked_at == (own,)
    assert find_config(tmp_path).file == outer
    own.unlink()
    project.write_text("[tool.rldoctor\nselect = 3")
    with pytest.raises(UsageError, match=r"pyproject\.toml cannot be read: it is not TOML"):
        find_config(deep)


@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("rules", "references", "select")])
def test_a_key_that_is_nearly_right_is_told_the_right_one(tmp_path, key):
    error = refused(tmp_path, f"{key}s = 3")
    assert f"unknown key '{key}s'" in error.problem
    assert "rldoctor.toml" in error.problem
    assert f"Did you mean {key}" in error.cure


@pytest.mark.parametrize(
    ("text", "said", "cure"),
    [
        ("fail_on = 'sick'", "unknown key 'fail_on'", "Did you mean fail-on"),
        ("reference = []", "unknown key 'reference'", "references"),
        ("[tool.rldoctor]\nselect = []", "unknown key 'tool'", "the keys stand at the top"),
        ("select = 'UPD'", "select = 'UPD' must be a list", 'Write select = ["UPD"].'),
        ("select = [1]", "select = 1 must be a text", ""),
        ("select = [' ']", "select = ' ' must be a text that is not empty", ""),
        ("ignore = ['UPD105']", "ignore must be a table: each entry carries a reason", 'UPD105 = "our runs'),
        ("[ignore]\nUPD105 = ''", "ignore.UPD105 = '' must be a text that is not empty", ""),
        ("[ignore]\nUPD105 = true", "ignore.UPD105 = True must be a text", ""),
        ("fail-on = 'healthy'", "fail-on = 'healthy' is not known", "Allowed: sick, suspect"),
        ("fail-on = ['sick']", "fail-on = ['sick'] must be a text", ""),
        ("thresholds = [0.1, 0.2]", "thresholds = [0.1, 0.2] must be a table", ""),
        ("[thresholds]\nUPD101 = 0.1", "thresholds.UPD101 = 0.1 must be a list", ""),
        ("[thresholds]\nUPD101 = [0.1, 0.1]", "thresholds.UPD101 must be two different numbers", ""),
        ("[thresholds]\nUPD101 = [0.1, inf]", "thresholds.UPD101 = inf must be a finite number", ""),
        ("[thresholds]\nUPD101 = [true, 2]", "thresholds.UPD101 = True must be a number", ""),
        ("[thresholds]\nUPD101 = [1, 2, 3]", "must be a list of 2 values", ""),
        ("[require]\nsucess_rate = 0.9", "require.sucess_rate: there is no such criterion", "success_rate"),
        ("[criteria]\nsucess_rate = { above = 1 }", "criteria.sucess_rate: there is no such criterion", "success_rate"),
        ("[criteria]\nsuccess_rate = { above = 1, below = 2 }", "must be { above = number } or", ""),
        ("[criteria]\nsuccess_rate = 0.9", "criteria.success_rate = 0.9 must be a table", ""),
        ("[require]\nsuccess_rate = nan", "success_rate = nan must be a finite number", ""),
        ("[require]\nsuccess_rate = 'maybe'", "success_rate = 'maybe' is not known", "Allowed: off, warn, error"),
        ("[require]\nsuccess_rate = true", "success_rate = True must be a number", ""),
        ("references = ['nowhere']", "references: there is no folder 'nowhere'", "relative to"),
        ("references = ['no*']", "there is no folder 'no*'", ""),
        ("references = ['empty']", "there is no recipe.toml at or below", "rldoctor record --from"),
        ("rules = ['nowhere']", "rules: there is no folder 'nowhere'", ""),
        ("rules = 'ours'", "rules = 'ours' must be a list", ""),
        ("= 3", "it is not TOML", "--isolated"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(tmp_path, text, said, cure):
    (tmp_path / "empty").mkdir()
    error = refused(tmp_path, text)
    assert said in error.problem
    assert str(tmp_path / "rldoctor.toml") in error.problem or "relative" in error.cure
    assert cure in error.cure


def test_a_suppression_in_a_project_is_cured_in_its_own_words(tmp_path):
    error = refused(tmp_path, "[tool.rldoctor]\nignore = ['EXP']", "pyproject.toml")
    assert "[tool.rldoctor.ignore]" in error.cure


def test_a_named_file_must_be_one_of_ours(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_config(tmp_path / "none.toml")
    with pytest.raises(UsageError, match=r"no table \[tool.rldoctor\]"):
        read_config(written(tmp_path, "[tool.ruff]", "pyproject.toml"))
    with pytest.raises(UsageError, match="must be a table"):
        read_config(written(tmp_path, "[tool]\nrldoctor = 3", "pyproject.toml"))
    (tmp_path / "rldoctor.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        find_config(tmp_path)


def test_brackets_in_a_folder_that_exists_are_no_pattern(project):
    reference(project / "runs[1]")
    assert read_config(written(project, 'references = ["runs[1]"]')).references == (project / "runs[1]",)
    deep = read_config(written(project, 'references = ["**/three"]'))
    assert deep.references == (project / "elsewhere/three",)


def test_references_may_be_made_later_where_they_are_not_followed(tmp_path):
    file = written(tmp_path, 'references = ["later"]')
    assert read_config(file, follow_references=False).references == ()
    with pytest.raises(UsageError, match="later"):
        find_config(tmp_path)


def test_the_guide_has_an_example_of_every_key_and_of_no_other():
    text = (Path(__file__).parents[1] / "docs/how-to/configuration.md").read_text(encoding="utf-8")
    shown = {}
    for block in re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        data = tomli.loads(block)
        shown |= dict.fromkeys(data.get("tool", {}).get("rldoctor", {}))
    assert set(shown) == set(KEYS)
    headings = re.findall(r"^### `([\w-]+)`", text, re.MULTILINE)
    assert headings == list(KEYS)
