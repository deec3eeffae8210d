"""A run as its logs tell it: curves, and what reading them already showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rldoctor.model.enums import Aggregation, FloatArray, IntArray, Json, Severity

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of a run.

    Attributes:
        metric: Canonical name, a key of ``checks/metrics.toml``.
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
        import numpy as np  # Late: the words are also spoken by commands that need no arrays (--help, gate).

        keep = np.isfinite(self.values)
        if keep.all():
            return self
        return Curve(self.metric, self.steps[keep], self.values[keep], self.tag, self.aggregation)


@dataclass(frozen=True)
class Finding:
    """A check or a sign that fired on this subject.

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
    """One training run as its logs tell it.

    Attributes:
        path: The directory that holds the event files, as the user named it.
        framework: Key of ``checks/tags/``, such as ``sb3``; empty when no known tag was found.
        curves: Canonical metric name to curve.
        unknown_tags: Scalar tags that the framework's dictionary does not know.
        record: The content of ``run.json``; empty when there is none.
        findings: What reading the logs already showed (torn file, mixed runs, ...).
        size_bytes: Total size of the event files.
        algorithm: What it was trained with, a key of ``checks/algorithms.toml``; empty where the logs do not tell.
        step_axis: What the steps of the curves count, a ``rldoctor.logs.tag_mapping.StepAxis``.
        tags_known: How many of the scalar tags the framework's dictionary knows, and how many there are.
        framework_named: The user said which framework it is.
        baseline_return: Better mean return of the zero-action and the random policy; ``None`` where not measured.
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

    @property
    def counts_steps(self) -> bool:
        """Whether steps are environment steps, which other runs of the environment can be held against."""
        return self.step_axis in ("env_steps", "frames")

    @property
    def last_step(self) -> int:
        """The largest environment step of any curve; 0 for a run without points."""
        return max((int(curve.steps[-1]) for curve in self.curves.values() if len(curve)), default=0)

    def to_frame(self) -> pd.DataFrame:
        """Return the curves as a table: index ``step``, one column a metric, NaN where a metric has no point."""
        import pandas as pd

        columns = {
            name: pd.Series(curve.values, index=pd.Index(curve.steps, name="step"), name=name)
            for name, curve in self.curves.items()
        }
        unique = {name: column[~column.index.duplicated(keep="last")] for name, column in columns.items()}
        return pd.DataFrame(unique).sort_index().rename_axis("step")
