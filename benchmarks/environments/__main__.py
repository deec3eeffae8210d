"""Record runs of environments without a reference: python -m benchmarks.environments OUT [NAME ...]

The trainings are plain Stable-Baselines3, without run.json and DoctorCallback. Where the RL Baselines3 Zoo has settings
(hyperparams/ppo.yml), they are used, with fewer steps. Each task is trained healthy with two seeds, and with faults. The
outcome is measured on the true reward, before normalisation and faults. Their diagnoses: python -m benchmarks.strangers.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import gymnasium
import numpy as np

from benchmarks.environments.faults import FAULTS
from benchmarks.environments.tasks import TASKS
from benchmarks.environments.train import random_return, train

SEEDS = (0, 1)


def record(out: Path, wanted: Sequence[str]) -> None:
    import gymnasium_robotics
    import torch

    gymnasium.register_envs(gymnasium_robotics)
    torch.set_num_threads(1)
    for name, task in TASKS.items():
        if wanted and name not in wanted:
            continue
        at_random = random_return(task)
        reached = []
        for fault_name, seed in [("", seed) for seed in SEEDS] + [(fault, SEEDS[0]) for fault in task.faults]:
            fault = FAULTS[fault_name]
            folder = out / name / f"{fault_name or 'healthy'}-{seed}"
            if (folder / "label.json").exists():
                continue
            returns = train(task, fault, seed, folder)
            tenth = max(1, len(returns) // 10)
            end = float(np.mean(returns[-tenth:]))
            if not fault_name:
                reached.append(end)
            label = {
                "framework": "sb3",
                "algorithm": "ppo",
                "env": task.env,
                "task": name,
                "state": "sick" if fault_name else "healthy",
                "diagnoses": list(fault.diagnoses),
                "fault": fault.words,
                "source": task.source,
                **({"unseen": True} if task.unseen else {}),
                "outcome": {"first_return": float(np.mean(returns[:tenth])), "return": end, "random_return": at_random},
                "versions": {
                    package: importlib.metadata.version(package)
                    for package in ("gymnasium", "mujoco", "stable-baselines3", "torch")
                },
            }
            (folder / "label.json").write_text(json.dumps(label, indent=2) + "\n")
            print(
                f"{name} {fault_name or 'healthy'} seed {seed}: {at_random:.1f} at random, {end:.1f} at the end",
                flush=True,
            )


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2:])
