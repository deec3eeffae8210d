"""Observations that do not show what the agent needs to see."""

from __future__ import annotations

from benchmarks.laboratory.faults.fault import MOST, PART, Knob, LabFault, Site, has_goal, puts, several

_BLIND = ("observations-uninformative", "plateau-below-target")


def _raw(site: Site) -> bool:
    """Whether nothing puts the observations into one scale afterwards."""
    return not site.settings["normalize_observation"]


FAULTS = (
    LabFault(
        "goal-hidden",
        "The policy does not see the goal.",
        ("goal-not-observed",),
        puts("goal_hidden"),
        only=has_goal,
    ),
    LabFault(
        "goal-stale",
        "The policy sees the goal of the very first episode for ever.",
        ("goal-not-observed",),
        puts("goal_stale"),
        only=has_goal,
    ),
    LabFault(
        "observations-frozen",
        "With this probability the first observation of all is shown.",
        ("observations-uninformative",),
        puts("obs_frozen"),
        MOST,
        source="RLMutation, random",
    ),
    LabFault(
        "observations-delayed",
        "Observations arrive so many steps late.",
        # A delay between action and observation looks the same on either side.
        ("observations-uninformative", "actions-without-effect", "plateau-below-target"),
        puts("obs_delay"),
        Knob(2, 30, log=True, whole=True),
        only=lambda site: site.world.horizon > 1,
    ),
    LabFault(
        "observations-shuffled",
        "With this probability the entries of an observation change places.",
        ("observations-uninformative",),
        puts("obs_shuffled"),
        PART,
    ),
    LabFault(
        "observations-noisy",
        "Noise drowns the observations; the knob is its size in standard deviations of each entry.",
        _BLIND,
        puts("obs_noise"),
        Knob(0.5, 30, log=True),
        source="RLMutation, noise",
    ),
    LabFault(
        "observations-unscaled",
        "Observations come in a unit that makes them huge; the knob is the factor.",
        ("observations-unscaled",),
        puts("obs_factor"),
        Knob(30, 1e5, log=True),
        only=_raw,
    ),
    LabFault(
        "observations-tiny",
        "Observations come in a unit that makes them vanish; the knob is the factor.",
        ("observations-unscaled", "observations-uninformative"),
        puts("obs_factor"),
        Knob(1e-6, 3e-2, log=True),
        only=_raw,
    ),
    LabFault(
        "observations-nan",
        "From this share of the training on the observation is NaN.",
        ("non-finite-values",),
        puts("obs_nan_from"),
        Knob(0.15, 0.9),
    ),
    LabFault(
        "observations-hidden",
        "This share of the entries is always 0 (a velocity that was forgotten).",
        _BLIND,
        puts("obs_hidden"),
        Knob(0.25, 0.9),
        only=lambda site: site.world.observation_size > 1,
    ),
    LabFault(
        "observations-crossed",
        "With this probability an environment gets the observation of the next one.",
        ("observations-uninformative",),
        puts("obs_crossed"),
        PART,
        only=several,
        source="RLMutation, mangled",
    ),
    LabFault(
        "observations-repeated",
        "With this probability the last observation is shown again.",
        _BLIND,
        puts("obs_repeated"),
        Knob(0.3, 0.95),
        only=lambda site: site.world.horizon > 1,
        source="RLMutation, repeat",
    ),
    LabFault(
        "observations-clipped",
        "Entries are clipped at this many standard deviations from 0.",
        _BLIND,
        puts("obs_clip"),
        Knob(1e-3, 0.3, log=True),
    ),
)
