"""What witnesses other than the logs observe: the environment, the settings, the saved model."""

from __future__ import annotations

from dataclasses import dataclass

from rldoctor.model import Finding


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation of a witness other than the logs.

    Attributes:
        key: ``CODE-observation``, as ``checks/preflight/evidence.toml`` and ``checks/weights.toml`` call it, such as
            ``ENV302-actions-without-effect`` or ``ENV302-passed``.
        strength: In [0, 1].
        finding: What is shown to the reader; ``None`` for what is no fault.
    """

    key: str
    strength: float
    finding: Finding | None = None
