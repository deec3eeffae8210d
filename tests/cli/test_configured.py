"""Commands in a project with a configuration: every key in force and not, what reports say of it, and what wins."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

import rldoctor
from rldoctor.cli.app import run
from rldoctor.config import KEYS
from rldoctor.errors import UsageError
from rldoctor.model.report_json import read_report
from rldoctor.render.formats import render

ROOT = Path(__file__).parents[2]
RUN = ROOT / "tests/runs/sick/learning-rate-too-high/chapter-learning-rate-high-strong-0"
REASON = "our runs end with a small std"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose path has a space, and one folder deeper the current directory."""
    here = tmp_path / "a project" / "deep"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    return here.parent


@pytest.fixture
def told(capsys):
    """Run a command; return its exit code, what it printed in one line, and its errors."""

    def told(*arguments):
        code = run(list(map(str, arguments)))
        captured = capsys.readouterr()
        return code, " ".join(captured.out.split()), " ".join(captured.err.split())

    return told


@pytest.fixture
def subject(capsys):
    """Diagnose the run; return the first subject of the JSON report."""

    def subject(*arguments):
        assert run(["diagnose", str(RUN), "--format", "json", *arguments]) in (0, 1)
        content = json.loads(capsys.readouterr().out)
        schema = json.loads((ROOT / "docs/schema/report-1.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(content)
        return content["subjects"][0]

    return subject


def codes(subject):
    return {finding["code"] for finding in subject["findings"]}


def write(folder, text, name="rldoctor.toml"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_suppressed_sign_is_named_with_its_reason_and_weighs_nothing(project, subject):
    plain = subject()
    assert "UPD105" in codes(plain)
    assert "suppressed" not in plain
    write(project, f'[tool.rldoctor.ignore]\nUPD105 = "{REASON}"\nEXP101 = "does not show here"', "pyproject.toml")
    held = subject()
    assert "UPD105" not in codes(held)
    assert held["suppressed"] == [{"code": "UPD105", "name": "clip-fraction-above-range", "reason": REASON}]
    assert all("UPD105" not in diagnosis["for"] for diagnosis in held["diagnoses"])
    assert [d["probability"] for d in held["diagnoses"]] != [d["probability"] for d in plain["diagnoses"]]
    assert subject("--isolated")["findings"] == subject("--no-config")["findings"] == plain["findings"]


def test_a_sign_of_health_that_is_ignored_is_named_too(project, subject):
    # It would have spoken against every cause.
    shown = subject("--select", "RET,UPD")
    write(project, '[ignore]\nUPD = "not of interest"')
    held = subject()
    assert {c for c in codes(shown) if c.startswith("UPD")} <= {item["code"] for item in held["suppressed"]}
    good = ROOT / "tests/runs/healthy/fetch_reach_dense/quick/as-recorded-22"
    write(project, '[ignore]\nRET901 = "success means nothing here"')
    [left_out] = rldoctor.diagnose(good, config=project / "rldoctor.toml").subjects[0].suppressed
    assert left_out.name == "success-reached"


def test_every_format_for_people_and_code_hosts_says_what_was_left_out(project):
    file = write(project, f'[ignore]\nUPD105 = "{REASON} <b>"\n[thresholds]\nUPD112 = [0.5, 1.0]')
    report = rldoctor.diagnose(RUN, config=file)
    page = render(report, "html")
    assert f"UPD105 clip-fraction-above-range: {REASON} &lt;b&gt;" in page
    # The summary of a job on GitHub is the same Markdown.
    assert "suppressed by configuration: UPD105 clip-fraction-above-range" in render(report, "md")
    assert REASON in report._repr_html_()
    [left_out] = [r for r in json.loads(render(report, "sarif"))["runs"][0]["results"] if "suppressions" in r]
    assert left_out["ruleId"] == "UPD105"
    assert left_out["suppressions"][0]["justification"].startswith(REASON)
    assert "UPD112 learning-rate-high: 0.5 to 1 instead of" in page


def test_the_terminal_says_it_in_a_line_and_a_saved_report_keeps_it(project, told, capsys):
    write(project, f'[ignore]\n"UPD10" = "{REASON}"\n[thresholds]\nUPD112 = [0.5, 1.0]')
    code, out, _ = told("diagnose", RUN)
    assert code == 1
    assert "suppressed by configuration UPD101 approx-kl-above-range, UPD102" in out
    assert REASON in out
    assert "set by configuration UPD112 learning-rate-high: 0.5 to 1 instead of" in out
    assert run(["diagnose", str(RUN), "--format", "json", "-o", "report.json"]) == 1
    assert read_report(Path("report.json")).subjects[0].suppressed[0].reason == REASON
    assert "suppressed by configuration" not in told("diagnose", RUN, "--isolated")[1]


def test_a_threshold_decides_whether_a_sign_shows(project, subject):
    assert "UPD105" in codes(subject())
    write(project, "[thresholds]\nUPD105 = [0.97, 0.99]")
    held = subject()
    assert "UPD105" not in codes(held)
    assert held["adjusted"] == ["UPD105 clip-fraction-above-range: 0.97 to 0.99 instead of 0.3 to 0.6"]
    assert "suppressed" not in held


def test_select_uses_only_what_it_names_and_the_command_line_goes_before_it(project, subject):
    write(project, 'select = ["UPD101", "ENV"]\n[ignore]\nUPD105 = "known"')
    held = subject()
    assert all(code == "UPD101" or code.startswith("LOG") for code in codes(held))
    assert "UPD101" in codes(held)
    assert held["adjusted"] == ["only UPD101 of the signs"]
    typed = subject("--select", "UPD")
    assert "UPD103" in codes(typed)
    assert "adjusted" not in typed
    assert typed["suppressed"][0]["code"] == "UPD105"
    # What is named in full is meant.
    assert "UPD105" in codes(subject("--select", "UPD105"))
    # Words for preflight checks alone say nothing of signs.
    write(project, 'select = ["ENV"]')
    assert {"UPD101", "UPD103"} <= codes(subject())


def test_ignoring_more_on_the_command_line_adds_to_the_file(project, subject):
    write(project, '[ignore]\nUPD105 = "known"')
    held = subject("--ignore", "UPD101")
    assert not {"UPD101", "UPD105"} & codes(held)
    assert [item["code"] for item in held["suppressed"]] == ["UPD105"]


def test_fail_on_decides_the_exit_code_unless_the_command_line_does(project, told):
    # Suspect, whatever causes are found.
    suspect = next((ROOT / "tests/runs/sick/mixed-runs").iterdir())
    assert told("diagnose", suspect)[0] == 0
    write(project, 'fail-on = "suspect"')
    assert told("diagnose", suspect)[0] == 1
    assert told("diagnose", suspect, "--fail-on", "sick")[0] == 0
    assert told("diagnose", suspect, "--isolated")[0] == 0


def test_criteria_are_the_projects_unless_the_command_line_says_otherwise(project, told, hand_made):
    directory = hand_made.measured(success_rate=0.93)
    assert told("gate", directory)[0] == 0
    write(project, '[require]\nsuccess_rate = 0.95\nfinal_distance_mean = "off"')
    code, out, _ = told("gate", directory)
    assert code == 1
    assert "set by configuration success_rate > 0.95 instead of > 0.9" in out
    assert "final_distance_mean is off; the recipe requires < 0.02" in out
    assert told("gate", directory, "--require", "success_rate=0.92")[0] == 0
    assert told("gate", directory, "--isolated")[0] == 0
    assert told("gate", directory, "--config", write(project, "[require]\nsuccess_rate = 0.5", "x.toml"))[0] == 0


def test_preflight_reads_it_too(project, told):
    write(project, '[ignore]\nSYS102 = "our disk is small"\nUPD105 = "for diagnoses"')
    # Named in full it runs; by its family it does not.
    _, out, _ = told("preflight", "--env", "CartPole-v1", "--select", "SYS101,SYS102")
    assert "suppressed by configuration" not in out
    _, out, _ = told("preflight", "--env", "CartPole-v1", "--select", "SYS10")
    assert "suppressed by configuration SYS102" in out
    assert "our disk is small" in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[ignore]\nUPX101 = "x"', ["ignore", "no sign and no check", "UPX101", "Did you mean"]),
        ('select = ["thruput"]', ["select", "thruput", "throughput"]),
        ('[ignore]\nEVL103 = "x"', ["criterion of the gate", "require"]),
        ("[thresholds]\nUPD999 = [0.1, 0.2]", ["thresholds.UPD999", "no sign", "Did you mean"]),
        ("ignroe = 3", ["rldoctor.toml", "ignroe", "ignore"]),
    ],
)
def test_a_word_that_means_nothing_is_an_error_of_usage(project, told, text, said):
    write(project, text)
    code, out, err = told("diagnose", RUN)
    assert (code, out) == (2, "")
    for words in said:
        assert words in err
    assert told("config")[0] == 2
    assert told("diagnose", RUN, "--isolated")[0] == 1


def test_both_options_contradict_each_other(project, told):
    file = write(project, "")
    code, _, err = told("diagnose", RUN, "--config", file, "--isolated")
    assert code == 2
    assert "--isolated reads no configuration" in err


def test_help_and_what_is_shipped_need_no_valid_file(project, told):
    write(project, "= broken")
    assert told("diagnose", "--help")[0] == 0
    assert told("explain", "UPD101")[0] == 0
    assert told("explain", "nothing-like-it")[0] == 2


def test_rules_and_explain_show_rules_of_ones_own(project, told):
    from tests.rulebook.test_own_rules import SIGN, SIGN_FILE

    place = project / "our rules" / SIGN_FILE
    place.parent.mkdir(parents=True)
    place.write_text(SIGN)
    write(project, 'rules = ["our rules"]')
    assert "OWN101 kl-above-ours: The policy moves more than in our runs." in told("rules")[1]
    code, out, _ = told("explain", "OWN101")
    assert code == 0
    assert "Provided by" in out
    assert told("explain", "OWN101", "--isolated")[0] == 2
    code, out, _ = told("config", "--check")
    assert code == 0
    assert "sign OWN101 kl-above-ours" in out
    assert "All examples of your own signs pass." in out
    place.write_text(SIGN.replace("[0.01, 0.02]", "[7.0, 8.0]"))
    from rldoctor.rulebook import load

    load._load.cache_clear()
    code, out, _ = told("config", "--check")
    assert code == 1
    assert "stays silent on its example 'large steps'" in out


def test_config_shows_what_is_in_force_and_where_it_comes_from(project, told):
    shutil.copytree(ROOT / "reference_curves/cartpole/zoo", project / "good/own")
    recipe = project / "good/own/recipe.toml"
    recipe.write_text(recipe.read_text().replace('"cartpole/zoo"', '"cart/ours"'))
    file = write(project, f'references = ["good"]\nselect = ["UPD"]\n[ignore]\nUPD105 = "{REASON}"')
    other = write(project / "deep", "[tool.ruff]", "pyproject.toml")
    code, out, _ = told("config", "--format", "json", "--select", "RET", "--ignore", "EXP", "--fail-on", "suspect")
    assert code == 0
    shown = json.loads(out)
    assert shown["file"] == str(file)
    assert shown["looked_at"] == [str(other), str(file)]
    rows = {row["key"]: (row["value"], row["origin"]) for row in shown["keys"]}
    assert rows["select"] == ("RET", "command line")
    assert rows["fail-on"] == ("suspect", "command line")
    assert rows["ignore.UPD105"] == (REASON, f"{file}: ignore.UPD105")
    assert rows["ignore.EXP"][1] == "command line"
    assert rows["thresholds"] == ("-", "default")
    assert {key.partition(".")[0] for key in rows} == set(KEYS)
    assert shown["additions"] == [{"kind": "reference", "name": "cart/ours", "place": str(project / "good/own")}]
    code, out, _ = told("config")
    assert code == 0
    for words in ("read ", "has no [tool.rldoctor]", "cart/ours", REASON):
        assert words in out
    assert "command line" not in out
    assert "all defaults apply" in told("config", "--isolated")[1]
    assert told("config", "--select", "NOPE")[0] == 2


def test_own_references_are_found_by_name_on_the_command_line(project, told):
    shutil.copytree(ROOT / "reference_curves/cartpole/zoo", project / "good/own")
    recipe = project / "good/own/recipe.toml"
    recipe.write_text(recipe.read_text().replace('"cartpole/zoo"', '"cart/ours"'))
    write(project, 'references = ["good"]')
    assert "compared with cart/ours; named by --reference" in told("diagnose", RUN, "--reference", "cart/ours")[1]
    assert "compared with cart/ours" in told("diagnose", RUN, "-r", "ours")[1]
    code, _, err = told("diagnose", RUN, "-r", "cart/our")
    assert code == 2
    assert "cart/ours" in err
    assert told("diagnose", RUN, "-r", "cart/ours", "--isolated")[0] == 2


def test_scripts_read_none_unless_they_name_one(project):
    file = write(project, '[ignore]\nUPD105 = "known"\n')
    assert rldoctor.diagnose(RUN).subjects[0].suppressed == ()
    assert rldoctor.diagnose(RUN, config=file).subjects[0].suppressed[0].code == "UPD105"
    file.write_text('fail-on = "suspect"\n[ignore]\nNOPE = "x"')
    with pytest.raises(UsageError, match="NOPE"):
        rldoctor.diagnose(RUN, config=str(file))
