"""Observations change from step to step.

What it does: finds the dimensions that never change over random episodes, and whether rewards tell apart states that
observations do not.

Why it matters: a policy that always sees the same can only ever do the same. Single constant dimensions, such as the
closed fingers of FetchReach, are harmless; a whole part of the observation that is constant tells the policy nothing.

What to do: return the state after the step, not a stored one.
"""

from __future__ import annotations

import time

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error, note, shortened, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import Batch, arrays, draw, simulated_time
from rldoctor.preflight.probes.inspection import differing, state_of

# A bandit's episode is a single step, and its observation need not change.
_FEW = 3
# Half of a small vector is more than the closed fingers of a gripper; of large ones (contact forces, the walls of a
# picture) much may be still.
_SMALL = 12
# Ours: of the steps, how many show an observation, and a reward, that no other step of their episode has.
_MANY, _COARSE, _FINE = 40, 0.25, 0.6
# Further episodes whose first steps are looked at for what four episodes left as it was: a bit that each reset draws is
# the same in four of them once in eight times.
_STARTS, _STARTS_SHARE, _LONGEST = 60, 0.02, 60.0


def _frozen(constant: int, size: int, keys: int) -> bool:
    if constant == size and keys > 1:
        return True
    # One number of a part beside others may be a sensor that random actions do not reach.
    return size <= _SMALL and constant >= 0.5 * size and (keys == 1 or constant > 1)


def _coarse(batch: Batch) -> tuple[int, int] | None:
    """Return how many observations and rewards differ, where rewards tell states apart that observations do not."""
    seen = np.concatenate(
        [
            v.reshape(len(batch.rewards), -1).astype(float)
            for v in batch.observations.values()
            if v.dtype.kind in "biuf"
        ],
        axis=1,
    )
    counts = [0, 0]
    for number in range(len(batch.starts)):
        of_episode = batch.episode == number
        counts[0] += len(np.unique(seen[of_episode], axis=0))
        counts[1] += len(np.unique(batch.rewards[of_episode]))
    total = len(batch.rewards)
    coarse = total >= _MANY and counts[0] < _COARSE * total and counts[1] > _FINE * total
    return (counts[0], counts[1]) if coarse else None


def _inner_changes(context: PreflightContext) -> bool | None:
    """Return whether a step changes a numeric attribute of the environment; ``None`` where there is none to see."""
    env, random = context.env, np.random.default_rng(0)
    if simulated_time(env) is not None:
        return None
    env.reset(seed=0)
    before = state_of(env)
    steps = 0
    for _ in range(context.budget.steps(_FEW)):
        _, _, terminated, truncated, _ = env.step(draw(env.action_space, random))
        steps += 1
        if terminated or truncated:
            break
    after = state_of(env)
    # A counter of the steps is no state of the simulation.
    changed = [name for name in differing(before, after) if not _counts(before[name], after[name], steps)]
    return bool(changed) if before else None


def _counts(before: FloatArray, after: FloatArray, steps: int) -> bool:
    return before.size == 1 and float(np.abs(after - before).max()) in (steps, 1.0)


def _still(context: PreflightContext, constant: dict[str, list[int]]) -> dict[str, list[int]]:
    """Return the dimensions that further episodes leave as they were, too: few starts are alike by chance."""
    env, batch, random = context.env, context.batch, np.random.default_rng(7)
    first = {key: batch.observations[key][0].ravel() for key in constant}
    until = time.monotonic() + _STARTS_SHARE * min(context.budget.seconds, _LONGEST)
    for number in range(_STARTS):
        if not constant or time.monotonic() > until:
            break
        seen = [env.reset(seed=300 + number)[0]]
        for _ in range(_FEW):
            observation, _, terminated, truncated, _ = env.step(draw(env.action_space, random))
            seen.append(observation)
            if terminated or truncated:
                break
        for one in map(arrays, seen):
            left = {k: [d for d in still if one[k].ravel()[d] == first[k][d]] for k, still in constant.items()}
            constant = {key: still for key, still in left.items() if still}
    return constant


@check(
    "ENV205",
    "observation-varies",
    requires=("ENV201", "ENV202"),
    faults=(
        "observations-frozen",
        "nothing-changes",
        "observation-part-frozen",
        "observation-dimensions-constant",
        "observation-coarse",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Find what never changes."""
    batch = context.batch
    if np.bincount(batch.episode).max() < _FEW:
        raise Skipped("episodes are too short for the state to change")
    moving, constant, total = 0, {}, 0
    for key, values in batch.observations.items():
        if values.dtype.kind not in "biuf":
            continue
        rows = values.reshape(len(values), -1).astype(float)
        within = np.zeros(rows.shape[1], dtype=bool)
        for number in range(len(batch.starts)):
            # No action follows the last observation of an episode, so that its change helps no policy.
            seen = rows[batch.episode == number]
            within |= np.ptp(seen[:-1] if len(seen) > _FEW else seen, axis=0) > 0
        moving += int(within.sum())
        total += rows.shape[1]
        still = np.flatnonzero(np.ptp(rows, axis=0) == 0).tolist()
        expected = context.expectation.observation.get(key)
        unexpected = [dimension for dimension in still if not expected or dimension not in expected.constant]
        if unexpected:
            constant[key] = unexpected
    if not moving:
        inner = _inner_changes(context)
        if inner is False:
            yield error(
                "nothing-changes",
                f"Nothing changes in {len(batch.rewards)} random steps, neither the observation nor the environment's "
                "own attributes.",
                "Follow the action through the wrappers and step to where it should reach the simulation.",
                observed=0,
                expected=total,
            )
            return ""
        yield error(
            "observations-frozen",
            f"No dimension of the observation changes within an episode, in {len(batch.rewards)} random steps.",
            "Return the state after the step; look for a stored observation or a simulation that is not stepped.",
            observed=0,
            expected=total,
        )
        return ""
    coarse = _coarse(batch)
    if coarse is not None:
        yield warning(
            "observation-coarse",
            f"In {len(batch.rewards)} random steps there are {coarse[1]} different rewards and only {coarse[0]} "
            "different observations: most of the state is lost on the way.",
            "Look for a cast to whole numbers, or for bounds to which observations are clipped.",
            observed=coarse[0],
            expected=coarse[1],
        )
    for key, dimensions in _still(context, constant).items():
        size = batch.observations[key][0].size
        if key != "desired_goal" and "mask" not in key and _frozen(len(dimensions), size, len(batch.observations)):
            whole = (
                f"{key} never changes"
                if len(dimensions) == size
                else f"{len(dimensions)} of {size} of {key} never change"
            )
            yield warning(
                "observation-part-frozen",
                f"{whole}, in {len(batch.rewards)} random steps of {len(batch.starts)} episodes.",
                "Compute it from the state after the step, or leave it out of the observation.",
                dimensions=dimensions[:32],
            )
            continue
        shown = shortened(dimensions)
        plural = "s" if len(dimensions) > 1 else ""
        message = f"{len(dimensions)} dimension{plural} of {key} never changed under the random policy ({shown})."
        remedy = (
            "Nothing to do for a sensor that random actions do not reach; else compute it from the state after the "
            "step, or leave it out."
        )
        yield note("observation-dimensions-constant", message, remedy, dimensions=dimensions[:32])
    return f"{moving} of {total} dimensions change"
