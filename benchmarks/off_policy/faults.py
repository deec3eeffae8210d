"""The faults: each turns some knobs of a healthy training, and says which causes are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.off_policy.knobs import Knobs
from benchmarks.off_policy.train import Recipe

Turned = Mapping[str, float]
_CONTINUOUS, _NOISY, _DISCRETE = ("SAC", "TD3", "DDPG"), ("TD3", "DDPG"), ("DQN",)
_ENDS = ("cartpole", "balance", "lander", "lander-continuous", "grid")


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: Of what is done, not of its cause.
        right: The causes that a report may name, best first; none where what is done does no harm by itself.
        severities: Name to knobs and their values, the mildest first; ``steps`` of a value stands for the training's.
        algorithms: Those that can have it; all where empty.
        tasks: Tasks that can have it; all where empty.
        her: Whether it needs HerReplayBuffer; ``None`` for no matter.
    """

    name: str
    right: tuple[str, ...]
    severities: Mapping[str, Turned]
    algorithms: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    her: bool | None = None

    def fits(self, recipe: Recipe) -> bool:
        return (
            (not self.algorithms or recipe.algorithm in self.algorithms)
            and (not self.tasks or recipe.task in self.tasks)
            and (self.her is None or self.her == recipe.her)
        )

    def applied(self, severity: str, knobs: Knobs, recipe: Recipe) -> Knobs:
        """Return the knobs with the fault; shares of a training become steps."""
        turned: dict[str, Any] = dict(self.severities[severity])
        for name in ("learning_starts", "stops_storing", "reward_nan_after"):
            if name in turned:
                turned[name] = float(round(turned[name] * recipe.steps))
        return replace(knobs, **turned)


def _by(name: str, **values: float) -> dict[str, Turned]:
    return {severity: {name: value} for severity, value in values.items()}


FAULTS: tuple[Fault, ...] = (
    Fault("learning-rate-high", ("learning-rate-too-high", "critic-diverges"), _by("learning_rate", mild=2e-2, full=0.1, strong=1.0)),
    Fault("learning-rate-low", ("updates-too-small",), _by("learning_rate", mild=1e-5, full=1e-7)),
    Fault("target-at-once", ("target-network-too-fast", "values-overestimated", "critic-diverges"), _by("tau", full=1.0), _CONTINUOUS),
    Fault("target-each-step", ("target-network-too-fast", "values-overestimated", "critic-diverges"), _by("target_interval", full=1), _DISCRETE),
    Fault("target-frozen", ("target-network-frozen",), _by("tau", mild=1e-4, full=0.0), _CONTINUOUS),
    Fault("target-never", ("target-network-frozen",), _by("target_interval", full=1e8), _DISCRETE),
    Fault("replay-small", ("replay-too-small",), _by("buffer_size", mild=300, full=100, strong=32), her=False),
    Fault("replay-stops-storing", ("replay-corrupted",), _by("stops_storing", mild=0.25, full=0.08)),
    Fault("replay-next-is-now", ("replay-corrupted",), _by("next_is_now", full=1.0)),
    Fault("replay-rewards-mixed", ("replay-corrupted",), _by("rewards_mixed", mild=0.5, full=1.0)),
    Fault("updates-few", ("updates-too-few",), _by("update_every", mild=50, full=200)),
    Fault("updates-many", ("updates-too-many", "values-overestimated", "critic-diverges"), _by("updates", full=8), ("TD3", "DDPG", "DQN")),
    Fault("learning-starts-late", ("learning-starts-too-late",), _by("learning_starts", mild=0.75, full=0.95, strong=1.5)),
    Fault("terminals-bootstrapped", ("terminals-bootstrapped",), _by("never_terminal", full=1.0), tasks=_ENDS),
    Fault("timeouts-terminal", (), _by("timeouts_terminal", full=1.0), her=False),
    Fault("reward-times-large", ("reward-scale-too-large", "critic-diverges"), _by("reward_scale", mild=1e2, full=1e4, strong=1e6)),
    Fault("reward-times-small", ("reward-scale-too-small",), _by("reward_scale", mild=1e-3, full=1e-5)),
    Fault("reward-constant", ("reward-uninformative",), {"full": {"reward_scale": 0.0}}),
    Fault("reward-inverted", ("reward-misaligned",), _by("reward_scale", full=-1.0), her=False),
    Fault("reward-random", ("reward-uninformative",), _by("reward_random", full=1.0), her=False),
    Fault("temperature-high", ("entropy-too-high",), _by("ent_coef", mild=2.0, full=10.0, strong=100.0), ("SAC",)),
    Fault("temperature-dead", ("temperature-dead",), {"full": {"temperature_moves": 0.0, "temperature_start": 1e-8}}, ("SAC",)),
    Fault("temperature-runs-away", ("temperature-runaway",), _by("entropy_above", mild=1.7, full=4.0), ("SAC",)),
    Fault("exploration-stays-random", ("exploration-never-ends",), {"mild": {"exploration_final": 0.6}, "full": {"exploration_final": 1.0}, "slow": {"exploration_fraction": 3.0}}, _DISCRETE),
    Fault("exploration-ends-at-once", ("exploration-ends-at-once",), {"full": {"exploration_initial": 0.0, "exploration_final": 0.0, "learning_starts": 0.005}}, _DISCRETE),
    Fault("noise-large", ("exploration-never-ends",), _by("noise", mild=1.5, full=5.0), _NOISY),
    Fault("noise-zero", ("exploration-ends-at-once",), {"full": {"noise": 0.0, "learning_starts": 0.005}}, _NOISY),
    Fault("actions-small", ("action-scale-wrong", "actions-without-effect"), _by("action_scale", mild=0.1, full=0.01), _CONTINUOUS),
    Fault("actions-bounds-wide", ("action-scale-wrong",), _by("action_gain", mild=10.0, full=100.0), _CONTINUOUS),
    Fault("actions-ignored", ("actions-without-effect",), _by("actions_ignored", full=1.0)),
    Fault("observations-constant", ("observations-uninformative",), _by("observation_scale", full=0.0), her=False),
    Fault("observations-times-large", ("observations-unscaled",), _by("observation_scale", mild=1e2, full=1e4)),
    Fault("observations-noisy", ("observations-uninformative",), _by("observation_noise", mild=1.0, full=5.0), her=False),
    Fault("goal-not-observed", ("goal-not-observed",), _by("goal_hidden", full=1.0), tasks=("reach", "reach-sparse")),
    Fault("her-reward-constant", ("her-reward-wrong",), {"full": {"relabel_scale": 0.0, "relabel_shift": -1.0}}, her=True),
    Fault("her-reward-inverted", ("her-reward-wrong",), {"full": {"relabel_scale": -1.0, "relabel_shift": -1.0}}, her=True),
    Fault("her-left-out", ("her-without-goals", "sparse-reward"), _by("relabelled", full=0.0), her=True),
    Fault("values-optimistic", ("values-overestimated", "critic-diverges"), _by("optimism", mild=0.3, full=1.0)),
    Fault("critic-not-trained", ("critic-not-learning",), _by("critic_moves", full=0.0)),
    Fault("actor-not-trained", ("updates-too-small",), _by("actor_moves", full=0.0), _CONTINUOUS),
    Fault("actor-descends", ("update-direction-wrong",), _by("actor_moves", full=-1.0), _CONTINUOUS),
    Fault("rewards-not-a-number", ("non-finite-values",), _by("reward_nan_after", full=0.5)),
    Fault("resumed-without-buffer", ("resumed-without-buffer",), _by("resumed_at", full=0.6)),
    Fault("rate-jumps-at-resume", ("rate-jumps-at-resume",), {"full": {"rate_jumps_at": 0.6, "learning_rate": 5e-3, "learning_rate_linear": 1.0}}),
    Fault("evaluation-normalised", ("evaluation-differs",), _by("evaluation_scale", full=0.02)),
)  # fmt: skip
BY_NAME = {fault.name: fault for fault in FAULTS}
