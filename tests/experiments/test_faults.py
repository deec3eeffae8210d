"""The fault laboratory: what it declares, and that a base install never loads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from rldoctor.errors import UsageError
from rldoctor.experiments.faults import all_faults, find
from rldoctor.experiments.faults.fault import Tampered
from rldoctor.rulebook import load_rulebook

RUN = Path(__file__).resolve().parents[1] / "runs/sick/updates-too-small/cartpole-learning-rate-low-zero-100"

WITHOUT_TRAINING = f"""
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "stable_baselines3", "gymnasium", "gymnasium_robotics", "mujoco"):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Block())
import rldoctor
import rldoctor.api
from rldoctor.cli.app import COMMANDS, run

for command in COMMANDS:
    assert run([command, "--help"]) == 0, command
assert run(["diagnose", {str(RUN)!r}, "--isolated"]) == 1
import rldoctor.experiments.sweep.spec, rldoctor.experiments.trial
loaded = [name for name in sys.modules if name.startswith("rldoctor.experiments.faults")]
assert not loaded, loaded
"""


def test_a_base_install_diagnoses_and_never_loads_the_laboratory():
    done = subprocess.run([sys.executable, "-c", WITHOUT_TRAINING], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_fault_names_diagnoses_that_exist_and_does_one_thing():
    known = load_rulebook().diagnoses
    for fault in all_faults():
        assert set(fault.diagnoses) <= set(known), fault.name
        assert fault.settings or fault.wrap or fault.adjust or fault.spoil, fault.name
        assert fault.severities


def test_an_unknown_fault_or_severity_is_one_sentence():
    with pytest.raises(UsageError, match="Did you mean gamma-zero"):
        find("gamma-zer")
    with pytest.raises(UsageError, match="no severity 'huge'"):
        find("gamma-zero").knob("huge")


def test_a_tampered_environment_changes_each_part_and_leaves_the_rest():
    plain, tampered = gymnasium.make("CartPole-v1"), gymnasium.make("CartPole-v1")
    tampered = Tampered(
        tampered,
        action=lambda action: 1 - action,
        observation=lambda key, value, first: value * (2 if first else 3),
        reward=lambda reward, info, steps: reward + steps,
        end=lambda over, cut, info: (over, cut, {**info, "is_success": 1.0}),
    )
    np.testing.assert_allclose(tampered.reset(seed=0)[0], 2 * plain.reset(seed=0)[0])
    for step, action in enumerate((0, 1, 1), 1):
        expected, reward, *_ = plain.step(1 - action)
        observation, got, _, _, info = tampered.step(action)
        np.testing.assert_allclose(observation, 3 * expected, rtol=1e-6)
        assert (got, info["is_success"]) == (reward + step, 1.0)


@pytest.mark.parametrize("name", ["observations-frozen", "reward-sign-flipped", "horizon-short", "actions-ignored"])
def test_a_wrapper_breaks_what_it_says(name):
    fault = find(name)
    env = fault.wrap(next(reversed(fault.severities.values())))(gymnasium.make((*fault.only, "Pendulum-v1")[-1]))
    env.action_space.seed(0)
    first, _ = env.reset(seed=0)
    steps = [env.step(env.action_space.sample()) for _ in range(3)]
    match name:
        case "observations-frozen":
            assert all((observation == first).all() for observation, *_ in steps)
        case "reward-sign-flipped":
            assert all(reward > 0 for _, reward, *_ in steps)
        case "horizon-short":
            assert [truncated for *_, truncated, _ in steps] == [False, True, True]
        case "actions-ignored":
            other = gymnasium.make("Pendulum-v1")
            other.reset(seed=0)
            assert all((seen == other.step(np.zeros(1, np.float32))[0]).all() for seen, *_ in steps)
