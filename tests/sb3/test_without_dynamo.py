"""Training without PyTorch's compiler: it is not imported, the numbers are the same, and PyTorch is restored."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import gymnasium, torch
from stable_baselines3 import PPO
from rldoctor.sb3.without_dynamo import without_dynamo

def learn():
    model = PPO("MlpPolicy", gymnasium.make("CartPole-v1"), n_steps=64, batch_size=32, seed=0, device="cpu")
    model.learn(192)
    return model.policy.state_dict(), model.policy.optimizer.state_dict()

step, zero_grad = torch.optim.Adam.step, torch.optim.Optimizer.zero_grad.__wrapped__
with without_dynamo():
    weights, optimizer = learn()
assert "torch._dynamo" not in sys.modules
assert torch.optim.Adam.step is step
assert not hasattr(zero_grad, "__dynamo_disable")
others, other_optimizer = learn()
assert "torch._dynamo" in sys.modules, "PyTorch no longer loads its compiler: without_dynamo() can go"
assert all(torch.equal(weights[name], others[name]) for name in others)
for key, state in other_optimizer["state"].items():
    assert all(torch.equal(optimizer["state"][key][name], state[name]) for name in state)
print("as they were")
"""


@pytest.mark.slow
def test_the_numbers_are_the_same_without_the_compiler():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.stdout == "as they were\n", done.stderr
