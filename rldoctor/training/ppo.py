"""From a recipe to a Stable-Baselines3 PPO, and from a saved policy back, without unpickling anything."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv

from rldoctor.errors import UsageError
from rldoctor.model import Json
from rldoctor.recipe import Recipe
from rldoctor.run_directory import CHECKPOINTS, replacing
from rldoctor.sb3.ppo_arguments import policy_class, ppo_arguments
from rldoctor.sb3.tensors import read_member, read_tensors, reading

STATE_MEMBER = "rldoctor.json"
TENSORS_MEMBER = "rldoctor.pth"


def build(recipe: Recipe, envs: VecEnv, seed: int | None) -> PPO:
    """Build an untrained PPO on the CPU, where a small network is fastest.

    Raises:
        UsageError: PPO cannot train on this environment's spaces with these settings.
    """
    arguments = ppo_arguments(recipe)
    try:
        # The initial weights come from a QR decomposition, whose rounding depends on the number of threads.
        with one_thread():
            return PPO(policy_class(envs.observation_space), envs, seed=seed, device="cpu", verbose=0, **arguments)
    except (AssertionError, NotImplementedError, ValueError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise UsageError(
            f"PPO cannot be built for {recipe.env} with these settings: {first}.",
            f"Run rldoctor preflight --env {recipe.env}.",
        ) from error


def is_finite(model: PPO) -> bool:
    """Return whether every weight is finite: one that is not spoils all later updates."""
    return all(bool(torch.isfinite(weight).all()) for weight in model.policy.parameters())


def save(model: PPO, path: Path, state: Mapping[str, Json], tensors: Mapping[str, torch.Tensor] | None = None) -> None:
    """Write the policy, its optimizer, ``state`` and ``tensors`` to ``path`` in one atomic step.

    The file is an ordinary SB3 archive (``PPO.load`` reads it) with two more members, ``rldoctor.json`` and
    ``rldoctor.pth``.
    """
    with replacing(path) as temporary:
        with temporary.open("wb") as file:
            model.save(file)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(STATE_MEMBER, json.dumps(state, allow_nan=False))
            if tensors:
                written = io.BytesIO()
                torch.save(dict(tensors), written)
                archive.writestr(TENSORS_MEMBER, written.getvalue())


def load_weights(model: PPO, path: Path) -> dict[str, Json]:
    """Load policy and optimizer from ``path`` into ``model`` and return the state saved with them.

    Only tensors are read (``weights_only``); the pickled settings of the SB3 archive are not.

    Raises:
        CannotJudge: The file is missing, damaged, or was made for other shapes.
    """
    with _reading(path) as archive:
        model.policy.load_state_dict(read_tensors(archive, "policy.pth"))
        model.policy.optimizer.load_state_dict(read_tensors(archive, "policy.optimizer.pth"))
        state = json.loads(read_member(archive, STATE_MEMBER)) if STATE_MEMBER in archive.namelist() else {}
        if not isinstance(state, dict):
            raise ValueError(f"{STATE_MEMBER} is not a JSON object.")
        return state


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors that were passed to :func:`save`; none for an archive of an earlier version.

    Raises:
        CannotJudge: The file is missing or damaged.
    """
    with _reading(path) as archive:
        found = read_tensors(archive, TENSORS_MEMBER) if TENSORS_MEMBER in archive.namelist() else {}
        if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
            raise ValueError(f"{TENSORS_MEMBER} does not hold tensors by name.")
        return found


def _reading(path: Path) -> AbstractContextManager[zipfile.ZipFile]:
    cure = "Remove it to resume from the one before it." if path.parent.name == CHECKPOINTS else ""
    return reading(path, cure)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch use one thread: with networks of this size more threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
