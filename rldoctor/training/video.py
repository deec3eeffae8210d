"""A film of evaluation episodes in a grid, each with its distance to the goal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rldoctor import run_directory
from rldoctor.environments import registry
from rldoctor.environments.rollouts import Env, goal_distance, stack
from rldoctor.errors import MissingExtra, RldoctorError, TrainingFailed, UsageError, first_line
from rldoctor.training.players import Player

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".gif", ".mp4")
_SIDE = 200
"""Pixels of one episode's picture, wide and high."""
_PER_SECOND = 25
"""Frames per second. FetchReach acts 25 times per simulated second: the film runs at the robot's speed."""
_PAUSE = 20
"""Frames that show the end."""
_LONGEST = 500
"""Most steps of a film; longer episodes are cut."""
_REACHED, _UNDER_WAY, _MISSED = (0, 158, 115), (255, 255, 255), (213, 94, 0)


# What MuJoCo can draw with when there is no screen, in the order of trying.
_BACKENDS = ("egl", "osmesa")
_DRAW_ONE_FRAME = """
import mujoco
model = mujoco.MjModel.from_xml_string("<mujoco/>")
with mujoco.Renderer(model, 8, 8) as renderer:
    renderer.update_scene(mujoco.MjData(model))
    renderer.render()
"""


@cache
def can_draw(backend: str) -> bool:
    """Return whether MuJoCo can draw one frame with ``backend``, a value of ``MUJOCO_GL``.

    It draws in another process: a library may be there and fail, and MuJoCo chooses its backend once, at import.
    """
    environment = {**os.environ, "MUJOCO_GL": backend}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _DRAW_ONE_FRAME], env=environment, capture_output=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def require_renderer(file: Path) -> None:
    """Make sure that a film can be drawn and written to ``file``. Call it before MuJoCo is imported.

    On Linux, sets ``MUJOCO_GL`` to EGL, or to OSMesa where EGL cannot draw; a value that is set already stays.

    Raises:
        UsageError: The suffix is neither ``.gif`` nor ``.mp4``, the folder does not exist, or MuJoCo cannot draw.
        MissingExtra: The extra ``[pictures]`` is not installed.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise UsageError(f"A film cannot be written as {file.suffix or file.name!r}.", f"Use {' or '.join(SUFFIXES)}.")
    run_directory.require_folder_of(file)
    for package in ("imageio", "imageio_ffmpeg", "PIL"):
        if find_spec(package) is None:
            raise MissingExtra("rldoctor evaluate --video", package, "pictures")
    if sys.platform != "linux":
        return
    chosen = os.environ.get("MUJOCO_GL")
    working = next(filter(can_draw, [chosen] if chosen else _BACKENDS), None)
    if working is None:
        raise UsageError(
            f"MuJoCo cannot draw here: {f'MUJOCO_GL={chosen} fails' if chosen else 'neither EGL nor OSMesa works'}.",
            "On Debian or Ubuntu: apt-get install libegl1 libgl1 (or libosmesa6). --picture needs neither.",
        )
    os.environ["MUJOCO_GL"] = working


def film(
    player: Player,
    file: Path,
    seeds: Sequence[int] = range(9),
    watcher: Callable[[int, int], None] | None = None,
    wrap: Callable[[Env], Env] = lambda env: env,
) -> None:
    """Play evaluation episodes side by side and write them to ``file``.

    Args:
        player: The policy and its environment.
        file: ``.gif`` or ``.mp4``.
        seeds: Episode seeds, at least one; one alone where the policy has a state.
        watcher: Called with the number of frames so far, and the most that there will be.
        wrap: Applied to each environment.

    Raises:
        UsageError: As :func:`require_renderer`.
        MissingExtra: The extra ``[pictures]`` is not installed.
        TrainingFailed: The environment cannot be drawn.
    """
    require_renderer(file)
    import imageio.v3 as imageio

    act, own = player.acting(True, True)
    chosen = seeds[: player.lanes]
    frames = _frames(lambda: own(wrap(_make(player))), act, chosen, watcher or (lambda done, total: None))
    try:
        with run_directory.replacing(file) as temporary:
            if file.suffix.lower() == ".gif":
                options: dict[str, Any] = {"duration": 1000 // _PER_SECOND, "loop": 0}
            else:
                options = {"fps": _PER_SECOND, "codec": "libx264", "plugin": "FFMPEG", "macro_block_size": 2}
            # ffmpeg chooses the format by the file's name.
            part = temporary.with_name(temporary.name + file.suffix.lower())
            try:
                imageio.imwrite(part, frames, **options)
                part.replace(temporary)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror or error}.", "Name another file.") from None


def _make(player: Player) -> Env:
    make = partial(registry.make, player.env, render_mode="rgb_array", **player.arguments)
    # Not every environment takes the size of its frames.
    try:
        return make(width=_SIDE, height=_SIDE)
    except (registry.EnvironmentBroken, UsageError):
        return make()


def _frames(
    make_env: Callable[[], Env],
    act: Callable[[Any], Any],
    seeds: Sequence[int],
    watcher: Callable[[int, int], None],
) -> Any:
    """Return the frames, shape ``(frames, height, width, 3)``, bytes."""
    import numpy as np

    envs: list[Env] = []
    try:
        envs += [make_env() for _ in seeds]
        observations = [env.reset(seed=seed)[0] for seed, env in zip(seeds, envs, strict=True)]
        colours = [_UNDER_WAY] * len(envs)
        running = [True] * len(envs)
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
            watcher(len(frames), _LONGEST)
    except RldoctorError:
        raise
    except Exception as error:
        raise TrainingFailed(
            f"The environment cannot be drawn: {type(error).__name__}: {first_line(error)}.",
            "Set MUJOCO_GL to egl or osmesa, what MuJoCo draws with. --picture needs neither.",
        ) from error
    finally:
        for env in envs:
            env.close()
    return np.stack([*frames, *[frames[-1]] * _PAUSE])


def _picture(env: Env, observation: Any, colour: tuple[int, int, int]) -> Image:
    """Return a frame of an environment, with the distance to its goal in the corner."""
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
    """Arrange frames in rows and columns, as square as their number allows."""
    import numpy as np
    from PIL import Image

    columns = int(np.ceil(np.sqrt(len(pictures))))
    rows = -(-len(pictures) // columns)
    whole = Image.new("RGB", (columns * _SIDE, rows * _SIDE))
    for place, picture in enumerate(pictures):
        whole.paste(picture, (place % columns * _SIDE, place // columns * _SIDE))
    return np.asarray(whole)
