"""Tasks that cannot be solved, or whose success nobody can see."""

from __future__ import annotations

from benchmarks.laboratory.faults.fault import Knob, LabFault, Numbers, Site, has_success, puts


def _short(knob: float, site: Site) -> Numbers:
    return {"limit": max(1.0, round(knob * site.world.horizon))}


FAULTS = (
    LabFault(
        "goal-unreachable",
        "The goal is out of reach by so many times the half of the space.",
        ("task-unreachable",),
        puts("goal_shift"),
        Knob(1.5, 10, log=True),
        only=lambda site: site.world.moves_goals,
    ),
    LabFault(
        "success-flag-dead",
        "No step reports success.",
        ("success-signal-broken",),
        puts("success_dead"),
        only=has_success,
        always_harms=True,
    ),
    LabFault(
        "success-flag-always",
        "Every step reports success.",
        ("success-signal-broken",),
        puts("success_always"),
        only=has_success,
        always_harms=True,
    ),
    LabFault(
        "horizon-short",
        "Episodes end after this share of the time that they need.",
        ("environment-misconfigured", "task-unreachable"),
        _short,
        Knob(0.02, 0.12, log=True),
        only=lambda site: has_success(site) and site.world.horizon > 1,
    ),
    LabFault(
        "time-limit-as-end",
        "This share of time limits is reported as a true end; PPO copes with it on short tasks.",
        (),
        puts("time_limit_terminal"),
        Knob(0.3, 1.0),
    ),
)
