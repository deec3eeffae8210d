"""The goal is in the observation and changes between episodes.

What it does: compares ``desired_goal`` at the start of several episodes, with each other and with the goal that the
environment pursues internally: its attribute ``goal``, or the one by which rewards are as ``compute_reward`` has them.
Looks whether each step of an episode shows a goal of its own, as far from the last one as from any other.

Why it matters: a policy that cannot see its goal learns to stay where goals are on average, which looks like learning
that stalls half-way. A goal that is drawn anew with every step cannot be pursued. One that moves, or that follows when
another is reached, can be.

What to do: put the goal of the current episode into ``desired_goal``, and draw a new one at every reset, not where the
observation is put together.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import Batch, draw, number_of
from rldoctor.preflight.probes.inspection import state_of

_EPISODES, _STEPS = 4, 5
# A reward that says only whether a goal is reached fits most goals.
_VALUES = 2
# Ours: steps that show whether goals are drawn anew, how many of them do, and their distance from the last goal beside
# that of any two, which is 1 for independent draws and near 0 for a target that moves.
_SHOWN, _MOST, _FAR = 20, 0.9, 0.8


@check(
    "ENV206",
    "goal-observed",
    requires=("ENV102",),
    faults=("goal-not-observed", "goal-never-changes", "goal-drawn-at-every-step"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare the goals of several episodes."""
    if "ENV205" in context.failed:
        raise Skipped("nothing of the observation changes")
    batch = context.batch
    remedy = "Put the goal of the current episode into desired_goal, in reset and in step."
    if not context.has_goals:
        if "desired_goal" in batch.observations:
            raise Skipped("its goals are not plain arrays")
        if context.compute_reward is None and "desired_goal" not in context.expectation.observation:
            raise Skipped("no goals")
        if place := _place_in_a_vector(context):
            return f"the goal is in the observation, at {place}"
        message = f"The observation has no desired_goal, only {', '.join(batch.observations)}."
        yield error("goal-not-observed", message, remedy)
        return ""
    if (far := _drawn_at_every_step(batch)) is not None:
        yield warning(
            "goal-drawn-at-every-step",
            "desired_goal is another one at every step, as far from the last one as any two goals are from each "
            "other: no policy can pursue it.",
            "Draw the goal in reset and keep it; only read it where the observation is put together.",
            observed=far,
            expected=0.0,
        )
        return ""
    inner = [np.ravel(goal) for goal in batch.goals if goal is not None]
    shown = [np.ravel(start["desired_goal"]) for start in batch.starts]
    gap = near = 0.0
    if len(inner) == len(shown) and _varies(inner) and inner[0].shape == shown[0].shape:
        gap = float(np.abs(np.stack(inner) - np.stack(shown)).max())
        # 1e-3 of the goals' own spread: a goal kept in single precision is still the goal.
        near = 1e-3 * float(np.ptp(np.stack(inner), axis=0).max())
    if gap > near:
        message = f"desired_goal is not the goal that the environment pursues: they differ by up to {gap:.3g}."
        factor = _factor(np.stack(inner), np.stack(shown))
        if factor:
            message = f"desired_goal is {factor:.3g} times the goal that the environment pursues."
        aspect = "scaled" if factor else "other" if _varies(shown) else "constant"
        yield error("goal-not-observed", message, remedy, aspect=aspect, observed=gap, expected=0.0)
    elif name := _pursued(context):
        yield error(
            "goal-not-observed",
            f"desired_goal is not the goal that the environment pursues: rewards are those of self.{name}.",
            remedy,
            aspect="other" if _varies(shown) else "constant",
            attributes=[name],
        )
    elif not _varies(shown):
        message = f"desired_goal is the same in {len(shown)} episodes with different seeds."
        yield warning("goal-never-changes", message, "Draw a new goal from self.np_random at every reset.")
    return f"{len(shown)} episodes, {len(np.unique(np.stack(shown), axis=0))} goals"


def _drawn_at_every_step(batch: Batch) -> float | None:
    """Return how far goals are from those of the step before, beside any two; ``None`` where they are not drawn so."""
    goals = batch.observations["desired_goal"].reshape(len(batch.rewards), -1).astype(float)
    same = np.diff(batch.episode) == 0
    change = np.linalg.norm(np.diff(goals, axis=0)[same], axis=1)
    if len(change) < _SHOWN or np.mean(change > 0) < _MOST:
        return None
    # Any two goals of the same episodes, half of the steps apart.
    any_two = np.linalg.norm(goals - np.roll(goals, len(goals) // 2, axis=0), axis=1)
    far = float(change.mean() / max(float(any_two.mean()), 1e-12))
    return far if far > _FAR else None


def _place_in_a_vector(context: PreflightContext) -> str:
    """Return where the goal of each episode is among the numbers of an observation without keys; empty for nowhere.

    Gymnasium's FlattenObservation and FilterObservation make such an observation of one with goals.
    """
    batch = context.batch
    goals = [np.ravel(goal) for goal in batch.goals if goal is not None]
    if len(goals) != len(batch.starts) or not _varies(goals):
        return ""
    for name in batch.observations:
        starts, size = np.stack([np.ravel(start[name]) for start in batch.starts]), len(goals[0])
        for first in range(starts.shape[1] - size + 1):
            if np.allclose(starts[:, first : first + size], np.stack(goals), rtol=1e-4, atol=1e-6):
                return f"{name}[{first}:{first + size}]"
    return ""


def _pursued(context: PreflightContext) -> str:
    """Return the attribute by which rewards are computed, where they are not by the goal that is shown."""
    compute, env, random = context.compute_reward, context.env, np.random.default_rng(4)
    if compute is None or not _rewards_differ(context):
        return ""
    fits: dict[str, bool] = {}
    context.budget.steps(_STEPS, least=_STEPS, plays=_EPISODES)
    for seed in range(_EPISODES):
        env.reset(seed=seed)
        for _ in range(_STEPS):
            observation, reward, terminated, truncated, info = env.step(draw(env.action_space, random))
            for name, value in state_of(env).items():
                if value.shape == np.shape(observation["desired_goal"]):
                    computed = float(compute(observation["achieved_goal"], value, info))
                    fits[name] = fits.get(name, True) and bool(np.isclose(computed, number_of(reward)))
            if terminated or truncated:
                break
    return next((name for name, all_of_them in fits.items() if all_of_them), "")


def _rewards_differ(context: PreflightContext) -> bool:
    """Return whether rewards follow a distance, and another one than that to the goal that is shown."""
    compute, batch = context.compute_reward, context.batch
    if compute is None or len(np.unique(batch.rewards)) <= _VALUES:
        return False
    rows = zip(batch.observations["achieved_goal"], batch.observations["desired_goal"], batch.infos, strict=True)
    return not np.allclose([float(compute(*row)) for row in rows], batch.rewards, rtol=1e-5, atol=1e-5)


def _factor(
    inner: np.ndarray[tuple[int, int], np.dtype[np.float64]], shown: np.ndarray[tuple[int, int], np.dtype[np.float64]]
) -> float:
    """Return the number that the goals are multiplied with before they are shown; 0 where there is none."""
    factor = float((inner * shown).sum() / (inner * inner).sum())
    return factor if factor and np.allclose(shown, factor * inner, rtol=1e-3, atol=1e-9) else 0.0


def _varies(goals: list[np.ndarray[tuple[int], np.dtype[np.float64]]]) -> bool:
    return len(np.unique(np.stack(goals), axis=0)) > 1
