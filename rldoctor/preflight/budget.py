"""The time budget of a preflight: whatever the environment costs, the report comes."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

SECONDS = 20.0
"""Seconds that a preflight may take by default."""

# A measurement that plays steps of its own takes at most this fraction of the budget, so that several fit.
_SHARE = 0.05
# One call to the environment that takes more than half of the budget is called one that hangs.
_HANGS = 0.5


class OutOfTime(BaseException):
    """Raised where the budget is used up. No ``Exception``: neither a check nor an environment may swallow it."""


class Hangs(OutOfTime):
    """One call to the environment took more than half of the budget.

    Attributes:
        call: ``step``, ``reset`` or ``the constructor``.
        seconds: How long it was waited for.
    """

    def __init__(self, call: str, seconds: float) -> None:
        super().__init__(f"{call} did not return within {seconds:.0f} s")
        self.call = call
        self.seconds = seconds


class Budget:
    """Seconds that a preflight may take, and what a call to the environment costs.

    Args:
        seconds: From now on; infinite for no limit.
    """

    def __init__(self, seconds: float = float("inf")) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._call = ""
        self._began = 0.0
        self.step_seconds = 0.0
        """Median duration of a step, 0 while it is not known."""
        self.reset_seconds = 0.0
        """Longest duration of a reset that was seen."""

    @property
    def remaining(self) -> float:
        """Seconds until the end; negative afterwards."""
        return self._end - time.monotonic()

    def steps(self, most: int, least: int = 2, plays: int = 1) -> int:
        """Return how many steps each of ``plays`` episodes of one measurement may have, from ``least`` to ``most``.

        Raises:
            OutOfTime: Not even ``least`` of them fit into what remains.
        """
        if self.seconds == float("inf"):
            return most
        step = max(self.step_seconds, 1e-6)
        if plays * (least * step + self.reset_seconds) > self.remaining:
            raise OutOfTime
        share = min(_SHARE * self.seconds, 0.5 * self.remaining) / plays - self.reset_seconds
        return int(min(most, max(least, share / step)))

    def require(self, seconds: float) -> None:
        """Raise if a measurement of so many seconds does not fit any more.

        Raises:
            OutOfTime: It does not.
        """
        if seconds > self.remaining:
            raise OutOfTime

    @contextlib.contextmanager
    def calling(self, call: str) -> Iterator[None]:
        """Run one call to the environment: it is refused after the end, and interrupted at the end.

        Raises:
            OutOfTime: The time was used up before.
            Hangs: The call took more than half of the budget.
        """
        if self._call:
            yield
            return
        if self.remaining <= 0:
            raise OutOfTime
        self._call, self._began = call, time.monotonic()
        try:
            yield
        finally:
            self._call = ""

    @contextlib.contextmanager
    def enforced(self) -> Iterator[None]:
        """Interrupt a call to the environment that is still running when the time is used up.

        Only where signals can do it: in the main thread of a Unix process. Elsewhere a call that returns late ends the
        preflight when it returns.
        """
        usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        if not usable or self.seconds == float("inf") or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
            yield
            return
        signal.signal(signal.SIGALRM, self._interrupt)
        # Again and again: an environment may catch what it should not.
        signal.setitimer(signal.ITIMER_REAL, max(self.remaining, 0.001), 0.5)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        # Anything but the environment is left to finish: an interrupted import of PyTorch would stay broken.
        if not self._call:
            return
        waited = time.monotonic() - self._began
        raise Hangs(self._call, waited) if waited > _HANGS * self.seconds else OutOfTime
