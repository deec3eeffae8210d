"""What the laboratory measures of N trainings against DoctorCallback's own functions, training by training."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from sb3_weights import load
from small_env import Walk
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from benchmarks.laboratory.interface import Faults, Recipe, Shapes
from benchmarks.laboratory.train import Training
from rldoctor.callback.metrics import MEASURES, Repetition
from rldoctor.callback.policy_metrics import PolicyProbe
from rldoctor.callback.rollout import EpisodeEnd, Rollout

N, STEPS, ENVS = 3, 100, 3
KEYS = {"achieved_goal": slice(0, 2), "desired_goal": slice(2, 4), "observation": slice(4, 6)}


class Spaces(gymnasium.Env[Any, Any]):
    def __init__(self, discrete: bool) -> None:
        box = gymnasium.spaces.Box(-9, 9, (2,), np.float32)
        self.observation_space = gymnasium.spaces.Dict(dict.fromkeys(KEYS, box))
        actions: gymnasium.Space[Any] = gymnasium.spaces.Discrete(3)
        self.action_space = actions if discrete else gymnasium.spaces.Box(-1, 1, (2,), np.float32)


def rollout_of(kept: Any, stored: Any, values: torch.Tensor, i: int, model: Any, recipe: Recipe) -> Rollout:
    def table(column: torch.Tensor) -> Any:
        return column[i].view(ENVS, STEPS, *column.shape[2:]).transpose(0, 1).numpy()

    observed = table(stored.observations)
    ends = []
    for step, env in np.argwhere(kept.dones[:, i].numpy()):
        goals = kept.final_goals[step, i, env].double()
        timeout, success = kept.timeouts[step, i, env], kept.successes[step, i, env]
        ends.append(EpisodeEnd(bool(timeout), bool(success), float((goals[0] - goals[1]).norm())))
    return Rollout(
        observations={key: observed[..., part] for key, part in KEYS.items()},
        actions=table(stored.actions),
        action_space=model.action_space,
        values=table(values),
        log_probs=table(stored.log_probs),
        advantages=table(stored.advantages),
        returns=table(stored.returns),
        stored_rewards=kept.stored_rewards[:, i].numpy(),
        rewards=kept.rewards[:, i].numpy(),
        dones=kept.dones[:, i].numpy(),
        last_values=kept.last_values[i].numpy(),
        gamma=float(recipe.gamma[i]),
        gae_lambda=float(recipe.gae_lambda[i]),
        ends=ends,
        distance_threshold=0.3,
    )


# Of continuous actions test_whole_training has the same in short.
@pytest.mark.parametrize("discrete", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_measures_are_those_of_the_callback(discrete: bool) -> None:
    shapes = Shapes(STEPS, ENVS, 50, (16, 16), 10_000)
    recipe = Recipe.of(shapes, N, gamma=0.9, ent_coef=0.01, learning_rate=1e-3)
    recipe.normalize_advantage[1] = 0.0
    faults = Faults(N, advantages_shuffled=torch.tensor([0.0, 0.0, 0.5]), stale_data=torch.tensor([0.0, 1.0, 0.0]))
    training = Training(Walk(N, ENVS, discrete), recipe, faults, 0, doctor=True)
    measured: list[tuple[Any, ...]] = []
    probe = training.probe
    assert probe is not None
    before = probe.before_update

    def spy(rows: torch.Tensor, kept: Any, stored: Any, values: torch.Tensor) -> Any:
        found = before(rows, kept, stored, values)
        measured.append((rows.clone(), kept, stored, values, found))
        return found

    probe.before_update = spy  # type: ignore[method-assign]
    for _ in range(3):
        training.iterate()
    for i in range(N):
        extra = {"normalize_advantage": bool(recipe.normalize_advantage[i]), "ent_coef": 0.01, "gamma": 0.9}
        net = {"net_arch": [16, 16]}
        envs = DummyVecEnv([lambda: Spaces(discrete)])
        model = PPO("MultiInputPolicy", envs, n_steps=64, device="cpu", policy_kwargs=net, **extra)  # type: ignore[arg-type]
        theirs, repetition = PolicyProbe(model), Repetition()
        for number, (rows, kept, stored, values, found) in enumerate(measured):
            load(model, rows[[i, N + i]])
            expected = theirs.after_update() if number else {}
            rollout = rollout_of(kept, stored, values, i, model, recipe)
            with np.errstate(all="ignore"):
                for measure in (*MEASURES, repetition.measure):
                    expected |= measure(rollout)
            expected |= theirs.before_update(rollout)
            mine = {name: float(value[i]) for name, value in found.items() if np.isfinite(float(value[i]))}
            expected = {name: value for name, value in expected.items() if np.isfinite(value)}
            assert set(mine) == set(expected)
            for name, value in expected.items():
                # Ranks of float32 differences have ties, which may fall either way.
                close = 3e-3 if name == "update_alignment" else 2e-5
                assert mine[name] == pytest.approx(value, rel=2e-3, abs=close), (name, i, number)
