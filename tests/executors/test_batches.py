"""How very many items are shared out among the cores of a cluster."""

from __future__ import annotations

import pytest

from rldoctor.executors.ray_data import LEAST, MOST_BATCHES, batch_size


@pytest.mark.parametrize(
    ("items", "cores", "size"),
    [
        (1, 8, 1),
        (20_000, 2, 500),  # as many as a file holds
        (1_600, 2, 100),  # eight batches a core, so that all end at about the same time
        (1_600, 16, 100),  # one batch a core is enough where it is small
        (10_000_000, 1_024, 2_500),  # few enough for the process that leads
    ],
)
def test_the_size_of_a_batch(items, cores, size):
    assert batch_size(items, cores, most=500) == size


@pytest.mark.parametrize("items", [1, 7, 999, 40_000, 10**7])
@pytest.mark.parametrize("cores", [1, 3, 64, 1_024])
def test_no_core_is_left_without_work_and_the_leader_can_follow(items, cores):
    size = batch_size(items, cores, most=500)
    batches = -(-items // size)
    assert 1 <= batches <= MOST_BATCHES
    # A core goes without only where a batch could not be smaller, or where rounding up leaves the last one none.
    assert batches >= min(items, cores) / 2 or size <= LEAST
