"""The last steps before a NaN (``before-nan.npz``, which ``DoctorCallback`` writes), looked at and played again."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldoctor.environments import registry
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model import Json

Array = NDArray[Any]
# The first part of the recorded steps gives each quantity its range; and how many times that range is outside. Ours.
_USUAL, _OUTSIDE = 0.5, 10.0
# Quantities that are listed.
_MOST = 8


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a quantity left its range.

    Attributes:
        quantity: ``reward``, ``action[1]``, ``observation[2]`` or ``observation/KEY[0]``.
        step: The training's step; in a replay that of the action which led to it.
        value: What it was there.
        low: The lowest value before.
        high: The highest value before.
        broken_at: Where it was not finite for the first time; ``None`` where it is finite.
    """

    quantity: str
    step: int
    value: float
    low: float
    high: float
    broken_at: int | None


@dataclass(frozen=True, slots=True)
class Replay:
    """What the recorded steps show, and what came of playing their actions again.

    Attributes:
        environment: Which of the training's environments: the first one that met a value that is not finite.
        first_step: The first recorded step.
        last_step: The last one.
        recorded: What left its range in the recording, the first one first.
        played: The same of the steps played again.
        error: What the environment raised when it was played; empty for nothing.
        count: Steps that were played.
    """

    environment: int
    first_step: int
    last_step: int
    recorded: tuple[Departure, ...]
    played: tuple[Departure, ...]
    error: str
    count: int

    @property
    def reproduced(self) -> bool:
        """Whether the environment raised, or gave a value that is not finite, when played again."""
        return bool(self.error) or any(found.broken_at is not None for found in self.played)

    def to_json(self) -> dict[str, Json]:
        """Return all of it as JSON; a value that is not finite is a string."""
        return {
            "environment": self.environment,
            "steps": [self.first_step, self.last_step],
            "recorded": [_json(found) for found in self.recorded],
            "played": [_json(found) for found in self.played],
            "played_steps": self.count,
            "error": self.error,
            "reproduced": self.reproduced,
        }


def _json(found: Departure) -> dict[str, Json]:
    value: Json = found.value if np.isfinite(found.value) else str(found.value)
    return {
        "quantity": found.quantity,
        "step": found.step,
        "value": value,
        "range": [found.low, found.high],
        "not_finite_at": found.broken_at,
    }


def read(path: Path) -> dict[str, Array]:
    """Return the arrays of ``before-nan.npz``.

    Raises:
        UsageError: There is no such file.
        CannotJudge: It is not one of these files, or is damaged.
    """
    if path.is_dir():
        path = path / "before-nan.npz"
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", "DoctorCallback writes before-nan.npz beside the logs.")
    cure = "Give the before-nan.npz that DoctorCallback wrote."
    try:
        # An archive that is cut off leaves numpy's own handle open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            kept = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise CannotJudge(f"{path} cannot be read as an .npz file.", cure) from error
    lacking = {"steps", "actions", "rewards"} - set(kept)
    length = len(kept["steps"]) if not lacking and kept["steps"].ndim == 1 else 0
    wrong = [name for name, array in kept.items() if name != "steps" and (array.ndim < 2 or len(array) != length)]
    if lacking or wrong or not length:
        raise CannotJudge(f"{path} does not hold the steps, actions and rewards of a training.", cure)
    return kept


def replay(path: Path, env: str, environment: int | None = None, seed: int = 0, **arguments: Any) -> Replay:
    """Look at the recorded steps, and play their actions again on a new environment.

    Args:
        path: ``before-nan.npz``, or the folder that holds it.
        env: The environment's name (:func:`rldoctor.environments.registry.resolve`).
        environment: Which of the training's environments; by default the one that met the value that is not finite.
        seed: Of the reset before the first action: the recording does not hold the state that it was taken in.
        arguments: For the environment's constructor.

    Raises:
        UsageError: There is no such file, environment or number of an environment, or the actions do not fit.
        CannotJudge: The file is damaged.
    """
    kept = read(path)
    number = kept["rewards"].shape[1]
    if environment is not None and not 0 <= environment < number:
        raise UsageError(f"The recording has no environment {environment}.", f"Give one of 0 to {number - 1}.")
    which = _broken(kept) if environment is None else environment
    steps = kept["steps"].astype(np.int64)
    columns = {name: array[:, which] for name, array in kept.items() if name != "steps"}
    recorded = departures(steps, dict(_quantities(columns)))
    played, error = _play(env, columns["actions"], seed, arguments)
    count = int(played["rewards"].shape[0])
    again = departures(steps[:count], dict(_quantities(played))) if count else ()
    return Replay(which, int(steps[0]), int(steps[-1]), recorded, again, error, count)


def _broken(kept: Mapping[str, Array]) -> int:
    """Return the environment with the first value that is not finite; 0 where there is none."""
    first = np.full(kept["rewards"].shape[1], len(kept["steps"]))
    for name, array in kept.items():
        if name == "steps" or array.dtype.kind not in "fc":
            continue
        bad = ~np.isfinite(array.reshape(*array.shape[:2], -1)).all(-1)
        first = np.minimum(first, np.where(bad.any(0), bad.argmax(0), len(array)))
    return int(first.argmin())


def _quantities(columns: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Yield each number that is recorded with its values, shape ``(steps,)``: a quantity has a range of its own."""
    for name, array in columns.items():
        # An observation becomes what the policy sees first; then come what it does and what it gets.
        title = {"actions": "action", "rewards": "reward"}.get(name, name.replace("observations", "observation", 1))
        flat = array.reshape(len(array), -1).astype(np.float64)
        for place in range(flat.shape[1]):
            yield (title if array.ndim == 1 else f"{title}[{place}]"), flat[:, place]


def departures(steps: NDArray[np.int64], quantities: Mapping[str, Array]) -> tuple[Departure, ...]:
    """Return which quantities left their range, and where, the first one first.

    The range of a quantity is that of the first half of its steps; it is left by ten times its width, or by a value
    that is not finite.
    """
    found = []
    usual = max(1, int(_USUAL * len(steps)))
    for name, values in quantities.items():
        before = values[:usual][np.isfinite(values[:usual])]
        low, high = (float(before.min()), float(before.max())) if len(before) else (0.0, 0.0)
        room = _OUTSIDE * max(high - low, 0.1 * max(abs(low), abs(high)), 1e-6)
        with np.errstate(invalid="ignore"):
            outside = ~np.isfinite(values) | (values > high + room) | (values < low - room)
        if outside.any():
            at, bad = int(outside.argmax()), ~np.isfinite(values)
            broken_at = int(steps[bad.argmax()]) if bad.any() else None
            found.append(Departure(name, int(steps[at]), float(values[at]), low, high, broken_at))
    return tuple(sorted(found, key=lambda one: (one.step, one.quantity.startswith("reward"), one.quantity)))


def _play(env: str, actions: Array, seed: int, arguments: dict[str, Any]) -> tuple[dict[str, Array], str]:
    """Return what came of the actions, and what the environment raised."""
    made = registry.make(env, disable_env_checker=True, **arguments)
    seen: dict[str, list[Array]] = {}
    rewards: list[float] = []
    error = ""
    try:
        if actions[0].shape != made.action_space.shape:
            raise UsageError(
                f"The recorded actions have the shape {actions[0].shape}, those of {env} {made.action_space.shape}.",
                "Name the environment of the training.",
            )
        ended = cut = True
        for number, action in enumerate(actions):
            try:
                if ended or cut:
                    made.reset(seed=None if number else seed)
                observation, reward, ended, cut, _ = made.step(_fitting(action, made.action_space))
            except Exception as raised:  # A user's environment may raise anything.
                error = f"{type(raised).__name__}: {raised}"
                break
            rewards.append(float(np.asarray(reward)))
            for key, value in observation.items() if isinstance(observation, Mapping) else [("", observation)]:
                seen.setdefault(f"observations/{key}" if key else "observations", []).append(np.array(value, float))
    finally:
        made.close()
    played = {"rewards": np.array(rewards), "actions": actions[: len(rewards)]}
    return {**played, **{name: np.stack(values) for name, values in seen.items()}}, error


def _fitting(action: Array, space: Any) -> Any:
    return int(action) if space.shape == () else action.astype(space.dtype).reshape(space.shape)


def shown(found: tuple[Departure, ...]) -> Iterator[str]:
    """Yield a line for each of the first departures."""
    for one in found[:_MOST]:
        later = f", not finite from step {one.broken_at:,} on" if one.broken_at not in (None, one.step) else ""
        yield f"step {one.step:,}: {one.quantity} is {one.value:.3g} (before: {one.low:.3g} to {one.high:.3g}){later}"
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST} more"
