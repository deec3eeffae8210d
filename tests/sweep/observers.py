"""An observer of sweeps."""

from __future__ import annotations


class Notes:
    """Keeps every notification; ``at`` is called with each trial's progress."""

    def __init__(self, at=lambda trial, progress: None):
        self.begun, self.over, self.elsewhere = [], {}, []
        self.at = at

    def began(self, trial, steps):
        self.begun.append((trial.name, steps))

    def progressed(self, trial, progress):
        self.at(trial, progress)

    def ended(self, trial, failure):
        self.over[trial.name] = failure

    def moved(self, trial, why):
        self.elsewhere.append((trial.name, why))
