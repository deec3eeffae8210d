"""What a sweep will do, before it does anything."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from rldoctor.environments.engine import Engine
from rldoctor.errors import UsageError
from rldoctor.experiments.sweep.plan import make_plan
from rldoctor.experiments.sweep.spec import SweepSpec, read_sweep_spec, seeds_of, split_values, varied


def names(plan):
    return [setting.name for setting in plan.settings]


def test_seeds_alone(plan_of, tmp_path):
    plan = plan_of(seeds=(0, 3))
    assert names(plan) == ["tests/cart"]
    assert plan.name == "seeds"
    assert plan.folder == tmp_path / "sweeps/tests/cart"
    assert [trial.directory for trial in plan.trials] == [plan.folder / "recipe" / f"seed-{seed}" for seed in (0, 3)]
    assert plan.baseline is plan.settings[0]


def test_an_ablation(plan_of):
    plan = plan_of(seeds=(0, 1), vary={"clip_range": ("0.1", "0.2", "0.4")})
    assert names(plan) == ["clip_range=0.1", "clip_range=0.2", "clip_range=0.4"]
    assert [setting.folder for setting in plan.settings] == ["clip_range=0.1", "recipe", "clip_range=0.4"]
    # What is the recipe's own anyway changes nothing, and is the baseline.
    assert plan.baseline.name == "clip_range=0.2"
    assert not plan.baseline.recipe.overrides
    assert plan.settings[0].recipe.setting("clip_range") == 0.1
    assert [(trial.setting.name, trial.seed) for trial in plan.trials[:3]] == [
        ("clip_range=0.1", 0),
        ("clip_range=0.1", 1),
        ("clip_range=0.2", 0),
    ]


def test_all_combinations_and_one_at_a_time(plan_of):
    vary = {"clip_range": ("0.1", "0.2"), "learning_rate": ("0.001", "0.01")}
    assert names(plan_of(vary=vary)) == [
        "clip_range=0.1, learning_rate=0.001",
        "clip_range=0.1, learning_rate=0.01",
        "clip_range=0.2, learning_rate=0.001",
        "clip_range=0.2, learning_rate=0.01",
    ]
    assert plan_of(vary=vary).baseline.name == "clip_range=0.2, learning_rate=0.001"
    # The recipe's own values are one setting, not two.
    each = plan_of(vary=vary, each=True)
    assert names(each) == ["tests/cart", "clip_range=0.1", "learning_rate=0.01"]
    assert each.baseline.folder == "recipe"


def test_another_baseline(plan_of, cart, tmp_path):
    vary = {"clip_range": ("0.1", "0.2"), "n_epochs": ("2", "4")}
    plan = plan_of(vary=vary, baseline=("clip_range=0.1", "n_epochs=2"))
    assert plan.baseline.name == "clip_range=0.1, n_epochs=2"
    assert plan_of(vary={"clip_range": ("0.1", "0.3")}).baseline.name == "clip_range=0.1"
    for wrong in (("clip_range=0.3",), ("gamma=0.9",)):
        with pytest.raises(UsageError, match="The sweep has no setting"):
            plan_of(vary=vary, baseline=wrong)


def test_sweeps_of_one_recipe_share_their_trials(plan_of):
    seeds, ablation = plan_of(seeds=(0,)), plan_of(seeds=(0,), vary={"clip_range": ("0.1", "0.2")})
    assert seeds.trials[0].directory == ablation.trials[1].directory
    longer = plan_of(seeds=(0,), changes=("total_steps=4096",))
    assert longer.trials[0].directory.parent.name == "total_steps=4096"
    compiled = plan_of(seeds=(0,), engine=Engine.ENVPOOL)
    assert compiled.trials[0].directory.parent.name == "recipe,engine=envpool"


def test_folders_have_names_that_every_file_system_takes(plan_of):
    plan = plan_of(vary={"env": ("CartPole-v1", "my.module:Env/../../x-v0"), "net_arch": ("[64,64]", "[8]")})
    folders = [setting.folder for setting in plan.settings]
    assert len(set(folders)) == 4
    assert not any("/" in folder or ":" in folder for folder in folders)
    assert folders[0] == "recipe"
    assert folders[1] == "net_arch=[8]"
    assert all(trial.directory.parent.parent == plan.folder for trial in plan.trials)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"seeds": ()}, "no seed"),
        ({"vary": {"clip_rang": ("0.1",)}}, "Did you mean clip_range"),
        ({"vary": {"clip_range": ("x",)}}, "clip_range = 'x' must be a number"),
        ({"vary": {"clip_range": ()}}, "has no value"),
        ({"vary": {"clip_range": ("0.1", "0.10")}}, "listed twice"),
        ({"changes": ("gamma=2",)}, "must be a number of at most 1"),
        ({"seeds": tuple(range(1000)), "vary": {"gamma": tuple(f"0.{i}" for i in range(1, 200))}}, "199,000 trainings"),
    ],
)
def test_what_makes_no_sense(plan_of, spec, message):
    with pytest.raises(UsageError, match=message):
        plan_of(**spec)


@pytest.mark.parametrize(
    ("text", "expected"), [("0-4", (0, 1, 2, 3, 4)), ("1,2,5", (1, 2, 5)), ("0-2, 1-3", (0, 1, 2, 3)), ("7", (7,))]
)
def test_seeds_in_words(text, expected):
    assert seeds_of(text, "--seeds") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "1-", "-1", "1-b", "4-0", "1,,2", "²", "1.5", "1-2-3"),
        *("0-999999999999", "0,4-2", "2147483648", "9" * 5000),
    ],
)
def test_what_is_no_list_of_seeds(text):
    with pytest.raises(UsageError, match="--seeds"):
        seeds_of(text, "--seeds")


def test_values_in_words():
    assert split_values("clip_range=0.1, 0.2") == ("clip_range", ("0.1", "0.2"))
    assert split_values("net_arch=[64,64],[256]") == ("net_arch", ("[64,64]", "[256]"))
    for wrong in ("clip_range", "clip_range=", "=1", "clip_range=,"):
        with pytest.raises(UsageError, match="has no value"):
            split_values(wrong)


def test_a_sweep_in_a_file(tmp_path, cart):
    file = tmp_path / "sweep.toml"
    file.write_text("""
reference = "quick"
seeds = "0-2"
steps = 4096
each = true

[set]
normalize_advantage = false

[vary]
clip_range = [0.1, 0.4]
use_sde = [true]
net_arch = [[64, 64], [8]]

[baseline]
clip_range = 0.4
""")
    spec = read_sweep_spec(file)
    assert spec == SweepSpec(
        reference="quick",
        seeds=(0, 1, 2),
        changes=("normalize_advantage=false", "total_steps=4096"),
        vary={"clip_range": ("0.1", "0.4"), "use_sde": ("true",), "net_arch": ("[64, 64]", "[8]")},
        each=True,
        baseline=("clip_range=0.4",),
    )
    plan = make_plan(spec, cart, tmp_path)
    assert [setting.name for setting in plan.settings] == [
        "tests/cart",
        "clip_range=0.1",
        "clip_range=0.4",
        "use_sde=True",
        "net_arch=[8]",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 1", "Did you mean seeds"),
        ("seeds = 3", "seeds = 3 must be a text or a list"),
        ("seeds = [0, -1]", "seeds = -1 must be a whole number of at least 0"),
        ("steps = '5'", "must be a whole number"),
        ("each = 1", "must be true or false"),
        ("vary = 1", "must be a table"),
        ("[vary]\nclip_range = 0.1", "vary.clip_range = 0.1 must be a list"),
        ("engine = 'warp'", "engine = 'warp' is not known"),
        ("reference = 1", "must be a text"),
        ("= 1", "cannot be read"),
    ],
)
def test_a_file_that_makes_no_sense(tmp_path, text, message):
    file = tmp_path / "sweep.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_sweep_spec(file)


def test_no_file(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_sweep_spec(tmp_path / "nothing.toml")


def test_settings_that_only_fit_together_are_changed_together(plan_of):
    # One alone would leave a batch larger than a rollout.
    changes = ("n_steps=16", "batch_size=32")
    assert plan_of(changes=changes).settings[0].recipe.overrides == {"n_steps": 16, "batch_size": 32}
    with pytest.raises(UsageError, match="larger than one rollout"):
        plan_of(changes=changes[:1])


def test_values_differ_to_the_last_digit(plan_of):
    plan = plan_of(vary={"learning_rate": ("1e-4", "1.0000001e-4")})
    assert len({setting.folder for setting in plan.settings}) == 2


def test_the_recipe_itself_as_baseline_of_one_at_a_time(plan_of):
    plan = plan_of(vary={"clip_range": ("0.1", "0.2")}, each=True, baseline=("clip_range=0.2",))
    assert plan.baseline is plan.settings[0]


def test_a_setting_that_is_named_again_gets_more_values():
    assert varied(["clip_range=0.1", "gamma=0.9", "clip_range=0.2,0.3"]) == {
        "clip_range": ("0.1", "0.2", "0.3"),
        "gamma": ("0.9",),
    }


def test_the_guides_file_is_one(tmp_path, cart):
    guide = (Path(__file__).parents[2] / "docs/how-to/sweep.md").read_text()
    text = textwrap.dedent("  " + guide.split("```toml\n  ")[1].split("  ```")[0])
    file = tmp_path / "sweep.toml"
    file.write_text(text)
    plan = make_plan(read_sweep_spec(file), cart, tmp_path)
    assert len(plan.settings) == 6
    assert plan.baseline.name == "clip_range=0.2, net_arch=[64,64]"
