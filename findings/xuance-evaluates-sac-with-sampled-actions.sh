#!/usr/bin/env bash
# Package:   xuance 1.4.4 (PyTorch), gymnasium 1.2.3
# Behaviour: SAC's get_actions takes test_mode and does not look at it: evaluation by test() samples from the policy, as training does.
# Guess:     "During evaluation, actions are selected in deterministic (test) mode" (documentation of OffPolicyAgent.test).
# Seen:      an untrained SAC, evaluated on a task of one step that pays minus the size of the action: the scores of ten episodes all
#            differ, and their mean is below -0.4; TD3 of the same library gets the same score ten times.
# Hurts:     whoever compares XuanCe's SAC with its TD3 or DDPG, or with SAC of another library: SAC is scored with its noise on, the
#            others without, and the best model is chosen by luck.
# Source:    https://github.com/agi-brain/xuance (xuance/torch/agents/policy_gradient/sac_agent.py: get_actions)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q xuance==1.4.4 gymnasium==1.2.3 numpy==1.26.4 torch==2.13.0
cd "$here"
OMP_NUM_THREADS=1 PYGAME_HIDE_SUPPORT_PROMPT=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import gymnasium as gym
import numpy as np
from xuance import get_arguments, make_envs
from xuance.torch.agents import SAC_Agent, TD3_Agent


class Still(gym.Env):
    """Episodes of one step, always from the same state; pays minus the size of the action."""

    observation_space = gym.spaces.Box(-1, 1, (1,), np.float32)
    action_space = gym.spaces.Box(-1, 1, (1,), np.float32)
    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), -float(abs(action[0])), True, False, {}


gym.register("Still-v0", Still, max_episode_steps=10)
scores = {}
for name, make in {"sac": SAC_Agent, "td3": TD3_Agent}.items():
    settings = get_arguments(name, "classic_control", "Pendulum-v1")
    settings.env_id, settings.render, settings.parallels, settings.buffer_size = "Still-v0", False, 1, 1000
    agent = make(settings, make_envs(settings))
    scores[name] = np.array(agent.test(test_episodes=10, test_envs=make_envs(settings)))
    print(f"{name}, ten evaluation episodes from one state: {len(set(scores[name]))} scores, mean {scores[name].mean():.2f}")
assert len(set(scores["sac"])) == 10 and len(set(scores["td3"])) == 1, "the behaviour has changed"
assert scores["sac"].mean() < -0.4
PY
