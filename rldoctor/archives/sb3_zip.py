"""The archive that Stable-Baselines3's ``model.save`` writes: its settings as plain values, and its members.

The member ``data`` is JSON; what JSON cannot hold is in it as a pickle, which is parsed and never executed
(:mod:`rldoctor.archives.pickled`). Neither PyTorch nor Stable-Baselines3 is needed here.
"""

from __future__ import annotations

import base64
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rldoctor.archives.pickled import Global, Part, PickleRefused, array_of, read_pickle
from rldoctor.errors import CannotJudge
from rldoctor.model import Json
from rldoctor.model.settings import WINDOW_SETTING

_PICKLED = ":serialized:"
# Settings take some 30 kB; the last observations of picture environments some megabytes.
_MAX_BYTES = 64 * 2**20
_VERSION_MEMBER = "_stable_baselines3_version"
# Entries that say how far a training has come, not how it was set up. Those that begin with "_" do so as well.
_STATE = frozenset(
    {
        "verbose",
        "num_timesteps",
        "start_time",
        "tensorboard_log",
        "ep_info_buffer",
        "ep_success_buffer",
        "observation_space",
        "action_space",
        "policy_class",
        "lr_schedule",
        "exploration_rate",
        "exploration_schedule",
        "batch_norm_stats",
        "batch_norm_stats_target",
        "rollout_buffer_class",
        "replay_buffer_class",
        "device",
        "env",
        "logger",
        "eval_env",
    }
)
# An entry that only this algorithm has; tried in this order.
_ALGORITHMS = (
    ("cg_max_steps", "trpo"),
    ("top_quantiles_to_drop_per_net", "tqc"),
    ("delta_std", "ars"),
    ("target_policy_noise", "td3"),
    ("exploration_fraction", "dqn"),
    ("target_entropy", "sac"),
    ("n_epochs", "ppo"),
    ("normalize_advantage", "a2c"),
)
# Where the policy's class tells more than the entries: part of its module, or its name.
_BY_POLICY = {"recurrent": "recurrent_ppo", "maskable": "maskable_ppo", "qrdqn": "qrdqn", "crossq": "crossq"}


_USUAL_WINDOW = 100
# Those that stable_baselines3/common/off_policy_algorithm.py chooses by itself; hindsight replay is in another module.
_USUAL_BUFFERS = "stable_baselines3.common.buffers."


@dataclass(frozen=True)
class Sb3Zip:
    """A saved model of Stable-Baselines3 or sb3-contrib, as far as it can be read without executing anything.

    Attributes:
        path: The file.
        entries: The member ``data``, as it is.
        version: Of Stable-Baselines3, that saved it; empty where it does not say.
        members: Names of the archive's members.
    """

    path: Path
    entries: Mapping[str, Any]
    version: str
    members: tuple[str, ...]

    def value(self, name: str) -> Any:
        """Return an entry: a plain value, or the tree of its pickle; ``None`` where it is missing.

        Raises:
            CannotJudge: Its pickle cannot be read.
        """
        entry = self.entries.get(name)
        if not (isinstance(entry, Mapping) and _PICKLED in entry):
            return entry
        try:
            return read_pickle(base64.b64decode(str(entry[_PICKLED]), validate=True))
        except (ValueError, PickleRefused) as error:
            raise CannotJudge(f"{self.path} cannot be read: its entry {name} is no plain pickle: {error}.") from None

    @property
    def policy_class(self) -> str:
        """Dotted name of the policy's class; empty where it was defined in the training script itself."""
        found = self.value("policy_class")
        return str(found) if isinstance(found, Global) else ""

    @property
    def algorithm(self) -> str:
        """Which algorithm saved it, such as ``ppo``; empty where that cannot be told from the entries."""
        policy = self.policy_class.lower().replace("_", "")
        by_policy = (algorithm for word, algorithm in _BY_POLICY.items() if word.replace("_", "") in policy)
        by_entry = (algorithm for entry, algorithm in _ALGORITHMS if entry in self.entries)
        return next(by_policy, next(by_entry, ""))

    def settings(self) -> dict[str, Json]:
        """Return the hyperparameters by Stable-Baselines3's names.

        A constant schedule is its number, a linear one ``{"schedule": "linear", "start", "end", "end_fraction"}``, any
        other function ``{"schedule": "function"}``; a class is its dotted name, and an object
        ``{"object": dotted name}``. Over how many episodes the logger takes means is there where it is not 100, and the
        class of the replay buffer where it is not SB3's own choice. SAC's ``target_entropy`` is ``auto`` where it is
        what that stands for.
        """
        names = [name for name in self.entries if not name.startswith("_") and name not in _STATE]
        window = self.entries.get(f"_{WINDOW_SETTING}")
        unusual: dict[str, Json] = {}
        if type(window) is int and window not in (0, _USUAL_WINDOW):
            unusual[WINDOW_SETTING] = window
        buffer = self._setting("replay_buffer_class") if "replay_buffer_class" in self.entries else None
        if isinstance(buffer, str) and not buffer.startswith(_USUAL_BUFFERS):
            unusual["replay_buffer_class"] = buffer
        found = {**{name: self._setting(name) for name in names}, **unusual}
        if self._dimensions and found.get("target_entropy") == -self._dimensions:
            found["target_entropy"] = "auto"
        return found

    @property
    def _dimensions(self) -> int:
        """Numbers of an action in a box; 0 where it is none, or is not known."""
        space = self.entries.get("action_space")
        shape = space.get("_shape") if isinstance(space, Mapping) else None
        sides = shape if isinstance(shape, list) and all(type(side) is int for side in shape) else []
        return math.prod(sides) if sides else 0

    def _setting(self, name: str) -> Json:
        try:
            return _plain(self.value(name))
        except CannotJudge:
            # Of one entry that cannot be read the others are none the worse.
            return {"object": str(self.entries[name].get(":type:", ""))}

    @property
    def steps(self) -> int | None:
        """Environment steps that the model was trained for; ``None`` where it does not say."""
        steps = self.entries.get("num_timesteps")
        return steps if type(steps) is int and steps >= 0 else None


def read_sb3_zip(path: Path) -> Sb3Zip:
    """Read a model that ``model.save`` of Stable-Baselines3 or sb3-contrib wrote.

    Raises:
        CannotJudge: There is no such file, it is damaged, or it is no archive of Stable-Baselines3.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = tuple(archive.namelist())
            if "data" not in members:
                raise CannotJudge(
                    f"{path} is a zip archive, but not one of Stable-Baselines3's model.save: it has no member 'data'.",
                    "Save the model with model.save(file).",
                )
            size = archive.getinfo("data").file_size
            if size > _MAX_BYTES:
                raise CannotJudge(f"{path} is not read: its settings claim {size:,} bytes.")
            entries = json.loads(archive.read("data"))
            version = archive.read(_VERSION_MEMBER)[:40].decode(errors="replace") if _VERSION_MEMBER in members else ""
    except CannotJudge:
        raise
    except FileNotFoundError:
        raise CannotJudge(f"There is no model {path}.", "Name the file that model.save(file) wrote.") from None
    except OSError as error:
        raise CannotJudge(f"The model {path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except Exception:
        # Of zipfile, zlib and json, each of which raises errors of its own.
        raise CannotJudge(
            f"{path} is not a model of Stable-Baselines3: it is no zip archive, or a damaged one.",
            "Name the file that model.save(file) wrote.",
        ) from None
    if not isinstance(entries, dict):
        raise CannotJudge(f"{path} is damaged: its settings are no table.")
    return Sb3Zip(path, entries, version.strip(), members)


_DEEPEST = 12
# Of stable_baselines3/common/noise.py, which keep their standard deviations, one an action.
_NOISE = ("NormalActionNoise", "OrnsteinUhlenbeckActionNoise")


def _plain(value: Any, depth: int = 0) -> Json:
    """Return a value or tree as JSON, see :meth:`Sb3Zip.settings`."""
    if depth > _DEEPEST:
        return "..."
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Global):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth + 1) for item in value]
    return _plain_part(value, depth) if isinstance(value, Part) else str(type(value).__name__)


def _plain_part(part: Part, depth: int) -> Json:
    kind = part.name.rpartition(".")[2]
    attributes = part.attributes
    if kind == "FloatSchedule":
        return _plain(attributes.get("value_schedule"), depth + 1)
    if kind == "ConstantSchedule":
        return _plain(attributes.get("val"), depth + 1)
    if kind == "LinearSchedule":
        return {"schedule": "linear", **{key: _plain(attributes.get(key)) for key in ("start", "end", "end_fraction")}}
    if kind == "_make_function":
        return _plain_function(part, depth)
    if kind == "TrainFreq":
        # A number and an enumeration: TrainFrequencyUnit("step").
        return [_plain(item.args[0] if isinstance(item, Part) and item.args else item) for item in part.args]
    if kind in _NOISE:
        return {"object": part.name, "std": _largest(_plain(attributes.get("_sigma"), depth + 1))}
    if kind == "OrderedDict":
        return _plain(dict(part.items), depth + 1)
    try:
        values: Json = array_of(part).tolist()
    except PickleRefused:
        return {"object": part.name}
    return values


def _largest(values: Json) -> Json:
    """Return the largest of some numbers; ``None`` where they are none."""
    numbers = [value for value in values if isinstance(value, (int, float))] if isinstance(values, list) else []
    return max(numbers) if numbers else None


def _plain_function(part: Part, depth: int) -> Json:
    """Return a function that cloudpickle wrote by value: before version 2.6 SB3's schedules were such functions."""
    slots = part.state[1] if isinstance(part.state, tuple) and len(part.state) == 2 else {}
    slots = slots if isinstance(slots, dict) else {}
    cells = [cell.args[0] for cell in slots.get("__closure__") or () if isinstance(cell, Part) and cell.args]
    match str(slots.get("__qualname__")), cells:
        case ("constant_fn.<locals>.func", [value]):
            return _plain(value, depth + 1)
        case ("get_schedule_fn.<locals>.<lambda>", [inner]):
            return _plain(inner, depth + 1)
        # Cells are in alphabetical order.
        case ("get_linear_fn.<locals>.func", [end, end_fraction, start]):
            values = {"start": _plain(start), "end": _plain(end), "end_fraction": _plain(end_fraction)}
            return {"schedule": "linear", **values}
    return {"schedule": "function"}
