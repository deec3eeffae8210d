"""From what a user names to something that trains on a probe, and from what it returns to a policy and a value."""

from __future__ import annotations

import importlib
import inspect
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from rldoctor.environments import naming
from rldoctor.environments.naming import EnvName
from rldoctor.errors import MissingExtra, UsageError, near

Train: TypeAlias = Callable[..., Any]
MakeEnv: TypeAlias = Callable[[], Any]
FORMS = "Name it as path/to/file.py:function, module:function or sb3:PPO."
_RETURNS = (
    "Return a function that maps an observation to an action, a pair of that and a function that maps an observation "
    "to its value, a torch.nn.Module, or a model of Stable-Baselines3."
)
_TAKES = "Its parameters are env (or make_env and num_envs), steps and seed, and gamma if it can be set."
# Names of parameters, and what they stand for.
_ROLES = {name: name for name in ("env", "make_env", "num_envs", "steps", "seed", "gamma")}
_ROLES |= {"environment": "env", "n_envs": "num_envs"}
_ROLES |= dict.fromkeys(("budget", "total_timesteps", "total_steps", "timesteps", "max_steps"), "steps")


@dataclass(frozen=True)
class Solution:
    """What a training gave.

    Attributes:
        policy: Maps an observation to an action.
        value: Maps an observation to its value; ``None`` where the algorithm returns none.
    """

    policy: Callable[[Any], Any]
    value: Callable[[Any], float] | None = None


@dataclass(frozen=True)
class Trainer:
    """A function that trains, called by the parameters that it has.

    Attributes:
        train: The function.
        roles: The names of its parameters that rldoctor fills, and what they stand for.
    """

    train: Train
    roles: Mapping[str, str]

    @property
    def parallel(self) -> bool:
        """Whether it can be given several environments."""
        return "num_envs" in self.roles.values()

    @property
    def takes_gamma(self) -> bool:
        """Whether the discount factor can be set."""
        return "gamma" in self.roles.values()

    def __call__(self, make_env: MakeEnv, num_envs: int, steps: int, seed: int, gamma: float) -> Solution:
        """Train, and return the policy.

        Raises:
            UsageError: What it returns is no policy.
        """
        given: dict[str, Any] = {"make_env": make_env, "num_envs": num_envs, "steps": steps, "seed": seed}
        given |= {"gamma": gamma} if self.takes_gamma else {}
        if "env" in self.roles.values():
            given["env"] = make_env()
        returned = self.train(**{name: given[role] for name, role in self.roles.items()})
        if hasattr(returned, "learn") and getattr(returned, "num_timesteps", None) == 0:
            # A factory of models leaves the training to us.
            returned.learn(steps)
        return solution_of(returned)


def find(name: str) -> Trainer:
    """Return what trains under the name ``name``: ``file.py:function``, ``module:function`` or ``sb3:PPO``.

    Raises:
        UsageError: There is none, or importing it raised.
        MissingExtra: Stable-Baselines3 is not installed.
    """
    if name.startswith("sb3:"):
        return trainer_of(_sb3(name.removeprefix("sb3:")))
    source, colon, item = name.strip().rpartition(":")
    if not colon or not source or not item:
        raise UsageError(f"{name!r} names no function.", FORMS)
    module = naming.load(EnvName(source, item))
    try:
        target = operator.attrgetter(item)(module)
    except AttributeError:
        defined = naming.candidates(module)
        cure = near(item, defined) if defined else "It defines no function."
        raise UsageError(f"There is no {item} in {source}.", cure) from None
    return trainer_of(target)


def trainer_of(train: Train) -> Trainer:
    """Return a function as a trainer.

    Raises:
        UsageError: It is no function, or its parameters are others.
    """
    shown = getattr(train, "__name__", repr(train))
    if not callable(train):
        raise UsageError(f"{shown} is a {type(train).__name__}, not a function.", FORMS)
    try:
        parameters = list(inspect.signature(train).parameters.values())
    except (TypeError, ValueError):
        raise UsageError(f"The parameters of {shown} cannot be read.", _TAKES) from None
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    roles = {p.name: _ROLES[p.name] for p in parameters if p.name in _ROLES}
    strange = [p.name for p in needed if p.name not in _ROLES]
    if strange and len(needed) == 3 and all(p.kind is p.POSITIONAL_OR_KEYWORD for p in needed):
        # Whatever they are called: an environment, a budget and a seed.
        roles, strange = dict(zip((p.name for p in needed), ("env", "steps", "seed"), strict=True)), []
    if any(p.kind is p.POSITIONAL_ONLY for p in needed):
        raise UsageError(f"{shown} has parameters without names.", _TAKES)
    if strange:
        raise UsageError(f"{shown} has the parameter {strange[0]!r}, which rldoctor cannot fill.", _TAKES)
    found = set(roles.values())
    if "steps" not in found or not {"env", "make_env"} & found:
        missing = "steps" if "steps" not in found else "env"
        raise UsageError(f"{shown} has no parameter {missing!r}.", _TAKES)
    return Trainer(train, roles)


def solution_of(returned: Any) -> Solution:
    """Return what a training returned as a policy and a value.

    Raises:
        UsageError: It is neither.
    """
    if isinstance(returned, Solution):
        return returned
    if isinstance(returned, tuple) and len(returned) == 2:
        policy, value = returned
        if not callable(value) and value is not None:
            raise UsageError(
                f"The training returned a value of type {type(value).__name__} as its value function.", _RETURNS
            )
        return Solution(solution_of(policy).policy, value)
    if hasattr(returned, "predict") and hasattr(returned, "policy"):
        return Solution(lambda obs: returned.predict(obs, deterministic=True)[0], _sb3_value(returned))
    if hasattr(returned, "state_dict") and hasattr(returned, "parameters"):
        return _module(returned)
    if not callable(returned):
        raise UsageError(f"The training returned a value of type {type(returned).__name__}, not a policy.", _RETURNS)
    return Solution(returned)


def _module(module: Any) -> Solution:
    """Return a torch module: its output, or the first of two, is logits or an action, the second the value."""
    import torch

    def output(obs: Any) -> tuple[Any, Any]:
        with torch.no_grad():
            found = module(torch.as_tensor(np.asarray(obs), dtype=torch.float32)[None])
        return found if isinstance(found, tuple) else (found, None)

    def policy(obs: Any) -> Any:
        numbers = output(obs)[0].reshape(-1).numpy()
        return int(numbers.argmax()) if len(numbers) > 1 else numbers

    value = output(np.zeros(_inputs(module), np.float32))[1] is not None
    return Solution(policy, (lambda obs: float(output(obs)[1].reshape(-1)[0])) if value else None)


def _inputs(module: Any) -> int:
    return next((int(layer.in_features) for layer in module.modules() if hasattr(layer, "in_features")), 1)


def _sb3(name: str) -> Train:
    """Return a function that trains with an algorithm of Stable-Baselines3, its settings those of short trainings."""
    try:
        library = importlib.import_module("stable_baselines3")
    except ImportError:
        raise MissingExtra("rldoctor probe", "stable_baselines3") from None
    known = [word for word in library.__all__ if hasattr(getattr(library, word), "learn")]
    if name not in known:
        raise UsageError(f"Stable-Baselines3 has no algorithm {name!r}.", near(name, known))
    algorithm = getattr(library, name)

    def train(make_env: MakeEnv, num_envs: int, steps: int, seed: int, gamma: float) -> Any:
        from stable_baselines3.common.vec_env import DummyVecEnv

        from rldoctor.sb3.without_logs import without_logs

        settings: dict[str, Any] = {"policy_kwargs": {"net_arch": [32]}, "learning_rate": 3e-3}
        if name in ("PPO", "A2C"):
            settings |= {"n_steps": (128 if name == "PPO" else 8) // num_envs}
            settings |= {"batch_size": 32, "n_epochs": 4} if name == "PPO" else {}
        else:
            settings |= {"learning_starts": 100, "batch_size": 64, "train_freq": 2, "buffer_size": 5000}
            settings |= {"exploration_fraction": 0.4, "target_update_interval": 50} if name == "DQN" else {"tau": 0.02}
        envs = DummyVecEnv([make_env] * num_envs)
        model = algorithm("MlpPolicy", envs, seed=seed, gamma=gamma, device="cpu", **settings)
        without_logs(model)
        return model.learn(steps)

    return train


def _sb3_value(model: Any) -> Callable[[Any], float] | None:
    """Return the value function of a model of Stable-Baselines3."""
    import torch

    def value(obs: Any) -> float:
        with torch.no_grad():
            seen = model.policy.obs_to_tensor(np.asarray(obs)[None])[0]
            if hasattr(model.policy, "predict_values"):
                return float(model.policy.predict_values(seen))
            if hasattr(model, "q_net"):
                return float(model.q_net(seen).max())
            action = model.actor(seen, deterministic=True)
            return float(torch.cat(model.critic(seen, action)).min())

    return value
