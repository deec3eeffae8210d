"""PPO of RLlib on CartPole and Pendulum, on its new API stack and on the old one.

pip install torch==2.13.0 'ray[rllib]==2.60.0' tensorboardX tensorboard
python -m benchmarks.frameworks.rllib_runs OUT
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.tune.logger import TBXLoggerCallback

from benchmarks.frameworks import label

N_ENVS = 8
GOOD: dict[str, dict[str, Any]] = {
    "CartPole-v1": dict(
        lr=1e-3, gamma=0.99, lambda_=0.95, entropy_coeff=0.0, vf_loss_coeff=0.5, grad_clip=0.5, vf_clip_param=1e4
    ),
    "Pendulum-v1": dict(
        lr=1e-3, gamma=0.9, lambda_=0.95, entropy_coeff=0.0, vf_loss_coeff=0.5, grad_clip=0.5, vf_clip_param=1e9
    ),
}
ROLLOUT = {"CartPole-v1": 1024, "Pendulum-v1": 4096}
# Sections about the machine, which say nothing about the training; they are nine tenths of the file.
UNLOGGED = ("timers", "perf", "fault_tolerance", "sampler_results")
ITERATIONS = {"CartPole-v1": 45, "Pendulum-v1": 40}
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "": ("", {}),
    "learning-rate-high": ("lr = 0.3", {"lr": 0.3}),
    "learning-rate-low": ("lr = 1e-8", {"lr": 1e-8}),
    "entropy-bonus": ("entropy_coeff = 5", {"entropy_coeff": 5.0}),
}
RUNS = [
    (True, "CartPole-v1", "", 0), (True, "Pendulum-v1", "", 0), (True, "CartPole-v1", "learning-rate-low", 0),
    (True, "Pendulum-v1", "learning-rate-high", 0), (False, "CartPole-v1", "", 0), (False, "CartPole-v1", "entropy-bonus", 0),
]  # fmt: skip


class Trial:
    """What the callback that writes TensorBoard files asks of a Tune trial."""

    evaluated_params = None

    def __init__(self, folder: Path) -> None:
        self.local_path = str(folder)

    def init_local_path(self) -> None:
        """The folder is there."""


def train(out: Path, new: bool, env_id: str, fault: str, seed: int) -> None:
    words, changes = FAULTS[fault]
    folder = label.place(out, "rllib", f"ppo-{'new' if new else 'old'}-stack", env_id, fault, seed)
    if label.is_recorded(folder):
        return
    config = PPOConfig().environment(env_id).framework("torch").debugging(seed=seed, log_level="ERROR")
    if not new:
        config = config.api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    config = config.env_runners(num_env_runners=0, num_envs_per_env_runner=N_ENVS, rollout_fragment_length="auto")
    config = config.training(
        train_batch_size=ROLLOUT[env_id],
        minibatch_size=128,
        num_epochs=10,
        use_kl_loss=env_id == "Pendulum-v1",
        **{**GOOD[env_id], **changes},
    )
    if new:
        from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

        network = DefaultModelConfig(fcnet_hiddens=[64, 64], fcnet_activation="tanh", vf_share_layers=False)
        config = config.rl_module(model_config=network)
    else:
        config = config.training(
            model={"fcnet_hiddens": [64, 64], "fcnet_activation": "tanh", "vf_share_layers": False}
        )
    algorithm = config.build_algo()
    trial, logger = Trial(folder), TBXLoggerCallback()
    for iteration in range(ITERATIONS[env_id]):
        result = algorithm.train()
        logger.log_trial_result(iteration, trial, {key: part for key, part in result.items() if key not in UNLOGGED})
    logger.log_trial_end(trial)
    algorithm.stop()
    label.write(
        folder,
        "rllib",
        "ppo",
        env_id,
        fault,
        words,
        result["env_runners"]["episode_return_mean"],
        ("ray", "torch", "gymnasium"),
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    for run in RUNS:
        train(Path(sys.argv[1]), *run)
