"""The laboratory's faults: every fault of ``rldoctor.experiments.faults``, others' mutation operators, and more."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.laboratory.faults import actions, algorithm, goals, logs, observations, rewards, settings
from benchmarks.laboratory.faults.fault import LOGS, NEUTRAL, Knob, LabFault, Site

ALL: dict[str, LabFault] = {
    fault.name: replace(fault, group=module.__name__.rpartition(".")[2])
    for module in (observations, actions, rewards, goals, settings, algorithm, logs)
    for fault in module.FAULTS
}

__all__ = ["ALL", "LOGS", "NEUTRAL", "Knob", "LabFault", "Site"]
