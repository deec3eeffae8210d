"""PPO of rsl_rl, which Isaac Lab trains with, on Pendulum and MuJoCo's pendulum: its policies are continuous.

pip install torch==2.13.0 gymnasium==1.4.0 mujoco==3.11.0 tensorboard gitpython pyvers orjson importlib_metadata
pip install --no-deps rsl-rl-lib==5.5.1 tensordict==0.15.3
python -m benchmarks.frameworks.rsl_rl_runs OUT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rsl_rl.env import VecEnv
from rsl_rl.runners import OnPolicyRunner
from tensordict import TensorDict

from benchmarks.frameworks import label
from benchmarks.frameworks.true_return import TrueReturn, reached

N_ENVS = 16
GOOD: dict[str, Any] = dict(
    class_name="PPO", num_learning_epochs=8, num_mini_batches=8, gamma=0.9, lam=0.95, entropy_coef=0.0, learning_rate=1e-3,
    schedule="fixed", max_grad_norm=0.5, use_clipped_value_loss=False,
)  # fmt: skip
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "": ("", {}),
    "learning-rate-high": ("learning_rate = 0.3", {"learning_rate": 0.3}),
    "learning-rate-low": ("learning_rate = 1e-8", {"learning_rate": 1e-8}),
    "entropy-bonus": ("entropy_coef = 5", {"entropy_coef": 5.0}),
}
RUNS = [("", 0), ("learning-rate-high", 0), ("learning-rate-low", 0)]
ENV = "Pendulum-v1"
STEPS_A_ROLLOUT, ITERATIONS = 64, 120


class Bridge(VecEnv):
    """Gymnasium's vector environment as rsl_rl wants it."""

    def __init__(self, makers: list[Any], seed: int) -> None:
        self.envs = gymnasium.vector.SyncVectorEnv(makers, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP)
        self.num_envs, self.num_actions, self.device = len(makers), 1, "cpu"
        self.max_episode_length, self.cfg = 200, {}
        self.episode_length_buf = torch.zeros(self.num_envs)
        self.seen, _ = self.envs.reset(seed=seed)

    def get_observations(self) -> TensorDict:
        seen = torch.as_tensor(self.seen, dtype=torch.float32)
        return TensorDict({"policy": seen}, batch_size=[self.num_envs])

    def step(self, actions: torch.Tensor) -> Any:
        space = self.envs.single_action_space
        given = np.clip(actions.cpu().numpy(), space.low, space.high)
        self.seen, reward, ended, cut, _ = self.envs.step(given)
        extras = {"time_outs": torch.as_tensor(cut, dtype=torch.float32)}
        done = torch.as_tensor(ended | cut, dtype=torch.long)
        return self.get_observations(), torch.as_tensor(reward, dtype=torch.float32), done, extras


def train(out: Path, fault: str, seed: int) -> None:
    torch.manual_seed(seed)
    words, changes = FAULTS[fault]
    folder = label.place(out, "rsl_rl", "ppo", ENV, fault, seed)
    if label.is_recorded(folder):
        return
    returns: list[float] = []
    env = Bridge([lambda: TrueReturn(gymnasium.make(ENV), 1.0, returns)] * N_ENVS, seed)
    network = dict(class_name="MLPModel", hidden_dims=[64, 64], activation="tanh")
    config = {
        "num_steps_per_env": STEPS_A_ROLLOUT,
        "obs_groups": {"actor": ["policy"], "critic": ["policy"]},
        "algorithm": {**GOOD, **changes},
        "actor": {
            **network,
            "distribution_cfg": {"class_name": "GaussianDistribution", "init_std": 1.0, "std_type": "log"},
        },
        "critic": network,
        "save_interval": 10**9,
    }
    runner = OnPolicyRunner(env, config, log_dir=str(folder), device="cpu")
    runner.learn(ITERATIONS)
    runner.logger.writer.close()
    for file in [*folder.glob("*.pt"), *folder.glob("git/*")]:
        file.unlink()
    if (folder / "git").is_dir():
        (folder / "git").rmdir()
    label.write(folder, "rsl_rl", "ppo", ENV, fault, words, reached(returns), ("rsl-rl-lib", "torch", "gymnasium"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for run in RUNS:
        train(Path(sys.argv[1]), *run)
