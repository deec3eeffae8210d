"""PPO of brax on its inverted pendulum: a healthy one and one that hardly learns.

pip install brax==0.14.2 jax==0.7.2 tensorboardX==2.6.5
python -m benchmarks.frameworks.brax_runs OUT
brax gives its metrics to a function of the user's; mujoco_playground's learning/train_jax_ppo.py writes them to TensorBoard under
their own names at the number of steps, as is done here. Each takes a minute or two on one core.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from brax import envs
from brax.training.agents.ppo import train as ppo
from tensorboardX import SummaryWriter

from benchmarks.frameworks import label

ENV = "inverted_pendulum"
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "": ("", {}),
    "learning-rate-low": ("learning_rate = 1e-8", {"learning_rate": 1e-8}),
}
SETTINGS: dict[str, Any] = dict(
    num_timesteps=400_000, num_evals=25, episode_length=500, num_envs=64, num_eval_envs=16, unroll_length=10, num_minibatches=8,
    batch_size=64, num_updates_per_batch=8, learning_rate=1e-3, entropy_cost=1e-2, discounting=0.97, reward_scaling=1.0, normalize_observations=True,
    log_training_metrics=True, training_metrics_steps=16_000, seed=0,
)  # fmt: skip


def train(out: Path, fault: str) -> None:
    folder = label.place(out, "brax", "ppo", ENV, fault, 0)
    if label.is_recorded(folder):
        return
    words, changes = FAULTS[fault]
    writer = SummaryWriter(str(folder))
    returns: list[float] = []

    def progress(step: int, metrics: dict[str, Any]) -> None:
        for key, value in metrics.items():
            writer.add_scalar(key, float(value), int(step))
        writer.flush()
        if "eval/episode_reward" in metrics:
            returns.append(float(metrics["eval/episode_reward"]))
            print(step, returns[-1], flush=True)

    ppo.train(
        environment=envs.get_environment(ENV, backend="generalized"), progress_fn=progress, **{**SETTINGS, **changes}
    )
    writer.close()
    label.write(folder, "brax", "ppo", ENV, fault, words, returns[-1], ("brax", "jax"))


if __name__ == "__main__":
    for one in FAULTS:
        train(Path(sys.argv[1]), one)
