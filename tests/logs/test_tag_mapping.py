from __future__ import annotations

import re

import pytest

from rldoctor.errors import UsageError
from rldoctor.logs.frameworks import find_tag_mapping, identify, shipped_tag_mappings
from rldoctor.logs.tag_mapping import load_tag_mapping
from rldoctor.model import Aggregation
from rldoctor.rulebook import load_rulebook

CANONICAL = {
    "approx_kl",
    "clip_fraction",
    "clip_range",
    "clip_range_vf",
    "entropy",
    "episode_length",
    "episode_return",
    "evaluation_length",
    "evaluation_return",
    "evaluation_success_rate",
    "explained_variance",
    "learning_rate",
    "loss",
    "policy_loss",
    "std",
    "success_rate",
    "throughput",
    "value_loss",
}
GOOD = """
framework = "x"
title = "X"
step_axis = "env_steps"
source = "its manual"
identified_by = ["a/b"]
[tags."a/b"]
metric = "entropy"
sign = -1
scale = 2.0
aggregation = "mean"
"""


def names_named(framework):
    return next(names for names in shipped_tag_mappings() if names.framework == framework)


def meaning(names, tag):
    found = names.meaning(tag)
    return found.metric, found.factor, found.aggregation


def test_sb3_knows_every_canonical_metric():
    sb3 = names_named("sb3")
    assert {meaning.metric for meaning in sb3.tags.values()} >= CANONICAL
    assert meaning(sb3, "train/entropy_loss") == ("entropy", -1.0, Aggregation.MEAN)
    assert meaning(sb3, "train/loss") == ("loss", 1.0, Aggregation.LAST_MINIBATCH)
    assert meaning(sb3, "train/n_updates") == ("n_updates", 1.0, Aggregation.MEAN)
    assert sb3.meaning("time/total_timesteps") is None


@pytest.mark.parametrize("names", shipped_tag_mappings(), ids=lambda names: names.framework)
def test_every_dictionary_speaks_of_known_metrics_and_algorithms(names):
    book = load_rulebook()
    assert {meaning.metric for meaning in names.tags.values()} <= set(book.metrics)
    assert set(names.algorithms) <= set(book.algorithms)
    assert names.supplement or names.identified_by


def test_the_doctors_own_tags_are_known_by_their_prefix():
    doctor = names_named("doctor")
    assert doctor.supplement
    assert meaning(doctor, "doctor/gradient_norm") == ("gradient_norm", 1.0, Aggregation.MEAN)
    for tag in ("doctor/", "doctor/A b", "doctor/a\n", "doctor", "x/doctor/a"):
        assert doctor.meaning(tag) is None


def test_a_framework_is_recognised_by_its_own_words_only():
    known = shipped_tag_mappings()
    assert identify(["rollout/ep_rew_mean", "custom/x"], known).mapping.framework == "sb3"
    assert identify(["train/loss", "train/learning_rate", "train/value_loss"], known) is None
    assert identify(["doctor/x"], known) is None
    assert identify([], known) is None


def test_the_framework_that_knows_most_is_recognised_with_its_share():
    found = identify(["rollout/ep_rew_mean", "time/fps", "custom/x", "doctor/gradient_norm"], shipped_tag_mappings())
    assert (found.mapping.framework, found.known, found.logged, found.named) == ("sb3", 2, 3, False)
    named = identify(["custom/x"], shipped_tag_mappings(), find_tag_mapping("cleanrl"))
    assert (named.mapping.framework, named.known, named.logged, named.named) == ("cleanrl", 0, 1, True)


def test_a_framework_is_found_by_its_name_or_file(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(GOOD)
    assert find_tag_mapping(str(path)).title == "X"
    with pytest.raises(UsageError, match="Did you mean cleanrl"):
        find_tag_mapping("cleanrk")
    with pytest.raises(UsageError, match="cannot be read"):
        find_tag_mapping(str(tmp_path / "none.toml"))


def test_a_star_stands_for_one_part_of_a_tag():
    rllib = names_named("rllib")
    tag = "ray/tune/info/learner/{}/learner_stats/entropy"
    assert rllib.meaning(tag.format("default_policy")) == rllib.meaning(tag.format("two"))
    assert rllib.meaning(tag.format("two")).metric == "entropy"
    assert rllib.meaning(tag.format("a/b")) is None
    assert rllib.meaning(tag.format("")) is None
    assert rllib.fits([tag.format("x").replace("entropy", "vf_loss")])


@pytest.mark.parametrize(
    ("framework", "tags", "algorithm"),
    [
        ("sb3", ["train/clip_range", "train/approx_kl"], "ppo"),
        ("sb3", ["train/ent_coef", "train/actor_loss"], "sac"),
        ("sb3", ["train/actor_loss", "train/critic_loss"], "td3"),
        ("sb3", ["rollout/exploration_rate", "train/loss"], "dqn"),
        ("sb3", ["train/policy_loss", "train/value_loss"], "a2c"),
        ("sb3", ["train/kl_divergence_loss", "train/policy_objective"], "trpo"),
        ("sb3", ["rollout/ep_rew_mean"], ""),
        ("rllib", ["ray/tune/learners/p/mean_kl_loss"], "ppo"),
        ("rllib", ["ray/tune/learners/p/qf_loss"], "dqn"),
    ],
)
def test_the_algorithm_is_identified_by_its_tags(framework, tags, algorithm):
    assert names_named(framework).algorithm(tags) == algorithm


def test_a_good_file(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(GOOD)
    names = load_tag_mapping(path)
    assert meaning(names, "a/b") == ("entropy", -2.0, Aggregation.MEAN)
    assert names.identified_by == ("a/b",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title", "titel", "unknown key 'titel'. Did you mean title?"),
        ('title = "X"', "", "the key 'title' is missing"),
        ('"env_steps"', '"steps"', "step_axis = 'steps' is not known. Allowed: env_steps,"),
        ('framework = "x"', 'framework = "y"', "must be the name of the file, 'x'"),
        ("sign = -1", "sign = 0", "sign = 0 is not known. Allowed: 1, -1."),
        ("sign = -1", "sign = true", "sign = True must be a whole number"),
        ("scale = 2.0", "scale = -2.0", "scale = -2.0 must be a number above 0"),
        ("scale = 2.0", 'axis = "days"', "axis = 'days' is not known. Allowed: env_steps,"),
        ("scale = 2.0", 'unused = "none"', "unused = 'none' must be a number"),
        ("[tags", 'steps_from = "x"\n[tags', "steps_from = 'x' must be a list."),
        ("[tags", "[algorithms]\nppo = 1\n[tags", "algorithms.ppo = 1 must be a list"),
        ("scale = 2.0", "scale = nan", "scale = nan must be a number above 0"),
        ('"mean"', '"average"', "aggregation = 'average' is not known. Allowed: mean, mean-over-last-epoch,"),
        ('aggregation = "mean"', "", "the key 'tags.a/b.aggregation' is missing"),
        ('metric = "entropy"', 'metric = "En tropy"', "metric = 'En tropy' must be a name"),
        ('metric = "entropy"', 'metrik = "entropy"', "unknown key 'tags.a/b.metrik'. Did you mean metric?"),
        ('identified_by = ["a/b"]', 'identified_by = ["c"]', "identified_by has 'c', which is not in [tags]"),
        ('identified_by = ["a/b"]', "supplement = 1", "supplement = 1 must be true or false"),
        ('[tags."a/b"]', "[tags]\n'a/b' = 1\n[prefixes.p]", "tags.a/b = 1 must be a table"),
        ('identified_by = ["a/b"]\n[tags."a/b"]', '[prefixes."p/"]', "unknown key 'prefixes.p/.metric'"),
        ("[tags", "[[tags", "cannot be read"),
        ("identified_by", "told_by", "unknown key 'told_by'. It is called identified_by now."),
    ],
)
def test_a_bad_file_is_refused_with_file_key_and_allowed_words(tmp_path, old, new, message):
    path = tmp_path / "x.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        load_tag_mapping(path)
    assert "x.toml" in str(error.value)
