"""Settings that are wrong for the task."""

from __future__ import annotations

from benchmarks.laboratory.faults.fault import Knob, LabFault, Numbers, Site, continuous, long, puts

_SMALL = ("updates-too-small",)
_LARGE = ("updates-too-aggressive", "learning-rate-too-high")


def _rate_high(knob: float, site: Site) -> Numbers:
    return {"learning_rate": max(knob, 5 * site.settings["learning_rate"])}


FAULTS = (
    LabFault(
        "learning-rate-high",
        "The learning rate is far too high: this one, or five times the healthy one if that is more.",
        ("learning-rate-too-high", "updates-too-aggressive", "policy-collapsed"),
        _rate_high,
        Knob(1e-2, 0.5, log=True),
    ),
    LabFault(
        "learning-rate-low",
        "The learning rate is so low that the policy hardly moves.",
        _SMALL,
        puts("learning_rate", learning_rate_linear=0.0),
        Knob(1e-8, 2e-5, log=True),
    ),
    LabFault(
        "clip-range-high",
        "The clip range is so wide that nothing is clipped.",
        _LARGE,
        lambda knob, site: {
            "clip_range": knob,
            "clip_range_linear": 0.0,
            "learning_rate": max(3e-3, 2 * site.settings["learning_rate"]),
        },
        Knob(1.0, 10.0, log=True),
    ),
    LabFault(
        "clip-range-low",
        "The clip range is so narrow that the policy hardly moves.",
        _SMALL,
        puts("clip_range"),
        Knob(1e-6, 2e-3, log=True),
    ),
    LabFault(
        "epochs-many",
        "Far too many passes over each rollout.",
        _LARGE,
        lambda knob, site: {"n_epochs": knob, "learning_rate": max(3e-3, site.settings["learning_rate"])},
        Knob(40, 100, whole=True),
        only=lambda site: bool(site.settings.get("costly", 0.0)),
    ),
    LabFault(
        "batch-small",
        "Minibatches of a few samples: the gradient is mostly noise. The size is that of the whole batch of trainings.",
        _LARGE,
        lambda knob, site: {},
        only=lambda site: site.settings["batch_size"] <= 8,
    ),
    LabFault(
        "gamma-zero",
        "The discount factor makes the agent blind to the future.",
        ("reward-misaligned", "plateau-below-target", "critic-not-learning"),
        puts("gamma"),
        Knob(-0.2, 0.6),
        only=long,
    ),
    LabFault(
        "gamma-one",
        "The future is not discounted at all.",
        ("plateau-below-target", "critic-not-learning", "advantages-miscomputed"),
        puts("gamma"),
        only=long,
        source="RLMutation, no discount factor",
    ),
    LabFault(
        "lambda-zero",
        "GAE's lambda is so small that advantages are one-step errors of the critic.",
        ("plateau-below-target", "advantages-miscomputed"),
        puts("gae_lambda"),
        Knob(-0.2, 0.3),
        only=long,
    ),
    LabFault(
        "entropy-bonus-high",
        "The entropy bonus outweighs the reward: the policy is paid for being random.",
        ("entropy-too-high",),
        puts("ent_coef"),
        Knob(0.1, 10.0, log=True),
    ),
    LabFault(
        "entropy-bonus-negative",
        "The entropy bonus has the wrong sign and this size: the policy is paid for being certain.",
        ("policy-collapsed",),
        lambda knob, site: {"ent_coef": -knob},
        Knob(0.1, 3.0, log=True),
    ),
    LabFault(
        "value-loss-ignored",
        "The critic is not trained (vf_coef 0).",
        ("critic-not-learning",),
        lambda knob, site: {"vf_coef": 0.0},
    ),
    LabFault(
        "gradient-clipped-away",
        "max_grad_norm is so small that gradients vanish.",
        _SMALL,
        puts("max_grad_norm"),
        Knob(1e-9, 3e-5, log=True),
    ),
    LabFault(
        "adam-epsilon-high",
        "Adam's epsilon is so large that steps vanish.",
        _SMALL,
        puts("adam_eps"),
        Knob(3.0, 1e4, log=True),
    ),
    LabFault(
        "target-kl-tiny",
        "target_kl is so small that updates stop after a minibatch or two.",
        _SMALL,
        puts("target_kl"),
        Knob(1e-7, 3e-5, log=True),
    ),
    LabFault(
        "exploration-dead",
        "The initial standard deviation is so small that the policy never explores; the knob is its logarithm.",
        ("policy-collapsed",),
        puts("log_std_init"),
        Knob(-6.0, -2.5),
        only=continuous,
    ),
    LabFault(
        "exploration-wild",
        "The initial standard deviation is so large that every action is saturated noise; the knob is its logarithm.",
        ("entropy-too-high",),
        puts("log_std_init"),
        Knob(1.5, 5.0),
        only=continuous,
    ),
    LabFault(
        "advantages-unnormalised",
        "Advantages are not normalised: the scale of the reward becomes the size of the step.",
        ("updates-too-small", "reward-scale-too-small", "reward-scale-too-large"),
        lambda knob, site: {"normalize_advantage": 0.0},
    ),
    LabFault(
        "optimizer-sgd",
        "Plain SGD with a learning rate made for Adam.",
        _SMALL,
        puts("sgd"),
        source="RLMutation, policy optimizer change",
    ),
    LabFault(
        "activation-changed",
        "ReLU in place of tanh; PPO copes with it.",
        (),
        puts("relu"),
        source="RLMutation, policy activation change",
    ),
)
