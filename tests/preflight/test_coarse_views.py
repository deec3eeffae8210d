"""A target that the observation shows coarsely is not hidden, one that it does not show is."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from rldoctor.preflight.runner import run_preflight


class Field(gymnasium.Env[Any, Any]):
    """A point that walks to a target, on a board of some cells."""

    shows_target = True
    cells = 10

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(0, 1, (self.cells, self.cells, 3), np.float32)
        self.action_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)

    def _cell(self, place: float) -> int:
        return int((place + 2) / 4 * (self.cells - 1))

    def _look(self) -> Any:
        board = np.zeros((self.cells, self.cells, 3), np.float32)
        board[self._cell(self.position[1]), self._cell(self.position[0]), 0] = 1
        if self.shows_target:
            board[0, self._cell(self.target), 1] = 1
        board[self.steps % self.cells, 0, 2] = 1
        return board

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.position, self.steps = self.np_random.uniform(-1, 1, 2), 0
        self.target = float(self.np_random.uniform(-1, 1))
        return self._look(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        self.position = np.clip(self.position + 0.1 * np.asarray(action, float), -2, 2)
        reward = -float(abs(self.position[0] - self.target) + abs(self.position[1]))
        return self._look(), reward, False, self.steps >= 60, {}


class Finer(Field):
    cells = 16


class Hidden(Field):
    shows_target = False


@pytest.mark.parametrize(("env", "codes"), [(Field, set()), (Finer, set()), (Hidden, {"ENV411"})])
def test_a_board_of_few_cells(env: type[Field], codes: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(gymnasium.registry, "rldoctor/Field-v0", raising=False)
    gymnasium.register("rldoctor/Field-v0", entry_point=env)
    result = run_preflight("rldoctor/Field-v0", select=["ENV411"], budget=600.0)
    assert {found.code for found in result.findings if found.code == "ENV411"} == codes
