"""Remedies made concrete: what the data of a diagnosis comes to on one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from msgspec import structs

from rldoctor.diagnosis.match import Match
from rldoctor.diagnosis.remedy import Known, Move, Moves, advice_of, back_to, concrete, known_of, proposals
from rldoctor.hyperparameters import DEFAULTS
from rldoctor.model import Json
from rldoctor.model.settings import Place, Settings
from rldoctor.recipe import Recipe
from rldoctor.references import load_recipe
from rldoctor.rulebook import DiagnosisRule, load_rulebook
from rldoctor.rulebook.schema import SettingChange
from tests.diagnosis.made_up_runs import run

REFERENCE = load_recipe("quick")


def rule(*changes: SettingChange) -> DiagnosisRule:
    return structs.replace(load_rulebook().diagnoses["learning-rate-too-high"], change=changes)


def known(reference: Recipe | None = None, discrete: bool | None = None, **values: Json) -> Known:
    own: Mapping[str, Json] = DEFAULTS["ppo"]
    if reference is not None:
        own = {key: reference.setting(key) for key in DEFAULTS["ppo"]}
    return Known({**own, **values}.get, reference, True, discrete)


LOWER = SettingChange("learning_rate", to=3e-4, above=0.01)


def test_the_references_value_goes_before_the_usual_one() -> None:
    assert proposals(rule(LOWER), known(REFERENCE, learning_rate=0.1)) == [{"learning_rate": Move(0.1, 2e-3)}]
    assert proposals(rule(LOWER), known(learning_rate=0.1)) == [{"learning_rate": Move(0.1, 3e-4)}]
    usual = structs.replace(LOWER, reference=False)
    assert proposals(rule(usual), known(REFERENCE, learning_rate=0.1)) == [{"learning_rate": Move(0.1, 3e-4)}]


def test_nothing_is_proposed_where_the_setting_is_as_it_should_be() -> None:
    assert proposals(rule(LOWER), known(REFERENCE)) == []
    assert proposals(rule(SettingChange("vf_coef", to=0.5)), known()) == []


def test_limits_hold_back_a_change_that_the_value_does_not_call_for() -> None:
    assert proposals(rule(LOWER), known(learning_rate=0.005)) == []
    raises = SettingChange("gamma", to=0.99, below=0.8)
    assert proposals(rule(raises), known(gamma=0.85)) == []
    assert proposals(rule(raises), known(gamma=0.5)) == [{"gamma": Move(0.5, 0.99)}]


def test_with_a_reference_the_limits_tell_the_direction_alone() -> None:
    assert proposals(rule(LOWER), known(REFERENCE, learning_rate=0.005)) == [{"learning_rate": Move(0.005, 2e-3)}]
    assert proposals(rule(LOWER), known(REFERENCE, learning_rate=1e-4)) == []
    raises = SettingChange("learning_rate", to=3e-4, below=1e-5)
    assert proposals(rule(raises), known(REFERENCE, learning_rate=0.1)) == []


def test_a_value_is_scaled_only_where_there_is_none_to_go_back_to() -> None:
    tenth = SettingChange("learning_rate", scale=0.1)
    assert proposals(rule(tenth), known(learning_rate=0.1)) == [{"learning_rate": Move(0.1, pytest.approx(0.01))}]
    assert proposals(rule(tenth), known(REFERENCE, learning_rate=0.1)) == []
    assert proposals(rule(tenth), known(learning_rate=0.0)) == []


def test_an_override_is_removed() -> None:
    default = SettingChange("normalize_advantage", default=True)
    assert proposals(rule(default), known(normalize_advantage=False)) == [{"normalize_advantage": Move(False, True)}]
    assert proposals(rule(default), known()) == []


def test_a_change_for_other_action_spaces_is_left_out() -> None:
    wide = SettingChange("log_std_init", to=0.0, spaces="continuous")
    assert proposals(rule(wide), known(discrete=True, log_std_init=4.0)) == []
    assert proposals(rule(wide), known(discrete=False, log_std_init=4.0)) == [{"log_std_init": Move(4.0, 0.0)}]
    # Where it is not known, trying is better than not.
    assert len(proposals(rule(wide), known(log_std_init=4.0))) == 1


def test_all_that_differ_go_back_together_and_only_with_a_reference() -> None:
    everything = SettingChange("*")
    assert proposals(rule(everything), known(REFERENCE, gamma=0.5, n_epochs=3)) == [
        {"gamma": Move(0.5, 0.8), "n_epochs": Move(3, 10)}
    ]
    assert proposals(rule(everything), known(gamma=0.5)) == []


def test_changes_of_one_order_are_made_together_and_the_next_order_after_them() -> None:
    changes = (
        SettingChange("target_kl", to=0.03, order=2),
        LOWER,
        SettingChange("gamma", to=0.99, below=0.8),
    )
    assert proposals(rule(*changes), known(learning_rate=0.1, gamma=0.5)) == [
        {"learning_rate": Move(0.1, 3e-4), "gamma": Move(0.5, 0.99)},
        {"target_kl": Move(None, 0.03)},
    ]


def test_back_to_the_reference_holds_the_environments_too() -> None:
    sick = structs.replace(REFERENCE.with_overrides(["gamma=0.5"]), n_envs=2)
    assert back_to(REFERENCE, sick) == {"gamma": Move(0.5, 0.8), "n_envs": Move(2, 8)}
    assert back_to(REFERENCE, REFERENCE) == {}


def test_settings_beside_the_logs_are_known_and_named_with_their_place() -> None:
    place = Place("params/agent.yaml", "algorithm.learning_rate", 12)
    found = run({"episode_return": (1, 1)}, constants={"learning_rate": 0.5})
    found = replace(found, settings=Settings("rsl_rl", learning_rate=0.2, places={"learning_rate": place}))
    of_run = known_of(Match(None, False, ""), found)
    remedy, test = concrete(rule(LOWER), of_run, advice_of(of_run, found))
    assert remedy == "Set learning_rate to 0.0003 (was 0.2 in params/agent.yaml, line 12)."
    assert test.startswith("Train 10 % of the steps with learning_rate=0.0003:")


@pytest.mark.parametrize("way", ["stated", "seen"])
def test_an_adaptive_learning_rate_is_not_set(way: str) -> None:
    if way == "stated":
        found = replace(
            run({}, constants={"learning_rate": 0.01}), settings=Settings(learning_rate_schedule="adaptive")
        )
    else:
        found = run({"learning_rate": (1e-3, 1e-2, 1e-3, 1e-2, 1e-3, 1e-2, 1e-3)})
    of_run = known_of(Match(None, False, ""), found)
    assert proposals(rule(LOWER), of_run) == []
    remedy, _ = concrete(rule(LOWER), of_run, advice_of(of_run, replace(found, framework="rsl_rl")))
    assert remedy == "Lower desired_kl, which controls learning_rate."


def test_where_the_usual_value_is_set_the_next_candidate_is_named() -> None:
    found = run({}, constants={"learning_rate": 1e-5})
    of_run = known_of(Match(None, False, ""), found)
    remedy, _ = concrete(load_rulebook().diagnoses["learning-rate-too-high"], of_run, advice_of(of_run, found))
    assert "0.0003" not in remedy
    assert "target_kl to 0.03" in remedy
    spread = load_rulebook().diagnoses["policy-collapsed"]
    usual = known(log_std_init=0.0, ent_coef=0.01, learning_rate=1e-3)
    remedy, _ = concrete(spread, usual, advice_of(usual, found))
    assert remedy.startswith("Lower learning_rate to 0.0003 (was 0.001)")


@pytest.mark.parametrize("algorithm", ["sac", "td3", "ddpg", "dqn"])
def test_no_algorithm_gets_a_setting_of_another(algorithm: str) -> None:
    usual, proposed = DEFAULTS[algorithm], set[str]()
    for factor in (1e-6, 1.0, 1e6):
        odd = {key: value * factor if isinstance(value, float) else value for key, value in usual.items()}
        for diagnosis in load_rulebook().diagnoses.values():
            for moves in proposals(diagnosis, Known(odd.get, None, True, algorithm=algorithm)):
                proposed |= set(moves)
    assert proposed
    assert proposed <= set(DEFAULTS[algorithm])


def of(cause: str, algorithm: str, total_steps: int | None = None, **values: Json) -> Moves:
    known = Known({**DEFAULTS[algorithm], **values}.get, None, True, algorithm=algorithm, total_steps=total_steps)
    return next(iter(proposals(load_rulebook().diagnoses[cause], known)), {})


def test_settings_of_off_policy_methods_are_changed_by_their_causes() -> None:
    assert of("learning-starts-too-late", "sac", learning_starts=90_000) == {"learning_starts": Move(90_000, 1_000)}
    assert of("target-network-frozen", "td3", tau=0.0) == {"tau": Move(0.0, 0.005)}
    assert of("target-network-frozen", "dqn", tau=0.0) == {"tau": Move(0.0, 1.0)}
    assert of("replay-too-small", "dqn", buffer_size=500) == {"buffer_size": Move(500, 100_000)}
    assert of("temperature-dead", "sac", ent_coef=0.0) == {"ent_coef": Move(0.0, "auto")}
    assert of("learning-starts-too-late", "sac") == {}


def test_the_temperature_of_sac_is_tuned_again_and_the_bonus_of_ppo_goes() -> None:
    assert of("entropy-too-high", "sac", ent_coef=10.0) == {"ent_coef": Move(10.0, "auto")}
    assert of("entropy-too-high", "sac", ent_coef=0.1) == {}
    assert of("entropy-too-high", "sac") == {}
    assert of("entropy-too-high", "ppo", ent_coef=1.0) == {"ent_coef": Move(1.0, 0.0)}


def test_gradients_of_dqn_are_clipped_as_its_own_default_says() -> None:
    assert of("updates-too-small", "dqn", max_grad_norm=1e-6) == {"max_grad_norm": Move(1e-6, 10.0)}


@pytest.mark.parametrize(
    ("cause", "algorithm", "setting", "value", "steps", "after"),
    [
        ("learning-starts-too-late", "sac", "learning_starts", 4_900, 5_000, 250),
        ("learning-starts-too-late", "sac", "learning_starts", 90_000, 100_000, 1_000),
        ("learning-starts-too-late", "sac", "learning_starts", 1_000, 3_000, 150),
        ("learning-starts-too-late", "dqn", "learning_starts", 50_000, 10_000_000, None),
        ("target-network-frozen", "dqn", "target_update_interval", 10_000, 5_000, 100),
        ("target-network-frozen", "dqn", "target_update_interval", 10_000, 10_000_000, None),
        ("target-network-frozen", "dqn", "target_update_interval", 5_000_000, 10_000_000, 10_000),
        ("target-network-frozen", "sac", "target_update_interval", 1_000, 5_000, 1),
        ("target-network-too-fast", "dqn", "target_update_interval", 1, 5_000, 100),
        ("target-network-too-fast", "dqn", "target_update_interval", 10, 5_000, None),
    ],
)
def test_what_counts_steps_is_measured_by_the_length_of_the_training(
    cause: str, algorithm: str, setting: str, value: int, steps: int, after: int | None
) -> None:
    expected = {} if after is None else {setting: Move(value, after)}
    assert of(cause, algorithm, steps, **{setting: value}) == expected


def test_without_a_reference_too_no_change_goes_against_its_diagnosis() -> None:
    # DQN's own tau is 1, above every limit.
    assert of("target-network-too-fast", "dqn", tau=0.5) == {}
    assert of("values-overestimated", "td3", tau=0.5) == {"tau": Move(0.5, 0.005)}
