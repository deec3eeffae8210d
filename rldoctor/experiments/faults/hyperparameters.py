"""Settings that are wrong for the task. The knob is the setting's value."""

from __future__ import annotations

from collections.abc import Callable

from rldoctor.experiments.faults.fault import Fault


def _set(*keys: str, **others: object) -> Callable[[float], tuple[str, ...]]:
    """Return the overrides that give every key the knob's value, and ``others`` theirs."""

    def overrides(value: float) -> tuple[str, ...]:
        number = f"{value:.10g}"
        return (*(f"{key}={number}" for key in keys), *(f"{key}={other}" for key, other in others.items()))

    return overrides


FAULTS = (
    Fault(
        "learning-rate-high",
        "The learning rate is far too high.",
        ("learning-rate-too-high", "updates-too-aggressive", "policy-collapsed"),
        {"mild": 1e-2, "strong": 3e-2, "extreme": 1e-1},
        settings=_set("learning_rate"),
    ),
    Fault(
        "learning-rate-low",
        "The learning rate is so low that the policy hardly moves.",
        ("updates-too-small",),
        {"mild": 1e-5, "strong": 1e-6, "zero": 0.0},
        settings=_set("learning_rate", learning_rate_schedule="constant"),
    ),
    Fault(
        "clip-range-high",
        "The clip range is so wide that nothing is clipped.",
        ("updates-too-aggressive", "learning-rate-too-high"),
        {"mild": 1.0, "strong": 10.0},
        settings=_set("clip_range", learning_rate=3e-3),
    ),
    Fault(
        "clip-range-low",
        "The clip range is so narrow that the policy hardly moves.",
        ("updates-too-small",),
        {"mild": 0.001, "strong": 0.0},
        settings=_set("clip_range"),
    ),
    Fault(
        "epochs-many",
        "Far too many passes over each rollout.",
        ("updates-too-aggressive", "learning-rate-too-high"),
        {"mild": 60, "strong": 100},
        settings=_set("n_epochs", learning_rate=1e-3, batch_size=64),
    ),
    Fault(
        "batch-small",
        "Minibatches of a few samples: the gradient is mostly noise.",
        ("updates-too-aggressive", "learning-rate-too-high"),
        {"mild": 16, "strong": 4},
        settings=_set("batch_size"),
    ),
    Fault(
        "gamma-zero",
        "The discount factor makes the agent blind to the future.",
        ("reward-misaligned", "plateau-below-target", "critic-not-learning"),
        {"mild": 0.5, "strong": 0.0},
        settings=_set("gamma"),
    ),
    Fault(
        "entropy-bonus-high",
        "The entropy bonus outweighs the reward: the policy is paid for being random.",
        ("entropy-too-high",),
        {"mild": 0.1, "strong": 1.0},
        settings=_set("ent_coef"),
    ),
    Fault(
        "value-loss-ignored",
        "The critic is not trained (vf_coef 0).",
        ("critic-not-learning",),
        {"full": 0.0},
        settings=_set("vf_coef"),
    ),
    Fault(
        "gradient-clipped-away",
        "max_grad_norm is so small that gradients vanish.",
        ("updates-too-small",),
        {"mild": 1e-5, "strong": 1e-8},
        settings=_set("max_grad_norm"),
    ),
    Fault(
        "exploration-dead",
        "The initial standard deviation is so small that the policy never explores.",
        ("policy-collapsed",),
        {"mild": -3.0, "strong": -5.0},
        settings=_set("log_std_init"),
        only=("FetchReachDense-v4", "Pendulum-v1"),
    ),
    Fault(
        "exploration-wild",
        "The initial standard deviation is so large that every action is saturated noise.",
        ("entropy-too-high",),
        {"mild": 2.0, "strong": 4.0},
        settings=_set("log_std_init"),
        only=("FetchReachDense-v4", "Pendulum-v1"),
    ),
    Fault(
        "advantages-unnormalised",
        "Advantages are not normalised: the scale of the reward becomes the size of the step.",
        ("updates-too-small", "reward-scale-too-small", "reward-scale-too-large"),
        settings=lambda _: ("normalize_advantage=false",),
    ),
)
