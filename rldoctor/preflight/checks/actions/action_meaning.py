"""An action means the same in every episode.

What it does: looks for attributes that each reset sets anew and no observation shows, gives one episode those of
another for a single step, and compares where the same actions lead.

Why it matters: where the order of motors, or the sign of one, is drawn for each episode and cannot be seen, no action
is better than another. That a mass or a friction is drawn changes how far an action leads, not where.

What to do: draw no order or sign of actions in ``reset``, or show it in the observation.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.hidden import candidates, play_with, visible
from rldoctor.preflight.probes.inspection import shown

_SEEDS = 4
_ACTIONS = 6
_STEPS = 15
# A hand of cards stays as it was where the game was over at once.
_FEWEST = 3
_RESETS = 25
_MOST = 3
# As many numbers as visible() looks at.
_NUMBERS = 64
# Ours: cosine between where the same actions lead. Another mass or friction leaves it near 1.
_ELSEWHERE = 0.5
_NOTHING = 1e-12


@check(
    "ENV313",
    "action-meaning",
    requires=("ENV105", "ENV202", "ENV205", "ENV302"),
    late=1,
    faults=("action-effect-drawn-at-reset",),
)
def run(context: PreflightContext) -> CheckFindings:
    """Replace what resets draw for one step."""
    env, random = context.env, np.random.default_rng(9)
    steps = context.budget.steps(_STEPS, plays=_SEEDS)
    some = [draw(env.action_space, random) for _ in range(steps)]
    plays = [play_with(env, seed, some) for seed in range(_SEEDS)]
    if plays[0].seen.shape[1] > _NUMBERS:
        raise Skipped("a picture shows more than can be told")
    if np.median([len(play.rewards) - 1 for play in plays]) < _FEWEST:
        raise Skipped("episodes are too short to tell what steps keep")
    names = candidates(plays)
    if not names:
        return "resets draw nothing that steps keep"
    context.budget.require(_RESETS * context.budget.reset_seconds)
    starts = [play_with(env, 100 + number, []) for number in range(_RESETS)]
    hidden = [name for name in names if not visible(name, starts)][:_MOST]
    actions = [draw(env.action_space, random) for _ in range(_ACTIONS)]
    actions[:2] = alternatives(env.action_space, 2, seed=61)
    for name in hidden:
        context.budget.steps(2, plays=2 * _SEEDS * len(actions))
        own, other = [], []
        for seed in range(_SEEDS):
            value = plays[(seed + 1) % _SEEDS].state[name]
            for action in actions:
                base, played = (play_with(env, seed, [action] * 2, what) for what in (None, (name, value)))
                if not played.set or not np.array_equal(base.seen[0], played.seen[0]):
                    break
                if len(base.seen) == len(played.seen) == 3:
                    # The first step may show what was replaced.
                    own.append(base.seen[2] - base.seen[1])
                    other.append(played.seen[2] - played.seen[1])
        if not own:
            continue
        one, two = np.array(own).ravel(), np.array(other).ravel()
        size = float(np.linalg.norm(one) * np.linalg.norm(two))
        alike = float(one @ two) / size if size > _NOTHING else 1.0
        # What replaced it may only be shown otherwise: then the state is where it would have been.
        if alike < _ELSEWHERE and _lasts(context, name, plays[1].state[name], actions):
            yield warning(
                "action-effect-drawn-at-reset",
                f"Where an action leads depends on self.{name}, which every reset sets anew and no observation shows: "
                f"with {shown(plays[1].state[name])} in place of {shown(plays[0].state[name])} the same actions lead "
                f"elsewhere (cosine {alike:.2f}).",
                f"Draw no order or sign of actions in reset, or add self.{name} to the observation.",
                attributes=[name],
                observed=alike,
                expected=1.0,
            )
            return ""
    if not hidden:
        raise Skipped("observations show what resets draw")
    return f"{len(actions)} actions lead to the same whatever resets draw"


def _lasts(context: PreflightContext, name: str, value: np.ndarray, actions: list[object]) -> bool:
    """Return whether an episode is elsewhere once the attribute is as it was."""
    env = context.env
    for action in actions:
        base, played = (
            play_with(env, 0, [action, action], (name, value) if replaced else None, restored=1)
            for replaced in (False, True)
        )
        if base.seen.shape != played.seen.shape or not np.array_equal(base.seen[-1], played.seen[-1]):
            return True
    return False
