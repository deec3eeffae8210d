"""The installed packages have no known defect that matters here.

What it does: reads the installed versions, without importing anything, and compares them with the known defects in
`checks/advisories.toml`: versions that do not work together, and versions that silently give wrong numbers. A defect is
reported only where this environment uses what it is in. `rldoctor diagnose` does the same with the versions that a log
records.

Why it matters: an update of one package can break another, and the error appears far from the cause. With mujoco 3.12
or later, gymnasium-robotics 1.4.2 fails in ``gymnasium.make`` with an AssertionError without a message, and an unpinned
``pip install`` installs exactly that pair. Worse are defects without an error, such as the wrong accelerations of
mujoco 4.0.0.

What to do: follow the finding; its entry in `checks/advisories.toml` says how the defect was verified.
"""

from __future__ import annotations

import contextlib
from typing import Any

from rldoctor import machine
from rldoctor.advisories import CODE, NAME, Subject, find_advisories
from rldoctor.preflight.check import CheckFindings, Group, check
from rldoctor.preflight.context import PreflightContext


def subject_of(context: PreflightContext) -> Subject:
    """Return what is known of the environment: less where it cannot be made, which another check reports."""
    env: Any = None
    with contextlib.suppress(Exception):
        env = context.env
    if env is None:
        return Subject(env_id=context.env_id, modules=(context.entry_point.partition(":")[0],))
    wrappers = []
    while hasattr(env, "env"):
        wrappers.append(type(env).__name__)
        env = env.env
    modules = [kind.__module__ for kind in type(env).__mro__]
    models = [getattr(env, "model", None), getattr(getattr(env, "sim", None), "model", None)]
    has_mujoco = any(type(model).__module__.startswith("mujoco") for model in models)
    return Subject(context.env_id, modules, "mujoco" if has_mujoco else "", wrappers)


@check(
    CODE,
    NAME,
    Group.MACHINE,
    faults=("versions-broken-together", "versions-broken-elsewhere", "version-advisory"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare the installed versions with the known defects."""
    yield from find_advisories(machine.version, subject_of(context))
    versions = machine.versions()
    shown = ("torch", "stable-baselines3", "gymnasium", "gymnasium-robotics", "mujoco")
    return ", ".join(f"{name} {versions[name]}" for name in shown if versions[name])
