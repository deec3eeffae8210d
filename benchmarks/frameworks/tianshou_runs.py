"""PPO of Tianshou on CartPole and Pendulum.

pip install torch==2.13.0 tianshou==2.0.1 tensorboard
python -m benchmarks.frameworks.tianshou_runs OUT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from tianshou.algorithm import PPO
from tianshou.algorithm.modelfree.reinforce import ProbabilisticActorPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, CollectStats, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OnPolicyTrainerParams
from tianshou.utils import TensorboardLogger
from tianshou.utils.net.common import Net
from tianshou.utils.net.continuous import ContinuousActorProbabilistic, ContinuousCritic
from tianshou.utils.net.discrete import DiscreteActor, DiscreteCritic
from torch.distributions import Categorical, Independent, Normal
from torch.utils.tensorboard import SummaryWriter

from benchmarks.frameworks import label
from benchmarks.frameworks.true_return import TrueReturn, reached

N_ENVS = 8
GOOD: dict[str, dict[str, Any]] = {
    "CartPole-v1": dict(gamma=0.99, gae_lambda=0.95, ent_coef=0.0, max_grad_norm=0.5),
    "Pendulum-v1": dict(gamma=0.9, gae_lambda=0.95, ent_coef=0.0, max_grad_norm=0.5, advantage_normalization=True),
}
STEPS = {"CartPole-v1": 48_000, "Pendulum-v1": 90_000}
ROLLOUT = {"CartPole-v1": 1_000, "Pendulum-v1": 2_000}
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "": ("", {}),
    "learning-rate-high": ("lr = 0.3", {"lr": 0.3}),
    "learning-rate-low": ("lr = 1e-8", {"lr": 1e-8}),
    "entropy-bonus": ("ent_coef = 5", {"ent_coef": 5.0}),
}
RUNS = [
    ("CartPole-v1", "", 0), ("CartPole-v1", "", 1), ("Pendulum-v1", "", 0), ("CartPole-v1", "learning-rate-low", 0),
    ("CartPole-v1", "entropy-bonus", 0), ("Pendulum-v1", "learning-rate-high", 0),
]  # fmt: skip


def algorithm_for(env: gymnasium.Env, rate: float, settings: dict[str, Any]) -> PPO:
    seen = env.observation_space.shape
    bodies = [Net(state_shape=seen, hidden_sizes=[64, 64], activation=torch.nn.Tanh) for _ in range(2)]
    discrete = isinstance(env.action_space, gymnasium.spaces.Discrete)
    if discrete:
        actor: Any = DiscreteActor(preprocess_net=bodies[0], action_shape=env.action_space.n, softmax_output=False)
        critic: Any = DiscreteCritic(preprocess_net=bodies[1])
        policy = ProbabilisticActorPolicy(
            actor=actor, dist_fn=lambda logits: Categorical(logits=logits), action_space=env.action_space,
            deterministic_eval=True, action_scaling=False,
        )  # fmt: skip
    else:
        actor = ContinuousActorProbabilistic(
            preprocess_net=bodies[0], action_shape=env.action_space.shape, unbounded=True
        )
        critic = ContinuousCritic(preprocess_net=bodies[1])
        policy = ProbabilisticActorPolicy(
            actor=actor, dist_fn=lambda loc_scale: Independent(Normal(*loc_scale), 1), action_space=env.action_space,
            deterministic_eval=True, action_scaling=True, action_bound_method="clip",
        )  # fmt: skip
    return PPO(policy=policy, critic=critic, optim=AdamOptimizerFactory(lr=rate), **settings)


def train(out: Path, env_id: str, fault: str, seed: int) -> None:
    np.random.seed(seed)
    torch.manual_seed(seed)
    words, changes = FAULTS[fault]
    folder = label.place(out, "tianshou", "ppo", env_id, fault, seed)
    if label.is_recorded(folder):
        return
    returns: list[float] = []
    envs = DummyVectorEnv([lambda: TrueReturn(gymnasium.make(env_id), 1.0, returns)] * N_ENVS)
    tests = DummyVectorEnv([lambda: gymnasium.make(env_id)] * 2)
    envs.seed(seed)
    tests.seed(seed + 100)
    settings = {**GOOD[env_id], **{key: value for key, value in changes.items() if key != "lr"}}
    algorithm = algorithm_for(gymnasium.make(env_id), changes.get("lr", 1e-3), settings)
    rollout = ROLLOUT[env_id]
    logger = TensorboardLogger(SummaryWriter(str(folder)), training_interval=1, update_interval=1)
    algorithm.run_training(
        OnPolicyTrainerParams(
            training_collector=Collector[CollectStats](algorithm, envs, VectorReplayBuffer(10 * rollout, N_ENVS)),
            test_collector=Collector[CollectStats](algorithm, tests),
            max_epochs=6,
            epoch_num_steps=STEPS[env_id] // 6,
            update_step_num_repetitions=10,
            test_step_num_episodes=2,
            batch_size=128,
            collection_step_num_env_steps=rollout,
            logger=logger,
            show_progress=False,
        )
    )
    logger.finalize()
    label.write(folder, "tianshou", "ppo", env_id, fault, words, reached(returns), ("tianshou", "torch", "gymnasium"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for run in RUNS:
        train(Path(sys.argv[1]), *run)
