"""Naming an environment, as typed in an empty folder: every form, and one sentence for a wrong name."""

from __future__ import annotations

import itertools
import json
import sys
from functools import partial

import gymnasium
import pytest

from rldoctor.cli.app import run
from rldoctor.environments import naming, registry
from rldoctor.environments.registry import EnvironmentBroken
from rldoctor.errors import UsageError

SOURCE = """
import gymnasium, numpy as np
from helper_of_{name} import LIMIT

class Walk(gymnasium.Env):
    metadata = {{"render_modes": []}}

    def __init__(self, size=2, word="a"):
        self.observation_space = gymnasium.spaces.Box(-10, 10, (size,))
        self.action_space = gymnasium.spaces.Box(-1, 1, (size,))

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.x = self.np_random.uniform(-1, 1, self.observation_space.shape).astype(np.float32)
        return self.x.copy(), {{}}

    def step(self, action):
        self.x = np.clip(self.x + 0.1 * action, -10, 10).astype(np.float32)
        return self.x.copy(), -float(np.abs(self.x).sum()), False, False, {{}}

class Sized(Walk):
    def __init__(self, size):
        super().__init__(size)

class NotOne:
    pass

def make(size=3):
    return gymnasium.wrappers.TimeLimit(Walk(size), LIMIT)

def several():
    return gymnasium.vector.SyncVectorEnv([Walk, Walk])

made = Walk()
gymnasium.register("{name}-v0", Walk, max_episode_steps=11)
"""
_numbers = itertools.count()


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder with an environment in a module of its own name, as the working folder; the name."""
    name = f"my_env_{next(_numbers)}"
    (tmp_path / f"{name}.py").write_text(SOURCE.format(name=name))
    (tmp_path / f"helper_of_{name}.py").write_text("LIMIT = 7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    yield name
    gymnasium.registry.pop(f"{name}-v0", None)


FORMS = {
    "CartPole-v1": 500,
    "CartPole": 500,
    "{}:{}-v0": 11,
    "{}:Walk": None,
    "{}.py:Walk": None,
    "./{}.py:{}-v0": 11,
    "{}:make": 7,
    "{}.py:make": 7,
}


@pytest.mark.parametrize(("form", "limit"), FORMS.items())
def test_each_form_makes_the_environment_with_its_time_limit(mine, form, limit):
    env = registry.make(form.format(mine, mine))
    while env is not env.unwrapped and not isinstance(env, gymnasium.wrappers.TimeLimit):
        env = env.env
    assert getattr(env, "_max_episode_steps", None) == limit


@pytest.mark.parametrize("form", FORMS)
def test_each_form_typed(mine, form, capsys):
    assert (
        run(["preflight", "--isolated", "--env", form.format(mine, mine), "--select", "ENV102", "--format", "json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["verdict"] == "healthy"


def test_module_is_found_by_its_id_alone_once_imported(mine):
    assert registry.resolve(f"{mine}:{mine}-v0").max_episode_steps == 11
    assert registry.resolve(f"{mine}-v0").max_episode_steps == 11


def test_arguments_and_time_limit_are_kept_with_the_run_and_found_from_another_folder(mine, tmp_path, monkeypatch):
    settings = ["--steps", "64", "--set", "n_steps=64,n_envs=1,batch_size=64,n_epochs=1", "--isolated"]
    options = ["--env-kwargs", "size=4,word=b c", "--max-episode-steps", "5"]
    assert run(["train", "--env", f"{mine}.py:Walk", *options, *settings]) == 0
    (directory,) = (tmp_path / "runs").glob("*/seed-0")
    assert directory.parent.name == f"{mine}.py_Walk"
    recipe = json.loads((directory / "run.json").read_text())["recipe"]
    assert recipe["env"] == f"{tmp_path / mine}.py:Walk"
    assert (recipe["env_kwargs"], recipe["max_episode_steps"]) == ({"size": 4, "word": "b c"}, 5)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert run(["evaluate", str(directory), "--episodes", "2"]) == 0
    assert json.loads((directory / "evaluation.json").read_text())["aggregate"]["episode_length_mean"] == 5


def test_another_environment_does_not_get_the_arguments_of_the_recipes_own(mine):
    from rldoctor.references import load_recipe

    first = load_recipe("quick").with_overrides(["env_kwargs.size=3", "max_episode_steps=9", "env=Other-v0"])
    assert first.env_arguments == {"size": 3, "max_episode_steps": 9}
    assert first.with_overrides(["env=Third-v0"]).env_arguments == {}
    assert load_recipe("quick").to_json().keys().isdisjoint({"env_kwargs", "max_episode_steps"})


VALUES = {
    "5": 5,
    "0.5": 0.5,
    "true": True,
    "False": False,
    "none": None,
    "[1, 2]": [1, 2],
    "(1, 2)": [1, 2],
    "{'a': 1}": {"a": 1},
    "'5'": "5",
    "rgb_array": "rgb_array",
    "a b": "a b",
    "1e400": "1e400",
    "__import__('os')": "__import__('os')",
}


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_values_of_arguments_are_typed(text, value):
    from rldoctor.hyperparameters import ENV_KWARGS, parse

    assert parse(f"{ENV_KWARGS}x", text, "--env-kwargs") == value


REFUSED = {
    "": "names no environment",
    ":Walk": "names no environment",
    "{}:": "names no environment",
    "{}.py": "Write {}.py:Walk or {}.py:Sized or {}.py:NotOne.",
    "{}:Wall": "Did you mean Walk?",
    "{}:NotOne": "does not inherit from gymnasium.Env",
    "{}:made": "made already",
    "{}:LIMIT": "neither a class nor a function",
    "{}x:Walk": "Did you mean {}?",
    "nowhere/{}.py:Walk": "There is no file",
    "{}.py:Walk.Inner": "there is no Walk.Inner",
    "CartPole-v7": "There is CartPole-v0 and CartPole-v1.",
    "cartpole-v1": "Did you mean CartPole-v1",
    "no environment at all": "Name it by its id, as module:Class, or as path/to/file.py:Class.",
    "ALE/Pong-v5": "python -m pip install ale-py",
    "dm_control/cartpole-balance-v0": "python -m pip install 'shimmy[dm-control]'",
    "MiniGrid-Empty-5x5-v0": "python -m pip install minigrid",
    "gymnasium.vector:SyncVectorEnv": "a vector environment",
    "gymnasium.experimental.functional:FuncEnv": "a functional environment",
    "stable_baselines3.common.vec_env:DummyVecEnv": "a vec env of Stable-Baselines3",
    "pettingzoo:AECEnv": "a PettingZoo environment of several agents",
}


@pytest.mark.parametrize(("form", "said"), REFUSED.items())
def test_a_wrong_name_is_refused_in_one_sentence(mine, form, said, monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)  # as if no family of environments were installed
    with pytest.raises(UsageError) as refused:
        registry.resolve(form.format(mine))
    assert said.format(mine, mine, mine) in str(refused.value)
    assert refused.value.cure.count("-v") <= 4, "close matches, not lists"


BROKEN = {
    ("{}:Sized", ""): ("needs the argument size", "--env-kwargs size=VALUE"),
    ("{}:Walk", "sise"): ("takes no argument 'sise'", "Did you mean size?"),
    ("{}:several", ""): ("gives a vector environment", "Name the single environment"),
    ("CartPole-v1", "lenght"): ("takes no argument 'lenght'", "It takes"),
}


@pytest.mark.parametrize(("case", "said"), BROKEN.items())
def test_what_cannot_be_made_says_what_to_type(mine, case, said):
    (form, argument), (problem, cure) = case, said
    with pytest.raises(EnvironmentBroken) as broken:
        registry.make(form.format(mine), **({argument: 3} if argument else {}))
    assert problem in broken.value.problem and cure in broken.value.cure
    (code,) = {run(["preflight", "--isolated", "--env", form.format(mine), "--select", "ENV101",
                    *(["--env-kwargs", f"{argument}=3"] if argument else [])])}  # fmt: skip
    assert code == 1


IMPORTS = {
    "raise ValueError('my fault')": "ValueError: my fault ({}.py, line 2)",
    "import sys; sys.exit(3)": "SystemExit: 3 ({}.py, line 2)",
    "import no_such_package": "Install the package of no_such_package",
    "def (": "SyntaxError",
}


@pytest.mark.parametrize(("line", "said"), IMPORTS.items())
@pytest.mark.parametrize("form", ["{}:Walk", "{}.py:Walk"])
def test_a_module_that_raises_is_told_with_its_line(tmp_path, monkeypatch, line, said, form):
    name = f"raises_{next(_numbers)}"
    (tmp_path / f"{name}.py").write_text(f"\n{line}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    with pytest.raises(UsageError) as refused:
        registry.resolve(form.format(name))
    assert said.format(name) in str(refused.value)


def test_a_file_whose_name_is_taken_or_is_no_module_name(mine, tmp_path):
    for name in ("json", "my-env"):
        (tmp_path / f"{name}.py").write_text((tmp_path / f"{mine}.py").read_text().rpartition("gymnasium.register")[0])
        assert registry.resolve(f"{name}.py:Walk") is not None
    assert json.loads("1") == 1


@pytest.mark.slow
def test_a_file_is_found_in_other_processes(mine):
    from stable_baselines3.common.vec_env import SubprocVecEnv

    name = naming.absolute(f"{mine}.py:Walk")
    envs = SubprocVecEnv([partial(registry.make, name, size=3)] * 2, start_method="spawn")
    try:
        assert envs.reset().shape == (2, 3)
    finally:
        envs.close()


def test_absolute_and_label():
    assert naming.label("/a/b/my_env.py:Walk") == "my_env.py:Walk"
    assert naming.label("my_env:Walk") == naming.absolute("my_env:Walk") == "my_env:Walk"
    assert naming.absolute("b/my_env.py:Walk").startswith("/")
