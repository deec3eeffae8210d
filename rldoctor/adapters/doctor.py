"""The doctor of a training loop of one's own: it is told what is logged, and says how the training stands."""

from __future__ import annotations

import atexit
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import SupportsFloat

from rldoctor.diagnosis.live.course import Standing
from rldoctor.diagnosis.live.memory import Memory
from rldoctor.diagnosis.live.session import LiveSession, say_last_line
from rldoctor.diagnosis.report import Report
from rldoctor.errors import UsageError
from rldoctor.hooks.hook import parse
from rldoctor.hooks.notifier import Notifier
from rldoctor.model import Verdict

_log = logging.getLogger("rldoctor")


class Doctor:
    """Diagnoses a training while it runs, from the metrics that it is told.

    ``doctor = rldoctor.Doctor(total_steps)`` before the loop, ``doctor.log(step, episode_return=..., approx_kl=...)``
    in it, and ``doctor.verdict`` or ``doctor.should_stop`` where it wants to know. An error in here never ends the
    training. The verdict is said in one line at the end: by :meth:`finish`, at the end of a ``with``, or when Python
    exits.

    Args:
        total_steps: Steps that the training will have; ``None`` where that is unknown, and then only what no healthy
            run shows in any phase counts.
        name: What the training is called in messages.
        framework: Whose tags are logged, such as ``"cleanrl"``; by default they tell.
        reference: Reference to compare with; by default the one that the curves are recognised by, or general ranges.
        warn: Say on the logger ``rldoctor`` when the verdict changes.
        notify: Hooks that are told as well, as ``rldoctor watch --notify`` takes them.

    Raises:
        UsageError: ``total_steps`` is not positive, a hook is none, or there is no such reference or framework.
    """

    def __init__(
        self,
        total_steps: int | None = None,
        *,
        name: str = "this training",
        framework: str = "",
        reference: str | None = None,
        warn: bool = True,
        notify: str | Iterable[str] = (),
    ) -> None:
        if total_steps is not None and total_steps < 1:
            raise UsageError(f"total_steps = {total_steps} is not positive.", "Give the steps of the whole training.")
        if reference is not None:
            from rldoctor import references

            references.load(reference)
        if framework:
            from rldoctor.logs.frameworks import find_tag_mapping

            find_tag_mapping(framework)
        self._name, self._warn = name, warn
        self._live = LiveSession(Memory(framework), total_steps, reference)
        self._notifier = Notifier([parse(text) for text in ([notify] if isinstance(notify, str) else notify)])
        self._failed: set[str] = set()
        self._said = False
        atexit.register(self.finish)

    @property
    def standing(self) -> Standing:
        """How the training stands: verdict, since when, cause, confidence."""
        return self._live.standing

    @property
    def verdict(self) -> Verdict:
        """The verdict; ``unjudged`` while the training is too young."""
        return self._live.standing.verdict

    @property
    def should_stop(self) -> bool:
        """Whether the training cannot succeed any more."""
        return self._live.course.hopeless

    @property
    def report(self) -> Report | None:
        """The report on all that was logged; ``None`` before anything was."""
        result = self._live.report(self._name)
        return Report.of("diagnose", [result]) if result else None

    def log(self, step: int, metrics: Mapping[str, SupportsFloat] | None = None, /, **named: SupportsFloat) -> Verdict:
        """Take metrics of one step, and return the verdict.

        Args:
            step: Environment steps so far.
            metrics: Tag to value, for tags that are no names in Python, such as ``charts/episodic_return``.
            named: Metrics by the names of ``rldoctor explain``, such as ``episode_return`` and ``approx_kl``.

        Values that are no numbers are left out.
        """
        self._guard("what was logged", lambda: self._add(int(step), {**(metrics or {}), **named}))
        self._guard("the live diagnosis", self.examine)
        return self.verdict

    def add(self, tag: str, step: int, value: SupportsFloat) -> None:
        """Take one point, without an examination: for loggers that give point by point."""
        self._guard("what was logged", lambda: self._add(int(step), {tag: value}))

    def examine(self) -> None:
        """Examine the training if that is due."""
        if not self._live.is_due():
            return
        news = self._live.examine()
        if not news:
            return
        standing, result = self.standing, self._live.report(self._name)
        remedy = self._live.remedy(result)
        text = " ".join(part for part in (news, remedy) if part)
        if self._warn:
            _log.warning("%s: %s", self._name, text)
        about: dict[str, str | int | float | None] = {"cause": standing.cause, "step": standing.step, "remedy": remedy}
        self._notifier.notify(
            self._name,
            str(standing.verdict),
            f"rldoctor: {self._name}: {text}",
            {**about, "confidence": round(standing.confidence, 3)},
        )

    def finish(self) -> Report | None:
        """Say the verdict on the whole training in one line, once, and return the report."""
        atexit.unregister(self.finish)
        if not self._said:
            self._said = True
            self._guard("the last diagnosis", self._say)
            self._notifier.close()
        return self.report

    def __enter__(self) -> Doctor:
        """Return itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Say the verdict."""
        self.finish()

    def _add(self, step: int, metrics: Mapping[str, SupportsFloat]) -> None:
        for tag, value in metrics.items():
            try:
                number = float(value)
            except (TypeError, ValueError):
                continue
            # Infinities and NaN are findings.
            self._live.memory.add(tag, step, number if math.isfinite(number) else math.nan)

    def _say(self) -> None:
        result = self._live.report(self._name)
        say_last_line(result, self._live, _log)

    def _guard(self, what: str, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:
            if what not in self._failed:
                self._failed.add(what)
                _log.warning("rldoctor.Doctor skips %s: %s: %s", what, type(error).__name__, error)
