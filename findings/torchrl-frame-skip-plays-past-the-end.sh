#!/usr/bin/env bash
# Package:   torchrl 0.14.1 with gymnasium 1.4.0
# Behaviour: FrameSkipTransform calls the step of its parent frame_skip times and returns the last result: it looks at no flag in
#            between. An episode that ends within the skip is played on, its end is lost where the next frame is no end by itself,
#            and rewards beyond the end are added. Each call gets the same input, too: an environment that keeps its state in the
#            tensordict (PendulumEnv here, as Brax's and Jumanji's do) makes one step, and counts its reward frame_skip times.
# Guess:     a frame skip stops at the end of an episode, as GymEnv(..., frame_skip=4) of the same library does; four frames
#            take four steps.
# Seen:      an environment that ends at its sixth step: with the transform it never ends, and 8 steps of 4 frames collect a reward
#            of 32 for one of 6. Acrobot, one policy and 20 seeds: 11 of 20 swings over the line are not seen as the goal, and the
#            mean return is -150 where GymEnv's own skip gets -129. PendulumEnv: four frames bring it where one step does (an
#            angle of 0.002, not 0.085), for four times the reward of that step.
# Hurts:     whoever skips frames in TorchRL with the transform, for speed or for pixels: falls and goals are missed, more often the
#            larger the skip, and what is missed depends on the policy. In stateless environments nothing is skipped at all, and
#            the scale of the reward is all that changes. Nothing is said.
# Source:    https://github.com/pytorch/rl/blob/main/torchrl/envs/transforms/_env.py (FrameSkipTransform._step) beside
#            torchrl/envs/gym_like.py (_step, which breaks)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q torchrl==0.14.1 tensordict==0.14.3 gymnasium==1.4.0 numpy==2.4.6 torch==2.13.0
cd "$here"
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
from importlib.metadata import version

import gymnasium as gym
import numpy as np
import torch
from torchrl.envs import FrameSkipTransform, GymEnv, GymWrapper, PendulumEnv, TransformedEnv

SKIP, END, SEEDS = 4, 6, 20
print(*(f"{name} {version(name)}" for name in ("torchrl", "gymnasium", "torch")), sep=", ")


class Walk(gym.Env):
    """A reward of 1 for each step; the sixth ends the episode. The observation counts steps."""

    observation_space = gym.spaces.Box(0, 100, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.full(1, self.steps, np.float32), 1.0, self.steps == END, False, {}


def pump(tensordict):
    """Push the way the second link of Acrobot moves."""
    faster = (tensordict["observation"][..., 5] > 0).long()
    return tensordict.set("action", torch.nn.functional.one_hot(2 * faster, 3))


def both(own, plain):
    return {"argument": own, "transform": TransformedEnv(plain, FrameSkipTransform(SKIP))}


walked = {}
for how, env in both(GymWrapper(Walk(), frame_skip=SKIP), GymWrapper(Walk())).items():
    told = env.rollout(8)["next"]
    walked[how] = (told["reward"].flatten().tolist(), told["terminated"].flatten().tolist())
    print(f"{how}: observations {told['observation'].flatten().tolist()}, rewards {walked[how][0]}, ends {sum(walked[how][1])}")
assert walked["argument"] == ([4, 2], [False, True]), "the behaviour has changed"
assert walked["transform"] == ([4] * 8, [False] * 8), "the behaviour has changed"

returns, lengths = {}, {}
for how, env in both(GymEnv("Acrobot-v1", frame_skip=SKIP), GymEnv("Acrobot-v1")).items():
    played = []
    for seed in range(SEEDS):
        env.set_seed(seed)
        played.append(env.rollout(200, pump))
    lengths[how] = np.array([len(one) for one in played])
    returns[how] = np.mean([one["next", "reward"].sum().item() for one in played])
missed = np.sum(lengths["transform"] > lengths["argument"])
print(f"Acrobot: mean return {returns['argument']:.0f} by the argument, {returns['transform']:.0f} by the transform,", end=" ")
print(f"which misses the first goal of {missed} of {SEEDS} episodes")
assert missed > 5 and returns["transform"] < returns["argument"] - 10, "the behaviour has changed"

env = PendulumEnv()
env.set_seed(0)
start = env.reset().set("action", torch.zeros(env.action_spec.shape))
once = env.step(start.clone())["next"]
true, four = 0.0, start.clone()
for _ in range(SKIP):
    told = env.step(four)["next"]
    true += told["reward"].item()
    four = told.clone().set("action", start["action"]).set("params", start["params"])
skipped = TransformedEnv(env, FrameSkipTransform(SKIP)).step(start.clone())["next"]
for name, angle, reward in (
    ("one step", once["th"], once["reward"].item()),
    ("four steps", four["th"], true),
    ("a skip of four", skipped["th"], skipped["reward"].item()),
):
    print(f"Pendulum, {name}: angle {angle.item():.4f} radians, reward {reward:.4f}")
assert skipped["th"] == once["th"] != four["th"], "the behaviour has changed"
assert np.isclose(skipped["reward"].item(), SKIP * once["reward"].item()), "the behaviour has changed"
PY
