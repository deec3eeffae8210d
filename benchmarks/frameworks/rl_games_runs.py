"""PPO of rl_games on the walker of rsl_rl_terms, whose terms its observer for Isaac Lab logs under Episode/.

pip install torch==2.13.0 rl-games==1.6.5 rsl-rl-lib==5.5.1 gymnasium==1.4.0 tensorboard
python -m benchmarks.frameworks.rl_games_runs OUT
Each takes about twenty seconds on one core.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rl_games.common import env_configurations, vecenv
from rl_games.common.algo_observer import IsaacAlgoObserver
from rl_games.common.ivecenv import IVecEnv
from rl_games.torch_runner import Runner

from benchmarks.frameworks import label
from benchmarks.frameworks.rsl_rl_terms import ENV, FAULTS, FIRST, ITERATIONS, N_ENVS, RIGHT, STEPS, Walker

RUNS = ("", "falling", "cost-grows")
LEARNING_RATE_HIGH = "learning_rate = 0.1, lr_schedule None"


class Bridge(IVecEnv):
    """The walker as rl_games and Isaac Lab's wrapper have it: what rsl_rl calls the log is the episode's information."""

    def __init__(self, walker: Walker) -> None:
        self.walker = walker

    def step(self, actions: torch.Tensor) -> Any:
        seen, reward, done, extras = self.walker.step(actions)
        info = {"time_outs": extras["time_outs"]}
        if "log" in extras:
            info["episode"] = extras["log"]
        return seen["policy"], reward, done, info

    def reset(self) -> torch.Tensor:
        return self.walker.get_observations()["policy"]

    def get_env_info(self) -> dict[str, Any]:
        return {
            "observation_space": gymnasium.spaces.Box(-np.inf, np.inf, (6,), np.float32),
            "action_space": gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32),
        }


def config(folder: Path, rate: float, schedule: str | None) -> dict[str, Any]:
    mlp = {"units": [32, 32], "activation": "elu", "initializer": {"name": "default"}, "regularizer": {"name": "None"}}
    nothing = {"name": "default"}
    space = {"mu_activation": "None", "sigma_activation": "None", "mu_init": nothing, "sigma_init": {"name": "const_initializer", "val": 0}, "fixed_sigma": True}  # fmt: skip
    return {
        "seed": 1,
        "torch_threads": 1,
        "algo": {"name": "a2c_continuous"},
        "model": {"name": "continuous_a2c_logstd"},
        "network": {"name": "actor_critic", "separate": True, "space": {"continuous": space}, "mlp": mlp},
        "config": {
            "name": "walker", "env_name": "walker", "reward_shaper": {"scale_value": 1.0}, "normalize_advantage": True, "gamma": 0.97, "tau": 0.95,
            "learning_rate": rate, "lr_schedule": schedule, "kl_threshold": 0.01, "score_to_win": 1e9, "grad_norm": 1.0, "entropy_coef": 0.003,
            "truncate_grads": True, "e_clip": 0.2, "clip_value": True, "num_actors": N_ENVS, "horizon_length": STEPS, "minibatch_size": 384,
            "mini_epochs": 5, "critic_coef": 2, "normalize_input": True, "normalize_value": True, "value_bootstrap": True, "bounds_loss_coef": 0.0001,
            "clip_actions": False, "max_epochs": ITERATIONS, "save_best_after": 10**9, "save_frequency": 0, "print_stats": False,
            "device": "cpu", "device_name": "cpu", "train_dir": str(folder), "full_experiment_name": "log", "ppo": True, "mixed_precision": False,
        },
    }  # fmt: skip


def train(out: Path, fault: str) -> None:
    folder = label.place(out, "rl_games", "ppo", ENV, fault, 0)
    if label.is_recorded(folder):
        return
    words, faults, _ = FAULTS.get(fault, (LEARNING_RATE_HIGH, {}, {}))
    torch.manual_seed(0)
    walker = Walker(0, **faults)
    vecenv.register("WALKER", lambda name, actors, **more: Bridge(walker))
    env_configurations.register("walker", {"vecenv_type": "WALKER", "env_creator": lambda **more: walker})
    high = fault == "learning-rate-high"
    runner = Runner(IsaacAlgoObserver())
    runner.load({"params": config(folder, 0.1 if high else 1e-3, None if high else "adaptive")})
    with contextlib.redirect_stdout(None) if not os.environ.get("LOUD") else contextlib.nullcontext():
        try:
            runner.run({"train": True})
        except (ValueError, RuntimeError, AssertionError) as error:  # what a NaN ends in
            words += f"; it ended with {type(error).__name__}"
            print(type(error).__name__, str(error)[:90], file=sys.stderr)
    for file in (folder / "log" / "summaries").glob("events*"):
        file.rename(folder / file.name)
    shutil.rmtree(folder / "log")
    reached = float(walker.sums["track_lin_vel_xy_exp"].mean())
    packages = ("torch", "rl-games")
    label.write(
        *(folder, "rl_games", "ppo", ENV, fault, words, reached, packages), right=RIGHT.get(fault, []), first=FIRST.get(fault, [])
    )  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    for one in RUNS:
        train(Path(sys.argv[1]), one)
