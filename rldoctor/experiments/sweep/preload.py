"""Loads what every trial needs; for a process from which those of trials are forked."""

from __future__ import annotations

import rldoctor.training.evaluate
import rldoctor.training.train  # noqa: F401
from rldoctor.environments.registry import register_robotics

register_robotics()
