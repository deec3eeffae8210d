"""Advice in the words of the run's library, without what is so already."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from rldoctor.hyperparameters import DEFAULTS, SETTINGS
from rldoctor.logs.frameworks import shipped_tag_mappings
from rldoctor.model import Json
from rldoctor.model.settings import Place
from rldoctor.rulebook import load_rulebook
from rldoctor.rulebook.advice import Advice, _libraries, explained, library

LIBRARIES = [mapping.framework for mapping in shipped_tag_mappings() if not mapping.supplement]


def advice(framework: str = "sb3", **values: Json) -> Advice:
    return Advice(library(framework), values.get)


LOWER = "{lower learning_rate 3e-4}; look at the data."


def test_a_change_names_the_value_now_and_the_one_to_set() -> None:
    assert advice(learning_rate=0.01).text(LOWER) == "Lower learning_rate to 0.0003 (was 0.01); look at the data."


@pytest.mark.parametrize("now", [3e-4, 1e-5, 3.2e-4])
def test_a_change_that_is_made_already_is_left_out(now: float) -> None:
    assert advice(learning_rate=now).text(LOWER) == "Look at the data."
    assert advice(learning_rate=now).text("{lower learning_rate 3e-4}.") == ""
    assert advice(learning_rate=now).text("{lower learning_rate 3e-4}.", "Raise {batch_size}.") == "Raise batch_size."


def test_a_change_of_an_unknown_value_is_conditional() -> None:
    assert advice().text("{lower learning_rate 3e-4}.") == "Lower learning_rate to 0.0003 if it is higher."
    assert advice().text("{raise vf_coef 0.5}.") == "Raise vf_coef to 0.5 if it is lower."
    assert advice().text("{limit target_kl 0.03}.", "never") == "Set target_kl to 0.03."


def test_a_controlled_setting_is_changed_through_what_controls_it() -> None:
    adaptive = Advice(library("rsl_rl"), {"learning_rate": 0.01}.get, {"learning_rate"})
    assert adaptive.text("{lower learning_rate 3e-4}.") == "Lower desired_kl, which controls learning_rate."


def test_settings_have_the_librarys_names_and_values() -> None:
    assert advice("cleanrl").text("Lower {clip_range}.") == "Lower --clip-coef."
    assert advice("rl_games").text("Lower {clip_range}.") == "Lower e_clip."
    assert advice("rsl_rl").text("{raise log_std_init 0}.") == "Raise init_noise_std to 1 if it is lower."
    assert advice("mine").text("Lower {clip_range}.") == "Lower clip_range."


def test_a_setting_that_a_file_states_is_named_with_its_place() -> None:
    places = {
        "clip_range": Place("params/agent.yaml", "algorithm.clip_param", 14),
        "batch_size": Place("a.yaml", "x", 2),
    }
    words = Advice(library("rsl_rl"), {"clip_range": 0.9}.get, (), places)
    assert words.text("{lower clip_range 0.2}.") == "Lower clip_param to 0.2 (was 0.9 in params/agent.yaml, line 14)."
    assert words.text("Raise {batch_size}.") == "Raise the minibatch size (num_mini_batches)."


def test_what_is_dealt_with_elsewhere_is_left_out() -> None:
    text = "{raise learning_rate 3e-4}; check {clip_range}; print the rewards."
    assert advice().text(text, without={"learning_rate", "clip_range"}) == "Print the rewards."


def test_a_test_is_made_with_the_proposed_change() -> None:
    text = "Train with {fix|a tenth of the rate}: it must learn."
    assert advice().text(text, fix="learning_rate=0.002") == "Train with learning_rate=0.002: it must learn."
    assert advice().text(text) == "Train with a tenth of the rate: it must learn."
    assert advice().text("Train with {fix|}: it must learn. Print the rewards.") == "Print the rewards."


def test_preflight_is_for_environments_that_rldoctor_can_make() -> None:
    text = "{preflight?Run rldoctor preflight.|Print the rewards.}"
    assert advice().text(text) == "Run rldoctor preflight."
    assert advice("trl").text(text) == "Print the rewards."
    beside = "Check the shapes (rldoctor preflight does); rldoctor preflight --select reward measures it."
    assert advice("rsl_rl").text(beside) == "Check the shapes."


def test_a_users_own_text_stays_as_it_is() -> None:
    for text in ("net_arch={pi: [64]} is enough. see wiki; ask Anna", "a {b} c", "e.g. Lower it; or not."):
        assert advice().text(text) == text


def texts() -> Iterator[tuple[str, str]]:
    book = load_rulebook()
    for sign in book.signs.values():
        yield sign.code, sign.remedy
    for rule in book.diagnoses.values():
        yield from ((rule.name, text) for text in (rule.remedy, rule.otherwise, rule.next_test))
    for name, metric in book.metrics.items():
        yield name, metric.how_to_log


@pytest.mark.parametrize("framework", LIBRARIES)
def test_every_placeholder_is_filled_for_every_library(framework: str) -> None:
    words = advice(framework)
    for name, raw in texts():
        if raw != "{callback}" or words.library.takes_callback:
            assert not re.search("[{}]", words.text(raw)), (name, words.text(raw))


@pytest.mark.parametrize("framework", [name for name in LIBRARIES if name != "sb3"])
def test_no_other_library_is_told_of_what_only_stable_baselines3_has(framework: str) -> None:
    # Its forerunners have wrappers of the same names.
    shared = "" if framework in ("baselines", "sb2") else r"Monitor\b|VecNormalize|VecCheckNan|"
    only = re.compile(shared + "DoctorCallback|stable_baselines3")
    for name, raw in texts():
        assert not only.search(advice(framework).text(raw)), name


def test_shipped_texts_name_settings_through_placeholders_where_they_change_them() -> None:
    # A value that is written out would be told to those who have it.
    written = re.compile(rf"\b({'|'.join(DEFAULTS['ppo'])})\b (to|=) ?-?[\d.]")
    assert [name for name, raw in texts() if written.search(raw)] == []


def test_the_libraries_are_those_with_a_tag_mapping() -> None:
    assert set(_libraries()) == set(LIBRARIES)
    assert {setting for one in _libraries().values() for setting in one.settings} <= SETTINGS


def test_explain_uses_the_words_of_stable_baselines3() -> None:
    assert "VecNormalize" in explained("Try {normalize_rewards}.")
    assert explained("{lower learning_rate 3e-4}.") == "Lower learning_rate to 0.0003 if it is higher."
