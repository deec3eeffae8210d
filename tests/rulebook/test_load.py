"""A bad rule file is refused with its name, the key, and what is allowed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rldoctor import datafile
from rldoctor.errors import UsageError
from rldoctor.rulebook import load_rulebook

SIGN = "signs/update/UPD101-approx-kl-above-range.toml"
CAUSE = "diagnoses/learning-rate-too-high.toml"
WEIGHTS = "weights.toml"


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    copy = tmp_path / "checks"
    shutil.copytree(datafile.folder("checks"), copy)
    return copy


def test_the_shipped_rulebook_loads_from_anywhere(checks: Path) -> None:
    assert set(load_rulebook(checks).signs) == set(load_rulebook().signs)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (SIGN, 'severity = "warning"', 'severity = "bad"', ["UPD101", "severity", "Allowed: note, warning, error"]),
        (SIGN, 'detector = "level"', 'detector = "levels"', ["UPD101", "when.detector", "Did you mean level"]),
        (SIGN, 'metric = "approx_kl"', 'metric = "aprox_kl"', ["UPD101", "when.metric", "approx_kl"]),
        (SIGN, 'statistic = "median"', 'statistic = "middle"', ["UPD101", "when.statistic", "Known"]),
        (SIGN, "thresholds = [0.03, 0.12]", "thresholds = [0.03]", ["UPD101", "when.thresholds", "2 values"]),
        (SIGN, "thresholds = [0.03, 0.12]", "thresholds = [0.03, 0.03]", ["UPD101", "when", "different"]),
        (SIGN, "thresholds = [0.03, 0.12]", "threshold = [0.03, 0.12]", ["UPD101", "when.threshold", "thresholds"]),
        (SIGN, "log = true", 'log = "yes"', ["UPD101", "when.log", "true or false"]),
        (SIGN, 'code = "UPD101"', 'code = "KLX101"', ["UPD101", "code", "family"]),
        (SIGN, 'name = "approx-kl-above-range"', 'name = "other"', ["UPD101", "called"]),
        (SIGN, "[[example]]\nfires = true", "[[example]]\nfires = false", ["UPD101", "example", "fires"]),
        (SIGN, "fires = true", 'fires = "yes"', ["UPD101", "example.fires", "true or false"]),
        (SIGN, "what = ", "whatever = ", ["UPD101", "whatever"]),
        (SIGN, 'what = "The', 'what = " " #', ["UPD101", "what", "not empty"]),
        (SIGN, 'severity = "warning"', "severity = {}", ["UPD101", "severity", "a text"]),
        (SIGN, "fires = true", "fires = true\npoints = [1]", ["UPD101", "example.points", "a whole number"]),
        (CAUSE, 'name = "learning-rate-too-high"', 'name = "lr"', ["learning-rate-too-high", "file's name"]),
        (CAUSE, 'setting = "learning_rate"', 'setting = "learning_rat"', ["change.setting", "learning_rate"]),
        (CAUSE, 'hallmarks = ["', 'hallmarks = ["UPD9", "', ["hallmarks", "UPD9", "no sign"]),
        (CAUSE, 'hallmarks = ["', 'hallmarks = ["RET101", "', ["hallmarks", "RET101", "no positive weight"]),
        (CAUSE, 'hallmarks = ["', 'typical = ["', ["typical", "hallmarks"]),
        (CAUSE, "title = ", "excluded_by = [{}]\ntitle = ", ["excluded_by", "a text"]),
        (CAUSE, "title = ", "algorithms = [{}]\ntitle = ", ["algorithms", "a text"]),
        (CAUSE, "title = ", 'algorithms = ["ppo", "dqm"]\ntitle = ', ["algorithms", "dqm", "dqn"]),
        (
            WEIGHTS,
            "[learning-rate-too-high]",
            "[learning-rate-too-hig]",
            ["is no diagnosis", "Did you mean learning-rate-too-high"],
        ),
        (WEIGHTS, "[healthy]", "[healthy]\nUPD999 = 1.0", ["healthy", "UPD999", "no sign"]),
        (WEIGHTS, "UPD131 = 42.0", 'UPD131 = "much"', ["answers-not-from-policy.UPD131", "a number"]),
        (WEIGHTS, "UPD131 = 42.0", "UPD131 = nan", ["answers-not-from-policy.UPD131", "a finite number"]),
        ("metrics.toml", "[approx_kl]\ntitle", "[approx_kl]\ntitel", ["approx_kl", "titel"]),
    ],
)
def test_bad_files_are_refused(checks: Path, file: str, old: str, new: str, words: list[str]) -> None:
    path = checks / file
    text = path.read_text(encoding="utf-8")
    assert old in text, "the test no longer fits the file"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_rulebook(checks)
    for word in words:
        assert word in str(caught.value)


def test_a_code_is_used_once(checks: Path) -> None:
    (checks / "signs" / "again").mkdir()
    shutil.copy(checks / SIGN, checks / "signs" / "again" / Path(SIGN).name)
    with pytest.raises(UsageError, match="taken"):
        load_rulebook(checks)


@pytest.mark.parametrize(
    "garbage", [b"\xff\xfe", b"= 3", b"a = [1", b"", b"a = " + b"[" * 5_000, b"a = " + b"9" * 5_000]
)
def test_garbage_is_refused(checks: Path, garbage: bytes) -> None:
    (checks / SIGN).write_bytes(garbage)
    with pytest.raises(UsageError, match="UPD101"):
        load_rulebook(checks)
