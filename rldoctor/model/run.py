"""A training run as read from its logs: curves, and findings made while reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING

from rldoctor.model.enums import Aggregation, FloatArray, IntArray, Json, Severity

if TYPE_CHECKING:
    from rldoctor.model.settings import Settings


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of a run.

    Attributes:
        metric: Canonical name, a key of ``checks/metrics.toml``, or family and name: ``term/feet_air_time``.
        steps: Environment steps, non-decreasing, shape ``(n,)``.
        values: The metric in canonical sign and scale, shape ``(n,)``; may hold NaN and infinities as logged.
        tag: The raw name under which the framework logged it.
        aggregation: What each value was averaged over.
    """

    metric: str
    steps: IntArray
    values: FloatArray
    tag: str = ""
    aggregation: Aggregation = Aggregation.MEAN

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.steps)

    def finite(self) -> Curve:
        """Return the curve without NaN and infinite values."""
        # A sum of squares is finite only where all numbers are; mostly they are, and this is asked again and again.
        if isfinite(self.values.dot(self.values)):
            return self
        import numpy as np  # Late: many commands need these types and no arrays.

        keep = np.isfinite(self.values)
        if keep.all():
            return self
        return Curve(self.metric, self.steps[keep], self.values[keep], self.tag, self.aggregation)


@dataclass(frozen=True)
class Finding:
    """A check, sign or criterion that fired.

    Attributes:
        code: Family and three digits, such as ``ENV401``; never reused.
        name: The fault in kebab-case, such as ``reward-constant``.
        severity: Note, warning or error.
        message: One or two sentences: what was seen, where, and what was expected.
        remedy: What to change, as concrete as it can be; empty for most notes.
        evidence: The numbers: ``metric``, ``observed``, ``expected``, ``first_step``, ``last_step`` and the like.
        strength: How clearly the sign shows, in [0, 1]; 1 for a check.
    """

    code: str
    name: str
    severity: Severity
    message: str
    remedy: str = ""
    evidence: Mapping[str, Json] = field(default_factory=dict)
    strength: float = 1.0


@dataclass(frozen=True)
class Run:
    """One training run as read from its logs.

    Attributes:
        path: The directory that holds the event files, as the user named it.
        framework: Key of ``checks/tags/``, such as ``sb3``; empty when no known tag was found.
        curves: Canonical metric name to curve.
        unknown_tags: Scalar tags that the framework's tag mapping does not know.
        record: The content of ``run.json``; empty when there is none.
        findings: What was found while reading (truncated file, mixed runs, ...).
        size_bytes: Total size of the event files.
        algorithm: A key of ``checks/algorithms.toml``; empty where the logs do not show it.
        step_axis: What the steps of the curves count, one of ``rldoctor.logs.tag_mapping.StepAxis``.
        tags_known: How many of the scalar tags the framework's tag mapping knows, and how many there are.
        framework_named: Whether the user named the framework.
        baseline_return: Better mean return of the zero-action and the random policy; ``None`` where not measured.
        settings: What the files beside the logs say of its settings; ``None`` where there are none.
        versions: Distribution to the version that it was trained with; empty where nothing records them.
        planned: The step at which the training will end, where its logs say so; otherwise 0.
        suite: The collection of environments whose terms were logged, such as ``isaac_lab``; empty where none is known.
    """

    path: str
    framework: str
    curves: Mapping[str, Curve]
    unknown_tags: tuple[str, ...] = ()
    record: Mapping[str, Json] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    size_bytes: int = 0
    algorithm: str = ""
    step_axis: str = "env_steps"
    tags_known: tuple[int, int] = (0, 0)
    framework_named: bool = False
    baseline_return: float | None = None
    settings: Settings | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    planned: int = 0
    suite: str = ""

    def family(self, name: str) -> dict[str, Curve]:
        """Return the curves of a family, such as ``term``, by the names of its members."""
        start = f"{name}/"
        return {key[len(start) :]: curve for key, curve in self.curves.items() if key.startswith(start)}

    def until(self, step: int) -> Run:
        """Return the run as it stood after an environment step: the points at or before it."""
        curves = {}
        for name, curve in self.curves.items():
            if count := int(curve.steps.searchsorted(step, "right")):
                curves[name] = replace(curve, steps=curve.steps[:count], values=curve.values[:count])
        return replace(self, curves=curves)

    @property
    def counts_steps(self) -> bool:
        """Whether steps are environment steps, which makes it comparable with other runs."""
        return self.step_axis in ("env_steps", "frames")

    @cached_property
    def last_step(self) -> int:
        """The largest environment step of any curve; 0 for a run without points."""
        return max((int(curve.steps[-1]) for curve in self.curves.values() if len(curve)), default=0)
