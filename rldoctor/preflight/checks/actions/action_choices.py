"""Each choice of an action does something of its own.

What it does: takes every choice of a discrete action space from the same states, and compares what they lead to. Where
choices are moves by a fixed step each, looks whether every move can be taken back by another.

Why it matters: two choices that do the same are one choice. Among four moves one direction is missing then, mostly by a
slip in the table of moves, and goals on that side cannot be reached.

What to do: look up the two choices where step uses the action.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, play_actions

# Choices that are tried, as many as Atari's games have at most, each from so many states, up to so many random steps
# from the start. Ours, as the others.
_CHOICES, _STATES, _FARTHEST = 18, 16, 8
_FEWEST_STATES = 8
# A choice moves something in so many of the states, and by the same step in most of those.
_MOVES, _USUAL = 0.5, 0.6


@check(
    "ENV316",
    "action-choices",
    requires=("ENV105", "ENV205", "ENV302"),
    late=1,
    faults=("choices-alike", "move-missing"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Take each choice from the same states."""
    from gymnasium.spaces import Discrete

    space = context.env.action_space
    if not isinstance(space, Discrete) or not 3 <= int(space.n) <= _CHOICES:
        raise Skipped("no few choices to compare")
    if not context.repeatable:
        raise Skipped("seed 0 does not repeat itself (ENV105)")
    choices = [int(space.start) + i for i in range(int(space.n))]
    states = [found for seed in range(_STATES) if (found := _from_one_state(context, seed, choices)) is not None]
    if len(states) < _FEWEST_STATES:
        raise Skipped("episodes are too short to compare")
    moved = [np.mean([bool(state[i].any()) for state in states]) >= _MOVES for i in range(len(choices))]
    alike = [
        (i, j)
        for i, j in combinations(range(len(choices)), 2)
        if moved[i] and moved[j] and all(np.array_equal(state[i], state[j], equal_nan=True) for state in states)
    ]
    # Where most choices do the same, the states that were seen say little.
    if not alike or len({i for pair in alike for i in pair}) > len(choices) / 2:
        return f"{len(choices)} choices in {len(states)} states"
    first, second = (choices[i] for i in alike[0])
    missing = _without_a_way_back(states, alike[0])
    if missing is not None:
        yield warning(
            "move-missing",
            f"Actions {first} and {second} are the same move, and no action takes back action {choices[missing]}, "
            "while every other move can be taken back.",
            "Look up both in the table of moves: one of them should be the move that is missing.",
            actions=[first, second],
        )
    else:
        yield note(
            "choices-alike",
            f"Actions {first} and {second} did the same in all {len(states)} states in which they were tried.",
            "Leave one of them out, unless they differ in states that were not reached.",
            actions=[first, second],
        )
    return ""


def _from_one_state(context: PreflightContext, seed: int, choices: list[Any]) -> list[FloatArray] | None:
    """Return what each choice changes in observation and reward, ``(d + 1,)``; ``None`` where the episode is over."""
    random = np.random.default_rng(seed)
    before = [draw(context.env.action_space, random) for _ in range(seed % _FARTHEST)]
    context.budget.steps(len(before) + 1, least=len(before) + 1, plays=len(choices))
    changes = []
    for choice in choices:
        seen, rewards = play_actions(context.env, seed, [*before, choice])
        if len(seen) < len(before) + 2:
            return None
        changes.append(np.append(seen[-1] - seen[-2], rewards[-1]))
    return changes


def _without_a_way_back(states: list[list[FloatArray]], alike: tuple[int, int]) -> int | None:
    """Return the one choice whose move no other takes back, where all choices but one of ``alike`` are fixed moves."""
    moves: dict[int, FloatArray] = {}
    for i in range(len(states[0])):
        if i == alike[1]:
            continue
        steps = np.stack(
            [state[i][:-1] for state in states if state[i][:-1].any()] or [np.zeros(len(states[0][0]) - 1)]
        )
        kinds, counts = np.unique(steps, axis=0, return_counts=True)
        usual = kinds[counts.argmax()]
        if counts.max() < _USUAL * len(steps):
            return None
        if usual.any():
            moves[i] = usual
    lonely = [i for i, move in moves.items() if not any(np.array_equal(-move, other) for other in moves.values())]
    # With the one that is missing, they are pairs.
    return lonely[0] if len(lonely) == 1 and len(moves) >= 3 and len(moves) % 2 else None
