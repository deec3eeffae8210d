"""Events delivered beside the training: once each, not too often, and never in its way."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

from rldoctor.hooks.hook import Hook, Payload, why

_log = logging.getLogger("rldoctor")
# Events that wait for a slow hook; what comes on top is dropped.
_MOST_WAITING = 64


class Notifier:
    """Delivers events, to each hook in a thread of its own: one that hangs keeps no other waiting.

    Args:
        hooks: Where they go.
        cool_down: Seconds during which no second event of the same run is sent, unless verdict or state differ.
        clock: Seconds; monotonic.
    """

    def __init__(
        self, hooks: Sequence[Hook], cool_down: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._couriers = [_Courier(hook) for hook in hooks]
        self._cool_down, self._clock = cool_down, clock
        self._sent: dict[str, tuple[float, tuple[str, object]]] = {}
        self._said: set[tuple[str, str]] = set()

    def notify(self, run: str, verdict: str, text: str, payload: Payload) -> bool:
        """Send an event; return whether it is sent: not if it was before, or another of the run just now."""
        now = self._clock()
        stands = verdict, payload.get("state")
        last, before = self._sent.get(run, (-float("inf"), ("", None)))
        if (run, text) in self._said or (now - last < self._cool_down and stands == before):
            return False
        taken = [courier.take(text, {"run": run, "verdict": verdict, **payload}) for courier in self._couriers]
        if not any(taken):
            return False
        self._sent[run] = now, stands
        self._said.add((run, text))
        return True

    def close(self, timeout: float = 15.0) -> None:
        """Deliver what is waiting, for at most ``timeout`` seconds."""
        ends = time.monotonic() + timeout
        for courier in self._couriers:
            courier.close(ends)
        for courier in self._couriers:
            courier.wait(ends)


class _Courier:
    """Delivers to one hook, in a thread that begins with the first event."""

    def __init__(self, hook: Hook) -> None:
        self._hook = hook
        self._queue: queue.Queue[tuple[str, Payload] | None] = queue.Queue(_MOST_WAITING)
        self._failed = False
        self._thread: threading.Thread | None = None

    def take(self, text: str, payload: Payload) -> bool:
        """Take an event; return whether there was room for it."""
        try:
            self._queue.put_nowait((text, payload))
        except queue.Full:
            return False
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver, name="rldoctor-hook", daemon=True)
            self._thread.start()
        return True

    def close(self, ends: float) -> None:
        """Take no more; give up at ``ends``, in seconds of the monotonic clock."""
        if self._thread is not None:
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=max(0.0, ends - time.monotonic()))

    def wait(self, ends: float) -> None:
        """Wait until all is delivered, at most until ``ends``."""
        if self._thread is not None:
            self._thread.join(max(0.0, ends - time.monotonic()))
            self._thread = None

    def _deliver(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                self._hook.send(*event)
            except Exception as error:  # whatever a server answers ends no delivery
                if not self._failed:
                    self._failed = True
                    _log.warning("The %s %s.", self._hook.name, why(error))
