"""How far EnvPool's FetchReach differs from gymnasium-robotics': python -m benchmarks.same_environment [--record]

Sends the same random actions to both after the same reset. EnvPool 1.2 contains MuJoCo 3.6.0, so the comparison is made
twice: with the installed MuJoCo and, in a virtual environment made for it, with 3.6.0. ``--record`` writes what
gymnasium-robotics did with 3.6.0 to tests/training/data, for tests/environments/test_envpool.py to compare EnvPool with.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile

import numpy as np

from benchmarks import TESTS

ENVPOOLS_MUJOCO = "3.6.0"
RECORDED = TESTS / "training" / "data" / "fetch_reach_mujoco_3.6.0.json"
EPISODES, STEPS = 4, 50


def actions() -> np.ndarray:
    """Return the actions that both are sent, shape ``(EPISODES, STEPS, 4)``: one episode each of four kinds."""
    draw = np.random.default_rng(0)
    random = draw.uniform(-1, 1, (2, STEPS, 4))
    held = np.repeat(draw.uniform(-1, 1, (1, 1, 4)), STEPS, axis=1)
    return np.concatenate([random, held, np.zeros((1, STEPS, 4))]).astype(np.float32)


def by_gymnasium() -> np.ndarray:
    """Return gymnasium-robotics's observations, shape ``(EPISODES, STEPS + 1, 10)``."""
    from rldoctor.environments import registry

    env = registry.make("FetchReachDense-v4")
    episodes = []
    for episode in actions():
        observation, _ = env.reset(seed=0)
        seen = [observation["observation"]]
        seen += [env.step(action)[0]["observation"] for action in episode]
        episodes.append(seen)
    return np.array(episodes)


def by_envpool() -> np.ndarray:
    """Return EnvPool's observations, shape ``(EPISODES, STEPS + 1, 10)``."""
    from rldoctor.environments import registry
    from rldoctor.environments.envpool_vec_env import EnvPoolVecEnv

    envs = EnvPoolVecEnv(registry.make("FetchReachDense-v4"), EPISODES, 1)
    envs.seed(0)
    seen = [envs.reset()["observation"]]
    for step in actions().swapaxes(0, 1):
        observation, _, dones, infos = envs.step(step)
        if dones.any():
            observation = {"observation": np.array([info["terminal_observation"]["observation"] for info in infos])}
        seen.append(observation["observation"].copy())
    return np.array(seen).swapaxes(0, 1)


def by_gymnasium_with(mujoco: str) -> np.ndarray:
    """Return what gymnasium-robotics does with another version of MuJoCo, put before the installed one."""
    with tempfile.TemporaryDirectory() as place:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", place]
        subprocess.run([*install, f"mujoco=={mujoco}"], check=True)
        code = (
            f"import sys, json; sys.path.insert(0, {place!r}); import mujoco; "
            f"assert mujoco.__version__ == {mujoco!r}, mujoco.__version__; "
            "from benchmarks import same_environment as s; print(json.dumps(s.by_gymnasium().tolist()))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def apart(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return the largest distance between the grippers in metres: after one step, and in a whole episode."""
    distance = np.linalg.norm(one[..., :3] - other[..., :3], axis=-1)
    return float(distance[:, 1].max()), float(distance.max())


def table() -> list[str]:
    """Return the comparison as lines of Markdown."""
    import mujoco

    pooled, here = by_envpool(), by_gymnasium()
    there = by_gymnasium_with(ENVPOOLS_MUJOCO)
    rows = {
        f"EnvPool and gymnasium-robotics with MuJoCo {ENVPOOLS_MUJOCO}": apart(pooled, there),
        f"EnvPool and gymnasium-robotics with MuJoCo {mujoco.__version__}": apart(pooled, here),
        f"gymnasium-robotics with MuJoCo {ENVPOOLS_MUJOCO} and with {mujoco.__version__}": apart(there, here),
    }
    return [
        f"Largest distance between the grippers, in {EPISODES} episodes of {STEPS} equal actions after the same reset:",
        "",
        "| | after one step | in a whole episode |",
        "|---|---|---|",
        *(f"| {name} | {one * 1000:.2g} mm | {whole * 1000:.2g} mm |" for name, (one, whole) in rows.items()),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true")
    if parser.parse_args().record:
        seen = by_gymnasium_with(ENVPOOLS_MUJOCO).round(9).tolist()
        RECORDED.parent.mkdir(exist_ok=True)
        rows = ",\n".join(json.dumps(row) for episode in seen for row in episode)
        RECORDED.write_text(f"[\n{rows}\n]\n", encoding="utf-8")
        print(f"Written: {RECORDED.name}")
        return
    print("\n".join(table()))


if __name__ == "__main__":
    main()
