"""PPO of skrl on CartPole and Pendulum.

pip install torch==2.13.0 skrl==2.1.1 gymnasium==1.4.0 tensorboard
python -m benchmarks.frameworks.skrl_runs OUT
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import gymnasium
import torch
from skrl.agents.torch.ppo import PPO, PPO_CFG
from skrl.envs.wrappers.torch import wrap_env
from skrl.memories.torch import RandomMemory
from skrl.models.torch import CategoricalMixin, DeterministicMixin, GaussianMixin, Model
from skrl.trainers.torch import SequentialTrainer
from skrl.utils import set_seed
from torch import nn

from benchmarks.frameworks import label
from benchmarks.frameworks.true_return import TrueReturn, reached

GOOD: dict[str, dict[str, Any]] = {
    "CartPole-v1": dict(
        rollouts=128,
        learning_epochs=10,
        mini_batches=8,
        learning_rate=1e-3,
        entropy_loss_scale=0.01,
        grad_norm_clip=0.5,
    ),
    "Pendulum-v1": dict(
        rollouts=512,
        learning_epochs=10,
        mini_batches=16,
        learning_rate=1e-3,
        discount_factor=0.9,
        grad_norm_clip=0.5,
        value_clip=0.0,
    ),
}
STEPS = {"CartPole-v1": 12_000, "Pendulum-v1": 20_000}
N_ENVS = 4
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "": ("", {}),
    "learning-rate-high": ("learning_rate = 0.3", {"learning_rate": 0.3}),
    "learning-rate-low": ("learning_rate = 1e-8", {"learning_rate": 1e-8}),
    "entropy-bonus": ("entropy_loss_scale = 5", {"entropy_loss_scale": 5.0}),
    "reward-huge": ("reward x 1e6", {}),
}
RUNS = [
    ("CartPole-v1", "", 0), ("CartPole-v1", "", 1), ("Pendulum-v1", "", 0), ("CartPole-v1", "learning-rate-low", 0),
    ("CartPole-v1", "entropy-bonus", 0), ("Pendulum-v1", "learning-rate-high", 0),
]  # fmt: skip


def body(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs))


class Gaussian(GaussianMixin, Model):
    def __init__(self, env: Any) -> None:
        spaces = dict(observation_space=env.observation_space, action_space=env.action_space, device="cpu")
        Model.__init__(self, **spaces)
        GaussianMixin.__init__(self)
        self.net = body(self.num_observations, self.num_actions)
        self.log_std_parameter = nn.Parameter(torch.zeros(self.num_actions))

    def compute(self, inputs: dict[str, Any], role: str) -> Any:
        return self.net(inputs["observations"]), {"log_std": self.log_std_parameter}


class Categorical(CategoricalMixin, Model):
    def __init__(self, env: Any) -> None:
        spaces = dict(observation_space=env.observation_space, action_space=env.action_space, device="cpu")
        Model.__init__(self, **spaces)
        CategoricalMixin.__init__(self, unnormalized_log_prob=True)
        self.net = body(self.num_observations, self.num_actions)

    def compute(self, inputs: dict[str, Any], role: str) -> Any:
        return self.net(inputs["observations"]), {}


class Value(DeterministicMixin, Model):
    def __init__(self, env: Any) -> None:
        spaces = dict(observation_space=env.observation_space, action_space=env.action_space, device="cpu")
        Model.__init__(self, **spaces)
        DeterministicMixin.__init__(self)
        self.net = body(self.num_observations, 1)

    def compute(self, inputs: dict[str, Any], role: str) -> Any:
        return self.net(inputs["observations"]), {}


def keep_events(folder: Path) -> None:
    """Move the event files into the run's own folder: skrl makes one of the experiment's name below it."""
    for file in (folder / "log").glob("events*"):
        file.rename(folder / file.name)
    shutil.rmtree(folder / "log")


def train(out: Path, env_id: str, fault: str, seed: int) -> None:
    set_seed(seed)
    words, changes = FAULTS[fault]
    folder = label.place(out, "skrl", "ppo", env_id, fault, seed)
    if label.is_recorded(folder):
        return
    returns: list[float] = []
    scale = 1e6 if fault == "reward-huge" else 1.0
    makers = [lambda: TrueReturn(gymnasium.make(env_id), scale, returns)] * N_ENVS
    env = wrap_env(gymnasium.vector.SyncVectorEnv(makers))
    settings = {**GOOD[env_id], **changes}
    policy = Categorical(env) if env_id == "CartPole-v1" else Gaussian(env)
    cfg = PPO_CFG(**settings)
    cfg.experiment.directory = str(folder)
    cfg.experiment.experiment_name = "log"
    cfg.experiment.write_interval = STEPS[env_id] // 100
    cfg.experiment.checkpoint_interval = 0
    agent = PPO(
        models={"policy": policy, "value": Value(env)},
        memory=RandomMemory(memory_size=settings["rollouts"], num_envs=N_ENVS, device="cpu"),
        cfg=cfg,
        observation_space=env.observation_space,
        action_space=env.action_space,
        device="cpu",
    )
    SequentialTrainer(
        env=env, agents=agent, cfg={"timesteps": STEPS[env_id], "disable_progressbar": True, "headless": True}
    ).train()
    agent.writer.flush()
    keep_events(folder)
    label.write(folder, "skrl", "ppo", env_id, fault, words, reached(returns), ("skrl", "torch", "gymnasium"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for run in RUNS:
        train(Path(sys.argv[1]), *run)
