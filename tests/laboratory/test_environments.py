"""The laboratory's environments: classic control is Gymnasium's, and all keep what BatchEnv promises."""

import gymnasium
import numpy as np
import pytest
import torch

from benchmarks.laboratory.environments import WORLDS
from benchmarks.laboratory.environments.classic import Acrobot, HeldAcrobot
from benchmarks.laboratory.environments.world import World

ORIGINAL = {
    "CartPole-v1": "cartpole",
    "Acrobot-v1": "acrobot",
    "Pendulum-v1": "pendulum",
    "MountainCar-v0": "mountain-car",
    "MountainCarContinuous-v0": "mountain-car-continuous",
}


def actions_for(world: World, generator: torch.Generator) -> torch.Tensor:
    if world.discrete:
        return torch.randint(0, world.action_size, world.shape, generator=generator)
    return torch.rand(*world.shape, world.action_size, generator=generator) * 2 - 1


@pytest.mark.parametrize("name", ORIGINAL)
def test_classic_control_steps_as_gymnasium_does(name: str) -> None:
    original = gymnasium.make(name)
    world = WORLDS[ORIGINAL[name]](1, 1)
    world.reset(torch.Generator().manual_seed(0))
    assert world.horizon == original.spec.max_episode_steps
    random = np.random.default_rng(0)
    original.reset(seed=0)
    ends = 0
    for number in range(160):
        if number % 40 == 0:
            original.reset(seed=number)
            # Also far from where episodes begin.
            if number >= 80 and name != "CartPole-v1":
                original.unwrapped.state = random.uniform(-1.0, 1.0, np.shape(original.unwrapped.state)) * (
                    np.array([0.5, 0.07]) if "Car" in name else 1.0
                )
        world.state = torch.tensor(np.array(original.unwrapped.state, np.float64))[None, None]
        world.steps = torch.zeros(1, 1)
        if world.discrete:
            action = random.integers(world.action_size)
            given = torch.tensor([[action]])
        else:
            action = random.uniform(-1, 1, world.action_size)
            given = torch.tensor(action)[None, None]
            action = action * original.action_space.high[0]
        seen, reward, terminated, _, _ = original.step(action)
        step = world.step(given)
        np.testing.assert_allclose(step.final_obs[0, 0].numpy(), seen, rtol=1e-5, atol=1e-5)
        assert float(step.reward[0, 0]) == pytest.approx(reward, rel=1e-5, abs=1e-5)
        assert bool(step.terminated[0, 0]) == terminated
        if terminated:
            ends += 1
            original.reset(seed=number)
    assert ends > 0 or name != "CartPole-v1"


@pytest.mark.parametrize("name", WORLDS)
def test_environment_keeps_its_promises(name: str) -> None:
    world = WORLDS[name](3, 4)
    generator = torch.Generator().manual_seed(1)
    obs = world.reset(generator)
    assert obs.shape == (3, 4, world.observation_size)
    assert obs.dtype == torch.float32
    lengths, longest, ended = torch.zeros(3, 4), 0.0, False
    for _ in range(min(world.horizon, 100) + 2):
        if lengths.max() == 1 and world.horizon > 100:
            # Long episodes: close to their end at once.
            world.steps += world.horizon - 50
            lengths += world.horizon - 50
        step = world.step(actions_for(world, generator))
        lengths += 1
        for values in (step.obs, step.final_obs, step.reward):
            assert values.dtype == torch.float32
            assert values.isfinite().all()
        assert step.reward.shape == (3, 4)
        assert not (step.terminated & step.truncated).any()
        assert (step.success is not None) == world.has_success
        done = step.terminated | step.truncated
        # What goes on is seen as it is; what has ended is seen as it begins.
        assert torch.equal(step.obs[~done], step.final_obs[~done])
        assert torch.equal(step.truncated, (lengths >= world.horizon) & ~step.terminated)
        assert world.ends or not step.terminated.any()
        ended |= bool(done.any())
        longest = max(longest, float(lengths.max()))
        lengths = lengths.masked_fill(done, 0.0)
    assert ended
    assert longest <= world.horizon


@pytest.mark.parametrize("name", WORLDS)
def test_environment_is_the_same_from_the_same_generator(name: str) -> None:
    def played() -> torch.Tensor:
        world = WORLDS[name](2, 3)
        generator = torch.Generator().manual_seed(7)
        world.reset(generator)
        source = torch.Generator().manual_seed(8)
        return torch.stack([world.step(actions_for(world, source)).obs for _ in range(30)])

    assert torch.equal(played(), played())


def test_goals_are_where_the_environment_says() -> None:
    for world in (kind(2, 2) for kind in WORLDS.values() if kind.desired_goal is not None):
        obs = world.reset(torch.Generator().manual_seed(2))
        goals = obs[..., world.desired_goal]
        step = world.step(actions_for(world, torch.Generator().manual_seed(3)))
        going_on = ~(step.terminated | step.truncated)
        assert torch.equal(step.obs[..., world.desired_goal][going_on], goals[going_on])
        distance = (step.final_obs[..., world.achieved_goal] - step.final_obs[..., world.desired_goal]).norm(dim=-1)
        if step.success is not None:
            assert torch.equal(step.success, distance < world.distance_threshold), world.name


def test_a_held_action_is_so_many_steps_with_it() -> None:
    held, plain = HeldAcrobot(2, 3), Acrobot(2, 3)
    for world in (held, plain):
        world.reset(torch.Generator().manual_seed(4))
    actions = torch.randint(0, 3, (2, 3))
    step, steps = held.step(actions), [plain.step(actions) for _ in range(3)]
    assert torch.allclose(step.obs, steps[-1].obs)
    assert torch.allclose(step.reward, sum(one.reward for one in steps))
