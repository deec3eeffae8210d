"""The environment of the recorded runs: a reward that can be scaled, and the true return, which cannot."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np


class TrueReturn(gymnasium.Wrapper):
    """Scales the reward, and keeps the unscaled return of each episode in ``returns``."""

    def __init__(self, env: gymnasium.Env, scale: float, returns: list[float]) -> None:
        super().__init__(env)
        self.scale, self.returns, self.total = scale, returns, 0.0

    def reset(self, **arguments: Any) -> Any:
        self.total = 0.0
        return self.env.reset(**arguments)

    def step(self, action: Any) -> Any:
        seen, reward, ended, cut, info = self.env.step(action)
        self.total += float(reward)
        if ended or cut:
            self.returns.append(self.total)
        return seen, float(reward) * self.scale, ended, cut, info


def reached(returns: list[float]) -> float:
    """Return the mean true return over the last tenth of the episodes."""
    return float(np.mean(returns[-max(1, len(returns) // 10) :]))
