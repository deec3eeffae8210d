"""A cluster, simulated event by event with the costs of a run."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.scale.costs import Costs
from rldoctor.diagnosis.bulk.conduct import RUNS_A_PART
from rldoctor.executors.ray_data import batch_size

CHUNK = 16  # runs a job, as in rldoctor.diagnosis.many
KEYS_A_RUN = 15  # event file, run.json, ten checkpoints, policy, evaluation, paths
KEYS_A_PAGE = 1_000  # of a listing, by the S3 protocol
AT_A_TIME = 32  # requests of rldoctor.logs.remote
# Assumed, not measured: an object store and a network as clouds have them.
LATENCY = 0.030  # seconds a request
LISTING = 0.15  # seconds a page
BANDWIDTH = 1.25e9  # bytes a second of all workers together, 10 Gbit/s


def chunks(runs: int) -> Iterator[int]:
    yield from [CHUNK] * (runs // CHUNK)
    if runs % CHUNK:
        yield runs % CHUNK


@dataclass(frozen=True)
class Simulated:
    """The result of a simulation."""

    seconds: float
    workers_busy: float  # share of the time
    driver_busy: float


def simulate(runs: int, cores: int, costs: Costs, *, far: bool) -> Simulated:
    """Simulate ``cores`` workers that take chunks from a driver, which receives their results one after the other.

    Each worker fetches (if the runs are ``far``), reads and diagnoses. The network is shared: a chunk's bytes take at
    least their share of it. The driver hands out a chunk when both a worker and the driver are free.
    """
    driver = LISTING * -(-runs * KEYS_A_RUN // KEYS_A_PAGE) if far else 0.0
    listed, driver_worked, worked, network = driver, driver, 0.0, driver
    ends: list[tuple[float, int]] = []
    free, pending = cores, chunks(runs)
    done = driver
    while True:
        while free and (size := next(pending, 0)):
            driver += costs.job if far else 0.0
            driver_worked += costs.job if far else 0.0
            begun = driver
            if far:
                network = max(network, begun) + size * costs.fetched / BANDWIDTH
                begun = max(network, begun + LATENCY * (1 + -(-2 * size // AT_A_TIME)))
            busy = size * (costs.judge + (costs.fetch if far else 0.0))
            worked += busy
            heapq.heappush(ends, (begun + busy, size))
            free -= 1
        if not ends:
            break
        ended, size = heapq.heappop(ends)
        driver = max(driver, ended) + size * costs.take
        driver_worked += size * costs.take
        done = driver
        free += 1
    del listed
    return Simulated(done, worked / (done * cores), driver_worked / done)


@dataclass(frozen=True)
class Streamed:
    """The result of a simulation of ``--parquet``."""

    seconds: float
    runs_a_batch: int
    workers_busy: float  # share of the time
    leader_busy: float


def stream(runs: int, cores: int, costs: Costs, leading: Mapping[str, float]) -> Streamed:
    """Simulate workers that list, fetch, diagnose and keep batches, led by one process that takes in no run.

    Each core lists its share of the folders first. The process that leads starts one batch after the other; what
    ends a batch is counted there as well. Merging is done by workers and left out: it takes them a part of a second a batch.
    """
    size = batch_size(runs, cores, RUNS_A_PART)
    listed = LISTING * -(-runs * KEYS_A_RUN // KEYS_A_PAGE) / cores
    leader = network = listed + leading["start"]
    worked, done = 0.0, 0.0
    free = [leader] * cores
    batches = -(-runs // size)
    for place in range(batches):
        count = min(size, runs - place * size)
        leader = max(leader, heapq.heappop(free)) + leading["batch"]
        network = max(network, leader) + count * costs.fetched / BANDWIDTH
        fetched = max(network, leader + LATENCY * (1 + -(-2 * count // AT_A_TIME)))
        end = fetched + count * (costs.judge + costs.fetch)
        worked += count * (costs.judge + costs.fetch)
        heapq.heappush(free, end)
        done = max(done, end)
    busy = leading["start"] + batches * leading["batch"] + leading["watching"] * done
    return Streamed(done, size, worked / (done * cores), min(1.0, busy / done))
