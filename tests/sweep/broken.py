"""An environment that breaks in some trainings, for sweeps that must bear it."""

from __future__ import annotations

import os
import signal

import gymnasium


class Breaks(gymnasium.Wrapper):
    """CartPole that raises, or takes its process down, after so many steps of a training with a certain seed.

    A training with seed ``s`` gives its environments the seeds from 1,000,000 + 1,000 s on.
    """

    def __init__(self, env, how, seed, steps):
        super().__init__(env)
        self.how, self.bad, self.left, self.armed = how, 1_000_000 + 1_000 * seed, steps, False

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.armed = self.bad <= seed < self.bad + 1_000
        return self.env.reset(seed=seed, options=options)

    def step(self, action):
        self.left -= self.armed
        if not self.left and self.how == "raise":
            raise ZeroDivisionError("the cart fell off")
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.env.step(action)


def make(how, seed, steps):
    return Breaks(gymnasium.make("CartPole-v1"), how, seed, steps)


for how in ("raise", "kill"):
    gymnasium.register(
        f"Breaks-{how}-v0",
        entry_point=make,
        kwargs={"how": how, "seed": 1, "steps": 700},
        max_episode_steps=500,
    )
