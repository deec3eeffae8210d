"""Very many runs on a real Ray cluster of two nodes on this machine, one of which is killed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="needs the extra [parquet]")
ray = pytest.importorskip("ray", reason="needs the extra [ray]")

from rldoctor.diagnosis.bulk import conduct  # noqa: E402
from rldoctor.diagnosis.bulk.conduct import report_kept  # noqa: E402
from rldoctor.diagnosis.many import diagnoser  # noqa: E402
from rldoctor.errors import CannotJudge, RldoctorError, UsageError  # noqa: E402

RUNS = Path(__file__).parents[2] / "runs"

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster():
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.second = made.add_node(num_cpus=1)
    yield made
    ray.shutdown()
    made.shutdown()


def test_a_node_is_killed_in_the_middle_and_the_report_is_that_of_one_machine(cluster, tmp_path, monkeypatch):
    from rldoctor.executors.on_ray import RayExecutor

    monkeypatch.setattr(conduct, "RUNS_A_PART", 13)
    executor = RayExecutor(cluster.address)
    place = tmp_path / "cluster"

    def kill():
        while len(list(place.glob("part-*"))) < 3:
            threading.Event().wait(0.1)
        cluster.remove_node(cluster.second, allow_graceful=False)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    shared = report_kept([str(RUNS)], diagnoser(), str(place), executor)
    killer.join()
    alone = report_kept([str(RUNS)], diagnoser(), str(tmp_path / "alone"), processes=1)
    assert len(list(place.glob("part-*"))) > 20
    assert not [path for path in place.iterdir() if path.name.startswith(".")]
    assert shared.subjects[1:] == alone.subjects[1:]
    one, other = shared.subjects[0], alone.subjects[0]
    assert (one.total, one.counts, one.worst) == (other.total, other.counts, other.worst)
    assert (one.environments, one.folders, one.causes) == (other.environments, other.folders, other.causes)
    assert len(ray.nodes()) == 2 and sum(node["Alive"] for node in ray.nodes()) == 1

    # Within the test: the workers do not know its module.
    def fails(directories):
        raise UsageError("The reference is gone.", "Name another.")

    # What is wrong is said as on one machine.
    with pytest.raises(RldoctorError, match=r"^The reference is gone\. Name another\.$") as found:
        report_kept([str(RUNS / "benign")], fails, str(tmp_path / "r"), executor)
    assert found.value.exit_code == UsageError.exit_code
    with pytest.raises(CannotJudge, match="There is no run below"):
        report_kept([str(tmp_path / "alone")], diagnoser(), str(tmp_path / "s"), executor)
    assert not list((tmp_path / "r").iterdir())
    executor.close()
