"""A policy rebuilt from an archive of Stable-Baselines3 or sb3-contrib, without unpickling anything.

The archive names its policy's class and the arguments of its constructor; both are looked up in fixed lists of
Stable-Baselines3's own. The spaces are those of the environment, checked against the archive's, and only tensors are
loaded (``weights_only``).
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium

from rldoctor.archives.pickled import Global, Part
from rldoctor.archives.sb3_zip import Sb3Zip, read_sb3_zip
from rldoctor.errors import CannotJudge, MissingExtra, first_line
from rldoctor.sb3.spaces import as_trained
from rldoctor.sb3.tensors import read_tensors, reading
from rldoctor.sb3.without_dynamo import without_dynamo

_ACTOR_CRITIC = ("ActorCriticPolicy", "ActorCriticCnnPolicy", "MultiInputActorCriticPolicy")
# Module to the policies in it that can be rebuilt.
_POLICIES: Mapping[str, tuple[str, ...]] = {
    "stable_baselines3.common.policies": _ACTOR_CRITIC,
    "stable_baselines3.dqn.policies": ("DQNPolicy", "CnnPolicy", "MultiInputPolicy"),
    "stable_baselines3.sac.policies": ("SACPolicy", "CnnPolicy", "MultiInputPolicy"),
    "stable_baselines3.td3.policies": ("TD3Policy", "CnnPolicy", "MultiInputPolicy"),
    "sb3_contrib.ars.policies": ("ARSPolicy", "ARSLinearPolicy"),
    "sb3_contrib.crossq.policies": ("CrossQPolicy",),
    "sb3_contrib.qrdqn.policies": ("QRDQNPolicy", "CnnPolicy", "MultiInputPolicy"),
    "sb3_contrib.tqc.policies": ("TQCPolicy", "CnnPolicy", "MultiInputPolicy"),
    "sb3_contrib.common.maskable.policies": (
        "MaskableActorCriticPolicy",
        "MaskableActorCriticCnnPolicy",
        "MaskableMultiInputActorCriticPolicy",
    ),
    "sb3_contrib.common.recurrent.policies": (
        "RecurrentActorCriticPolicy",
        "RecurrentActorCriticCnnPolicy",
        "RecurrentMultiInputActorCriticPolicy",
    ),
}
# Module to the classes that arguments of a policy may name.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "torch.nn.modules.activation": (
        *("ReLU", "Tanh", "ELU", "LeakyReLU", "GELU", "SiLU", "Sigmoid", "Mish", "SELU", "CELU", "Softplus"),
        *("ReLU6", "Hardtanh", "Hardswish", "Softsign", "LogSigmoid"),
    ),
    "torch.nn.modules.linear": ("Identity",),
    "stable_baselines3.common.torch_layers": ("FlattenExtractor", "NatureCNN", "CombinedExtractor"),
}
# The optimizer is not needed to play.
_LEFT_OUT = ("optimizer_class", "optimizer_kwargs")
_IN_PYTHON = (
    "Load it yourself and pass it in Python: rldoctor.evaluate(PPO.load(file), env=...), with the class of its "
    "algorithm; rldoctor.audit takes it too."
)


@dataclass(frozen=True)
class SavedPolicy:
    """A policy that can be played.

    Attributes:
        policy: Of Stable-Baselines3, in evaluation mode on the CPU.
        saved: The archive that it is from.
        transform: Turns a batch of the environment's observations into what the policy was trained on.
        is_recurrent: Whether it has a state that lasts over steps.
        is_masked: Whether it takes action masks.
    """

    policy: Any
    saved: Sb3Zip
    transform: Callable[[Any], Any]
    is_recurrent: bool
    is_masked: bool


@without_dynamo()
def load_policy(path: Path, env: gymnasium.Env[Any, Any]) -> SavedPolicy:
    """Rebuild the policy of an archive for an environment.

    Raises:
        CannotJudge: The archive is missing or damaged, was made for other spaces, or its policy holds code of the
            user's own; the message says how to go on.
        MissingExtra: It is of sb3-contrib, which is not installed.
    """
    saved = read_sb3_zip(path)
    kind = _policy_class(saved)
    observation_space, action_space, transform = as_trained(saved, env)
    arguments = _arguments(saved, kind)
    try:
        policy = kind(observation_space, action_space, **arguments)
    except Exception as error:
        raise CannotJudge(
            f"The policy {path} cannot be rebuilt with Stable-Baselines3's {kind.__name__}: "
            f"{type(error).__name__}: {first_line(error)}.",
            _IN_PYTHON,
        ) from None
    how = (
        f"It was saved by Stable-Baselines3 {saved.version or 'of an unknown version'}. Load it with that version and "
        "save it with the one that is installed here, if the two differ."
    )
    with reading(path, how) as archive:
        state = read_tensors(archive, "policy.pth")
        # What torch.compile has wrapped is saved with this prefix.
        policy.load_state_dict({name.replace("_orig_mod.", ""): value for name, value in state.items()})
    policy.set_training_mode(False)
    module = kind.__module__
    return SavedPolicy(policy, saved, transform, ".recurrent." in module, ".maskable." in module)


def _policy_class(saved: Sb3Zip) -> Any:
    """Return the class of the policy, out of the list of those that can be rebuilt."""
    module, _, name = saved.policy_class.rpartition(".")
    if name not in _POLICIES.get(module, ()):
        what = saved.policy_class or "a class that its training script defined"
        raise CannotJudge(
            f"The policy {saved.path} is {what}, not one of Stable-Baselines3's or sb3-contrib's own: its code is not "
            "in the archive, and no code is run that an archive names.",
            _IN_PYTHON,
        )
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        package = module.partition(".")[0]
        raise MissingExtra(f"Playing {saved.path}", package.replace("_", "-"), "train") from None


def _arguments(saved: Sb3Zip, kind: Any) -> dict[str, Any]:
    """Return the arguments of the policy's constructor besides the spaces."""
    stated = saved.value("policy_kwargs")
    given = {
        str(key): _argument(value, saved)
        for key, value in (stated if isinstance(stated, Mapping) else {}).items()
        if key not in _LEFT_OUT
    }
    takes = inspect.signature(kind.__init__).parameters
    if "lr_schedule" in takes:
        given["lr_schedule"] = lambda _progress: 0.0
    if "use_sde" in takes and isinstance(saved.entries.get("use_sde"), bool):
        given.setdefault("use_sde", saved.entries["use_sde"])
    return given


def _argument(value: Any, saved: Sb3Zip) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return type(value)(_argument(item, saved) for item in value)
    if isinstance(value, Mapping):
        return {key: _argument(item, saved) for key, item in value.items()}
    if isinstance(value, Global) and value.name in _PARTS.get(value.module, ()):
        return getattr(importlib.import_module(value.module), value.name)
    if isinstance(value, Part) and value.name == "collections.OrderedDict":
        return {key: _argument(item, saved) for key, item in value.items}
    named = str(value) if isinstance(value, Global) else value.name if isinstance(value, Part) else ""
    raise CannotJudge(
        f"The policy {saved.path} was built with {named or 'an object'}, which is not part of Stable-Baselines3: its "
        "code is not in the archive, and no code is run that an archive names.",
        _IN_PYTHON,
    )
