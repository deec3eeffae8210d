"""Events delivered beside the training: once each, not too often, and never in its way."""

from __future__ import annotations

import logging
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from rldoctor.hooks.hook import Hook, Payload

_log = logging.getLogger("rldoctor")
# Events that wait for a slow hook; what comes on top is dropped.
_MOST_WAITING = 64


class Notifier:
    """Delivers events in a thread of its own.

    Args:
        hooks: Where they go.
        cool_down: Seconds during which no second event of the same run is sent, unless verdict or state differ.
        clock: Seconds; monotonic.
    """

    def __init__(
        self, hooks: Sequence[Hook], cool_down: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hooks, self._cool_down, self._clock = [*hooks], cool_down, clock
        self._sent: dict[str, tuple[float, tuple[str, object]]] = {}
        self._said: set[tuple[str, str]] = set()
        self._queue: queue.Queue[tuple[str, Payload] | None] = queue.Queue(_MOST_WAITING)
        self._failed: set[int] = set()
        self._thread: threading.Thread | None = None

    def notify(self, run: str, verdict: str, text: str, payload: Payload) -> bool:
        """Send an event; return whether it is sent: not if it was before, or another of the run just now."""
        now = self._clock()
        stands = verdict, payload.get("state")
        last, before = self._sent.get(run, (-float("inf"), ("", None)))
        if not self._hooks or (run, text) in self._said:
            return False
        if now - last < self._cool_down and stands == before:
            return False
        self._sent[run] = now, stands
        self._said.add((run, text))
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver, name="rldoctor-hooks", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait((text, {"run": run, "verdict": verdict, **payload}))
        except queue.Full:
            return False
        return True

    def close(self, timeout: float = 15.0) -> None:
        """Deliver what is waiting, for at most ``timeout`` seconds."""
        if self._thread is None:
            return
        try:
            self._queue.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)
        self._thread = None

    def _deliver(self) -> None:
        while (event := self._queue.get()) is not None:
            for hook in self._hooks:
                try:
                    hook.send(*event)
                except (OSError, ValueError, subprocess.SubprocessError) as error:
                    if id(hook) not in self._failed:
                        self._failed.add(id(hook))
                        # The error itself may hold the URL.
                        _log.warning("The %s could not be reached: %s.", hook.name, type(error).__name__)
