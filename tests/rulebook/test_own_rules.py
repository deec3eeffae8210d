"""Rules of a project's own: they add to the shipped ones, replace none, and are tried like them."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

from rldoctor.config import Config
from rldoctor.diagnosis.context import context_of
from rldoctor.diagnosis.many import diagnose
from rldoctor.errors import UsageError
from rldoctor.rulebook import load_rulebook
from rldoctor.rulebook.examples import wrong_examples
from rldoctor.rulebook.thresholds import with_thresholds

RUN = Path(__file__).parents[1] / "runs/sick/learning-rate-too-high/chapter-learning-rate-high-strong-0"
SIGN_FILE = "signs/OWN101-kl-above-ours.toml"
SIGN = """
code = "OWN101"
name = "kl-above-ours"
severity = "warning"
message = "approx_kl has a median of {observed:.3g}; ours is {expected}."
what = "The policy moves more than in our runs."
why = "Our robot is real."
remedy = "Lower the learning rate."
false_alarms = "None known."
source = "Ours"

[[when]]
detector = "level"
metric = "approx_kl"
thresholds = [0.01, 0.02]

[[example]]
fires = true
why = "large steps"
curves = { approx_kl = [0.1, 0.2] }

[[example]]
fires = false
why = "small steps"
curves = { approx_kl = [0.001, 0.002] }
"""
CAUSE = """
name = "robot-at-risk"
title = "the robot is at risk"
what = "Updates too large for a real robot."
remedy = "Stop."
source = "Ours"
bias = 2.0
[weights]
OWN101 = 9.0
UPD103 = 3.0
UPD125 = 3.0
"""
METRIC = """
[joint_torque]
title = "joint torque"
unit = "Nm"
better = "lower"
meaning = "Mean torque."
reading = "Below 3."
source = "Ours"
"""
NAMES = """
framework = "ours"
title = "Our trainer"
step_axis = "env_steps"
source = "our_trainer/log.py"
identified_by = ["robot/torque"]
[tags."robot/torque"]
metric = "joint_torque"
aggregation = "mean"
[tags."robot/return"]
metric = "episode_return"
aggregation = "mean"
"""
EXPECTED = """
envs = ["OurRobot-v0"]
title = "Our robot"
[episode]
source = "ours"
horizon = 50
"""


@pytest.fixture
def rules(tmp_path):
    """Return what writes a folder of rules: path below it to text."""

    def rules(files):
        root = tmp_path / "our rules"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root

    return rules


@pytest.fixture
def whole(rules):
    root = rules(
        {
            "signs/deep/OWN101-kl-above-ours.toml": SIGN,
            "diagnoses/robot-at-risk.toml": CAUSE,
            "metrics.toml": METRIC,
            "names/ours.toml": NAMES,
            "preflight/environments/robot.toml": EXPECTED,
        }
    )
    return Config(rules=(root,))


def test_an_own_sign_fires_in_a_real_run_and_moves_an_own_cause(whole):
    # The settings beside the logs name the true cause; the own one is to lead by the logs.
    [subject] = diagnose([RUN], config=whole, ignore=["SET"])
    finding = next(finding for finding in subject.findings if finding.code == "OWN101")
    assert finding.message.startswith("approx_kl has a median of 65.1; ours is below 0.01")
    assert subject.diagnoses[0].name == "robot-at-risk"
    assert "OWN101" in subject.diagnoses[0].evidence_for
    [without] = diagnose([RUN])
    assert "OWN101" not in {finding.code for finding in without.findings}
    assert without.diagnoses[0].name == "learning-rate-too-high"


def test_the_shipped_rules_stay_as_they_are(whole):
    book, ours = load_rulebook(own=whole.rules), load_rulebook()
    assert all(book.signs[code].when == sign.when for code, sign in ours.signs.items())
    assert set(book.signs) - set(ours.signs) == {"OWN101"}
    assert "OWN101" not in load_rulebook().signs
    assert "joint_torque" in book.metrics
    assert not list(wrong_examples([book.signs["OWN101"]]))


def test_what_goes_to_other_processes_holds_no_file_of_the_project(whole):
    means = pickle.loads(pickle.dumps(context_of(whole)))
    assert means.book.signs["OWN101"].when == load_rulebook(own=whole.rules).signs["OWN101"].when
    assert [names.framework for names in means.tag_mappings] == ["ours"]


def test_other_processes_need_no_file_of_the_project(whole, monkeypatch):
    from rldoctor.diagnosis import many
    from rldoctor.diagnosis.context import context_of as read
    from rldoctor.executors.local import LocalExecutor

    def read_and_take_away(*arguments):
        means = read(*arguments)
        shutil.rmtree(whole.rules[0])
        return means

    monkeypatch.setattr(many, "context_of", read_and_take_away)
    [subject] = diagnose([RUN], executor=LocalExecutor(1), config=whole)
    assert not whole.rules[0].exists()
    assert "OWN101" in {finding.code for finding in subject.findings}


def test_own_names_tell_an_own_framework(whole, tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path / "run")) as writer:
        for step in range(1, 30):
            writer.add_scalar("robot/torque", 2.0, step * 1000)
            writer.add_scalar("robot/return", float(step), step * 1000)
    [subject] = diagnose([tmp_path / "run"], config=whole)
    assert subject.framework == "ours"
    assert subject.title.startswith("Our trainer")
    [without] = diagnose([tmp_path / "run"])
    assert without.framework == ""


def test_own_expectations_are_known(whole):
    from rldoctor.preflight.expectations import load_expectations

    assert load_expectations(whole.rules)["OurRobot-v0"].episode.horizon == 50
    assert "OurRobot-v0" not in load_expectations()


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (
            SIGN_FILE,
            "OWN101",
            "UPD101",
            ["UPD101", "family", "of your own"],
        ),
        (SIGN_FILE, "{observed:.3g}", "{seen}", ["message", "observed"]),
        (SIGN_FILE, "{expected}", "{expected:.2f}", ["message", "filled in"]),
        (SIGN_FILE, "approx_kl", "aprox_kl", ["aprox_kl", "approx_kl"]),
        (SIGN_FILE, "detector = ", "verb = ", ["unknown key 'when.verb'", "It is called detector now."]),
        (SIGN_FILE, "thresholds = ", "threshold = ", ["unknown key 'when.threshold'", "Did you mean thresholds?"]),
        (SIGN_FILE, "message = ", "says = ", ["unknown key 'says'", "It is called message now."]),
    ],
)
def test_a_bad_own_sign_is_refused(rules, file, old, new, words):
    root = rules({file.replace("OWN101", new) if old == "OWN101" else file: SIGN.replace(old, new)})
    with pytest.raises(UsageError) as caught:
        load_rulebook(own=(root,))
    for word in words:
        assert word in str(caught.value)


def test_names_that_are_taken_are_refused(rules):
    root = rules({"diagnoses/slow-training.toml": CAUSE.replace("robot-at-risk", "slow-training")})
    with pytest.raises(UsageError, match="names 'OWN101', which is no sign"):
        load_rulebook(own=(root,))
    sign = rules({SIGN_FILE: SIGN})
    with pytest.raises(UsageError, match="slow-training exists already"):
        load_rulebook(own=(sign,))


def test_a_metric_and_a_framework_that_are_known_are_refused(rules, tmp_path):
    root = rules({"metrics.toml": METRIC.replace("joint_torque", "approx_kl")})
    with pytest.raises(UsageError, match="'approx_kl' exists already"):
        load_rulebook(own=(root,))
    (root / "metrics.toml").unlink()
    rules({"names/cleanrl.toml": NAMES.replace('"ours"', '"cleanrl"')})
    with pytest.raises(UsageError, match="already a tag mapping called 'cleanrl'"):
        context_of(Config(rules=(root,)))


def test_a_file_that_nobody_would_read_is_refused(rules):
    root = rules({"sings/OWN101-kl-above-ours.toml": SIGN})
    with pytest.raises(UsageError, match="in a place where no rule is read"):
        load_rulebook(own=(root,))


def test_a_folder_without_rules_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no rules"):
        load_rulebook(own=(tmp_path,))


def test_an_example_that_does_not_hold_is_told(rules):
    root = rules({SIGN_FILE: SIGN.replace("[0.01, 0.02]", "[1.0, 2.0]")})
    [line] = wrong_examples([load_rulebook(own=(root,)).signs["OWN101"]])
    assert "stays silent" in line
    assert "large steps" in line


def test_a_threshold_moves_when_a_sign_begins_to_show():
    book, told = with_thresholds(load_rulebook(), {"UPD105": (0.97, 0.99)}, "here")
    assert told == {"UPD105": "UPD105 clip-fraction-above-range: 0.97 to 0.99 instead of 0.3 to 0.6"}
    assert book.signs["UPD105"].when[0].thresholds == (0.97, 0.99)
    assert load_rulebook().signs["UPD105"].when[0].thresholds == (0.3, 0.6)
    by_name, _ = with_thresholds(load_rulebook(), {"clip-fraction-above-range": (0.97, 0.99)}, "here")
    assert by_name.signs == book.signs


@pytest.mark.parametrize(
    ("word", "thresholds", "said"),
    [
        ("UPD999", (0.1, 0.2), "here.UPD999: no sign has this code or name. Did you mean"),
        ("UPD", (0.1, 0.2), "no sign has this code"),
        ("UPD105", (0.6, 0.3), "must rise"),
        ("UPD101", (-0.1, 0.2), "must be above 0"),
        ("NUM101", (0.1, 0.2), "has no threshold"),
    ],
)
def test_a_threshold_that_cannot_be_is_refused(word, thresholds, said):
    with pytest.raises(UsageError) as caught:
        with_thresholds(load_rulebook(), {word: thresholds}, "here")
    assert said in str(caught.value)
