"""Actions that do not do what the policy thinks."""

from __future__ import annotations

from benchmarks.laboratory.faults.fault import MOST, Knob, LabFault, Site, continuous, puts, several

_LOST = ("actions-without-effect",)
_PARTLY_LOST = ("actions-without-effect", "plateau-below-target")


def _several_entries(site: Site) -> bool:
    return site.continuous and site.world.action_size > 1


FAULTS = (
    LabFault(
        "actions-ignored",
        "With this probability the environment does nothing (discrete: anything) instead of the action.",
        _LOST,
        puts("act_ignored"),
        MOST,
    ),
    LabFault(
        "actions-tiny",
        "Actions reach the environment scaled down; the knob is the factor.",
        _LOST,
        puts("act_factor"),
        Knob(3e-3, 0.2, log=True),
        only=continuous,
    ),
    LabFault(
        "actions-shuffled",
        "With this probability the entries of an action change places.",
        _LOST,
        puts("act_shuffled"),
        MOST,
        only=_several_entries,
    ),
    LabFault(
        "actions-delayed",
        "Actions take effect so many steps late.",
        ("actions-without-effect", "observations-uninformative", "plateau-below-target"),
        puts("act_delay"),
        Knob(2, 30, log=True, whole=True),
    ),
    LabFault(
        "actions-saturated",
        "Actions are scaled up so that nearly all of them are at the bound; the knob is the factor.",
        ("plateau-below-target", "actions-without-effect"),
        puts("act_factor"),
        Knob(30, 1000, log=True),
        only=continuous,
    ),
    LabFault(
        "action-axis-inverted",
        "The first action entry has its sign flipped; PPO learns it anyway.",
        (),
        puts("act_inverted"),
        only=continuous,
    ),
    LabFault(
        "actions-crossed",
        "With this probability an environment does the action that was meant for the next one.",
        _LOST,
        puts("act_crossed"),
        MOST,
        only=several,
    ),
    LabFault(
        "actions-dead-axes",
        "This share of the action's entries does nothing.",
        _PARTLY_LOST,
        puts("act_dead"),
        Knob(0.2, 0.9),
        only=_several_entries,
    ),
    LabFault(
        "actions-noisy",
        "Noise is added to actions; the knob is its standard deviation, the bounds are -1 and 1.",
        _PARTLY_LOST,
        puts("act_noise"),
        Knob(0.5, 10, log=True),
        only=continuous,
    ),
    LabFault(
        "actions-repeated",
        "With this probability the last action is done again.",
        _PARTLY_LOST,
        puts("act_repeated"),
        Knob(0.5, 0.97),
    ),
)
