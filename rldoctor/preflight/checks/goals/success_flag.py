"""The success flag agrees with the distance to the goal.

What it does: compares ``info["is_success"]`` with the distance threshold, in random episodes and in those of a simple
controller that steers at the goal. Where no threshold is known, it looks whether the flag is sometimes set and
sometimes not, whether it is set wherever an episode is cut off, and nowhere else, whatever was done, and whether
it is missing where episodes end with the best that is paid.

Why it matters: the success rate is the first number that people read. A flag that is never set makes a solved task look
hopeless; one that is always set makes a hopeless task look solved.

What to do: compute it as ``distance < distance_threshold`` from the goal after the step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, number_of
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.info_names import SUCCESS, is_last
from rldoctor.preflight.probes.transcript import is_number

# Without a threshold nothing says where success should be; seen to be set and not set, the flag is not stuck.
_HELD, _STARTS, _LONGEST, _SHARE = 4, 4, 100, 0.8
# Episodes that all end so by no chance, and steps from which an end is not the whole of an episode.
_EPISODES, _LONG = 3, 10
# Ends that are paid best and are no success.
_BEST = 2
# Episodes that climb: an action is held while the reward rises, as where it follows a distance.
_CLIMBS = 8


def _at_every_end(context: PreflightContext, name: str) -> bool:
    """Return whether the flag is set where episodes are cut off, and only there, in random and in held actions."""
    batch = context.batch
    last = np.append(np.diff(batch.episode) > 0, True)
    flags = np.array([bool(info.get(name)) for info in batch.infos])
    cut = all(truncated and not terminated for _, terminated, truncated in batch.ends)
    longest = max((length for length, *_ in batch.ends), default=0)
    if not (cut and len(batch.ends) == len(batch.starts) >= _EPISODES and longest >= _LONG):
        return False
    if not np.array_equal(flags, last):
        return False
    if context.has_goals and batch.distances[last].max() <= np.median(batch.distances[~last]):
        # It is near in all of them: a goal may be checked at the end alone.
        return False
    for seed, plan in enumerate(alternatives(context.env.action_space, _HELD, seed=82)):
        context.budget.steps(longest, least=longest)
        context.env.reset(seed=seed)
        for _ in range(longest):
            _, _, terminated, truncated, info = context.env.step(plan)
            if bool(info.get(name)) != bool(truncated) or (terminated and not truncated):
                return False
            if truncated:
                break
    return True


def _paid_at_ends(context: PreflightContext) -> tuple[list[float], list[float]]:
    """Return the rewards of steps that terminated random episodes, and those of all others."""
    batch, last = context.batch, is_last(context.batch)
    all_ended = len(batch.ends) == len(batch.starts) and all(terminated for _, terminated, _ in batch.ends)
    ended = batch.rewards[last].tolist() if all_ended else []
    return ended, batch.rewards[~last].tolist()


def _steps(
    context: PreflightContext, seed: int, plan: Any, longest: int, random: np.random.Generator
) -> Iterator[tuple[float, bool, Mapping[str, Any]]]:
    """Play one episode and yield reward, end and info: of an action mostly held, or of any held while rewards rise."""
    env = context.env
    env.reset(seed=seed)
    action, rewards = plan, [-np.inf, -np.inf]
    for _ in range(longest):
        # Held with some chance in it: where one direction leads into a wall, it goes on.
        holds = random.random() < _SHARE if plan is not None else rewards[-1] > rewards[-2]
        action = draw(env.action_space, random) if not holds else action if plan is None else plan
        _, reward, terminated, truncated, info = env.step(action)
        rewards.append(number_of(reward))
        yield rewards[-1], bool(terminated), info
        if terminated or truncated:
            break


def _of_any_kind(context: PreflightContext) -> CheckFindings:
    """Look whether the flag is ever set and ever not, in random and in held actions."""
    name = next((one for one in ("is_success", *SUCCESS) if any(one in info for info in context.batch.infos)), None)
    if name is None:
        raise Skipped("no step reports a success")
    flags = [bool(info[name]) for info in context.batch.infos if is_number(info.get(name))]
    paid, usual = _paid_at_ends(context)
    random = np.random.default_rng(8)
    longest = min(context.horizon or _LONGEST, _LONGEST)
    held = alternatives(context.env.action_space, _HELD, seed=81) * _STARTS
    for seed, plan in enumerate([*held, *[None] * _CLIMBS]):
        if not flags or (any(flags) and not all(flags)) or (plan is None and all(flags)):
            break
        context.budget.steps(longest, least=longest)
        for reward, terminated, info in _steps(context, seed, plan, longest, random):
            flags += [bool(info[name])] if is_number(info.get(name)) else []
            (paid if terminated else usual).append(reward)
    best = sum(reward > max(usual, default=np.inf) for reward in paid)
    if flags and not any(flags) and best >= _BEST:
        yield error(
            "success-missing-at-the-end",
            f"{name} is not set in any step, not even where {best} episodes were terminated with a reward above that "
            "of any other step: what is paid as a success is not told as one.",
            f"Compute {name} from the state after the step, and return it with the step that ends the episode.",
            observed=0,
            expected=best,
        )
        return ""
    if not any(flags) or all(flags):
        raise Skipped(f"{name} was {'always' if flags and all(flags) else 'never'} set")
    if _at_every_end(context, name):
        yield error(
            "success-at-every-end",
            f"{name} is set in the last step of every episode that is cut off, and in no other step, whatever the "
            "actions were.",
            "Compute it from the state after the step, not from terminated or truncated.",
            observed=sum(flags),
        )
    return f"{name} in {sum(flags)} of {len(flags)} steps"


@check(
    "ENV405",
    "success-flag",
    requires=("ENV201", "ENV202", "ENV206"),
    faults=("success-signal-wrong", "success-at-every-end", "success-missing-at-the-end"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare the flag with the distance."""
    threshold = context.distance_threshold
    if not context.has_goals or threshold is None:
        return (yield from _of_any_kind(context))
    pairs = [
        (distance, info["is_success"])
        for distance, info in zip(context.batch.distances, context.batch.infos, strict=True)
        if "is_success" in info
    ]
    homing = context.homing
    if homing is not None:
        pairs += [(d, flag) for d, flag in zip(homing.distances, homing.successes, strict=True) if flag is not None]
    if not pairs:
        raise Skipped("no step reports is_success (see ENV109)")
    distances = np.array([distance for distance, _ in pairs])
    flags = np.array([bool(flag) for _, flag in pairs])
    near = distances < threshold
    # A micrometre around the threshold is left to rounding.
    clear = np.abs(distances - threshold) > 1e-6
    missed, false = int((near & ~flags & clear).sum()), int((~near & flags & clear).sum())
    if missed or false:
        yield error(
            "success-signal-wrong",
            f"is_success is false in {missed} of {int(near.sum())} steps nearer than {threshold:g} "
            f"and true in {false} of {int((~near).sum())} steps farther away.",
            f"Compute is_success as distance < {threshold:g}, from the goals after the step.",
            observed=[missed, false],
            expected=[0, 0],
        )
    return f"agrees in {len(pairs)} steps, {int(near.sum())} of them nearer than {threshold:g}"
