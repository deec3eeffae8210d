"""What is not an environment that PPO can train on, and how each kind becomes one."""

from __future__ import annotations

from typing import Any

# Module and class of a base to what it is and the cure; looked up by name, so that no package is imported for it.
_KINDS = {
    ("gymnasium.", "VectorEnv"): (
        "a vector environment, several environments in one",
        "Name the single environment; training makes n_envs of them.",
    ),
    ("gymnasium.", "FuncEnv"): (
        "a functional environment without reset and step",
        "Name a function that returns it in gymnasium.envs.functional_jax_env.FunctionalJaxEnv.",
    ),
    ("pettingzoo.", "AECEnv"): (
        "a PettingZoo environment of several agents; PPO trains one",
        "Wrap it so that one agent acts and the others follow a fixed policy, and name that class.",
    ),
    ("pettingzoo.", "ParallelEnv"): (
        "a PettingZoo environment of several agents; PPO trains one",
        "Wrap it so that one agent acts and the others follow a fixed policy, and name that class.",
    ),
    ("dm_env", "Environment"): (
        "an environment of dm_control",
        "Install shimmy and name it dm_control/DOMAIN-TASK-v0, or wrap it in shimmy's DmControlCompatibilityV0.",
    ),
    ("stable_baselines3.", "VecEnv"): (
        "a vec env of Stable-Baselines3, several environments in one",
        "Name the single environment; training makes n_envs of them.",
    ),
    ("gym.", "Env"): (
        "an environment of the old package gym",
        "Import gymnasium instead of gym and follow its reset and step, or wrap it in shimmy's GymV26CompatibilityV0.",
    ),
    ("ray.", "MultiAgentEnv"): ("an environment of several agents; PPO trains one", "Name one with a single agent."),
}


def foreign_kind(kind: type[Any]) -> tuple[str, str] | None:
    """Return what a class is that is no ``gymnasium.Env``, and the cure.

    Returns:
        Two texts; ``None`` for a class of none of the known kinds.
    """
    for base in kind.__mro__:
        for (module, name), words in _KINDS.items():
            if base.__name__ == name and f"{base.__module__}.".startswith(module):
                return words
    return None
