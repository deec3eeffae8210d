"""PPO of rsl_rl 5 and 3 on a small walker of ours with terms, terminations and a curriculum, logged as Isaac Lab does.

With the packages of rsl_rl_runs (rsl-rl-lib==5.5.1), or with rsl-rl-lib==3.1.2 in front of them on PYTHONPATH.
python -m benchmarks.frameworks.rsl_rl_terms OUT
Each takes about ten seconds on one core.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rsl_rl.env import VecEnv
from rsl_rl.runners import OnPolicyRunner
from tensordict import TensorDict

from benchmarks.frameworks import label

VERSION = importlib.metadata.version("rsl-rl-lib") if "rsl3" not in sys.argv else "3.1.2"
N_ENVS, LONGEST, STEPS, ITERATIONS = 64, 100, 24, 150
ENV = "Walker"
# Fault to words, changes of the environment, and changes of the algorithm.
FAULTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "": ("", {}, {}),
    "falling": ("it falls after three steps whatever it does", {"fragile": True}, {}),
    "dead-term": ("the weight of the heading's tracking is 0", {"heading": 0.0}, {}),
    "dominant-term": ("the cost of effort is 1,000 times its usual weight", {"effort": -20.0}, {}),
    "stands-still": ("tracking pays next to nothing, being alive pays", {"tracking": 0.002, "alive": 1.0}, {}),
    "cost-runs-away": (
        "the lean becomes unstable from iteration 90 on, and nothing ends the episode",
        {"unstable": 90},
        {},
    ),
    "critic-diverges": ("rewards x 1e5 from iteration 100 on", {"blow_up": 100}, {}),
    "cost-grows": ("the weight of the effort doubles at every iteration from 90 on", {"cost_grows": 90}, {}),
}
RIGHT = {
    "falling": ["episodes-end-in-failure"],
    "dead-term": ["reward-term-dead"],
    "dominant-term": ["reward-term-dominates", "stands-still"],
    "stands-still": ["stands-still", "reward-term-dead"],
    "cost-runs-away": ["penalty-explodes", "non-finite-values"],
    "critic-diverges": ["reward-scale-too-large", "non-finite-values"],
    "cost-grows": ["penalty-explodes", "non-finite-values"],
}
# What leaves its own band first in a run that breaks.
FIRST = {
    "cost-runs-away": ["term/"],
    "critic-diverges": ["episode_return", "value_loss", "term/"],
    "cost-grows": ["term/dof_torques_l2"],
}


class Walker(VecEnv):
    """A point on a line with a lean: it is told a speed and a heading, and falls if it leans too far.

    Observation: speed, lean, lean's speed, heading, commanded speed, commanded heading (6). Action: push, balance, turn (3).
    """

    def __init__(self, seed: int, **faults: Any) -> None:
        self.faults, self.rng = faults, torch.Generator().manual_seed(seed)
        self.num_envs, self.num_actions, self.device = N_ENVS, 3, "cpu"
        self.max_episode_length, self.cfg = LONGEST, {}
        self.episode_length_buf = torch.randint(0, LONGEST, (N_ENVS,), generator=self.rng)
        self.state, self.command = torch.zeros(N_ENVS, 4), torch.zeros(N_ENVS, 2)
        self.last = torch.zeros(N_ENVS, 3)
        self.level = torch.full((N_ENVS,), 2.0)
        self.sums: dict[str, torch.Tensor] = {}
        self.steps = 0
        self._begin(torch.arange(N_ENVS))

    def _begin(self, ids: torch.Tensor) -> None:
        self.state[ids] = 0.1 * torch.randn(len(ids), 4, generator=self.rng)
        self.command[ids] = 2 * torch.rand(len(ids), 2, generator=self.rng) - 1
        self.last[ids] = 0.0

    def get_observations(self) -> TensorDict:
        return TensorDict({"policy": torch.cat([self.state, self.command], 1)}, batch_size=[self.num_envs])

    def reset(self) -> Any:
        return self.get_observations(), {}

    def step(self, actions: torch.Tensor) -> Any:
        self.steps += 1
        iteration = self.steps // STEPS
        push = actions.clamp(-3.0, 3.0)
        speed, lean, rate, heading = self.state.unbind(1)
        rough = 0.02 * (1 + self.level) * torch.randn(N_ENVS, generator=self.rng)
        unstable = self.faults.get("unstable", 0)
        runaway = 1.0 + 0.03 * max(0, iteration - unstable) if unstable else 1.0
        rate = (0.9 * rate + 0.25 * lean + 0.25 * push[:, 1] + 0.1 * push[:, 0] + rough) * runaway
        lean = lean + 0.3 * rate
        speed = 0.8 * speed + 0.3 * push[:, 0]
        heading = 0.8 * heading + 0.3 * push[:, 2]
        self.state = torch.stack([speed, lean, rate, heading], 1)
        grown = self.faults.get("cost_grows", 0)
        heavier = 2.0 ** min(max(0, iteration - grown), 120) if grown else 1.0
        terms = {
            "track_lin_vel_xy_exp": self.faults.get("tracking", 1.0)
            * torch.exp(-4 * (speed - self.command[:, 0]) ** 2),
            "track_ang_vel_z_exp": self.faults.get("heading", 0.5)
            * torch.exp(-4 * (heading - self.command[:, 1]) ** 2),
            "alive": torch.full((N_ENVS,), float(self.faults.get("alive", 0.1))),
            "dof_torques_l2": self.faults.get("effort", -0.02) * heavier * push.pow(2).sum(1),
            "action_rate_l2": -0.01 * (push - self.last).pow(2).sum(1),
            "joint_vel_l2": -0.005 * rate.pow(2),
            "dof_pos_limits": torch.zeros(N_ENVS),
        }
        self.last = push
        reward = torch.stack(list(terms.values())).sum(0)
        if self.faults.get("blow_up") and iteration >= self.faults["blow_up"]:
            reward = reward * 10.0 ** min(5 + 2 * (iteration - self.faults["blow_up"]), 30)
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, torch.zeros(N_ENVS)) + value
        self.episode_length_buf += 1
        late = self.episode_length_buf >= LONGEST
        fell = ~late & (lean.abs() > 1.0)
        if unstable and iteration >= unstable:
            fell = torch.zeros_like(late)
        if self.faults.get("fragile"):
            fell = ~late & (self.episode_length_buf % LONGEST >= 3)
        done = late | fell
        ids = done.nonzero()[:, 0]
        extras: dict[str, Any] = {"time_outs": late.float()}
        if len(ids):
            walked = self.sums["track_lin_vel_xy_exp"][ids] / LONGEST
            self.level[ids] = (self.level[ids] + torch.where(walked > 0.5, 0.5, -0.5)).clamp(0, 6)
            log: dict[str, Any] = {f"Episode_Reward/{n}": (v[ids] / LONGEST).mean() for n, v in self.sums.items()}
            log |= {
                "Episode_Termination/time_out": late[ids].float().mean(),
                "Episode_Termination/base_contact": fell[ids].float().mean(),
                "Curriculum/terrain_levels": self.level.mean(),
                "Metrics/base_velocity/error_vel_xy": (speed - self.command[:, 0]).abs().mean(),
            }
            extras["log"] = log
            for value in self.sums.values():
                value[ids] = 0.0
            self.episode_length_buf[ids] = 0
            self._begin(ids)
        return self.get_observations(), reward, done.long(), extras


def config(changes: dict[str, Any]) -> dict[str, Any]:
    algorithm = dict(
        class_name="PPO", num_learning_epochs=5, num_mini_batches=4, gamma=0.97, lam=0.95, entropy_coef=0.003, learning_rate=1e-3,
        schedule="adaptive", desired_kl=0.01, max_grad_norm=1.0, use_clipped_value_loss=True, value_loss_coef=1.0, clip_param=0.2,
    ) | changes  # fmt: skip
    common = {"num_steps_per_env": STEPS, "algorithm": algorithm, "save_interval": 10**9}
    hidden = [32, 32]
    if VERSION.startswith("3"):
        policy = dict(
            class_name="ActorCritic",
            init_noise_std=1.0,
            actor_hidden_dims=hidden,
            critic_hidden_dims=hidden,
            activation="elu",
        )
        return {**common, "obs_groups": {"policy": ["policy"], "critic": ["policy"]}, "policy": policy}
    network = dict(class_name="MLPModel", hidden_dims=hidden, activation="elu")
    spread = {"class_name": "GaussianDistribution", "init_std": 1.0, "std_type": "scalar"}
    return {
        **common,
        "obs_groups": {"actor": ["policy"], "critic": ["policy"]},
        "actor": {**network, "distribution_cfg": spread},
        "critic": network,
    }


def train(out: Path, fault: str, seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)  # rsl_rl shuffles with it
    words, faults, changes = FAULTS[fault]
    folder = label.place(out, "rsl_rl", f"{VERSION[0]}-ppo", ENV, fault, seed)
    if label.is_recorded(folder):
        return
    env = Walker(seed, **faults)
    runner = OnPolicyRunner(env, config(changes), log_dir=str(folder), device="cpu")
    try:
        runner.learn(ITERATIONS)
    except (ValueError, RuntimeError) as error:  # what a NaN ends in
        print(type(error).__name__, str(error)[:80], flush=True)
    writer = getattr(runner, "writer", None) or runner.logger.writer
    writer.close()
    for file in [*folder.glob("*.pt"), *folder.glob("git/*")]:
        file.unlink()
    if (folder / "git").is_dir():
        (folder / "git").rmdir()
    reached = float(env.sums["track_lin_vel_xy_exp"].mean())
    label.write(
        folder,
        "rsl_rl",
        "ppo",
        ENV,
        fault,
        words,
        reached,
        ("torch", "rsl-rl-lib"),
        RIGHT.get(fault, []),
        FIRST.get(fault, []),
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    for one in FAULTS:
        if VERSION.startswith("5") or one in ("", "falling"):
            train(Path(sys.argv[1]), one, 0)
