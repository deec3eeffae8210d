from __future__ import annotations

import getpass
import importlib.metadata
import importlib.util
import json
import os
import platform
import socket

from rldoctor import machine


def test_versions_are_those_installed():
    versions = machine.versions()
    assert versions["python"] == platform.python_version()
    # The extra [fast] may be left out, as by the README's test command; everything else is there.
    present = {name for name in machine.DISTRIBUTIONS if name != "envpool" or importlib.util.find_spec("envpool")}
    for name in machine.DISTRIBUTIONS:
        assert versions[name] == (importlib.metadata.version(name) if name in present else None)


def test_what_is_not_installed_has_no_version():
    assert machine.version("no-such-distribution-anywhere") is None


def test_describe_is_plain_data_without_names_of_host_or_user():
    text = json.dumps(machine.describe(), allow_nan=False)
    about = json.loads(text)
    assert set(about) == {"system", "architecture", "processor", "cores", "memory_gib"}
    assert about["system"] == platform.system()
    assert 1 <= about["cores"] <= os.cpu_count()
    assert about["memory_gib"] > 0
    words = set(text.replace('"', " ").split())
    assert socket.gethostname() not in words
    assert getpass.getuser() not in words


def test_cores_follow_the_affinity(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    assert machine.cores() == 1
