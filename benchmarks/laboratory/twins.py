"""Trainings of Stable-Baselines3 itself with the recipes of the laboratory, and what they log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

from benchmarks.laboratory.environments import WORLDS
from benchmarks.laboratory.interface import BatchEnv, Recipe, Shapes
from benchmarks.laboratory.records import run_of
from rldoctor.callback.doctor_callback import DoctorCallback
from rldoctor.model import Curve


class GymEnv(gymnasium.Env[Any, Any]):
    """One environment of the laboratory as Gymnasium's.

    Args:
        env: With one training of one environment.
    """

    def __init__(self, env: BatchEnv) -> None:
        self._env = env
        self._keys: dict[str, Any] = {}
        box = gymnasium.spaces.Box(-np.inf, np.inf, (env.observation_size,), np.float32)
        self.observation_space: gymnasium.Space[Any] = box
        if env.achieved_goal is not None and env.desired_goal is not None:
            rest = sorted(
                set(range(env.observation_size)).difference(
                    *(range(env.observation_size)[part] for part in (env.achieved_goal, env.desired_goal))
                )
            )
            self._keys = {"achieved_goal": env.achieved_goal, "desired_goal": env.desired_goal, "observation": rest}
            self.observation_space = gymnasium.spaces.Dict(
                {
                    key: gymnasium.spaces.Box(-np.inf, np.inf, box.sample()[part].shape)
                    for key, part in self._keys.items()
                }
            )
            self.distance_threshold = env.distance_threshold
        size = env.action_size
        discrete, continuous = gymnasium.spaces.Discrete(size), gymnasium.spaces.Box(-1.0, 1.0, (size,))
        self.action_space = discrete if env.discrete else continuous
        self._generator = torch.Generator()
        self._next: torch.Tensor | None = None

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        if seed is not None:
            self._generator.manual_seed(seed)
            self._next = None
        # The environment resets itself at the end of an episode.
        observed = self._env.reset(self._generator) if self._next is None else self._next
        return self._seen(observed), {}

    def step(self, action: Any) -> Any:
        given = torch.as_tensor(action)
        step = self._env.step(given.view(1, 1) if self._env.discrete else given.view(1, 1, -1))
        self._next = step.obs
        info = {} if step.success is None else {"is_success": bool(step.success)}
        return self._seen(step.final_obs), float(step.reward), bool(step.terminated), bool(step.truncated), info

    def _seen(self, observed: torch.Tensor) -> Any:
        numbers = observed[0, 0].numpy().copy()
        return {key: numbers[part] for key, part in self._keys.items()} or numbers


@dataclass(frozen=True)
class Twin:
    """A recipe that both train.

    Attributes:
        env: Name of the laboratory's environment.
        gym_id: Gymnasium's id of the same one; empty where the laboratory's own is wrapped.
        shapes: Of the recipe.
        settings: That differ from SB3's defaults.
    """

    env: str
    gym_id: str
    shapes: Shapes
    settings: dict[str, float] = field(default_factory=dict)

    def recipe(self, n: int) -> Recipe:
        """Return the recipe of ``n`` trainings."""
        return Recipe.of(self.shapes, n, **self.settings)

    def worlds(self, n: int) -> BatchEnv:
        """Return environments for ``n`` trainings."""
        return WORLDS[self.env](n, self.shapes.n_envs)


# Between them: discrete and continuous, success and none, schedules, VecNormalize, an early stop, a bonus, ReLU, a last
# minibatch that is smaller.
TWINS = (
    Twin(
        "cartpole",
        "CartPole-v1",
        Shapes(64, 8, 96, (64, 64), 10_240),
        {
            "learning_rate": 1e-3,
            "learning_rate_linear": 1,
            "clip_range_linear": 1,
            "n_epochs": 5,
            "gamma": 0.98,
            "gae_lambda": 0.8,
        },
    ),
    Twin(
        "pendulum",
        "Pendulum-v1",
        Shapes(128, 4, 64, (32, 32), 10_240),
        {
            "learning_rate": 1e-3,
            "n_epochs": 8,
            "gamma": 0.9,
            "normalize_observation": 1,
            "normalize_reward": 1,
            "max_grad_norm": 0.3,
        },
    ),
    Twin(
        "reach-2d",
        "",
        Shapes(64, 8, 128, (32, 32), 10_240),
        {
            "learning_rate": 2e-3,
            "n_epochs": 6,
            "gamma": 0.9,
            "ent_coef": 0.002,
            "target_kl": 0.03,
            "log_std_init": -0.5,
            "relu": 1,
        },
    ),
)


def gym_envs(twin: Twin) -> VecEnv:
    """Return the environments that SB3 trains on."""

    def make() -> Any:
        if not twin.gym_id:
            return Monitor(GymEnv(WORLDS[twin.env](1, 1)))
        env: gymnasium.Env[Any, Any] = gymnasium.make(twin.gym_id)
        if isinstance(env.action_space, gymnasium.spaces.Box):
            # The laboratory's actions are in [-1, 1].
            env = gymnasium.wrappers.RescaleAction(env, np.float32(-1.0), np.float32(1.0))
        return Monitor(env)

    envs: VecEnv = DummyVecEnv([make] * twin.shapes.n_envs)
    settings = twin.settings
    if settings.get("normalize_observation") or settings.get("normalize_reward"):
        envs = VecNormalize(
            envs,
            norm_obs=bool(settings.get("normalize_observation")),
            norm_reward=bool(settings.get("normalize_reward")),
            gamma=settings.get("gamma", 0.99),
        )
    return envs


def sb3_model(twin: Twin, envs: VecEnv, seed: int) -> PPO:
    """Return SB3's PPO with the recipe."""
    settings = dict(twin.settings)
    policy = {"net_arch": list(twin.shapes.net_arch), "log_std_init": settings.pop("log_std_init", 0.0)}
    if isinstance(envs.action_space, gymnasium.spaces.Discrete):
        del policy["log_std_init"]
    if settings.pop("relu", 0):
        policy["activation_fn"] = torch.nn.ReLU
    for name in ("normalize_observation", "normalize_reward"):
        settings.pop(name, None)
    given: dict[str, Any] = {}
    for name, value in settings.items():
        if not name.endswith("_linear"):
            given[name] = _linear(value) if settings.get(f"{name}_linear") else value
    for name in ("learning_rate", "clip_range"):
        if settings.get(f"{name}_linear") and name not in settings:
            given[name] = _linear({"learning_rate": 3e-4, "clip_range": 0.2}[name])
    given["n_epochs"] = int(given.get("n_epochs", 10))
    kind = "MultiInputPolicy" if isinstance(envs.observation_space, gymnasium.spaces.Dict) else "MlpPolicy"
    shapes = twin.shapes
    return PPO(
        kind,
        envs,
        n_steps=shapes.n_steps,
        batch_size=shapes.batch_size,
        policy_kwargs=policy,
        # SB3 seeds the environments with the seed, the next number and so on: two trainings share none.
        seed=seed * 1000,
        device="cpu",
        **given,
    )


def _linear(start: float) -> Callable[[float], float]:
    return lambda left: start * left


class Points(KVWriter):
    """An output of SB3's logger that keeps what TensorBoard gets."""

    def __init__(self) -> None:
        self._points: dict[str, list[tuple[int, float]]] = {}

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        for tag, value in key_values.items():
            if "tensorboard" not in key_excluded.get(tag, ()) and isinstance(value, (int, float, np.number)):
                self._points.setdefault(tag, []).append((step, float(value)))

    def close(self) -> None:
        """Do nothing: there is nothing open."""

    def curves(self) -> dict[str, Curve]:
        """Return the curves, as reading the event file would."""
        points = {
            tag: (np.array([step for step, _ in some], np.int64), np.array([value for _, value in some]))
            for tag, some in self._points.items()
        }
        return dict(run_of("", points, {}, 0, failed=False).curves)


def train_with_sb3(twin: Twin, seed: int, *, doctor: bool = True) -> dict[str, Curve]:
    """Train with SB3 and return the curves."""
    envs = gym_envs(twin)
    model = sb3_model(twin, envs, seed)
    points = Points()
    model.set_logger(Logger(None, [points]))
    callback = DoctorCallback(warn=False, budget=float("inf"), last_line=False) if doctor else None
    model.learn(twin.shapes.total_steps, callback=callback, log_interval=twin.shapes.log_interval)
    envs.close()
    return points.curves()
