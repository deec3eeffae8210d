"""A policy that was played under perturbations, and how much of its gain it kept."""

from __future__ import annotations

from dataclasses import dataclass

from rldoctor.model.results import Result


@dataclass(frozen=True)
class PerturbationResult:
    """A policy under one perturbation.

    Attributes:
        name: Such as ``action_delay``; ``nominal`` for the policy as it is.
        code: ``EVL`` code; empty for the nominal one.
        title: What was done, in a few words.
        episodes: How many were played.
        return_mean: Mean return.
        kept: Share of the gain over the baseline that is left; 1 is all of it, 0 is no better than the baseline,
            ``None`` where there is no gain.
        kept_low: Lower end of its 95 % bootstrap interval.
        kept_high: Upper end.
        success_rate: Share of successful episodes; ``None`` where the environment reports none.
        worst_return: Lowest return of an episode.
        worst_seed: Seed of that episode.
    """

    name: str
    code: str
    title: str
    episodes: int
    return_mean: float
    kept: float | None
    kept_low: float | None
    kept_high: float | None
    success_rate: float | None
    worst_return: float
    worst_seed: int


@dataclass(frozen=True)
class AuditResult(Result):
    """A policy that was audited.

    Attributes:
        env: Name of the environment.
        baseline_return: Mean return of the better of the zero-action and the random policy.
        perturbations: The nominal policy first, then each perturbation.
        film: File of the film of the worst episode; empty for none.
    """

    kind = "audit"

    env: str = ""
    baseline_return: float | None = None
    perturbations: tuple[PerturbationResult, ...] = ()
    film: str = ""
