"""``rldoctor.probe``: the probes as a function that returns a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rldoctor.diagnosis.report import Report
from rldoctor.model import Verdict
from rldoctor.probes import run
from rldoctor.probes.adapters import trainer_of


def probe(
    train: str | Callable[..., Any],
    *,
    algorithm: str = "",
    steps: int | None = None,
    seed: int = 0,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
) -> Report:
    """Train an algorithm on the probe environments and say which part of it is faulty.

    Args:
        train: A function with the parameters ``env`` (or ``make_env`` and ``num_envs``), ``steps``, ``seed`` and, if it
            can be set, ``gamma``, called in this process; or the name of one, as ``rldoctor probe`` takes it.
        algorithm: ``"ppo"``, ``"dqn"`` or ``"sac"``: which kinds of actions it is made for.
        steps: The budget of each probe in environment steps.
        seed: Of the trainings.
        select: Only these probes, by code or name.
        ignore: Leave these probes out.

    Returns:
        The report; ``exit_code`` is 1 where a probe fails.

    Raises:
        UsageError: The function's parameters do not fit, or it returns no policy.
        TrainingFailed: It raised.
    """
    result = run.probe(
        train if isinstance(train, str) else trainer_of(train),
        algorithm=algorithm,
        steps=steps,
        seed=seed,
        select=tuple(select),
        ignore=tuple(ignore),
    )
    return Report.of("probe", [result], Verdict.SICK)
