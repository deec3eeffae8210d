#!/usr/bin/env bash
# Package:   supersuit 3.11.0 with gymnasium 1.4.0 and pettingzoo 1.27.0
# Behaviour: frame_stack_v1 and frame_stack_v2 with stack_dim=0 shift a stack of two-dimensional frames and then write the new frame
#            over all entries but the last (agent_fs[:-1] = obs, meant is agent_fs[-1]). The stack holds the present frame three
#            times, and a frame of zeros for ever. Frames with a channel axis, and stack_dim=-1, are stacked rightly.
# Guess:     four frames, the newest at one end; stack_dim only says along which axis.
# Seen:      a picture whose pixels count steps, made grey by color_reduction_v0, four frames: after five steps 6 6 6 0 with
#            stack_dim=0, and 3 4 5 6 with stack_dim=-1. A dot that moves right and one that moves left give the same stack
#            when they meet.
# Hurts:     PyTorch users, whose channels come first: grey frames stacked along axis 0 look right in shape, type and bounds, and
#            show no motion. The agent of Pong sees where the ball is and never where it goes; the network, the learning rate
#            or the task gets the blame.
# Source:    https://github.com/Farama-Foundation/SuperSuit/blob/master/supersuit/utils/frame_stack.py (stack_obs)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q supersuit==3.11.0 pettingzoo==1.27.0 gymnasium==1.4.0 numpy==2.4.6
cd "$here" && "$here/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium as gym
import numpy as np
from supersuit import color_reduction_v0, frame_stack_v1, frame_stack_v2

SIDE, STEPS, FRAMES = 16, 5, 4
print(*(f"{name} {version(name)}" for name in ("supersuit", "pettingzoo", "gymnasium", "numpy")), sep=", ")


class Pixels(gym.Env):
    """A picture, red, green and blue alike, that `draw` makes of the number of the step."""

    observation_space = gym.spaces.Box(0, 255, (SIDE, SIDE, 3), np.uint8)
    action_space = gym.spaces.Discrete(2)
    render_mode = None

    def __init__(self, draw):
        self.draw = draw

    def picture(self):
        return np.repeat(self.draw(self.steps)[..., None], 3, axis=2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 1
        return self.picture(), {}

    def step(self, action):
        self.steps += 1
        return self.picture(), 1.0, False, False, {}


def count(steps):
    return np.full((SIDE, SIDE), steps, np.uint8)


def dot(start, speed):
    """Return what draws a dot that starts in a column and moves by so many in a step."""

    def draw(steps):
        picture = np.zeros((SIDE, SIDE), np.uint8)
        picture[SIDE // 2, start + speed * steps] = 255
        return picture

    return draw


def stacked(stack, stack_dim, draw):
    """Return the stack after five steps, its frames first, and whether its space holds it."""
    env = stack(color_reduction_v0(Pixels(draw), "B"), FRAMES, stack_dim=stack_dim)
    env.reset(seed=0)
    for _ in range(STEPS):
        seen = env.step(0)[0]
    return np.moveaxis(seen.copy(), stack_dim, 0), env.observation_space.contains(seen)


for stack in (frame_stack_v1, frame_stack_v2):
    for stack_dim, expected in ((-1, [3, 4, 5, 6]), (0, [6, 6, 6, 0])):
        frames, is_inside = stacked(stack, stack_dim, count)
        values = [int(frame[0, 0]) for frame in frames]
        (right, _), (left, _) = stacked(stack, stack_dim, dot(2, 1)), stacked(stack, stack_dim, dot(14, -1))
        same = np.array_equal(right, left)
        print(f"{stack.__name__}, stack_dim={stack_dim}: frames of steps {values}, in its space {is_inside};", end=" ")
        print(f"a dot moving right and one moving left look the same where they meet: {same}")
        assert values == expected and is_inside and same == (stack_dim == 0), "the behaviour has changed"
PY
