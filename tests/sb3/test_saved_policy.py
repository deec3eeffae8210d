"""Policies rebuilt from archives act as Stable-Baselines3's own load, and nothing in an archive is executed."""

from __future__ import annotations

import base64
import json
import os
import zipfile

import cloudpickle
import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rldoctor.archives.vec_normalize import read_vec_normalize
from rldoctor.errors import CannotJudge
from rldoctor.sb3.saved_policy import load_policy


class Made(gymnasium.Env):
    """An environment of any spaces, whose episodes have one step."""

    def __init__(self, observation, action) -> None:
        self.observation_space, self.action_space = observation, action

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 0.0, True, False, {}


VECTOR = gymnasium.spaces.Box(-1, 1, (3,))
PICTURE = gymnasium.spaces.Box(0, 255, (36, 36, 3), np.uint8)
BOTH = gymnasium.spaces.Dict({"picture": PICTURE, "vector": VECTOR})
CONTINUOUS, DISCRETE = gymnasium.spaces.Box(-2, 2, (2,)), gymnasium.spaces.Discrete(3)
MULTI = gymnasium.spaces.MultiDiscrete([2, 3])
ARGUMENTS = {"net_arch": [8], "activation_fn": torch.nn.ELU}
SMALL = {"buffer_size": 4}


def batch(env, count=4):
    env.observation_space.seed(0)
    drawn = [env.observation_space.sample() for _ in range(count)]
    if isinstance(drawn[0], dict):
        return {key: np.stack([one[key] for one in drawn]) for key in drawn[0]}
    return np.stack(drawn)


def as_sb3_sees_it(observations):
    """Channels first, as model.predict takes pictures of a wrapped environment."""
    if isinstance(observations, dict):
        return {key: as_sb3_sees_it(value) for key, value in observations.items()}
    return np.moveaxis(observations, 3, 1) if observations.ndim == 4 else observations


@pytest.mark.parametrize(
    ("algorithm", "name", "observation", "action", "options"),
    [
        (PPO, "MlpPolicy", VECTOR, CONTINUOUS, {"policy_kwargs": {**ARGUMENTS, "log_std_init": -1.0}}),
        (PPO, "MlpPolicy", VECTOR, CONTINUOUS, {"use_sde": True}),
        (PPO, "MlpPolicy", VECTOR, MULTI, {}),
        (PPO, "MlpPolicy", gymnasium.spaces.Discrete(5), DISCRETE, {}),
        (PPO, "MlpPolicy", gymnasium.spaces.MultiBinary(4), DISCRETE, {}),
        (PPO, "CnnPolicy", PICTURE, DISCRETE, {"policy_kwargs": {"features_extractor_kwargs": {"features_dim": 8}}}),
        (A2C, "MultiInputPolicy", BOTH, CONTINUOUS, {}),
        (DQN, "MlpPolicy", VECTOR, DISCRETE, {**SMALL, "policy_kwargs": ARGUMENTS}),
        (SAC, "MlpPolicy", VECTOR, CONTINUOUS, {**SMALL, "policy_kwargs": {"net_arch": {"pi": [8], "qf": [4]}}}),
        (TD3, "MlpPolicy", VECTOR, CONTINUOUS, {**SMALL, "policy_kwargs": {"optimizer_class": torch.optim.SGD}}),
    ],
)
def test_acts_as_the_model_that_was_saved(tmp_path, algorithm, name, observation, action, options):
    env = Made(observation, action)
    model = algorithm(name, env, **options)
    model.save(tmp_path / "model")
    policy = load_policy(tmp_path / "model.zip", env)
    seen = batch(env)
    actions, _ = policy.policy.predict(policy.transform(seen), deterministic=True)
    expected, _ = model.predict(as_sb3_sees_it(seen), deterministic=True)
    assert np.array_equal(actions, expected)


@pytest.mark.parametrize(
    ("name", "policy", "observation", "action"),
    [
        ("TQC", "MlpPolicy", VECTOR, CONTINUOUS),
        ("QRDQN", "MlpPolicy", VECTOR, DISCRETE),
        ("TRPO", "MlpPolicy", VECTOR, CONTINUOUS),
        ("ARS", "LinearPolicy", VECTOR, CONTINUOUS),
        ("CrossQ", "MlpPolicy", VECTOR, CONTINUOUS),
        ("RecurrentPPO", "MlpLstmPolicy", VECTOR, DISCRETE),
        ("MaskablePPO", "MlpPolicy", VECTOR, DISCRETE),
    ],
)
def test_policies_of_sb3_contrib(tmp_path, name, policy, observation, action):
    algorithm = getattr(pytest.importorskip("sb3_contrib"), name)
    env = Made(observation, action)
    model = algorithm(policy, env, **(SMALL if name in ("TQC", "QRDQN", "CrossQ") else {}))
    model.save(tmp_path / "model")
    loaded = load_policy(tmp_path / "model.zip", env)
    seen = batch(env, 1)
    assert np.array_equal(
        loaded.policy.predict(seen, deterministic=True)[0], model.predict(seen, deterministic=True)[0]
    )
    assert loaded.is_recurrent == (name == "RecurrentPPO")
    assert loaded.is_masked == (name == "MaskablePPO")


class Extractor(BaseFeaturesExtractor):
    def __init__(self, observation_space) -> None:
        super().__init__(observation_space, 2)
        self.layer = torch.nn.Linear(3, 2)

    def forward(self, observations):
        return self.layer(observations)


def test_code_of_ones_own_is_refused_with_the_way_out(tmp_path):
    env = Made(VECTOR, DISCRETE)
    PPO("MlpPolicy", env, policy_kwargs={"features_extractor_class": Extractor}).save(tmp_path / "model")
    with pytest.raises(CannotJudge, match=r"built with .*Extractor.*rldoctor\.evaluate\(PPO\.load\(file\)"):
        load_policy(tmp_path / "model.zip", env)


class Evil:
    def __reduce__(self):
        return os.system, ("exit 1",)


def changed(path, target, members):
    """Write a copy of an archive with some members replaced."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, members.get(name, old.read(name)))
    return target


@pytest.fixture
def saved(tmp_path):
    PPO("MlpPolicy", Made(VECTOR, DISCRETE)).save(tmp_path / "model")
    return tmp_path / "model.zip"


def test_a_class_of_anybody_else_is_refused(saved, tmp_path):
    data = json.loads(zipfile.ZipFile(saved).read("data"))
    data["policy_class"][":serialized:"] = base64.b64encode(cloudpickle.dumps(Evil())).decode()
    with pytest.raises(CannotJudge, match=r"not one of Stable-Baselines3's"):
        load_policy(changed(saved, tmp_path / "evil.zip", {"data": json.dumps(data)}), Made(VECTOR, DISCRETE))
    data["policy_class"][":serialized:"] = base64.b64encode(b"csubprocess\nPopen\n.").decode()
    with pytest.raises(CannotJudge, match=r"subprocess\.Popen, not one"):
        load_policy(changed(saved, tmp_path / "evil.zip", {"data": json.dumps(data)}), Made(VECTOR, DISCRETE))


def test_weights_that_are_more_than_tensors_are_refused(saved, tmp_path):
    path = changed(saved, tmp_path / "evil.zip", {"policy.pth": cloudpickle.dumps(Evil())})
    with pytest.raises(CannotJudge, match="more than tensors"):
        load_policy(path, Made(VECTOR, DISCRETE))


@pytest.mark.parametrize(
    ("observation", "action", "words"),
    [
        (VECTOR, gymnasium.spaces.Discrete(4), r"other actions .*: Discrete\(3\), and not Discrete\(4\)"),
        (gymnasium.spaces.Box(-1, 1, (4,)), DISCRETE, r"other observations .*: Box\(3\), and not Box\(4\)"),
        (gymnasium.spaces.Box(-1, 1, (1,)), DISCRETE, "VecFrameStack"),
        (BOTH, DISCRETE, r"Box\(3\), and not Dict\(picture: Box\(36, 36, 3\), vector: Box\(3\)\)"),
    ],
)
def test_other_spaces_are_told_apart(saved, observation, action, words):
    with pytest.raises(CannotJudge, match=words):
        load_policy(saved, Made(observation, action))


def test_other_bounds_of_actions_are_other_actions(tmp_path):
    PPO("MlpPolicy", Made(VECTOR, CONTINUOUS)).save(tmp_path / "model")
    with pytest.raises(CannotJudge, match=r"from -2 to 2, and not Box\(2\) from -1 to 1"):
        load_policy(tmp_path / "model.zip", Made(VECTOR, gymnasium.spaces.Box(-1, 1, (2,))))


@pytest.mark.parametrize("observation", [VECTOR, gymnasium.spaces.Dict({"a": VECTOR, "b": VECTOR})])
def test_statistics_normalise_as_vec_normalize_does(tmp_path, observation):
    keys = ["a"] if isinstance(observation, gymnasium.spaces.Dict) else None
    vec_env = VecNormalize(DummyVecEnv([lambda: Made(observation, DISCRETE)]), clip_obs=1.0, norm_obs_keys=keys)
    vec_env.reset()
    for _ in range(5):
        vec_env.step([0])
    vec_env.save(tmp_path / "vecnormalize.pkl")
    seen = batch(Made(observation, DISCRETE))
    expected, found = vec_env.normalize_obs(seen), read_vec_normalize(tmp_path / "vecnormalize.pkl").apply(seen)
    for key in ["a", "b"] if keys else [...]:
        assert np.array_equal(expected[key], found[key])


def test_statistics_that_are_something_else_are_refused(tmp_path):
    file = tmp_path / "statistics.pkl"
    with pytest.raises(CannotJudge, match="no such file"):
        read_vec_normalize(file)
    for content, words in ((b"x", "damaged"), (cloudpickle.dumps(Evil()), "no VecNormalize")):
        file.write_bytes(content)
        with pytest.raises(CannotJudge, match=words):
            read_vec_normalize(file)
