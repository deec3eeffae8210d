"""The fault laboratory: trainings broken on purpose, in known ways, to measure the doctor with.

Each family module declares its faults as entries (`Fault`); :func:`all_faults` finds them by package walk.
"""

from rldoctor.experiments.faults.fault import Fault, all_faults, find
from rldoctor.experiments.faults.run import train_with_fault

__all__ = ["Fault", "all_faults", "find", "train_with_fault"]
