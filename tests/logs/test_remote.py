"""Runs on a real server of the S3 protocol, on loopback."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import rldoctor
from rldoctor.cli.app import run as command
from rldoctor.errors import CannotJudge, MissingExtra, UsageError
from rldoctor.logs import discover, read_run, remote

RUNS = Path(__file__).parents[1] / "runs"
HEALTHY = next(path.parent for path in sorted((RUNS / "healthy").rglob("*tfevents*")))
SICK = next(path.parent for path in sorted((RUNS / "sick/learning-rate-too-high").rglob("*tfevents*")))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RLDOCTOR_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("s3fs", reason="needs the extra [remote]")
    moto = pytest.importorskip("moto.server", reason="needs moto")
    served = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    served.start()
    yield "http://{}:{}".format(*served.get_host_and_port())
    served.stop()


@pytest.fixture
def bucket(server, monkeypatch):
    """A bucket with two runs and things that are no logs; what is asked for is counted by the store."""
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="lab")
    for name, run in (("good", HEALTHY), ("bad", SICK)):
        for file in run.iterdir():
            if file.is_file():
                client.upload_file(str(file), "lab", f"runs/{name}/{file.name}")
    client.put_object(Bucket="lab", Key="runs/good/checkpoints/step-1.zip", Body=b"x" * 100_000)
    client.put_object(Bucket="lab", Key="runs/bad/policy.zip", Body=b"x" * 100_000)
    client.put_object(Bucket="lab", Key="elsewhere/run.json", Body=b"{}")
    yield client
    found = client.list_objects_v2(Bucket="lab").get("Contents", [])
    for item in found:
        client.delete_object(Bucket="lab", Key=item["Key"])
    client.delete_bucket(Bucket="lab")


def fetched():
    return sorted(path.name for path in remote.cache_folder().rglob("*") if path.is_file() and path.name[0] != ".")


def test_runs_far_away_are_diagnosed_as_near_ones_are(bucket):
    far = rldoctor.diagnose("s3://lab/runs")
    near = rldoctor.diagnose(HEALTHY, SICK)
    assert [subject.path for subject in far.subjects] == ["s3://lab/runs/bad", "s3://lab/runs/good"]
    for there, here in zip(far.subjects, near.subjects, strict=True):
        assert (there.verdict, there.diagnoses, there.findings, there.steps) == (
            here.verdict,
            here.diagnoses,
            here.findings,
            here.steps,
        )
    assert not {"step-1.zip", "policy.zip"} & set(fetched())
    # The page reads the curves again, from the mirror.
    assert '"name":"s3://lab/runs/bad"' in far.render("html").replace("\\u002f", "/")


def test_only_what_changed_is_fetched_again(bucket, monkeypatch):
    asked = []
    fetch_one = remote._fetch_file
    monkeypatch.setattr(remote, "_fetch_file", lambda *about: asked.append(about[1]) or fetch_one(*about))
    remote.fetch("s3://lab/runs")
    files = sum(path.is_file() for run in (HEALTHY, SICK) for path in run.iterdir() if "tfevents" in path.name)
    records = sum((run / "run.json").is_file() for run in (HEALTHY, SICK))
    assert len(asked) == files + records
    assert discover(["s3://lab/runs/good"]) == [remote.place_of("s3://lab/runs/good")]
    assert len(asked) == files + records
    key = next(item["Key"] for item in bucket.list_objects_v2(Bucket="lab")["Contents"] if "bad/events" in item["Key"])
    bucket.put_object(Bucket="lab", Key=key, Body=b"")
    bucket.delete_object(Bucket="lab", Key="runs/good/run.json")
    before = read_run(remote.place_of("s3://lab/runs/good"))
    remote.fetch("s3://lab/runs")
    assert len(asked) == files + records + 1
    assert [finding.code for finding in read_run(remote.place_of("s3://lab/runs/bad")).findings]
    after = read_run(remote.place_of("s3://lab/runs/good"))
    assert before.record and not after.record
    assert before.curves.keys() == after.curves.keys()


def test_one_run_and_one_file(bucket):
    assert [s.path for s in rldoctor.diagnose("s3://lab/runs/good").subjects] == ["s3://lab/runs/good"]
    name = next(path.name for path in SICK.iterdir() if "tfevents" in path.name)
    assert [s.path for s in rldoctor.diagnose(f"s3://lab/runs/bad/{name}").subjects] == ["s3://lab/runs/bad"]


def test_shared_among_processes(bucket):
    from rldoctor.diagnosis.many import diagnose
    from rldoctor.executors.local import LocalExecutor

    assert remote.list_runs("s3://lab/runs") == ["s3://lab/runs/bad", "s3://lab/runs/good"]
    assert not fetched()
    found = diagnose(["s3://lab/runs", HEALTHY], executor=LocalExecutor(2))
    assert [subject.path for subject in found] == ["s3://lab/runs/bad", str(HEALTHY), "s3://lab/runs/good"]
    assert [subject.verdict.value for subject in found] == ["sick", "healthy", "healthy"]


def test_the_command_line(bucket, capsys):
    assert command(["diagnose", "s3://lab/runs", "--format", "csv"]) == 1
    assert "s3://lab/runs/bad,run,sick" in capsys.readouterr().out
    assert command(["diagnose", "s3://lab/elsewhere"]) == 3
    assert "There is no run below s3://lab/elsewhere" in capsys.readouterr().err


def test_no_such_bucket_and_nobody_there(bucket, capsys, monkeypatch):
    assert command(["diagnose", "s3://nowhere/runs"]) in (2, 3)
    assert "s3://nowhere/runs" in capsys.readouterr().err
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert command(["diagnose", "s3://lab/runs"]) == 2
    said = capsys.readouterr().err
    assert "s3://lab/runs cannot be read" in said
    assert "Traceback" not in said


def test_a_file_that_goes_while_it_is_fetched(bucket, monkeypatch):
    find = remote._listed

    def listed_too_early(address):
        found = find(address)
        key = next(path for path in found[1] if "bad/events" in path)
        bucket.delete_object(Bucket="lab", Key=key.removeprefix("lab/"))
        return found

    monkeypatch.setattr(remote, "_listed", listed_too_early)
    assert discover(["s3://lab/runs"]) == [remote.place_of("s3://lab/runs/good")]


def test_any_file_system_of_fsspec(tmp_path):
    pytest.importorskip("fsspec")
    import fsspec

    memory = fsspec.filesystem("memory")
    for file in SICK.iterdir():
        memory.pipe_file(f"/lab/one/{file.name}", file.read_bytes())
    try:
        report = rldoctor.diagnose("memory://lab")
        assert [(s.path, s.verdict.value) for s in report.subjects] == [("memory://lab/one", "sick")]
    finally:
        memory.rm("/lab", recursive=True)


def test_what_is_gone_from_the_store_is_gone():
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for name in ("a", "b"):
        memory.pipe_file(f"/lab3/{name}/events.out.tfevents.1", b"")
    try:
        assert [path.name for path in discover(["memory://lab3"])] == ["a", "b"]
        memory.rm("/lab3/a", recursive=True)
        assert [path.name for path in discover(["memory://lab3"])] == ["b"]
        memory.rm("/lab3/b", recursive=True)
        with pytest.raises(CannotJudge):
            rldoctor.diagnose("memory://lab3")
    finally:
        memory.rm("/lab3", recursive=True) if memory.exists("/lab3") else None


def test_without_a_home(monkeypatch, tmp_path):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("RLDOCTOR_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", staticmethod(nobody))
    assert read_run(HEALTHY).path == str(HEALTHY)
    with pytest.raises(UsageError, match="RLDOCTOR_CACHE"):
        remote.cache_folder()


def test_names_that_lead_out_of_the_cache_are_left_alone():
    files = ["bucket/../../x/events.out.tfevents.1", "bucket//events.out.tfevents.1", "bucket/ok/events.out.tfevents.1"]
    assert remote._folders(files) == {"bucket/ok": ["bucket/ok/events.out.tfevents.1"]}
    with pytest.raises(UsageError, match="not an address of runs"):
        remote.place_of("s3://bucket/../../../etc")


def test_addresses_and_paths(tmp_path):
    assert remote.is_remote("s3://bucket/x") and remote.is_remote("gs://b")
    assert not remote.is_remote("runs") and not remote.is_remote("C:/runs") and not remote.is_remote("/a://b")
    place = remote.place_of("s3://bucket/runs/a")
    assert remote.name_of(place) == "s3://bucket/runs/a"
    assert remote.place_of("runs/a") == Path("runs/a")
    assert remote.name_of(tmp_path) == str(tmp_path)


def test_a_store_that_is_not_known(capsys):
    pytest.importorskip("fsspec")
    assert command(["diagnose", "nothing://x"]) == 2
    assert "Protocol not known" in capsys.readouterr().err


def test_without_fsspec(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtra, match=r"\[remote\]"):
        remote.fetch("s3://bucket/runs")


def test_a_package_that_the_scheme_needs(monkeypatch):
    fsspec = pytest.importorskip("fsspec")

    def not_installed(*_, **__):
        raise ImportError("Please install gcsfs", name="gcsfs")

    monkeypatch.setattr(fsspec, "filesystem", not_installed)
    with pytest.raises(UsageError, match="gs:// needs the package gcsfs"):
        remote.fetch("gs://bucket/runs")


def test_nothing_there():
    pytest.importorskip("fsspec")
    with pytest.raises(CannotJudge, match="no run below memory://nothing"):
        rldoctor.diagnose("memory://nothing")


def test_a_damaged_note_of_versions_costs_one_fetch(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/lab2/one/events.out.tfevents.1", b"")
    try:
        (place,) = remote.fetch("memory://lab2")
        (place / remote._VERSIONS_FILE).write_text("[")
        shutil.copy(SICK / "run.json", place / "run.json") if (SICK / "run.json").exists() else None
        assert remote.fetch("memory://lab2") == [place]
        assert (place / "events.out.tfevents.1").is_file()
    finally:
        memory.rm("/lab2", recursive=True)


@pytest.mark.slow
def test_very_many_runs_are_read_from_a_store_and_kept_in_it(bucket, tmp_path, capsys):
    pytest.importorskip("pyarrow", reason="needs the extra [parquet]")
    words = ["diagnose", "s3://lab/runs", "--format", "json", "--isolated"]
    assert command([*words, "--parquet", "s3://lab/results"]) == 1
    kept = capsys.readouterr().out
    # What was fetched for it has been deleted again.
    assert not (tmp_path / "cache").exists()
    names = [item["Key"] for item in bucket.list_objects_v2(Bucket="lab", Prefix="results")["Contents"]]
    assert sorted(name.rpartition("/")[2][:5] for name in names if not name.endswith("/")) == ["_resu", "part-"]
    assert command(words) == 1
    assert capsys.readouterr().out == kept
    assert command(["show", "s3://lab/results", "--where", 'path.endswith("good")', "--format", "json"]) == 0
    assert "s3://lab/runs/good" in capsys.readouterr().out
    assert command(["show", "s3://lab/nothing"]) == 2
