"""The laboratory's faults and recipes: complete, possible, and put where they say."""

import random

import pytest
import torch

from benchmarks.laboratory.drawing import built, draw_batch
from benchmarks.laboratory.environments import WORLDS
from benchmarks.laboratory.faults import ALL, NEUTRAL, Site
from benchmarks.laboratory.interface import SETTINGS
from benchmarks.laboratory.knobs import KNOBS
from benchmarks.laboratory.recipes import GOOD, draw, draw_shapes
from benchmarks.laboratory.tampering import Broken
from rldoctor import datafile
from rldoctor.experiments.faults import all_faults
from rldoctor.rulebook import load_rulebook
from rldoctor.rulebook.observe import made_for

# Made for Stable-Baselines3 alone, after operators of other papers (checks/published_operators.toml).
NOT_BATCHED = (
    "reward-noise-small",
    "rollout-short",
    "transitions-mangled",
    "transitions-random",
    "transitions-repeated",
)
BATCHED = [fault for fault in all_faults() if fault.name not in NOT_BATCHED]


@pytest.mark.parametrize("fault", BATCHED, ids=lambda fault: fault.name)
def test_every_fault_of_the_product_is_one_of_the_laboratory(fault) -> None:
    assert ALL[fault.name].right == fault.diagnoses


def test_operators_of_others_name_faults_of_the_laboratory() -> None:
    papers = datafile.read_toml(datafile.folder("checks") / "published_operators.toml")["paper"]
    named = {name for paper in papers for operator in paper["operator"] for name in operator.get("laboratory", ())}
    assert named <= ALL.keys()


@pytest.mark.parametrize("fault", ALL.values(), ids=lambda fault: fault.name)
def test_fault_names_diagnoses_of_ppo_and_numbers_that_exist(fault) -> None:
    rules = load_rulebook().diagnoses
    assert all(made_for(rules[name], "ppo") for name in fault.right)
    source, fitting = random.Random(1), 0
    for name, world in ((name, WORLDS[name]) for name in GOOD):
        shapes = draw_shapes(name, source)
        for batch_size, costly in ((shapes.batch_size, 0.0), (shapes.batch_size, 1.0), (4, 0.0)):
            extra = {"n_envs": float(shapes.n_envs), "batch_size": float(batch_size), "costly": costly}
            site = Site(world, {**draw(name, shapes, source), **extra})
            if fault.only(site):
                fitting += 1
                put = fault.puts(fault.knob.draw(source), site)
                assert put.keys() <= SETTINGS.keys() | NEUTRAL.keys()
                # A fault that changes nothing is none; that of tiny minibatches is the batch's own.
                before = {**site.settings, **NEUTRAL}
                changes = any(before[key] != value for key, value in put.items())
                assert changes or fault.name in ("batch-small", "activation-changed", "value-loss-ignored")
    assert fitting


def test_recipes_are_drawn_for_every_environment_and_whole() -> None:
    assert GOOD.keys() <= WORLDS.keys()
    assert len(GOOD) >= 20
    source = random.Random(2)
    for name in GOOD:
        shapes = draw_shapes(name, source)
        assert shapes.n_steps * shapes.n_envs >= shapes.batch_size
        settings = draw(name, shapes, source)
        assert settings.keys() == SETTINGS.keys()
        assert 1e-4 <= settings["learning_rate"] <= 3e-3
        assert 4 <= settings["n_epochs"] <= 20


def test_a_batch_is_the_same_for_the_same_seed_and_mixes_healthy_and_broken() -> None:
    batch = draw_batch(5, seed=3, trainings=400)
    assert batch == draw_batch(5, seed=3, trainings=400)
    assert batch != draw_batch(5, seed=4, trainings=400)
    healthy = sum(not one.faults for one in batch.trainings)
    assert 60 < healthy < 100
    broken = [one for one in batch.trainings if one.faults]
    assert 15 < sum(len(one.faults) == 2 for one in broken) < 50
    assert all(one.right for one in batch.trainings)


def test_two_faults_bring_their_diagnoses_in_turn() -> None:
    two = next(one for index in range(9) for one in draw_batch(index, 3).trainings if len(one.faults) == 2)
    first, second = (ALL[put.name].right for put in two.faults)
    assert two.right[:2] == (first[0], second[0]) or first[0] == second[0]


def test_every_environment_is_drawn_once_a_round() -> None:
    count = len(GOOD)
    assert {draw_batch(index, 1, 1).world for index in range(count, 2 * count)} == set(GOOD)


def play(name: str, trainings: int, steps: int, **knobs: list[float]):
    """Return what a broken world (and a healthy one with the same random numbers) shows for the same actions."""
    columns = {name: torch.tensor(values) for name, values in knobs.items()}
    env = Broken(WORLDS[name](trainings, 4), columns, steps)
    first = env.reset(torch.Generator().manual_seed(1))
    source = torch.Generator().manual_seed(2)
    played = []
    for _ in range(steps):
        if env.discrete:
            actions = torch.randint(0, env.action_size, (1, 4), generator=source)
            played.append(env.step(actions.expand(trainings, 4)))
        else:
            actions = torch.rand(1, 4, env.action_size, generator=source) * 2 - 1
            played.append(env.step(actions.expand(trainings, 4, env.action_size)))
    return first, played


@pytest.mark.parametrize("name", GOOD)
def test_without_a_fault_nothing_is_changed(name: str) -> None:
    first, played = play(name, 2, 20)
    neutral, again = play(name, 2, 20, **{knob: [value] * 2 for knob, value in KNOBS.items()})
    assert torch.equal(first, neutral)
    for one, other in zip(played, again, strict=True):
        assert torch.equal(one.obs, other.obs)
        assert torch.equal(one.reward, other.reward)
        assert torch.equal(one.reward, one.true_reward)


def test_a_fault_touches_its_training_alone() -> None:
    _, plain = play("pendulum-strong", 2, 10)
    _, played = play("pendulum-strong", 2, 10, rew_factor=[1.0, 100.0], obs_factor=[1.0, 0.5], act_factor=[1.0, 1.0])
    for one, other in zip(plain, played, strict=True):
        assert torch.equal(one.obs[0], other.obs[0])
        assert torch.allclose(0.5 * one.obs[1], other.obs[1])
        assert torch.allclose(100.0 * one.reward[1], other.reward[1])
        assert torch.equal(one.reward, other.true_reward)


def test_late_observations_are_those_of_so_many_steps_before_and_begin_anew_with_each_episode() -> None:
    first, plain = play("reach-2d", 2, 60)
    _, played = play("reach-2d", 2, 60, obs_delay=[0.0, 3.0])
    shown = [first, *(step.obs for step in plain)]
    for number, step in enumerate(played, 1):
        begun = 50 if number >= 50 else 0
        assert torch.equal(step.obs[1], shown[max(begun, number - 3)][1])


def test_late_rewards_are_lost_at_the_end_of_an_episode() -> None:
    _, plain = play("reach-2d", 2, 60)
    _, played = play("reach-2d", 2, 60, rew_delay=[0.0, 5.0])
    for number in range(60):
        # Episodes of 50 steps: the first five rewards of each are none.
        since = number % 50
        expected = plain[number - 5].reward[1] if since >= 5 else torch.zeros(4)
        assert torch.equal(played[number].reward[1], expected)


def test_what_is_not_a_number_begins_when_it_says() -> None:
    _, played = play("pendulum-strong", 2, 20, obs_nan_from=[float("inf"), 0.5])
    assert [bool(step.obs[1].isnan().all()) for step in played] == [False] * 10 + [True] * 10
    assert not any(bool(step.obs[0].isnan().any()) for step in played)


def test_truth_is_below_the_fault() -> None:
    _, played = play("reach-2d-sparse", 2, 40, success_always=[0.0, 1.0], rew_factor=[1.0, -1.0])
    assert all(bool(step.success[1].all()) for step in played)
    assert not all(bool(step.true_success[1].all()) for step in played)
    assert all(torch.equal(step.true_reward[1], -step.reward[1]) for step in played)


def test_a_batch_is_built_with_its_faults() -> None:
    batch = draw_batch(5, seed=3)
    env, recipe, faults = built(batch)
    assert env.shape == (len(batch.trainings), batch.shapes.n_envs)
    assert recipe.learning_rate.tolist() == pytest.approx([one.settings["learning_rate"] for one in batch.trainings])
    wanted = [(one.numbers or {}).get("advantage_sign", 0.0) for one in batch.trainings]
    assert faults.advantage_sign.tolist() == pytest.approx(wanted)
