"""One probe, played: an algorithm is trained on it, and its policy and value are asked at the known states."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rldoctor.environments import naming
from rldoctor.errors import RldoctorError, TrainingFailed, UsageError, first_line
from rldoctor.probes.adapters import Solution, Trainer
from rldoctor.probes.base import BudgetExceeded, Probe, Record
from rldoctor.probes.environments import PROBES

# A policy that draws its actions is asked this often at each state.
_ASKED = 16
# An algorithm may round its budget up to whole rollouts.
_SLACK = 4096


@dataclass(frozen=True)
class Task:
    """What is played.

    Attributes:
        probe: Name of the probe.
        continuous: The kind of action.
        num_envs: Number of environments.
        steps: The budget.
        seed: Of the training.
        gamma: The discount factor, where the algorithm takes it.
    """

    probe: str
    continuous: bool
    num_envs: int
    steps: int
    seed: int
    gamma: float


@dataclass(frozen=True)
class Measured:
    """What came of it.

    Attributes:
        scores: The preference for the right action, in [0, 1], at each state that the probe asks about.
        values: The value at each state that the probe asks about; empty where the algorithm returns none.
        late: Share of right actions in the last quarter of the training.
        spread: How evenly the last quarter of the training used both actions: 0 for one action, 0.5 for both alike.
        steps: How many steps the algorithm took.
        seconds: How long it took.
    """

    scores: tuple[float, ...]
    values: tuple[float, ...]
    late: float
    spread: float
    steps: int
    seconds: float


def play(trainer: Trainer, task: Task) -> Measured:
    """Train on a probe and ask.

    Raises:
        TrainingFailed: The algorithm raised, or did not keep to its budget.
        UsageError: It returns what is no policy.
    """
    kind = PROBES[task.probe]
    record = Record(2 * task.steps + _SLACK)

    def make_env() -> Probe:
        return kind(record, task.continuous)

    started = time.monotonic()
    solution = _calling(
        lambda: trainer(make_env, task.num_envs, task.steps, task.seed, task.gamma), task, "The training"
    )
    scores, values = _asked(solution, kind(Record(1), task.continuous), task)
    if not record.rights:
        raise UsageError("The training took no step in the environment that it was given.", "Call env.step in it.")
    last = slice(-max(1, len(record.rights) // 4), None)
    mean = float(np.mean(record.preferences[last]))
    spread = float(np.std(record.preferences[last])) if task.continuous else min(mean, 1.0 - mean)
    late = float(np.mean(record.rights[last]))
    return Measured(scores, values, late, spread, len(record.rights), time.monotonic() - started)


def _asked(solution: Solution, probe: Probe, task: Task) -> tuple[tuple[float, ...], tuple[float, ...]]:
    scores = []
    for obs, right in probe.policy or (((0.0,) * probe.size, 1.0),):
        seen = np.array(obs, np.float32)
        actions = [_calling(partial(solution.policy, seen), task, "The policy") for _ in range(_ASKED)]
        try:
            preference = float(np.mean([probe.preference(_plain(action)) for action in actions]))
        except (TypeError, ValueError):
            shown = " ".join(repr(actions[0]).split())[:60]
            cure = f"For one observation, of shape {probe.observation_space.shape}, return one action."
            raise UsageError(
                f"The policy returned {shown}, which is no action of {probe.action_space}.", cure
            ) from None
        scores.append(preference if right else 1.0 - preference)
    values = []
    for obs, _ in probe.values if solution.value else ():
        assert solution.value is not None
        seen = np.array(obs, np.float32)
        found = _calling(partial(solution.value, seen), task, "The value function")
        try:
            values.append(np.asarray(_plain(found), dtype=np.float64).item())
        except (TypeError, ValueError):
            shown = " ".join(repr(found).split())[:60]
            raise UsageError(f"The value function returned {shown}, which is no number.") from None
    return tuple(scores) if probe.policy else (), tuple(values)


def _plain(found: Any) -> Any:
    return found.detach().cpu().numpy() if hasattr(found, "detach") else found


def _calling(call: Callable[[], Any], task: Task, what: str) -> Any:
    try:
        return call()
    except RldoctorError:
        raise
    except BudgetExceeded:
        raise TrainingFailed(
            f"{what} took more than {2 * task.steps + _SLACK} steps on the probe {task.probe}, and its budget was "
            f"{task.steps}.",
            "Stop after the number of steps that is passed as steps.",
        ) from None
    except (Exception, SystemExit) as error:  # A user's algorithm may raise anything.
        raise TrainingFailed(
            f"{what} failed on the probe {task.probe} with {type(error).__name__}: {first_line(error)}"
            f"{naming.where(error)}.",
            "Fix what it names, or name the kind of algorithm with --algorithm: ppo has both kinds of actions, dqn "
            "discrete ones, sac continuous ones.",
        ) from error
