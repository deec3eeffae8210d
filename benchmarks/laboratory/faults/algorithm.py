"""Bugs in the algorithm's code; :class:`benchmarks.laboratory.interface.Faults` says what each knob means."""

from __future__ import annotations

from benchmarks.laboratory.faults.fault import MOST, PART, WHOLE, Knob, LabFault, Site, continuous, long, puts

_DIRECTION = ("update-direction-wrong", "advantages-miscomputed")
_MISCOMPUTED = ("advantages-miscomputed", "plateau-below-target")
_MISMATCH = ("rollout-update-mismatch", "updates-too-aggressive")
_SMALL = ("updates-too-small", "plateau-below-target")


def _ends(site: Site) -> bool:
    return site.world.horizon > 1


FAULTS = (
    LabFault(
        "advantage-sign",
        "The advantages have the wrong sign: good actions are made less likely.",
        ("update-direction-wrong",),
        puts("advantage_sign"),
        MOST,
        source="RLMutation, incorrect loss function",
    ),
    LabFault(
        "advantages-shuffled",
        "Advantages belong to other steps than their actions (an index bug).",
        _DIRECTION,
        puts("advantages_shuffled"),
        MOST,
    ),
    LabFault(
        "advantages-shifted",
        "Advantages belong to the action so many steps earlier.",
        _DIRECTION,
        puts("advantages_shifted"),
        Knob(1, 10, log=True, whole=True),
    ),
    LabFault(
        "advantages-noisy",
        "Noise is added to the advantages, in their own standard deviations.",
        _DIRECTION,
        puts("advantages_noisy"),
        Knob(1, 30, log=True),
    ),
    LabFault(
        "gae-ignores-dones",
        "Advantages run across the ends of episodes; PPO copes with it on some tasks.",
        _MISCOMPUTED,
        puts("gae_ignores_ends"),
        PART,
        source="RLMutation, missing terminal state",
    ),
    LabFault(
        "gae-without-bootstrap",
        "The value of the next state is left out of the advantage.",
        _MISCOMPUTED,
        puts("gae_no_bootstrap"),
        PART,
        only=_ends,
    ),
    LabFault(
        "gae-forward",
        "The loop over time runs forward.",
        _MISCOMPUTED,
        puts("gae_forward"),
        PART,
        only=_ends,
        source="RLMutation, no reverse",
    ),
    LabFault(
        "terminal-missing",
        "True ends of episodes are taken for time limits: the value goes on beyond them.",
        _MISCOMPUTED,
        puts("terminal_missing"),
        PART,
        only=lambda site: site.world.ends,
        source="RLMutation, missing terminal state",
    ),
    LabFault(
        "reward-on-wrong-step",
        "Rewards are stored this many steps late.",
        ("advantages-miscomputed", "reward-uninformative"),
        puts("rewards_shifted"),
        Knob(1, 10, log=True, whole=True),
    ),
    LabFault(
        "critic-frozen",
        "The critic's weights hardly change: this share of each step is left out.",
        ("critic-not-learning",),
        puts("critic_frozen"),
        Knob(0.97, 1.02, most=1.0),
    ),
    LabFault(
        "policy-frozen",
        "The policy's weights hardly change: this share of each step is left out.",
        ("updates-too-small",),
        puts("policy_frozen"),
        Knob(0.97, 1.02, most=1.0),
    ),
    LabFault(
        "hidden-layers-frozen",
        "The policy's hidden layers never change.",
        _SMALL,
        puts("last_layer_only"),
        WHOLE,
    ),
    LabFault(
        "std-frozen",
        "The policy's standard deviation stays at its start, where this is its logarithm.",
        ("entropy-too-high", "plateau-below-target"),
        puts("log_std_init", std_frozen=1.0),
        Knob(0.5, 2.0),
        only=continuous,
    ),
    LabFault(
        "rate-stops",
        "The learning rate is 0 for this last share of the training.",
        _SMALL,
        puts("rate_stops"),
        Knob(0.5, 0.97),
    ),
    LabFault(
        "rate-explodes",
        "From the middle of the training on the learning rate is so many times as high.",
        ("learning-rate-too-high", "performance-collapse", "updates-too-aggressive"),
        puts("rate_explodes"),
        Knob(20, 300, log=True),
    ),
    LabFault(
        "stale-data",
        "Updates use the first rollout again.",
        ("stale-data-reused", "update-direction-wrong", "updates-too-aggressive"),
        puts("stale_data"),
        MOST,
        source="RLMutation, missing state update",
    ),
    LabFault(
        "stale-policy",
        "The policy that collects is renewed at every so manieth update only.",
        ("rollout-update-mismatch", "updates-too-aggressive", "stale-data-reused"),
        puts("stale_policy"),
        Knob(2, 20, log=True, whole=True),
    ),
    LabFault(
        "update-noise",
        "Noise is added to the policy's weights at each update, in standard deviations of each matrix.",
        ("updates-too-aggressive", "learning-rate-too-high", "plateau-below-target"),
        puts("update_noise"),
        Knob(0.03, 1.0, log=True),
    ),
    LabFault(
        "stored-action-clipped",
        "The rollout keeps the clipped action with the probability of the one that was drawn.",
        _MISMATCH,
        puts("stored_action_clipped"),
        PART,
        only=continuous,
    ),
    LabFault(
        "log-probability-off",
        "The rollout keeps another log-probability than that of its action.",
        _MISMATCH,
        puts("log_prob_off"),
        MOST,
    ),
    LabFault(
        "log-probability-of-another",
        "The rollout keeps the log-probability of another action that was drawn.",
        _MISMATCH,
        puts("log_prob_other"),
        PART,
    ),
    LabFault(
        "observation-of-step-before",
        "The rollout keeps the observation of the step before.",
        ("rollout-update-mismatch", "observations-uninformative", "updates-too-aggressive"),
        puts("observation_lagged"),
        PART,
        only=_ends,
        source="RLMutation, missing state update",
    ),
    LabFault(
        "dropout-in-update",
        "Dropout is on during the update and off in the rollout.",
        _MISMATCH,
        puts("dropout"),
        Knob(0.1, 0.8),
    ),
    LabFault(
        "objective-maximum",
        "The clipped objective takes the maximum in place of the minimum.",
        ("updates-too-aggressive", "learning-rate-too-high"),
        puts("objective_max"),
        MOST,
        source="RLMutation, incorrect loss function",
    ),
    LabFault(
        "ratio-inverted",
        "The ratio of probabilities is upside down.",
        ("update-direction-wrong",),
        puts("ratio_inverted"),
        MOST,
        source="RLMutation, incorrect loss function",
    ),
    LabFault(
        "value-loss-sign",
        "The critic's loss has the wrong sign.",
        ("critic-not-learning", "critic-diverges"),
        puts("value_sign"),
        MOST,
        source="RLMutation, incorrect loss function",
    ),
    LabFault(
        "value-target-reward",
        "The critic learns the reward in place of the return.",
        ("critic-not-learning", "advantages-miscomputed"),
        puts("value_target_reward"),
        PART,
        only=long,
    ),
    LabFault(
        "minibatch-repeated",
        "Minibatches are the rollout's first samples again.",
        ("updates-too-aggressive", "stale-data-reused", "plateau-below-target"),
        puts("minibatch_repeated"),
        MOST,
    ),
    LabFault(
        "weights-huge",
        "The initial weights of the hidden layers are so many times as large.",
        ("observations-unscaled", "plateau-below-target"),
        puts("init_gain"),
        Knob(10, 300, log=True),
    ),
    LabFault(
        "weights-reset",
        "The policy is initialised anew after this share of the training.",
        ("performance-collapse",),
        puts("weights_reset"),
        Knob(0.6, 0.95),
    ),
)
