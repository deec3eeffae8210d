"""Every fault of the reliability benchmark, tried briefly; docs/reliability.md has what came of trying them often."""

from __future__ import annotations

import pytest

from benchmarks.reliability import event_files, fuzzing, load, platforms, training, trust

TOPICS = (event_files, fuzzing, training, trust, load, platforms)
FAULTS = [
    pytest.param(
        fault,
        id=f"{topic.__name__.rpartition('.')[2]}: {fault.name}",
        marks=[pytest.mark.slow] if topic is training or fault.briefly > 100 else [],
    )
    for topic in TOPICS
    for fault in topic.FAULTS
    if fault.briefly
]


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(fault, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    reason = fault.why_not()
    if reason:
        pytest.skip(reason)
    assert fault.do(tmp_path, fault.briefly).tried >= 1
