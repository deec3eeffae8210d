"""What a row of examinations comes to: a verdict that does not flicker, how sure it is, and what would take it back."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from rldoctor.diagnosis.live.glance import Glance
from rldoctor.diagnosis.live.rules import LiveRules, live_rules
from rldoctor.model import Verdict

_FAULTS = (Verdict.SUSPECT, Verdict.SICK)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a training that runs stands.

    Attributes:
        verdict: ``unjudged`` while the run is too young to say.
        since: The step of the first examination in the row that led to the verdict.
        cause: The most likely cause; empty where nothing is wrong.
        confidence: That the verdict is right, in [0, 1]: it rises with every examination that agrees.
        signs: Codes and names of the signs behind it.
        step: The step of the last examination.
        examinations: How many there were.
    """

    verdict: Verdict = Verdict.UNJUDGED
    since: int = 0
    cause: str = ""
    confidence: float = 0.0
    signs: tuple[str, ...] = ()
    step: int = 0
    examinations: int = 0


class Course:
    """Follows one training from examination to examination.

    The same examinations come to the same standing, whenever and on whatever machine they are made.

    Args:
        patience: Examinations in a row that must agree before the run is called sick; those of ``checks/live.toml`` by
            default.
    """

    def __init__(self, patience: int | None = None, rules: LiveRules | None = None) -> None:
        self._rules = rules or live_rules()
        self._patience = patience or self._rules.sick.examinations
        # So many where a single sign is all that there is.
        longest = max(
            self._patience + self._rules.sick.more_for_one_sign, self._rules.warn.examinations, self._rules.withdraw
        )
        self._row: deque[Glance] = deque(maxlen=longest)
        self.standing = Standing()
        self.news = ""
        """What the last examination changed, as a sentence; empty where it changed nothing."""

    @property
    def rules(self) -> LiveRules:
        """The rules that it follows."""
        return self._rules

    @property
    def hopeless(self) -> bool:
        """Whether a training that stands like this should be stopped."""
        standing = self.standing
        return standing.verdict is Verdict.SICK and standing.cause not in self._rules.never_stops

    def add(self, glance: Glance) -> Standing:
        """Take the next examination into account, and return the standing after it."""
        self._row.append(glance)
        before = self.standing
        level = self._level(before.verdict)
        since = self._since(level) if level is not before.verdict else before.since
        cause, signs = self._cause(level)
        confidence, count = self._confidence(level), before.examinations + 1
        self.standing = Standing(level, since, cause, confidence, signs, glance.step, count)
        self.news = self._news(before)
        return self.standing

    def _level(self, before: Verdict) -> Verdict:
        """Return the verdict: the worst that enough examinations in a row agree on; milder ones take as many."""
        single = any(glance.single for glance in list(self._row)[-self._patience :])
        more = self._rules.sick.more_for_one_sign if single else 0
        if self._agree(self._patience + more, Verdict.SICK):
            return Verdict.SICK
        errors = list(self._row)[-self._rules.sick.errors :]
        if len(errors) == self._rules.sick.errors and all(glance.error for glance in errors):
            return Verdict.SICK
        warned = self._row[-1].clear or self._agree(self._rules.warn.examinations, Verdict.SUSPECT)
        if before in (Verdict.SICK, Verdict.SUSPECT):
            last = list(self._row)[-self._rules.withdraw :]
            if len(last) < self._rules.withdraw or any(_is_as_bad(glance, before) for glance in last):
                return before
        if warned:
            return Verdict.SUSPECT
        last = list(self._row)[-self._rules.withdraw :]
        if len(last) == self._rules.withdraw and all(glance.verdict is Verdict.HEALTHY for glance in last):
            return Verdict.HEALTHY
        # Learning that was seen stays seen until something else is.
        return Verdict.HEALTHY if before is Verdict.HEALTHY else Verdict.UNJUDGED

    def _agree(self, count: int, verdict: Verdict) -> bool:
        """Return whether each of the last ``count`` examinations found ``verdict`` or worse."""
        last = list(self._row)[-count:]
        return len(last) == count and all(_is_as_bad(glance, verdict) for glance in last)

    def _since(self, level: Verdict) -> int:
        """Return the step of the first examination of those that agree on ``level``."""
        since = self._row[-1].step
        for glance in reversed(self._row):
            if not _is_as_bad(glance, level):
                break
            since = glance.step
        return since

    def _cause(self, level: Verdict) -> tuple[str, tuple[str, ...]]:
        """Return the cause and its signs: those of the last examination that found one."""
        if level not in (Verdict.SICK, Verdict.SUSPECT):
            return "", ()
        latest = next((glance for glance in reversed(self._row) if glance.cause), None)
        return (latest.cause, latest.signs) if latest else (self.standing.cause, self.standing.signs)

    def _confidence(self, level: Verdict) -> float:
        """Return how likely the verdict is by the last examinations together, and by one more that says nothing."""
        if level is Verdict.UNJUDGED:
            return 0.0
        of_each = [glance.health if level is Verdict.HEALTHY else glance.probability for glance in self._row]
        return (sum(of_each) + 0.5) / (len(of_each) + 1)

    def _news(self, before: Standing) -> str:
        now = self.standing
        if now.verdict is before.verdict and (now.cause == before.cause or now.verdict is not Verdict.SICK):
            return ""
        at = f"step {now.step:,}"
        if now.verdict in (Verdict.SICK, Verdict.SUSPECT):
            softened = now.verdict is Verdict.SUSPECT and before.verdict is Verdict.SICK
            what = "no longer sick, still suspect" if softened else str(now.verdict)
            return f"{at}: {what}, {now.cause} ({now.confidence:.0%}, since step {now.since:,}). {self.taken_back_when}"
        if before.verdict in (Verdict.SICK, Verdict.SUSPECT):
            count = self._rules.withdraw
            return f"{at}: the warning of {before.cause} is withdrawn: {count} examinations do not show it."
        return ""

    @property
    def taken_back_when(self) -> str:
        """What would withdraw the warning, as a sentence; empty where there is none."""
        if self.standing.verdict not in (Verdict.SICK, Verdict.SUSPECT):
            return ""
        count, signs = self._rules.withdraw, " and ".join(self.standing.signs[:2])
        # A setting stays as it is.
        return (
            f"Withdrawn when {count} examinations in a row {f'no longer show {signs}' if signs else 'show learning'}."
        )


def _is_as_bad(glance: Glance, verdict: Verdict) -> bool:
    """Return whether an examination found ``verdict``, or where that is a fault, a worse one."""
    if verdict not in _FAULTS:
        return glance.verdict is verdict
    return glance.verdict in _FAULTS[_FAULTS.index(verdict) :]
