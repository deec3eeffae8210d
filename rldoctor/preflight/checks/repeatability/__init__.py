"""Checks of what must be the same: from reset to reset, environment to environment, process to process."""
