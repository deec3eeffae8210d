from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldoctor.errors import EXIT_USAGE, UsageError, near
from rldoctor.hyperparameters import DEFAULTS
from rldoctor.recipe import CRITERIA, Criterion, Recipe, recipe_from_mapping
from rldoctor.references import load_recipe

MINIMAL = {"name": "mine", "env": "CartPole-v1", "total_steps": 1000, "n_envs": 1}


def parsed(**changes) -> Recipe:
    return recipe_from_mapping({**MINIMAL, **changes}, "recipe.toml")


def test_a_minimal_recipe_has_sb3s_defaults():
    recipe = parsed()
    assert (recipe.env, recipe.total_steps, recipe.n_envs, recipe.evaluation_episodes) == ("CartPole-v1", 1000, 1, 100)
    assert not recipe.criteria
    assert recipe.setting("n_steps") == 2048
    assert recipe.setting("target_kl") is None


def test_defaults_are_those_of_stable_baselines():
    import inspect

    from stable_baselines3 import PPO
    from stable_baselines3.common.policies import ActorCriticPolicy

    theirs = {**inspect.signature(ActorCriticPolicy).parameters, **inspect.signature(PPO).parameters}
    for name, default in DEFAULTS["ppo"].items():
        if not name.endswith("_schedule") and name != "net_arch":
            assert default == theirs[name].default, name


def test_a_whole_number_is_taken_where_a_float_is_meant():
    recipe = parsed(hyperparameters={"learning_rate": 1, "gamma": 0})
    assert recipe.hyperparameters == {"learning_rate": 1.0, "gamma": 0.0}
    assert all(type(value) is float for value in recipe.hyperparameters.values())


def test_criteria():
    recipe = parsed(criteria={"success_rate": {"above": 0.9}, "final_distance_mean": {"below": 0.02}})
    assert recipe.criteria == {"success_rate": Criterion(above=0.9), "final_distance_mean": Criterion(below=0.02)}
    assert [(c.relation, c.threshold) for c in recipe.criteria.values()] == [(">", 0.9), ("<", 0.02)]


@pytest.mark.parametrize(
    ("changes", "problem", "cure"),
    [
        ({"total_step": 5}, "unknown key 'total_step'", "Did you mean total_steps"),
        ({"algorithm": "rainbow"}, "algorithm = 'rainbow' is not known", "Allowed: "),
        ({"total_steps": 0}, "total_steps = 0 must be a whole number of at least 1", ""),
        ({"total_steps": -5}, "total_steps = -5 must be", ""),
        ({"total_steps": 1e3}, "total_steps = 1000.0 must be", ""),
        ({"total_steps": True}, "total_steps = True must be", ""),
        ({"n_envs": "8"}, "n_envs = '8' must be", ""),
        ({"evaluation_episodes": 0}, "evaluation_episodes = 0 must be", ""),
        ({"env": 3}, "env = 3 must be a text", ""),
        ({"hyperparameters": [1]}, "hyperparameters = [1] must be a table", ""),
        (
            {"hyperparameters": {"learnin_rate": 1e-3}},
            "unknown key 'hyperparameters.learnin_rate'",
            "Did you mean learning_rate",
        ),
        ({"hyperparameters": {"gamma": 1.5}}, "gamma = 1.5 must be a number of at most 1", ""),
        ({"hyperparameters": {"learning_rate": -1e-3}}, "must be a number of at least 0", ""),
        ({"hyperparameters": {"learning_rate": math.nan}}, "learning_rate = nan must be", ""),
        ({"hyperparameters": {"learning_rate": math.inf}}, "learning_rate = inf must be a finite number", ""),
        ({"hyperparameters": {"ent_coef": 10**400}}, "must be a finite number", ""),
        ({"hyperparameters": {"ent_coef": -math.inf}}, "must be a finite number", ""),
        ({"hyperparameters": {"n_steps": 1}}, "n_steps = 1 must be a whole number of at least 2", ""),
        ({"hyperparameters": {"n_epochs": 2.5}}, "hyperparameters.n_epochs = 2.5 must be a whole number", ""),
        ({"hyperparameters": {"n_epochs": True}}, "must be a whole number", ""),
        ({"hyperparameters": {"gamma": True}}, "must be a number", ""),
        ({"hyperparameters": {"gamma": None}}, "gamma = None must be a number", ""),
        ({"hyperparameters": {"use_sde": 1}}, "must be true or false", ""),
        (
            {"hyperparameters": {"learning_rate_schedule": "cosine"}},
            "= 'cosine' is not known",
            "Allowed: constant, linear",
        ),
        ({"hyperparameters": {"net_arch": [64, 0]}}, "net_arch = 0 must be a whole number of at least 1", ""),
        ({"hyperparameters": {"net_arch": [64, True]}}, "net_arch = True must be a whole number", ""),
        ({"hyperparameters": {"net_arch": 64}}, "must be a list", ""),
        ({"hyperparameters": {"batch_size": 4096}}, "larger than one rollout", "at most 2048"),
        (
            {"criteria": {"succes_rate": {"above": 1}}},
            "unknown key 'criteria.succes_rate'",
            "Did you mean success_rate",
        ),
        ({"criteria": {"success_rate": 0.9}}, "criteria.success_rate = 0.9 must be a table", ""),
        ({"criteria": {"success_rate": {"above": 0.9, "below": 1}}}, "must be { above = number }", ""),
        (
            {"criteria": {"success_rate": {"abov": 0.9}}},
            "unknown key 'criteria.success_rate.abov'",
            "Did you mean above",
        ),
        ({"criteria": {"success_rate": {"above": math.nan}}}, "must be a finite number", ""),
        ({"criteria": {"success_rate": {"above": 10**400}}}, "must be a finite number", ""),
        ({"criteria": {"success_rate": {"above": True}}}, "success_rate.above = True must be a number", ""),
        ({"criteria": {"success_rate": {"above": "much"}}}, "must be a number", ""),
    ],
)
def test_what_is_wrong_is_named(changes, problem, cure):
    with pytest.raises(UsageError) as raised:
        parsed(**changes)
    assert raised.value.exit_code == EXIT_USAGE
    assert raised.value.problem.startswith("recipe.toml: ")
    assert problem in raised.value.problem
    assert cure in raised.value.cure


@pytest.mark.parametrize("key", MINIMAL)
def test_a_missing_key_is_named(key):
    with pytest.raises(UsageError, match=f"'{key}' is missing"):
        recipe_from_mapping({k: v for k, v in MINIMAL.items() if k != key}, "recipe.toml")


@pytest.mark.parametrize(
    ("pair", "key", "value"),
    [
        ("learning_rate=1e-4", "learning_rate", 1e-4),
        (" learning_rate = 0 ", "learning_rate", 0.0),
        ("target_kl=0.02", "target_kl", 0.02),
        ("target_kl=none", "target_kl", None),
        ("clip_range_vf=null", "clip_range_vf", None),
        ("normalize_advantage=False", "normalize_advantage", False),
        ("use_sde=true", "use_sde", True),
        ("n_epochs=20", "n_epochs", 20),
        ("n_steps=1e3", "n_steps", 1000),
        ("net_arch=[32,16]", "net_arch", [32, 16]),
        ("net_arch=32, 16", "net_arch", [32, 16]),
        ("net_arch=[]", "net_arch", []),
        ("learning_rate_schedule=linear", "learning_rate_schedule", "linear"),
        ("sde_sample_freq=-1", "sde_sample_freq", -1),
    ],
)
def test_set_changes_a_hyperparameter_and_is_recorded(pair, key, value):
    recipe = load_recipe("chapter").with_overrides([pair])
    assert recipe.setting(key) == value
    assert type(recipe.setting(key)) is type(value)
    assert recipe.overrides == {key: value}
    assert recipe.to_json()["overrides"] == {key: value}
    untouched = {k: v for k, v in load_recipe("chapter").hyperparameters.items() if k != key}
    assert untouched.items() <= recipe.hyperparameters.items()


@pytest.mark.parametrize(("text", "steps"), [("5e5", 500_000), ("500_000", 500_000), ("1000", 1000), ("1e3", 1000)])
def test_set_reads_steps_as_people_write_them(text, steps):
    recipe = load_recipe("chapter").with_overrides([f"total_steps={text}"])
    assert recipe.total_steps == steps
    assert type(recipe.total_steps) is int


def test_set_the_environment_and_how_many():
    recipe = load_recipe("chapter").with_overrides(["env=FetchPushDense-v4", "n_envs=4", "n_envs=2"])
    assert (recipe.env, recipe.n_envs) == ("FetchPushDense-v4", 2)
    assert recipe.overrides == {"env": "FetchPushDense-v4", "n_envs": 2}


@pytest.mark.parametrize(
    ("pair", "problem"),
    [
        ("learning_rate", "has no '='"),
        ("=3", "no setting called ''"),
        ("learnin_rate=3", "no setting called 'learnin_rate'"),
        ("success_rate=3", "no setting called 'success_rate'"),
        ("learning_rate=", "must be a number"),
        ("learning_rate=fast", "learning_rate = 'fast' must be a number"),
        ("learning_rate=nan", "must be"),
        ("learning_rate=1e999", "must be a finite number"),
        ("learning_rate=none", "must be a number"),
        ("n_epochs=2.5", "must be a whole number"),
        ("n_epochs=1e999", "must be a finite number"),
        ("n_epochs=nan", "must be a whole number"),
        ("n_epochs=²", "must be a whole number"),
        ("total_steps=-1", "must be a whole number of at least 1"),
        ("total_steps=0", "must be a whole number of at least 1"),
        ("n_envs=0", "must be a whole number of at least 1"),
        ("use_sde=yes", "must be true or false"),
        ("net_arch=wide", "net_arch = 'wide' must be a whole number"),
        ("net_arch=[64,-1]", "must be a whole number of at least 1"),
        ("batch_size=100000", "larger than one rollout"),
        ("n_envs=none", "must be a whole number"),
    ],
)
def test_set_refuses(pair, problem):
    with pytest.raises(UsageError) as raised:
        load_recipe("chapter").with_overrides([pair])
    assert problem in raised.value.problem
    assert raised.value.problem.startswith("--set")


def test_batch_and_rollout_may_change_together_in_any_order():
    pairs = ["batch_size=16384", "n_steps=2048"]
    for order in (pairs, pairs[::-1]):
        assert load_recipe("chapter").with_overrides(order).setting("batch_size") == 16384


def test_require():
    recipe = load_recipe("chapter").with_criteria(["success_rate=0.5", "final_distance_mean=0.05"])
    thresholds = {name: (c.relation, c.threshold) for name, c in recipe.criteria.items()}
    assert thresholds["success_rate"] == (">", 0.5)
    assert thresholds["final_distance_mean"] == ("<", 0.05)
    assert thresholds["return_mean"] == (">", -10.0)
    for wrong in ("success_rate", "success_rate=", "success_rate=inf", "nope=1"):
        with pytest.raises(UsageError):
            recipe.with_criteria([wrong])


FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def values_of(name):
    """Return values that a hyperparameter may have, by the kind of its default."""
    default = DEFAULTS["ppo"][name]
    if isinstance(default, str):
        return st.sampled_from(("constant", "linear"))
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, list):
        return st.lists(st.integers(1, 512), max_size=3)
    if isinstance(default, int):
        return st.integers(2, 10**6)
    shares = st.floats(0.0, 1.0)
    return st.none() | shares if default is None else shares


@st.composite
def recipes(draw):
    chosen = draw(st.lists(st.sampled_from(sorted(DEFAULTS["ppo"])), unique=True))
    settings = {key: draw(values_of(key)) for key in chosen}
    criteria = draw(st.lists(st.sampled_from(sorted(CRITERIA)), unique=True))
    recipe = Recipe(
        name=draw(st.text()),
        env=draw(st.text().filter(str.strip)),
        total_steps=draw(st.integers(1, 10**9)),
        n_envs=draw(st.integers(1, 64)),
        hyperparameters=settings,
        criteria={name: Criterion(**{draw(st.sampled_from(("above", "below"))): draw(FLOATS)}) for name in criteria},
        title=draw(st.text()),
        evaluation_episodes=draw(st.integers(1, 1000)),
        overrides={key: settings[key] for key in chosen[:2]},
    )
    rollout = recipe.setting("n_steps") * recipe.n_envs
    if recipe.setting("batch_size") > rollout:
        settings["batch_size"] = rollout
    return recipe


@given(recipes())
def test_round_trip_through_json(recipe):
    assert recipe_from_mapping(json.loads(json.dumps(recipe.to_json())), "run.json") == recipe


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = sorted({*Recipe("", "", 1, 1).to_json(), "provenance"})


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), JSON))
def test_any_mapping_is_a_recipe_or_a_usage_error(data):
    try:
        recipe = recipe_from_mapping({**MINIMAL, **data}, "run.json")
    except UsageError as error:
        assert error.problem.startswith("run.json: ")
    else:
        assert recipe.total_steps >= 1


@given(st.sampled_from(sorted({*DEFAULTS["ppo"], "total_steps", "n_envs", "env"})), st.text(max_size=12))
def test_any_text_for_set_is_a_value_or_a_usage_error(key, text):
    try:
        recipe = load_recipe("chapter").with_overrides([f"{key}={text}"])
    except UsageError as error:
        assert error.problem
    else:
        assert json.loads(json.dumps(recipe.to_json(), allow_nan=False))["overrides"] == recipe.overrides


def test_near():
    assert near("clip_rang", DEFAULTS["ppo"]).startswith("Did you mean clip_range or ")
    assert near("xyz", ["b", "a"]) == "Known: a, b."
    assert near("xyz", [f"{i:03d}" for i in range(75)]).endswith(", 059 and 15 more.")
