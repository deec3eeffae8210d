"""A film of the policy at work: a grid of evaluation episodes, the distance to each goal counted down."""

from __future__ import annotations

import ctypes.util
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rldoctor import run_directory
from rldoctor.environments import registry
from rldoctor.environments.rollouts import Env, goal_distance, stack
from rldoctor.errors import MissingExtra, RldoctorError, TrainingFailed, UsageError
from rldoctor.training.evaluate import load_policy

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".gif", ".mp4")
_SIDE = 200
"""Pixels of one episode's picture, wide and high."""
_PER_SECOND = 25
"""FetchReach takes 25 decisions a second of simulated time: the film runs as fast as the robot would."""
_PAUSE = 20
"""Frames that show how it ended."""
_LONGEST = 500
"""Steps of a film: an episode of a thousand steps is told by its first half minute."""
_REACHED, _UNDER_WAY, _MISSED = (0, 158, 115), (255, 255, 255), (213, 94, 0)


def require_renderer(file: Path) -> None:
    """Make sure that a film can be drawn and written to ``file``. To be called before MuJoCo is imported.

    MuJoCo draws without a screen by EGL, else by OSMesa; what ``MUJOCO_GL`` says stands.

    Raises:
        UsageError: The suffix is neither ``.gif`` nor ``.mp4``, the folder is not there, or neither library is
            installed.
        MissingExtra: The extra ``[pictures]`` is not installed.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise UsageError(f"A film cannot be written as {file.suffix or file.name!r}.", f"Use {' or '.join(SUFFIXES)}.")
    run_directory.require_folder_of(file)
    for package in ("imageio", "imageio_ffmpeg", "PIL"):
        if find_spec(package) is None:
            raise MissingExtra("rldoctor evaluate --video", package, "pictures")
    if "MUJOCO_GL" in os.environ or sys.platform != "linux":
        return
    for name, library in (("egl", "EGL"), ("osmesa", "OSMesa")):
        if ctypes.util.find_library(library):
            os.environ["MUJOCO_GL"] = name
            return
    raise UsageError(
        "Nothing is installed that MuJoCo could draw with: neither EGL nor OSMesa.",
        "On Debian or Ubuntu: apt-get install libegl1 libgl1 (or libosmesa6). --picture needs neither.",
    )


def film(directory: Path, file: Path, episodes: int = 9, watcher: Callable[[int, int], None] | None = None) -> None:
    """Play the first evaluation episodes of a run side by side and write them to ``file``.

    Args:
        directory: A run directory with a policy.
        file: ``.gif`` or ``.mp4``.
        episodes: How many, at least 1; seeds 0, 1, ... as in the evaluation.
        watcher: Told the number of frames so far, and how many there will be at most.

    Raises:
        UsageError: The suffix is another one, or nothing can draw here.
        MissingExtra: The extra ``[pictures]`` is not installed.
        CannotJudge: There is no policy, or it cannot be loaded.
        TrainingFailed: The environment cannot be drawn.
    """
    require_renderer(file)
    import imageio.v3 as imageio

    recipe = run_directory.read_run_record(directory).require_recipe(directory)
    model, _, _ = load_policy(recipe, run_directory.find_policy(directory))

    def act(observations: Any) -> Any:
        return model.predict(observations, deterministic=True)[0]

    frames = _frames(lambda: _make(recipe.env), act, episodes, watcher or (lambda done, total: None))
    try:
        with run_directory.replacing(file) as temporary:
            if file.suffix.lower() == ".gif":
                options: dict[str, Any] = {"duration": 1000 // _PER_SECOND, "loop": 0}
            else:
                options = {"fps": _PER_SECOND, "codec": "libx264", "plugin": "FFMPEG", "macro_block_size": 2}
            # ffmpeg tells what to write by the file's name.
            part = temporary.with_name(temporary.name + file.suffix.lower())
            try:
                imageio.imwrite(part, frames, **options)
                part.replace(temporary)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror or error}.", "Name another file.") from None


def _make(env_id: str) -> Env:
    # Environments differ in whether the size of their pictures can be asked for.
    try:
        return registry.make(env_id, render_mode="rgb_array", width=_SIDE, height=_SIDE)
    except registry.EnvironmentBroken:
        return registry.make(env_id, render_mode="rgb_array")


def _frames(
    make_env: Callable[[], Env], act: Callable[[Any], Any], count: int, tell: Callable[[int, int], None]
) -> Any:
    """Return the frames, shape ``(frames, height, width, 3)``, bytes."""
    import numpy as np

    envs: list[Env] = []
    try:
        envs += [make_env() for _ in range(count)]
        observations = [env.reset(seed=seed)[0] for seed, env in enumerate(envs)]
        colours = [_UNDER_WAY] * count
        running = [True] * count
        frames = [_grid([_picture(env, o, c) for env, o, c in zip(envs, observations, colours, strict=True)])]
        while any(running) and len(frames) <= _LONGEST:
            actions = act(stack(observations))
            for place, env in enumerate(envs):
                if not running[place]:
                    continue
                observations[place], _, terminated, truncated, info = env.step(actions[place])
                running[place] = not (terminated or truncated)
                success = info.get("is_success")
                if success is not None:
                    colours[place] = _REACHED if success else _UNDER_WAY if running[place] else _MISSED
            frames.append(_grid([_picture(env, o, c) for env, o, c in zip(envs, observations, colours, strict=True)]))
            tell(len(frames), _LONGEST)
    except RldoctorError:
        raise
    except Exception as error:
        first = (str(error).strip() or "no message").splitlines()[0].rstrip(".")
        raise TrainingFailed(
            f"The environment cannot be drawn: {type(error).__name__}: {first}.",
            "MUJOCO_GL=egl or MUJOCO_GL=osmesa choose what MuJoCo draws with. --picture needs neither.",
        ) from error
    finally:
        for env in envs:
            env.close()
    return np.stack([*frames, *[frames[-1]] * _PAUSE])


def _picture(env: Env, observation: Any, colour: tuple[int, int, int]) -> Image:
    """Return what an environment shows, with the distance to its goal written into the corner."""
    from PIL import Image, ImageDraw

    drawn: Any = env.render()
    picture = Image.fromarray(drawn).resize((_SIDE, _SIDE))
    distance = goal_distance(observation)
    if distance is not None:
        text = f"{1000 * distance:.0f} mm" if distance < 1 else f"{distance:.2f} m"
        pen = ImageDraw.Draw(picture)
        pen.rectangle((0, _SIDE - 22, _SIDE, _SIDE), fill=(30, 30, 30))
        pen.text((8, _SIDE - 19), text, fill=colour, font_size=15)
    return picture


def _grid(pictures: list[Image]) -> Any:
    """Put pictures into a square of rows and columns, as even as their number allows."""
    import numpy as np
    from PIL import Image

    columns = int(np.ceil(np.sqrt(len(pictures))))
    rows = -(-len(pictures) // columns)
    whole = Image.new("RGB", (columns * _SIDE, rows * _SIDE))
    for place, picture in enumerate(pictures):
        whole.paste(picture, (place % columns * _SIDE, place // columns * _SIDE))
    return np.asarray(whole)
