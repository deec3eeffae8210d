"""Bodies that may fall: a lander on two legs, a walker that is paid for being upright and for getting on."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.laboratory.environments.world import Moved, World


class Lander(World):
    """A planar craft with a main and two side engines, to be set down softly between two flags (like LunarLander)."""

    name = "lander"
    observation_size, action_size, discrete, horizon, has_success = 6, 4, True, 200, True
    ends = True

    def start(self) -> Tensor:
        drawn = self.uniform(-1.0, 1.0, 6)
        drawn = drawn * torch.tensor([0.6, 0.1, 0.3, 0.2, 0.1, 0.1])
        drawn[..., 1] += 1.2
        return drawn

    def observe(self, state: Tensor) -> Tensor:
        return state * torch.tensor([1.0, 1.0, 2.0, 2.0, 2.0, 1.0])

    def move(self, state: Tensor, action: Tensor) -> Moved:
        x, y, vx, vy, tilt, spin = state.unbind(-1)
        before = _worth(x, y, vx, vy, tilt)
        main, left, right = action == 2, action == 1, action == 3
        thrust = 2.0 * main
        spin = spin + 0.06 * (left.float() - right.float())
        vx = vx - 0.05 * thrust * tilt.sin() + 0.01 * (right.float() - left.float())
        vy = vy + 0.05 * (thrust * tilt.cos() - 1.0)
        x, y, tilt = x + 0.05 * vx, y + 0.05 * vy, tilt + 0.05 * spin
        down = y <= 0.0
        success = down & (vy > -0.9) & (vx.abs() < 0.6) & (tilt.abs() < 0.5) & (x.abs() < 0.8)
        lost = (x.abs() > 1.5) | (y > 2.0) | (tilt.abs() > 1.5)
        over = down | lost
        reward = 100.0 * (_worth(x, y, vx, vy, tilt) - before) - 0.3 * main - 0.03 * (left | right)
        reward = reward + torch.where(success, 100.0, torch.where(over, -100.0, 0.0))
        return Moved(torch.stack((x, y, vx, vy, tilt, spin), -1), reward, over, success)


def _worth(x: Tensor, y: Tensor, vx: Tensor, vy: Tensor, tilt: Tensor) -> Tensor:
    return -(x**2 + y**2).sqrt() - 0.5 * (vx**2 + vy**2).sqrt() - 0.5 * tilt.abs()


class Walker(World):
    """A body on a leg: pushing gets it on and tips it over. Upright pays 1 a step, speed pays more, falling ends it.

    Two actions: push forward, and lean back; eight joints' worth of observation as walkers have, half of it derived.
    """

    name = "walker"
    observation_size, action_size, discrete, horizon = 8, 2, False, 500
    ends = True

    def start(self) -> Tensor:
        return 0.05 * self.normal(4)

    def observe(self, state: Tensor) -> Tensor:
        tilt, spin, speed, leg = state.unbind(-1)
        return torch.stack((tilt, spin, speed, leg, tilt.sin(), leg.sin(), speed * tilt, spin - leg), -1)

    def move(self, state: Tensor, action: Tensor) -> Moved:
        tilt, spin, speed, leg = state.unbind(-1)
        push, lean = action.clamp(-1, 1).unbind(-1)
        spin = spin + 0.05 * (6.0 * tilt.sin() + 4.0 * push - 6.0 * lean - 0.5 * spin) + 0.02 * self.normal(1)[..., 0]
        tilt = tilt + 0.05 * spin
        leg = leg + 0.1 * (push - leg)
        speed = speed + 0.1 * (2.0 * leg - speed)
        over = tilt.abs() > 0.5
        reward = 1.0 + 1.5 * speed - 0.05 * (push**2 + lean**2)
        return Moved(torch.stack((tilt, spin, speed, leg), -1), reward, over)


class Hopper(Walker):
    """The walker without a reward for being upright, with an action that does little, and a horizon of 200."""

    name = "runner"
    action_size, horizon = 3, 200

    def move(self, state: Tensor, action: Tensor) -> Moved:
        moved = super().move(state, action[..., :2])
        return moved._replace(reward=20.0 * (moved.state[..., 2] + 0.01 * action[..., 2]))
