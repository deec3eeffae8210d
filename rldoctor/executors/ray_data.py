"""Very many items on a Ray cluster by Ray Data: listed, worked on in batches, and the results merged, all in workers.

The stream is led by one process on the driver's node, which looks at its tasks ten times a second. The driver waits.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rldoctor.errors import RldoctorError
from rldoctor.executors.job import failure_of

_T = TypeVar("_T")
# Listing tasks for each core, so that no core waits for one slow folder.
LISTS_A_CORE = 4
# Batches for each core of small amounts, so that all cores end at about the same time.
BATCHES_A_CORE = 8
# Items of a batch, where each core has some: with smaller ones very many cores would wait for the process that leads.
LEAST = 100
# Batches of very large amounts: each costs the process that leads some hundredths of a second, while all others wait
# for it. Measured in docs/scale.md.
MOST_BATCHES = 4_000
# Results that are merged at a time.
MERGED = 64
# Times that a task is done again whose process or machine was lost: one that kills its process must come to an end.
_RETRIES = 4


@dataclass(frozen=True)
class Stream:
    """What is done to very many items; all of it is pickled on the way.

    Attributes:
        units: What is listed; each may stand for many items.
        expand: Returns the items of a unit.
        work: Returns the result of a batch of items. It may be done twice where a machine is lost.
        merge: Returns one result for several, whatever their order.
        most: Items of a batch, unless that makes more than :data:`MOST_BATCHES` batches.
    """

    units: Sequence[Any]
    expand: Callable[[Any], Sequence[Any]]
    work: Callable[[Sequence[Any]], Any]
    merge: Callable[[Iterable[Any]], Any]
    most: int


@dataclass(frozen=True)
class Led:
    """The end of a stream: its result, ``None`` of no items, how many items there were, and what it cost to lead it.

    Attributes:
        result: Merged of all batches.
        items: How many items there were.
        batches: How many batches.
        processor_seconds: Of the process that leads.
    """

    result: Any
    items: int
    batches: int
    processor_seconds: float


def lead(ray: Any, stream: Stream) -> Led:
    """Run a stream on the cluster that ``ray`` is connected to, and return its end.

    Raises:
        RldoctorError: A unit cannot be listed, a batch failed, or too many machines were lost.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # On the driver's node, with which the whole would end anyway.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    leader = ray.remote(num_cpus=0, max_retries=0, scheduling_strategy=here)(_lead)
    task = leader.remote(stream)
    try:
        kind, *content = ray.get(task)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        problem, *_ = failure_of(cause if isinstance(cause, BaseException) else error)
        raise RldoctorError(problem.splitlines()[0], "Install this version of rldoctor on every node.") from None
    except BaseException:
        ray.cancel(task, force=True)
        raise
    if kind == "failed":
        problem, cure, code = content
        failure = RldoctorError(problem, cure)
        failure.exit_code = code
        raise failure
    return Led(*content)


def _lead(stream: Stream) -> tuple[Any, ...]:
    """Lead a stream, in a process of the cluster."""
    import time

    begun = time.process_time()
    try:
        result, items, batches = _led(stream)
    except Exception as error:
        return "failed", *failure_of(_first_cause(error))
    return "done", result, items, batches, time.process_time() - begun


def _led(stream: Stream) -> tuple[Any, int, int]:
    import ray
    import ray.data

    cluster: Any = ray
    data: Any = ray.data
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # An error of a user's own comes back as it was raised, not as a page of Ray's.
    context.raise_original_map_exception = True
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    cores = max(1, int(cluster.cluster_resources().get("CPU", 1)))
    once = {"num_cpus": 1, "max_retries": _RETRIES}
    rows = [{"packed": pickle.dumps(unit)} for unit in stream.units]
    lists = data.from_items(rows, override_num_blocks=max(1, min(len(rows), cores * LISTS_A_CORE)))
    # Kept as a whole, names only: how many there are says how they are shared out, and each is counted once.
    listed = lists.map_batches(_Listing(stream.expand), batch_size=None, batch_format="numpy", **once).materialize()
    items = listed.count()
    if not items:
        return None, 0, 0
    batches = -(-items // batch_size(items, cores, stream.most))
    done = listed.repartition(batches).map_batches(_Working(stream.work), batch_size=None, batch_format="numpy", **once)
    left = batches
    while left > MERGED:
        left = -(-left // MERGED)
        done = done.repartition(left).map_batches(_Merging(stream.merge), batch_size=None, batch_format="numpy", **once)
    results = [pickle.loads(row["packed"]) for row in done.iter_rows()]
    return stream.merge(results), items, batches


def batch_size(items: int, cores: int, most: int) -> int:
    """Return how many of ``items`` are a batch, at least 1: at most ``most``, unless they are very many."""
    size = max(-(-items // (cores * BATCHES_A_CORE)), min(LEAST, -(-items // cores)))
    return max(1, min(most, size), -(-items // MOST_BATCHES))


def _first_cause(error: BaseException) -> BaseException:
    """Return what was raised in a task, from below the errors that Ray wraps it in."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, RldoctorError):
            break
        cause = getattr(error, "cause", None) or error.__cause__
        error = cause if isinstance(cause, BaseException) else error
    return error


@dataclass(frozen=True)
class _Listing:
    expand: Callable[[Any], Sequence[Any]]

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return _packed(item for unit in batch["packed"] for item in self.expand(pickle.loads(unit)))


@dataclass(frozen=True)
class _Working:
    work: Callable[[Sequence[Any]], Any]

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        items = [pickle.loads(item) for item in batch["packed"]]
        return _packed([self.work(items)] if items else [])


@dataclass(frozen=True)
class _Merging:
    merge: Callable[[Iterable[Any]], Any]

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        found = [pickle.loads(one) for one in batch["packed"]]
        return _packed([self.merge(found)] if found else [])


def _packed(items: Iterable[Any]) -> dict[str, Any]:
    import numpy as np

    packed = [pickle.dumps(item) for item in items]
    column = np.empty(len(packed), dtype=object)
    column[:] = packed
    return {"packed": column}
