"""PPO of mjlab, which trains with rsl_rl, on its cartpole; its simulator runs on a CPU, at some 400 steps a second on one core.

pip install torch==2.13.0 mjlab==1.6.0
CUDA_VISIBLE_DEVICES= python -m benchmarks.frameworks.mjlab_runs OUT
Up to ten minutes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.frameworks import label

TASK, ENVS, ITERATIONS = "Mjlab-Cartpole-Balance", 64, 80


def record(out: Path) -> None:
    folder = label.place(out, "rsl_rl", "mjlab-ppo", "cartpole", "", 0)
    if label.is_recorded(folder):
        return
    program = str(Path(sys.executable).with_name("train"))
    settings = [
        "--env.scene.num-envs",
        str(ENVS),
        "--agent.max-iterations",
        str(ITERATIONS),
        "--agent.logger",
        "tensorboard",
    ]
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([program, TASK, *settings], check=True, cwd=place)
        for file in Path(place).rglob("events.out.tfevents*"):
            (folder / file.name).write_bytes(file.read_bytes())
    packages = ("mjlab", "rsl-rl-lib", "mujoco-warp", "torch")
    label.write(folder, "rsl_rl", "ppo", TASK, "", "", float("nan"), packages)


if __name__ == "__main__":
    record(Path(sys.argv[1]).resolve())
