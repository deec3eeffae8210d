"""Rendering is declared as Gymnasium asks for it.

What it does: looks at ``metadata["render_modes"]``, ``metadata["render_fps"]`` and ``render_mode``; nothing is drawn.

Why it matters: training does not render, so none of this stops it. Films, wrappers that record them and human viewers
go by these entries, and fail or run at the wrong speed without them.

What to do: declare ``metadata = {"render_modes": ["human", "rgb_array"], "render_fps": 30}`` in the class, take
``render_mode`` in ``__init__`` and refuse one that is not declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, check, note, warning
from rldoctor.preflight.context import PreflightContext

_MODES = "Set metadata['render_modes'] to a list of texts; an empty one if nothing can be rendered."


@check(
    "ENV121",
    "rendering",
    raw=True,
    requires=("ENV101",),
    late=1,
    faults=("render-modes-wrong", "render-fps-wrong", "render-mode-undeclared"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Look at what is declared."""
    env: Any = context.env.unwrapped
    metadata = getattr(env, "metadata", None)
    if not isinstance(metadata, dict):
        yield warning("render-modes-wrong", f"metadata is of type {type(metadata).__name__}, not a dictionary.", _MODES)
        return ""
    modes = metadata.get("render_modes")
    found = list(_modes(modes)) or list(_rest(modes, metadata.get("render_fps"), getattr(env, "render_mode", None)))
    yield from found
    return "" if found else f"render modes: {', '.join(map(str, modes or ())) or 'none'}"


def _modes(modes: Any) -> Iterator[Finding]:
    if modes is None:
        yield note("render-modes-wrong", "metadata declares no render_modes.", _MODES)
    elif isinstance(modes, str) or not isinstance(modes, (list, tuple, set, frozenset)):
        message = f"metadata['render_modes'] is {modes!r:.40} of type {type(modes).__name__}, not a list of texts."
        yield warning("render-modes-wrong", message, _MODES)
    elif not all(isinstance(mode, str) for mode in modes):
        wrong = next(mode for mode in modes if not isinstance(mode, str))
        message = f"The render mode {wrong!r} is of type {type(wrong).__name__}; render modes are texts."
        yield warning("render-modes-wrong", message, _MODES)


def _rest(modes: Any, fps: Any, mode: Any) -> Iterator[Finding]:
    if mode is not None and mode not in modes:
        message = f"render_mode is {mode!r}, which metadata['render_modes'] does not declare: {list(modes)}."
        yield warning("render-mode-undeclared", message, "Declare it, or refuse it in __init__.")
    remedy = "Set metadata['render_fps'] to the frames per second at which the simulation runs in real time."
    if fps is None and modes:
        yield note("render-fps-wrong", "metadata declares render modes and no render_fps.", remedy)
    elif fps is not None and (not isinstance(fps, (int, float, np.number)) or isinstance(fps, bool) or not fps > 0):
        message = f"metadata['render_fps'] is {fps!r:.40} of type {type(fps).__name__}, not a number above 0."
        yield warning("render-fps-wrong", message, remedy)
