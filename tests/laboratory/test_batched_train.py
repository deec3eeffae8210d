"""Whole trainings of the laboratory: what is logged and when, how they end, and what each fault does to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_env import Walk
from stable_baselines3.common.running_mean_std import RunningMeanStd

from benchmarks.laboratory.interface import FAULTS, Faults, Recipe, Shapes
from benchmarks.laboratory.learner import Batch, Learner, Progress
from benchmarks.laboratory.networks import Layout
from benchmarks.laboratory.normalize import Normalizer
from benchmarks.laboratory.records import EpisodeLog
from benchmarks.laboratory.train import Training, train
from benchmarks.laboratory.update import update

SHAPES = Shapes(16, 2, 8, (4, 4), 128)
SB3 = {
    *("episode_return", "episode_length", "success_rate", "throughput", "approx_kl", "clip_fraction", "clip_range"),
    *("entropy", "explained_variance", "learning_rate", "loss", "policy_loss", "std", "value_loss"),
}


def test_a_batch_is_its_trainings_one_by_one() -> None:
    generator = torch.Generator().manual_seed(0)
    layout = Layout(6, 2, (4, 4), False)
    n, samples = 3, 32
    recipe = Recipe.of(SHAPES, n, learning_rate=torch.tensor([1e-3, 1e-2, 3e-4]), n_epochs=torch.tensor([2, 5, 1]))
    recipe.relu[1], recipe.sgd[2] = 1.0, 1.0
    faults = Faults(n, policy_frozen=torch.tensor([0.0, 0.5, 0.0]), critic_frozen=torch.tensor([1.0, 0.0, 0.0]))
    learner = Learner.new(layout, layout.initial(recipe.log_std_init, generator))
    numbers = [torch.randn(n, samples, generator=generator) for _ in range(3)]
    observed, actions = (torch.randn(n, samples, size, generator=generator) for size in (6, 2))
    batch = Batch(observed, actions, *numbers)
    orders = [torch.randperm(samples, generator=generator) for _ in range(5)]
    alone = [learner.only(torch.tensor([i])) for i in range(n)]
    progress, alive = Progress(recipe.learning_rate, recipe.clip_range), torch.ones(n, dtype=torch.bool)
    sums, _ = update(learner, batch, recipe, faults, progress, alive, generator, orders)
    for i, one in enumerate(alone):
        chosen = torch.tensor([i])
        own = Batch(*[getattr(batch, name)[chosen] for name in batch.__dataclass_fields__])
        pace = Progress(progress.learning_rate[chosen], progress.clip_range[chosen])
        settings = recipe.only(chosen), faults.only(chosen)
        mine, _ = update(one, own, *settings, pace, alive[chosen], generator, orders)
        torch.testing.assert_close(learner.rows[[i, n + i]], one.rows, rtol=1e-4, atol=1e-6)
        for tag, values in mine.logged().items():
            torch.testing.assert_close(sums.logged()[tag][i], values[0], rtol=1e-4, atol=1e-6)


def test_normalisation_is_that_of_vec_normalize() -> None:
    random = np.random.default_rng(0)
    flags = torch.tensor([1.0, 0.0])
    mine = Normalizer(flags, flags, torch.tensor([0.9, 0.9]), 3, 4)
    observed_moments, return_moments, returns = RunningMeanStd(shape=(3,)), RunningMeanStd(), np.zeros(4)
    for _ in range(5):
        observed, rewards = random.normal(2, 3, (2, 4, 3)).astype(np.float32), random.normal(size=(2, 4))
        ends = random.random((2, 4)) < 0.3
        observed_moments.update(observed[0])
        seen = np.clip((observed[0] - observed_moments.mean) / np.sqrt(observed_moments.var + 1e-8), -10, 10)
        found = mine.observe(torch.as_tensor(observed))
        torch.testing.assert_close(found[0], torch.as_tensor(seen, dtype=torch.float32))
        torch.testing.assert_close(found[1], torch.as_tensor(observed[1]))
        torch.testing.assert_close(mine.original(found), torch.as_tensor(observed), rtol=1e-4, atol=1e-4)
        returns = returns * 0.9 + rewards[0]
        return_moments.update(returns)
        returns[ends[0]] = 0
        given = mine.rewards(torch.as_tensor(rewards, dtype=torch.float32), torch.as_tensor(ends))
        expected = np.clip(rewards[0] / np.sqrt(return_moments.var + 1e-8), -10, 10)
        torch.testing.assert_close(given[0], torch.as_tensor(expected, dtype=torch.float32))
        torch.testing.assert_close(given[1], torch.as_tensor(rewards[1], dtype=torch.float32))


def test_what_is_logged_and_when() -> None:
    first, second = train(Walk(2, 2), Recipe.of(SHAPES, 2), seed=3)
    assert set(first.plain.curves) == SB3
    assert first.run.curves["approx_kl"].steps.tolist() == [64, 96, 128]
    assert first.run.curves["clip_range"].steps.tolist() == [64, 96, 128]
    assert first.run.curves["throughput"].steps.tolist() == [32, 64, 96, 128]
    assert "gae_error" in first.run.curves
    assert first.run.record["status"] == "finished"
    assert not first.failed
    # Nothing is put in: the logged return is the true one.
    returns, successes = first.episodes.last()
    assert first.run.curves["episode_return"].values[-1] == pytest.approx(returns, rel=1e-5)
    assert first.run.curves["success_rate"].values[-1] == pytest.approx(successes, rel=1e-5)
    assert first.episodes.lengths.sum() <= 128
    assert (np.diff(first.episodes.steps) >= 0).all()
    assert not np.array_equal(first.run.curves["loss"].values, second.run.curves["loss"].values)
    again = train(Walk(2, 2), Recipe.of(SHAPES, 2), seed=3)[0]
    for name, curve in first.run.curves.items():
        np.testing.assert_array_equal(curve.values, again.run.curves[name].values)


def test_every_second_rollout_is_logged_with_the_last_update() -> None:
    shapes = Shapes(16, 2, 8, (4, 4), 128, log_interval=2)
    (one,) = train(Walk(1, 2), Recipe.of(shapes, 1), doctor=False)
    assert one.run.curves["approx_kl"].steps.tolist() == [64, 128]
    assert one.run.curves["episode_return"].steps.tolist() == [64, 128]


def test_nan_ends_one_training_and_not_its_neighbour() -> None:
    env = Walk(2, 2)
    env.fail_at = 40
    broken, well = train(env, Recipe.of(SHAPES, 2))
    assert broken.failed
    assert broken.run.record["status"] == "failed"
    assert broken.run.curves["throughput"].steps.tolist() == [32, 64]
    # DoctorCallback tells it at the step at which it is seen.
    seen = broken.run.curves["observation_nonfinite"]
    assert (seen.steps[-1], seen.values[-1]) == (80, 1.0)
    assert not well.failed
    assert all(np.isfinite(curve.values).all() for curve in well.run.curves.values())


def test_a_rate_that_explodes_the_weights_ends_the_training() -> None:
    recipe = Recipe.of(SHAPES, 2, learning_rate=torch.tensor([1e38, 1e-3]), max_grad_norm=1e9)
    broken, well = train(Walk(2, 2), recipe, doctor=False)
    assert broken.failed
    assert broken.run.curves["throughput"].steps.tolist() == [32]
    assert len(well.run.curves["throughput"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_changes_its_training(name: str) -> None:
    severity = {"stale_policy": 2.0, "rate_explodes": 5.0, "init_gain": 3.0, "advantages_shifted": 2.0}
    severity |= {"rewards_shifted": 2.0, "rate_stops": 0.6, "dropout": 0.5, "weights_reset": 0.5}
    faults = Faults(2)
    getattr(faults, name)[0] = severity.get(name, 1.0)
    recipe = Recipe.of(SHAPES, 2, n_epochs=2, learning_rate=1e-2)
    trainings = [Training(Walk(2, 2), recipe, some, 5, doctor=False) for some in (faults, Faults(2))]
    for training in trainings:
        for _ in range(4):
            training.iterate()
    rows = [training.learner.rows for training in trainings]
    assert all(training.alive.all() for training in trainings)
    assert not torch.equal(rows[0][[0, 2]], rows[1][[0, 2]])


def test_episodes_are_counted_across_rollouts() -> None:
    log = EpisodeLog(1, 1)
    rewards = torch.ones(3, 1, 1)
    ends = torch.tensor([False, False, True]).view(3, 1, 1)
    log.add(rewards, torch.zeros_like(ends), None, 0)
    assert np.isnan(log.recent()).all()
    log.add(rewards, ends, None, 3)
    log.add(2 * rewards, ends, None, 6)
    episodes = log.episodes(0)
    assert (episodes.steps.tolist(), episodes.returns.tolist(), episodes.lengths.tolist()) == ([6, 9], [6, 6], [6, 3])
    assert log.recent()[0, :2].tolist() == [6, 4.5]
    assert episodes.window(6, 9)[0] == 6
    assert episodes.window(6, 9)[2] == 1
