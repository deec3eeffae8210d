"""What people call things in lines that they print themselves, as the names of ``checks/tags/plain.toml``.

A name is its words: ``avg_ep_reward``, ``mean episode return`` and ``Average Score`` are all the return of an episode.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

_RETURN = frozenset(("reward", "rewards", "return", "returns", "score", "scores", "rew", "rews", "ret"))
_LENGTH = frozenset(("length", "len", "lengths", "duration"))
_SUCCESS = frozenset(("success", "successes", "win", "solved"))
# What may stand beside: whose, and over how many episodes. A maximum or the best so far is none of them.
_EPISODE = frozenset(
    ("episode", "episodes", "ep", "eps", "episodic", "train", "training", "total", "cumulative", "sum")
)
_MEAN = frozenset(("mean", "average", "avg", "running", "moving", "rolling", "smoothed", "recent", "ma"))
_RATE = frozenset(("rate", "ratio", "fraction"))
_EVALUATION = frozenset(("eval", "evaluation", "test", "val", "validation", "testing"))
_OTHERS: Mapping[str, tuple[str, ...]] = {
    "policy_loss": ("policy_loss", "actor_loss", "pi_loss", "pg_loss", "loss_pi", "loss_policy", "loss_actor"),
    "value_loss": ("value_loss", "critic_loss", "vf_loss", "v_loss", "loss_v", "loss_value", "loss_critic"),
    "loss": ("loss", "total_loss", "avg_loss", "average_loss", "mean_loss", "train_loss", "loss_mean"),
    "entropy": ("entropy", "policy_entropy", "mean_entropy", "avg_entropy"),
    "approx_kl": ("approx_kl", "kl", "mean_kl", "avg_kl", "kl_div", "approxkl"),
    "clip_fraction": ("clip_fraction", "clipfrac", "clip_frac"),
    "explained_variance": ("explained_variance", "explained_var", "exp_var", "ev"),
    "learning_rate": ("learning_rate", "lr"),
    "epsilon": ("epsilon", "eps", "e", "exploration", "exploration_rate", "explore_rate"),
    "ent_coef": ("ent_coef", "alpha", "temperature"),
    "std": ("std", "action_std", "mean_std"),
    "fps": ("fps", "sps", "steps_per_second"),
}
_KNOWN = {name: tag for tag, names in _OTHERS.items() for name in names}


def renamed(names: Collection[str]) -> dict[str, str]:
    """Return what the names of one loop are called in a table of metrics, without those that nothing is known of.

    Of several that are returns of an episode the one that is a mean is taken, and otherwise the first one.
    """
    found = {name: tag for name in names if (tag := _tag(name))}
    kept: dict[str, str] = {}
    for name in sorted(found, key=lambda name: _is_mean(name), reverse=True):
        if found[name] not in kept.values():
            kept[name] = found[name]
    return kept


def _is_mean(name: str) -> bool:
    return not _MEAN.isdisjoint(name.split("_"))


def _tag(name: str) -> str:
    words = {word for word in name.split("_") if not word.isdecimal()}
    beside = _EPISODE | _MEAN
    evaluated = bool(words & _EVALUATION)
    words -= _EVALUATION
    for core, tag in ((_RETURN, "episode_return"), (_LENGTH, "episode_length"), (_SUCCESS, "success_rate")):
        if words & core and words - core <= (beside | _RATE if core is _SUCCESS else beside):
            # A length alone may be that of anything, such as a buffer.
            alone = core is _LENGTH and not words & beside
            return "" if alone else tag.replace("episode", "evaluation") if evaluated else tag
    return _KNOWN.get(name, "") if not evaluated else ""
