"""Real short trainings on the real environment: what a run directory holds and what it can be trusted for."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import gymnasium
import numpy as np
import pytest
import torch
from msgspec import structs

from rldoctor import run_directory
from rldoctor.environments.vec_envs import make_training_envs, training_seed
from rldoctor.errors import TrainingFailed, UsageError
from rldoctor.logs import read_run
from rldoctor.references import load_recipe
from rldoctor.training import algorithm
from rldoctor.training.train import train
from rldoctor.training.training_callback import Silent
from tests.training.stopping import Seeds


def scalars(directory):
    """Return every curve of a run that the clock does not enter."""
    run = read_run(directory)
    assert not run.findings
    return {name: curve for name, curve in run.curves.items() if name != "throughput"}


def model_of(recipe, seed=0):
    envs = make_training_envs(recipe)
    model = algorithm.build(recipe, envs, seed)
    envs.close()
    return model


def weights(directory, recipe):
    model = model_of(recipe, seed=99)
    algorithm.load_weights(model, directory / run_directory.POLICY_FILE)
    return model.policy.state_dict()


@pytest.fixture(scope="module")
def repeated(small, train_into):
    return train_into(small, 0)


@pytest.fixture(scope="module")
def other_seed(small, train_into):
    return train_into(small, 1)


def test_same_seed_same_curves(trained_once, repeated):
    first, second = scalars(trained_once), scalars(repeated)
    assert set(first) == set(second)
    assert {"episode_return", "success_rate", "approx_kl", "value_loss", "entropy", "std"} <= set(first)
    for name, curve in first.items():
        np.testing.assert_array_equal(curve.steps, second[name].steps, name)
        np.testing.assert_array_equal(curve.values, second[name].values, name)


@pytest.mark.slow
def test_the_number_of_threads_changes_no_curve(trained_once, small, tmp_path):
    train(small, tmp_path, 0, threads=1)
    first, second = scalars(trained_once), scalars(tmp_path)
    for name, curve in first.items():
        np.testing.assert_array_equal(curve.values, second[name].values, name)


def test_same_seed_same_weights(trained_once, repeated, small):
    first, second = weights(trained_once, small), weights(repeated, small)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
def test_another_seed_other_curves(trained_once, other_seed):
    first, second = scalars(trained_once), scalars(other_seed)
    for name in ("episode_return", "approx_kl", "value_loss", "policy_loss", "entropy"):
        assert (first[name].values != second[name].values).mean() > 0.5, name


def test_curves_are_complete(trained_once, small):
    run = read_run(trained_once)
    assert run.framework == "sb3"
    rollouts = list(range(128, 1537, 128))
    assert run.curves["episode_return"].steps.tolist() == rollouts
    assert run.curves["approx_kl"].steps.tolist() == rollouts[1:]
    # Linear: after k of 12 rollouts (12 - k) / 12 of 2e-3; the point at rollout k + 1 shows the update after rollout k.
    expected = [small.setting("learning_rate") * (12 - k) / 12 for k in range(1, 12)]
    np.testing.assert_allclose(run.curves["learning_rate"].values, expected, rtol=1e-6)


def test_tensorboard_reads_the_run(trained_once):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(trained_once)).Reload()
    tags = set(log.Tags()["scalars"])
    assert {"rollout/ep_rew_mean", "rollout/success_rate", "train/approx_kl", "train/std", "time/fps"} <= tags
    points = [(event.step, event.value) for event in log.Scalars("rollout/ep_rew_mean")]
    curve = read_run(trained_once).curves["episode_return"]
    assert points == list(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))


def test_run_json(trained_once, small):
    record = json.loads((trained_once / run_directory.RUN_FILE).read_text())
    assert record["rldoctor_run"] == 1
    assert record["recipe"] == small.to_json()
    assert (record["status"], record["steps"], record["seed"]) == ("finished", 1536, 0)
    assert record["command"] == ["rldoctor", "train"]
    assert record["versions"]["stable-baselines3"]
    assert record["machine"]["cores"] >= 1
    assert record["started"] <= record["finished"]
    assert record["steps_per_second"] == pytest.approx(1536 / record["train_seconds"], rel=0.01)
    assert "error" not in record


def test_checkpoints(trained_once, small):
    steps = [int(path.stem.removeprefix("step-")) for path in run_directory.checkpoints(trained_once)]
    # A tenth of 1,536 steps is 153: the first whole rollout after that many.
    assert steps == [256, 512, 768, 1024, 1280, 1536]
    last = model_of(small)
    state = algorithm.load_weights(last, run_directory.checkpoints(trained_once)[-1])
    assert state["steps"] == 1536
    assert state["updates"] == 24
    final = weights(trained_once, small)
    assert all(torch.equal(final[name], weight) for name, weight in last.policy.state_dict().items())
    assert not list(trained_once.rglob("*.tmp"))


def test_stable_baselines_can_load_the_policy(trained_once, small):
    from stable_baselines3 import PPO

    theirs = PPO.load(trained_once / run_directory.POLICY_FILE, device="cpu")
    ours = model_of(small, seed=99)
    algorithm.load_weights(ours, trained_once / run_directory.POLICY_FILE)
    observation = {key: space.sample() for key, space in ours.observation_space.spaces.items()}
    np.testing.assert_array_equal(
        theirs.predict(observation, deterministic=True)[0], ours.predict(observation, deterministic=True)[0]
    )
    assert theirs.num_timesteps == 1536
    assert theirs.learning_rate(0.5) == pytest.approx(small.setting("learning_rate") / 2)


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_training_never_sees_an_evaluation_episode(small, train_into, seed):
    seen = []
    recipe = structs.replace(small, n_envs=4, total_steps=256)
    train_into(recipe, seed, wrap=lambda env: Seeds(env, seen))
    given = [s for s in seen if s is not None]
    assert given == [training_seed(seed) + i for i in range(4)]
    assert min(given) > recipe.evaluation_episodes
    assert min(given) >= 1_000_000


def test_runs_of_different_seeds_share_no_environment_seed():
    starts = [training_seed(seed) for seed in range(100)]
    assert min(b - a for a, b in pairwise(starts)) >= 1000


def test_learning_rate_zero_leaves_the_weights_where_they_were(small, train_into, trained_once):
    frozen = small.with_overrides(["learning_rate=0", "total_steps=256"])
    directory = train_into(frozen, 0)
    fresh = model_of(frozen, seed=0).policy.state_dict()
    after = weights(directory, frozen)
    assert all(torch.equal(fresh[name], after[name]) for name in fresh)
    moved = weights(trained_once, small)
    assert sum(not torch.equal(fresh[name], moved[name]) for name in fresh) == len(fresh)
    record = json.loads((directory / run_directory.RUN_FILE).read_text())
    assert record["recipe"]["overrides"]["learning_rate"] == 0.0


class Breaks(gymnasium.Wrapper):
    """Raises at the given step of its life."""

    def __init__(self, env, at, error):
        super().__init__(env)
        self.left, self.error = at, error

    def step(self, action):
        self.left -= 1
        if not self.left:
            raise self.error
        return self.env.step(action)


def test_an_environment_that_raises(small, tmp_path):
    with pytest.raises(TrainingFailed) as raised:
        train(small, tmp_path, 0, wrap=lambda env: Breaks(env, 350, ZeroDivisionError("by zero")))
    assert "after 640 steps with ZeroDivisionError: by zero" in raised.value.problem
    assert "preflight" in raised.value.cure
    assert raised.value.exit_code == 4
    record = json.loads((tmp_path / run_directory.RUN_FILE).read_text())
    assert (record["status"], record["steps"]) == ("failed", 640)
    assert record["error"] == "ZeroDivisionError: by zero"
    kept = run_directory.checkpoints(tmp_path)
    assert [path.name for path in kept] == ["step-000000000256.zip", "step-000000000512.zip"]
    assert algorithm.load_weights(model_of(small), kept[-1])["steps"] == 512
    assert not (tmp_path / run_directory.POLICY_FILE).exists()
    assert read_run(tmp_path).last_step == 640


class FirstReturnNaN(gymnasium.RewardWrapper):
    """Gives one NaN reward, then the real ones."""

    first = True

    def reward(self, reward):
        self.first, first = False, self.first
        return math.nan if first else reward


@pytest.mark.slow
def test_a_return_that_is_not_finite_does_not_stop_the_checkpoints(small, train_into):
    directory = train_into(small, 0, wrap=FirstReturnNaN, adjust=lambda model: setattr(model, "train", lambda: None))
    state = algorithm.load_weights(model_of(small), directory / run_directory.POLICY_FILE)
    # 15 episodes an environment; the first one of each has no return.
    assert len(state["recent_episodes"]) == 28
    assert len(state["recent_successes"]) == 30


class Pairs(gymnasium.Env):
    """Its actions are pairs, which PPO cannot choose."""

    observation_space = gymnasium.spaces.Box(-1, 1, (1,))
    action_space = gymnasium.spaces.Tuple([gymnasium.spaces.Discrete(2)] * 2)


def test_an_environment_that_ppo_cannot_train(small, tmp_path):
    gymnasium.register("RldoctorPairs-v0", Pairs)
    try:
        with pytest.raises(UsageError, match=r"PPO cannot be built for RldoctorPairs-v0.*Tuple"):
            train(small.with_overrides(["env=RldoctorPairs-v0"]), tmp_path, 0)
    finally:
        del gymnasium.registry["RldoctorPairs-v0"]
    assert not list(tmp_path.iterdir())


def test_an_environment_without_goals(train_into):
    recipe = structs.replace(load_recipe("cartpole/zoo"), total_steps=512, log_interval=1)
    directory = train_into(recipe, 0)
    assert read_run(directory).curves["episode_length"].values[-1] > 1
    assert "success_rate" not in read_run(directory).curves


def test_a_watcher_sees_steps_and_numbers(small, train_into):
    seen = []

    class Watcher(Silent):
        def progressed(self, steps, numbers):
            seen.append((steps, dict(numbers)))

    train_into(structs.replace(small, total_steps=512), 0, watcher=Watcher())
    assert [steps for steps, _ in seen] == [64, 128, 192, 256, 320, 384, 448, 512, 512]
    assert seen[0][1].get("success_rate") is None
    assert set(seen[-1][1]) == {"success_rate", "episode_return", "approx_kl", "std"}
    assert seen[-1][1]["episode_return"] < 0
