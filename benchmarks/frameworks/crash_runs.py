"""Trainings that break: one library, one mechanism each, and what must leave its own band first, written down before training.

    pip install torch==2.13.0 gymnasium==1.4.0 tensorboard stable-baselines3==2.9.2 skrl==2.1.1
    python -m benchmarks.frameworks.crash_runs OUT [LIBRARY ...]

More are in rsl_rl_terms and rl_games_runs. Each takes ten to sixty seconds on one core; what the post-mortem says of
them: python -m benchmarks.robots.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.frameworks import cleanrl_style, label
from benchmarks.frameworks.crashing import ENV, LATE, Normalised, environment, growing


@dataclass(frozen=True)
class Crash:
    """One training that breaks.

    Attributes:
        library: Key of checks/tags.
        algorithm: Key of checks/algorithms.toml.
        fault: Its name.
        words: What is wrong.
        first: Beginnings of the metrics of which one must be the first mover.
        right: Diagnoses that are right, best first.
    """

    library: str
    algorithm: str
    fault: str
    words: str
    first: tuple[str, ...]
    right: tuple[str, ...] = ("non-finite-values",)


CRASHES = (
    Crash("sb3", "ppo", "rate-grows", "the learning rate's schedule multiplies from 60 % on", ("learning_rate",), ("learning-rate-too-high", "updates-too-aggressive", "non-finite-values")),
    Crash("sb3", "ppo", "reward-nan", "from 60 % on, the reward is 0 / 0 where the pendulum is upright", ("episode_return", "reward")),
    Crash("sb3", "ppo", "observation-grows", "from 60 % on, an integrated position grows by 1 % a step", ("observation",), ("observations-unscaled", "non-finite-values")),
    Crash("sb3", "sac", "reward-grows", "from 60 % on, the cost grows by 3 % every tenth step", ("episode_return", "critic_loss"), ("reward-scale-too-large", "critic-diverges", "non-finite-values")),
    Crash("cleanrl", "ppo", "normalised", "a running variance from sums of squares in 32 bits", ("value_loss", "policy_loss", "approx_kl")),
    Crash("skrl", "ppo", "reward-log", "from 60 % on, the reward is log 0 where the action is at its limit", ("episode_return", "reward")),
    Crash("skrl", "ppo", "rate-grows", "the learning rate's schedule multiplies from 60 % on", ("learning_rate",), ("learning-rate-too-high", "updates-too-aggressive", "non-finite-values")),
)  # fmt: skip
PACKAGES = {
    "sb3": ("stable-baselines3", "torch", "gymnasium"),
    "cleanrl": ("torch", "gymnasium"),
    "skrl": ("skrl", "torch", "gymnasium"),
}


def sb3(crash: Crash, folder: Path) -> None:
    from stable_baselines3 import PPO, SAC
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.logger import configure

    off_policy = crash.algorithm == "sac"
    steps, n_envs = (12_000, 1) if off_policy else (50_000, 4)
    envs = make_vec_env(environment(crash.fault, int(LATE * steps / n_envs)), n_envs, seed=0)
    rate = growing(1e-3, 1.3)
    settings: dict[str, Any] = {
        "learning_rate": 1e-3,
        "policy_kwargs": {"net_arch": [64, 64]},
        "seed": 0,
        "device": "cpu",
    }
    if crash.fault == "rate-grows":
        settings["learning_rate"] = lambda left: rate(1 - left)
    if off_policy:
        model: Any = SAC("MlpPolicy", envs, **settings)
    else:
        model = PPO("MlpPolicy", envs, n_steps=128, batch_size=64, n_epochs=5, gamma=0.9, **settings)
    model.set_logger(configure(str(folder), ["tensorboard"]))
    callback = None
    if crash.fault in ("observation-grows", "reward-nan"):  # SB3 alone logs nothing of the rollout that breaks it
        from rldoctor import DoctorCallback

        callback = DoctorCallback(stop_when="never")
    model.learn(steps, log_interval=1, callback=callback)


class NormalisedAgent(cleanrl_style.Agent):
    """Normalises its observations itself, beside an altitude of 30 that hardly changes."""

    def __init__(self, envs: Any) -> None:
        super().__init__(envs)
        self.normalise = Normalised(3)

    def policy(self, seen: torch.Tensor) -> Any:
        if not torch.is_grad_enabled():
            self.normalise.add(30.0 + 0.1 * seen)
        return super().policy(self.normalise(30.0 + 0.1 * seen))


def cleanrl(crash: Crash, folder: Path) -> None:
    cleanrl_style.train(folder, ENV + "-v1", 0, n_steps=256, agent_class=NormalisedAgent)


def skrl(crash: Crash, folder: Path) -> None:
    import gymnasium
    from skrl.agents.torch.ppo import PPO, PPO_CFG
    from skrl.envs.wrappers.torch import wrap_env
    from skrl.memories.torch import RandomMemory
    from skrl.trainers.torch import SequentialTrainer
    from skrl.utils import set_seed

    from benchmarks.frameworks.skrl_runs import GOOD, N_ENVS, STEPS, Gaussian, Value, keep_events

    set_seed(0)
    steps, settings = STEPS["Pendulum-v1"], GOOD["Pendulum-v1"]
    name = environment(crash.fault, int(LATE * steps))
    env = wrap_env(gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make(name)] * N_ENVS))
    cfg = PPO_CFG(**settings)
    if crash.fault == "rate-grows":
        updates = steps // settings["rollouts"]
        epochs = settings["learning_epochs"]
        cfg.learning_rate_scheduler = torch.optim.lr_scheduler.LambdaLR
        cfg.learning_rate_scheduler_kwargs = {"lr_lambda": lambda i: growing(1.0, 1.3)(i / (updates * epochs))}
    cfg.experiment.directory, cfg.experiment.experiment_name = str(folder), "log"
    cfg.experiment.write_interval, cfg.experiment.checkpoint_interval = steps // 100, 0
    spaces = {"observation_space": env.observation_space, "action_space": env.action_space, "device": "cpu"}
    memory = RandomMemory(memory_size=settings["rollouts"], num_envs=N_ENVS, device="cpu")
    agent = PPO(models={"policy": Gaussian(env), "value": Value(env)}, memory=memory, cfg=cfg, **spaces)
    wanted = {"timesteps": steps, "disable_progressbar": True, "headless": True}
    try:
        SequentialTrainer(env=env, agents=agent, cfg=wanted).train()
    finally:
        agent.writer.flush()
        keep_events(folder)


TRAIN = {"sb3": sb3, "cleanrl": cleanrl, "skrl": skrl}


def record(crash: Crash, out: Path) -> None:
    folder = label.place(out, crash.library, f"crash-{crash.algorithm}", ENV, crash.fault, 0)
    if label.is_recorded(folder):
        return
    words = crash.words
    torch.manual_seed(0)
    try:
        TRAIN[crash.library](crash, folder)
    except (ValueError, RuntimeError, FloatingPointError, AssertionError) as error:  # what a NaN ends in
        words += f"; it ended with {type(error).__name__}"
        print(type(error).__name__, str(error)[:100].replace("\n", " "), flush=True)
    label.write(
        *(folder, crash.library, crash.algorithm, f"{ENV}-v1", crash.fault, words, float("nan"), PACKAGES[crash.library]),
        right=crash.right, first=crash.first,
    )  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    torch.set_num_threads(1)
    for crash in CRASHES:
        if not arguments[1:] or crash.library in arguments[1:]:
            record(crash, Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
