"""Environments of users that benchmarks.own_environments trains and examines, and the causes that are right for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

CARTPOLE: Mapping[str, Any] = dict(
    n_steps=32, batch_size=256, gae_lambda=0.8, gamma=0.98, n_epochs=20, learning_rate=1e-3
)
PENDULUM: Mapping[str, Any] = dict(
    n_steps=128, batch_size=128, gae_lambda=0.95, gamma=0.9, n_epochs=10, learning_rate=2e-3
)
MUJOCO: Mapping[str, Any] = dict(n_steps=128, batch_size=128, learning_rate=1e-3)
ACROBOT: Mapping[str, Any] = dict(n_steps=64, batch_size=256, gae_lambda=0.94, n_epochs=6, learning_rate=2e-3)
FETCH: Mapping[str, Any] = dict(
    n_steps=64,
    batch_size=256,
    gamma=0.8,
    gae_lambda=0.9,
    learning_rate=2e-3,
    policy_kwargs={"log_std_init": -0.5},
)
MOUNTAIN: Mapping[str, Any] = dict(
    n_steps=128, batch_size=256, gamma=0.99, learning_rate=1e-3, use_sde=True, policy_kwargs={"log_std_init": 0.5}
)


@dataclass(frozen=True)
class Own:
    """An environment of one of the files benchmarks/own_*.py.

    Attributes:
        name: Of the class or function.
        causes: The diagnoses that are right; none for a healthy one.
        settings: Of PPO.
        n_envs: Parallel environments.
        steps: Of the training.
        file: That it is defined in, without its ending.
    """

    name: str
    causes: tuple[str, ...]
    settings: Mapping[str, Any]
    n_envs: int = 8
    steps: int = 20_000
    file: str = "own_envs"


ALL = (
    *(Own(name, (), CARTPOLE) for name in ("CartPole", "CartPoleCentred")),
    *(Own(name, (), PENDULUM, 4) for name in ("Pendulum", "PendulumShifted")),
    Own("Acrobot", (), ACROBOT, steps=30_000),
    Own("MountainCar", (), MOUNTAIN),
    *(Own(name, (), MUJOCO, 4) for name in ("Reacher", "ReacherDistance", "InvertedPendulum")),
    Own("fetch_reach", (), FETCH),
    Own("CartPoleNoReward", ("reward-uninformative",), CARTPOLE),
    Own("CartPoleDeaf", ("actions-without-effect",), CARTPOLE),
    Own("CartPoleShuffled", ("observations-uninformative",), CARTPOLE),
    Own("CartPoleCosts", ("reward-misaligned",), CARTPOLE),
    Own("CartPoleNan", ("non-finite-values",), CARTPOLE),
    Own("CartPoleTired", ("environment-misconfigured",), CARTPOLE),
    Own("CartPoleFrozen", ("observations-uninformative",), CARTPOLE),
    Own("CartPoleUnscaled", ("observations-unscaled",), CARTPOLE),
    Own("PendulumFlipped", ("reward-misaligned",), PENDULUM, 4),
    Own("PendulumLoud", ("reward-scale-too-large",), PENDULUM, 4),
    Own("PendulumFaint", ("reward-scale-too-small",), PENDULUM, 4),
    Own("PendulumNoise", ("reward-uninformative",), PENDULUM, 4),
    Own("PendulumDeaf", ("actions-without-effect",), PENDULUM, 4),
    Own("PendulumErratic", ("actions-without-effect",), PENDULUM, 4),
    Own("PendulumBlind", ("observations-uninformative",), PENDULUM, 4),
    Own("PendulumLateEyes", ("observations-uninformative",), PENDULUM, 4),
    Own("PendulumLateHands", ("actions-without-effect",), PENDULUM, 4),
    Own("PendulumFlat", ("reward-uninformative",), PENDULUM, 4),
    Own("AcrobotTooHigh", ("task-unreachable", "reward-uninformative"), ACROBOT),
    Own("AcrobotHasty", ("environment-misconfigured", "task-unreachable"), ACROBOT),
    Own("AcrobotDeaf", ("actions-without-effect",), ACROBOT),
    Own("MountainCarWeak", ("actions-without-effect", "task-unreachable"), MOUNTAIN),
    Own("ReacherBlind", ("goal-not-observed", "observations-uninformative"), MUJOCO, 4),
    Own("ReacherFlees", ("reward-misaligned",), MUJOCO, 4),
    Own("ReacherWired", ("actions-without-effect",), MUJOCO, 4),
    Own("InvertedPendulumHazy", ("observations-uninformative",), MUJOCO, 4),
    Own("InvertedPendulumOver", ("environment-misconfigured",), MUJOCO, 4),
    Own("fetch_goal_hidden", ("goal-not-observed",), FETCH),
    Own("fetch_negated", ("reward-misaligned",), FETCH),
    Own("fetch_clocked", ("reward-uninformative",), FETCH),
    Own("fetch_never_succeeds", ("success-signal-broken",), FETCH),
    Own("fetch_tiny_goal", ("sparse-reward",), FETCH),
    Own("fetch_juggled", ("actions-without-effect",), FETCH),
    Own("fetch_far_goal", ("task-unreachable",), FETCH),
    Own("fetch_short", ("environment-misconfigured", "task-unreachable"), FETCH),
)


NOT_LEARNED = ("Pendulum", "MountainCar", "ReacherDistance", "Dot", "LakeOneHot", "hopper_normalised")
"""Without a fault, and yet not learned in so few steps: neither a control nor a fault."""


TASK: Mapping[str, Any] = dict(n_steps=64, batch_size=256, gamma=0.95, n_epochs=10, learning_rate=1e-3)


def own(
    name: str,
    *causes: str,
    file: str,
    settings: Mapping[str, Any] = TASK,
    n_envs: int = 8,
    steps: int = 30_000,
    broken_steps: int = 30_000,
) -> Own:
    """Return an environment of a file; where what is broken needs less time to show, it gets ``broken_steps``."""
    return Own(name, causes, settings, n_envs, broken_steps if causes else steps, file)


task = partial(own, file="own_tasks")
world = partial(own, file="own_worlds")
kind = partial(own, file="own_kinds", broken_steps=20_000)
machinery = partial(own, file="own_machinery", broken_steps=10_000)


SECOND = (
    *(task(name) for name in ("Tank", "TankDeadBand", "Point", "PointSlightNoise", "PointDict", "Hover")),
    *(task(name, steps=60_000) for name in ("Grid", "GridSlippery")),
    task("TankSetpointHidden", "goal-not-observed", "observations-uninformative"),
    task("TankPercent", "actions-without-effect"),
    task("TankOldSetpoint", "reward-uninformative", "goal-not-observed"),
    task("TankPaysError", "reward-misaligned"),
    task("TankSensorNoise", "observations-uninformative"),
    task("TankStuckSensor", "observations-uninformative"),
    task("tank_signs", "reward-uninformative"),
    task("tank_rescaled", "actions-without-effect"),
    task("PointWholeNumbers", "observations-uninformative"),
    task("PointTinyNumbers", "observations-unscaled"),
    task("PointPenalty", "reward-scale-too-large"),
    task("PointSuccessInverted", "success-signal-broken"),
    task("PointDropsActions", "actions-without-effect"),
    task("PointSparse", "sparse-reward"),
    task("PointOneAxis", "actions-without-effect"),
    task("PointCosts", "reward-uninformative", "reward-scale-too-large"),
    task("PointGoalMoves", "reward-uninformative"),
    task("point_clipped", "observations-uninformative", "observations-unscaled"),
    task("point_three_steps", "environment-misconfigured"),
    task("GridOneMove", "actions-without-effect"),
    task("GridLate", "observations-uninformative"),
    task("GridNoGoal", "task-unreachable", "sparse-reward", "reward-uninformative"),
    task("GridRenumbered", "observations-uninformative"),
    task("GridActionsRenumbered", "actions-without-effect"),
    task("HoverEndsAtOnce", "environment-misconfigured"),
    task("HoverWeak", "actions-without-effect", "task-unreachable"),
    task("HoverShared", "environment-misconfigured"),
    task("HoverOldReward", "reward-uninformative"),
    task("HoverRoot", "non-finite-values"),
    task("HoverNeverReset", "environment-misconfigured"),
    task("hover_bang", "actions-without-effect"),
)
"""Written, trained and examined after the first were looked at, before any rule was changed for them."""


THIRD = (
    *(world(name) for name in ("Lander", "LanderGusts", "Room", "Chase", "Switch")),
    world("LanderStillborn", "environment-misconfigured"),
    world("LanderPixels", "observations-unscaled"),
    world("LanderOverflow", "observations-uninformative"),
    world("LanderNoSpeed", "observations-uninformative"),
    world("LanderOldView", "observations-uninformative", "actions-without-effect"),
    world("LanderPaysClock", "reward-uninformative"),
    world("LanderPaysEffort", "reward-uninformative", "reward-misaligned"),
    world("LanderDivides", "non-finite-values"),
    world("LanderCrashPaid", "reward-misaligned", "reward-scale-too-large"),
    world("LanderNoSuccess", "success-signal-broken"),
    world("LanderByte", "actions-without-effect"),
    world("LanderAtTheEnd", "sparse-reward"),
    world("LanderSticky", "actions-without-effect"),
    world("RoomWhole", "reward-uninformative"),
    world("RoomFaint", "reward-scale-too-small"),
    world("RoomLoud", "reward-scale-too-large"),
    world("RoomWarmer", "reward-misaligned"),
    world("RoomDead", "actions-without-effect"),
    world("RoomSeldom", "actions-without-effect"),
    world("RoomSecret", "goal-not-observed", "observations-uninformative"),
    world("ChaseOneMotor", "actions-without-effect"),
    world("ChaseMasked", "observations-uninformative", "goal-not-observed"),
    world("ChaseRandomPay", "reward-uninformative"),
    world("SwitchLate", "observations-uninformative"),
    world("SwitchDark", "observations-uninformative", "goal-not-observed"),
)
"""Written, trained and examined after the rules for the second were made, before any was changed for these."""


FOURTH = (
    *(kind(name) for name in ("Store", "Cards", "Dot", "Crane", "Park", "Aim", "Rocking", "hopper_normalised")),
    kind("LakeOneHot", steps=50_000),
    Own("pendulum_stacked", (), PENDULUM, 4, 40_000, "own_kinds"),
    kind("RockingHard", "actions-without-effect"),
    kind("StoreThousands", "reward-scale-too-large"),
    kind("CardsLate", "reward-uninformative"),
    kind("DotOverflow", "observations-uninformative", "observations-unscaled"),
    kind("DotOld", "observations-uninformative", "actions-without-effect"),
    kind("CraneDead", "actions-without-effect"),
    kind("CraneEnd", "sparse-reward"),
    kind("CraneThousandths", "observations-uninformative"),
    kind("ParkOldGoal", "goal-not-observed"),
    kind("ParkSuccess", "success-signal-broken"),
    kind("ParkThrottle", "actions-without-effect"),
    kind("AimBlind", "observations-uninformative", "goal-not-observed", "reward-uninformative"),
    kind("CartPoleSwapped", "environment-misconfigured"),
    kind("AcrobotForever", "environment-misconfigured"),
    kind("DoublePendulumOld", "observations-uninformative", "actions-without-effect"),
    kind("HopperRoot", "non-finite-values"),
)
"""Written, trained and examined after the rules for the third were made, before any was changed for these."""


FIFTH = (
    *(machinery(name, settings=PENDULUM) for name in ("pendulum_vec_normalised", "pendulum_rescaled")),
    machinery("pendulum_clipped", settings=PENDULUM, n_envs=4),
    machinery("crane_stacked"),
    Own("cartpole_limited", (), CARTPOLE, file="own_machinery"),
    machinery("crane_late", "reward-uninformative"),
    machinery("crane_narrow", "observations-uninformative", "observations-unscaled"),
    machinery("pendulum_clip_obs", "observations-uninformative", "observations-unscaled", settings=PENDULUM),
    machinery("pendulum_clip_reward", "reward-uninformative", "reward-scale-too-small", settings=PENDULUM),
    machinery("crane_mixed", "actions-without-effect"),
    machinery("park_scaled", "actions-without-effect"),
    machinery("park_inverted", "actions-without-effect"),
    Own("acrobot_short", ("environment-misconfigured", "task-unreachable"), ACROBOT, file="own_machinery"),
    Own("cartpole_kept", ("environment-misconfigured",), CARTPOLE, file="own_machinery"),
    machinery("park_before", "observations-uninformative", "actions-without-effect"),
    machinery("park_flat", "goal-not-observed", "observations-uninformative"),
    machinery("crane_signed", "reward-uninformative"),
    machinery("park_flags", "success-signal-broken"),
    machinery("crane_fading", "environment-misconfigured", "reward-uninformative"),
    machinery("park_frames", "environment-misconfigured"),
)
"""Faults of wrappers, vec env wrappers and limits: as the fourth, at the same time."""

EVERY = (*ALL, *SECOND, *THIRD, *FOURTH, *FIFTH)
