"""The verdict in one line when a training ends, however it ends."""

from __future__ import annotations

import logging
import sys
import threading
import weakref
from collections.abc import Callable

import numpy as np

from rldoctor.diagnosis.live.session import LiveSession, say_last_line

_log = logging.getLogger("rldoctor")


def say_at_the_end(owner: object, live: LiveSession, path: Callable[[], str]) -> Callable[[], object]:
    """Return a function that says the verdict, at its first call only.

    A training that breaks off never comes to its end. Its verdict is said when its callback is no longer in use, in a
    notebook after its cell, and otherwise when Python exits.

    Args:
        owner: The callback.
        live: The training.
        path: Returns what the training is called in the report; not a method of the owner, which it would keep alive.
    """
    say = weakref.finalize(owner, _say, live, path)
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    # A training in a thread of its own goes on after the cell that began it.
    if shell is not None and threading.current_thread() is threading.main_thread():
        _after_cell(shell.events, say)
    return say


def _after_cell(events: object, say: Callable[[], object]) -> None:
    """Call ``say`` after the cell of a notebook that runs now: ``events`` are IPython's ``EventManager``."""

    def after(*_: object) -> None:
        events.unregister("post_run_cell", after)  # type: ignore[attr-defined]
        say()

    events.register("post_run_cell", after)  # type: ignore[attr-defined]


def _say(live: LiveSession, path: Callable[[], str]) -> None:
    result = None
    try:
        with np.errstate(all="ignore"):
            result = live.report(path())
    except Exception as error:  # it must not end the user's program
        _log.warning("DoctorCallback skips the last diagnosis: %s: %s", type(error).__name__, error)
    say_last_line(result, live, _log)
