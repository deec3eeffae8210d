"""A step does not seed its random numbers with the same seed again and again.

What it does: looks at which generators are made or seeded while random steps are taken (``numpy.random.default_rng``,
``RandomState``, ``numpy.random.seed``, ``random.Random``, ``random.seed``). Where each step does so with one and the
same seed, plays again with another one, and compares.

Why it matters: a generator that each step makes anew draws the same numbers at every step. What is meant as noise, as a
demand or as another player's move is a constant of the episode that a policy learns by heart, and
``numpy.random.seed`` does the same to all others that draw from the global generator, exploration among them.

What to do: draw from ``self.np_random``, which ``super().reset(seed=seed)`` seeds once an episode. Draw a table that
never changes once, in the constructor.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, flatten, number_of
from rldoctor.preflight.probes.inspection import layers

if TYPE_CHECKING:
    from types import ModuleType

    from rldoctor.environments.rollouts import Env

_STEPS, _FEWEST = 12, 5
# Of the steps, how many have to seed alike. Ours.
_NEARLY_ALL = 0.9
# Added to a seed, once and several times, to see whether anything depends on it.
_OTHER, _OTHERS = 1_000_003, 4
_LIBRARIES = {"gymnasium", "numpy", "stable_baselines3", "mujoco", "random", "rldoctor"}


@check("ENV126", "step-generators", requires=("ENV105",), late=1, faults=("generator-made-anew",))
def run(context: PreflightContext) -> CheckFindings:
    """Watch what is seeded in steps."""
    env = context.env
    steps = context.budget.steps(_STEPS, least=_FEWEST, plays=1 + _OTHERS)
    made: list[list[tuple[str, str]]] = []
    played = _played(env, steps, made, 0)
    if len(made) < _FEWEST or not any(made):
        return "no step makes or seeds a generator"
    every = {one for seeded in made for one in seeded}
    alike = [one for one in sorted(every) if sum(one in seeded for seeded in made) >= _NEARLY_ALL * len(made)]
    # Unseeded ones are different each time, which ENV105 tells.
    alike = [(name, seed) for name, seed in alike if seed not in ("", "None")]
    if not alike:
        return "steps seed generators, each with another seed"
    others = [_played(env, steps, [], number * _OTHER) for number in range(1, _OTHERS + 1)]
    if all(played.shape == other.shape and np.array_equal(played, other, equal_nan=True) for other in others):
        return "what steps draw from generators of one seed is neither seen nor paid"
    name, seed = alike[0]
    yield warning(
        "generator-made-anew",
        f"Each step calls {name}({seed}): it draws the same numbers at every step. With another seed, observations or "
        "rewards are different.",
        "Draw from self.np_random, which super().reset(seed=seed) seeds; draw what never changes in the constructor.",
        observed=seed,
    )
    return ""


def _played(env: Env, steps: int, made: list[list[tuple[str, str]]], add: int) -> FloatArray:
    """Take random steps, with ``add`` added to the seeds, and return what is seen and paid, one row a step."""
    random_actions, rows = np.random.default_rng(37), []
    kept = np.random.get_state(), random.getstate()
    try:
        env.reset(seed=0)
        seeded: list[tuple[str, str]] = []
        with _watched(env, seeded, add):
            for _ in range(steps):
                observation, reward, terminated, truncated, _ = env.step(draw(env.action_space, random_actions))
                made.append(seeded.copy())
                seeded.clear()
                rows.append(np.append(flatten(observation), number_of(reward)))
                if terminated or truncated:
                    break
    finally:
        np.random.set_state(kept[0])
        random.setstate(kept[1])
    return np.stack(rows)


def _own_call() -> bool:
    """Return whether the caller of the caller is no library."""
    return not _is_library(sys._getframe(2).f_globals.get("__name__", ""))


def _is_library(module: str) -> bool:
    return module.partition(".")[0] in _LIBRARIES


@contextlib.contextmanager
def _watched(env: Env, seeded: list[tuple[str, str]], add: int) -> Iterator[None]:
    """Note which functions that seed are called, and with what."""

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(seed: Any = None, *rest: Any, **named: Any) -> Any:
            seed = named.pop("a", named.pop("seed", seed))
            if _own_call():
                seeded.append((name, _shown(seed)))
                seed = seed + add if add and isinstance(seed, (int, np.integer)) else seed
            return function(seed, *rest, **named)

        return call

    class NumpyState(np.random.RandomState, metaclass=_AlsoOlder):
        def __init__(self, seed: Any = None) -> None:
            if _own_call():
                seeded.append(("numpy.random.RandomState", _shown(seed)))
                seed = seed + add if add and isinstance(seed, (int, np.integer)) else seed
            super().__init__(seed)

    class PythonState(random.Random, metaclass=_AlsoOlder):
        def __new__(cls, *_: Any) -> Any:
            return super().__new__(cls)

        def __init__(self, seed: Any = None) -> None:
            if _own_call():
                seeded.append(("random.Random", _shown(seed)))
                seed = seed + add if add and isinstance(seed, int) else seed
            super().__init__(seed)

    instead: dict[Any, Any] = {
        np.random.default_rng: noting("numpy.random.default_rng", np.random.default_rng),
        np.random.seed: noting("numpy.random.seed", np.random.seed),
        random.seed: noting("random.seed", random.seed),
        np.random.RandomState: NumpyState,
        random.Random: PythonState,
    }
    with contextlib.ExitStack() as stack:
        for module in _modules(env):
            for name, value in list(vars(module).items()):
                # What cannot be hashed is none of them.
                found = next((new for old, new in instead.items() if value is old), None)
                if found is not None:
                    setattr(module, name, found)
                    stack.callback(setattr, module, name, value)
        yield


class _AlsoOlder(type):
    """A class of which objects of its base are objects, too."""

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, cls.__mro__[1])


def _shown(seed: Any) -> str:
    return repr(seed) if seed is None or isinstance(seed, (int, str, np.integer)) else ""


def _modules(env: Env) -> list[ModuleType]:
    """Return the modules in which an environment may find the functions: its own, and where they come from."""
    own = {type(layer).__module__ for layer in layers(env)}
    names = [name for name in own if not _is_library(name)]
    return [np.random, random, *(sys.modules[name] for name in names if name in sys.modules)]
