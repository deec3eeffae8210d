"""The judgements of the machine checks, on given numbers: no test machine has every fault."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple

import pytest

from rldoctor import datafile
from rldoctor.environments import registry
from rldoctor.environments.registry import EnvironmentBroken
from rldoctor.errors import UsageError
from rldoctor.model import Severity
from rldoctor.preflight import gpu
from rldoctor.preflight.checks.interface import throughput
from rldoctor.preflight.checks.learning import learning_step
from rldoctor.preflight.checks.machine import gpu_usable, gpu_useful, gpu_visible, tensorboard_logs
from rldoctor.preflight.checks.machine.processor_threads import oversubscribed
from rldoctor.preflight.expectations import Expectation, load_expectations
from rldoctor.preflight.gpu import VisibleGpus
from rldoctor.preflight.one_update import LearningStep
from rldoctor.preflight.runner import run_preflight


def test_expectations_are_refused_by_file_and_key():
    good = {"envs": ["X-v0"], "title": "X", "reward": {"low": -1.0, "high": 0.0, "source": "s"}}
    assert datafile.check(good, Expectation, "x.toml").reward.low == -1.0
    for bad, words in (
        ({**good, "envs": []}, "x.toml: envs"),
        ({"envs": ["X-v0"]}, "x.toml: the key 'title' is missing"),
        ({**good, "rewards": {}}, "x.toml: unknown key 'rewards'. Did you mean reward"),
        ({**good, "reward": {"low": 1.0, "high": 0.0, "source": "s"}}, "x.toml: reward: low = 1.0"),
        ({**good, "reward": {"low": 1.0, "source": "s"}}, "x.toml: reward: low = 1.0 must be below high = None"),
        ({**good, "reward": {"low": -1.0, "high": 0.0}}, r"x.toml: the key 'reward\.source' is missing"),
        ({**good, "reward": {"dense": "yes", "source": "s"}}, r"reward\.dense = 'yes' must be true or false"),
        ({**good, "action": {"dead": [-1], "source": "s"}}, r"action\.dead = -1"),
        ({**good, "action": {"moves": [[1], [1, 2]], "source": "s"}}, "action: moves .* must be rows of one length"),
        ({**good, "action": {"moves": [[1], ["a"]], "source": "s"}}, r"action\.moves = 'a' must be a number"),
        ({**good, "observation": {"o": {"shape": [1], "dtype": "x"}, "source": "s"}}, r"observation\.o: dtype = 'x'"),
        ({**good, "observation": {"o": {"shape": [1], "dtype": "int"}}}, "observation must hold arrays and .* source"),
        ({**good, "observation": {"o": "text", "source": "s"}}, "observation must hold arrays"),
        ({**good, "episode": 3}, "x.toml: episode = 3 must be a table"),
    ):
        with pytest.raises(UsageError, match=words):
            datafile.check(bad, Expectation, "x.toml")


def test_shipped_expectations_load():
    known = load_expectations()
    assert known["FetchReachDense-v4"].reward.dense is True
    assert known["FetchReach-v4"].reward.dense is False
    assert {"CartPole-v1", "Pendulum-v1"} <= known.keys()


@pytest.mark.parametrize(
    ("cores", "torch_threads", "omp", "fires"),
    [(2, 2, None, False), (2, 1, "2", False), (2, 8, None, True), (4, 1, "16", True), (1, 1, "nonsense", False)],
)
def test_thread_oversubscription(cores, torch_threads, omp, fires):
    assert (oversubscribed(cores, torch_threads, omp) is not None) is fires


def test_gpu_visible():
    assert [f.name for f in gpu_visible.judge(VisibleGpus(problem="nvidia-smi is not installed"))] == ["gpu-none"]
    assert [f.name for f in gpu_visible.judge(VisibleGpus(hidden=2))] == ["gpu-hidden"]
    assert list(gpu_visible.judge(VisibleGpus(("NVIDIA H100",), "550.54"))) == []


def test_gpu_usable():
    assert gpu_usable.judge("2.13.0+cpu", None, False, "550.54").name == "gpu-torch-cpu-build"
    mismatch = gpu_usable.judge("2.13.0", "13.0", False, "470.82")
    assert mismatch.name == "gpu-driver-mismatch"
    assert "470.82" in mismatch.message
    assert gpu_usable.judge("2.13.0", "12.6", True, "550.54", "RuntimeError: no kernel").name == "gpu-unusable"
    assert gpu_usable.judge("2.13.0", "12.6", True, "550.54") is None


def test_gpu_useful():
    assert gpu_useful.judge(cpu_seconds=0.4e-3, gpu_seconds=0.6e-3).severity is Severity.NOTE
    assert gpu_useful.judge(cpu_seconds=40e-3, gpu_seconds=0.6e-3) is None
    assert 0 < gpu.update_seconds("cpu") < 1


def fake_nvidia_smi(folder, monkeypatch, script):
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_nvidia_smi_is_read(tmp_path, monkeypatch):
    fake_nvidia_smi(tmp_path, monkeypatch, "echo '550.54, NVIDIA H100 80GB HBM3'")
    seen = gpu.look()
    assert (seen.names, seen.driver, seen.problem) == (("NVIDIA H100 80GB HBM3",), "550.54", "")


def test_nvidia_smi_that_fails_is_no_crash(tmp_path, monkeypatch):
    fake_nvidia_smi(tmp_path, monkeypatch, "echo 'NVIDIA-SMI has failed: no driver'; exit 9")
    seen = gpu.look()
    assert (seen.names, seen.problem) == ((), "NVIDIA-SMI has failed: no driver")


@pytest.mark.parametrize(
    ("given", "names", "hidden"), [(0, (), 2), (1, ("NVIDIA A100",), 1), (2, ("NVIDIA A100",) * 2, 0)]
)
def test_gpus_without_nvidia_smi(tmp_path, monkeypatch, given, names, hidden):
    """The driver's folder lists all GPUs of the machine; a container can access only those with a device file."""
    for number in range(2):
        folder = tmp_path / "driver" / "gpus" / str(number)
        folder.mkdir(parents=True)
        (folder / "information").write_text("Model: \t\t NVIDIA A100\nIRQ: 1\n")
    for number in range(given):
        (tmp_path / f"nvidia{number}").write_text("")
    monkeypatch.setattr(gpu, "_DRIVER", tmp_path / "driver")
    monkeypatch.setattr(gpu, "_DEVICES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    seen = gpu.look()
    assert (seen.names, seen.hidden, seen.problem) == (names, hidden, "nvidia-smi is not installed")


def test_run_directory_that_is_a_file(tmp_path):
    place = tmp_path / "file"
    place.write_text("")
    result = run_preflight("CartPole-v1", directory=place / "runs", select=["SYS104"])
    assert [f.name for f in result.findings] == ["run-directory-not-writable"]
    assert [e.outcome for e in result.checks] == ["fired", "not-run"]


@pytest.mark.parametrize(("free", "name"), [(50e6, "disk-full"), (500e6, "disk-nearly-full"), (50e9, None)])
def test_disk_space(tmp_path, monkeypatch, free, name):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(1, 1, free))
    result = run_preflight("CartPole-v1", directory=tmp_path / "not" / "yet", select=["SYS103"])
    assert [f.name for f in result.findings] == ([name] if name else [])
    assert list(tmp_path.iterdir()) == []


def test_tensorboard_that_loses_values(tmp_path, monkeypatch):
    assert tensorboard_logs.write_and_read(tmp_path) == pytest.approx([1.0, -2.5, 3e-4])
    monkeypatch.setattr(tensorboard_logs, "write_and_read", lambda folder: [1.0])
    result = run_preflight("CartPole-v1", directory=tmp_path, select=["SYS104"])
    assert [f.name for f in result.findings] == ["tensorboard-broken"]


@pytest.mark.parametrize(("rate", "fires"), [(499.0, True), (501.0, False)])
def test_throughput_against_the_warning_line(monkeypatch, rate, fires):
    monkeypatch.setattr(throughput, "steps_per_second", lambda context: rate)
    result = run_preflight("CartPole-v1", select=["SYS301"])
    assert [f.name for f in result.findings] == (["environment-slow"] if fires else [])
    assert result.facts["steps_per_second"] == round(rate)


def test_package_that_cannot_be_imported_is_not_an_unknown_id(monkeypatch):
    """Parts of two mujoco versions make gymnasium-robotics fail at import; its ids are then simply missing."""
    monkeypatch.setattr(registry, "register_robotics", lambda: ImportError("Version mismatch"))
    with pytest.raises(EnvironmentBroken, match="Version mismatch"):
        registry.resolve("FetchReachDense-v99")
    assert registry.resolve("CartPole-v1").id == "CartPole-v1"
    result = run_preflight("FetchReachDense-v99", select=["ENV102"])
    assert [f.name for f in result.findings] == ["environment-broken"]


HEALTHY = LearningStep(256, 20, 1e-6, 0.5, 2.0, 0.4, 0.01, ())


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, []),
        ({"not_finite": ("train/loss",), "critic_after": float("nan")}, ["update-not-finite"]),
        ({"ratio_error": 0.01}, ["first-ratio-not-one"]),
        ({"moved": 0.0, "critic_after": 2.0}, ["weights-unmoved"]),
        ({"advantage_std": 0.0}, ["advantages-constant"]),
        ({"critic_after": 2.5}, ["critic-error-not-falling"]),
    ],
)
def test_learning_step_is_judged(change, names):
    from dataclasses import replace

    assert [finding.name for finding in learning_step.judge(replace(HEALTHY, **change))] == names
