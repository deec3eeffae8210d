"""What a saved model of Stable-Baselines3 says of its training; sound models are left in peace."""

from __future__ import annotations

import io
import zipfile

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rldoctor.errors import CannotJudge
from rldoctor.explain import pages
from rldoctor.model import Settings
from rldoctor.rulebook import load_rulebook
from rldoctor.sb3.examine_model import examine_model
from rldoctor.sb3.model_signs import model_signs


def ppo(env="Pendulum-v1", **settings):
    return PPO("MlpPolicy", make_vec_env(env, n_envs=2, seed=0), n_steps=16, batch_size=16, seed=0, **settings)


def saved(model, folder, steps=0):
    if steps:
        model.learn(steps)
    else:
        model._setup_learn(0)
    model.save(folder / "model.zip")
    return folder / "model.zip"


def faults(path, **known):
    return {item.code: item.strength for item in examine_model(path, **known) if item.direction == "fault"}


SOUND = {
    "ppo": lambda: ppo(),
    "ppo with relu": lambda: ppo(policy_kwargs={"activation_fn": torch.nn.ReLU}),
    "ppo on discrete actions": lambda: ppo("CartPole-v1"),
    "dqn": lambda: DQN("MlpPolicy", "CartPole-v1", seed=0, buffer_size=100),
    "sac": lambda: SAC("MlpPolicy", "Pendulum-v1", seed=0, buffer_size=100, policy_kwargs={"net_arch": [16, 16]}),
}


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_model_is_left_in_peace(kind, tmp_path):
    assert faults(saved(SOUND[kind](), tmp_path, steps=32)) == {}


def test_what_is_usual_speaks_against_its_causes(tmp_path):
    found = examine_model(saved(ppo(), tmp_path))
    assert {item.code: item.causes for item in found} == {
        "MDL104": ("policy-collapsed",),
        "MDL105": ("entropy-too-high",),
    }
    assert {item.witness for item in found} == {"model"}


@torch.no_grad()
def _nan(model):
    model.policy.action_net.weight[0, 0] = float("nan")


@torch.no_grad()
def _exploded(model):
    model.policy.mlp_extractor.policy_net[2].weight *= 500


@torch.no_grad()
def _dead(model):
    model.policy.mlp_extractor.policy_net[0].bias -= 1e4


@torch.no_grad()
def _no_spread(model):
    model.policy.log_std.fill_(-6.0)


@torch.no_grad()
def _wide(model):
    model.policy.log_std.fill_(3.0)


BROKEN = {"MDL101": _nan, "MDL102": _exploded, "MDL104": _no_spread, "MDL105": _wide}


@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_model(code, tmp_path):
    model = ppo()
    BROKEN[code](model)
    found = faults(saved(model, tmp_path))
    assert found[code] >= 0.9
    assert set(found) <= {code, "MDL103"}


def test_units_that_never_change(tmp_path):
    model = ppo(policy_kwargs={"activation_fn": torch.nn.ReLU})
    _dead(model)
    [found] = [item for item in examine_model(saved(model, tmp_path)) if item.code == "MDL103"]
    assert found.strength == 1.0 and "100% of the units" in found.message


class _Far(gymnasium.ActionWrapper):
    def __init__(self):
        super().__init__(gymnasium.make("Pendulum-v1"))
        self.action_space = gymnasium.spaces.Box(-1000, 1000, (1,), np.float32)

    def action(self, action):
        return action / 500


def test_bounds_far_from_what_the_policy_tries(tmp_path):
    model = PPO("MlpPolicy", DummyVecEnv([_Far]), n_steps=16, batch_size=16, seed=0)
    assert faults(saved(model, tmp_path)) == {"MDL106": 1.0}
    # SAC scales actions by itself.
    scaled = SAC("MlpPolicy", DummyVecEnv([_Far]), seed=0, buffer_size=100, policy_kwargs={"net_arch": [16]})
    assert faults(saved(scaled, tmp_path)) == {}


def test_statistics_of_vec_normalize(tmp_path):
    env = VecNormalize(make_vec_env("Pendulum-v1", n_envs=2, seed=0))
    path = saved(PPO("MlpPolicy", env, n_steps=16, batch_size=16, seed=0), tmp_path, steps=32)
    normalised = Settings(normalize_observations=True)
    assert faults(path, settings=normalised) == {"MDL107": 1.0}
    env.save(str(tmp_path / "vecnormalize.pkl"))
    assert faults(path, settings=normalised) == {}
    env.obs_rms.var[:] = 0.0
    env.save(str(tmp_path / "vecnormalize.pkl"))
    assert faults(path, settings=normalised) == {"MDL108": 1.0}


def test_what_is_no_model_of_tensors_is_refused(tmp_path):
    path = saved(ppo(), tmp_path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    unsafe = io.BytesIO()
    torch.save({"a": print}, unsafe)
    for content in (unsafe.getvalue(), b"nothing", None):
        with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
            for name, data in (members | {"policy.pth": content}).items():
                if data is not None:
                    archive.writestr(name, data)
        with pytest.raises(CannotJudge):
            examine_model(tmp_path / "other.zip")
    with pytest.raises(CannotJudge):
        examine_model(tmp_path / "missing.zip")


@pytest.mark.parametrize("code", model_signs())
def test_every_sign_is_whole(code):
    sign = model_signs()[code]
    assert set(sign.causes) | set(sign.cleared) <= set(load_rulebook().diagnoses)
    low, high = sign.thresholds
    assert sign.strength(low) == 0.0 and sign.strength(high) == pytest.approx(1.0)
    assert sign.usual is None or (sign.is_usual(sign.usual) and not sign.is_usual(high))
    assert pages.look_up(code).sections
