"""Settings out of range are evidence for their cause, usual ones against it; published ones are not flagged."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from rldoctor import datafile
from rldoctor.explain import pages
from rldoctor.model import Place, Settings
from rldoctor.rulebook import load_rulebook
from rldoctor.settings import judge_settings, read_settings
from rldoctor.settings.signs import setting_signs

from .files import RSL_RL_AGENT, write

ROOT = Path(__file__).parents[2]
HEALTHY = datafile.read_toml(Path(__file__).parent / "healthy.toml")
RECORDED = sorted((ROOT / "tests/runs").rglob("run.json"))
# The faults of the laboratory that are settings, and the code that must show; mild ones that are usual elsewhere may
# show too faintly to be reported.
FAULTS = {
    "learning-rate-high": "SET101",
    "learning-rate-low": "SET102",
    "clip-range-high": "SET103",
    "clip-range-low": "SET104",
    "epochs-many": "SET105",
    "batch-small": "SET106",
    "gamma-zero": "SET107",
    "entropy-bonus-high": "SET108",
    "value-loss-ignored": "SET109",
    "gradient-clipped-away": "SET110",
    "exploration-dead": "SET111 SET117",
    "exploration-wild": "SET112",
    "advantages-unnormalised": "SET113",
}


def settings(algorithm, **values):
    return Settings(algorithm=algorithm, places={name: Place() for name in values}, **values)


def faults(observations):
    return {item.code: item.strength for item in observations if item.direction == "fault"}


@pytest.mark.parametrize(
    ("algorithm", "values"),
    [(algorithm, values) for algorithm, all_values in HEALTHY.items() for values in all_values],
    ids=lambda value: value["source"] if isinstance(value, dict) else value,
)
def test_published_settings_are_not_flagged(algorithm, values):
    stated = settings(algorithm, **{name: value for name, value in values.items() if name != "source"})
    assert not [code for code, strength in faults(judge_settings(stated)).items() if strength >= 0.5]


def test_faults_of_settings_in_recorded_runs():
    missed, wrong, seen = [], [], Counter()
    for file in RECORDED:
        label = file.with_name("label.json")
        fault, _, severity = json.loads(label.read_text())["fault"].partition(":") if label.exists() else ("", "", "")
        fired = {code for code, s in faults(judge_settings(read_settings(file.parent))).items() if s >= 0.5}
        expected = set(FAULTS.get(fault, "").split())
        seen[fault in FAULTS] += 1
        if fault in FAULTS and severity != "mild" and not fired & expected:
            missed.append(file.parent.name)
        if fired - expected:
            wrong.append(file.parent.name)
    assert not missed and not wrong
    assert seen[True] > 70 and seen[False] > 250


@pytest.mark.parametrize(
    ("algorithm", "values", "code"),
    [
        ("sac", {"tau": 0.0}, "SET118"),
        ("td3", {"tau": 1e-4}, "SET118"),
        ("td3", {"tau": 1.0}, "SET116"),
        ("dqn", {"target_update_interval": 100_000, "total_steps": 50_000}, "SET119"),
        ("dqn", {"target_update_interval": 1}, "SET120"),
        ("sac", {"buffer_size": 300, "total_steps": 50_000}, "SET121"),
        ("dqn", {"buffer_size": 300}, "SET121"),
        ("td3", {"learning_starts": 40_000, "total_steps": 50_000}, "SET122"),
        ("sac", {"updates_per_step": 0.005}, "SET123"),
        ("dqn", {"updates_per_step": 20.0}, "SET124"),
        ("dqn", {"exploration_fraction": 0.001}, "SET125"),
        ("dqn", {"exploration_fraction": 3.0}, "SET126"),
        ("td3", {"action_noise_std": 2.0}, "SET127"),
        ("sac", {"ent_coef": 1e-8}, "SET128"),
    ],
)
def test_settings_of_off_policy_methods(algorithm, values, code):
    [(found, strength)] = faults(judge_settings(settings(algorithm, **values))).items()
    assert (found, strength >= 0.5) == (code, True)


@pytest.mark.parametrize(
    "values",
    [
        # A buffer that holds half of a short training is not short, and a start of which the end is not known not late.
        {"buffer_size": 300, "total_steps": 500},
        {"learning_starts": 40_000},
    ],
)
def test_what_depends_on_the_length_of_the_training_is_not_judged_alone(values):
    assert judge_settings(settings("sac", **values)) == []


def test_an_observation_says_where_and_what_to_set(tmp_path):
    text = RSL_RL_AGENT.replace("adaptive", "fixed").replace("learning_rate: 1.0e-3", "learning_rate: 0.3")
    write(tmp_path / "params/agent.yaml", text)
    [found] = [item for item in judge_settings(read_settings(tmp_path)) if item.direction == "fault"]
    assert found.code == "SET101" and found.strength == 1.0 and found.causes[0] == "learning-rate-too-high"
    assert found.message == "learning_rate is 0.3 in params/agent.yaml, line 21; usual is at most 0.002."
    assert found.remedy == "Set learning_rate to 0.0003 in params/agent.yaml, line 21 (was 0.3)."


@pytest.mark.parametrize("file", ["model.zip", "events.out.tfevents.1.host"])
def test_a_file_that_only_records_a_setting_is_not_the_place_to_set_it(file):
    settings = Settings(
        algorithm="ppo", learning_rate=0.1, places={"learning_rate": Place(file=file, key="learning_rate")}
    )
    (found,) = [item for item in judge_settings(settings) if item.code == "SET101"]
    assert found.remedy == "Set learning_rate to 0.0003 (was 0.1)."
    assert file in found.message


def test_a_usual_setting_contradicts_its_cause():
    [found] = judge_settings(settings("ppo", learning_rate=3e-4))
    assert (found.direction, found.causes) == ("health", ("learning-rate-too-high",))
    # Between usual and unusual nothing is said.
    assert judge_settings(settings("ppo", learning_rate=3e-3)) == []


@pytest.mark.parametrize("algorithm", ["", "ars", "impala"])
def test_nothing_is_said_of_an_algorithm_without_ranges(algorithm):
    assert judge_settings(settings(algorithm, learning_rate=10.0)) == []


def test_the_logs_say_the_algorithm_where_the_settings_do_not():
    assert faults(judge_settings(settings("", learning_rate=10.0), "dqn")) == {"SET101": 1.0}


@pytest.mark.parametrize("code", setting_signs())
def test_every_sign_of_a_setting_is_whole(code):
    sign = setting_signs()[code]
    book = load_rulebook()
    assert set(sign.causes) | set(sign.cleared) <= set(book.diagnoses) and sign.causes
    assert set(sign.ranges) <= set(book.algorithms)
    for of in sign.ranges.values():
        if of.thresholds:
            low, high = of.thresholds
            assert sign.strength(low, of) == 0.0 and sign.strength(high, of) == pytest.approx(1.0)
            assert sign.is_usual(of.usual, of) and not sign.is_usual(high, of)
    assert pages.look_up(code).sections


def test_zero_and_below_are_the_lowest_values_there_are():
    assert faults(judge_settings(settings("ppo", learning_rate=0.0, clip_range=0.0))) == {"SET102": 1.0, "SET104": 1.0}
    assert faults(judge_settings(settings("ppo", ent_coef=-1.0))) == {}
