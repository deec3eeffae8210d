"""Rewards that do not say what was meant."""

from __future__ import annotations

from benchmarks.laboratory.faults.fault import MOST, PART, Knob, LabFault, Numbers, Site, has_success, long, puts
from benchmarks.laboratory.knobs import spread

_NOISE = ("reward-uninformative",)


def _raw(site: Site) -> bool:
    """Whether nothing puts the rewards into one scale afterwards."""
    return not site.settings["normalize_reward"]


def _informative(site: Site) -> bool:
    """Whether the reward differs from step to step: where it does not, its end is what teaches."""
    return site.world.name not in ("cartpole", "acrobot-held", "reach-2d-sparse")


def _constant(knob: float, site: Site) -> Numbers:
    # Where episodes can end early, only a reward of 0 says nothing.
    value = 0.0 if site.world.ends else knob * spread(site.world)[1]
    return {"rew_constant": 1.0, "rew_value": value}


FAULTS = (
    LabFault(
        "reward-times-large",
        "The reward is multiplied by this large number.",
        ("reward-scale-too-large",),
        puts("rew_factor"),
        Knob(30, 1e5, log=True),
        only=_raw,
    ),
    LabFault(
        "reward-times-small",
        "The reward is multiplied by this tiny number.",
        ("reward-scale-too-small",),
        puts("rew_factor"),
        Knob(1e-7, 1e-2, log=True),
        only=_raw,
    ),
    LabFault(
        "reward-sign-flipped",
        "The reward has the wrong sign, and this size.",
        ("reward-misaligned",),
        puts("rew_factor"),
        Knob(-2.0, -0.5),
    ),
    LabFault(
        "reward-constant",
        "The reward is the same at every step; the knob is its value in standard deviations (0 where episodes can end).",
        _NOISE,
        _constant,
        Knob(-2.0, 2.0),
        only=_informative,
    ),
    LabFault(
        "reward-noise",
        "Noise far larger than the signal is added to each reward; the knob is its size in standard deviations.",
        _NOISE,
        puts("rew_noise"),
        Knob(3, 300, log=True),
        source="RLMutation, noise",
    ),
    LabFault(
        "reward-random",
        "With this probability the reward is noise that has nothing to do with the task.",
        _NOISE,
        puts("rew_random"),
        MOST,
        source="RLMutation, random",
    ),
    LabFault(
        "reward-delayed",
        "Each reward arrives so many steps late; what is owed at the end of an episode is lost.",
        ("reward-uninformative", "plateau-below-target"),
        puts("rew_delay"),
        Knob(5, 40, log=True, whole=True),
        only=long,
    ),
    LabFault(
        "reward-clipped",
        "The reward is clipped so that nearly all of it is the bound; the knob is the bound in standard deviations.",
        ("reward-uninformative", "sparse-reward"),
        lambda knob, site: {"rew_low": -knob, "rew_high": knob},
        Knob(1e-3, 0.3, log=True),
        only=_informative,
    ),
    LabFault(
        "reward-sparse",
        "Minus one until success, nothing between (the sparse environment id given by mistake).",
        ("sparse-reward",),
        puts("rew_sparse"),
        only=lambda site: has_success(site) and site.world.name != "reach-2d-sparse",
    ),
    LabFault(
        "reward-flips-midway",
        "The reward changes its sign at this share of the training.",
        ("performance-collapse", "reward-misaligned"),
        puts("rew_flips_at"),
        Knob(0.3, 0.8),
    ),
    LabFault(
        "reward-crossed",
        "With this probability an environment gets the reward of the next one.",
        _NOISE,
        puts("rew_crossed"),
        MOST,
        only=lambda site: site.settings["n_envs"] > 1 and _informative(site),
        source="RLMutation, mangled",
    ),
    LabFault(
        "reward-end-lost",
        "This share of the rewards of an episode's last step is lost.",
        ("reward-misaligned", "sparse-reward", "plateau-below-target"),
        puts("rew_end_lost"),
        PART,
        only=lambda site: site.world.ends and _informative(site),
    ),
    LabFault(
        "reward-for-living",
        "So many standard deviations are added to each step's reward, where a success ends the episode.",
        ("reward-misaligned",),
        puts("rew_bonus"),
        Knob(2, 20, log=True),
        only=lambda site: site.world.ends and site.world.has_success,
    ),
    LabFault(
        "reward-for-effort",
        "The size of the action is paid, so many standard deviations for a whole one.",
        ("reward-misaligned",),
        puts("rew_for_effort"),
        Knob(3, 30, log=True),
        only=lambda site: site.continuous,
    ),
)
