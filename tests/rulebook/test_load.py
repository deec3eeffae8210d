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
        (SIGN, 'severity = "warning"', 'severity = "bad"', ["UPD101", "severity", "note, warning, error"]),
        (SIGN, 'verb = "level"', 'verb = "levels"', ["UPD101", "when.verb", "level"]),
        (SIGN, 'metric = "approx_kl"', 'metric = "aprox_kl"', ["UPD101", "when.metric", "approx_kl"]),
        (SIGN, 'over = "median"', 'over = "middle"', ["UPD101", "when.over", "Known"]),
        (SIGN, "ramp = [0.03, 0.12]", "ramp = [0.03]", ["UPD101", "when.ramp", "two numbers"]),
        (SIGN, "ramp = [0.03, 0.12]", "ramp = [0.03, 0.03]", ["UPD101", "when.ramp", "different"]),
        (SIGN, "ramp = [0.03, 0.12]", "ramps = [0.03, 0.12]", ["UPD101", "when.", "ramp"]),
        (SIGN, "log = true", 'log = "yes"', ["UPD101", "when.log", "bool"]),
        (SIGN, 'code = "UPD101"', 'code = "KLX101"', ["UPD101", "code", "family"]),
        (SIGN, 'name = "approx-kl-above-range"', 'name = "other"', ["UPD101", "called"]),
        (SIGN, "[[example]]\nfires = true", "[[example]]\nfires = false", ["UPD101", "example", "fires"]),
        (SIGN, "fires = true", 'fires = "yes"', ["UPD101", "fires"]),
        (SIGN, "what = ", "whatever = ", ["UPD101", "whatever"]),
        (CAUSE, 'name = "learning-rate-too-high"', 'name = "lr"', ["learning-rate-too-high", "file's name"]),
        (CAUSE, 'setting = "learning_rate"', 'setting = "learning_rat"', ["change.setting", "learning_rate"]),
        (CAUSE, "[weights]", "[weights]\nUPD999 = 1.0", ["UPD999", "no sign"]),
        (CAUSE, "[weights]", '[weights]\nRET101 = "much"', ["RET101", "number"]),
        (CAUSE, "bias = ", "biass = ", ["biass", "bias"]),
        (CAUSE, 'typical = ["', 'typical = ["UPD9", "', ["typical", "UPD9", "no positive weight"]),
        (SIGN, 'severity = "warning"', "severity = {}", ["UPD101", "kind"]),
        (SIGN, "fires = true", "fires = true\npoints = [1]", ["UPD101", "kind"]),
        (CAUSE, "bias = ", "algorithms = [{}]\nbias = ", ["learning-rate-too-high", "kind"]),
        (CAUSE, 'typical = ["', 'typical = [["', ["learning-rate-too-high"]),
        (CAUSE, "title = ", "excluded_by = [{}]\ntitle = ", ["learning-rate-too-high", "kind"]),
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
