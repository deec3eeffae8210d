"""Faster reading of robot joints in gymnasium-robotics environments, with the same numbers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np


def read_joints_at_once(env: gymnasium.Env[Any, Any]) -> bool:
    """Let ``env`` read its robot's joints with one index into MuJoCo's arrays instead of thirty lookups by name.

    The lookups (``gymnasium_robotics.utils.mujoco_utils.robot_get_obs``) are a fifth of FetchReach's step, and hold the
    GIL, which MuJoCo releases while it steps. Only this environment is changed, not the package.

    Returns:
        Whether it was done: not for environments of another kind or robots with free or ball joints.
    """
    robot: Any = env.unwrapped
    if not hasattr(robot, "_utils") or not hasattr(robot, "_model_names"):
        # The package takes seconds to import, and prints a notice: other environments do without.
        return False
    try:
        import mujoco
        from gymnasium_robotics.utils import mujoco_utils
    except ImportError:
        return False
    if robot._utils is not mujoco_utils:
        return False
    model = robot.model
    names = [name for name in robot._model_names.joint_names if name.startswith("robot")]
    joints = [mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, name) for name in names]
    single = {int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE)}
    if not joints or not {int(model.jnt_type[joint]) for joint in joints} <= single:
        return False
    positions = np.array([model.jnt_qposadr[joint] for joint in joints])
    velocities = np.array([model.jnt_dofadr[joint] for joint in joints])

    def robot_get_obs(_model: Any, data: Any, _names: Any) -> tuple[Any, Any]:
        return data.qpos[positions], data.qvel[velocities]

    robot._utils = SimpleNamespace(**{**vars(mujoco_utils), "robot_get_obs": robot_get_obs})
    return True
