"""Whether an environment can be played and its observations stacked, and which check reports why it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rldoctor.preflight.probes.inspection import layers

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env
    from rldoctor.preflight.probes.transcript import Call

_INTERFACE, _SEEN, _TAKEN = "step-and-reset (ENV102)", "observation-layout (ENV201)", "action-space (ENV301)"


def space_of(env: Env, role: str) -> Any:
    """Return an ``observation`` or ``action`` space of any kind; ``None`` where there is none."""
    found = (getattr(layer, f"{role}_space", None) for layer in layers(env))
    return next((space for space in found if space is not None), None)


def undeclared(seen: object, taken: object) -> str:
    """Return the check that reports a space from which no value can be drawn; empty where there is none."""
    from rldoctor.preflight.probes import spaces

    if spaces.invalid(seen, "observation"):
        return _SEEN
    return _TAKEN if spaces.invalid(taken, "action") else ""


def unplayable(env: Env, calls: Iterable[Call]) -> str:
    """Return the check that reports what is wrong with the first ``calls`` or with a space; empty where nothing is."""
    from rldoctor.preflight.probes import spaces

    if not all(call.is_sound for call in calls):
        return _INTERFACE
    if spaces.untrainable_observation(env.observation_space):
        return _SEEN
    if spaces.untrainable_action(env.action_space):
        return _TAKEN
    wrong = (spaces.mismatch(env.observation_space, call.observation) for call in calls)
    return _SEEN if any(found and found[2] for found in wrong) else ""
