"""Sweeps on a real Ray cluster of two nodes on this machine, one of which is killed."""

from __future__ import annotations

import numpy as np
import pytest

from rldoctor import run_directory
from rldoctor.errors import UsageError
from rldoctor.executors import Done, Failed, Job, Lost
from rldoctor.executors.local import LocalExecutor
from rldoctor.experiments.sweep.dispatch import run_trials, unfinished
from rldoctor.experiments.sweep.results import results_of
from rldoctor.logs import read_run
from tests.executors import jobs
from tests.sweep.observers import Notes

ray = pytest.importorskip("ray", reason="needs the extra [ray]")


@pytest.fixture(scope="session")
def ray_cluster():
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.second = None
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def cluster(ray_cluster):
    """The cluster of the session with two nodes; the second one is replaced where a test killed it."""
    if ray_cluster.second is None:
        ray_cluster.second = ray_cluster.add_node(num_cpus=1)
    return ray_cluster


@pytest.fixture
def executor(cluster):
    from rldoctor.executors.on_ray import RayExecutor

    made = RayExecutor(cluster.address)
    yield made
    made.close()


def curves(trial):
    found = read_run(trial.directory)
    assert not found.findings
    return {name: curve.values for name, curve in found.curves.items() if name != "throughput"}


@pytest.mark.slow
def test_jobs_end_on_ray_as_they_do_here(executor):
    events = {}
    work = [(jobs.double, (4,)), (jobs.raise_usage,), (jobs.divide,), (jobs.die,), (jobs.double, (5,))]
    executor.run([Job(str(i), *job) for i, job in enumerate(work)], lambda e: events.setdefault(e.key, []).append(e))
    assert events["0"][-1] == Done("0", 8)
    assert events["1"] == [Failed("1", "The knob is loose.", "Fasten it.", 2)]
    assert events["2"] == [Failed("2", "ZeroDivisionError: division by zero", "")]
    assert isinstance(events["3"][-1], Lost)
    assert events["4"][-1] == Done("4", 10)


def test_no_cluster_at_the_address():
    from rldoctor.executors.on_ray import RayExecutor

    with pytest.raises(UsageError, match=r"no Ray cluster at 127\.0\.0\.1:1"):
        RayExecutor("127.0.0.1:1")


@pytest.mark.slow
def test_diagnosing_is_shared_among_the_nodes(executor):
    from pathlib import Path

    from rldoctor.diagnosis.many import diagnose

    runs = Path(__file__).parents[1] / "runs/healthy"
    shared, alone = diagnose([runs], executor=executor), diagnose([runs])
    assert len(alone) > 16
    assert [(s.path, s.verdict, s.diagnoses) for s in shared] == [(s.path, s.verdict, s.diagnoses) for s in alone]


@pytest.mark.slow
def test_a_node_is_killed_in_the_middle_of_its_trial(executor, cluster, plan_of, tmp_path):
    assert executor.slots == 2
    spec = {"seeds": (0, 1), "vary": {"total_steps": ("6144",)}}
    plan, here = plan_of(tmp_path / "ray", **spec), plan_of(tmp_path / "local", **spec)
    saved = set()

    def kill_once_both_have_saved(trial, progress):
        if run_directory.checkpoints(trial.directory):
            saved.add(trial.seed)
        if len(saved) == 2 and cluster.second is not None:
            node, cluster.second = cluster.second, None
            cluster.remove_node(node, allow_graceful=False)

    notes = Notes(kill_once_both_have_saved)
    assert run_trials(unfinished(plan.trials), executor, command=["sweep"], observer=notes) == {}
    assert cluster.second is None
    assert len(notes.elsewhere) == 1
    # It resumed from a checkpoint.
    name = notes.elsewhere[0][0]
    assert [begun for begun, _ in notes.begun].count(name) == 2
    assert unfinished(plan.trials) == []

    run_trials(unfinished(here.trials), LocalExecutor(2), command=["sweep"], observer=Notes())
    for there, trial in zip(plan.trials, here.trials, strict=True):
        one, other = curves(there), curves(trial)
        assert one.keys() == other.keys()
        for metric, values in one.items():
            np.testing.assert_array_equal(values, other[metric], metric)
    tables = [results_of(made, {})[0].settings[0].samples for made in (plan, here)]
    assert [(s.metric, s.values) for s in tables[0] if s.unit != "s" and s.metric != "steps_per_second"] == [
        (s.metric, s.values) for s in tables[1] if s.unit != "s" and s.metric != "steps_per_second"
    ]
