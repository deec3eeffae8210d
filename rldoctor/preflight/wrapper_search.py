"""Which wrapper brings a fault in: checks are repeated without the outermost wrapper, and so on inwards."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium

from rldoctor.environments.first_of_vec_env import FirstOfVecEnv, vec_env_wrappers
from rldoctor.model import CheckResult, Finding, Outcome, Severity
from rldoctor.preflight.budget import OutOfTime
from rldoctor.preflight.probes.inspection import is_standard, user_wrappers

# Runs some checks on the environment without so many of its outermost wrappers: what each found, and how each ended.
Rerun = Callable[[int, Sequence[str]], tuple[Sequence[Finding], Mapping[str, Outcome]]]
# More layers than this are the work of a program, and every one costs a part of a preflight.
_DEEPEST = 12


@dataclass(frozen=True)
class Layer:
    """A wrapper, or the environment below all of them.

    Attributes:
        name: Of its class.
        place: File and line of the class; empty where its source is not at hand.
    """

    name: str
    place: str

    def __str__(self) -> str:
        return f"{self.name} ({self.place})" if self.place else self.name


def without(env: gymnasium.Env[Any, Any], count: int) -> gymnasium.Env[Any, Any]:
    """Take the ``count`` outermost wrappers out of an environment; those of ``gymnasium.make`` stay."""
    outer: gymnasium.Wrapper[Any, Any, Any, Any] | None = None
    node = env
    while count and isinstance(node, gymnasium.Wrapper):
        if is_standard(node):
            outer, node = node, node.env
            continue
        if isinstance(node, FirstOfVecEnv):
            here = len(vec_env_wrappers(node.vec_env))
            node, count = node.without(count), max(0, count - here)
        else:
            node, count = node.env, count - 1
        if outer is None:
            env = node
        else:
            outer.env = node
    return env


def with_layers(
    results: Sequence[tuple[CheckResult, tuple[Finding, ...]]],
    make: Callable[[], gymnasium.Env[Any, Any]],
    rerun: Rerun,
) -> list[tuple[CheckResult, tuple[Finding, ...]]]:
    """Return the results of checks, findings about a stack of wrappers with the wrapper in which the fault enters.

    Args:
        results: Of the checks on the whole stack.
        make: Makes the environment with all its wrappers.
        rerun: Repeats checks on the environment without some of its wrappers.
    """
    findings = [found for _, several in results for found in several if found.code.startswith("ENV")]
    # A stack that cannot be made has no layers to look at, and a search that fails or takes too long adds nothing.
    with contextlib.suppress(Exception, OutOfTime), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layers = locate(make(), findings, rerun)
        return [(result, told(several, layers)) for result, several in results]
    return list(results)


def locate(env: gymnasium.Env[Any, Any], findings: Iterable[Finding], rerun: Rerun) -> dict[tuple[str, str], str]:
    """Find the layer in which each finding of a check enters.

    Args:
        env: The environment with all its wrappers.
        findings: What the checks found on it.
        rerun: Repeats checks on the environment without some of its wrappers.

    Returns:
        For each finding, by code and name, a sentence that names the layer; a finding of which nothing can be said is
        left out.
    """
    wrappers = user_wrappers(env)[:_DEEPEST]
    open_ = {(found.code, found.name) for found in findings if found.severity is not Severity.NOTE}
    if not wrappers or not open_:
        return {}
    said: dict[tuple[str, str], str] = {}
    # The innermost stack on which a finding was seen: how many wrappers were taken off.
    seen = dict.fromkeys(open_, 0)
    for off in range(1, len(wrappers) + 1):
        found, outcomes = rerun(off, sorted({code for code, _ in open_}))
        here = {(item.code, item.name) for item in found}
        for key in sorted(open_):
            if key in here:
                seen[key] = off
            elif outcomes.get(key[0]) in (Outcome.PASSED, Outcome.FIRED):
                suspects = [layer_of(wrapper) for wrapper in wrappers[seen[key] : off]]
                said[key] = _sentence(suspects)
                open_.discard(key)
        if not open_:
            break
    base = layer_of(env.unwrapped)
    for key in open_:
        if seen[key] == len(wrappers):
            said[key] = f"It is there without any wrapper: the fault is in {base} itself."
    return said


def _sentence(suspects: Sequence[Layer]) -> str:
    if len(suspects) == 1:
        return f"It is gone without {suspects[0].name}: the fault is in {suspects[0]}."
    names = " or ".join(str(layer) for layer in reversed(suspects))
    return f"It is gone without {suspects[-1].name} and what is around it: the fault is in {names}."


def layer_of(env: object) -> Layer:
    """Return a wrapper or an environment as a layer, with the place of its source where that can be found."""
    kind = type(env)
    place = ""
    with contextlib.suppress(OSError, TypeError):
        file = Path(inspect.getsourcefile(kind) or "")
        line = inspect.getsourcelines(kind)[1]
        with contextlib.suppress(ValueError):
            file = file.relative_to(Path.cwd())
        # Of an installed package the name says enough.
        place = "" if "site-packages" in file.parts else f"{file}, line {line}"
    return Layer(kind.__name__, place)


def told(findings: Iterable[Finding], said: Mapping[tuple[str, str], str]) -> tuple[Finding, ...]:
    """Return the findings, each with the layer in which it enters."""
    return tuple(
        replace(found, message=f"{found.message} {layer}", evidence={**found.evidence, "layer": layer})
        if (layer := said.get((found.code, found.name)))
        else found
        for found in findings
    )
