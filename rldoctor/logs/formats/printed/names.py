"""What people call things in lines that they print themselves, as the names of ``checks/tags/plain.toml``.

A name is its words: ``avg_ep_reward``, ``mean episode return`` and ``Average Score`` are all the return of an episode.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

OTHER = "other/"
"""Before the name of what is no return, although tables may call one so."""
_RETURN = frozenset(("reward", "rewards", "return", "returns", "score", "scores", "rew", "rews", "ret"))
_REWARD = frozenset(("reward", "rewards", "rew", "rews"))
_SCORE = frozenset(("score", "scores"))
_LENGTH = frozenset(("length", "len", "lengths", "duration"))
_SUCCESS = frozenset(("success", "successes", "win", "solved"))
# What may stand beside: whose, and over how many episodes. A maximum or the best so far is none of them.
_EPISODE = frozenset(
    ("episode", "episodes", "ep", "eps", "episodic", "train", "training", "total", "cumulative", "sum")
)
_WHOLE = frozenset(("episode", "episodes", "ep", "episodic", "total", "cumulative", "sum"))
_EPISODES = frozenset(("episode", "episodes", "ep", "eps", "episodic"))
_MEAN = frozenset(("mean", "average", "avg", "running", "moving", "rolling", "smoothed", "recent", "ma"))
_RATE = frozenset(("rate", "ratio", "fraction"))
_ARTICLES = frozenset(("the", "a", "current"))
_EVALUATION = frozenset(("eval", "evaluation", "test", "val", "validation", "testing"))
# Words by which a loop shows that it learns by reinforcement.
_OF_LEARNING = _REWARD | frozenset(
    [
        *("episode", "episodes", "ep", "episodic", "eps", "epsilon"),
        *("timestep", "timesteps", "env", "global", "kl", "entropy"),
    ]
)
# Of whom and of what programs speak that pay rewards: shops, games of many players, advertising, block chains.
_BUSINESS = frozenset(
    [
        *("customer", "customers", "user", "users", "uid", "account", "invoice", "coupon", "referral"),
        *("impressions", "clicks", "ctr", "campaign", "conversions", "validator", "validators", "slot", "slots"),
        *("attestation", "attestations", "stake", "staked", "staking", "apy", "apr", "txs", "payout", "payouts"),
    ]
)
# A name that stands in fewer than a fifth of the rows of another is of a summary. Ours.
_FEW = 5
_OTHERS: Mapping[str, tuple[str, ...]] = {
    "policy_loss": ("policy_loss", "actor_loss", "pi_loss", "pg_loss", "loss_pi", "loss_policy", "loss_actor"),
    "value_loss": ("value_loss", "critic_loss", "vf_loss", "v_loss", "loss_v", "loss_value", "loss_critic"),
    "loss": ("loss", "total_loss", "avg_loss", "average_loss", "mean_loss", "train_loss", "loss_mean"),
    "entropy": ("entropy", "policy_entropy", "mean_entropy", "avg_entropy"),
    "approx_kl": ("approx_kl", "kl", "mean_kl", "avg_kl", "kl_div", "approxkl"),
    "clip_fraction": ("clip_fraction", "clipfrac", "clip_frac"),
    "explained_variance": ("explained_variance", "explained_var", "exp_var", "ev"),
    "learning_rate": ("learning_rate", "lr"),
    "epsilon": ("epsilon", "eps", "e", "exploration", "exploration_rate", "explore_rate", "ε"),
    "ent_coef": ("ent_coef", "alpha", "temperature"),
    "std": ("std", "action_std", "mean_std"),
    "fps": ("fps", "sps", "steps_per_second"),
}
_KNOWN = {name: tag for tag, names in _OTHERS.items() for name in names}


def renamed(rows: Sequence[Mapping[str, object]], but: str = "") -> dict[str, str]:
    """Return what the names of one loop are called in a table of metrics, without those that nothing is known of.

    Of several that are returns of an episode, one that says so or is a mean of them is taken. What stands in few rows,
    as in those of a summary, is not.

    Args:
        rows: What the loop printed, a row for each line.
        but: A name that is the step.
    """
    counts: dict[str, int] = {}
    for row in rows:
        for name in row:
            counts[name] = counts.get(name, 0) + 1
    words = {word for name in counts for word in name.split("_")}
    found = {name: tag for name in counts if name != but and (tag := _tag(name, bool(words & _OF_LEARNING)))}
    kept: dict[str, str] = {}
    for name in sorted(found, key=_rank, reverse=True):
        most = max(counts[other] for other in found if found[other] == found[name])
        if found[name] not in kept.values() and counts[name] * _FEW >= most:
            kept[name] = found[name]
    # Tables may call a return by such a name; here it is known to be none, or there is a better one.
    outcomes = _RETURN | _LENGTH | _SUCCESS
    others = (name for name in counts if name not in kept and name != but and outcomes & set(name.split("_")))
    return kept | {name: f"{OTHER}{name}" for name in others}


def is_of_episodes(name: str) -> bool:
    """Return whether a name says that it is of an episode, or a mean: prizes of a shop or a game are rewards, too."""
    return bool(set(name.split("_")) & (_EPISODES | _MEAN))


def is_of_business(names: Collection[str]) -> bool:
    """Return whether the names beside a reward are those of a program that pays it out, and none is of an episode."""
    words = {word for name in names for word in name.split("_")}
    return bool(words & _BUSINESS) and not words & _EPISODES


def _rank(name: str) -> int:
    """Return how surely a name is a return: a mean over episodes, then one of an episode, then any mean."""
    words = set(name.split("_"))
    of_episode, mean = bool(words & _WHOLE), bool(words & _MEAN)
    # The mean of a reward may be over the steps of one episode; that of a score is over episodes.
    return 3 if mean and (of_episode or words & _SCORE) else 2 if of_episode else int(mean)


def _tag(name: str, of_learning: bool) -> str:
    words = {word for word in name.split("_") if not word.isdecimal()} - _ARTICLES
    beside = _EPISODE | _MEAN
    evaluated = bool(words & _EVALUATION)
    words -= _EVALUATION
    for core, tag in ((_RETURN, "episode_return"), (_LENGTH, "episode_length"), (_SUCCESS, "success_rate")):
        if words & core and words - core <= (beside | _RATE if core is _SUCCESS else beside):
            # A score may be that of any model, and a return that of a share.
            if not (of_learning or words & _REWARD):
                return ""
            # A length alone may be that of anything, such as a buffer.
            alone = core is _LENGTH and not words & beside
            return "" if alone else tag.replace("episode", "evaluation") if evaluated else tag
    return _KNOWN.get(name, "") if not evaluated else ""
