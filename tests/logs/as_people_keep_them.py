"""Files as people keep them of a training: Monitor's, Stable-Baselines3's progress.csv."""

from __future__ import annotations

import numpy as np

HOUR = 3600.0


def monitor(path, returns, begun=1.7e9, length=10, seconds=1.0, header=True, extra=()):
    """Write a monitor file of episodes that end every ``seconds``; ``extra`` is a fourth column."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{value},{length},{seconds * (i + 1):.6f}" for i, value in enumerate(returns)]
    rows = [f"{row},{cell}" for row, cell in zip(rows, extra, strict=True)] if extra else rows
    head = [f'#{{"t_start": {begun}, "env_id": "None"}}', "r,l,t" + (",is_success" if extra else "")]
    path.write_text("\n".join([*(head if header else []), *rows]) + "\n")
    return path


def progress(folder, returns):
    folder.mkdir(parents=True)
    rows = [f"{2048 * (i + 1)},{value}" for i, value in enumerate(returns)]
    (folder / "progress.csv").write_text("\n".join(["time/total_timesteps,rollout/ep_rew_mean", *rows]) + "\n")


RISING, FALLING = np.linspace(-100, -10, 400), np.linspace(-100, -400, 400)
