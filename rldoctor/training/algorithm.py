"""From a recipe to an algorithm of Stable-Baselines3, and from a saved one back, without unpickling anything."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.save_util import recursive_getattr
from stable_baselines3.common.vec_env import VecEnv

from rldoctor.errors import UsageError
from rldoctor.model import Json
from rldoctor.recipe import Recipe
from rldoctor.run_directory import CHECKPOINTS, replacing
from rldoctor.sb3.arguments import algorithm_arguments, algorithm_class, policy_class
from rldoctor.sb3.tensors import read_member, read_tensors, reading

STATE_MEMBER = "rldoctor.json"
TENSORS_MEMBER = "rldoctor.pth"


# SB3's name of the tensors outside networks and optimizers, such as the temperature of SAC.
_VARIABLES = "pytorch_variables"


def build(recipe: Recipe, envs: VecEnv, seed: int | None) -> BaseAlgorithm:
    """Build the recipe's algorithm, untrained, on the CPU, where a small network is fastest.

    Raises:
        UsageError: It cannot train on this environment's spaces with these settings.
    """
    arguments = algorithm_arguments(recipe, envs.action_space)
    try:
        # The initial weights come from a QR decomposition, whose rounding depends on the number of threads.
        with one_thread():
            make = algorithm_class(recipe.algorithm)
            return make(policy_class(envs.observation_space), envs, seed=seed, device="cpu", verbose=0, **arguments)
    except (AssertionError, MemoryError, NotImplementedError, ValueError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise UsageError(
            f"{recipe.algorithm.upper()} cannot be built for {recipe.env} with these settings: {first}.",
            f"Run rldoctor preflight --env {recipe.env}.",
        ) from error


def is_finite(model: BaseAlgorithm) -> bool:
    """Return whether every weight is finite: one that is not spoils all later updates."""
    return all(bool(torch.isfinite(weight).all()) for weight in model.policy.parameters())


def save(
    model: BaseAlgorithm, path: Path, state: Mapping[str, Json], tensors: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Write the networks, their optimizers, ``state`` and ``tensors`` to ``path`` in one atomic step.

    The file is an ordinary SB3 archive (``PPO.load`` reads one of PPO) with two more members, ``rldoctor.json`` and
    ``rldoctor.pth``.
    """
    with replacing(path) as temporary:
        with temporary.open("wb") as file:
            # Where rldoctor.sb3.fast_update has put a function in place of SB3's method.
            model.save(file, exclude=["train"])
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(STATE_MEMBER, json.dumps(state, allow_nan=False))
            if tensors:
                written = io.BytesIO()
                torch.save(dict(tensors), written)
                archive.writestr(TENSORS_MEMBER, written.getvalue())


def load_weights(model: BaseAlgorithm, path: Path) -> dict[str, Json]:
    """Load networks and optimizers from ``path`` into ``model`` and return the state saved with them.

    Only tensors are read (``weights_only``); the pickled settings of the SB3 archive are not.

    Raises:
        CannotJudge: The file is missing, damaged, or was made for other shapes.
    """
    parts, variables = model._get_torch_save_params()
    with _reading(path) as archive:
        for part in parts:
            recursive_getattr(model, part).load_state_dict(read_tensors(archive, f"{part}.pth"))
        saved = read_tensors(archive, f"{_VARIABLES}.pth") if variables else {}
        with torch.no_grad():
            for name in variables:
                _assign(recursive_getattr(model, name), saved[name])
        state = json.loads(read_member(archive, STATE_MEMBER)) if STATE_MEMBER in archive.namelist() else {}
        if not isinstance(state, dict):
            raise ValueError(f"{STATE_MEMBER} is not a JSON object.")
        return state


def _assign(own: torch.Tensor, saved: object) -> None:
    """Give a tensor the values of a saved one.

    Raises:
        ValueError: It has another shape.
    """
    if not isinstance(saved, torch.Tensor) or saved.shape != own.shape:
        raise ValueError("it was made for other shapes")
    own.copy_(saved)


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
