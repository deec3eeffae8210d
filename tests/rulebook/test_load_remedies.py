"""The remedies of the rulebook: a bad one is refused, a good one names settings and checks that exist."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rldoctor import datafile
from rldoctor.errors import UsageError
from rldoctor.hyperparameters import DEFAULTS, parse
from rldoctor.rulebook import load_rulebook
from rldoctor.rulebook.schema import ALL_SETTINGS

RATE = "diagnoses/learning-rate-too-high.toml"
GOAL = "diagnoses/goal-not-observed.toml"
SMALL = "diagnoses/updates-too-small.toml"
CHANGE = 'setting = "learning_rate"\nto = 0.0003\n'


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (GOAL, '["ENV206"]', '"ENV206"', ["confirmed_by", "list"]),
        (RATE, CHANGE, f"{CHANGE}beyond = 1\n", ["change.beyond", "Did you mean below"]),
        (RATE, CHANGE, f"{CHANGE}order = 0\n", ["change.order", "at least 1"]),
        (RATE, CHANGE, f'{CHANGE}spaces = "round"\n', ["change.spaces", "round", "continuous, discrete"]),
        (RATE, CHANGE, f"{CHANGE}scale = 0.1\n", ["learning_rate", "to and scale", "one of"]),
        (RATE, CHANGE, f'{CHANGE}below = "small"\n', ["change.below", "number"]),
        (RATE, "scale = 0.1", "reference = false", ["no new value", "one of to, scale"]),
        (RATE, "scale = 0.1", "scale = true", ["change.scale", "number"]),
        (SMALL, 'setting = "clip_range"', 'setting = "clip"', ["change.setting", "clip_range"]),
    ],
)
def test_bad_remedies_are_refused(tmp_path: Path, file: str, old: str, new: str, words: list[str]) -> None:
    checks = tmp_path / "checks"
    shutil.copytree(datafile.folder("checks"), checks)
    path = checks / file
    text = path.read_text(encoding="utf-8")
    assert old in text, "the test no longer fits the file"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_rulebook(checks)
    for word in words:
        assert word in str(caught.value)


def test_every_cause_can_be_treated_or_told() -> None:
    for rule in load_rulebook().diagnoses.values():
        assert rule.change or rule.remedy, rule.name
        assert rule.outside == (not rule.change or bool(rule.confirmed_by)), rule.name


def test_the_usual_values_are_values_that_the_setting_takes() -> None:
    changes = [c for rule in load_rulebook().diagnoses.values() for c in rule.change if c.setting != ALL_SETTINGS]
    assert changes
    for change in changes:
        if change.to is not None:
            takes = [name for name, settings in DEFAULTS.items() if change.setting in settings]
            # A temperature that tunes itself is SAC's alone.
            takes = ["sac"] if change.to == "auto" else takes
            for algorithm in takes:
                # As it stands in the file: SB3 takes no 10.0 for a number of epochs.
                assert parse(change.setting, str(change.to), "change", algorithm) == change.to, change
        # A limit on the wrong side of the value would make the change go back and forth.
        if change.above is not None and isinstance(change.to, (int, float)):
            assert change.to <= change.above, change
        if change.below is not None and isinstance(change.to, (int, float)):
            assert change.to >= change.below, change
