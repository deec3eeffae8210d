"""Rollouts: every seed once, in order, with any number of lanes and threads; and step threads."""

from __future__ import annotations

import threading
from contextlib import closing

import gymnasium
import numpy as np
import pytest

from rldoctor.environments import registry
from rldoctor.environments.rollouts import random_action, roll_out, zero_action
from rldoctor.environments.step_threads import StepThreads


class Countdown(gymnasium.Env):
    """Ends after as many steps as its seed says, 1 to 5, and rewards each with the seed."""

    observation_space = gymnasium.spaces.Box(0, 10, (1,), np.float64)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.number, self.left = seed, 1 + seed % 5
        return np.array([float(self.left)]), {}

    def step(self, action):
        self.left -= 1
        return np.array([float(self.left)]), float(self.number), self.left == 0, False, {"is_success": self.left == 0}


@pytest.mark.parametrize(("lanes", "threads"), [(1, 1), (3, 1), (8, 1), (3, 2), (4, 3), (50, 2)])
def test_every_seed_is_played_once_and_in_order(lanes, threads):
    progress = []
    episodes = roll_out(
        Countdown, zero_action(Countdown.action_space), range(3, 20), progress.append, lanes=lanes, threads=threads
    )
    assert [episode.seed for episode in episodes] == list(range(3, 20))
    assert [episode.length for episode in episodes] == [1 + seed % 5 for seed in range(3, 20)]
    assert [episode.episode_return for episode in episodes] == [seed * (1 + seed % 5) for seed in range(3, 20)]
    assert all(episode.success and episode.terminated for episode in episodes)
    assert progress == list(range(1, 18))


def test_threads_change_no_episode_of_a_robot():
    def make():
        return registry.make("FetchReachDense-v4")

    probe = make()

    def play(threads):
        return roll_out(make, random_action(probe.action_space), range(5), lanes=4, threads=threads)

    assert play(2) == play(1)
    probe.close()


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("places", [0, 1, 2, 7])
def test_step_threads_do_every_place_once(threads, places):
    done = []
    lock = threading.Lock()

    def work(share):
        with lock:
            done.extend(share)

    with closing(StepThreads(threads)) as step_threads:
        step_threads.share(work, places)
    assert sorted(done) == list(range(places))


@pytest.mark.parametrize("bad", [0, 3])
def test_an_error_in_a_thread_is_raised_after_all_threads_have_stopped(bad):
    working = set()

    def work(share):
        for place in share:
            working.add(place)
            try:
                if place == bad:
                    raise ZeroDivisionError(f"at {place}")
            finally:
                working.remove(place)

    with closing(StepThreads(2)) as step_threads, pytest.raises(ZeroDivisionError, match=f"at {bad}"):
        step_threads.share(work, 4)
    assert not working
