"""The last steps before a NaN, played again: what left its range is named, damaged files are refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rldoctor.callback.last_steps import LastSteps
from rldoctor.cli.app import run
from rldoctor.environments import registry
from rldoctor.examination.replay import replay
from tests.diagnosis.strangers import STRANGERS

RECORDED = STRANGERS / "frameworks" / "sb3" / "crash-ppo-pendulum-reward-nan-0" / "before-nan.npz"
BREAKS = '''
import gymnasium, numpy as np

class Breaks(gymnasium.Env):
    """A number that doubles at each push from the 41st on, and is not one from the 61st on."""
    observation_space = gymnasium.spaces.Box(-10, 10, (2,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.pushed = 0
        return self._seen(), {}
    def _seen(self):
        over = max(0, self.pushed - 40)
        return np.array([0.1 * (self.pushed % 7), np.nan if over > 20 else 2.0 ** over], np.float32)
    def step(self, action):
        self.pushed += int(action[0] > 0)
        return self._seen(), -1.0, False, False, {}
'''


@pytest.fixture
def breaking(tmp_path: Path) -> tuple[Path, str]:
    """Return before-nan.npz of two environments of which the second broke, and the name of that environment."""
    (tmp_path / "breaks.py").write_text(BREAKS)
    name = f"{tmp_path}/breaks.py:Breaks"
    envs = [registry.make(name, disable_env_checker=True) for _ in range(2)]
    for env in envs:
        env.reset(seed=0)
    kept = LastSteps()
    for step in range(70):
        actions = np.array([[-0.5], [0.5]], np.float32)
        came = [env.step(action) for env, action in zip(envs, actions, strict=True)]
        seen, rewards = np.stack([one[0] for one in came]), np.array([one[1] for one in came])
        kept.add(1000 + 2 * step, {"actions": actions, "new_obs": seen, "rewards": rewards})
    return kept.write(tmp_path), name


def test_what_left_its_range_first_is_named_and_reproduced(breaking: tuple[Path, str]) -> None:
    found = replay(*breaking)
    assert found.environment == 1
    assert found.recorded == found.played
    assert found.reproduced
    first = found.recorded[0]
    # A constant has a width of a tenth: 2 is just within, 4 is outside, at the 42nd push. The 61st breaks it.
    assert (first.quantity, first.step, first.value) == ("observation[1]", 1000 + 2 * 41, 4.0)
    assert (first.low, first.high, first.broken_at) == (1.0, 1.0, 1000 + 2 * 60)
    assert not replay(*breaking, environment=0).recorded


def test_a_recorded_training_is_shown(capsys: Any) -> None:
    assert run(["replay", str(RECORDED.parent), "--env", "Pendulum-v1"]) == 1
    shown = capsys.readouterr().out
    assert "step 30,044: reward is nan" in shown
    assert "The environment stays finite on these actions" in shown
    assert run(["replay", str(RECORDED), "--env", "Pendulum-v1", "--format", "json"]) == 1
    content = json.loads(capsys.readouterr().out)
    first = content["recorded"][0]
    assert (first["quantity"], first["step"], first["value"], first["not_finite_at"]) == (
        "reward",
        30_044,
        "nan",
        30_044,
    )
    assert content["reproduced"] is False


@pytest.mark.parametrize(
    ("made", "code", "said"),
    [
        ("nothing", 2, "There is no file"),
        ("text", 3, "cannot be read as an .npz file"),
        ("cut", 3, "cannot be read as an .npz file"),
        ("objects", 3, "cannot be read as an .npz file"),
        ("others", 3, "does not hold the steps"),
        ("number", 2, "has no environment 9"),
        ("actions", 2, "The recorded actions have the shape (1,)"),
    ],
)
def test_what_cannot_be_played_is_refused_in_a_sentence(
    made: str, code: int, said: str, tmp_path: Path, capsys: Any
) -> None:
    place, env, more = tmp_path / "before-nan.npz", "Pendulum-v1", []
    if made == "text":
        place.write_text("no archive")
    elif made == "cut":
        place.write_bytes(RECORDED.read_bytes()[:500])
    elif made == "objects":
        np.savez(place, steps=np.array([{}], dtype=object), actions=np.zeros((1, 1, 1)), rewards=np.zeros((1, 1)))
    elif made == "others":
        np.savez(place, timesteps=np.zeros(3), results=np.zeros((3, 2)))
    elif made in ("number", "actions"):
        place = RECORDED
    if made == "number":
        more = ["--number", "9"]
    if made == "actions":
        env, said = "Reacher-v5", "The recorded actions have the shape (1,), those of Reacher-v5 (2,)"
    assert run(["replay", str(place), "--env", env, *more]) == code
    assert said in " ".join(capsys.readouterr().err.split())


def test_an_environment_that_cannot_be_reset_is_said_to_have_raised(breaking: tuple[Path, str], capsys: Any) -> None:
    file, name = breaking
    broken = BREAKS.replace("self.pushed = 0\n", "raise RuntimeError('no simulator')\n")
    (file.parent / "unresettable.py").write_text(broken)
    assert run(["replay", str(file), "--env", name.replace("breaks.py", "unresettable.py")]) == 1
    assert "the environment raised RuntimeError: no simulator" in capsys.readouterr().out


@pytest.mark.parametrize("env", ["CartPole-v1", "Ant-v5"])
def test_actions_of_another_environment_are_refused(breaking: tuple[Path, str], env: str, capsys: Any) -> None:
    assert run(["replay", str(breaking[0]), "--env", env]) == 2
    assert "The recorded actions have the shape (1,)" in capsys.readouterr().err
