"""From a recipe to a Stable-Baselines3 PPO, and from a saved policy back, without unpickling anything."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv

from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model import Json
from rldoctor.recipe import Recipe
from rldoctor.run_directory import CHECKPOINTS, replacing
from rldoctor.sb3.ppo_arguments import policy_class, ppo_arguments

STATE_MEMBER = "rldoctor.json"
TENSORS_MEMBER = "rldoctor.pth"
# A [64, 64] policy with its optimizer is 0.2 MB. A member that claims more than this is not unpacked.
_MAX_MEMBER_BYTES = 512 * 2**20


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
        model.policy.load_state_dict(_tensors(archive, "policy.pth"))
        model.policy.optimizer.load_state_dict(_tensors(archive, "policy.optimizer.pth"))
        state = json.loads(_member(archive, STATE_MEMBER)) if STATE_MEMBER in archive.namelist() else {}
        if not isinstance(state, dict):
            raise ValueError(f"{STATE_MEMBER} is not a JSON object.")
        return state


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors that were passed to :func:`save`; none for an archive of an earlier version.

    Raises:
        CannotJudge: The file is missing or damaged.
    """
    with _reading(path) as archive:
        found = _tensors(archive, TENSORS_MEMBER) if TENSORS_MEMBER in archive.namelist() else {}
        if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
            raise ValueError(f"{TENSORS_MEMBER} does not hold tensors by name.")
        return found


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive, and report any problem with its content in one sentence.

    Raises:
        CannotJudge: The file is missing, damaged, or was made for other shapes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise CannotJudge(f"There is no policy {path}.", "Train first, or name a run that finished.") from None
    except pickle.UnpicklingError:
        raise CannotJudge(f"The policy {path} holds more than tensors and is not loaded.") from None
    except Exception as error:
        # The file may come from anybody: zip, zlib, torch and json each raise errors of their own.
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        cure = "Remove it to resume from the one before it." if path.parent.name == CHECKPOINTS else ""
        raise CannotJudge(f"The policy {path} cannot be loaded: {first}", cure) from None


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _MAX_MEMBER_BYTES:
        raise ValueError(f"its member {name} claims {archive.getinfo(name).file_size:,} bytes")
    return archive.read(name)


def _tensors(archive: zipfile.ZipFile, name: str) -> Any:
    content = _member(archive, name)
    if content.startswith(b"\x80"):
        raise pickle.UnpicklingError("a pickle by itself, or tensors as PyTorch wrote them before 1.6")
    with zipfile.ZipFile(io.BytesIO(content)) as inner:
        # PyTorch stores its tensors as they are; it would also unpack gigabytes out of some kilobytes.
        if any(member.compress_type != zipfile.ZIP_STORED for member in inner.infolist()):
            raise ValueError(f"its member {name} is compressed, as PyTorch never does")
        if sum(member.file_size for member in inner.infolist()) > len(content):
            raise ValueError(f"its member {name} claims more than it holds")
    with warnings.catch_warnings():
        # torch warns of what it then refuses; the error is enough.
        warnings.simplefilter("ignore")
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch use one thread: with networks of this size more threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
