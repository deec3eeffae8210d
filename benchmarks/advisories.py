"""What the versions that are installed here do, for the entries of ``checks/advisories.toml`` that say "measured".

``python -m benchmarks.advisories`` prints a line for each probe. To measure other versions, install them into a folder
(``pip install --no-deps --target old gymnasium==1.3.0``) and put it first: ``PYTHONPATH=old python -m benchmarks.advisories``.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import gymnasium
import numpy as np

SHOWN = ("gymnasium", "gymnasium-robotics", "mujoco", "numpy", "ale-py", "dm-control")


class Short(gymnasium.Env):
    """Episodes of three steps with a reward of 1 each, ended by a time limit or by the task."""

    observation_space = gymnasium.spaces.Box(-1, 1, (1,))
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, terminates: bool = False) -> None:
        self.terminates = terminates

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        done = self.steps == 3
        return np.zeros(1, np.float32), 1.0, done and self.terminates, done and not self.terminates, {}


def _vectorized(mode: str):
    return gymnasium.vector.SyncVectorEnv([Short], autoreset_mode=gymnasium.vector.AutoresetMode[mode])


def episode_statistics(mode: str = "SAME_STEP") -> str:
    """Returns that the vector RecordEpisodeStatistics reports; each is 3."""
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(_vectorized(mode))
    envs.reset(seed=0)
    seen = []
    for _ in range(12):
        info = envs.step(np.zeros(1, int))[-1]
        seen += [float(part["episode"]["r"][0]) for part in (info, info.get("final_info", {})) if "episode" in part]
    return f"episodes of return 3 in {mode}: {seen}"


def vector_normalize_reward(mode: str) -> str:
    """How many of twelve vector steps the vector NormalizeReward counts: 12 in SAME_STEP, 9 in NEXT_STEP."""
    envs = gymnasium.wrappers.vector.NormalizeReward(_vectorized(mode))
    envs.reset(seed=0)
    for _ in range(12):
        envs.step(np.zeros(1, int))
    return f"rewards counted in 12 steps of {mode}: {envs.return_rms.count:.0f}"


def normalize_reward() -> str:
    """The running return at the end of each of three episodes of three steps, with gamma 1."""
    seen = {}
    for terminates in (True, False):
        env = gymnasium.wrappers.NormalizeReward(Short(terminates), gamma=1.0)
        ends = []
        for _ in range(3):
            env.reset()
            for _ in range(3):
                env.step(0)
            ends.append(float(np.ravel(getattr(env, "discounted_reward", getattr(env, "returns", 0.0)))[0]))
        seen["terminated" if terminates else "truncated"] = ends
    return str(seen)


def normalize_observation() -> str:
    """The dtype of a normalised observation, and the space that it claims to be in."""
    env = gymnasium.wrappers.NormalizeObservation(Short())
    env.reset()
    return f"{env.step(0)[0].dtype} in {env.observation_space}"


def final_info() -> str:
    """What a vector environment with default arguments says of a finished episode."""
    envs = gymnasium.vector.SyncVectorEnv([Short])
    envs.reset(seed=0)
    return str(sorted({key for _ in range(8) for key in envs.step(np.zeros(1, int))[-1]}))


def inverted_pendulum() -> str:
    """The reward of the step in which the pole falls."""
    seen = {}
    for name in (
        "InvertedPendulum-v4",
        "InvertedPendulum-v5",
        "InvertedDoublePendulum-v4",
        "InvertedDoublePendulum-v5",
    ):
        env = gymnasium.make(name)
        env.reset(seed=0)
        terminated = False
        while not terminated:
            _, reward, terminated, *_ = env.step(env.action_space.high)
        seen[name] = round(float(reward), 2)
    return str(seen)


def reacher() -> str:
    """The distance before and after the first step, and what it is rewarded for."""
    seen = {}
    for name in ("Reacher-v4", "Reacher-v5"):
        env = gymnasium.make(name)
        env.reset(seed=0)

        def distance(env=env.unwrapped) -> float:
            return round(float(np.linalg.norm(env.get_body_com("fingertip") - env.get_body_com("target"))), 4)

        before = distance()
        info = env.step(env.action_space.high)[-1]
        seen[name] = (before, distance(), round(float(-info["reward_dist"]), 4))
    return f"before, after, rewarded: {seen}"


def walker() -> str:
    """The friction of Walker2d's parts; the feet are the last of each leg."""
    names = ("Walker2d-v4", "Walker2d-v5")
    return str({name: gymnasium.make(name).unwrapped.model.geom_friction[1:, 0].tolist() for name in names})


def ant_maze() -> str:
    """The sparse reward of an ant that stands on its goal."""
    seen = {}
    for name in ("AntMaze_UMaze-v3", "AntMaze_UMaze-v4", "AntMaze_UMaze-v5"):
        env = gymnasium.make(name)
        env.reset(seed=0)
        inner = env.unwrapped
        inner.goal = np.array((inner if hasattr(inner, "data") else inner.ant_env).data.qpos[:2])
        _, reward, *_, info = env.step(np.zeros(8, np.float32))
        seen[name] = (float(reward), "success" in info, "is_success" in info)
    return f"reward, info has success, is_success: {seen}"


def fetch_base() -> str:
    """Where the gripper starts in each version of FetchReach that can be made."""
    seen = {}
    for name in ("FetchReach-v2", "FetchReach-v3", "FetchReach-v4"):
        with contextlib.suppress(Exception):
            seen[name] = gymnasium.make(name).reset(seed=0)[0]["observation"][:3].round(2).tolist()
    return str(seen)


def sparse_jacobians(models: int = 300) -> str:
    """How many of random trees of bodies have other accelerations with sparse than with dense Jacobians."""
    import mujoco

    wrong, most = 0, 0.0
    for seed in range(models):
        model = mujoco.MjModel.from_xml_string(_random_trees(np.random.default_rng(seed)))
        model.opt.solver, model.opt.iterations = mujoco.mjtSolver.mjSOL_NEWTON, 100
        data, worst = mujoco.MjData(model), 0.0
        for _ in range(15):
            found = []
            for jacobian in (mujoco.mjtJacobian.mjJAC_DENSE, mujoco.mjtJacobian.mjJAC_SPARSE):
                model.opt.jacobian, copy = jacobian, mujoco.MjData(model)
                copy.qpos[:], copy.qvel[:] = data.qpos, data.qvel
                mujoco.mj_forward(model, copy)
                found.append(copy.qacc.copy())
            worst = max(worst, float(np.abs(found[0] - found[1]).max() / (1 + np.abs(found[0]).max())))
            model.opt.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
            mujoco.mj_step(model, data)
        wrong, most = wrong + (worst > 1e-3), max(most, worst)
    return f"{wrong} of {models} differ by more than 1e-3, by at most {most:.2g}"


def _random_trees(draw: np.random.Generator) -> str:
    """Return a model of one to three random trees of bodies, some of them tied together."""
    names: list[str] = []

    def chain(name: str, depth: int) -> str:
        names.append(name)
        place = " ".join(f"{draw.uniform(low, 0.3):.2f}" for low in (-0.3, -0.3, 0.0))
        axes = [" ".join(f"{x:.2f}" for x in draw.normal(size=3)) for _ in range(draw.integers(1, 4))]
        joints = "".join(f"<joint type='hinge' axis='{axis}'/>" for axis in axes)
        below = "".join(chain(f"{name}_{k}", depth - 1) for k in range(draw.integers(0, 4))) if depth else ""
        return f"<body name='{name}' pos='{place}'>{joints}<geom type='capsule' size='.05 .1' density='500'/>{below}</body>"

    trees = ""
    for k in range(draw.integers(1, 4)):
        inside = "".join(chain(f"c{k}_{b}", 3) for b in range(2))
        names.append(f"r{k}")
        trees += (
            f"<body name='r{k}' pos='{k * 0.2:.2f} 0 0.4'><freejoint/><geom type='sphere' size='.08'/>{inside}</body>"
        )
    pairs = [draw.choice(names, 2, replace=False) for _ in range(draw.integers(0, 4))]
    ties = "".join(f"<connect body1='{a}' body2='{b}' anchor='0 0 0'/>" for a, b in pairs)
    floor = "<geom type='plane' size='5 5 .1'/>"
    return f"<mujoco><worldbody>{floor}{trees}</worldbody><equality>{ties}</equality></mujoco>"


def atari_frames() -> str:
    """Frames that one step takes where an environment that skips frames is wrapped to skip frames."""
    import ale_py
    from stable_baselines3.common.atari_wrappers import MaxAndSkipEnv

    gymnasium.register_envs(ale_py)
    env = MaxAndSkipEnv(gymnasium.make("ALE/Pong-v5"), 4)
    env.reset(seed=0)
    before = env.unwrapped.ale.getEpisodeFrameNumber()
    env.step(0)
    return f"{env.unwrapped.ale.getEpisodeFrameNumber() - before} frames a step"


def dm_control() -> str:
    """Whether a task of dm_control's suite can be loaded and reset."""
    from dm_control import suite

    suite.load("cartpole", "balance").reset()
    return "cartpole balance is loaded"


# Name of an advisory to what measures it.
PROBES: dict[str, Callable[[], str]] = {
    "episode-statistics-lose-the-first-reward": episode_statistics,
    "vector-normalize-reward-counts-resets": lambda: vector_normalize_reward("NEXT_STEP"),
    "vector-normalize-reward-skips-first-steps": lambda: vector_normalize_reward("SAME_STEP"),
    "normalize-reward-goes-on-after-truncation": normalize_reward,
    "normalize-reward-forgets-the-last-reward": normalize_reward,
    "normalize-observation-of-another-type": normalize_observation,
    "final-info-is-gone": final_info,
    "inverted-pendulum-v4-rewards-the-fall": inverted_pendulum,
    "reacher-v4-reward-is-late": reacher,
    "walker2d-v4-feet-differ": walker,
    "ant-maze-v3-never-rewards": ant_maze,
    "maze-success-is-not-is-success": ant_maze,
    "fetch-v3-robot-base": fetch_base,
    "mujoco-4.0.0-wrong-accelerations": sparse_jacobians,
    "ale-v5-frames-skipped-twice": atari_frames,
    "mujoco-too-old-for-dm-control": dm_control,
}


def main() -> None:
    """Print what is installed, and a line for each probe."""
    for package in SHOWN:
        with contextlib.suppress(PackageNotFoundError):
            print(f"{package} {version(package)}")
    warnings.simplefilter("ignore")
    with contextlib.suppress(ImportError), contextlib.redirect_stderr(io.StringIO()):
        import gymnasium_robotics

        gymnasium.register_envs(gymnasium_robotics)
    for name, probe in PROBES.items():
        try:
            said = probe()
        except Exception as error:
            said = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        print(f"{name}: {said}")


if __name__ == "__main__":
    main()
